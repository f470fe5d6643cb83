//! Whether a rule covers what an AWS service may do: on whose behalf it calls, and to whom it hands
//! the role's credentials.

use policy::glob::matches_ignoring_case;
use policy::services::region_apart;
use policy::{Grant, Values};

use super::coverage::{Coverage, OnBehalfOf, Uncovered, restriction};
use super::provider::admits_role;
use crate::check::Check;
use crate::model::RoleRef;
use crate::rules::{IdentityProvider, ProviderKind, Rules, is_pattern};

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
    let covered = |on_behalf_of| Coverage::Service {
        service: service.to_owned(),
        on_behalf_of,
    };
    let registered = |kind, admits: &dyn Fn(&IdentityProvider) -> bool| {
        let mut named = rules.identity_providers().iter();
        named.any(|rule| rule.kind == Some(kind) && admits_role(rule, role) && admits(rule))
    };
    let provider = Coverage::IdentityProvider {
        provider: service.to_owned(),
    };
    let unknown = |message: &str, fix: &str| {
        let found = Uncovered::new(Check::UnknownIdentityProvider, message.to_owned());
        let fix = Some(fix.to_owned());
        Err(vec![Uncovered { fix, ..found }])
    };
    match &*region_apart(service) {
        "rolesanywhere.amazonaws.com" => {
            let anchors = all_of(grant, "aws:SourceArn");
            let by_rule = registered(ProviderKind::RolesAnywhere, &|rule| {
                anchors.is_some_and(|anchors| {
                    anchors
                        .iter()
                        .all(|anchor| rule.trust_anchors.contains(anchor))
                })
            });
            match (by_rule, anchors) {
                (true, _) => Ok(provider),
                (false, Some(_)) => unknown(
                    "machines outside AWS can assume the role by certificates of a trust anchor \
                     that no rule names",
                    "name the trust anchor in a rule with kind: roles-anywhere",
                ),
                (false, None) => unknown(
                    "machines outside AWS can assume the role by certificates of any trust anchor",
                    "limit aws:SourceArn to your trust anchor by ArnEquals, and name it in a rule \
                     with kind: roles-anywhere",
                ),
            }
        }
        "credentials.iot.amazonaws.com" if registered(ProviderKind::Iot, &|_| true) => Ok(provider),
        "credentials.iot.amazonaws.com" => unknown(
            "devices outside AWS can assume the role by certificates of AWS IoT, and no rule \
             names it",
            "name the role in a rule with kind: iot, or remove the service",
        ),
        "account-access.amazonaws.com" => match on_behalf_of {
            OnBehalfOf::Limited => Ok(covered(OnBehalfOf::Limited)),
            OnBehalfOf::External(account)
                if registered(ProviderKind::AccountAccess, &|rule| {
                    rule.accounts.contains(&account)
                        && sources(grant)
                            .iter()
                            .all(|one| rule.accounts.contains(one) || is_ours(rules, role, one))
                }) =>
            {
                Ok(provider)
            }
            OnBehalfOf::External(account) => unknown(
                &format!("users whom account {account} entitles can assume the role"),
                "limit aws:SourceAccount to your account, or name that one in a rule with kind: \
                 account-access",
            ),
            OnBehalfOf::Anyone | OnBehalfOf::Machines => unknown(
                "users whom any account's application entitles can assume the role",
                "limit it by aws:SourceAccount and aws:SourceArn to your account's application",
            ),
        },
        "ssm.amazonaws.com" if registered(ProviderKind::SsmHybrid, &|_| true) => Ok(provider),
        "ssm.amazonaws.com"
            if on_behalf_of == OnBehalfOf::Limited && !is_for_automation_alone(grant) =>
        {
            Ok(covered(OnBehalfOf::Machines))
        }
        _ => Ok(covered(on_behalf_of)),
    }
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
                "{name} can assume the role on behalf of {outside}, and no rule names that"
            );
            let found = Uncovered::new(Check::UnknownThirdParty, message);
            let fix = "name the service, and limit it to your own account by aws:SourceAccount";
            let fix = Some(fix.to_owned());
            Err(vec![Uncovered { fix, ..found }])
        }
        on_behalf_of => {
            for lending in LENDING.into_iter().filter(|service| may_be(grant, service)) {
                cover_service(rules, role, lending, grant)?;
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
