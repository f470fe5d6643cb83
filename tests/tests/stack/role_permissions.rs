//! `role-permissions`: what third parties may do once they are in.

use local::Stack;
use local::cloudtrail::{self, Actor};
use serde_json::{Value, json};
use trustwarden_tests::{LAWFUL, Operator, RULES, deployed, enforcing};

use crate::{ROLE, assert_untroubled, codes, outcome, stages};

/// Own roles alone.
const OURS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const REGIONS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DescribeRegions","Resource":"*"}]}"#;
const SECRETS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;

/// Rules of a vendor that still holds the keys of a user.
const WITH_USER: &str = r#"
version: 1
mode: alert
vendors:
  - name: Datadog
    accounts: ["464622532012"]
    roles: ["DatadogIntegration*"]
    external_id: { required: true, values: ["5b0c9f3de1a84c7b9d26f0a4c8e7135a"], owner: vendor }
    users: ["datadog-legacy"]
"#;

/// The first letter as `case` makes it: boto3's parameter `RoleName` is CloudTrail's `roleName`.
fn begun_with(name: &str, case: impl Fn(&char) -> char) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| case(&letter));
    first.into_iter().chain(letters).collect()
}

/// Calls IAM, and puts the record of it on the bus.
fn calls(stack: &Stack<'_>, operation: &str, request: &Value) -> (Value, Value) {
    let answer = stack.call("iam", operation, request).unwrap();
    let event: String = operation
        .split('_')
        .map(|word| begun_with(word, char::to_ascii_uppercase))
        .collect();
    let parameters = request.as_object().unwrap().iter();
    let parameters: serde_json::Map<String, Value> = parameters
        .map(|(name, value)| (begun_with(name, char::to_ascii_lowercase), value.clone()))
        .collect();
    let answered = match answer.get("PolicyVersion") {
        Some(version) => json!({ "policyVersion": {
            "versionId": version["VersionId"],
            "isDefaultVersion": version["IsDefaultVersion"],
        }}),
        None => Value::Null,
    };
    let parameters = Value::Object(parameters);
    let actor = Actor::Intruder;
    let record = cloudtrail::record(&stack.account, actor, "iam", &event, &parameters, &answered);
    stack.put_record(&record).unwrap();
    (answer, record)
}

fn creates_policy(stack: &Stack<'_>, name: &str, document: &str) -> String {
    let request = json!({ "PolicyName": name, "PolicyDocument": document });
    let made = stack.call("iam", "create_policy", &request).unwrap();
    made["Policy"]["Arn"].as_str().unwrap().to_owned()
}

#[test]
fn administrator_access_on_a_vendors_role_is_critical_and_reported_once() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let request = json!({ "RoleName": ROLE, "PolicyArn": admin });
    let (_, record) = calls(&stack, "attach_role_policy", &request);
    stack.settles();
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected"], "a duplicate is no news");
    assert_eq!(codes(&alerts[0]), ["admin-access"]);
    assert_eq!(alerts[0]["severity"], "CRITICAL");
    assert_eq!(alerts[0]["subject"], format!("role/{ROLE}"));
    assert_untroubled(&stack);
}

#[test]
fn a_role_that_no_third_party_can_enter_may_do_anything() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, "ours", OURS);
    stack.settles();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    calls(
        &stack,
        "attach_role_policy",
        &json!({ "RoleName": "ours", "PolicyArn": admin }),
    );
    let request = json!({ "RoleName": "ours", "PolicyName": "all", "PolicyDocument": EVERYTHING });
    calls(&stack, "put_role_policy", &request);
    stack.settles();
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    assert_untroubled(&stack);
}

