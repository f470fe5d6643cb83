//! Who can use a resource by its policy: a bucket's, a queue's, a key's.
//!
//! The statements of such a policy name actions of the service, resources and, it may be, all
//! principals but some; the rest is the language of trust policies, and its analysis answers. An
//! Allow is weighed against the Denies that cover all of its actions and resources: one that covers
//! a part leaves the rest open.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::analyze::{AnalysisContext, analyze};
use crate::answer::Grant;
use crate::arn::{Arn, is_account};
use crate::document::{
    Comparison, Condition, Effect, IdentityPolicy, IdentityStatement, Operator, Principal,
    PrincipalKind, Qualifier, Span, Statement, TrustPolicy, Version,
};
use crate::parse::ParseError;

/// Who can use a resource by its policy, as an upper bound.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceAnalysis {
    /// The ways in, as those of a trust policy.
    pub grants: Vec<Grant>,
    /// By these statements, callers who sign nothing have access.
    pub anonymous: Vec<usize>,
    /// What could not be read, and may let anybody in: the statement, and what stands there.
    pub undecided: Vec<(usize, String)>,
}

/// Reads a resource's policy, and says who has access by it.
///
/// # Errors
/// For text that is no policy document at all.
pub fn analyze_resource_policy(
    text: &str,
    context: &AnalysisContext<'_>,
) -> Result<ResourceAnalysis, ParseError> {
    let policy = TrustPolicy::parse(text)?;
    let reach = IdentityPolicy::parse(text)?.statements;
    let mut found = ResourceAnalysis {
        grants: Vec::new(),
        anonymous: Vec::new(),
        undecided: undecided(&policy),
    };
    // Allows that the same Denies stand against are analyzed at once.
    let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    let of_effect = |effect| {
        let statements = policy.statements.iter();
        statements.filter(move |statement| statement.effect == Some(effect))
    };
    for allow in of_effect(Effect::Allow) {
        let against = of_effect(Effect::Deny).filter(|deny| {
            let (Some(inner), Some(outer)) = (reach.get(allow.index), reach.get(deny.index)) else {
                return false;
            };
            covers(outer, inner)
        });
        let denies = against.map(|deny| deny.index).collect();
        groups.entry(denies).or_default().push(allow.index);
    }
    for (denies, allows) in groups {
        let kept = policy.statements.iter().map(|statement| {
            if allows.contains(&statement.index) {
                as_trust(statement, true)
            } else if denies.contains(&statement.index) {
                as_trust(statement, false)
            } else {
                Statement {
                    effect: None,
                    ..statement.clone()
                }
            }
        });
        let version = match policy.version {
            Version::Unknown => Version::V2012,
            known => known,
        };
        let asked = TrustPolicy {
            version,
            id: None,
            statements: kept.collect(),
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        found.grants.extend(analyze(&asked, context).grants);
        let denied = asked.statements.iter().any(|statement| {
            statement.effect == Some(Effect::Deny) && keeps_out_anonymous(statement)
        });
        let open = asked.statements.iter().filter(|statement| {
            statement.effect == Some(Effect::Allow) && !denied && lets_in_anonymous(statement)
        });
        found
            .anonymous
            .extend(open.map(|statement| statement.index));
    }
    Ok(found)
}

/// What has no meaning in a trust policy and may have one here.
fn undecided(policy: &TrustPolicy<'_>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for statement in &policy.statements {
        let named = statement.principal.as_deref();
        match statement.effect {
            Some(Effect::Deny) => {}
            None => found.push((
                statement.index,
                "a statement that cannot be read".to_owned(),
            )),
            Some(Effect::Allow) if named.is_none() && statement.not_principal.is_none() => {
                found.push((
                    statement.index,
                    "a statement without a principal".to_owned(),
                ));
            }
            Some(Effect::Allow) => {
                let unknown = named
                    .unwrap_or_default()
                    .iter()
                    .filter(|one| one.meaningless);
                found.extend(unknown.map(|one| (statement.index, one.value.clone().into_owned())));
            }
        }
    }
    found
}

