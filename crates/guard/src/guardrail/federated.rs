//! Whose users may enter: `sts:AssumeRoleWithWebIdentity` and `sts:AssumeRoleWithSAML`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Denial, GuardrailError, values};
use crate::rules::{IdentityProvider, ProviderKind, RulesFile};

/// What may be said of a provider: the subjects and audiences of all its rules; `None`: any.
#[derive(Default)]
struct Said<'f> {
    subjects: Option<BTreeSet<&'f str>>,
    audiences: Option<BTreeSet<&'f str>>,
    begun: bool,
}

impl<'f> Said<'f> {
    fn also(&mut self, rule: &'f IdentityProvider) {
        let widen = |all: &mut Option<BTreeSet<&'f str>>, more: &'f [String], begun: bool| {
            if more.is_empty() {
                *all = None;
            } else if !begun {
                *all = Some(more.iter().map(String::as_str).collect());
            } else if let Some(all) = all {
                all.extend(more.iter().map(String::as_str));
            }
        };
        widen(&mut self.subjects, &rule.subjects, self.begun);
        widen(&mut self.audiences, &rule.audiences, self.begun);
        self.begun = true;
    }
}

pub(super) fn statements(
    file: &RulesFile,
    eks_regions: &[String],
    denials: &mut Vec<Denial>,
    notes: &mut Vec<String>,
) -> Result<(), GuardrailError> {
    let mut issuers: BTreeMap<String, Said<'_>> = BTreeMap::new();
    let mut directories: BTreeMap<String, Said<'_>> = BTreeMap::new();
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
        let named = rule.provider.as_deref().unwrap_or_default();
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
        // A bare name may be either, unless its kind is said.
        if rule.kind != Some(ProviderKind::Saml) && host.contains('.') {
            issuers.entry(host.to_owned()).or_default().also(rule);
        }
        if rule.kind != Some(ProviderKind::Oidc) && !named.starts_with("arn:") {
            directories
                .entry(format!("*/{named}"))
                .or_default()
                .also(rule);
        }
    }
    web_identity(&issuers, denials);
    saml(&directories, denials);
    if file
        .identity_providers
        .iter()
        .any(|rule| !rule.roles.is_empty())
    {
        notes.push("which role an identity provider's users may enter is not in them".to_owned());
    }
    notes.push(
        "SAML providers named AWSSSO_… are spared at every role: IAM Identity Center makes them"
            .to_owned(),
    );
    Ok(())
}

/// A claim's key. Login with Amazon and Facebook call theirs otherwise.
fn claim(issuer: &str, claim: &str) -> String {
    let name = match (issuer, claim) {
        ("www.amazon.com", "sub") => "user_id",
        ("graph.facebook.com", "sub") => "id",
        ("www.amazon.com" | "graph.facebook.com", _) => "app_id",
        _ => claim,
    };
    format!("{issuer}:{name}")
}

fn web_identity(issuers: &BTreeMap<String, Said<'_>>, denials: &mut Vec<Denial>) {
    let action = "sts:AssumeRoleWithWebIdentity";
    // A token of any other issuer has none of these claims.
    let none = issuers.keys().map(|issuer| {
        let key = claim(issuer, "sub");
        ("Null", key, json!("true"))
    });
    denials.push(Denial {
        sid: "Issuers".to_owned(),
        action,
        conditions: none.collect(),
        lists: "the issuers that the rules name",
    });
    for (index, (issuer, said)) in issuers.iter().enumerate() {
        let lists = [
            ("Subjects", "sub", &said.subjects),
            ("Audiences", "aud", &said.audiences),
        ];
        for (name, what, admitted) in lists {
            let Some(admitted) = admitted else { continue };
            let key = claim(issuer, what);
            denials.push(Denial {
                sid: format!("{name}{}", index + 1),
                action,
                conditions: vec![
                    ("Null", key.clone(), json!("false")),
                    ("StringNotLike", key, patterns(admitted)),
                ],
                lists: "the subjects or audiences of one issuer",
            });
        }
    }
}

fn saml(directories: &BTreeMap<String, Said<'_>>, denials: &mut Vec<Denial>) {
    let action = "sts:AssumeRoleWithSAML";
    let known = directories.keys().map(String::as_str);
    denials.push(Denial {
        sid: "Directories".to_owned(),
        action,
        conditions: vec![(
            "StringNotLike",
            "saml:doc".to_owned(),
            values(known.chain(["*/AWSSSO_*"])),
        )],
        lists: "the SAML providers that the rules name",
    });
    for (index, (directory, said)) in directories.iter().enumerate() {
        let lists = [
            ("DirectorySubjects", "saml:sub", &said.subjects),
            ("DirectoryAudiences", "saml:aud", &said.audiences),
        ];
        for (name, key, admitted) in lists {
            let Some(admitted) = admitted else { continue };
            denials.push(Denial {
                sid: format!("{name}{}", index + 1),
                action,
                conditions: vec![
                    ("StringLike", "saml:doc".to_owned(), json!(directory)),
                    ("StringNotLike", key.to_owned(), patterns(admitted)),
                ],
                lists: "the subjects or audiences of one SAML provider",
            });
        }
    }
}

/// Patterns as the rules write them; `${` would begin a policy variable.
fn patterns(admitted: &BTreeSet<&str>) -> Value {
    let escaped: Vec<String> = admitted
        .iter()
        .map(|pattern| pattern.replace("${", "${$}{"))
        .collect();
    values(escaped.iter().map(String::as_str))
}
