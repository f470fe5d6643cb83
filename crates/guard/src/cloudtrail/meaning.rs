//! What the events of the table mean to the guard, and which function handles what.

use super::share::Share;

/// What an event means, and so which judge it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A role was created, or its trust policy replaced.
    TrustChanged {
        /// The role is new.
        created: bool,
    },
    /// A role was deleted.
    RoleDeleted,
    /// A user was created.
    UserCreated,
    /// An access key was created.
    KeyCreated,
    /// An access key was switched on or off.
    KeyUpdated,
    /// A console password was set.
    PasswordSet {
        /// The user had none before.
        created: bool,
    },
    /// Another credential of a user was opened, or an MFA device taken away.
    CredentialChanged(Credential, Done),
    /// It was set how long sessions of a role may last.
    SessionLengthSet,
    /// Somebody may do something else.
    Permissions(HolderKind, PolicyMove),
    /// An identity provider was created, changed or deleted, or what lends roles like one.
    ProviderChanged(ProviderType, ProviderMove),
    /// A resource was shared without a role.
    Shared(&'static Share),
    /// A sign-in to the console, of which the root user's count.
    SignIn,
    /// Somebody asked for a new password of the root user.
    RecoveryRequested,
    /// Nothing, on purpose: why, as a sentence without its full stop.
    LeftOut(&'static str),
}

/// A credential that is neither an access key nor a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// For one AWS service: a password or an API key.
    ServiceSpecific,
    /// An X.509 certificate that signs requests.
    SigningCertificate,
    /// For CodeCommit.
    SshKey,
    /// An MFA device.
    Mfa,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is new.
    Created,
    /// Its secret is new.
    Reset,
    /// It was switched on or off.
    Updated,
    /// It was taken from its user.
    Deactivated,
    /// It is gone.
    Deleted,
}

/// An identity provider, or what lends roles to machines and people like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderType {
    /// A SAML provider.
    Saml,
    /// An OpenID Connect provider.
    Oidc,
    /// A trust anchor of IAM Roles Anywhere.
    TrustAnchor,
    /// A profile of IAM Roles Anywhere: the roles that certificates are good for.
    Profile,
    /// A revocation list of IAM Roles Anywhere.
    RevocationList,
    /// A role alias of AWS IoT.
    RoleAlias,
    /// A hybrid activation of Systems Manager.
    Activation,
    /// An application of account access manager.
    Application,
    /// An entitlement of account access manager: a user or group, and a role.
    Entitlement,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderMove {
    /// It is new.
    Created,
    /// It is another now.
    Updated,
    /// It was switched on.
    Enabled,
    /// An audience was added.
    AudienceAdded,
    /// An audience was removed.
    AudienceRemoved,
    /// It was switched off.
    Disabled,
    /// Its tags are others now.
    Tagged,
    /// It is gone.
    Deleted,
}

/// Whose permissions an event changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// A role's.
    Role,
    /// A user's.
    User,
    /// Those of a group's users.
    Group,
    /// Those of whoever holds the policy.
    Holders,
}

/// What an event does with a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyMove {
    /// A managed policy was attached.
    Attached,
    /// A managed policy was detached.
    Detached,
    /// An inline policy was written.
    Put,
    /// An inline policy was deleted.
    Deleted,
    /// A permissions boundary was put.
    BoundaryPut,
    /// The permissions boundary was taken away.
    BoundaryDeleted,
    /// A user came into a group.
    Joined,
    /// A user left a group.
    Left,
    /// A version of a managed policy was created, and may be in force.
    VersionCreated,
    /// Another version of a managed policy is in force.
    VersionSet,
}

impl Means {
    /// The Lambda function that handles it; `None` for what is left out.
    pub fn function(self) -> Option<&'static str> {
        Some(match self {
            Self::TrustChanged { .. } | Self::RoleDeleted => "role-trust",
            Self::UserCreated
            | Self::KeyCreated
            | Self::KeyUpdated
            | Self::PasswordSet { .. }
            | Self::CredentialChanged(..)
            | Self::SessionLengthSet => "access-key",
            Self::Permissions(..) => "role-permissions",
            Self::ProviderChanged(..) => "identity-provider",
            Self::Shared(_) => "resource-share",
            Self::SignIn | Self::RecoveryRequested => "root-activity",
            Self::LeftOut(_) => return None,
        })
    }

    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::TrustChanged { created: true } => "a role is new",
            Self::TrustChanged { created: false } => "a role's trust policy was replaced",
            Self::RoleDeleted => "a role is gone, and with it what was known of it",
            Self::UserCreated => "a user is new: its first access key is reported",
            Self::KeyCreated => "an access key is new",
            Self::KeyUpdated => "an access key was switched on",
            Self::PasswordSet { created: true } => "a user got a console password",
            Self::PasswordSet { created: false } => "a console password was replaced",
            Self::CredentialChanged(Credential::ServiceSpecific, _) => {
                "a user got a credential for one service"
            }
            Self::CredentialChanged(Credential::SigningCertificate, _) => {
                "a user got a signing certificate"
            }
            Self::CredentialChanged(Credential::SshKey, _) => "a user got an SSH key",
            Self::CredentialChanged(Credential::Mfa, _) => "a user lost an MFA device",
            Self::SessionLengthSet => "sessions of a role may last longer",
            Self::Permissions(..) => "somebody may do something else",
            Self::ProviderChanged(_, ProviderMove::Created) => "a provider is new",
            Self::ProviderChanged(_, ProviderMove::Updated) => "a provider is another now",
            Self::ProviderChanged(_, ProviderMove::Enabled) => "a provider was switched on",
            Self::ProviderChanged(_, ProviderMove::AudienceAdded) => {
                "a provider takes one audience more"
            }
            Self::ProviderChanged(_, ProviderMove::AudienceRemoved) => {
                "a provider takes one audience less"
            }
            Self::ProviderChanged(_, ProviderMove::Disabled) => "a provider was switched off",
            Self::ProviderChanged(_, ProviderMove::Tagged) => "a provider's tags are others",
            Self::ProviderChanged(_, ProviderMove::Deleted) => "a provider is gone",
            Self::Shared(share) => share.words(),
            Self::SignIn => "the root user signed in, or someone tried to",
            Self::RecoveryRequested => {
                "somebody asked for a new root password, which anybody can who knows the address"
            }
            Self::LeftOut(why) => why,
        }
    }
}
