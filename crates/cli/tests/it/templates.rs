//! `check` of what teams write: CloudFormation, SAM and CDK templates, and Terraform plans. What is
//! named is judged, and what only the deployment tells is said.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::here;

/// What is found, as `CODE SEVERITY ADDRESS:LINE`, and the status.
fn checked(text: &str, arguments: &[&str]) -> (Vec<String>, i32) {
    checked_by("testdata/audit/access.yaml", text, arguments)
}

fn checked_by(rules: &str, text: &str, arguments: &[&str]) -> (Vec<String>, i32) {
    use std::io::Write;
    let rules = here().join(rules);
    let mut child = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .args([
            "check",
            "--now",
            "2026-11-21",
            "--account",
            "111122223333",
            "--format",
            "json",
        ])
        .arg("--rules")
        .arg(rules)
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let ran = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let word = |found: &Value, key: &str| found[key].as_str().unwrap_or("-").to_owned();
    let found = answer["findings"].as_array().unwrap().iter().map(|found| {
        let place = format!("{}:{}", word(found, "address"), found["line"]);
        format!(
            "{} {} {place}",
            word(found, "code"),
            word(found, "severity")
        )
    });
    (found.collect(), ran.status.code().unwrap())
}

const UNKNOWN: &str = "unknown-third-party CRITICAL";
const LATER: &str = "known-at-deployment INFORMATIONAL";

/// A template in YAML whose role trusts so; the statement begins in line 11.
fn template(statement: &str) -> String {
    format!(
        "Parameters:\n  Set: {{ Type: String, Default: '999900001111' }}\n  Open: {{ Type: String }}\n\
         Conditions: {{ OnDemand: !Equals [!Ref Open, yes], ByDefault: !Equals [!Ref Set, x] }}\n\
         Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: DatadogOne\n\
         \x20     AssumeRolePolicyDocument: {{ Version: 2012-10-17, Statement: [\n\
         \x20       {{ Effect: Allow, Action: 'sts:AssumeRole', {statement} }}] }}\n"
    )
}

