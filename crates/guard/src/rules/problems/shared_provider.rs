//! What is wrong with what the rules say of issuers that serve many tenants.

use policy::glob::matches_ignoring_case;
use policy::providers::PROVIDERS;

use super::{Level, Problems, at};
use crate::rules::file::{IdentityProvider, RulesFile};
use crate::rules::names::is_pattern;
use crate::rules::shared_provider::{SharedProvider, TenantClaim};

impl RulesFile {
    pub(super) fn shared_provider_problems(&self, index: usize, problems: &mut Problems) {
        let Some(row) = self.shared_providers.get(index) else {
            return;
        };
        let at = |key: &str| at!["shared_providers", index, key];
        let issuer = row.issuer.as_str();
        let host = issuer.split('/').next().unwrap_or_default();
        let known = PROVIDERS.iter().find(|known| {
            matches_ignoring_case(&known.issuer, issuer)
                || matches_ignoring_case(issuer, &known.issuer)
        });
        let earlier = self.shared_providers.iter().take(index).find(|other| {
            matches_ignoring_case(&other.issuer, issuer)
                || matches_ignoring_case(issuer, &other.issuer)
        });
        if let Some(bare) = issuer.strip_prefix("https://") {
            let message = "IAM names an issuer without https://".to_owned();
            let hint = Some(format!("write \"{bare}\""));
            problems.add(Level::Error, at("issuer"), message, hint);
        } else if host.is_empty() || issuer.starts_with("arn:") || issuer.contains(' ') {
            let hint = "write it as in the ARN after oidc-provider/, as oidc.example.com/path";
            let message = format!("`{issuer}` is not an issuer");
            problems.add(Level::Error, at("issuer"), message, Some(hint.to_owned()));
        } else if is_pattern(host) {
            let hint = "only what follows the host may be a pattern";
            let message = format!("`{host}` is no host: another's would fit it, too");
            problems.add(Level::Error, at("issuer"), message, Some(hint.to_owned()));
        } else if let Some(known) = known {
            let message = format!(
                "{} is known here, and its claims cannot be changed",
                known.name
            );
            problems.add(
                Level::Error,
                at("issuer"),
                message,
                Some("take this out".to_owned()),
            );
        } else if let Some(earlier) = earlier {
            let message = format!("`{}` above says it already", earlier.issuer);
            problems.error(at("issuer"), message);
        }
        if row.tenant_claims.is_empty() {
            let hint = "name one under `tenant_claims`, as { claim: sub, prefixes: [\"org:{}:\"] }";
            let message = "no claim identifies the tenant of a token".to_owned();
            problems.add(
                Level::Error,
                at!["shared_providers", index],
                message,
                Some(hint.to_owned()),
            );
        }
        for (entry, claim) in row.tenant_claims.iter().enumerate() {
            claim_problems(index, entry, claim, problems);
        }
    }

    /// A rule for an issuer of many tenants names the own one, as the issuer's claims tell it.
    pub(super) fn tenant_of_shared(
        &self,
        index: usize,
        rule: &IdentityProvider,
        problems: &mut Problems,
    ) {
        let Some(provider) = rule.provider.as_deref() else {
            return;
        };
        let issuer = provider
            .split_once(":oidc-provider/")
            .map_or(provider, |(_, issuer)| issuer);
        let row = self
            .shared_providers
            .iter()
            .find(|row| matches_ignoring_case(&row.issuer, issuer));
        if let Some(row) = row
            && !row.tenant_claims.is_empty()
            && !row
                .tenant_claims
                .iter()
                .any(|claim| names_tenant(rule, claim))
        {
            let message = format!("every customer of {provider} could assume the role");
            let hint = Some(format!("name your tenant under {}", places(row)));
            problems.add(
                Level::Error,
                at!["identity_providers", index],
                message,
                hint,
            );
        }
    }
}

fn claim_problems(index: usize, entry: usize, claim: &TenantClaim, problems: &mut Problems) {
    let at = |key: &str| at!["shared_providers", index, "tenant_claims", entry, key];
    let name = claim.claim.as_str();
    if name.is_empty() || name.contains([':', '/', ' ', '*', '?']) {
        let hint = "write what follows the issuer and the colon, as sub";
        let message = format!("`{name}` is not a claim");
        problems.add(Level::Error, at("claim"), message, Some(hint.to_owned()));
    }
    for prefix in &claim.prefixes {
        let after = prefix.split_once("{}").map(|(_, after)| after);
        let hint = if is_pattern(prefix) {
            "anything may follow a prefix: it needs no `*`"
        } else if after.is_none_or(|after| after.contains("{}")) {
            "write `{}` once, where the tenant stands, as org:{}:"
        } else if after == Some("") {
            "without a delimiter after `{}` a tenant's name begins another's: write org:{}: or so"
        } else {
            continue;
        };
        let message = format!("`{prefix}` does not say where the tenant stands");
        problems.add(Level::Error, at("prefixes"), message, Some(hint.to_owned()));
    }
}

/// The values that a rule names for a claim.
fn named<'r>(rule: &'r IdentityProvider, claim: &str) -> &'r [String] {
    match claim {
        "sub" => &rule.subjects,
        "aud" => &rule.audiences,
        other => rule.claims.get(other).map_or(&[], Vec::as_slice),
    }
}

/// Whether each value that a rule names for a claim names a tenant.
fn names_tenant(rule: &IdentityProvider, claim: &TenantClaim) -> bool {
    let values = named(rule, &claim.claim);
    let pin = claim.pin();
    !values.is_empty()
        && values.iter().all(|value| {
            let fixed = value.split(['*', '?']).next().unwrap_or_default();
            if claim.prefixes.is_empty() {
                fixed == value && !value.is_empty()
            } else {
                pin.tenant_pattern(fixed).is_some()
            }
        })
}

/// Where a rule can name a tenant of this issuer.
fn places(row: &SharedProvider) -> String {
    let places: Vec<String> = row
        .tenant_claims
        .iter()
        .map(|claim| {
            let key = match claim.claim.as_str() {
                "sub" => "subjects".to_owned(),
                "aud" => "audiences".to_owned(),
                other => format!("claims.{other}"),
            };
            match claim.prefixes.first() {
                Some(prefix) => format!("`{key}`, as {}", prefix.replacen("{}", "YOURS", 1)),
                None => format!("`{key}`"),
            }
        })
        .collect();
    places.join(", or ")
}
