//! Whether a rule covers what an AWS service may do: on whose behalf it calls, and to whom it hands
//! the role's credentials.

use policy::glob::matches_ignoring_case;
use policy::services::region_apart;
use policy::{Grant, Values};

use super::coverage::{Coverage, OnBehalfOf, Uncovered, Unmet, restriction};
use super::provider::admits_role;
use crate::check::Check;
use crate::model::RoleRef;
use crate::rules::{IdentityProvider, ProviderKind, Rules, is_account_id, is_pattern};

/// Services that enter a role because someone in any account configured them to, and tell by
/// `aws:SourceAccount` or `aws:SourceArn` for whom. Of each of them AWS's documentation says to
/// limit the trust policy so. Services that take a role only from its own account's callers
/// (`iam:PassRole`) and set no such key, as EC2 and Lambda, are not among them.
const ACROSS_ACCOUNTS: &[&str] = &[
    "account-access.amazonaws.com",
    "amplify.amazonaws.com",
    "appflow.amazonaws.com",
    "bedrock.amazonaws.com",
    "bedrock-agentcore.amazonaws.com",
    "chatbot.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "cognito-idp.amazonaws.com",
    "config.amazonaws.com",
    "databrew.amazonaws.com",
    "datasync.amazonaws.com",
    "delivery.logs.amazonaws.com",
    "dms.amazonaws.com",
    "events.amazonaws.com",
    "firehose.amazonaws.com",
    "grafana.amazonaws.com",
    "imagebuilder.amazonaws.com",
    "iot.amazonaws.com",
    "kendra.amazonaws.com",
    "kinesisanalytics.amazonaws.com",
    "logs.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "pipes.amazonaws.com",
    "scheduler.amazonaws.com",
    "ses.amazonaws.com",
    "sns.amazonaws.com",
    "states.amazonaws.com",
    "transfer.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
];

pub(super) fn cover_service(
    rules: &Rules,
    role: &RoleRef,
    service: &str,
    grant: &Grant,
) -> Result<Coverage, Vec<Uncovered>> {
    let on_behalf_of = on_behalf_of(rules, role, service, grant);
    let registered = |kind| registered(rules, role, kind, &|_| true);
    let provider = Coverage::IdentityProvider {
        provider: service.to_owned(),
    };
    let on_behalf_of = match (&*region_apart(service), on_behalf_of) {
        ("rolesanywhere.amazonaws.com", _) => {
            return cover_trust_anchors(rules, role, grant).map(|()| provider);
        }
        ("credentials.iot.amazonaws.com", _) if registered(ProviderKind::Iot) => {
            return Ok(provider);
        }
        ("credentials.iot.amazonaws.com", _) => {
            let message = "devices outside AWS can assume the role by certificates of AWS IoT, and \
                           no rule names it";
            let fix = "name the role in a rule with kind: iot, or remove the service";
            return unknown(message, fix, None);
        }
        ("account-access.amazonaws.com", by) if by != OnBehalfOf::Limited => {
            return cover_entitlements(rules, role, grant, &by).map(|()| provider);
        }
        ("ssm.amazonaws.com", _) if registered(ProviderKind::SsmHybrid) => return Ok(provider),
        ("ssm.amazonaws.com", OnBehalfOf::Limited) if !is_for_automation_alone(grant) => {
            OnBehalfOf::Machines
        }
        (_, on_behalf_of) => on_behalf_of,
    };
    Ok(Coverage::Service {
        service: service.to_owned(),
        on_behalf_of,
    })
}

fn registered(
    rules: &Rules,
    role: &RoleRef,
    kind: ProviderKind,
    admits: &dyn Fn(&IdentityProvider) -> bool,
) -> bool {
    let mut named = rules.identity_providers().iter();
    named.any(|rule| rule.kind == Some(kind) && admits_role(rule, role) && admits(rule))
}

fn unknown<T>(message: &str, fix: &str, unmet: Option<Unmet>) -> Result<T, Vec<Uncovered>> {
    let found = Uncovered::new(Check::UnknownIdentityProvider, message.to_owned());
    Err(vec![Uncovered {
        fix: Some(fix.to_owned()),
        unmet: unmet.into_iter().collect(),
        ..found
    }])
}

