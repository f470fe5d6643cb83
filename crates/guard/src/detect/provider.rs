//! Whether a rule covers what an identity provider's users may do.

use std::borrow::Cow;

use policy::glob::matches_ignoring_case;
use policy::patterns::covers;
use policy::providers::Provider;
use policy::{Grant, Values};

use super::access::finding;
use super::coverage::{Coverage, Uncovered, Unmet, listed, restriction};
use crate::check::{Check, Finding};
use crate::model::RoleRef;
use crate::rules::{Claims, IdentityProvider, ProviderKind, Rules};

/// The federated principal of a grant.
pub(super) struct ProviderContext<'a> {
    pub(super) provider: &'a str,
    pub(super) account: Option<&'a str>,
    pub(super) open: bool,
}

/// What a rule has against a grant to its provider, what comes nearest last.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Against {
    Role,
    Subject(Unmet),
    Audience(Unmet),
}

impl Against {
    fn nearness(&self) -> u8 {
        match self {
            Self::Role => 0,
            Self::Subject(_) => 1,
            Self::Audience(_) => 2,
        }
    }
}

/// The rule that covers a grant to an identity provider, or what is wrong with it.
pub(super) fn cover_provider(
    rules: &Rules,
    role: &RoleRef,
    providing: &ProviderContext<'_>,
    grant: &Grant,
) -> Result<Coverage, Vec<Uncovered>> {
    let provider = providing.provider;
    if providing.open {
        return cover_open(rules, role, provider, grant);
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
    let subject = key(provider, "sub");
    let parts = by_subject(grant, &subject);
    let (covered, against): (Vec<_>, Vec<_>) = parts
        .into_iter()
        .map(|(one, part)| (one, nearest(rules, role, provider, &part)))
        .partition(|(_, against)| *against == Some(None));
    // The rule that comes nearest decides what is said.
    let nearness = |against: &Option<Option<Against>>| match against {
        Some(Some(against)) => 1 + against.nearness(),
        _ => 0,
    };
    let against = against.into_iter().map(|(_, against)| against);
    let against = against.max_by_key(nearness).unwrap_or(Some(None));
    let mut found = match &against {
        Some(None) => {
            return Ok(Coverage::IdentityProvider {
                provider: provider.to_owned(),
            });
        }
        None => {
            return unknown(if provider.ends_with(":saml-provider/*") {
                "users of any SAML provider of the account can assume the role".to_owned()
            } else {
                format!("users of {provider} can assume the role, and no rule names it")
            });
        }
        Some(Some(Against::Role)) => {
            return unknown(format!(
                "users of {provider} can assume the role, and the provider's rule does not name \
                 the role"
            ));
        }
        Some(Some(Against::Audience(_))) => Uncovered::new(
            Check::UnknownIdentityProvider,
            format!(
                "users of {provider} can assume the role with tokens for audiences that the \
                 provider's rule does not name"
            ),
        ),
        Some(Some(Against::Subject(_))) => Uncovered {
            fix: immutable(rules, provider, grant),
            ..Uncovered::new(
                Check::UnknownIdentityProvider,
                format!(
                    "users of {provider} can assume the role, and the provider's rule does not \
                     name their subjects or claims"
                ),
            )
        },
    };
    // A subject that a rule names is proof of nothing.
    let admitted: Vec<String> = covered.into_iter().filter_map(|(one, _)| one).collect();
    let mut others = Unmet {
        key: subject,
        admitted,
    };
    if let Some(Some(Against::Subject(unmet) | Against::Audience(unmet))) = against {
        if unmet.key == others.key {
            others.admitted.extend(unmet.admitted);
        } else {
            found.unmet.push(unmet);
        }
    }
    found.unmet.insert(0, others);
    Err(vec![found])
}

/// What the rule that comes nearest has against a grant; `None`: no rule is about the provider.
fn nearest(
    rules: &Rules,
    role: &RoleRef,
    provider: &str,
    grant: &Grant,
) -> Option<Option<Against>> {
    let about = rules.identity_providers().iter();
    about
        .filter(|rule| is_about(rule, provider))
        .map(|rule| against(rule, role, provider, grant))
        .max_by_key(|against| against.as_ref().map_or(u8::MAX, Against::nearness))
}

/// A grant for each subject that it lists, with the subject: one rule may name one, another the next.
fn by_subject<'g>(grant: &'g Grant, key: &str) -> Vec<(Option<String>, Cow<'g, Grant>)> {
    let listed = match restriction(grant, key).map(|found| &found.values) {
        Some(Values::OneOf(all) | Values::Like(all)) => all.as_slice(),
        _ => &[],
    };
    if listed.len() < 2 {
        return vec![(None, Cow::Borrowed(grant))];
    }
    let of_one = |one: &String| {
        let mut part = grant.clone();
        let mut found = part.restrictions.iter_mut();
        if let Some(found) = found.find(|found| found.key.eq_ignore_ascii_case(key)) {
            found.values = Values::Like(vec![one.clone()]);
        }
        (Some(one.clone()), Cow::Owned(part))
    };
    listed.iter().map(of_one).collect()
}

