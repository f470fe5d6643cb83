//! Rules published apart from the build, and a vendor's roles as the live account has them.

use std::process::Output;

use local::Stack;
use serde_json::{Value, json};
use trustwarden_tests::{RULES, compiled, machine};

use crate::live::{ACCOUNT, alone, trustwarden};

fn said(ran: &Output) -> String {
    String::from_utf8_lossy(&[&*ran.stdout, &*ran.stderr].concat()).into_owned()
}

fn layers(stack: &Stack<'_>, function: &str) -> Value {
    let name = json!({ "FunctionName": stack.id_of(function).unwrap() });
    let there = stack.call("lambda", "get_function_configuration", &name);
    there.unwrap()["Layers"].clone()
}

#[test]
fn rules_are_published_apart_and_the_functions_get_that_version() {
    let _turn = alone();
    let rules = compiled(ACCOUNT, RULES);
    let yaml = machine().folder.join(format!("access-{ACCOUNT}.yaml"));
    let place = ["--stack", "apart", "--region", "us-east-1"];
    let first = machine()
        .deploy(ACCOUNT, "apart-first", &[], &rules)
        .unwrap();
    let publish = |file: &str| {
        let words = [&["rules", "publish"], &place[..], &[file]].concat();
        trustwarden(&first, &words)
    };
    let ran = publish(yaml.to_str().unwrap());
    let text = said(&ran);
    assert!(ran.status.success(), "{text}");
    let arn = String::from_utf8(ran.stdout).unwrap().trim().to_owned();
    let begins = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:layer:apart-rules:");
    assert!(arn.starts_with(&begins), "{text}");
    assert!(text.contains("one file: trustwarden/rules.json"), "{text}");

    // Whichever account the ARN names.
    let elsewhere = arn.replace(ACCOUNT, "999988887777");
    let parameters = [("RulesLayerArn", elsewhere.as_str())];
    let stack = machine()
        .deploy(ACCOUNT, "apart", &parameters, &rules)
        .unwrap();
    assert_eq!(layers(&stack, "RoleTrust")[0]["Arn"], arn);
    let output = trustwarden(&stack, &[&["status"], &place[..]].concat());
    assert!(
        !said(&output).contains("WRONG function"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_vendors_drift_is_read_from_the_live_account() {
    let _turn = alone();
    let rules = compiled(ACCOUNT, RULES);
    let yaml = machine().folder.join(format!("access-{ACCOUNT}.yaml"));
    let stack = machine().deploy(ACCOUNT, "drift", &[], &rules).unwrap();
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": "arn:aws:iam::464622532012:root" },
        "Condition": { "StringEquals": { "sts:ExternalId": "5b0c9f3de1a84c7b9d26f0a4c8e7135a" } },
    }] });
    let role = json!({
        "RoleName": "DatadogIntegrationDrift", "AssumeRolePolicyDocument": trust.to_string(),
        "MaxSessionDuration": 43_200, "Tags": [{ "Key": "vendor", "Value": "Datadog" }],
    });
    stack.call("iam", "create_role", &role).unwrap();
    let drift = || {
        let words = ["vendor", "drift", "Datadog", "--live", "--rules"];
        let ran = trustwarden(&stack, &[&words[..], &[yaml.to_str().unwrap()]].concat());
        (ran.status.code(), said(&ran))
    };
    let (status, text) = drift();
    assert_eq!(status, Some(1), "{text}");
    let about = text.split("role/DatadogIntegrationDrift").nth(1).unwrap();
    let about = about.split("\nrole/").next().unwrap();
    assert!(
        about.contains("a session may last 43200 s, and by the template 3600 s"),
        "{text}"
    );
    assert!(
        !about.contains("  trust:") && !about.contains("  tags:"),
        "{text}"
    );
    let name = json!({ "RoleName": "DatadogIntegrationDrift", "MaxSessionDuration": 3_600 });
    stack.call("iam", "update_role", &name).unwrap();
    assert!(
        !drift()
            .1
            .contains("DatadogIntegrationDrift in 123456789012: 1 difference")
    );
}
