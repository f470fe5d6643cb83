//! Requests at random: one thing that a caller may be, and say.

use std::collections::BTreeMap;

use policy::{Request, RequestPrincipal};
use proptest::prelude::*;

use super::world::{MANAGEMENT, MEMBER, OWN};

/// One thing that a caller may be, and say.
pub(crate) fn requests() -> impl Strategy<Value = Request> {
    let accounts = vec![
        OWN,
        MEMBER,
        MANAGEMENT,
        "222233334444",
        "464622532012",
        "333344445555",
        "444455556666",
        "777788889999",
        "888899990000",
        "123412341234",
        "565656565656",
        "787878787878",
        "989898989898",
        "121212121212",
    ];
    let ids = vec![
        "5b0c9f3de1a84c7b9d26f0a4c8e7135a",
        "c1f7a6de-0b52-4d6e-9a3c-7e58b1d20f94",
        "08d4b7c2-6a1f-4e93-b5d8-2f7c90e1a346",
        "2f1d7c55-8f0e-4b7b-9f53-0a1b2c3d4e5f",
        "5e8f1a90-7c3d-4d2b-b6a1-f0e9d8c7b6a5",
        "aa6f5e04-1c2d-4b3a-8f9e-7d6c5b4a3f2e",
        "bb7e4d13-0d3c-4a2b-9e8f-6c5d4b3a2f1e",
        "another-id-of-nobody",
    ];
    let address = proptest::option::weighted(
        0.3,
        proptest::sample::select(vec!["192.0.2.7", "198.51.100.7"]),
    );
    let aws = (
        proptest::sample::select(accounts),
        proptest::sample::select(vec!["role/path/backup-runner", "role/other", "user/one"]),
        proptest::option::of(proptest::sample::select(ids)),
        address,
    )
        .prop_map(|(account, name, id, address)| {
            let mut context = BTreeMap::new();
            let mut say = |key: &str, value: Option<&str>| {
                let value =
                    value.map(|value| context.insert(key.to_owned(), vec![value.to_owned()]));
                drop(value);
            };
            say("sts:ExternalId", id);
            say("aws:SourceIp", address);
            let arn = format!("arn:aws:iam::{account}:{name}");
            let value = match name.strip_prefix("role/") {
                Some(path) => {
                    say("aws:PrincipalArn", Some(&arn));
                    let role = path.rsplit('/').next().unwrap();
                    format!("arn:aws:sts::{account}:assumed-role/{role}/session")
                }
                None => arn,
            };
            request("AWS", value, "sts:AssumeRole", context)
        });
    let service = proptest::sample::select(vec!["ec2.amazonaws.com", "lambda.amazonaws.com"])
        .prop_map(|name| {
            request(
                "Service",
                name.to_owned(),
                "sts:AssumeRole",
                BTreeMap::new(),
            )
        });
    let issuers = vec![
        "token.actions.githubusercontent.com",
        "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
        "oidc.eks.eu-west-1.amazonaws.com/id/SOMEBODYELSES0000000000000000000",
        "oidc.example.com",
        "oidc.example.org",
        "ci.example.net",
    ];
    let subjects = vec![
        "repo:acme/web:ref:refs/heads/main",
        "repo:acme/web:pull_request",
        "repo:evil/x:ref:refs/heads/main",
        "system:serviceaccount:a:b",
        "org:acme:project",
        "someone",
    ];
    let audiences = vec!["sts.amazonaws.com", "https://elsewhere.example.com"];
    let token = (
        proptest::sample::select(issuers),
        proptest::sample::select(subjects),
        proptest::sample::select(audiences),
    )
        .prop_map(|(host, subject, audience)| {
            let context = BTreeMap::from([
                (format!("{host}:sub"), vec![subject.to_owned()]),
                (format!("{host}:aud"), vec![audience.to_owned()]),
            ]);
            let provider = format!("arn:aws:iam::{OWN}:oidc-provider/{host}");
            request(
                "Federated",
                provider,
                "sts:AssumeRoleWithWebIdentity",
                context,
            )
        });
    let directories = vec![
        "CompanyDirectory",
        "AWSSSO_0123456789abcdef_DO_NOT_DELETE",
        "Other",
    ];
    let audiences = vec![
        "https://signin.aws.amazon.com/saml",
        "https://elsewhere.example.com",
    ];
    let assertion = (
        proptest::sample::select(directories),
        proptest::sample::select(audiences),
    )
        .prop_map(|(name, audience)| {
            let context = BTreeMap::from([("saml:aud".to_owned(), vec![audience.to_owned()])]);
            let provider = format!("arn:aws:iam::{OWN}:saml-provider/{name}");
            request("Federated", provider, "sts:AssumeRoleWithSAML", context)
        });
    prop_oneof![4 => aws, 1 => service, 2 => token, 1 => assertion]
}

fn request(
    kind: &str,
    value: String,
    action: &str,
    context: BTreeMap<String, Vec<String>>,
) -> Request {
    Request {
        principal: RequestPrincipal {
            kind: kind.to_owned(),
            value,
        },
        action: action.to_owned(),
        context: context.into_iter().collect(),
    }
}
