//! Whether a rule covers what an identity provider's users may do.

use policy::glob::matches_ignoring_case;
use policy::{Grant, Values};

use super::coverage::{Coverage, Uncovered, restriction};
use crate::check::Check;
use crate::model::RoleRef;
use crate::rules::{Claims, IdentityProvider, ProviderKind, Rules, pattern_within};

/// The federated principal of a grant.
pub(super) struct Providing<'a> {
    pub(super) provider: &'a str,
    pub(super) account: Option<&'a str>,
    pub(super) open: bool,
}

/// What a rule has against a grant to its provider, what comes nearest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Against {
    Role,
    Subject,
    Audience,
}

/// The rule that covers a grant to an identity provider, or what is wrong with it.
pub(super) fn cover_provider(
    rules: &Rules,
    role: &RoleRef,
    providing: &Providing<'_>,
    grant: &Grant,
) -> Result<Coverage, Vec<Uncovered>> {
    let provider = providing.provider;
    if providing.open {
        let message = format!("users of any tenant of {provider} can assume the role");
        let fix = if host(provider).starts_with(GITHUB) {
            "limit the subject to your own tenant, as repo:OWNER/REPOSITORY:*"
        } else {
            "limit the subject, or another claim that identifies the tenant, to your own tenant"
        };
        let fix = fix.to_owned();
        let open = Uncovered::new(Check::OpenIdentityProvider, message);
        return Err(vec![Uncovered {
            fix: Some(fix),
            ..open
        }]);
    }
    let unknown = |message| {
        Err(vec![Uncovered::new(
            Check::UnknownIdentityProvider,
            message,
        )])
    };
    if let Some(account) = providing.account.filter(|account| *account != role.account) {
        return unknown(format!(
            "{provider} is an identity provider of account {account}"
        ));
    }
    if is_identity_center(provider, role) {
        return Ok(Coverage::IdentityCenter);
    }
    let against = rules
        .identity_providers()
        .iter()
        .filter(|rule| is_about(rule, provider))
        .map(|rule| against(rule, role, provider, grant))
        // The rule that comes nearest decides what is said.
        .max_by_key(|against| against.map_or(u8::MAX, |against| against as u8));
    match against {
        Some(None) => Ok(Coverage::IdentityProvider {
            provider: provider.to_owned(),
        }),
        None => unknown(format!(
            "users of {provider} can assume the role, and no rule names it"
        )),
        Some(Some(Against::Role)) => unknown(format!(
            "users of {provider} can assume the role, and the provider's rule does not name the \
             role"
        )),
        Some(Some(Against::Audience)) => unknown(format!(
            "users of {provider} can assume the role with tokens for audiences that the \
             provider's rule does not name"
        )),
        Some(Some(Against::Subject)) => {
            let message = format!(
                "users of {provider} can assume the role, and the provider's rule does not name \
                 their subjects or claims"
            );
            let fix = immutable(rules, provider, grant);
            let unknown = Uncovered::new(Check::UnknownIdentityProvider, message);
            Err(vec![Uncovered { fix, ..unknown }])
        }
    }
}

/// What mends it if the subject is GitHub's immutable form of one that a rule names: every
/// repository that is new, renamed or transferred has it.
fn immutable(rules: &Rules, provider: &str, grant: &Grant) -> Option<String> {
    let subjects = match &restriction(grant, &key(provider, "sub"))?.values {
        Values::OneOf(subjects) | Values::Like(subjects) => subjects,
        _ => return None,
    };
    let (owner, id) = subjects.iter().find_map(|subject| {
        let (owner, rest) = subject.strip_prefix("repo:")?.split_once('@')?;
        let (id, _) = rest.split_once('/')?;
        id.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some((owner, id))
    })?;
    let mut named = rules.identity_providers().iter();
    let is_named = named.any(|rule| {
        let begins = |subject: &String| {
            let rest = subject.strip_prefix("repo:");
            rest.and_then(|rest| rest.strip_prefix(owner))
                .is_some_and(|rest| rest.starts_with('/'))
        };
        is_about(rule, provider)
            && (rule.owner.as_deref() == Some(owner) || rule.subjects.iter().any(begins))
    });
    is_named.then(|| {
        format!(
            "this is GitHub's immutable form of a subject that the rule names: add `owner: \
             {owner}` and `owner_id: \"{id}\"` to the rule, if {id} is the id of {owner}"
        )
    })
}