#[test]
fn what_a_template_names_is_judged_and_what_it_leaves_open_is_said() {
    let datadog = "Principal: { AWS: 'arn:aws:iam::464622532012:root' }";
    let id = "Condition: { StringEquals: { 'sts:ExternalId': 5b0c9f3de1a84c7b9d26f0a4c8e7135a } }";
    let both = |condition: &str| format!("{datadog}, {condition}");
    let unknown = format!("{UNKNOWN} R:11");
    let later = format!("{LATER} R:10");
    for (statement, expected) in [
        (both(id), vec![]),
        (both("Condition: { StringEquals: { 'sts:ExternalId': wrong } }"), vec!["wrong-external-id HIGH R:11".to_owned()]),
        (both("Condition: { StringEquals: { 'sts:ExternalId': !Ref Open } }"), vec![later.clone()]),
        (both("Condition: { StringEquals: { 'sts:ExternalId': '{{resolve:ssm:/id}}' } }"), vec![later.clone()]),
        (both("Condition: { StringEquals: { 'sts:ExternalId': !ImportValue id } }"), vec![later.clone()]),
        (both("Condition: { IpAddress: { 'aws:SourceIp': !Ref Open } }"), vec![later.clone()]),
        ("Principal: { AWS: !Ref Set }".to_owned(), vec![unknown.clone()]),
        ("Principal: { AWS: !Ref Open }".to_owned(), vec![later.clone()]),
        ("Principal: { AWS: [!Ref Open, !Ref Set] }".to_owned(), vec![unknown.clone(), later.clone()]),
        ("Principal: { AWS: !Sub 'arn:${AWS::Partition}:iam::${Set}:role/${Open}' }".to_owned(), vec![unknown.clone(), later.clone()]),
        ("Principal: { AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:role/${Open}' }".to_owned(), vec![later.clone()]),
        ("Principal: { AWS: !GetAtt R.Arn }".to_owned(), vec![]),
        ("Principal: { AWS: !Join [':', [arn, aws, iam, '', !Ref Set, root]] }".to_owned(), vec![unknown.clone()]),
        ("Principal: { AWS: 999900001111 }".to_owned(), vec![unknown.clone()]),
        ("Principal: { AWS: '*' }, Condition: { StringEquals: { 'sts:ExternalId': !Ref Open } }".to_owned(), vec!["public-trust CRITICAL R:11".to_owned(), later.clone()]),
        ("Principal: { AWS: '*' }, Condition: { StringEquals: { 'aws:PrincipalOrgID': !Ref Open } }".to_owned(), vec![later.clone()]),
        // Whoever calls can have the tag, whatever its value will be.
        ("Principal: { AWS: '*' }, Condition: { StringEquals: { 'aws:PrincipalTag/team': !Ref Open } }".to_owned(), vec!["public-trust CRITICAL R:11".to_owned(), later.clone()]),
        (both("Condition: { StringEquals: { 'aws:PrincipalTag/team': !Ref Open } }"), vec!["missing-external-id HIGH R:11".to_owned(), later.clone()]),
        ("Principal: { AWS: '*' }, Condition: { StringEquals: { 'aws:PrincipalAccount': !Ref Open } }".to_owned(), vec![later.clone()]),
        ("Principal: { AWS: !Ref Set }, Condition: { StringEquals: { 'sts:ExternalId': !Ref Open } }".to_owned(), vec![unknown.clone(), later.clone()]),
        ("Principal: { AWS: !Ref Set }, Condition: { IpAddress: { 'aws:SourceIp': !Ref Open } }".to_owned(), vec![unknown.clone(), later.clone()]),
        // Both ways, where the deployment decides: whoever deploys may give another value than the default.
        ("Principal: { AWS: !If [OnDemand, !Ref Set, !Ref AWS::AccountId] }".to_owned(), vec![unknown.clone()]),
        ("Principal: { AWS: !If [OnDemand, !Ref AWS::AccountId, !Ref Set] }".to_owned(), vec![unknown.clone()]),
        ("Principal: { AWS: !If [ByDefault, !Ref Set, !Ref AWS::AccountId] }".to_owned(), vec![unknown.clone()]),
        ("Principal: { AWS: !If [ByDefault, !Ref AWS::AccountId, !Ref Set] }".to_owned(), vec![unknown.clone()]),
        ("Principal: { Service: !Sub 'states.${AWS::Region}.amazonaws.com' }, Condition: { StringEquals: { 'aws:SourceAccount': !Ref 'AWS::AccountId' } }".to_owned(), vec![]),
        ("Principal: { Service: !Ref Open }".to_owned(), vec![later.clone()]),
    ] {
        let text = template(&statement);
        let failing = expected.iter().any(|found| found.contains("CRITICAL") || found.contains("HIGH"));
        assert_eq!(checked(&text, &[]), (expected, i32::from(failing)), "{text}");
    }
    let text = template("Principal: { AWS: !Ref Open }");
    assert_eq!(
        checked(&text, &["--parameter", "Open=999900001111"]).0,
        [unknown]
    );
    assert_eq!(
        checked(&text, &["--parameter", "Open=111122223333"]).0,
        [""; 0]
    );
    let text = template("Principal: { AWS: !Ref Set }");
    assert_eq!(
        checked(&text, &["--parameter", "Set=111122223333"]).0,
        [""; 0]
    );
}

