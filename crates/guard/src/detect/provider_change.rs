//! Judging changes of identity providers: what changed, and which roles it opens.

use jiff::Timestamp;
use policy::Who;
use policy::services::region_apart;

use super::access::finding;
use super::provider::is_about;
use super::reading::Reading;
use super::service::all_of;
use super::trust_document::judge_trust_without_witnesses;
use crate::check::{Check, Finding, Severity};
use crate::cloudtrail::{Metadata, ProviderChange, ProviderMove, ProviderType};
use crate::model::RoleRef;
use crate::rules::{IdentityProvider, ProviderKind, Rules};

/// So many roles are named in a message; the rest are counted.
const MOST_NAMED: usize = 5;

/// What is known of something before a change, or of the roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// This.
    Is(T),
    /// Nothing: why, in lower case and without a full stop.
    Not(String),
}

/// What a kind of provider is called, the service to which a role lends itself (none: the role names
/// the provider itself), and the kind of the rules that name one.
fn traits_of(provider: ProviderType) -> (&'static str, Option<&'static str>, Option<ProviderKind>) {
    const ROLES_ANYWHERE: Option<&str> = Some("rolesanywhere.amazonaws.com");
    const ACCOUNT_ACCESS: Option<&str> = Some("account-access.amazonaws.com");
    let (anywhere, access) = (
        Some(ProviderKind::RolesAnywhere),
        Some(ProviderKind::AccountAccess),
    );
    match provider {
        ProviderType::Saml => ("SAML provider", None, None),
        ProviderType::Oidc => ("OIDC provider", None, None),
        ProviderType::TrustAnchor => ("trust anchor", ROLES_ANYWHERE, anywhere),
        ProviderType::Profile => ("profile of Roles Anywhere", ROLES_ANYWHERE, anywhere),
        ProviderType::RevocationList => ("revocation list", ROLES_ANYWHERE, anywhere),
        ProviderType::RoleAlias => (
            "role alias of AWS IoT",
            Some("credentials.iot.amazonaws.com"),
            Some(ProviderKind::Iot),
        ),
        ProviderType::Activation => (
            "hybrid activation",
            Some("ssm.amazonaws.com"),
            Some(ProviderKind::SsmHybrid),
        ),
        ProviderType::Application => ("account access application", ACCOUNT_ACCESS, access),
        ProviderType::Entitlement => ("account access entitlement", ACCOUNT_ACCESS, access),
    }
}

fn done(done: ProviderMove) -> &'static str {
    match done {
        ProviderMove::Created => "was created",
        ProviderMove::Updated => "was changed",
        ProviderMove::Enabled => "was switched on",
        ProviderMove::AudienceAdded => "takes one audience more",
        ProviderMove::AudienceRemoved => "takes one audience less",
        ProviderMove::Disabled => "was switched off",
        ProviderMove::Tagged => "got other tags",
        ProviderMove::Deleted => "was deleted",
    }
}

/// It lets nobody in who was not in before. A revocation list keeps people out: it is the other way
/// round.
fn takes_away(change: &ProviderChange) -> bool {
    let less = matches!(
        change.done,
        ProviderMove::AudienceRemoved | ProviderMove::Disabled | ProviderMove::Deleted
    );
    let keeps_out = change.provider == ProviderType::RevocationList;
    let more = matches!(change.done, ProviderMove::Created | ProviderMove::Enabled);
    if keeps_out { more } else { less }
}

/// What the provider is known by after a change.
pub fn metadata_after(before: Option<&Metadata>, change: &ProviderChange) -> Metadata {
    let (before, said) = (before.cloned().unwrap_or_default(), &change.metadata);
    if change.done == ProviderMove::Created || change.cut {
        return said.clone();
    }
    let mut audiences = before.audiences;
    match change.done {
        ProviderMove::AudienceAdded => audiences.extend(said.audiences.iter().cloned()),
        ProviderMove::AudienceRemoved => audiences.retain(|one| !said.audiences.contains(one)),
        _ if !said.audiences.is_empty() => audiences.clone_from(&said.audiences),
        _ => {}
    }
    audiences.sort();
    audiences.dedup();
    // A document without a certificate that can be read has none: not those of the one before.
    let renewed = said.document.is_some() || !said.certificates.is_empty();
    let (certificates, document) = match renewed {
        true => (said.certificates.clone(), said.document.clone()),
        false => (before.certificates, before.document),
    };
    Metadata {
        issuer: said.issuer.clone().or(before.issuer),
        audiences,
        certificates,
        document,
    }
}

/// What is different, as parts of a sentence.
fn differences(before: &Known<Metadata>, after: &Metadata, change: &ProviderChange) -> Vec<String> {
    let shown = |list: &[String]| match list {
        [] => "none".to_owned(),
        list => list.join(" and "),
    };
    let mut found = Vec::new();
    if change.cut {
        found.push("CloudTrail cut away what it is known by now".to_owned());
    }
    let new = change.done == ProviderMove::Created;
    let before = match before {
        _ if new => None,
        Known::Is(before) => Some(before),
        Known::Not(why) => {
            found.push(format!("what was there before is not known: {why}"));
            None
        }
    };
    let lists = |metadata: &Metadata| {
        [
            (
                "issuer",
                metadata.issuer.iter().cloned().collect::<Vec<_>>(),
            ),
            ("audience", metadata.audiences.clone()),
            ("certificate fingerprints", metadata.certificates.clone()),
        ]
    };
    let olds = before.map(lists);
    for (index, (what, now)) in lists(after).into_iter().enumerate() {
        match olds.as_ref().and_then(|olds| olds.get(index)) {
            Some((_, old)) if *old != now => {
                found.push(format!("{what} {}, before {}", shown(&now), shown(old)));
            }
            None if !now.is_empty() => found.push(format!("{what} {}", shown(&now))),
            _ => {}
        }
    }
    if before.is_some_and(|before| before.document != after.document) && found.is_empty() {
        found.push("the document is another".to_owned());
    }
    found
}