/// Roles Anywhere hands the role to whoever has a certificate of a trust anchor.
fn cover_trust_anchors(rules: &Rules, role: &RoleRef, grant: &Grant) -> Result<(), Vec<Uncovered>> {
    let Some(anchors) = all_of(grant, "aws:SourceArn") else {
        return unknown(
            "machines outside AWS can assume the role by certificates of any trust anchor",
            "limit aws:SourceArn to your trust anchor by ArnEquals, and name it in a rule with \
             kind: roles-anywhere",
            None,
        );
    };
    let names_all = |rule: &IdentityProvider| {
        let mut anchors = anchors.iter();
        anchors.all(|anchor| rule.trust_anchors.contains(anchor))
    };
    if registered(rules, role, ProviderKind::RolesAnywhere, &names_all) {
        return Ok(());
    }
    unknown(
        "machines outside AWS can assume the role by certificates of a trust anchor that no rule \
         names",
        "name the trust anchor in a rule with kind: roles-anywhere",
        Some(other_anchor(rules, role)),
    )
}

/// Account access manager carries in whom the owner of an application entitles.
fn cover_entitlements(
    rules: &Rules,
    role: &RoleRef,
    grant: &Grant,
    by: &OnBehalfOf,
) -> Result<(), Vec<Uncovered>> {
    let OnBehalfOf::External(outside) = by else {
        return unknown(
            "users whom any account's application entitles can assume the role",
            "limit it by aws:SourceAccount and aws:SourceArn to your account's application",
            for_others(rules, role, grant),
        );
    };
    let names_all = |rule: &IdentityProvider| {
        let named = |account: &String| rule.accounts.contains(account);
        let mut sources = sources(grant).iter();
        named(outside) && sources.all(|one| named(one) || is_ours(rules, role, one))
    };
    if registered(rules, role, ProviderKind::AccountAccess, &names_all) {
        return Ok(());
    }
    let what = kind_of(outside);
    unknown(
        &format!("users whom {what} {outside} entitles can assume the role"),
        "limit aws:SourceAccount to your account, or name that one in a rule with kind: \
         account-access",
        for_others(rules, role, grant),
    )
}

/// Services that lend the role to others, each judged by its own rules.
const LENDING: [&str; 3] = [
    "rolesanywhere.amazonaws.com",
    "credentials.iot.amazonaws.com",
    "account-access.amazonaws.com",
];

/// As [`cover_service`], of any service there is: those that lend the role to others are among them.
pub(super) fn cover_any_service(
    rules: &Rules,
    role: &RoleRef,
    grant: &Grant,
) -> Result<Coverage, Vec<Uncovered>> {
    let name = "any AWS service";
    match on_behalf_of(rules, role, ANY, grant) {
        OnBehalfOf::External(outside) => {
            let message = format!(
                "{name} can assume the role on behalf of {} {outside}, and no rule names that",
                kind_of(&outside)
            );
            let found = Uncovered::new(Check::UnknownThirdParty, message);
            let fix = "name the service, and limit it to your own account by aws:SourceAccount";
            Err(vec![Uncovered {
                fix: Some(fix.to_owned()),
                unmet: for_others(rules, role, grant).into_iter().collect(),
                ..found
            }])
        }
        on_behalf_of => {
            for lending in LENDING.into_iter().filter(|service| may_be(grant, service)) {
                cover_service(rules, role, lending, grant).map_err(|mut found| {
                    for one in &mut found {
                        one.service = Some(lending);
                    }
                    found
                })?;
            }
            Ok(Coverage::Service {
                service: name.to_owned(),
                on_behalf_of,
            })
        }
    }
}

/// A grant to any service may be used by this one: neither its name nor its resources are excluded.
fn may_be(grant: &Grant, service: &str) -> bool {
    let names = all_of(grant, "aws:PrincipalServiceName");
    let is_it = |name: &String| matches_ignoring_case(name, service);
    let named = names.is_none_or(|names| names.iter().any(is_it));
    let of = match service {
        "rolesanywhere.amazonaws.com" => "rolesanywhere",
        "credentials.iot.amazonaws.com" => "iot",
        _ => "sso",
    };
    let is_of = |arn: &String| {
        let part = arn.split(':').nth(2);
        part.is_none_or(|part| part == of || is_pattern(part))
    };
    named && all_of(grant, "aws:SourceArn").is_none_or(|arns| arns.iter().any(is_of))
}

/// The values of a condition that each request must meet, where they are a list.
pub(super) fn all_of<'a>(grant: &'a Grant, key: &str) -> Option<&'a [String]> {
    match &restriction(grant, key)?.values {
        Values::OneOf(values) | Values::OneOfIgnoringCase(values) | Values::Like(values)
            if !values.is_empty() =>
        {
            Some(values)
        }
        _ => None,
    }
}

