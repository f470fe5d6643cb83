//! What is wrong with what the rules say of issuers that serve many tenants.

use policy::glob::matches_ignoring_case;
use policy::providers::{PROVIDERS, Pin};

use super::{Level, Problems, at};
use crate::rules::claims::value_names;
use crate::rules::file::{IdentityProvider, RulesFile};
use crate::rules::names::is_pattern;
use crate::rules::shared_provider::TenantClaim;

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
        let here = || at!["identity_providers", index];
        if problems.has_error_in(&here()) {
            return;
        }
        let issuer = rule.issuer();
        let Some(row) = rule.shared(self) else {
            if rule.is_oidc() && !rule.limits_tokens() {
                let message = format!("every subject of {issuer} may assume the roles");
                problems.warn(here(), message, "name them under `subjects` or `claims`");
            }
            return;
        };
        if !rule.names_tenant(&row) {
            let by_subject = row.pins.iter().find(|pin| pin.claim == "sub");
            let mut subjects = rule.subjects.iter().enumerate();
            let any = subjects.find(|(_, subject)| {
                !by_subject.is_some_and(|pin| value_names(pin, subject)) && !subject.is_empty()
            });
            let hint = Some(format!("name your tenant under {}", places(&row.pins)));
            let (path, message) = match any {
                Some((entry, subject)) => (
                    at!["identity_providers", index, "subjects", entry],
                    format!("`{subject}` allows every customer of {issuer}"),
                ),
                None => (
                    here(),
                    format!("every customer of {issuer} could assume the role"),
                ),
            };
            problems.add(Level::Error, path, message, hint);
            return;
        }
        if rule.subjects.is_empty() && rule.claims.is_empty() && rule.owner.is_none() {
            let message = format!("every subject of {issuer} may assume the roles");
            problems.warn(here(), message, "name them under `subjects` or `claims`");
        }
        if let Some((claim, guest)) = &row.guests
            && let Some(values) = rule.claims.get(&**claim)
            && values.iter().any(|value| value == guest)
        {
            let message = "whoever knows the pool's id may assume the roles as a guest";
            let path = at!["identity_providers", index, "claims", &**claim];
            problems.warn(
                path,
                message,
                "admit guests to roles that may do very little",
            );
        }
        for (entry, subject) in rule.subjects.iter().enumerate() {
            let path = at!["identity_providers", index, "subjects", entry];
            if let Some(names) = cut_name(subject) {
                let message = format!("`{subject}` also allows names that only {names}");
                problems.warn(
                    path,
                    message,
                    "end it at a delimiter, as in repo:acme/app:*",
                );
            } else if subject.starts_with("job_workflow_ref:") && rule.claims.is_empty() {
                let message =
                    format!("`{subject}` allows whoever calls this workflow, if it is public");
                let hint = "name your owner as well, as claims: { repository_owner_id: [\"…\"] }";
                problems.warn(path, message, hint);
            }
        }
        for (claim, values) in &rule.claims {
            let by_prefix = |pin: &&Pin| pin.claim == rule.bare(claim) && !pin.prefixes.is_empty();
            if row.pins.iter().find(by_prefix).is_none() {
                continue;
            }
            for (value, names) in values.iter().filter_map(|one| Some((one, cut_name(one)?))) {
                let path = at!["identity_providers", index, "claims", claim.as_str()];
                let message = format!("`{value}` also allows names that only {names}");
                problems.warn(path, message, "end it at a delimiter, as in acme/app");
            }
        }
    }
}

/// What is left of a name that a wildcard of a subject cuts: of a repository, project or workspace,
/// not of a branch, a tag or an environment.
fn cut_name(subject: &str) -> Option<String> {
    const DELIMITERS: [char; 6] = [':', '/', '@', '=', '*', '?'];
    let of_run = [":ref:", ":ref_type:", ":environment:", ":run_phase:"];
    subject.match_indices(['*', '?']).find_map(|(at, wild)| {
        let (before, after) = (subject.get(..at)?, subject.get(at + wild.len()..)?);
        let begins = before.rsplit(DELIMITERS).next().unwrap_or_default();
        let ends = after.split(DELIMITERS).next().unwrap_or_default();
        match (begins, ends) {
            _ if of_run.iter().any(|part| before.contains(part)) => None,
            ("", "") => None,
            ("", ends) => Some(format!("end with {ends}")),
            (begins, _) => Some(format!("begin with {begins}")),
        }
    })
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

/// Where a rule can name a tenant.
fn places(pins: &[Pin]) -> String {
    let places: Vec<String> = pins
        .iter()
        .map(|pin| {
            let key = match &*pin.claim {
                "sub" => "subjects".to_owned(),
                "aud" => "audiences".to_owned(),
                other => format!("claims.{other}"),
            };
            match pin.prefixes.first() {
                Some(prefix) => format!("`{key}`, as {}", prefix.replacen("{}", "YOURS", 1)),
                None => format!("`{key}`"),
            }
        })
        .collect();
    places.join(", or ")
}
