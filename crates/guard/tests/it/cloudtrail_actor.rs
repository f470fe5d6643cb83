//! Who did it, with what, as far as the record tells.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use serde_json::json;
use trustwarden_guard::cloudtrail::{ActorKind, Record, Tool};

use crate::records::{OWN, iam, with};

#[test]
fn the_actor_is_reported_with_what_the_record_has() {
    let session = with(
        iam("CreateRole"),
        &[(
            "userIdentity",
            json!({
                "type": "AssumedRole",
                "arn": "arn:aws:sts::111122223333:assumed-role/Admin/bob@example.com",
                "accountId": OWN,
                "accessKeyId": "ASIAEXAMPLE",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role", "userName": "Admin",
                        "arn": "arn:aws:iam::111122223333:role/path/Admin"
                    },
                    "attributes": {"mfaAuthenticated": "true"}
                }
            }),
        )],
    );
    let actor = Record::from_value(&session).actor();
    assert_eq!(actor.kind, ActorKind::AssumedRole);
    assert_eq!(actor.name.as_deref(), Some("Admin"));
    assert_eq!(actor.session_name.as_deref(), Some("bob@example.com"));
    assert_eq!(
        actor.issuer.as_deref(),
        Some("arn:aws:iam::111122223333:role/path/Admin")
    );
    assert_eq!(actor.mfa, Some(true));

    let mut no_issuer = session;
    no_issuer["userIdentity"]["sessionContext"] = json!("none");
    let actor = Record::from_value(&no_issuer).actor();
    assert_eq!(actor.name.as_deref(), Some("Admin"));
    assert_eq!((actor.issuer, actor.mfa), (None, None));

    for (kind, name) in [
        ("SAMLUser", ActorKind::Identity("SAMLUser".to_owned())),
        (
            "WebIdentityUser",
            ActorKind::Identity("WebIdentityUser".to_owned()),
        ),
        (
            "IdentityCenterUser",
            ActorKind::Identity("IdentityCenterUser".to_owned()),
        ),
        ("Directory", ActorKind::Identity("Directory".to_owned())),
        ("AWSAccount", ActorKind::AwsAccount),
        ("AWSService", ActorKind::AwsService),
        ("FederatedUser", ActorKind::FederatedUser),
        ("iamuser", ActorKind::IamUser),
        ("Unknown", ActorKind::Other("Unknown".to_owned())),
    ] {
        let record = with(
            iam("CreateRole"),
            &[("userIdentity", json!({"type": kind}))],
        );
        assert_eq!(Record::from_value(&record).actor().kind, name);
    }
}

#[test]
fn tools_that_repeat_a_change_are_named() {
    for (fields, tool) in [
        (
            json!({"userAgent": "cloudformation.amazonaws.com"}),
            Tool::CloudFormation,
        ),
        (
            json!({"userAgent": "x", "userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}}),
            Tool::CloudFormation,
        ),
        (
            json!({"sourceIPAddress": "cloudformation.amazonaws.com"}),
            Tool::CloudFormation,
        ),
        (
            json!({"userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.13.5 terraform-provider-aws"}),
            Tool::Terraform,
        ),
        (
            json!({"userAgent": "aws-sdk-go-v2 OpenTofu/1.10"}),
            Tool::Terraform,
        ),
        (
            json!({"userAgent": "APN/1.0 Pulumi/1.0 Pulumi-Aws/7"}),
            Tool::Pulumi,
        ),
        (json!({"userAgent": "Mozilla/5.0 (X11)"}), Tool::Console),
        (json!({"userAgent": "console.amazonaws.com"}), Tool::Console),
        (json!({"userAgent": "AWS Internal"}), Tool::Console),
        (
            json!({"userAgent": "aws-cli/2.31.4 md/awscrt"}),
            Tool::CommandLine,
        ),
        (
            json!({"userIdentity": {"invokedBy": "sso.amazonaws.com"}}),
            Tool::Service("sso.amazonaws.com".to_owned()),
        ),
        (
            json!({"userAgent": "x", "userIdentity": {"invokedBy": "signin.amazonaws.com"}}),
            Tool::Console,
        ),
        (
            json!({"userAgent": "Terraform/1.13.5", "userIdentity": {"invokedBy": "AWS Internal"}}),
            Tool::Terraform,
        ),
        (json!({"userAgent": "Boto3/1.40"}), Tool::Other),
        (json!({}), Tool::Other),
    ] {
        let mut record = iam("CreateRole");
        for (field, value) in fields.as_object().unwrap() {
            record[field] = value.clone();
        }
        assert_eq!(Record::from_value(&record).actor().tool, tool, "{fields}");
    }
    assert!(Tool::Terraform.repeats() && !Tool::Console.repeats());
}
