//! What an identity provider's rule asks of a token.

use std::collections::BTreeMap;

use policy::providers::{Pin, Provider};

use super::file::{IdentityProvider, ProviderKind, RulesFile};
use super::names::{fits_everybody, is_pattern};

/// Claims, each with the patterns of which its value must fit one. A claim with a colon is a
/// condition key as a whole.
pub(crate) type Claims = BTreeMap<String, Vec<String>>;

impl IdentityProvider {
    /// The issuer without its ARN, or the name of a SAML provider.
    pub(super) fn issuer(&self) -> &str {
        let provider = self.provider.as_deref().unwrap_or_default();
        let name = provider.split_once("-provider/").map(|(_, name)| name);
        name.unwrap_or(provider)
    }

    /// It is, or may be, an OIDC issuer of its owner's choice.
    pub(super) fn is_oidc(&self) -> bool {
        let provider = self.provider.as_deref().unwrap_or_default();
        match self.kind {
            Some(kind) => kind == ProviderKind::Oidc,
            None => !provider.contains(":saml-provider/") && self.issuer().contains('.'),
        }
    }

    /// The claim that a key of the rules names: with the issuer before it, or without.
    pub(super) fn bare<'c>(&self, claim: &'c str) -> &'c str {
        let Some((space, name)) = claim.rsplit_once(':') else {
            return claim;
        };
        let eks = self.kind == Some(ProviderKind::Eks) && space.starts_with("oidc.eks.");
        let own =
            eks || space.eq_ignore_ascii_case("saml") || space.eq_ignore_ascii_case(self.issuer());
        if own { name } else { claim }
    }

    /// What a token must say: everything in one of these.
    pub(crate) fn asked(&self) -> Vec<Claims> {
        let mut base = Claims::new();
        for (claim, values) in &self.claims {
            base.insert(self.bare(claim).to_owned(), values.clone());
        }
        let with = |claim: &str, values: Vec<String>| {
            let mut claims = base.clone();
            if !self.audiences.is_empty() {
                claims.insert("aud".to_owned(), self.audiences.clone());
            }
            if !values.is_empty() {
                claims.insert(claim.to_owned(), values);
            }
            claims
        };
        let Some(owner) = &self.owner else {
            return vec![with("sub", self.subjects.clone())];
        };
        if !self.subjects.is_empty() {
            return vec![with("sub", self.in_both_spellings(owner))];
        }
        let mut subjects = vec![
            format!("repo:{owner}/*"),
            format!("repository:{owner}/*"),
            format!("repository_owner:{owner}"),
            format!("repository_owner:{owner}:*"),
        ];
        let mut asked = vec![with("repository", vec![format!("{owner}/*")])];
        if let Some(id) = &self.owner_id {
            subjects.push(format!("repo:{owner}@{id}/*"));
            subjects.push(format!("repository_owner_id:{id}"));
            subjects.push(format!("repository_owner_id:{id}:*"));
            asked.push(with("repository_owner_id", vec![id.clone()]));
        }
        asked.push(with("sub", subjects));
        asked
    }

    /// The subjects, and what GitHub calls the same repositories where their ids stand beside
    /// their names.
    fn in_both_spellings(&self, owner: &str) -> Vec<String> {
        let mut subjects = self.subjects.clone();
        let Some(id) = &self.owner_id else {
            return subjects;
        };
        let named = format!("repo:{owner}/");
        for subject in &self.subjects {
            let Some(rest) = subject.strip_prefix(&named) else {
                continue;
            };
            let repository = rest.split(':').next().unwrap_or_default();
            let after = rest.get(repository.len()..).unwrap_or_default();
            let its_id = if repository.contains(['*', '@']) {
                ""
            } else {
                "@*"
            };
            subjects.push(format!("repo:{owner}@{id}/{repository}{its_id}{after}"));
        }
        subjects
    }

    /// The row of the issuer whose tokens many tenants get, if there is one.
    pub(super) fn shared(&self, file: &RulesFile) -> Option<Provider> {
        if !self.is_oidc() {
            return None;
        }
        let own: Vec<Provider> = file
            .shared_providers
            .iter()
            .map(super::SharedProvider::row)
            .collect();
        let row = Provider::find(self.issuer(), &own)?;
        (!row.pins.is_empty()).then(|| row.clone())
    }

    /// Whether it asks for anything of whose token it is: a pattern that fits everything does not.
    pub(super) fn limits_tokens(&self) -> bool {
        let limits = |values: &Vec<String>| {
            !values.is_empty() && !values.iter().any(|one| fits_everybody(one))
        };
        self.owner.is_some() || limits(&self.subjects) || self.claims.values().any(limits)
    }

    /// Whether every token that meets the rule is of a tenant that it names.
    pub(super) fn names_tenant(&self, row: &Provider) -> bool {
        self.asked()
            .iter()
            .all(|claims| row.pins.iter().any(|pin| names(pin, claims)))
    }
}

/// Whether each value that is asked of a claim names a tenant.
fn names(pin: &Pin, claims: &Claims) -> bool {
    let values = claims.get(&*pin.claim).map_or(&[][..], Vec::as_slice);
    !values.is_empty() && values.iter().all(|value| value_names(pin, value))
}

/// Whether one value of a claim, or pattern of values, names a tenant.
pub(super) fn value_names(pin: &Pin, value: &str) -> bool {
    let whole = !is_pattern(value) && !value.is_empty();
    if pin.prefixes.is_empty() {
        return whole;
    }
    let fixed = value.split(['*', '?']).next().unwrap_or_default();
    pin.tenant_pattern(fixed).is_some() || (whole && pin.names_tenant(value))
}
