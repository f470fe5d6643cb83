//! Whether third parties have access through an identity provider that many tenants share.

use super::compiled::Named;
use super::literal::Literal;
use super::solver::{Present, Solver, finite, required};
use super::way::{Issuer, Way};
use crate::arn;
use crate::keys::{Presence, Role};
use crate::providers::{Pin, Provider};
use crate::sets::pattern::Pattern;
use crate::sets::test::{Relation, Test};

/// Providers that a trust policy names without an ARN (IAM user guide, "Create a role for OIDC
/// federation"): they exist in every account.
const BUILT_IN: [&str; 4] = [
    "accounts.google.com",
    "www.amazon.com",
    "graph.facebook.com",
    "cognito-identity.amazonaws.com",
];

/// The name and the account of a provider, also of one that is not named: the own account's.
pub(crate) fn named(
    way: &Way<'_>,
    issuer: Issuer<'_>,
    own: Option<&str>,
) -> (String, Option<String>) {
    let unnamed = way.named == Named::Everyone && issuer.account.is_none();
    let own = own.filter(|_| unnamed && !BUILT_IN.contains(&issuer.prefix));
    let kind = if issuer.saml {
        "saml-provider"
    } else {
        "oidc-provider"
    };
    match own {
        Some(own) if issuer != Issuer::ANY => {
            let resource = if issuer.saml { "*" } else { issuer.prefix };
            let arn = format!("arn:aws:iam::{own}:{kind}/{resource}");
            (arn, Some(own.to_owned()))
        }
        _ => (
            issuer.provider.to_owned(),
            issuer.account.map(str::to_owned),
        ),
    }
}

/// A provider as a request names it: of any, one of whose claims the document does not speak.
pub(crate) fn caller(
    way: &Way<'_>,
    issuer: Issuer<'_>,
    spoken: impl Fn(&str) -> bool,
    own: Option<&str>,
) -> String {
    if issuer == Issuer::ANY {
        let mut known = BUILT_IN.into_iter();
        return known
            .find(|one| !spoken(one))
            .unwrap_or("oidc.example.com")
            .to_owned();
    }
    let (named, _) = named(way, issuer, own);
    match named.strip_suffix('*') {
        Some("") => "arn:aws:iam::999999999999:saml-provider/any-provider".to_owned(),
        Some(begun) => format!("{begun}any-provider"),
        None => named,
    }
}

/// Whether someone outside the intended tenant has access by this way.
pub(crate) fn is_open(way: &Way<'_>, issuer: Issuer<'_>, solver: &mut Solver<'_>) -> bool {
    if issuer.saml {
        return false;
    }
    // Some providers of web identities are everybody's, and exist in every account.
    if issuer == Issuer::ANY {
        return true;
    }
    let providers = solver.context.providers;
    let Some(provider) = Provider::find(issuer.prefix, providers) else {
        return false;
    };
    if let Some((claim, guest)) = &provider.guests
        && admits_guests(way, issuer, claim, guest, solver)
    {
        return true;
    }
    !provider.pins.is_empty()
        && !provider
            .pins
            .iter()
            .any(|pin| pinned(way, issuer, pin, solver))
}

/// The demands on one claim, or on a key of its own.
fn on_claim<'t, 'p>(way: &'t Way<'p>, issuer: Issuer<'_>, claim: &str) -> Option<&'t Literal<'p>> {
    if claim.contains(':') {
        let mut demands = way.demands.iter();
        return demands.find(|literal| literal.key.eq_ignore_ascii_case(claim));
    }
    way.of_role(Role::Claim).find(|literal| {
        arn::cut_last(&literal.key).is_some_and(|(space, name)| {
            space.eq_ignore_ascii_case(issuer.prefix) && name.eq_ignore_ascii_case(claim)
        })
    })
}

fn admits_guests(
    way: &Way<'_>,
    issuer: Issuer<'_>,
    claim: &str,
    guest: &str,
    solver: &Solver<'_>,
) -> bool {
    let Some(like) = on_claim(way, issuer, claim) else {
        return true;
    };
    // A guest's token has this one value alone, so "each" and "at least one" are the same.
    solver
        .ready(way, |literal| literal.same_key(like))
        .iter()
        .all(|one| one.test.passes(guest) == one.literal.passes)
}

/// Whether a claim must be one of a list of numbers, as Google's for an organization.
fn is_number(way: &Way<'_>, like: &Literal<'_>, solver: &Solver<'_>) -> bool {
    required(way, like, solver)
        && way.demands.iter().any(|literal| {
            literal.same_key(like)
                && literal.passes
                && matches!(&*literal.test, Test::Number(Relation::Equal, list) if !list.is_empty())
        })
}

fn pinned(way: &Way<'_>, issuer: Issuer<'_>, pin: &Pin, solver: &mut Solver<'_>) -> bool {
    let Some(like) = on_claim(way, issuer, &pin.claim) else {
        return false;
    };
    let like = like.clone();
    if pin.prefixes.is_empty() {
        return finite(way, &like, solver).is_some_and(|list| !list.is_empty())
            || is_number(way, &like, solver);
    }
    let always = solver.presence(way, &like) == Presence::Always;
    let absent = way
        .demands
        .iter()
        .filter(|literal| literal.same_key(&like))
        .all(|one| one.absent);
    if absent && !always {
        return false;
    }
    // The tenants that the demands spell out; then nothing outside of them may be left.
    let tenants: Vec<Pattern<'_>> = way
        .demands
        .iter()
        .filter(|literal| literal.same_key(&like))
        .filter_map(|literal| match &*literal.test {
            Test::Text(patterns) => Some(patterns),
            _ => None,
        })
        .flatten()
        .filter_map(|pattern| {
            let prefix = pattern.in_small_letters(pattern.literal_prefix());
            let mut tenant = match pin.tenant_pattern(&prefix) {
                Some(tenant) => Pattern::wild(tenant),
                // A whole value may end where the tenant does.
                None if pattern.tokens.is_none() && pin.names_tenant(&prefix) => {
                    Pattern::exact(prefix.into_owned())
                }
                None => return None,
            };
            tenant.fold |= pattern.fold;
            Some(tenant)
        })
        .collect();
    if tenants.is_empty() {
        return false;
    }
    let elsewhere = Test::Text(tenants);
    solver.key(way, &like, &[(&elsewhere, false)]).present == Present::Nothing
}
