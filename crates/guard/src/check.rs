//! The checks: codes, default severities and what follows from them. Codes and severities are
//! API; `docs/checks/CODE.md` explains each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

/// How bad a finding is. Uppercase in JSON, any case where people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Worth knowing.
    Informational,
    /// To be tidied up.
    Low,
    /// To be looked at this week.
    Medium,
    /// To be looked at today.
    High,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// All, mildest first.
    pub const ALL: [Self; 5] = [
        Self::Informational,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// As JSON and alerts write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Informational => "INFORMATIONAL",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// One step worse; `CRITICAL` stays.
    pub fn raised(self) -> Self {
        match self {
            Self::Informational => Self::Low,
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that is no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a severity; use one of informational, low, medium, high, critical")]
pub struct UnknownSeverity(pub String);

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(text: &str) -> Result<Self, UnknownSeverity> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownSeverity(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Severity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Severity".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How bad a finding is, in any case.",
            "enum": [
                "informational", "low", "medium", "high", "critical",
                "INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL",
            ]
        })
    }
}

/// What a finding's check asks of the remediator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Nothing is undone; people act.
    None,
    /// The trust policy is remediated.
    TrustPolicy,
    /// The access key is deactivated, where the rules ask for it.
    AccessKey,
    /// The change of permissions is undone, where the rules ask for it.
    Permissions,
}

/// What an exemption from a check names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExemptionOf {
    /// A role, and the external account that it may trust so.
    RoleAndAccount,
    /// A role.
    Role,
    /// A user.
    User,
    /// A resource, and the external account that may have it, or everyone.
    ResourceAndAccount,
}

