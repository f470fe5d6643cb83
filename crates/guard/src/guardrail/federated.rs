//! Whose users may sign in: `sts:AssumeRoleWithWebIdentity` and `sts:AssumeRoleWithSAML`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::statement::{Condition, Denial, GuardrailError, listed, values};
use crate::rules::{IdentityProvider, ProviderKind, RulesFile};

/// So many ways to fail all rules of one provider are written down one by one.
const MOST_WAYS: usize = 32;

/// Claims, and the values that each may have.
type Claims = BTreeMap<String, BTreeSet<String>>;

/// What the rules of one provider ask of a token: it must meet one of them.
#[derive(Default)]
struct Said {
    rules: Vec<Claims>,
}

impl Said {
    fn also(&mut self, rule: &IdentityProvider) {
        let sets = |claims: crate::rules::Claims| {
            let claims = claims.into_iter();
            claims.map(|(claim, values)| (claim, values.into_iter().collect()))
        };
        let asked = rule.asked().into_iter();
        self.rules
            .extend(asked.map(|claims| sets(claims).collect()));
    }

    /// There are too many ways to fail all of them to write each down.
    fn is_simplified(&self) -> bool {
        let ways = self.rules.iter().map(BTreeMap::len);
        ways.fold(1, usize::saturating_mul) > MOST_WAYS
    }

    /// The ways in which a token fails all of these rules: of each rule one claim, which it does
    /// not meet. A token is to be denied if it fails in one of these ways.
    fn failing(&self) -> Vec<Claims> {
        if self.is_simplified() {
            return self.failing_by_one_claim();
        }
        let mut failing: BTreeSet<Claims> = BTreeSet::from([BTreeMap::new()]);
        for rule in &self.rules {
            let with = |claims: &Claims, (claim, values): (&String, &BTreeSet<String>)| {
                let mut claims = claims.clone();
                let all = claims.entry(claim.clone()).or_default();
                all.extend(values.iter().cloned());
                claims
            };
            failing = failing
                .iter()
                .flat_map(|claims| rule.iter().map(move |one| with(claims, one)))
                .collect();
        }
        failing.into_iter().collect()
    }

    /// Only those ways in which one claim fails them all: fewer, and none too many.
    fn failing_by_one_claim(&self) -> Vec<Claims> {
        let claims: BTreeSet<&String> = self.rules.iter().flat_map(BTreeMap::keys).collect();
        let all = |claim: &String| {
            let values: Option<Vec<_>> = self.rules.iter().map(|rule| rule.get(claim)).collect();
            let values = values?.into_iter().flatten().cloned().collect();
            Some(BTreeMap::from([(claim.clone(), values)]))
        };
        claims.into_iter().filter_map(all).collect()
    }
}

pub(super) fn statements(
    file: &RulesFile,
    eks_regions: &[String],
    denials: &mut Vec<Denial>,
    notes: &mut Vec<String>,
) -> Result<(), GuardrailError> {
    let mut issuers: BTreeMap<String, Said> = BTreeMap::new();
    let mut directories: BTreeMap<String, Said> = BTreeMap::new();
    for rule in &file.identity_providers {
        if rule.kind == Some(ProviderKind::Eks) {
            if eks_regions.is_empty() && !rule.clusters.is_empty() {
                return Err(GuardrailError::NoRegions);
            }
            for (region, id) in eks_regions
                .iter()
                .flat_map(|region| rule.clusters.iter().map(move |id| (region, id)))
            {
                let end = if region.starts_with("cn-") { ".cn" } else { "" };
                let issuer = format!("oidc.eks.{region}.amazonaws.com{end}/id/{id}");
                issuers.entry(issuer).or_default().also(rule);
            }
            continue;
        }
        // Machines come by AWS's services.
        let Some(named) = rule.provider.as_deref() else {
            continue;
        };
        if let Some((account, name)) = named.split_once(":saml-provider/") {
            let account = account.rsplit(':').next().unwrap_or("*");
            directories
                .entry(format!("{account}/{name}"))
                .or_default()
                .also(rule);
            continue;
        }
        let host = named
            .split_once(":oidc-provider/")
            .map_or(named, |(_, host)| host);
        // What its kind does not say, its name does.
        let dotted = host.contains('.');
        if rule.kind == Some(ProviderKind::Saml) || (rule.kind.is_none() && !dotted) {
            let directory = format!("*/{named}");
            directories.entry(directory).or_default().also(rule);
        } else if dotted {
            issuers.entry(host.to_owned()).or_default().also(rule);
        }
    }
    web_identity(&issuers, denials);
    saml(&directories, denials);
    for (provider, said) in issuers.iter().chain(&directories) {
        if said.is_simplified() {
            notes.push(format!(
                "the rules of {provider} can be failed in more than {MOST_WAYS} ways: only what \
                 fails all of them by one and the same claim is refused, the rest is left to the \
                 guard"
            ));
        }
    }
    if file
        .identity_providers
        .iter()
        .any(|rule| !rule.roles.is_empty())
    {
        notes.push(
            "they do not limit which role an identity provider's users may assume".to_owned(),
        );
    }
    notes.push(
        "SAML providers named AWSSSO_… are exempt at every role: IAM Identity Center makes them"
            .to_owned(),
    );
    Ok(())
}