/// Whether a Deny has all the actions and resources of an Allow. `false` where that is not plain.
fn covers(deny: &IdentityStatement<'_>, allow: &IdentityStatement<'_>) -> bool {
    let all = [Cow::Borrowed("*")];
    let within = |inner: &Option<Vec<Cow<'_, str>>>, outer: &Option<Vec<Cow<'_, str>>>, letters| {
        let inner = inner.as_deref().unwrap_or(&all);
        let outer = outer.as_deref().unwrap_or(&all);
        inner
            .iter()
            .all(|inner| outer.iter().any(|outer| is_within(inner, outer, letters)))
    };
    // All but some: what is left is not worked out.
    deny.not_action.is_none()
        && deny.not_resource.is_none()
        && within(&allow.action, &deny.action, false)
        && within(&allow.resource, &deny.resource, true)
}

/// Whether all that fits a pattern fits another one: the inner one is read as text, in which only
/// the outer one's `*` takes a wildcard. It may say no where the answer is yes.
fn is_within(inner: &str, outer: &str, letters: bool) -> bool {
    if outer.contains('?') && inner.contains('*') || inner.contains("${") || outer.contains("${") {
        return outer == "*" || outer == inner;
    }
    match letters {
        true => crate::glob::matches(outer, inner),
        false => crate::glob::matches_ignoring_case(outer, inner),
    }
}

/// The statement as a trust policy would say it. What is not understood leaves an Allow open, and
/// closes nothing by a Deny.
fn as_trust<'a>(statement: &Statement<'a>, allow: bool) -> Statement<'a> {
    let mut read = Statement {
        action: Some(vec![Cow::Borrowed("sts:AssumeRole")]),
        not_action: None,
        principal: statement.principal.as_deref().map(everyone),
        not_principal: None,
        conditions: statement.conditions.iter().map(renamed).collect(),
        ..statement.clone()
    };
    let named = statement.principal.iter().flatten();
    if named
        .clone()
        .any(|one| one.kind == PrincipalKind::Federated)
    {
        read.action = Some(vec![Cow::Borrowed("sts:*")]);
    }
    let unreadable = read.conditions.iter().any(|one| one.operator.is_none());
    let spared = statement.not_principal.as_deref().map(spared);
    match (allow, spared) {
        (true, spared) => {
            read.conditions.retain(|one| one.operator.is_some());
            if is_closed_by_mount_target(statement) {
                read.effect = None;
            }
            if spared.is_some() {
                read.principal = Some(vec![anyone(statement.span)]);
            }
        }
        (false, None) if !unreadable => {}
        (false, Some(Some(accounts))) if !unreadable && statement.principal.is_none() => {
            read.principal = Some(vec![anyone(statement.span)]);
            read.conditions.push(but_for(accounts, statement.span));
        }
        (false, _) => read.effect = None,
    }
    read
}

fn anyone<'a>(span: Span) -> Principal<'a> {
    Principal {
        kind: PrincipalKind::Everyone,
        value: Cow::Borrowed("*"),
        meaningless: false,
        span,
    }
}

/// In a resource's policy `{"AWS": "*"}` is everyone, services too, as the bare `*`.
/// Source: IAM user guide, "AWS JSON policy elements: Principal", all principals.
fn everyone<'a>(principals: &[Principal<'a>]) -> Vec<Principal<'a>> {
    let read = principals.iter().map(|one| match one.kind {
        PrincipalKind::Aws if one.value == "*" => anyone(one.span),
        _ => one.clone(),
    });
    read.collect()
}

/// The accounts of those a Deny spares; `None` where they are not accounts' alone.
fn spared<'a>(principals: &[Principal<'a>]) -> Option<Vec<Cow<'a, str>>> {
    let account = |one: &Principal<'a>| match one.kind {
        PrincipalKind::Aws if is_account(&one.value) => Some(one.value.clone()),
        PrincipalKind::Aws => {
            let arn = Arn::read(one.value.strip_prefix("arn:")?)?;
            is_account(arn.account).then(|| Cow::Owned(arn.account.to_owned()))
        }
        _ => None,
    };
    principals.iter().map(account).collect()
}

