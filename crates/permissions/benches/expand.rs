//! What the expansion of wildcards costs: a policy of the longest that IAM takes, 6,144 characters,
//! full of wildcards as people write them, and one made to be slow.

#![allow(missing_docs, reason = "a benchmark documents itself")]

use divan::black_box;
use trustwarden_permissions::{
    Action, ActionSet, Policies, Policy, Service, classes, effective, escalations, expand,
    expand_into,
};

fn main() {
    divan::main();
}

/// `ec2:Describe*` and its like, service after service, until the policy is full.
fn usual() -> Vec<String> {
    let mut patterns = Vec::new();
    let mut length = 0;
    let verbs = ["Get*", "List*", "Describe*", "*Tags", "Create*", "*"];
    for (at, service) in Service::all().enumerate() {
        let verb = verbs.get(at % verbs.len()).copied().unwrap_or_default();
        let pattern = format!("{}:{verb}", service.prefix());
        length += pattern.len() + 3;
        if length > 6_144 {
            break;
        }
        patterns.push(pattern);
    }
    patterns
}

/// Nothing before the first star, every name of AWS a candidate.
fn slow() -> Vec<String> {
    ('a'..='z')
        .flat_map(|left| ('a'..='z').map(move |right| format!("*:*{left}*{right}")))
        .take(6_144 / 10)
        .collect()
}

fn all(patterns: &[String]) -> ActionSet {
    let mut set = ActionSet::new();
    for pattern in patterns {
        expand_into(pattern, &mut set);
    }
    set
}

#[divan::bench]
fn policy_of_6144_characters(bencher: divan::Bencher<'_, '_>) {
    let patterns = usual();
    bencher.bench_local(|| all(black_box(&patterns)));
}

#[divan::bench(sample_count = 10)]
fn policy_made_to_be_slow(bencher: divan::Bencher<'_, '_>) {
    let patterns = slow();
    bencher.bench_local(|| all(black_box(&patterns)));
}

#[divan::bench(args = ["*", "ec2:Describe*", "*:Get*", "ec2:*Tags", "*:*Tags", "s3:GetObject"])]
fn one(bencher: divan::Bencher<'_, '_>, pattern: &str) {
    bencher.bench_local(|| expand(black_box(pattern)));
}

#[divan::bench]
fn find(bencher: divan::Bencher<'_, '_>) {
    bencher.bench_local(|| Action::find(black_box("ec2:DescribeInstances")));
}

/// A monitoring vendor's role: one policy of some sixty actions, and one statement on a bucket.
fn vendor() -> String {
    let services = [
        "ec2",
        "s3",
        "rds",
        "sqs",
        "sns",
        "lambda",
        "ecs",
        "eks",
        "cloudwatch",
        "logs",
    ];
    let actions: Vec<String> = [
        "Describe*",
        "List*",
        "Get*",
        "DescribeTags",
        "ListTags",
        "GetTags",
    ]
    .iter()
    .flat_map(|verb| services.map(|service| format!("\"{service}:{verb}\"")))
    .collect();
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":[{}],"Resource":"*"}},
            {{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme/*"}},
            {{"Effect":"Deny","Action":"s3:GetObject*","Resource":"*"}}]}}"#,
        actions.join(",")
    )
}

#[divan::bench]
fn role_of_a_vendor(bencher: divan::Bencher<'_, '_>) {
    let text = vendor();
    bencher.bench_local(|| {
        let role = effective(black_box(&Policies {
            policies: vec![Policy {
                name: "Vendor",
                arn: None,
                document: Some(&text),
            }],
            ..Policies::default()
        }));
        (classes(&role), escalations(&role))
    });
}