#[test]
fn a_role_stands_in_many_shapes() {
    let open = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"999900001111"},"Action":"sts:AssumeRole"}]}"#;
    let quoted = open.replace('"', "\\\"");
    let function = "Type: AWS::Serverless::Function";
    for (resources, expected) in [
        (format!("Resources:\n  A: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {open}}}}}"), vec![format!("{UNKNOWN} A:2")]),
        (format!("Resources:\n  A: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: \"{quoted}\"}}}}"), vec![format!("{UNKNOWN} A:2")]),
        (format!("Resources:\n  A: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: !Sub '{open}'}}}}"), vec![format!("{UNKNOWN} A:2")]),
        (format!("Transform: AWS::Serverless-2016-10-31\nResources:\n  F: {{{function}, Properties: {{AssumeRolePolicyDocument: {open}}}}}"), vec![format!("{UNKNOWN} F:3")]),
        (format!("Globals: {{Function: {{AssumeRolePolicyDocument: {open}}}}}\nResources:\n  F: {{{function}, Properties: {{}}}}"), vec![format!("{UNKNOWN} F:1")]),
        (format!("Resources:\n  F: {{{function}, Properties: {{Role: r, AssumeRolePolicyDocument: {open}}}}}"), vec![]),
        (format!("Conditions: {{No: !Equals [a, b]}}\nResources:\n  A: {{Condition: No, Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {open}}}}}"), vec![]),
        (format!("Resources:\n  'Fn::ForEach::Each':\n  - Name\n  - [One, Two]\n  - 'R${{Name}}': {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {open}}}}}"), vec![format!("{UNKNOWN} ROne:5"), format!("{UNKNOWN} RTwo:5")]),
        ("Transform: [MyMacro]\nResources: {Q: {Type: 'AWS::SQS::Queue'}}".to_owned(), vec![format!("{LATER} -:null")]),
        ("Resources:\n  P: {Type: AWS::IAM::OIDCProvider, Properties: {Url: 'https://token.example.net'}}".to_owned(), vec!["unknown-identity-provider HIGH P:2".to_owned()]),
        ("Resources:\n  P: {Type: AWS::IAM::OIDCProvider, Properties: {Url: 'https://token.actions.githubusercontent.com'}}".to_owned(), vec![]),
        (open.to_owned(), vec![format!("{UNKNOWN} -:null")]),
    ] {
        assert_eq!(checked(&resources, &[]).0, expected, "{resources}");
        if resources.starts_with("Resources") {
            let crlf = resources.replace('\n', "\r\n");
            assert_eq!(checked(&crlf, &[]).0, expected, "{crlf}");
        }
    }
}