/// The organizations for which the service may call, where a condition lists them.
fn organizations(grant: &Grant) -> Option<Vec<&str>> {
    let listed = ["aws:SourceOrgID", "aws:SourceOrgPaths"].map(|key| all_of(grant, key));
    let listed = listed.into_iter().flatten().next()?;
    let head = |text: &'_ String| text.find('/').map_or(text.len(), |end| end);
    let heads: Vec<&str> = listed
        .iter()
        .filter_map(|text| text.get(..head(text)))
        .collect();
    (!heads.iter().any(|one| one.is_empty() || is_pattern(one))).then_some(heads)
}

/// The accounts for which the service may call, as the analysis says; `None`: nothing limits them.
fn accounts(grant: &Grant) -> Option<&[String]> {
    let limited = !grant.on_behalf_of.iter().any(|account| account == "*");
    limited.then_some(&*grant.on_behalf_of)
}

/// The accounts that a grant to a service names.
fn sources(grant: &Grant) -> &[String] {
    accounts(grant).unwrap_or_default()
}

/// What stands outside: an account's id, or an organization's.
pub(super) fn kind_of(outside: &str) -> &'static str {
    if is_account_id(outside) {
        "account"
    } else {
        "organization"
    }
}

/// Another trust anchor than those that rules name for this role.
fn other_anchor(rules: &Rules, role: &RoleRef) -> Unmet {
    let named = rules.identity_providers().iter();
    let named = named.filter(|rule| admits_role(rule, role));
    Unmet {
        key: "aws:SourceArn".to_owned(),
        admitted: named.flat_map(|rule| rule.trust_anchors.clone()).collect(),
    }
}

/// On behalf of others than us: the condition that admits them, and what of it is ours.
pub(super) fn for_others(rules: &Rules, role: &RoleRef, grant: &Grant) -> Option<Unmet> {
    let own_id = rules.organization();
    let ours = |key: &str, value: &str| match key {
        "aws:SourceAccount" => is_ours(rules, role, value),
        "aws:SourceArn" => {
            let account = value.split(':').nth(4);
            account.is_some_and(|account| is_ours(rules, role, account))
        }
        _ => value.split('/').next() == own_id,
    };
    let keys = [
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
    ];
    keys.into_iter().find_map(|key| {
        let values = all_of(grant, key)?;
        let (mut admitted, others): (Vec<String>, Vec<String>) =
            values.iter().cloned().partition(|value| ours(key, value));
        // A pattern of accounts fits ours, too.
        if key == "aws:SourceArn" {
            admitted.push(format!("arn:*:*:*:{}:*", role.account));
        }
        let key = key.to_owned();
        (!others.is_empty()).then_some(Unmet { key, admitted })
    })
}

fn is_ours(rules: &Rules, role: &RoleRef, account: &str) -> bool {
    account == role.account || rules.account(account).ours.is_some()
}

fn on_behalf_of(rules: &Rules, role: &RoleRef, service: &str, grant: &Grant) -> OnBehalfOf {
    let own = |id: &str| rules.organization() == Some(id);
    let organizations = organizations(grant);
    // All conditions hold, so the one that is narrowest counts.
    let (foreign, within) = match &organizations {
        Some(list) => (
            list.iter().find(|id| !own(id)),
            list.iter().all(|id| own(id)),
        ),
        None => (None, false),
    };
    let named = accounts(grant).filter(|named| !named.is_empty());
    let external_account =
        named.and_then(|named| named.iter().find(|one| !is_ours(rules, role, one)));
    match (external_account, foreign) {
        _ if within => OnBehalfOf::Limited,
        (Some(outside), _) => OnBehalfOf::External(outside.clone()),
        (None, _) if named.is_some() => OnBehalfOf::Limited,
        (None, Some(outside)) => OnBehalfOf::External((*outside).to_owned()),
        _ if service == ANY || ACROSS_ACCOUNTS.contains(&&*region_apart(service)) => {
            OnBehalfOf::Anyone
        }
        _ => OnBehalfOf::Limited,
    }
}

/// In place of a service's name: any.
const ANY: &str = "*";

/// Systems Manager acts for a document that the account runs, or a maintenance window; it hands the
/// credentials to no machine.
fn is_for_automation_alone(grant: &Grant) -> bool {
    all_of(grant, "aws:SourceArn").is_some_and(|arns| {
        arns.iter().all(|arn| {
            let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
            let kind = resource.split_once('/').map_or("", |(kind, _)| kind);
            !kind.is_empty() && !is_pattern(kind) && !kind.contains("instance")
        })
    })
}
