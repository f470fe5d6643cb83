//! What IAM demands of a role trust policy only when it is saved: no rule of the language, so a
//! document that stands may break it, but the next one that is written may not.

use std::borrow::Cow;

use super::problem::{Path, Problems};
use crate::document::{Effect, PrincipalKind, Statement};

/// Characters, white space not counted: the quota that every account begins with, and the most to
/// which it can be raised (IAM user guide, "IAM and AWS STS quotas", role trust policy length).
const QUOTA: usize = 2_048;
const HIGHEST_QUOTA: usize = 8_192;

/// Issuers that many customers share, and the key that IAM demands with each (IAM user guide,
/// "Identity-provider controls for shared OIDC providers"). A key without a colon is a claim.
const DEMANDED: &[(&str, &str)] = &[
    ("agent.buildkite.com", "sub"),
    ("api.pulumi.com/oidc", "aud"),
    ("app.terraform.io", "sub"),
    ("cognito-identity.amazonaws.com", "aud"),
    ("gitlab.com", "sub"),
    ("oidc-configuration.audit-log.githubusercontent.com", "sub"),
    ("oidc.codefresh.io", "sub"),
    ("oidc.vercel.com", "aud"),
    ("proidc.upbound.io", "sub"),
    ("sandboxes.cloud", "aud"),
    ("scalr.io", "sub"),
    (
        "sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d",
        "sts:RoleSessionName",
    ),
    ("studio.datachain.ai/api", "sub"),
    ("token.actions.githubusercontent.com", "sub"),
    ("tokens.cloud.shisho.dev", "sub"),
    ("vstoken.actions.githubusercontent.com", "sub"),
];

/// Warns where the document is longer than IAM takes.
pub(super) fn warn_of_length(text: &str, problems: &mut Problems) {
    if text.len() <= QUOTA {
        return;
    }
    let counted = || text.char_indices().filter(|(_, c)| !c.is_whitespace());
    let length = counted().count();
    let (limit, says) = if length > HIGHEST_QUOTA {
        (HIGHEST_QUOTA, "the most that its quota can be raised to")
    } else {
        (QUOTA, "unless the account's quota was raised")
    };
    if let Some((at, _)) = counted().nth(limit) {
        let message = format!(
            "the document has {length} characters without white space, and here it is longer than \
             the {limit} that IAM takes, {says}"
        );
        problems.warning(at, &Path::Root, message);
    }
}

/// Warns of providers that many customers share where the statement does not ask for the claim
/// that tells them apart.
pub(super) fn warn_of_shared_providers(
    statement: &Statement<'_>,
    path: &Path<'_>,
    problems: &mut Problems,
) {
    if statement.effect != Some(Effect::Allow) {
        return;
    }
    for principal in statement.principal.iter().flatten() {
        if principal.kind != PrincipalKind::Federated || principal.meaningless {
            continue;
        }
        let value = &*principal.value;
        let issuer = value
            .split_once(":oidc-provider/")
            .map_or(value, |(_, issuer)| issuer);
        let Some((_, demanded)) = DEMANDED
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(issuer))
        else {
            continue;
        };
        let key: Cow<'_, str> = if demanded.contains(':') {
            Cow::Borrowed(demanded)
        } else {
            Cow::Owned(format!("{issuer}:{demanded}"))
        };
        let asked = statement
            .conditions
            .iter()
            .any(|condition| condition.key.eq_ignore_ascii_case(&key));
        if !asked {
            let message = format!(
                "many customers share {issuer}: IAM saves no trust policy for it that does not ask \
                 for {key}"
            );
            let path = path.key("Principal");
            problems.warning(principal.span.start, &path.key("Federated"), message);
        }
    }
}
