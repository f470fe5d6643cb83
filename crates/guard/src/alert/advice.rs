//! What to do: if the change was planned, and if it was not.

use crate::check::Check;

/// Two sentences for the person on call.
pub(crate) struct Advice {
    /// It was planned.
    pub(crate) planned: &'static str,
    /// It was not.
    pub(crate) unplanned: &'static str,
}

const CONTAIN: &str = "contain the actor first: deactivate the access key or end the sessions \
     named above. Anyone who keeps iam:UpdateAssumeRolePolicy can repeat the change. Then look in \
     CloudTrail for AssumeRole on this role during the exposure: sessions already issued stay \
     valid for up to 12 hours";

/// The advice of a check.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn advice(check: Check) -> Advice {
    let (planned, unplanned) = match check {
        Check::PublicTrust
        | Check::UnknownThirdParty
        | Check::OpenIdentityProvider
        | Check::UnknownIdentityProvider
        | Check::RoleNotRegistered
        | Check::BroadPrincipal => (
            "register the third party in rules/access.yaml (its account, this role, its external \
             id), deploy, and make the change again",
            CONTAIN,
        ),
        Check::MissingExternalId
        | Check::WrongExternalId
        | Check::WeakExternalId
        | Check::SharedExternalId => (
            "require the external id that rules/access.yaml names for this vendor, or correct it \
             there, deploy, and make the change again",
            CONTAIN,
        ),
        Check::ExpiredAccess => (
            "extend the vendor's `expires` in rules/access.yaml after asking its owner, and deploy",
            "remove the vendor from the trust policy, and find out who added it",
        ),
        Check::ConfusedDeputyService => (
            "no immediate action required; when the policy is next edited, limit the service with \
             aws:SourceAccount or aws:SourceArn",
            "limit the service to your own account with aws:SourceAccount or aws:SourceArn; where \
             somebody else's account or organization is named there, find out who named it",
        ),
        Check::MachineIdentityService => (
            "name the role in a rule of identity_providers with kind: ssm-hybrid, and deploy",
            "list the account's hybrid activations and managed instances (aws ssm \
             describe-activations, describe-instance-information), and deregister what is not \
             yours; then take the service out of the trust policy",
        ),
        Check::KnownAtDeployment => (
            "no action required: the deployed guard judges the role once it is there",
            "find out which values the template is deployed with",
        ),
        Check::OrphanedPrincipal => (
            "remove the deleted principal from the trust policy",
            "remove the deleted principal from the trust policy, and find out who deleted it",
        ),
        Check::UnreadablePolicy => (
            "read the role's trust policy yourself (the link below) and write it again without \
             padding, so that CloudTrail can carry it",
            "somebody may be hiding a change: read the trust policy of every role changed at that \
             time (aws iam get-account-authorization-details --filter Role), then contain the actor",
        ),
        Check::ThirdPartyAccessKey
        | Check::AccessKeyCreated
        | Check::AccessKeyTooOld
        | Check::AccessKeyUnused
        | Check::TwoActiveKeys => (
            "add the user to access_keys.allow_users in rules/access.yaml, deploy, and make the \
             key active again; better: use a role",
            "deactivate the key, then contain the actor; sessions issued from a key outlive it by \
             up to 36 hours",
        ),
        Check::FirstAccessKey => (
            "nothing, once somebody has checked what the user may do; name users one by one in \
             access_keys.allow_users",
            "deactivate the key, take the user's policies away, then contain the actor; sessions \
             issued from a key outlive it by up to 36 hours",
        ),
        Check::PasswordUnused => (
            "no action required until it is kept for nothing",
            "delete the login profile",
        ),
        Check::ConsolePasswordCreated => (
            "require MFA for the user, or use IAM Identity Center instead",
            "delete the login profile, end the user's sessions, then contain the actor",
        ),
        Check::IdentityProviderChanged => (
            "compare the certificate fingerprints, the issuer and the audiences with what your \
             identity provider's administrators say",
            "put the former metadata back with your own credentials (the alert names the \
             fingerprints of both), end the sessions of the roles it opens, then contain the actor",
        ),
        Check::ResourceShared => (
            "name the account in the rules, with an end, or limit the access to accounts that they name",
            "take the access away, ask for what may have been copied meanwhile (a copy of a snapshot or \
             an image stays with whoever made it), then contain the actor",
        ),
        Check::CredentialCreated => (
            "exempt the user with a reason and an end; better: use a role",
            "switch the credential off (aws iam update-service-specific-credential, \
             update-signing-certificate or update-ssh-public-key with --status Inactive), then \
             contain the actor",
        ),
        Check::MfaRemoved => (
            "register the new device at once",
            "register a device again, change the user's password, then contain the actor",
        ),
        Check::SessionLengthened => (
            "exempt the role with a reason",
            "set the old length again (aws iam update-role --max-session-duration), end the \
             role's sessions, then contain the actor",
        ),
        Check::UserWithoutMfa | Check::RootMfaMissing => (
            "register an MFA device: nothing that is planned needs a password alone",
            "register an MFA device, change the password, and look for sign-ins without MFA",
        ),
        Check::PolicyOnUser => (
            "attach the policy to a group, or to a role that the user assumes",
            "take the policy away, and find out who attached it",
        ),
        Check::ReachableThroughRole => (
            "give the third party's own role what it needs, or exempt the role with a reason and \
             an end",
            "take the role or user that the third party holds out of the trust policy, then look \
             in CloudTrail for AssumeRole on this role by sessions of that one",
        ),
        Check::UnusedRole => (
            "note why the role is kept, and who decides that it is needed",
            "remove the third party from the trust policy, or delete the role",
        ),
        Check::ExpiresSoon => (
            "move `expires` in rules/access.yaml and deploy, or let it end",
            "let it end: nothing has to be done",
        ),
        Check::UnusedRule => (
            "leave it: a rule without a role grants nothing",
            "remove it from rules/access.yaml, so that nobody regains access by it unnoticed",
        ),
        Check::AdminAccess
        | Check::IamAccess
        | Check::PrivilegeEscalation
        | Check::WriteWildcard
        | Check::DataAccess
        | Check::ResourceExposure
        | Check::PermissionUnused => (
            "write down what the third party needs, and allow it by name; permissions.allow of \
             its rule in rules/access.yaml then sets the limit",
            "take the permission away, contain the actor who gave it, then look in CloudTrail for \
             what the role has done since",
        ),
        Check::OverCeiling => (
            "add the actions to permissions.allow of the vendor in rules/access.yaml, and deploy",
            "take the actions away, and ask the vendor's owner who asked for them",
        ),
        Check::UnreadablePermissions => (
            "read the policy yourself, and write it as IAM accepts it",
            "somebody may be hiding a role's permissions: read its policies, then contain the \
             actor",
        ),
        Check::RootAccessKey => (
            "delete it all the same: nothing needs an access key of the root user",
            "sign in as root, delete the key, change the password and the MFA device, then look \
             for what the key did",
        ),
        Check::RootSignIn | Check::RootWithoutMfa | Check::RootActivity => (
            "note who used the root user and why; use a role next time, and see that MFA is on",
            "change the root password, end the root user's sessions, check the account's e-mail \
             address and phone number and the MFA devices, then look for what was done",
        ),
        Check::RootSignInFailed => (
            "nothing: somebody mistyped the password",
            "check that MFA is on and that the root e-mail address is not a known one; somebody \
             may be guessing",
        ),
        Check::GuardTampered => (
            "note who changed the guard and why",
            "treat the account as compromised: whoever can change the guard or use its role \
             controls the account. Stop the remediator's writes, contain the actor, deploy the \
             stack again",
        ),
        Check::GuardBlind => (
            "fix the cause that the finding names",
            "fix the cause, then review every change since the guard stopped seeing changes",
        ),
    };
    Advice { planned, unplanned }
}