/// A grant that third parties of the intended tenant fit. A rule can allow it for guests alone, if it
/// says so.
fn cover_open(
    rules: &Rules,
    role: &RoleRef,
    provider: &str,
    grant: &Grant,
) -> Result<Coverage, Vec<Uncovered>> {
    let row = Provider::find(host(provider), rules.shared_providers());
    let guests = row.and_then(|row| row.guests.as_ref());
    if let Some((claim, guest)) = guests {
        // Who lets guests in lets everybody of the pool in.
        let but_for_guests = |rule: &IdentityProvider| {
            let mut rule = rule.clone();
            let named = rule.claims.remove(&**claim)?;
            (named.iter().any(|value| value == guest) && !rule.audiences.is_empty()).then_some(rule)
        };
        let about = rules.identity_providers().iter();
        let by_rule = about
            .filter(|rule| is_about(rule, provider))
            .filter_map(but_for_guests)
            .any(|rule| against(&rule, role, provider, grant).is_none());
        if by_rule {
            return Ok(Coverage::IdentityProvider {
                provider: provider.to_owned(),
            });
        }
        if let Some(pools) = listed(grant, &key(provider, "aud")) {
            let message = format!(
                "anyone can assume the role as a guest of {provider} with audience {}, without \
                 signing in",
                pools.join(" or ")
            );
            let fix = format!(
                "demand {} authenticated; or, where guests are meant, name the pool under \
                 `audiences` and `claims: {{ {claim}: [{guest}] }}` in a rule for this role",
                key(provider, claim)
            );
            let open = Uncovered::new(Check::OpenIdentityProvider, message);
            return Err(vec![Uncovered {
                fix: Some(fix),
                ..open
            }]);
        }
    }
    let message = match provider {
        "*" => "users of any web identity provider can assume the role".to_owned(),
        _ => format!("users of any tenant of {provider} can assume the role"),
    };
    let pin = row.and_then(|row| row.pins.first());
    let fix = match pin {
        Some(pin) => {
            let key = key(provider, &pin.claim);
            match pin.prefixes.first() {
                Some(form) => {
                    let form = form.replacen("{}", "YOURS", 1);
                    format!("limit {key} to your own tenant, as {form}*")
                }
                None => format!("limit {key} to your own tenant, with StringEquals"),
            }
        }
        None if provider == "*" => {
            "name the provider as principal, and limit its subjects to your own tenant".to_owned()
        }
        None => "limit the subject, or another claim that identifies the tenant, to your own \
                 tenant"
            .to_owned(),
    };
    let open = Uncovered::new(Check::OpenIdentityProvider, message);
    Err(vec![Uncovered {
        fix: Some(fix),
        ..open
    }])
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
        // Another id is another owner, who took the name.
        rule.owner_id.is_none()
            && is_about(rule, provider)
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

/// Judges an identity provider that is to be set up: whoever can sign in through it can assume each
/// role that trusts it.
pub fn judge_provider(rules: &Rules, provider: &str) -> Option<Finding> {
    let named = rules
        .identity_providers()
        .iter()
        .any(|rule| is_about(rule, provider));
    let message = format!(
        "{} is set up as an identity provider, and no rule names it",
        host(provider)
    );
    (!named).then(|| finding(rules, Check::UnknownIdentityProvider, message))
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

/// The id of the EKS cluster that an issuer belongs to. A external account's issuer may have any path, so
/// the host is compared as a whole.
fn eks_cluster(issuer: &str) -> Option<&str> {
    let (place, id) = issuer.strip_prefix("oidc.eks.")?.split_once("/id/")?;
    let (region, domain) = place.split_once('.')?;
    let is_region = region
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_region && matches!(domain, "amazonaws.com" | "amazonaws.com.cn")).then_some(id)
}

/// The issuer of an OIDC provider, without its ARN.
fn host(provider: &str) -> &str {
    provider
        .split_once(":oidc-provider/")
        .map_or(provider, |(_, host)| host)
}

/// A rule names this role, or none, and is about its account.
pub(super) fn admits_role(rule: &IdentityProvider, role: &RoleRef) -> bool {
    let admits = |name: &str| {
        let mut named = rule.roles.iter();
        named.any(|named| matches_ignoring_case(named, name))
    };
    let ours = &rule.accounts_of_ours;
    (ours.is_empty() || ours.contains(&role.account))
        && (rule.roles.is_empty() || role.name.as_deref().is_some_and(admits))
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
        .max_by_key(|against| against.as_ref().map_or(u8::MAX, Against::nearness))
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
                        .all(|value| named.iter().any(|named| covers(named, value)))
            }
            _ => false,
        };
    let unmet: Vec<_> = claims.iter().filter(|claim| !met(claim)).collect();
    let of = |&&(claim, named): &&(&String, &Vec<String>)| Unmet {
        key: key(provider, claim),
        admitted: named.clone(),
    };
    // Who it is comes before what else they are asked for.
    let of_subject = |named: &&(&String, &Vec<String>)| named.0 == "sub";
    let other = || unmet.iter().find(|(claim, _)| *claim != "aud");
    let subject = unmet.iter().find(of_subject).or_else(other);
    match subject {
        Some(subject) => Some(Against::Subject(of(&subject))),
        None => unmet.first().map(|first| Against::Audience(of(&first))),
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
