//! What mends a finding, where the judgement says nothing more to the point.

use crate::check::Check;

/// What to do about a check's findings, with the place or the command to do it by.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn usual_fix(check: Check) -> &'static str {
    match check {
        Check::PublicTrust => "name the accounts that may assume the role",
        Check::UnknownThirdParty => {
            "register the third party in the rules, for this role, or remove it from the trust \
             policy"
        }
        Check::OpenIdentityProvider => "limit the trust policy to your own tenant of the provider",
        Check::UnknownIdentityProvider => {
            "name the provider, this role and what its tokens must say under identity_providers \
             in the rules, or remove it from the trust policy"
        }
        Check::RoleNotRegistered => {
            "name the role in the vendor's rule, or remove the vendor from the trust policy"
        }
        Check::MissingExternalId => "require the external id of the rules with StringEquals",
        Check::WrongExternalId => "use the external id that the rules name",
        Check::ExpiredAccess => "remove the vendor from the trust policy, or renew its rule",
        Check::BroadPrincipal => "name the principals of the rule in the trust policy",
        Check::WeakExternalId | Check::SharedExternalId => {
            "use one random external id for each role, and name it in the rules"
        }
        Check::ConfusedDeputyService => {
            "limit the service to your own account by aws:SourceAccount or aws:SourceArn"
        }
        Check::MachineIdentityService => "name the role in a rule with kind: ssm-hybrid",
        Check::KnownAtDeployment => "give the values that the template leaves open",
        Check::OrphanedPrincipal => "remove it from the trust policy",
        Check::UnreadablePolicy => {
            "read the trust policy with aws iam get-role, and write it as IAM accepts it"
        }
        Check::ThirdPartyAccessKey | Check::AccessKeyCreated => {
            "deactivate it with aws iam update-access-key --status Inactive, or name the user in \
             access_keys.allow_users"
        }
        Check::FirstAccessKey => "check what the user may do, and ask who wanted the key",
        Check::ConsolePasswordCreated => {
            "require MFA for the user; if nobody asked for the password, delete it with aws iam \
             delete-login-profile"
        }
        Check::IdentityProviderChanged => {
            "compare it with what your identity provider's administrators say, and put the former \
             one back if nobody asked for another"
        }
        Check::ResourceShared => {
            "take the access away again, or name the account in the rules: under trusted_accounts, or as \
             a vendor's"
        }
        Check::CredentialCreated => {
            "switch it off if nobody asked for it; a role needs no long-term credential"
        }
        Check::MfaRemoved => "register an MFA device, and ask who took the old one away",
        Check::SessionLengthened => {
            "set the old length again with aws iam update-role, if nobody asked for it"
        }
        Check::RootAccessKey => "sign in as the root user and delete the key",
        Check::AccessKeyTooOld => "move to a new key, or better to a role, and delete this one",
        Check::AccessKeyUnused => "deactivate it, wait two weeks, then delete it",
        Check::PasswordUnused => "delete the login profile",
        Check::TwoActiveKeys => "delete the key that was used longer ago",
        Check::UserWithoutMfa | Check::RootMfaMissing => "register an MFA device",
        Check::PolicyOnUser => "attach the policy to a group or a role",
        Check::ReachableThroughRole => {
            "take the role or user that the third party holds out of the trust policy"
        }
        Check::UnusedRole => "ask its owner, then remove the third party or delete the role",
        Check::ExpiresSoon => "move `expires` in the rules if it is still needed, or let it end",
        Check::UnusedRule => "remove it from the rules",
        Check::AdminAccess
        | Check::IamAccess
        | Check::PrivilegeEscalation
        | Check::WriteWildcard
        | Check::DataAccess => {
            "allow what the third party needs by name: trustwarden policy generate prints a policy"
        }
        Check::OverCeiling | Check::ResourceExposure => {
            "take the actions away, or add them to permissions.allow of the vendor's rule"
        }
        Check::PermissionUnused => "take the unused permissions away",
        Check::UnreadablePermissions => {
            "read the policy with aws iam get-policy-version or get-role-policy, and write it as \
             IAM accepts it"
        }
        Check::RootSignIn | Check::RootActivity => {
            "ask who used the root user and why; if nobody did, change its password and MFA \
             device: trustwarden explain root-sign-in shows the steps"
        }
        Check::RootWithoutMfa => "register an MFA device for the root user, and ask who signed in",
        Check::RootSignInFailed => {
            "see that the root user has MFA; if it goes on, change its e-mail address"
        }
        Check::GuardTampered => {
            "contain the actor, then deploy the stack again: trustwarden explain guard-tampered \
             shows the steps"
        }
        Check::GuardBlind => "mend what the finding names, then replay the trail since then",
    }
}
