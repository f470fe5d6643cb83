//! Who did it, in the guard's words.

use serde::{Deserialize, Serialize};

use super::events::is_root_type;
use super::record::Record;

/// Who made a call, from where, and with what. All text is as CloudTrail has it, and parts of it
/// (session name, user agent) were chosen by the caller: escape it where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// What kind of caller.
    pub kind: ActorKind,
    /// The caller's ARN; a session's own one for a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The caller's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The name of the user, of the role behind a session, or of the AWS service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name the session was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// The ARN of the role behind a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whether the caller used MFA; `None` where CloudTrail does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
    /// The address it came from, or the AWS service's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// The caller's user agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The AWS service that made the call for the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<String>,
    /// The account of the product partner that acts by temporary delegation, in this caller's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate: Option<String>,
    /// It is not the root user, but a session that the organization's management got by AssumeRoot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assumed_root: bool,
    /// The access key that signed the call (`AKIA…` long-term, `ASIA…` of a session).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// What it was done with.
    pub tool: Tool,
}

/// `userIdentity.type`; in JSON the text that CloudTrail has there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ActorKind {
    /// The root user.
    Root,
    /// An IAM user.
    IamUser,
    /// A session of a role.
    AssumedRole,
    /// A session got by GetFederationToken.
    FederatedUser,
    /// A caller of another account.
    AwsAccount,
    /// An AWS service.
    AwsService,
    /// A user of an identity provider (SAML, web identity, IAM Identity Center, directory).
    Identity(String),
    /// A type CloudTrail has and we do not, or none at all (empty).
    Other(String),
}

/// What a call was made with, as far as the record tells. A user agent is the caller's word:
/// good enough to explain a change, never to excuse it.
/// In JSON one word, or `service:` and the service's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Tool {
    /// A CloudFormation stack (also SAM, CDK): the next deploy repeats the change.
    CloudFormation,
    /// Terraform or OpenTofu: the next apply repeats the change.
    Terraform,
    /// Pulumi: the next update repeats the change.
    Pulumi,
    /// The AWS console.
    Console,
    /// The AWS command line.
    CommandLine,
    /// An AWS service on someone's behalf.
    Service(String),
    /// Something else; the user agent says what.
    Other,
}

impl Actor {
    /// Who, in a few words.
    pub fn in_words(&self) -> String {
        let name = self.name.as_deref().unwrap_or("someone without a name");
        if let Some(partner) = &self.delegate {
            let caller = Actor {
                delegate: None,
                ..self.clone()
            };
            return format!(
                "account {partner}, by temporary delegation of {}",
                caller.in_words()
            );
        }
        match &self.kind {
            ActorKind::Root if self.assumed_root => {
                "an assumed-root session of the organization's management".to_owned()
            }
            ActorKind::Root => "the root user".to_owned(),
            ActorKind::IamUser => format!("IAM user {name}"),
            ActorKind::AssumedRole => match &self.session_name {
                Some(session) => format!("role {name}, session {session}"),
                None => format!("role {name}"),
            },
            ActorKind::FederatedUser => format!("federated user {name}"),
            ActorKind::AwsAccount => "a principal of another account".to_owned(),
            ActorKind::AwsService => format!("the AWS service {name}"),
            ActorKind::Identity(kind) => format!("{kind} {name}"),
            ActorKind::Other(kind) if kind.is_empty() => name.to_owned(),
            ActorKind::Other(kind) => format!("{kind} {name}"),
        }
    }
}

impl Tool {
    /// A tool that repeats the change by itself, so that the source has to be changed.
    pub fn repeats(&self) -> bool {
        matches!(self, Self::CloudFormation | Self::Terraform | Self::Pulumi)
    }

    /// As people call it; `None` for [`Tool::Other`].
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::CloudFormation => Some("CloudFormation"),
            Self::Terraform => Some("Terraform"),
            Self::Pulumi => Some("Pulumi"),
            Self::Console => Some("the AWS console"),
            Self::CommandLine => Some("the AWS CLI"),
            Self::Service(service) => Some(service),
            Self::Other => None,
        }
    }

    fn of(record: &Record) -> Self {
        let agent = record.user_agent.as_deref().unwrap_or_default();
        let invoked_by = record.identity.invoked_by.as_deref();
        let through = |service: &str| {
            [
                invoked_by,
                record.user_agent.as_deref(),
                record.source_ip.as_deref(),
            ]
            .into_iter()
            .flatten()
            .any(|word| word.eq_ignore_ascii_case(service))
        };
        // A service's call bears the service's name, a tool's one a product list.
        if through("cloudformation.amazonaws.com") {
            return Self::CloudFormation;
        }
        // A person in the console, and AWS without a name.
        let no_service = ["signin.amazonaws.com", "AWS Internal"];
        match invoked_by.filter(|name| no_service.iter().all(|no| !name.eq_ignore_ascii_case(no))) {
            Some(service) => return Self::Service(service.to_owned()),
            None if through("signin.amazonaws.com") => return Self::Console,
            None => {}
        }
        let agent = agent.to_ascii_lowercase();
        if agent.contains("terraform") || agent.contains("opentofu") {
            Self::Terraform
        } else if agent.contains("pulumi") {
            Self::Pulumi
        } else if agent.contains("cloudformation") {
            Self::CloudFormation
        } else if agent.starts_with("aws-cli/") {
            Self::CommandLine
        } else if agent.contains("console.amazonaws.com")
            || agent.contains("console.aws.amazon.com")
            || agent.contains("signin.aws.amazon.com")
            || agent.contains("aws-internal/")
            || agent == "aws internal"
            || agent.starts_with("mozilla/")
        {
            Self::Console
        } else {
            Self::Other
        }
    }
}