#[test]
fn inline_policies_versions_and_boundaries_are_judged() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    let shared = creates_policy(&stack, "vendor-read", REGIONS);
    let boundary = creates_policy(&stack, "vendor-boundary", REGIONS);
    calls(
        &stack,
        "attach_role_policy",
        &json!({ "RoleName": ROLE, "PolicyArn": shared }),
    );
    let bounded = json!({ "RoleName": ROLE, "PermissionsBoundary": boundary });
    calls(&stack, "put_role_permissions_boundary", &bounded);
    stack.settles();
    assert_eq!(
        stack.alerts().unwrap(),
        Vec::<Value>::new(),
        "nothing is wrong yet"
    );

    let request = json!({ "RoleName": ROLE, "PolicyName": "extras", "PolicyDocument": SECRETS });
    calls(&stack, "put_role_policy", &request);
    stack.settles();
    assert_eq!(
        stack.alerts().unwrap(),
        Vec::<Value>::new(),
        "the boundary holds it"
    );
    calls(
        &stack,
        "delete_role_permissions_boundary",
        &json!({ "RoleName": ROLE }),
    );
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["data-access"]);
    assert_eq!(alerts[0]["severity"], "HIGH");
    calls(
        &stack,
        "delete_role_policy",
        &json!({ "RoleName": ROLE, "PolicyName": "extras" }),
    );
    let mut version =
        json!({ "PolicyArn": shared, "PolicyDocument": EVERYTHING, "SetAsDefault": false });
    calls(&stack, "create_policy_version", &version);
    stack.settles();
    assert_eq!(
        stack.alerts().unwrap().len(),
        1,
        "a version that is not in force gives nothing"
    );
    version["SetAsDefault"] = json!(true);
    calls(&stack, "create_policy_version", &version);
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[1]), ["admin-access"]);
    assert_eq!(alerts[1]["severity"], "CRITICAL");
    assert_eq!(alerts.len(), 2);
    // Back, and forth by its number alone.
    calls(
        &stack,
        "set_default_policy_version",
        &json!({ "PolicyArn": shared, "VersionId": "v1" }),
    );
    stack.settles();
    assert_eq!(stack.alerts().unwrap().len(), 2);
    calls(
        &stack,
        "set_default_policy_version",
        &json!({ "PolicyArn": shared, "VersionId": "v2" }),
    );
    stack.settles();
    assert_eq!(stack.alerts().unwrap().len(), 3);
    assert_untroubled(&stack);
}

#[test]
fn a_user_whose_keys_a_vendor_holds_and_its_groups_are_judged() {
    let stack = deployed(&[], WITH_USER);
    for user in ["datadog-legacy", "alice"] {
        stack
            .call("iam", "create_user", &json!({ "UserName": user }))
            .unwrap();
    }
    stack
        .call("iam", "create_group", &json!({ "GroupName": "vendors" }))
        .unwrap();
    let group =
        json!({ "GroupName": "vendors", "PolicyName": "all", "PolicyDocument": EVERYTHING });
    calls(&stack, "put_group_policy", &group);
    for user in ["alice", "datadog-legacy"] {
        calls(
            &stack,
            "add_user_to_group",
            &json!({ "GroupName": "vendors", "UserName": user }),
        );
        stack.settles();
    }
    let alerts = stack.alerts().unwrap();
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    assert_eq!(alerts[0]["subject"], "user/datadog-legacy");
    assert_eq!(codes(&alerts[0]), ["admin-access"]);
    calls(
        &stack,
        "remove_user_from_group",
        &json!({ "GroupName": "vendors", "UserName": "datadog-legacy" }),
    );
    let request =
        json!({ "UserName": "datadog-legacy", "PolicyName": "p", "PolicyDocument": SECRETS });
    calls(&stack, "put_user_policy", &request);
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[1]), ["data-access"]);
    assert_untroubled(&stack);
}

/// Enforcing, with permissions undone.
fn detaching() -> Stack<'static> {
    let parameters = [("Mode", "enforce"), ("DetachPolicies", "true")];
    let rules = format!("{RULES}permissions: {{ on_violation: detach }}\n");
    deployed(&parameters, &rules)
}