/// A claim's key. Login with Amazon and Facebook call theirs otherwise.
fn claim(issuer: &str, claim: &str) -> String {
    let name = match (issuer, claim) {
        ("www.amazon.com", "sub") => "user_id",
        ("graph.facebook.com", "sub") => "id",
        ("www.amazon.com" | "graph.facebook.com", "aud") => "app_id",
        _ => claim,
    };
    if name.contains(':') {
        return name.to_owned();
    }
    format!("{issuer}:{name}")
}

fn web_identity(issuers: &BTreeMap<String, Said>, denials: &mut Vec<Denial>) {
    let action = "sts:AssumeRoleWithWebIdentity";
    // A token of any other issuer has none of these claims.
    let none = issuers.keys().map(|issuer| {
        let key = claim(issuer, "sub");
        ("Null", key, json!("true"))
    });
    denials.push(Denial {
        sid: "Issuers".to_owned(),
        actions: vec![action],
        conditions: none.collect(),
        lists: "the issuers that the rules name",
        callers: match issuers.len() {
            0 => "whoever signs in by a token of any issuer".to_owned(),
            _ => {
                let named: Vec<&str> = issuers.keys().map(String::as_str).collect();
                format!(
                    "whoever signs in by a token of another issuer than {}",
                    listed(&named)
                )
            }
        },
    });
    for (index, (issuer, said)) in issuers.iter().enumerate() {
        let of_issuer = ("Null", claim(issuer, "sub"), json!("false"));
        let key = |name: &str| claim(issuer, name);
        let who = format!("tokens of {issuer}");
        denials.extend(unmet(
            &format!("Tokens{}", index + 1),
            &who,
            action,
            &of_issuer,
            said,
            &key,
        ));
    }
}

/// A statement for each way in which a token or an assertion meets none of its provider's rules.
fn unmet(
    name: &str,
    who: &str,
    action: &'static str,
    of_provider: &Condition,
    said: &Said,
    key: &dyn Fn(&str) -> String,
) -> Vec<Denial> {
    let ways = said.failing().into_iter().enumerate();
    ways.map(|(way, claims)| {
        let unmet = claims
            .iter()
            .map(|(claim, values)| ("StringNotLike", key(claim), patterns(values)));
        let mut conditions = vec![of_provider.clone()];
        conditions.extend(unmet);
        let asked = claims.iter().map(|(claim, values)| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            format!("{claim} is not {}", listed(&values))
        });
        let asked: Vec<String> = asked.collect();
        Denial {
            sid: format!("{name}Way{}", way + 1),
            actions: vec![action],
            conditions,
            lists: "the claims of one identity provider",
            callers: format!("{who} whose {}", asked.join(" and whose ")),
        }
    })
    .collect()
}

fn saml(directories: &BTreeMap<String, Said>, denials: &mut Vec<Denial>) {
    let action = "sts:AssumeRoleWithSAML";
    let known = directories.keys().map(String::as_str);
    denials.push(Denial {
        sid: "Directories".to_owned(),
        actions: vec![action],
        conditions: vec![
            // Who is not said cannot be judged: that is left to the guard.
            ("Null", "saml:doc".to_owned(), json!("false")),
            (
                "StringNotLike",
                "saml:doc".to_owned(),
                values(known.clone().chain(["*/AWSSSO_*"])),
            ),
        ],
        lists: "the SAML providers that the rules name",
        callers: match directories.len() {
            0 => "whoever signs in by SAML, but by IAM Identity Center".to_owned(),
            _ => format!(
                "whoever signs in by another SAML provider than {} and IAM Identity Center",
                listed(&known.collect::<Vec<_>>())
            ),
        },
    });
    for (index, (directory, said)) in directories.iter().enumerate() {
        let of_directory = ("StringLike", "saml:doc".to_owned(), json!(directory));
        let key = |name: &str| match name.contains(':') {
            true => name.to_owned(),
            false => format!("saml:{name}"),
        };
        let name = format!("Assertions{}", index + 1);
        let who = format!("assertions of {directory}");
        denials.extend(unmet(&name, &who, action, &of_directory, said, &key));
    }
}

/// Patterns as the rules write them; `${` would begin a policy variable.
fn patterns(admitted: &BTreeSet<String>) -> Value {
    let escaped: Vec<String> = admitted
        .iter()
        .map(|pattern| pattern.replace("${", "${$}{"))
        .collect();
    values(escaped.iter().map(String::as_str))
}
