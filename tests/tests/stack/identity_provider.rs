//! `identity-provider`: whoever writes one is every one of its users.

use local::cloudtrail::{self, Actor};
use serde_json::{Value, json};
use trustwarden_tests::{Operator, RULES, deployed};

use crate::{alerts_of, assert_untroubled, codes};

const FUNCTION: &str = "identity-provider";

#[test]
fn a_swapped_saml_certificate_is_reported_with_both_fingerprints_and_the_roles() {
    let stack = deployed(&[], RULES);
    let provider = format!("arn:aws:iam::{}:saml-provider/Directory", stack.account);
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": { "Federated": provider },
            "Action": "sts:AssumeRoleWithSAML",
            "Condition": { "StringEquals": { "SAML:aud": "https://signin.aws.amazon.com/saml" } },
        }],
    });
    let made = json!({ "RoleName": "Staff", "AssumeRolePolicyDocument": trust.to_string() });
    stack.call("iam", "create_role", &made).unwrap();
    let update = |certificate: &str| {
        let metadata = format!("<X509Certificate>{certificate}</X509Certificate>");
        let request = json!({ "sAMLProviderArn": provider, "sAMLMetadataDocument": metadata });
        alerts_of(&stack, FUNCTION, ("iam", "UpdateSAMLProvider"), &request)
    };
    let first = update("Zmlyc3Q=");
    assert_eq!(codes(&first[0]), ["identity-provider-changed"]);
    let message = |alert: &Value| alert["findings"][0]["message"].as_str().unwrap().to_owned();
    assert!(message(&first[0]).contains("what was there before is not known"));
    let second = update("c2Vjb25k");
    assert_eq!(second[0]["findings"][0]["severity"], json!("CRITICAL"));
    let said = message(&second[0]);
    for part in [
        "16367aacb67a4a01",
        "before a7937b64b8caa58f",
        "it opens the role Staff",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(update("c2Vjb25k").is_empty(), "the same again is no change");
    // What lends roles to machines comes from other services.
    let anchor = json!({ "name": "machines", "source": { "sourceType": "CERTIFICATE_BUNDLE" } });
    let alerts = alerts_of(
        &stack,
        FUNCTION,
        ("rolesanywhere", "CreateTrustAnchor"),
        &anchor,
    );
    assert_eq!(alerts[0]["findings"][0]["severity"], json!("HIGH"));
    let mut refused = cloudtrail::record(
        &stack.account,
        Actor::Intruder,
        "iam",
        "DeleteSAMLProvider",
        &json!({ "sAMLProviderArn": provider }),
        &Value::Null,
    );
    refused["errorCode"] = json!("AccessDenied");
    let before = stack.alerts().unwrap().len();
    stack.put_record(&refused).unwrap();
    stack.settles();
    assert_eq!(stack.alerts().unwrap().len(), before);
    assert_untroubled(&stack);
}
