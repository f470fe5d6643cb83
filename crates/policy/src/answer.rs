//! The answer: who can assume the role, what they must prove, and a request that shows it.
//!
//! These are the public types of the analysis. Field by field they mean what the crate's README
//! says; every list is sorted, every field is always present, and whatever could not be decided
//! stands here as open, never as closed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Who can assume a role by one trust document, as an upper bound: SCPs, RCPs and the caller's own
/// policies are not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// IAM accepts the document as a role trust policy, or AWS documents no rule against it.
    pub valid: bool,
    /// Why IAM would refuse the document. Empty exactly when `valid`.
    pub errors: Vec<Problem>,
    /// What IAM accepts (or decides by facts outside the document) and a person should still know.
    pub warnings: Vec<Problem>,
    /// An AWS principal of an account that the document does not name can assume the role.
    pub public: bool,
    /// Accounts other than the own one with at least one principal that has access.
    pub external_accounts: Vec<String>,
    /// Organizations whose accounts have access without being named.
    pub organizations: Vec<String>,
    /// AWS service principals that have access by name: as principals, or where a condition or a Deny
    /// leaves of everyone no other service.
    pub services: Vec<String>,
    /// Any AWS service has access, since everyone does; none of them is in `services` for that.
    pub any_service: bool,
    /// Accounts on whose behalf services may act; `["*"]` when nothing limits that for one of
    /// `services`. Of any service only what limits it is told.
    pub service_source_accounts: Vec<String>,
    /// An unnamed account has access, limited only by network.
    pub any_account_from_network: bool,
    /// A principal has access whose account the document does not tell.
    pub unknown_account: bool,
    /// Identity providers that can really be used.
    pub federated: Vec<String>,
    /// Those of `federated` through which a third party of the intended tenant has access.
    pub federated_open: Vec<String>,
    /// What external AWS principals must say as external id, the weakest path counting.
    pub external_id: ExternalIdNeed,
    /// Every external path is limited by something a third party cannot choose.
    pub guarded: bool,
    /// An accepted external id can be guessed.
    pub guessable: bool,
    /// Accounts with a path that is not guarded.
    pub unguarded_accounts: Vec<String>,
    /// Every external AWS path needs multi-factor authentication.
    pub mfa_required: bool,
    /// Unique ids (`AROA…`, `AIDA…`) under `Principal`: in a document as IAM shows it what is left of
    /// deleted principals; as it was sent, living ones of accounts that it does not tell.
    pub orphaned: Vec<String>,
    /// A usable provider lives in another account.
    pub foreign_provider: bool,
    /// The last moment any external path is open; `None` when one never ends or there is none.
    pub expires: Option<jiff::Timestamp>,
    /// The ways in, one each; also those of the own account and of AWS services.
    pub grants: Vec<Grant>,
}

/// Something IAM would refuse, or a person should know, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// JSON path, as `$.Statement[0].Principal.AWS`.
    pub path: String,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// What is wrong and what was meant: lower case, no full stop.
    pub message: String,
}

/// What the weakest external AWS path must say as `sts:ExternalId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalIdNeed {
    /// The caller may leave it out.
    NotRequired,
    /// The caller must leave it out.
    Forbidden,
    /// Some value, whichever.
    AnyValue,
    /// A value that fits a pattern or escapes an exclusion.
    Pattern,
    /// One of a list of fixed values.
    Required,
    /// Conditions on the external id let nobody in.
    Unsatisfiable,
    /// No external AWS principal is named, or none has access for another reason.
    None,
}

