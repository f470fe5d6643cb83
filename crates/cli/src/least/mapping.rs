//! From an event of CloudTrail to the actions that IAM asked for it.
//!
//! Most events are named as their action. Those that are not stand in two tables beside this file,
//! with their sources; and some services put a date or a version behind the name.

use permissions::{Action, Service};

const EVENTS: &str = include_str!("events.tsv");
const PREFIXES: &str = include_str!("prefixes.tsv");

/// The permissions that an event needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needed {
    /// These actions, as `ec2:DescribeInstances`.
    Actions(Vec<String>),
    /// Nothing that a policy could allow.
    Nothing,
    /// It is not known.
    Unknown,
}

/// The actions of an event; `source` is as `ec2.amazonaws.com`.
pub(crate) fn needed(source: &str, event: &str) -> Needed {
    let source = source
        .strip_suffix(".amazonaws.com")
        .or_else(|| source.strip_suffix(".amazonaws.com.cn"))
        .unwrap_or(source);
    for (of, name, actions) in EVENTS.lines().filter_map(row) {
        if of == source && name.eq_ignore_ascii_case(event) {
            return if actions == "-" {
                Needed::Nothing
            } else {
                Needed::Actions(actions.split(' ').map(str::to_owned).collect())
            };
        }
    }
    let prefix = PREFIXES
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .find(|(of, _)| *of == source)
        .map_or(source, |(_, prefix)| prefix);
    if prefix == "apigateway" {
        return Needed::Actions(vec![api_gateway(event).to_owned()]);
    }
    let Some(service) = Service::find(prefix) else {
        return Needed::Unknown;
    };
    let found = [event, undated(event)]
        .into_iter()
        .find_map(|name| Action::find(&format!("{}:{name}", service.prefix())));
    match found {
        Some(action) => Needed::Actions(vec![action.to_string()]),
        None => Needed::Unknown,
    }
}

/// The actions that stand in IAM's place of an API call, as `s3:PutObject` of
/// `s3:CreateMultipartUpload`, where its name is no action.
pub(super) fn permissions_of(call: &str) -> Option<Vec<String>> {
    let (service, event) = call.split_once(':')?;
    // An event was there; of what somebody wrote nobody knows it.
    let verbs = [
        "Get", "Export", "Update", "Delete", "Put", "Create", "Import", "Test",
    ];
    if service.starts_with("apigateway") && !verbs.iter().any(|verb| event.starts_with(verb)) {
        return None;
    }
    match needed(service, event) {
        Needed::Actions(actions) => Some(actions),
        Needed::Nothing | Needed::Unknown => None,
    }
}

fn row(line: &'static str) -> Option<(&'static str, &'static str, &'static str)> {
    if line.starts_with('#') {
        return None;
    }
    let mut columns = line.split('\t');
    Some((columns.next()?, columns.next()?, columns.next()?))
}

/// `CreateFunction20150331v2` (Lambda) and `CreateDistribution2020_05_31` (CloudFront) without what
/// stands behind the name.
fn undated(event: &str) -> &str {
    let version = event.rsplit_once('v').map_or(event, |(before, version)| {
        let digits = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        if digits { before } else { event }
    });
    let name = version.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '_');
    let date = version.get(name.len()..).unwrap_or_default();
    let digits = date.bytes().filter(u8::is_ascii_digit).count();
    if digits == 8 { name } else { event }
}

/// API Gateway's actions are the methods of HTTP.
fn api_gateway(event: &str) -> &'static str {
    let begins = |words: &[&str]| words.iter().any(|word| event.starts_with(word));
    if begins(&["Get", "Export"]) {
        "apigateway:GET"
    } else if begins(&["Update"]) {
        "apigateway:PATCH"
    } else if begins(&["Delete", "Flush", "Untag"]) {
        "apigateway:DELETE"
    } else if begins(&["Put", "Tag", "Reimport"]) {
        "apigateway:PUT"
    } else {
        "apigateway:POST"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_what_is_there() {
        let mut rows = 0;
        for line in EVENTS.lines().filter(|line| !line.starts_with('#')) {
            let (source, _, actions) = row(line).unwrap();
            rows += 1;
            assert!(!source.contains('.'), "{line}");
            for action in actions.split(' ').filter(|action| *action != "-") {
                let found = Action::find(action).map(|action| action.to_string());
                assert_eq!(found.as_deref(), Some(action), "{line}");
            }
        }
        assert!(rows > 60);
        for line in PREFIXES.lines().filter(|line| !line.starts_with('#')) {
            let (_, prefix) = line.split_once('\t').unwrap();
            assert!(Service::find(prefix).is_some(), "{line}");
        }
    }

    #[test]
    fn events_are_mapped() {
        for (source, event, expected) in [
            (
                "ec2.amazonaws.com",
                "DescribeInstances",
                "ec2:DescribeInstances",
            ),
            ("s3.amazonaws.com", "ListBuckets", "s3:ListAllMyBuckets"),
            ("s3.amazonaws.com", "HeadObject", "s3:GetObject"),
            ("s3.amazonaws.com", "GetObject", "s3:GetObject"),
            (
                "s3.amazonaws.com",
                "CopyObject",
                "s3:GetObject s3:PutObject",
            ),
            (
                "lambda.amazonaws.com",
                "CreateFunction20150331",
                "lambda:CreateFunction",
            ),
            (
                "lambda.amazonaws.com",
                "UpdateFunctionCode20150331v2",
                "lambda:UpdateFunctionCode",
            ),
            ("lambda.amazonaws.com", "Invoke", "lambda:InvokeFunction"),
            (
                "cloudfront.amazonaws.com",
                "CreateDistribution2020_05_31",
                "cloudfront:CreateDistribution",
            ),
            (
                "monitoring.amazonaws.com",
                "GetMetricData",
                "cloudwatch:GetMetricData",
            ),
            ("tagging.amazonaws.com", "GetResources", "tag:GetResources"),
            ("apigateway.amazonaws.com", "GetRestApis", "apigateway:GET"),
            (
                "apigateway.amazonaws.com",
                "CreateDeployment",
                "apigateway:POST",
            ),
            (
                "kms.amazonaws.com",
                "ReEncrypt",
                "kms:ReEncryptFrom kms:ReEncryptTo",
            ),
            (
                "route53.amazonaws.com",
                "ListHostedZones",
                "route53:ListHostedZones",
            ),
            ("ec2.amazonaws.com.cn", "RunInstances", "ec2:RunInstances"),
        ] {
            let expected = expected.split(' ').map(str::to_owned).collect();
            assert_eq!(
                needed(source, event),
                Needed::Actions(expected),
                "{source} {event}"
            );
        }
        assert_eq!(
            needed("signin.amazonaws.com", "ConsoleLogin"),
            Needed::Nothing
        );
        assert_eq!(
            needed("sts.amazonaws.com", "GetCallerIdentity"),
            Needed::Nothing
        );
        assert_eq!(needed("ec2.amazonaws.com", "NoSuchThing"), Needed::Unknown);
        assert_eq!(needed("nowhere.amazonaws.com", "Get"), Needed::Unknown);
        assert_eq!(undated("DescribeV2"), "DescribeV2");
        assert_eq!(undated("GetFunction2"), "GetFunction2");
    }
}