macro_rules! checks {
    ($($variant:ident $code:literal $severity:ident $remedy:ident $title:literal;)*) => {
        /// A check, by its kebab-case code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Check {
            $(#[doc = $title] #[serde(rename = $code)] $variant,)*
        }

        impl Check {
            /// All, in the order of the design's table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its code, as `missing-external-id`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Severity where the rules do not say otherwise.
            pub fn default_severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What the remediator may do about it.
            pub fn remedy(self) -> Remedy {
                match self { $(Self::$variant => Remedy::$remedy,)* }
            }

            /// What it means, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

checks! {
    PublicTrust "public-trust" Critical TrustPolicy "any AWS account can assume the role";
    UnknownThirdParty "unknown-third-party" Critical TrustPolicy "an account that no rule covers can assume the role";
    OpenIdentityProvider "open-identity-provider" Critical TrustPolicy "any tenant of an identity provider can assume the role";
    UnknownIdentityProvider "unknown-identity-provider" High TrustPolicy "users of an identity provider that no rule covers can assume the role";
    RoleNotRegistered "role-not-registered" High TrustPolicy "a known vendor can assume a role that its rule does not name";
    MissingExternalId "missing-external-id" High TrustPolicy "a vendor can assume the role without an external id";
    WrongExternalId "wrong-external-id" High TrustPolicy "the external id is not the one the rules name";
    ExpiredAccess "expired-access" High TrustPolicy "a vendor's access has expired, and it can still assume the role";
    BroadPrincipal "broad-principal" High TrustPolicy "the whole vendor account can assume the role, and the rule names principals";
    WeakExternalId "weak-external-id" Medium None "the external id can be guessed, or any value will do";
    SharedExternalId "shared-external-id" Medium None "the same external id serves several roles or vendors";
    ConfusedDeputyService "confused-deputy-service" Informational None "a service can assume the role on behalf of any account";
    MachineIdentityService "machine-identity-service" Medium None "machines outside AWS can get the role's credentials, and no rule names them";
    OrphanedPrincipal "orphaned-principal" Low None "the role names a principal that was deleted";
    UnreadablePolicy "unreadable-policy" High None "the trust policy could not be read, so it could not be judged";
    KnownAtDeployment "known-at-deployment" Informational None "a part of the trust policy is known only at deployment";
    ThirdPartyAccessKey "third-party-access-key" High AccessKey "a third party got a long-term access key";
    AccessKeyCreated "access-key-created" High AccessKey "a user who is not allowed one got an access key";
    FirstAccessKey "first-access-key" Medium None "a user who is new, or whose permissions changed, got an access key";
    ConsolePasswordCreated "console-password-created" High None "a console password was set";
    CredentialCreated "credential-created" High None "a user got a long-term credential that is no access key";
    MfaRemoved "mfa-removed" High None "an MFA device was taken away";
    SessionLengthened "session-lengthened" Medium None "sessions of a role may last longer";
    RootAccessKey "root-access-key" Critical None "the root user got an access key";
    AccessKeyTooOld "access-key-too-old" Medium None "an access key is older than the rules allow";
    AccessKeyUnused "access-key-unused" Medium None "an access key is not used";
    PasswordUnused "password-unused" Medium None "a user has a console password and does not use it";
    TwoActiveKeys "two-active-keys" Low None "a user has two active access keys";
    UserWithoutMfa "user-without-mfa" High None "a user signs in to the console without MFA";
    RootMfaMissing "root-mfa-missing" Critical None "the root user has no MFA device";
    PolicyOnUser "policy-on-user" Low None "a policy is attached to a user, not to a group";
    ReachableThroughRole "reachable-through-role" High None "a third party reaches the role through a role or user of the account";
    UnusedRole "unused-role" Medium None "a third party can assume a role that nobody uses";
    ExpiresSoon "expires-soon" Low None "what the rules allow ends soon";
    UnusedRule "unused-rule" Low None "nothing in the account needs the rule";
    AdminAccess "admin-access" High Permissions "a role that third parties can assume has nearly full access";
    IamAccess "iam-access" High Permissions "a role that third parties can assume can change IAM permissions";
    PrivilegeEscalation "privilege-escalation" High Permissions "a role that third parties can assume can gain more permissions";
    OverCeiling "over-ceiling" Medium Permissions "a role can do more than its vendor's rule allows";
    WriteWildcard "write-wildcard" Medium Permissions "a wildcard gives third parties write access";
    DataAccess "data-access" Medium Permissions "third parties can read data in any resource";
    ResourceExposure "resource-exposure" Medium None "third parties can share any resource, or blind the account";
    PermissionUnused "permission-unused" Low None "a role that third parties can assume has permissions it never used";
    UnreadablePermissions "unreadable-permissions" High None "a policy could not be read, so third parties' permissions are not known";
    RootSignIn "root-sign-in" Critical None "the root user signed in";
    RootWithoutMfa "root-without-mfa" Critical None "the root user signed in without MFA";
    RootActivity "root-activity" Critical None "the root user called an API";
    RootSignInFailed "root-sign-in-failed" Medium None "a root sign-in failed";
    IdentityProviderChanged "identity-provider-changed" Critical None "an identity provider was changed";
    ResourceShared "resource-shared" High None "a resource is shared with somebody no rule names";
    GuardTampered "guard-tampered" Critical None "someone changed the guard, or used its role";
    GuardBlind "guard-blind" Critical None "the guard cannot see changes";
}

impl Check {
    /// What an exemption from it names; `None`: there is no reason to accept it.
    pub fn exemption(self) -> Option<ExemptionOf> {
        match self {
            Self::UnknownThirdParty
            | Self::RoleNotRegistered
            | Self::MissingExternalId
            | Self::WrongExternalId
            | Self::ExpiredAccess
            | Self::BroadPrincipal
            | Self::WeakExternalId
            | Self::SharedExternalId
            | Self::ConfusedDeputyService
            | Self::AdminAccess
            | Self::IamAccess
            | Self::PrivilegeEscalation
            | Self::OverCeiling
            | Self::WriteWildcard
            | Self::DataAccess
            | Self::ResourceExposure
            | Self::PermissionUnused => Some(ExemptionOf::RoleAndAccount),
            Self::UnusedRole
            | Self::MachineIdentityService
            | Self::ReachableThroughRole
            | Self::SessionLengthened => Some(ExemptionOf::Role),
            Self::ThirdPartyAccessKey
            | Self::AccessKeyCreated
            | Self::FirstAccessKey
            | Self::AccessKeyTooOld
            | Self::AccessKeyUnused
            | Self::PasswordUnused
            | Self::TwoActiveKeys
            | Self::UserWithoutMfa
            | Self::ConsolePasswordCreated
            | Self::CredentialCreated
            | Self::MfaRemoved
            | Self::PolicyOnUser => Some(ExemptionOf::User),
            Self::ResourceShared => Some(ExemptionOf::ResourceAndAccount),
            _ => None,
        }
    }

    /// It says what somebody may do who is in, not who can assume the role.
    pub fn is_about_permissions(self) -> bool {
        matches!(
            self,
            Self::AdminAccess
                | Self::IamAccess
                | Self::PrivilegeEscalation
                | Self::OverCeiling
                | Self::WriteWildcard
                | Self::DataAccess
                | Self::ResourceExposure
                | Self::PermissionUnused
                | Self::UnreadablePermissions
        )
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A code that names no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a check")]
pub struct UnknownCheck(pub String);

impl FromStr for Check {
    type Err = UnknownCheck;

    fn from_str(text: &str) -> Result<Self, UnknownCheck> {
        Self::ALL
            .iter()
            .copied()
            .find(|check| check.code().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownCheck(text.to_owned()))
    }
}

/// One thing that is wrong, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// Which check found it.
    pub code: Check,
    /// As the rules set it, or the check's own.
    pub severity: Severity,
    /// One sentence for a person: lower case, no full stop, hostile names already escaped by the
    /// edge that shows it, not here.
    pub message: String,
    /// The deciding statement of the trust document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// The outside account it is about, 12 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party: Option<String>,
    /// The registered vendor it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// A request that is allowed and should not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<policy::Request>,
    /// The ways to more permissions that are held, by name, the widest first: all of them, where the
    /// message tells one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<String>,
    /// What to change, as one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    /// Without evidence or a fix.
    pub(crate) fn new(code: Check, severity: Severity, message: String) -> Self {
        Self {
            code,
            severity,
            message,
            statement: None,
            third_party: None,
            vendor: None,
            witness: None,
            ways: Vec::new(),
            fix: None,
        }
    }
}