#[test]
fn policies_that_a_template_attaches_are_judged() {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "464622532012"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "5b0c9f3de1a84c7b9d26f0a4c8e7135a"}}}]});
    let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let bucket = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "s3:GetObject", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"}}]});
    let admin = vec!["admin-access HIGH R:1".to_owned()];
    for (more, other, expected) in [
        (
            json!({"Policies": [{"PolicyName": "all", "PolicyDocument": all}]}),
            json!({}),
            &admin,
        ),
        (
            json!({"Policies": [{"PolicyName": "one", "PolicyDocument": bucket}]}),
            json!({}),
            &Vec::new(),
        ),
        (
            json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}),
            json!({}),
            &admin,
        ),
        (
            json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/SecurityAudit"]}),
            json!({}),
            &Vec::new(),
        ),
        (
            json!({"ManagedPolicyArns": [{"Ref": "M"}]}),
            json!({"M": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": all}}}),
            &admin,
        ),
        (
            json!({}),
            json!({"M": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": all, "Roles": [{"Ref": "R"}]}}}),
            &admin,
        ),
        (
            json!({}),
            json!({"M": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": all, "Roles": [{"Ref": "S"}]}}}),
            &Vec::new(),
        ),
    ] {
        let mut properties = json!({"RoleName": "DatadogOne", "AssumeRolePolicyDocument": trust});
        properties
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let mut resources = json!({"R": {"Type": "AWS::IAM::Role", "Properties": properties}});
        resources
            .as_object_mut()
            .unwrap()
            .extend(other.as_object().unwrap().clone());
        let text = json!({"Resources": resources}).to_string();
        assert_eq!(&checked(&text, &[]).0, expected, "{text}");
    }
}

/// A plan that changes resources so.
fn plan(changes: &[Value], configuration: Value) -> String {
    let changes: Vec<Value> = changes
        .iter()
        .map(|change| {
            let mut change = change.clone();
            change["mode"] = json!("managed");
            change
        })
        .collect();
    json!({"format_version": "1.2", "resource_changes": changes, "configuration": configuration})
        .to_string()
}

fn change(address: &str, actions: &[&str], after: Value, unknown: Value) -> Value {
    let kind = address
        .split('.')
        .rfind(|part| part.starts_with("aws_"))
        .unwrap();
    json!({"address": address, "type": kind, "change": {"actions": actions, "after": after, "after_unknown": unknown}})
}

#[test]
fn a_plan_is_judged_as_it_will_be_applied() {
    let open = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"999900001111"},"Action":"sts:AssumeRole"}]}"#;
    let datadog = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"464622532012"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"5b0c9f3de1a84c7b9d26f0a4c8e7135a"}}}]}"#;
    let all =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let role = |address: &str, text: &str| {
        change(
            address,
            &["create"],
            json!({"name": "DatadogOne", "path": "/", "assume_role_policy": text}),
            json!({"arn": true}),
        )
    };
    let one = "aws_iam_role.one";
    let refers = |argument: &str, to: &str| {
        json!({"root_module": {"resources": [{"address": "aws_iam_role_policy_attachment.a",
        "expressions": {argument: {"references": [format!("{to}.name"), to]}, "policy_arn": {"references": ["aws_iam_policy.p.arn", "aws_iam_policy.p"]}}}]}})
    };
    let attachment = |after: Value| {
        change(
            "aws_iam_role_policy_attachment.a",
            &["create"],
            after,
            json!({"policy_arn": true}),
        )
    };
    let policy = change(
        "aws_iam_policy.p",
        &["create"],
        json!({"name": "p", "policy": all}),
        json!({"arn": true}),
    );
    for (changes, configuration, expected) in [
        (
            vec![role(one, open)],
            json!({}),
            vec![format!("{UNKNOWN} {one}:1")],
        ),
        (
            vec![role("module.a[\"x\"].aws_iam_role.one[0]", open)],
            json!({}),
            vec![format!("{UNKNOWN} module.a[\"x\"].aws_iam_role.one[0]:1")],
        ),
        (vec![role(one, datadog)], json!({}), vec![]),
        (
            vec![change(
                one,
                &["create"],
                json!({"name": "DatadogOne"}),
                json!({"assume_role_policy": true}),
            )],
            json!({}),
            vec![format!("{LATER} {one}:1")],
        ),
        (
            vec![change(
                one,
                &["create"],
                json!({"assume_role_policy": datadog}),
                json!({"name": true}),
            )],
            json!({}),
            vec![],
        ),
        (
            vec![change(one, &["delete"], Value::Null, json!({}))],
            json!({}),
            vec![],
        ),
        (
            vec![change(
                one,
                &["delete", "create"],
                json!({"name": "DatadogOne", "assume_role_policy": open}),
                json!({}),
            )],
            json!({}),
            vec![format!("{UNKNOWN} {one}:1")],
        ),
        (
            vec![
                role(one, datadog),
                change(
                    "aws_iam_role_policy.p",
                    &["create"],
                    json!({"role": "DatadogOne", "policy": all}),
                    json!({}),
                ),
            ],
            json!({}),
            vec![format!("admin-access HIGH {one}:1")],
        ),
        (
            vec![
                role(one, datadog),
                policy.clone(),
                attachment(json!({"role": "DatadogOne"})),
            ],
            refers("role", one),
            vec![format!("admin-access HIGH {one}:1")],
        ),
        (
            vec![role(one, datadog), policy.clone(), attachment(json!({}))],
            refers("role", one),
            vec![format!("admin-access HIGH {one}:1")],
        ),
        (
            vec![role(one, datadog), policy, attachment(json!({}))],
            refers("role", "aws_iam_role.other"),
            vec![],
        ),
        (
            vec![
                role(one, datadog),
                attachment(
                    json!({"role": "DatadogOne", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
                ),
            ],
            json!({}),
            vec![format!("admin-access HIGH {one}:1")],
        ),
        (
            vec![change(
                "aws_iam_openid_connect_provider.p",
                &["create"],
                json!({"url": "https://token.example.net"}),
                json!({}),
            )],
            json!({}),
            vec!["unknown-identity-provider HIGH aws_iam_openid_connect_provider.p:1".to_owned()],
        ),
        (
            vec![change(
                "aws_iam_openid_connect_provider.p",
                &["create"],
                json!({"url": "https://token.actions.githubusercontent.com"}),
                json!({}),
            )],
            json!({}),
            vec![],
        ),
        (
            vec![change(
                "aws_iam_saml_provider.p",
                &["create"],
                json!({}),
                json!({"name": true}),
            )],
            json!({}),
            vec![format!("{LATER} aws_iam_saml_provider.p:1")],
        ),
    ] {
        let text = plan(&changes, configuration);
        assert_eq!(checked(&text, &[]).0, expected, "{text}");
    }
    let values = json!({"root_module": {"child_modules": [{"resources": [{"address": "module.m.aws_iam_role.one", "mode": "managed",
        "type": "aws_iam_role", "values": {"name": "DatadogOne", "assume_role_policy": open}}]}]}});
    for key in ["planned_values", "values"] {
        let text = json!({"format_version": "1.0", key: values}).to_string();
        assert_eq!(
            checked(&text, &[]).0,
            [format!("{UNKNOWN} module.m.aws_iam_role.one:1")]
        );
    }
}

#[test]
fn the_page_shows_what_is_left_open() {
    let page = here().join("../../docs/checks/known-at-deployment.md");
    let page = std::fs::read_to_string(page).unwrap();
    let example = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```json {kind}\n")).unwrap();
        checked_by(
            "../../docs/checks/rules.yaml",
            rest.split("```").next().unwrap(),
            &[],
        )
        .0
    };
    assert_eq!(example("fails"), [format!("{LATER} Observer:8")]);
    assert_eq!(example("passes"), [""; 0]);
}