/// IAM Identity Center makes its provider and its roles by itself, under a path that nobody else
/// can create roles in. Names are anybody's: where the path is not known this is not its role.
fn is_identity_center(provider: &str, role: &RoleRef) -> bool {
    let reserved = "/aws-reserved/sso.amazonaws.com/";
    named_by_identity_center(provider)
        && role
            .path
            .as_deref()
            .is_some_and(|path| path.starts_with(reserved))
}

/// The provider's name is one that Identity Center gives.
pub(super) fn named_by_identity_center(provider: &str) -> bool {
    provider
        .split_once(":saml-provider/")
        .is_some_and(|(_, name)| name.starts_with("AWSSSO_"))
}

/// A rule is about this provider. What a SAML provider is named is up to whoever creates it, so a
/// rule for an OIDC issuer never fits one, and an issuer's name in a rule without a kind neither.
pub(crate) fn is_about(rule: &IdentityProvider, provider: &str) -> bool {
    if rule.kind == Some(ProviderKind::Eks) {
        return eks_cluster(host(provider))
            .is_some_and(|id| rule.clusters.iter().any(|cluster| cluster == id));
    }
    rule.provider.as_deref().is_some_and(|named| {
        let (kind, name) = match provider.split_once(":saml-provider/") {
            Some((_, name)) => (ProviderKind::Saml, name),
            None => (ProviderKind::Oidc, host(provider)),
        };
        match rule.kind {
            Some(of) => of == kind && (named == provider || named == name),
            None if kind == ProviderKind::Saml && named.contains('.') => named == provider,
            None => named == provider || named == name,
        }
    })
}

/// The id of the EKS cluster that an issuer belongs to. A stranger's issuer may have any path, so
/// the host is compared as a whole.
fn eks_cluster(issuer: &str) -> Option<&str> {
    let (place, id) = issuer.strip_prefix("oidc.eks.")?.split_once("/id/")?;
    let (region, domain) = place.split_once('.')?;
    let is_region = region
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_region && matches!(domain, "amazonaws.com" | "amazonaws.com.cn")).then_some(id)
}

/// The issuer of GitHub Actions; an enterprise's own lies below it.
const GITHUB: &str = "token.actions.githubusercontent.com";

/// The issuer of an OIDC provider, without its ARN.
fn host(provider: &str) -> &str {
    provider
        .split_once(":oidc-provider/")
        .map_or(provider, |(_, host)| host)
}

/// A rule names this role, or none.
pub(super) fn admits_role(rule: &IdentityProvider, role: &RoleRef) -> bool {
    let admits = |name: &str| {
        let mut named = rule.roles.iter();
        named.any(|named| matches_ignoring_case(named, name))
    };
    rule.roles.is_empty() || role.name.as_deref().is_some_and(admits)
}

/// What a rule has against the grant; of several things, the one that is named first.
fn against(
    rule: &IdentityProvider,
    role: &RoleRef,
    provider: &str,
    grant: &Grant,
) -> Option<Against> {
    if !admits_role(rule, role) {
        return Some(Against::Role);
    }
    rule.asked()
        .iter()
        .map(|claims| unmet(claims, provider, grant))
        .max_by_key(|against| against.map_or(u8::MAX, |against| against as u8))
        .flatten()
}

/// What of these claims a grant does not ask for.
fn unmet(claims: &Claims, provider: &str, grant: &Grant) -> Option<Against> {
    let met =
        |(claim, named): &(&String, &Vec<String>)| match restriction(grant, &key(provider, claim))
            .map(|found| &found.values)
        {
            Some(Values::OneOf(values) | Values::Like(values)) => {
                !values.is_empty()
                    && values
                        .iter()
                        .all(|value| named.iter().any(|named| pattern_within(value, named)))
            }
            _ => false,
        };
    let mut unmet = claims.iter().filter(|claim| !met(claim)).peekable();
    unmet.peek()?;
    if unmet.all(|(claim, _)| claim == "aud") {
        Some(Against::Audience)
    } else {
        Some(Against::Subject)
    }
}

/// The condition key of a claim; one with a colon is a key already.
fn key(provider: &str, claim: &str) -> String {
    if claim.contains(':') {
        claim.to_owned()
    } else if provider.contains(":saml-provider/") {
        format!("SAML:{claim}")
    } else {
        format!("{}:{claim}", host(provider))
    }
}
