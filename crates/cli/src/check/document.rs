//! A trust document that `check` judges, and what its file tells of the role.

use policy::Origin;

use super::pending::Pending;
use crate::audit::export::ExportError;
use guard::template::NodeError;

/// A trust document, and the role it belongs to as far as the file tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RoleDocument {
    /// Plain JSON text; `None` where it is known at deployment alone.
    pub(crate) text: Option<String>,
    /// The role's name.
    pub(crate) name: Option<String>,
    /// The role's ARN.
    pub(crate) arn: Option<String>,
    /// The path, as `/service-role/`.
    pub(crate) path: Option<String>,
    /// The role's account, from its ARN.
    pub(crate) account: Option<String>,
    /// Its logical id in a template, its address in a plan.
    pub(crate) address: Option<String>,
    /// The line of the file on which `text` begins, or what it belongs to.
    pub(crate) first_line: Option<usize>,
    /// The lines of `text` are those of the file, from there on.
    pub(crate) exact: bool,
    /// As IAM shows it, or as somebody sends it.
    pub(crate) origin: Origin,
    /// What is known at deployment alone.
    pub(crate) pending: Pending,
    /// The role's policies that the file holds.
    pub(crate) policies: Vec<PolicyText>,
    /// Its permissions boundary.
    pub(crate) boundary: Option<PolicyText>,
    /// It is no role, but this identity provider.
    pub(crate) provider: Option<String>,
}

/// A policy of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyText {
    pub(crate) name: String,
    pub(crate) arn: Option<String>,
    /// `None`: the file does not hold it.
    pub(crate) document: Option<String>,
}

impl PolicyText {
    /// A managed policy, by its ARN, or by the name of one of AWS's, as SAM takes it.
    pub(crate) fn managed(arn: &str) -> Self {
        let name = arn.rsplit('/').next().unwrap_or(arn).to_owned();
        let arn = if arn.starts_with("arn:") {
            arn.to_owned()
        } else {
            format!("arn:aws:iam::aws:policy/{arn}")
        };
        Self {
            name,
            arn: Some(arn),
            document: None,
        }
    }

    pub(crate) fn as_policy(&self) -> permissions::Policy<'_> {
        permissions::Policy {
            name: &self.name,
            arn: self.arn.as_deref(),
            document: self.document.as_deref(),
        }
    }
}

impl RoleDocument {
    /// A document that is sent to IAM, of which nothing else is known.
    pub(super) fn sent(text: Option<String>) -> Self {
        Self {
            text,
            name: None,
            arn: None,
            path: None,
            account: None,
            address: None,
            first_line: None,
            exact: false,
            origin: Origin::Sent,
            pending: Pending::default(),
            policies: Vec::new(),
            boundary: None,
            provider: None,
        }
    }
}

/// A file without trust documents.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoDocumentsError {
    /// Not JSON.
    #[error("it is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// A template that is not JSON or YAML.
    #[error(transparent)]
    NotRead(#[from] NodeError),
    /// What the AWS CLI prints, and damaged.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// One of its objects cannot be read.
    #[error("{0}")]
    Element(String),
    /// A page is missing.
    #[error(
        "it says that more pages follow, and none does: write it again without --max-items and \
         --no-paginate"
    )]
    Unfinished,
    /// The AWS CLI's, in another format.
    #[error("it is {0}, not JSON: write it again with `--output json`")]
    OtherOutput(&'static str),
    /// Terraform's own language, or its plan file.
    #[error("it is Terraform's own: give what `terraform show -json PLANFILE` prints")]
    Terraform,
    /// A plan that is not whole.
    #[error("Terraform failed while it made the plan (`errored`)")]
    Errored,
    /// An unrecognized document.
    #[error(
        "it is neither a trust policy (an object with `Statement`) nor what `aws iam get-role`, \
         `list-roles` or `get-account-authorization-details` print, nor a CloudFormation template \
         (an object with `Resources`), nor what `terraform show -json` prints"
    )]
    Unknown,
    /// A role without its document.
    #[error("role {role} in it has no AssumeRolePolicyDocument")]
    NoDocument {
        /// Its name, or its logical id.
        role: String,
    },
}

/// On which line of `file` its part `part` begins.
pub(super) fn line_of(part: &str, file: &str) -> usize {
    let offset = part.as_ptr().addr().saturating_sub(file.as_ptr().addr());
    let before = file.as_bytes().get(..offset).unwrap_or_default();
    1 + memchr::memchr_iter(b'\n', before).count()
}