#[test]
fn what_is_in_another_template_is_named_as_not_read() {
    let nested = "\
Resources:
  Inner: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: ./inner.yaml } }
  App: { Type: AWS::Serverless::Application, Properties: { Location: ./app.yaml } }
  Set: { Type: AWS::CloudFormation::StackSet, Properties: { StackSetName: x } }
  Mod: { Type: Acme::Team::Role::MODULE }
  Bucket: { Type: AWS::S3::Bucket }
";
    let (found, status) = checked(nested, &[]);
    let names = ["App:3", "Mod:5", "Inner:2", "Set:4"];
    assert_eq!(found, names.map(|place| format!("{LATER} {place}")));
    assert_eq!(status, 0);
    // A macro may make anything, wherever it stands.
    for (made, place) in [
        (
            "Transform: [Acme]\nResources:\n  B: { Type: AWS::S3::Bucket }\n",
            "-:null",
        ),
        (
            "Resources:\n  B: { Type: AWS::S3::Bucket, Properties: { 'Fn::Transform': { Name: Acme } } }\n",
            "-:null",
        ),
        (
            "Resources:\n  B: { Type: AWS::S3::Bucket, Properties: { Tags: [{ 'Fn::Transform': { Name: Acme } }] } }\n",
            "-:null",
        ),
    ] {
        assert_eq!(checked(made, &[]).0, [format!("{LATER} {place}")], "{made}");
    }
    let role = "Resources:\n  R: { Type: AWS::IAM::Role, Properties: { 'Fn::Transform': { Name: AWS::Include } } }\n";
    assert_eq!(
        checked(role, &[]).0,
        [format!("{LATER} R:2"), format!("{LATER} -:null")]
    );
    let kinds = [
        "aws_cloudformation_stack",
        "aws_cloudformation_stack_set",
        "awscc_iam_role",
        "aws_cloudcontrolapi_resource",
    ];
    for kind in kinds {
        let address = format!("{kind}.x");
        let mut one = change("aws_iam_role.x", &["create"], json!({}), json!({}));
        one["address"] = json!(address);
        one["type"] = json!(kind);
        let text = plan(&[one.clone()], json!({}));
        assert_eq!(
            checked(&text, &[]).0,
            [format!("{LATER} {address}:1")],
            "{text}"
        );
        one["change"]["actions"] = json!(["delete"]);
        assert_eq!(checked(&plan(&[one], json!({})), &[]).0, [""; 0]);
    }
}