fn attached(stack: &Stack<'_>, role: &str) -> Vec<String> {
    let request = json!({ "RoleName": role });
    let answer = stack.call("iam", "list_attached_role_policies", &request);
    let answer = answer.unwrap();
    let policies = answer["AttachedPolicies"].as_array().unwrap().iter();
    policies
        .map(|policy| policy["PolicyName"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_was_given_to_a_vendors_role_is_taken_away() {
    let stack = detaching();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let request = json!({ "RoleName": ROLE, "PolicyArn": admin });
    let (_, record) = calls(&stack, "attach_role_policy", &request);
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(outcome(&alerts[0]), "ordered");
    assert_eq!(outcome(&alerts[1]), "detached");
    assert_eq!(alerts[0]["incident"], alerts[1]["incident"]);
    assert_eq!(attached(&stack, ROLE), Vec::<String>::new());
    // The same event again, and the record of the guard's own call.
    stack.put_record(&record).unwrap();
    let remediator = &stack.function("remediator").unwrap().role;
    let parameters = json!({ "roleName": ROLE, "policyArn": admin });
    let mut own = cloudtrail::record(
        &stack.account,
        Actor::Administrator,
        "iam",
        "DetachRolePolicy",
        &parameters,
        &Value::Null,
    );
    own["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!(remediator);
    stack.put_record(&own).unwrap();
    stack.settles();
    assert_eq!(stack.alerts().unwrap().len(), 2, "no news");

    // An inline policy that was compliant comes back; one that nobody knew goes.
    let put = |name: &str, document: &str| {
        let request = json!({ "RoleName": ROLE, "PolicyName": name, "PolicyDocument": document });
        calls(&stack, "put_role_policy", &request);
        stack.settles();
    };
    put("access", REGIONS);
    put("access", EVERYTHING);
    let alerts = stack.alerts().unwrap();
    assert_eq!(outcome(alerts.last().unwrap()), "detached");
    let request = json!({ "RoleName": ROLE, "PolicyName": "access" });
    let live = stack.call("iam", "get_role_policy", &request).unwrap();
    let compliant: Value = serde_json::from_str(REGIONS).unwrap();
    let document = live["PolicyDocument"].clone();
    let document = document
        .as_str()
        .map_or(document.clone(), |text| serde_json::from_str(text).unwrap());
    assert_eq!(document, compliant);
    put("more", EVERYTHING);
    let request = json!({ "RoleName": ROLE });
    let names = stack.call("iam", "list_role_policies", &request).unwrap();
    assert_eq!(names["PolicyNames"], json!(["access"]));
    assert_untroubled(&stack);
}

#[test]
fn a_version_goes_back_and_a_user_is_remediated() {
    let stack = detaching();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    let shared = creates_policy(&stack, "vendor-read", REGIONS);
    let request = json!({ "RoleName": ROLE, "PolicyArn": shared });
    calls(&stack, "attach_role_policy", &request);
    stack.settles();
    let version =
        json!({ "PolicyArn": shared, "PolicyDocument": EVERYTHING, "SetAsDefault": true });
    calls(&stack, "create_policy_version", &version);
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"], "{alerts:#?}");
    assert_eq!(outcome(&alerts[1]), "detached");
    let policy = stack.call("iam", "get_policy", &json!({ "PolicyArn": shared }));
    assert_eq!(policy.unwrap()["Policy"]["DefaultVersionId"], "v1");
    assert_eq!(attached(&stack, ROLE), ["vendor-read"]);
    assert_untroubled(&stack);
}

#[test]
fn a_protected_role_and_mode_alert_are_reported_alone() {
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let request = json!({ "RoleName": ROLE, "PolicyArn": admin });
    let rules = format!("{RULES}permissions: {{ on_violation: detach }}\n");
    let stack = deployed(&[], &rules);
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    calls(&stack, "attach_role_policy", &request);
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(outcome(&alerts[1]), "would-detach");
    assert_eq!(attached(&stack, ROLE), ["AdministratorAccess"]);
    assert_untroubled(&stack);

    let account = trustwarden_tests::fresh_account();
    let rules = rules.replace(
        "remediation: {",
        &format!("remediation: {{ protected_roles: [\"arn:aws:iam::{account}:role/{ROLE}\"], "),
    );
    let parameters = [("Mode", "enforce"), ("DetachPolicies", "true")];
    let stack = trustwarden_tests::deployed_in(&account, &parameters, &rules);
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    calls(&stack, "attach_role_policy", &request);
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(outcome(&alerts[1]), "not-touched");
    assert_eq!(attached(&stack, ROLE), ["AdministratorAccess"]);
    assert_untroubled(&stack);
}
