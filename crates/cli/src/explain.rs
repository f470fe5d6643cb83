//! `explain`: the page of a check, as the repository's `docs/checks` holds it.

use std::io;

use guard::Check;

use crate::args::ExplainArgs;
use crate::streams::Style;
use crate::suggest::nearest;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// Prints the page of one check, or the list of all.
///
/// # Errors
///
/// Standard output does not take it.
pub fn explain(arguments: &ExplainArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let Some(code) = &arguments.code else {
        return list(streams);
    };
    let Ok(check) = code.parse::<Check>() else {
        let hint = match nearest(code, Check::ALL.iter().map(|check| check.code())) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`trustwarden explain` lists them".to_owned(),
        };
        streams.error(format_args!("`{}` is not a check: {hint}", escaped(code)));
        return Ok(Status::Unreadable);
    };
    streams.out.write_all(page(check).trim_end().as_bytes())?;
    writeln!(streams.out)?;
    Ok(Status::Done)
}

fn list(streams: &mut Streams<'_>) -> io::Result<Status> {
    let width = Check::ALL
        .iter()
        .map(|check| check.code().len())
        .max()
        .unwrap_or(0);
    for check in Check::ALL {
        let severity = check.default_severity();
        let style = Style::of(severity);
        writeln!(
            streams.out,
            "{:<width$}  {:<13}  {}",
            check.code(),
            streams.colors.style(style, severity),
            check.title()
        )?;
    }
    Ok(Status::Done)
}

macro_rules! pages {
    ($($variant:ident $file:literal;)*) => {
        /// Its page. A check without one does not compile.
        pub(crate) fn page(check: Check) -> &'static str {
            match check {
                $(Check::$variant => include_str!(concat!("../checks/", $file, ".md")),)*
            }
        }
    };
}

pages! {
    PublicTrust "public-trust";
    UnknownThirdParty "unknown-third-party";
    OpenIdentityProvider "open-identity-provider";
    UnknownIdentityProvider "unknown-identity-provider";
    RoleNotRegistered "role-not-registered";
    MissingExternalId "missing-external-id";
    WrongExternalId "wrong-external-id";
    ExpiredAccess "expired-access";
    BroadPrincipal "broad-principal";
    WeakExternalId "weak-external-id";
    SharedExternalId "shared-external-id";
    ConfusedDeputyService "confused-deputy-service";
    MachineIdentityService "machine-identity-service";
    OrphanedPrincipal "orphaned-principal";
    UnreadablePolicy "unreadable-policy";
    KnownAtDeployment "known-at-deployment";
    ThirdPartyAccessKey "third-party-access-key";
    AccessKeyCreated "access-key-created";
    FirstAccessKey "first-access-key";
    ConsolePasswordCreated "console-password-created";
    CredentialCreated "credential-created";
    MfaRemoved "mfa-removed";
    SessionLengthened "session-lengthened";
    RootAccessKey "root-access-key";
    AccessKeyTooOld "access-key-too-old";
    AccessKeyUnused "access-key-unused";
    PasswordUnused "password-unused";
    TwoActiveKeys "two-active-keys";
    UserWithoutMfa "user-without-mfa";
    RootMfaMissing "root-mfa-missing";
    PolicyOnUser "policy-on-user";
    ReachableThroughRole "reachable-through-role";
    UnusedRole "unused-role";
    ExpiresSoon "expires-soon";
    UnusedRule "unused-rule";
    AdminAccess "admin-access";
    IamAccess "iam-access";
    PrivilegeEscalation "privilege-escalation";
    OverCeiling "over-ceiling";
    WriteWildcard "write-wildcard";
    DataAccess "data-access";
    ResourceExposure "resource-exposure";
    PermissionUnused "permission-unused";
    UnreadablePermissions "unreadable-permissions";
    RootSignIn "root-sign-in";
    RootWithoutMfa "root-without-mfa";
    RootActivity "root-activity";
    RootSignInFailed "root-sign-in-failed";
    IdentityProviderChanged "identity-provider-changed";
    ResourceShared "resource-shared";
    GuardTampered "guard-tampered";
    GuardBlind "guard-blind";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_that_of_its_check() {
        for check in Check::ALL {
            let page = page(*check);
            assert!(page.contains(check.code()), "{check}");
            assert!(page.lines().count() > 5, "{check} is hardly explained");
        }
    }
}