#[test]
fn a_template_is_read_out_of_what_get_template_prints() {
    let template = json!({ "Resources": { "R": { "Type": "AWS::IAM::Role", "Properties": {
        "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": "999900001111" } }] } } } } });
    for body in [template.clone(), json!(template.to_string())] {
        let text = json!({ "TemplateBody": body, "StagesAvailable": ["Original"] }).to_string();
        let (found, status) = checked(&text, &[]);
        assert_eq!(
            (found, status),
            (vec![format!("{UNKNOWN} R:1")], 1),
            "{text}"
        );
    }
}

#[test]
fn a_role_of_the_cloud_control_provider_is_judged() {
    let trust = |principal: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}]})
        .to_string()
    };
    let change = |after: Value| {
        json!({"address": "awscc_iam_role.a", "type": "awscc_iam_role",
            "change": {"actions": ["create"], "after": after, "after_unknown": {}}})
    };
    let named = |principal: &str| json!({"role_name": "DatadogOne", "assume_role_policy_document": trust(principal)});
    let found = checked(&plan(&[change(named("999900001111"))], json!({})), &[]);
    assert_eq!(found, (vec![format!("{UNKNOWN} awscc_iam_role.a:1")], 1));
    let found = checked(&plan(&[change(named("111122223333"))], json!({})), &[]);
    assert_eq!(found, (vec![], 0));
    let found = checked(&plan(&[change(json!({"role_name": "x"}))], json!({})), &[]);
    assert_eq!(found, (vec![format!("{LATER} awscc_iam_role.a:1")], 0));
}

#[test]
fn what_a_plan_puts_off_is_said() {
    let role = change(
        "aws_iam_role.later",
        &["create"],
        json!({"name": "x"}),
        json!({"assume_role_policy": true}),
    );
    let mut text: Value = serde_json::from_str(&plan(&[], json!({}))).unwrap();
    text["deferred_changes"] =
        json!([{"reason": "provider_config_unknown", "resource_change": role}]);
    let found = checked(&text.to_string(), &[]).0;
    assert_eq!(found, [format!("{LATER} aws_iam_role.later:1")]);
}

#[test]
fn a_list_of_all_attachments_is_one_of_policies() {
    let condition = r#"{"StringEquals": {"sts:ExternalId": "5b0c9f3de1a84c7b9d26f0a4c8e7135a"}}"#;
    let trust = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS":
        "464622532012"}}, "Action": "sts:AssumeRole", "Condition": {condition}}}]}}"#
    );
    let role = change(
        "aws_iam_role.a",
        &["create"],
        json!({"name": "DatadogOne", "assume_role_policy": trust}),
        json!({}),
    );
    let attached = |policy: &str| {
        change(
            "aws_iam_role_policy_attachments_exclusive.all",
            &["create"],
            json!({"role_name": "DatadogOne", "policy_arns": [policy]}),
            json!({}),
        )
    };
    let found = |policy| checked(&plan(&[role.clone(), attached(policy)], json!({})), &[]).0;
    let admin = found("arn:aws:iam::aws:policy/AdministratorAccess");
    assert!(
        admin.iter().any(|found| found.starts_with("admin-access")),
        "{admin:?}"
    );
    assert_eq!(
        found("arn:aws:iam::aws:policy/ReadOnlyAccess")
            .iter()
            .filter(|found| found.starts_with("admin-access"))
            .count(),
        0
    );
}