/// One way in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Who has access, as narrowly as the document says.
    pub principal: Who,
    /// Of services: the accounts on whose behalf they may act by this way, `["*"]` when nothing
    /// limits that. Empty for all others, and where the account is limited by organization alone.
    pub on_behalf_of: Vec<String>,
    /// The `sts:` actions allowed by this way, sorted (`sts:AssumeRole`, `sts:TagSession` …).
    pub actions: Vec<String>,
    /// What must hold, one entry a condition key, sorted by key. What `principal` already says
    /// (account, ARN, organization) is not repeated.
    pub restrictions: Vec<Restriction>,
    /// Index of the Allow statement that grants it.
    pub statement: usize,
    /// Its Sid, where it has one.
    pub sid: Option<String>,
    /// `false`: the exact set was too costly to decide and is reported as open.
    pub decided: bool,
    /// `true`: `principal` and `restrictions` say all there is, so that every request that fits
    /// them has access. `false`: some of those are kept out by what these two cannot say, as one
    /// session of a role, or a part of a pattern. Nobody has access whom they do not fit, either way.
    pub exact: bool,
    /// A request that is allowed by this grant, confirmed by the evaluator; `None` where witnesses
    /// were not asked for.
    pub witness: Option<Request>,
}

impl Grant {
    /// The restriction on one condition key (compared without case), if any.
    pub fn restriction(&self, key: &str) -> Option<&Restriction> {
        self.restrictions
            .iter()
            .find(|found| found.key.eq_ignore_ascii_case(key))
    }
}

/// Who has access by a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Who {
    /// Any AWS principal of any account (restrictions may name a network).
    Anyone,
    /// Any AWS principal of an organization, by id, or of a part of it, by path.
    Organization {
        /// `o-…`.
        id: String,
        /// An organization path pattern, where only a part of the organization has access.
        path: Option<String>,
    },
    /// Any principal of one account.
    Account {
        /// 12 digits.
        account: String,
    },
    /// One principal, or those that fit an ARN pattern within one account.
    Principal {
        /// 12 digits.
        account: String,
        /// A role, user, session or federated user, or an ARN pattern from a condition.
        arn: String,
    },
    /// A unique id, whose account the document does not tell.
    UniqueId {
        /// `AROA…` or `AIDA…`.
        id: String,
    },
    /// An AWS service.
    Service {
        /// As `ec2.amazonaws.com`.
        service: String,
    },
    /// Any AWS service.
    AnyService,
    /// A SAML, OIDC, Cognito or other web-identity provider.
    Federated {
        /// As the document names it; where that says everyone, `*` for any provider of web
        /// identities, and a name that ends so for any SAML provider.
        provider: String,
        /// The account whose provider it is; `None` for the built-in ones.
        account: Option<String>,
        /// A third party of the intended tenant has access.
        open: bool,
    },
}

/// What one condition key must be for a grant to hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restriction {
    /// The condition key, spelt as AWS documents it.
    pub key: String,
    /// A request without the key is allowed as well.
    pub may_be_absent: bool,
    /// The values with which a request is allowed.
    pub values: Values,
}

/// A set of values of a condition key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "values", rename_all = "snake_case")]
pub enum Values {
    /// No value: the key must be absent.
    None,
    /// Every value.
    Any,
    /// Exactly these, sorted.
    OneOf(Vec<String>),
    /// These without regard to case, sorted.
    OneOfIgnoringCase(Vec<String>),
    /// Those that fit one of these patterns (`*`, `?`), sorted.
    Like(Vec<String>),
    /// Addresses within one of these networks, sorted.
    Networks(Vec<String>),
    /// Every value but some: said in words, for display.
    Except(String),
    /// A range of numbers or moments: said in words, for display.
    Range(String),
    /// Anything else: said in words, for display. Treat as open.
    Other(String),
}

/// One concrete request to enter a role: the shape of a witness and the input of
/// [`crate::evaluate`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// Who calls.
    pub principal: RequestPrincipal,
    /// `sts:AssumeRole`, `sts:AssumeRoleWithSAML`, `sts:AssumeRoleWithWebIdentity` …
    pub action: String,
    /// Condition keys and their values. Keys that follow from the principal may be left out; an
    /// empty list says that the request goes without a key (`aws:SourceAccount` follows from
    /// `aws:SourceArn`, and a service need not tell it).
    #[serde(default)]
    pub context: BTreeMap<String, Vec<String>>,
}

/// The caller of a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestPrincipal {
    /// `AWS`, `Service` or `Federated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// An ARN, a service's name, a provider.
    pub value: String,
}
