//! What IAM demands of a role trust policy only when it is saved: no rule of the language, so a
//! document that stands may break it, but the next one that is written may not.

use super::problem::{Path, Problems};
use crate::arn;
use crate::document::{Comparison, Effect, PrincipalKind, Statement};

/// Characters, white space not counted: the quota that every account begins with, and the most to
/// which it can be raised (IAM user guide, "IAM and AWS STS quotas", role trust policy length).
const QUOTA: usize = 2_048;
const HIGHEST_QUOTA: usize = 8_192;

/// An issuer that many customers share.
struct Shared {
    /// Without `https://`.
    issuer: &'static str,
    /// IAM demands one of these. Without a colon it is a claim of the issuer.
    demanded: &'static [&'static str],
}

const fn shared(issuer: &'static str, demanded: &'static [&'static str]) -> Shared {
    Shared { issuer, demanded }
}

/// Source of all rows: IAM user guide, "Identity-provider controls for shared OIDC providers"
/// (`id_roles_providers_oidc_secure-by-default`), its table of shared providers with the claim that
/// names the tenant. Where a row is known from more than that table, the comment beside it says so.
const SHARED: &[Shared] = &[
    shared("agent.buildkite.com", &["sub"]),
    shared("api.pulumi.com/oidc", &["aud"]),
    shared("app.terraform.io", &["sub"]),
    shared("cognito-identity.amazonaws.com", &["aud"]),
    shared("gitlab.com", &["sub"]),
    shared(
        "oidc-configuration.audit-log.githubusercontent.com",
        &["sub"],
    ),
    shared("oidc.codefresh.io", &["sub"]),
    // IBM Turbonomic: its deployments, also in AWS's samples for data perimeters ("Shared-Issuers").
    shared(
        "oidc.op1.openshiftapps.com/2c51blsaqa9gkjt0o9rt11mle8mmropu",
        &["sub"],
    ),
    shared(
        "oidc.op1.openshiftapps.com/2f785sojlpb85i7402pk3qogugim5nfb",
        &["sub"],
    ),
    shared("oidc.vercel.com", &["aud"]),
    shared("proidc.upbound.io", &["sub"]),
    // IBM Turbonomic, likewise.
    shared(
        "rh-oidc.s3.us-east-1.amazonaws.com/22ejnvnnturfmt6km08idd0nt4hekbn7",
        &["sub"],
    ),
    shared(
        "rh-oidc.s3.us-east-1.amazonaws.com/23e3sd27sju1hoou6ohfs68vbno607tr",
        &["sub"],
    ),
    shared(
        "rh-oidc.s3.us-east-1.amazonaws.com/23ne21h005qjl3n33d8dui5dlrmv2tmg",
        &["sub"],
    ),
    shared(
        "rh-oidc.s3.us-east-1.amazonaws.com/24jrf12m5dj7ljlfb4ta2frhrcoadm26",
        &["sub"],
    ),
    shared("sandboxes.cloud", &["aud"]),
    shared("scalr.io", &["sub"]),
    // Microsoft Sentinel.
    shared(
        "sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d",
        &["sts:RoleSessionName"],
    ),
    shared("studio.datachain.ai/api", &["sub"]),
    // Either, as IAM's own refusal says ("… must evaluate, using StringEquals, StringLike or
    // StringEqualsIgnoreCase, …:sub or …:job_workflow_ref which is not scoped to all").
    shared(
        "token.actions.githubusercontent.com",
        &["sub", "job_workflow_ref"],
    ),
    shared("tokens.cloud.shisho.dev", &["sub"]),
    shared("vstoken.actions.githubusercontent.com", &["sub"]),
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
        let Some(row) = SHARED
            .iter()
            .find(|row| row.issuer.eq_ignore_ascii_case(issuer))
        else {
            continue;
        };
        let asked = statement.conditions.iter().any(|condition| {
            let names = |demanded: &&str| is_key(&condition.key, issuer, demanded);
            row.demanded.iter().any(names)
                && condition
                    .operator
                    .is_some_and(|one| narrows(one.comparison))
                && !condition.values.iter().any(|value| is_all(value))
        });
        if !asked {
            let keys = row.demanded.iter().map(|demanded| {
                if demanded.contains(':') {
                    (*demanded).to_owned()
                } else {
                    format!("{issuer}:{demanded}")
                }
            });
            let keys: Vec<String> = keys.collect();
            let message = format!(
                "many customers share {issuer}: IAM saves no trust policy for it that does not ask, \
                 with StringEquals, StringLike or StringEqualsIgnoreCase, for {}, and for less than \
                 all",
                keys.join(" or ")
            );
            let path = path.key("Principal");
            problems.warning(principal.span.start, &path.key("Federated"), message);
        }
    }
}

/// Whether this is the key that is demanded of an issuer's customers.
fn is_key(key: &str, issuer: &str, demanded: &str) -> bool {
    if demanded.contains(':') {
        return key.eq_ignore_ascii_case(demanded);
    }
    arn::cut_last(key).is_some_and(|(space, claim)| {
        space.eq_ignore_ascii_case(issuer) && claim.eq_ignore_ascii_case(demanded)
    })
}

/// The comparisons that IAM counts as asking for a claim, by the words of its refusal.
fn narrows(comparison: Comparison) -> bool {
    matches!(
        comparison,
        Comparison::StringEquals | Comparison::StringLike | Comparison::StringEqualsIgnoreCase
    )
}

/// A value that leaves all tenants in.
fn is_all(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Provider;

    /// What IAM counts as shared the analyzer must not take for its owner's alone.
    #[test]
    fn every_shared_issuer_is_known_to_be_shared() {
        for row in SHARED {
            // Of Microsoft's issuer the session's name tells the customer, and that is no claim.
            if row.demanded.contains(&"sts:RoleSessionName") {
                continue;
            }
            let known = Provider::find(row.issuer, &[]);
            assert!(
                known.is_some_and(|known| !known.pins.is_empty()),
                "{}",
                row.issuer
            );
        }
    }
}
