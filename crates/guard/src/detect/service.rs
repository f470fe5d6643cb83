//! Whether a rule covers what an AWS service may do: on whose behalf it calls, and to whom it hands
//! the role's credentials.

use std::borrow::Cow;

use policy::{Grant, Values};

use super::coverage::{Coverage, OnBehalfOf, Uncovered, restriction};
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
    match &*without_region(service) {
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
            OnBehalfOf::Stranger(account)
                if registered(ProviderKind::AccountAccess, &|rule| {
                    rule.accounts.contains(&account)
                        && sources(grant)
                            .iter()
                            .all(|one| rule.accounts.contains(one) || is_ours(rules, role, one))
                }) =>
            {
                Ok(provider)
            }
            OnBehalfOf::Stranger(account) => unknown(
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

/// The service, where a name says the region, too, as `logs.eu-west-1.amazonaws.com`; and without
/// the end of China's partition.
fn without_region(service: &str) -> Cow<'_, str> {
    let name = service.strip_suffix(".cn").unwrap_or(service);
    let is_region = |part: &str| {
        let mut words = part.split('-');
        let (first, last) = (words.next(), words.next_back());
        first.is_some_and(|first| first.len() == 2)
            && words.next().is_some()
            && last.is_some_and(|last| last.len() == 1 && last.bytes().all(|b| b.is_ascii_digit()))
    };
    if !name.split('.').any(is_region) {
        return Cow::Borrowed(name);
    }
    let parts: Vec<&str> = name.split('.').filter(|part| !is_region(part)).collect();
    Cow::Owned(parts.join("."))
}

/// The values of a condition that each request must meet, where they are a list.
fn all_of<'a>(grant: &'a Grant, key: &str) -> Option<&'a [String]> {
    match &restriction(grant, key)?.values {
        Values::OneOf(values) | Values::OneOfIgnoringCase(values) | Values::Like(values)
            if !values.is_empty() =>
        {
            Some(values)
        }
        _ => None,
    }
}

/// The account of an ARN, where it has one: a bucket's has none.
fn account_in(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The accounts and organizations on whose behalf the service may call, by each key that says it:
/// all keys hold, so the one that is narrowest counts.
fn limits(grant: &Grant) -> [Option<Vec<&str>>; 4] {
    let whole = |key| {
        let values: Option<Vec<&str>> =
            all_of(grant, key).map(|values| values.iter().map(String::as_str).collect());
        values.filter(|values| !values.iter().any(|value| is_pattern(value)))
    };
    let part = |key, part: fn(&str) -> &str| {
        let values = all_of(grant, key)?;
        let parts: Vec<&str> = values.iter().map(|value| part(value)).collect();
        (!parts.iter().any(|part| part.is_empty() || is_pattern(part))).then_some(parts)
    };
    [
        whole("aws:SourceAccount"),
        part("aws:SourceArn", account_in),
        whole("aws:SourceOrgID"),
        part("aws:SourceOrgPaths", |path| {
            path.split('/').next().unwrap_or_default()
        }),
    ]
}

/// The accounts that a grant to a service names.
fn sources(grant: &Grant) -> Vec<String> {
    let named = limits(grant).into_iter().flatten().flatten();
    named.map(str::to_owned).collect()
}

fn is_ours(rules: &Rules, role: &RoleRef, source: &str) -> bool {
    if is_account_id(source) {
        source == role.account || rules.account(source).ours.is_some()
    } else {
        rules.organization() == Some(source)
    }
}

fn on_behalf_of(rules: &Rules, role: &RoleRef, service: &str, grant: &Grant) -> OnBehalfOf {
    let mut stranger = None;
    for named in limits(grant).into_iter().flatten() {
        match named.iter().find(|source| !is_ours(rules, role, source)) {
            None => return OnBehalfOf::Limited,
            Some(outside) => stranger = stranger.or(Some((*outside).to_owned())),
        }
    }
    match stranger {
        Some(outside) => OnBehalfOf::Stranger(outside),
        None if ACROSS_ACCOUNTS.contains(&&*without_region(service)) => OnBehalfOf::Anyone,
        None => OnBehalfOf::Limited,
    }
}

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

#[cfg(test)]
mod tests {
    use super::without_region;

    #[test]
    fn a_regional_name_counts_as_its_service() {
        for (name, service) in [
            ("logs.eu-west-1.amazonaws.com", "logs.amazonaws.com"),
            ("states.us-gov-west-1.amazonaws.com", "states.amazonaws.com"),
            ("logs.cn-north-1.amazonaws.com.cn", "logs.amazonaws.com"),
            ("vpc-flow-logs.amazonaws.com", "vpc-flow-logs.amazonaws.com"),
            ("delivery.logs.amazonaws.com", "delivery.logs.amazonaws.com"),
            ("ec2.amazonaws.com.cn", "ec2.amazonaws.com"),
        ] {
            assert_eq!(without_region(name), service);
        }
    }
}