/// Whether a role lets in who comes by this provider.
pub fn opens(
    rules: &Rules,
    role: &RoleRef,
    document: &str,
    change: &ProviderChange,
    now: Timestamp,
) -> bool {
    let (_, service, _) = traits_of(change.provider);
    let named = |roles: &[String]| {
        let is = |named: &String| {
            Some(named.rsplit('/').next().unwrap_or(named)) == role.name.as_deref()
        };
        roles.is_empty() || roles.iter().any(is)
    };
    // A name alone tells a SAML provider, an id a trust anchor.
    let is = |arn: &str| arn == change.name || arn.ends_with(&format!("/{}", change.name));
    if !named(&change.roles) {
        return false;
    }
    let judged = judge_trust_without_witnesses(rules, role, document, Reading::shown(now), now);
    let Some(analysis) = judged.analysis else {
        // What cannot be read is open.
        return true;
    };
    analysis
        .grants
        .iter()
        .any(|grant| match (&grant.principal, service) {
            (Who::Federated { provider, .. }, None) => {
                is(provider) || provider == "*" || provider.ends_with("/*")
            }
            (Who::Service { service: lends }, Some(service)) => {
                let anchors = (change.provider == ProviderType::TrustAnchor)
                    .then(|| all_of(grant, "aws:SourceArn"))
                    .flatten();
                region_apart(lends) == service
                    && anchors.is_none_or(|anchors| {
                        anchors
                            .iter()
                            .any(|anchor| is(anchor) || anchor.contains('*'))
                    })
            }
            (Who::AnyService, Some(_)) => true,
            _ => false,
        })
}

/// A rule names the provider.
fn is_named(rule: &IdentityProvider, change: &ProviderChange) -> bool {
    match traits_of(change.provider) {
        (_, _, None) => is_about(rule, change.name.trim_start_matches("https://")),
        (_, _, kind) if rule.kind != kind => false,
        _ if change.provider == ProviderType::TrustAnchor => {
            let id = format!("/{}", change.name);
            let mut anchors = rule.trust_anchors.iter();
            anchors.any(|anchor| *anchor == change.name || anchor.ends_with(&id))
        }
        _ => true,
    }
}

/// Judges a change of an identity provider. `roles` are those that it opens.
pub fn judge_provider_change(
    rules: &Rules,
    change: &ProviderChange,
    before: &Known<Metadata>,
    roles: &Known<Vec<String>>,
) -> Vec<Finding> {
    let after = match before {
        Known::Is(before) => metadata_after(Some(before), change),
        Known::Not(_) => metadata_after(None, change),
    };
    let same = matches!(before, Known::Is(before) if *before == after);
    let said = change.metadata != Metadata::default();
    if change.done == ProviderMove::Updated && same && said && !change.cut {
        return Vec::new();
    }
    let (kind, ..) = traits_of(change.provider);
    let mut sentence = vec![format!("the {kind} {} {}", change.name, done(change.done))];
    if change.by_identity_center {
        sentence.push("by IAM Identity Center itself".to_owned());
    }
    sentence.extend(differences(before, &after, change));
    if !change.roles.is_empty() {
        sentence.push(format!("for {}", named(&change.roles)));
    }
    sentence.push(opened(roles));
    let by_rule = rules
        .identity_providers()
        .iter()
        .any(|rule| is_named(rule, change));
    if by_rule {
        sentence.push("a rule names it".to_owned());
    }
    let unnamed = !by_rule && matches!(roles, Known::Is(roles) if roles.is_empty());
    let found = finding(rules, Check::IdentityProviderChanged, sentence.join("; "));
    let most = match (change.by_identity_center, takes_away(change), unnamed) {
        (true, ..) => Severity::Informational,
        _ if change.done == ProviderMove::Tagged => Severity::Low,
        (_, true, true) => Severity::Medium,
        (_, true, false) | (_, false, true) => Severity::High,
        (_, false, false) => Severity::Critical,
    };
    vec![Finding {
        severity: found.severity.min(most),
        ..found
    }]
}

fn opened(roles: &Known<Vec<String>>) -> String {
    match roles {
        Known::Not(why) => format!("which roles it opens is not known: {why}"),
        Known::Is(roles) if roles.is_empty() => "no role is seen that trusts it".to_owned(),
        Known::Is(roles) => format!("it opens {}", named(roles)),
    }
}

fn named(roles: &[String]) -> String {
    let short: Vec<&str> = roles
        .iter()
        .map(|role| role.rsplit('/').next().unwrap_or(role))
        .collect();
    match (short.get(..MOST_NAMED), short.len()) {
        (Some(first), all) if all > MOST_NAMED => {
            format!(
                "the roles {} and {} more",
                first.join(", "),
                all - MOST_NAMED
            )
        }
        (_, 1) => format!("the role {}", short.join(", ")),
        _ => format!("the roles {}", short.join(", ")),
    }
}