fn but_for<'a>(accounts: Vec<Cow<'a, str>>, span: Span) -> Condition<'a> {
    Condition {
        operator: Some(Operator {
            qualifier: None,
            comparison: Comparison::StringNotEquals,
            if_exists: false,
        }),
        operator_text: Cow::Borrowed("StringNotEquals"),
        key: Cow::Borrowed("aws:PrincipalAccount"),
        values: accounts,
        span,
    }
}

/// Keys of services that say the caller's account, or that of the access point which decides in
/// the resource's place. Sources: KMS developer guide, "kms:CallerAccount"; SNS developer guide, the
/// policy that a topic is created with; S3 user guide, "Delegating access control to access points".
const CALLERS_ACCOUNT: [&str; 3] = [
    "kms:CallerAccount",
    "aws:SourceOwner",
    "s3:DataAccessPointAccount",
];

fn renamed<'a>(condition: &Condition<'a>) -> Condition<'a> {
    let mut condition = condition.clone();
    let key = &condition.key;
    if CALLERS_ACCOUNT
        .iter()
        .any(|known| known.eq_ignore_ascii_case(key))
    {
        condition.key = Cow::Borrowed("aws:PrincipalAccount");
    }
    condition
}

/// Only who reaches a mount target in the VPC. Source: EFS user guide, "Blocking public access".
fn is_closed_by_mount_target(statement: &Statement<'_>) -> bool {
    statement.conditions.iter().any(|one| {
        let is_bool = one.operator.is_some_and(|operator| {
            operator.comparison == Comparison::Bool
                && !operator.if_exists
                && operator.qualifier.is_none()
        });
        let key = "elasticfilesystem:AccessedViaMountTarget";
        is_bool
            && one.key.eq_ignore_ascii_case(key)
            && one
                .values
                .iter()
                .all(|value| value.eq_ignore_ascii_case("true"))
    })
}

/// Whether a request without a signature has the key of a condition: it says nothing of a caller.
fn is_of_callers(key: &str) -> bool {
    const BEGINNINGS: [&str; 7] = [
        "aws:Principal",
        "aws:userid",
        "aws:username",
        "aws:MultiFactorAuth",
        "aws:TokenIssueTime",
        "aws:FederatedProvider",
        "aws:AssumedRoot",
    ];
    let begins = |begin: &&str| {
        let start = key.get(..begin.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(begin))
    };
    // Those of services that call in a principal's place.
    let of_services = [
        "aws:SourceArn",
        "aws:SourceAccount",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
    ];
    BEGINNINGS.iter().any(begins)
        || of_services
            .iter()
            .any(|known| known.eq_ignore_ascii_case(key))
}

/// Whether a condition holds without its key.
fn holds_without(condition: &Condition<'_>) -> bool {
    use Comparison as C;
    let Some(operator) = condition.operator else {
        return false;
    };
    let negated = matches!(
        operator.comparison,
        C::StringNotEquals
            | C::StringNotEqualsIgnoreCase
            | C::StringNotLike
            | C::NumericNotEquals
            | C::DateNotEquals
            | C::NotIpAddress
            | C::ArnNotEquals
            | C::ArnNotLike
    );
    let absent = operator.comparison == C::Null
        && condition
            .values
            .iter()
            .any(|value| value.eq_ignore_ascii_case("true"));
    match operator.qualifier {
        Some(Qualifier::ForAllValues) => true,
        Some(Qualifier::ForAnyValue) => operator.if_exists,
        None => operator.if_exists || negated || absent,
    }
}

fn names_everyone(statement: &Statement<'_>) -> bool {
    let mut named = statement.principal.iter().flatten();
    named.any(|one| one.kind == PrincipalKind::Everyone)
}

/// Callers who sign nothing may have access.
fn lets_in_anonymous(statement: &Statement<'_>) -> bool {
    let may_hold = |one: &Condition<'_>| !is_of_callers(&one.key) || holds_without(one);
    names_everyone(statement) && statement.conditions.iter().all(may_hold)
}

/// Callers who sign nothing have no access, whatever else they say.
fn keeps_out_anonymous(statement: &Statement<'_>) -> bool {
    let holds = |one: &Condition<'_>| is_of_callers(&one.key) && holds_without(one);
    names_everyone(statement) && statement.conditions.iter().all(holds)
}

#[cfg(test)]
mod tests;