impl ActorKind {
    fn of(record: &Record) -> Self {
        let identity = &record.identity;
        let Some(kind) = identity.kind.as_deref() else {
            // Without a type an ARN still tells the root user, and nothing less should pass for it.
            return match identity.arn.as_deref() {
                Some(arn) if arn.starts_with("arn:") && arn.ends_with(":root") => Self::Root,
                _ => Self::Other(String::new()),
            };
        };
        Self::from(kind.to_owned())
    }
}

impl From<String> for ActorKind {
    fn from(kind: String) -> Self {
        let is = |name: &str| kind.eq_ignore_ascii_case(name);
        if is_root_type(&kind) {
            Self::Root
        } else if is("IAMUser") {
            Self::IamUser
        } else if is("AssumedRole") || is("Role") {
            Self::AssumedRole
        } else if is("FederatedUser") {
            Self::FederatedUser
        } else if is("AWSAccount") {
            Self::AwsAccount
        } else if is("AWSService") {
            Self::AwsService
        } else if is("SAMLUser")
            || is("WebIdentityUser")
            || is("IdentityCenterUser")
            || is("Directory")
        {
            Self::Identity(kind)
        } else {
            Self::Other(kind)
        }
    }
}

impl From<ActorKind> for String {
    fn from(kind: ActorKind) -> Self {
        match kind {
            ActorKind::Root => "Root".to_owned(),
            ActorKind::IamUser => "IAMUser".to_owned(),
            ActorKind::AssumedRole => "AssumedRole".to_owned(),
            ActorKind::FederatedUser => "FederatedUser".to_owned(),
            ActorKind::AwsAccount => "AWSAccount".to_owned(),
            ActorKind::AwsService => "AWSService".to_owned(),
            ActorKind::Identity(kind) | ActorKind::Other(kind) => kind,
        }
    }
}

impl From<String> for Tool {
    fn from(tool: String) -> Self {
        match tool.as_str() {
            "cloudformation" => Self::CloudFormation,
            "terraform" => Self::Terraform,
            "pulumi" => Self::Pulumi,
            "console" => Self::Console,
            "cli" => Self::CommandLine,
            other => match other.strip_prefix("service:") {
                Some(service) => Self::Service(service.to_owned()),
                None => Self::Other,
            },
        }
    }
}

impl From<Tool> for String {
    fn from(tool: Tool) -> Self {
        match tool {
            Tool::CloudFormation => "cloudformation".to_owned(),
            Tool::Terraform => "terraform".to_owned(),
            Tool::Pulumi => "pulumi".to_owned(),
            Tool::Console => "console".to_owned(),
            Tool::CommandLine => "cli".to_owned(),
            Tool::Service(service) => format!("service:{service}"),
            Tool::Other => "other".to_owned(),
        }
    }
}

impl Record {
    /// Who did it.
    pub fn actor(&self) -> Actor {
        let identity = &self.identity;
        let kind = ActorKind::of(self);
        // arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
        let (role, session_name) = identity
            .arn
            .as_deref()
            .and_then(|arn| arn.split_once(":assumed-role/"))
            .and_then(|(_, rest)| rest.rsplit_once('/'))
            .map_or((None, None), |(role, session)| {
                (Some(role.to_owned()), Some(session.to_owned()))
            });
        let name = match kind {
            ActorKind::Root => Some("root".to_owned()),
            ActorKind::AwsService => identity.invoked_by.clone(),
            ActorKind::AssumedRole => identity.issuer.user_name.clone().or(role),
            _ => identity.user_name.clone().or_else(|| {
                let (_, path) = identity.arn.as_deref()?.split_once(":user/")?;
                path.rsplit('/').next().map(str::to_owned)
            }),
        };
        let signed_in_with_mfa = match self
            .additional
            .get("MFAUsed")
            .and_then(|used| used.as_str())
        {
            Some(used) if used.eq_ignore_ascii_case("yes") => Some(true),
            Some(used) if used.eq_ignore_ascii_case("no") => Some(false),
            _ => None,
        };
        Actor {
            arn: identity.arn.clone(),
            account: identity.account.clone(),
            name,
            session_name,
            issuer: identity.issuer.arn.clone(),
            mfa: signed_in_with_mfa.or(identity.mfa),
            source_ip: self.source_ip.clone(),
            user_agent: self.user_agent.clone(),
            invoked_by: identity.invoked_by.clone(),
            delegate: identity.delegate.clone(),
            assumed_root: identity.assumed_root,
            access_key_id: identity.access_key_id.clone(),
            tool: Tool::of(self),
            kind,
        }
    }

    /// The root user did it, and not AWS in the root user's name.
    pub fn by_root(&self) -> bool {
        self.root_identity() && !self.by_aws()
    }

    pub(super) fn root_identity(&self) -> bool {
        ActorKind::of(self) == ActorKind::Root
    }

    pub(super) fn by_aws(&self) -> bool {
        let service = self.identity.invoked_by.as_deref();
        // A person in the console.
        service.is_some_and(|service| !service.eq_ignore_ascii_case("signin.amazonaws.com"))
            || self
                .event_type
                .as_deref()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("AwsServiceEvent"))
    }
}
