//! Who may do what, by `template.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use local::Stack;
use serde_json::{Value, json};

use crate::translated::{SLACK, list, of_type, set, texts, translated};

/// What it takes to read what roles and users may do.
const READ_PERMISSIONS: [&str; 15] = [
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListRolePolicies",
    "iam:ListAttachedRolePolicies",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListUserPolicies",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupsForUser",
    "iam:GetGroup",
    "iam:GetGroupPolicy",
    "iam:ListGroupPolicies",
    "iam:ListAttachedGroupPolicies",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
];

/// Each role's identity statements, inline and from policies of their own.
pub(crate) fn statements<'a>(stack: &'a Stack) -> BTreeMap<&'a str, Vec<&'a Value>> {
    let mut found: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    let roles = of_type(stack, "AWS::IAM::Role");
    for (name, role) in &roles {
        assert!(
            role.properties.get("ManagedPolicyArns").is_none(),
            "{name} takes what AWS puts into a managed policy"
        );
        for policy in list(&role.properties["Policies"]) {
            let statements = list(&policy["PolicyDocument"]["Statement"]);
            found.entry(name).or_default().extend(statements);
        }
    }
    for (name, policy) in of_type(stack, "AWS::IAM::Policy") {
        for held_by in texts(&policy.properties["Roles"]) {
            let holder = roles
                .iter()
                .find(|(_, role)| role.id.as_deref() == Some(&held_by))
                .unwrap_or_else(|| panic!("{name} is held by {held_by}, which is not ours"));
            let statements = list(&policy.properties["PolicyDocument"]["Statement"]);
            found.entry(holder.0).or_default().extend(statements);
        }
    }
    found
}

fn allowed_actions(statements: &[&Value]) -> BTreeSet<String> {
    let allowing = statements
        .iter()
        .filter(|statement| statement["Effect"] == "Allow");
    allowing
        .flat_map(|statement| {
            assert!(statement.get("NotAction").is_none(), "{statement}");
            texts(&statement["Action"])
        })
        .collect()
}

fn writes_to_iam(action: &str) -> bool {
    let Some(name) = action
        .to_ascii_lowercase()
        .strip_prefix("iam:")
        .map(str::to_owned)
    else {
        return action == "*";
    };
    // The access level of IAM's table for it is Read: it changes nothing.
    let reads = name == "generatecredentialreport";
    !(reads || name.starts_with("get") || name.starts_with("list"))
}

/// Whether a statement is about what the heartbeat names, and what does not exist: another test holds
/// it to that.
fn is_heartbeat(statement: &Value) -> bool {
    let resources = texts(&statement["Resource"]);
    let named = |arn: &String| arn.contains("trustwarden-heartbeat-");
    statement["Sid"] == "Heartbeat" && resources.iter().all(named)
}

/// The writers to IAM: role → actions.
fn writers<'a>(stack: &'a Stack) -> BTreeMap<&'a str, BTreeSet<String>> {
    let all = statements(stack).into_iter();
    all.map(|(role, mut statements)| {
        statements.retain(|statement| !is_heartbeat(statement));
        let actions = allowed_actions(&statements).into_iter();
        (
            role,
            actions.filter(|action| writes_to_iam(action)).collect(),
        )
    })
    .filter(|(_, actions): &(_, BTreeSet<_>)| !actions.is_empty())
    .collect()
}

fn role_arns(stack: &Stack) -> BTreeSet<String> {
    let roles = of_type(stack, "AWS::IAM::Role").into_values();
    roles.map(|role| role.arn.clone().unwrap()).collect()
}

#[test]
fn in_mode_alert_nobody_may_write_to_iam() {
    for parameters in [&[][..], &[("Mode", "alert"), ("SlackSecretArn", SLACK)][..]] {
        let stack = translated(parameters);
        assert_eq!(writers(&stack), BTreeMap::new());
        assert_eq!(stack.output("Mode").unwrap(), "alert");
    }
}

#[test]
fn in_mode_enforce_the_remediator_alone_writes_and_no_more_than_it_must() {
    let stack = translated(&[("Mode", "enforce"), ("SlackSecretArn", SLACK)]);
    let expected = set(&["iam:UpdateAssumeRolePolicy", "iam:UpdateAccessKey"]);
    assert_eq!(
        writers(&stack),
        BTreeMap::from([("RemediatorRole", expected)])
    );
}

#[test]
fn ending_sessions_takes_a_parameter_of_its_own_and_mode_enforce() {
    let stack = translated(&[("Mode", "enforce"), ("RevokeSessions", "true")]);
    let writes = &writers(&stack)["RemediatorRole"];
    assert!(writes.contains("iam:PutRolePolicy") && writes.contains("iam:DeleteRolePolicy"));
    // An emergency deploy of mode alert is one word: it does not fail over the other parameter.
    assert_eq!(
        writers(&translated(&[("RevokeSessions", "true")])),
        BTreeMap::new()
    );
}

#[test]
fn undoing_what_was_given_takes_a_parameter_of_its_own_and_mode_enforce() {
    let stack = translated(&[("Mode", "enforce"), ("DetachPolicies", "true")]);
    let expected = set(&[
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateAccessKey",
        "iam:DetachRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:PutRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:DetachUserPolicy",
        "iam:DeleteUserPolicy",
        "iam:PutUserPolicy",
        "iam:PutUserPermissionsBoundary",
        "iam:SetDefaultPolicyVersion",
    ]);
    assert_eq!(
        writers(&stack),
        BTreeMap::from([("RemediatorRole", expected)])
    );
    assert_eq!(
        writers(&translated(&[("DetachPolicies", "true")])),
        BTreeMap::new()
    );
}

#[test]
fn our_own_roles_are_denied_by_exact_arn() {
    for (slack, count) in [("", 10), (SLACK, 11)] {
        let stack = translated(&[
            ("Mode", "enforce"),
            ("RevokeSessions", "true"),
            ("SlackSecretArn", slack),
        ]);
        let all = statements(&stack);
        let denies: Vec<_> = all["RemediatorRole"]
            .iter()
            .filter(|statement| statement["Effect"] == "Deny")
            .collect();
        assert_eq!(denies.len(), 1);
        assert!(denies[0].get("Condition").is_none());
        let denied = texts(&denies[0]["Resource"]);
        assert_eq!(denied, role_arns(&stack));
        assert_eq!(denied.len(), count);
        assert!(denied.iter().all(|arn| !arn.contains(['*', '?'])));
        let role_writes = set(&[
            "iam:UpdateAssumeRolePolicy",
            "iam:PutRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:PutRolePermissionsBoundary",
        ]);
        assert_eq!(texts(&denies[0]["Action"]), role_writes);
        // The functions are told the same roles.
        for function in stack
            .functions()
            .iter()
            .filter(|function| function.binary != "slack")
        {
            let reported: BTreeSet<_> = function.environment["TRUSTWARDEN_OWN_ROLES"]
                .split(',')
                .map(str::to_owned)
                .collect();
            assert_eq!(reported, denied, "{}", function.name);
        }
    }
}

#[test]
fn every_role_is_of_our_path_and_trusts_lambda_alone() {
    let stack = translated(&[("Mode", "enforce"), ("SlackSecretArn", SLACK)]);
    for (name, role) in of_type(&stack, "AWS::IAM::Role") {
        assert_eq!(role.properties["Path"], "/trustwarden/", "{name}");
        let trust = &role.properties["AssumeRolePolicyDocument"]["Statement"];
        assert_eq!(list(trust).len(), 1, "{name}");
        assert_eq!(
            trust[0]["Principal"],
            json!({ "Service": "lambda.amazonaws.com" }),
            "{name}"
        );
        assert!(
            role.properties.get("RoleName").is_none(),
            "{name}: a name can be waited for"
        );
    }
    let used: BTreeSet<_> = stack
        .functions()
        .iter()
        .map(|function| function.role.clone())
        .collect();
    assert_eq!(
        used,
        role_arns(&stack),
        "one role per function, and no role besides"
    );
    assert_eq!(used.len(), stack.functions().len());
}

/// What the sweep reads of the whole account.
const READ_ACCOUNT: [&str; 7] = [
    "iam:GetAccountAuthorizationDetails",
    "iam:GenerateCredentialReport",
    "iam:GetCredentialReport",
    "iam:ListUsers",
    "iam:ListAccessKeys",
    "iam:ListOpenIDConnectProviders",
    "iam:ListSAMLProviders",
];

/// What guard-tamper reads of what has no ARN of the stack's own.
const READ_WATCHED: [&str; 6] = [
    "sns:GetSubscriptionAttributes",
    "cloudwatch:DescribeAlarms",
    "events:ListRules",
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:GetEventSelectors",
];

#[test]
fn no_statement_is_wider_than_its_work() {
    let stack = translated(&[
        ("Mode", "enforce"),
        ("RevokeSessions", "true"),
        ("DetachPolicies", "true"),
        ("SlackSecretArn", SLACK),
    ]);
    for (role, statements) in statements(&stack) {
        for statement in statements {
            for action in texts(&statement["Action"]) {
                assert!(!action.contains('*'), "{role}: {action}");
            }
            for resource in texts(&statement["Resource"]) {
                // AWS knows no resource for them.
                let everywhere = [
                    ("SweepRole", &READ_ACCOUNT[..]),
                    ("GuardTamperRole", &READ_WATCHED),
                    (
                        "IdentityProviderRole",
                        &["iam:GetAccountAuthorizationDetails"],
                    ),
                ];
                let mut everywhere = everywhere.into_iter();
                if everywhere.any(|(whose, reads)| {
                    role == whose && texts(&statement["Action"]) == set(reads)
                }) {
                    assert_eq!(resource, "*");
                    continue;
                }
                assert_ne!(resource, "*", "{role}: {statement}");
                // A stack's ARN ends with an id that nobody knows; each rule of this stack with its own.
                let stack_id = stack.output("Table").unwrap();
                let stack_id = stack_id.strip_prefix("trustwarden-").unwrap();
                let own_rules =
                    resource.contains(":rule/trustwarden-*-") && resource.ends_with(stack_id);
                // Another region's stack has an id of its own.
                let forwarders = resource.ends_with(":rule/trustwarden-forward-*");
                let patterned =
                    resource.contains('*') && !is_heartbeat(statement) && !own_rules && !forwarders;
                let may_be = [
                    ":role/*",
                    ":user/*",
                    ":group/*",
                    ":policy/*",
                    ":oidc-provider/*",
                    ":saml-provider/*",
                    ":key/*",
                    ":*",
                ];
                let fits = may_be.iter().any(|end| resource.ends_with(end));
                assert!(!patterned || fits, "{role}: {resource}");
                if resource.ends_with(":key/*") {
                    assert!(statement.get("Condition").is_some(), "{role}: {statement}");
                }
            }
        }
    }
}

#[test]
fn each_function_may_do_exactly_this() {
    let stack = translated(&[("Mode", "enforce"), ("SlackSecretArn", SLACK)]);
    let state = [
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    ];
    let alert = [
        "sns:Publish",
        "sns:GetTopicAttributes",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    ];
    let log = ["logs:CreateLogStream", "logs:PutLogEvents"];
    let expected = [
        (
            "RoleTrustRole",
            [
                &state[..],
                &alert,
                &log,
                &["iam:GetRole", "sqs:SendMessage"],
            ]
            .concat(),
        ),
        (
            "AccessKeyRole",
            [&state[..], &alert, &log, &["sqs:SendMessage"]].concat(),
        ),
        (
            "RootActivityRole",
            [&state[..], &alert, &log, &["sqs:SendMessage"]].concat(),
        ),
        (
            "ResourceShareRole",
            [&state[..], &alert, &log, &["sqs:SendMessage"]].concat(),
        ),
        (
            "RolePermissionsRole",
            [
                &state[..],
                &alert,
                &log,
                &["iam:ListEntitiesForPolicy", "sqs:SendMessage"],
                &READ_PERMISSIONS,
            ]
            .concat(),
        ),
        (
            "IdentityProviderRole",
            [
                &state[..],
                &alert,
                &log,
                &["iam:GetAccountAuthorizationDetails", "sqs:SendMessage"],
            ]
            .concat(),
        ),
        ("IncidentsRole", [&state[..], &alert, &log].concat()),
        (
            "SweepRole",
            [
                &state[..],
                &alert,
                &log,
                &READ_ACCOUNT,
                &READ_PERMISSIONS,
                &[
                    "iam:GetOpenIDConnectProvider",
                    "iam:GetSAMLProvider",
                    "sqs:SendMessage",
                ],
            ]
            .concat(),
        ),
        (
            "RemediatorRole",
            [
                &state[..],
                &alert,
                &log,
                &READ_PERMISSIONS,
                &[
                    "iam:ListEntitiesForPolicy",
                    "iam:UpdateAssumeRolePolicy",
                    "iam:ListAccessKeys",
                    "iam:UpdateAccessKey",
                    "sqs:SendMessage",
                    "sqs:ReceiveMessage",
                    "sqs:DeleteMessage",
                    "sqs:ChangeMessageVisibility",
                    "sqs:GetQueueAttributes",
                ],
            ]
            .concat(),
        ),
        (
            "GuardTamperRole",
            [
                &log[..],
                &READ_WATCHED,
                &[
                    "cloudformation:DescribeStacks",
                    "cloudformation:ListStackResources",
                    "cloudformation:GetTemplate",
                    "lambda:GetFunctionConfiguration",
                    "lambda:GetFunctionConcurrency",
                    "lambda:GetPolicy",
                    "lambda:GetEventSourceMapping",
                    "account:ListRegions",
                    "dynamodb:GetResourcePolicy",
                    "kms:GetKeyPolicy",
                    "sns:GetTopicAttributes",
                    "events:DescribeRule",
                    "events:ListTargetsByRule",
                    "kms:DescribeKey",
                    "sns:ListSubscriptionsByTopic",
                    "sqs:ReceiveMessage",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sns:Publish",
                    "dynamodb:GetItem",
                    "dynamodb:Query",
                    "dynamodb:PutItem",
                    // On what does not exist.
                    "iam:DeleteRole",
                    "iam:DeleteRolePolicy",
                    "iam:DeleteSAMLProvider",
                    "iam:UpdateAccessKey",
                    "cloudformation:UpdateTerminationProtection",
                    "lambda:AddPermission",
                ],
            ]
            .concat(),
        ),
        (
            "SlackRole",
            [
                &log[..],
                &[
                    "secretsmanager:GetSecretValue",
                    "kms:Decrypt",
                    "sqs:SendMessage",
                ],
            ]
            .concat(),
        ),
    ];
    let all = statements(&stack);
    assert_eq!(all.len(), expected.len());
    for (role, actions) in expected {
        assert_eq!(allowed_actions(&all[role]), set(&actions), "{role}");
    }
}

#[test]
fn orders_come_from_the_judges_and_go_to_the_remediator() {
    let stack = translated(&[("Mode", "enforce"), ("SlackSecretArn", SLACK)]);
    let arn = |name: &str| stack.resources()[name].arn.clone().unwrap();
    let policy = &stack.resources()["OrdersPolicy"].properties["PolicyDocument"]["Statement"];
    for statement in list(policy) {
        assert_eq!(
            statement["Effect"], "Deny",
            "identity policies allow; this one narrows"
        );
    }
    let narrowed = |sid: &str| {
        let statement = list(policy)
            .into_iter()
            .find(|statement| statement["Sid"] == sid)
            .unwrap();
        texts(&statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"])
    };
    let judges = narrowed("OnlyOurFunctionsOrder");
    assert_eq!(
        narrowed("OnlyTheRemediatorTakes"),
        BTreeSet::from([arn("RemediatorRole")])
    );
    // Whoever is admitted can also do it, and nobody who can is kept out.
    assert_eq!(
        judges,
        who_can(&stack, &set(&["sqs:SendMessage"]), &arn("Orders"))
    );
}

/// A role that may do this everywhere, by its own policy.
pub(crate) fn admin(stack: &Stack<'_>, path: &str, actions: &str) -> String {
    let admin = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": actions, "Resource": "*" }
    ]});
    let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let request = json!({ "RoleName": "admin", "Path": path, "AssumeRolePolicyDocument": trust });
    let made = stack.call("iam", "create_role", &request).unwrap();
    let policy =
        json!({ "RoleName": "admin", "PolicyName": "all", "PolicyDocument": admin.to_string() });
    stack.call("iam", "put_role_policy", &policy).unwrap();
    made["Role"]["Arn"].as_str().unwrap().to_owned()
}

/// Those that may do one of these to a resource, by their own policies.
fn who_can(stack: &Stack<'_>, actions: &BTreeSet<String>, resource: &str) -> BTreeSet<String> {
    let may = |statement: &&Value| {
        !texts(&statement["Action"]).is_disjoint(actions)
            && texts(&statement["Resource"]).contains(resource)
    };
    let all = statements(stack).into_iter();
    all.filter(|(_, statements)| statements.iter().any(may))
        .map(|(role, _)| stack.resources()[role].arn.clone().unwrap())
        .collect()
}

#[test]
fn nobody_but_the_functions_writes_the_table() {
    let stack = translated(&[("Mode", "enforce"), ("SlackSecretArn", SLACK)]);
    let table = &stack.resources()["Table"];
    let policy = &table.properties["ResourcePolicy"]["PolicyDocument"]["Statement"];
    let [statement] = list(policy)[..] else {
        panic!("{policy}");
    };
    let arn = table.arn.clone().unwrap();
    assert_eq!(
        (&statement["Effect"], &statement["Principal"]),
        (&json!("Deny"), &json!("*"))
    );
    assert_eq!(statement["Resource"], json!(arn));
    // Whatever writes, by whichever of DynamoDB's languages.
    let writes = set(&[
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PartiQLDelete",
    ]);
    assert_eq!(texts(&statement["Action"]), writes);
    // Whoever is admitted can also do it, and nobody who can is kept out.
    let admitted = texts(&statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]);
    assert_eq!(admitted, who_can(&stack, &writes, &arn));
    assert_eq!(admitted.len(), 10);

    // An administrator does not, nor a role that is named after the stack's.
    let account = &stack.machine.account;
    let item = json!({ "pk": { "S": "a" }, "sk": { "S": "b" } });
    let name = stack.output("Table").unwrap();
    let put = json!({ "TableName": name, "Item": item });
    let admin = admin(&stack, "/trustwarden/", "dynamodb:*");
    for (operation, request) in [
        ("put_item", put.clone()),
        ("delete_item", json!({ "TableName": name, "Key": item })),
        (
            "update_item",
            json!({
                "TableName": name, "Key": item,
                "UpdateExpression": "SET drawn = :n", "ExpressionAttributeValues": { ":n": { "N": "1000" } },
            }),
        ),
        (
            "batch_write_item",
            json!({ "RequestItems": { name: [{ "PutRequest": { "Item": item } }] } }),
        ),
        (
            "transact_write_items",
            json!({
                "TransactItems": [{ "Put": { "TableName": name, "Item": item } }]
            }),
        ),
    ] {
        let refused = account.call_as(&admin, "dynamodb", operation, &request);
        let refused = refused.unwrap_err();
        assert!(
            refused.code().unwrap().contains("AccessDenied"),
            "{operation}: {refused}"
        );
    }
    // They may read it, and a function writes.
    let key = json!({ "TableName": name, "Key": item });
    account
        .call_as(&admin, "dynamodb", "get_item", &key)
        .unwrap();
    for function in stack.functions() {
        let answer = account.call_as(&function.role, "dynamodb", "put_item", &put);
        let writes = admitted.contains(&function.role);
        assert_eq!(answer.is_ok(), writes, "{}: {answer:?}", function.name);
    }
}

#[test]
fn an_external_account_with_every_permission_on_sqs_can_place_no_order() {
    let stack = translated(&[("Mode", "enforce")]);
    let role = &admin(&stack, "/", "sqs:*");
    let account = &stack.machine.account;
    let url = stack.output("OrdersUrl").unwrap();
    let order = json!({
        "QueueUrl": url, "MessageBody": "{}", "MessageGroupId": "g", "MessageDeduplicationId": "d",
    });
    for (operation, request) in [
        ("send_message", order),
        ("receive_message", json!({ "QueueUrl": url })),
        ("purge_queue", json!({ "QueueUrl": url })),
    ] {
        let refused = account
            .call_as(role, "sqs", operation, &request)
            .unwrap_err();
        assert!(
            refused.code().unwrap().contains("AccessDenied"),
            "{operation}: {refused}"
        );
    }
    // The same role may use any other queue.
    account
        .call_as(
            role,
            "sqs",
            "create_queue",
            &json!({ "QueueName": "other" }),
        )
        .unwrap();
}

#[test]
fn each_function_is_invoked_by_exactly_who_should() {
    let stack = translated(&[("SlackSecretArn", SLACK)]);
    let mut callers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for permission in of_type(&stack, "AWS::Lambda::Permission").into_values() {
        let properties = &permission.properties;
        assert_eq!(properties["Action"], "lambda:InvokeFunction");
        let function = properties["FunctionName"].as_str().unwrap().to_owned();
        let source = properties["SourceArn"].as_str().unwrap();
        assert!(!source.contains('*'));
        let principal = properties["Principal"].as_str().unwrap();
        callers
            .entry(function)
            .or_default()
            .insert(format!("{principal} {source}"));
    }
    let rule = |name: &str| {
        format!(
            "events.amazonaws.com {}",
            stack.resources()[name].arn.clone().unwrap()
        )
    };
    let expected = [
        ("role-trust", BTreeSet::from([rule("RoleTrustRule")])),
        ("access-key", BTreeSet::from([rule("AccessKeyRule")])),
        (
            "role-permissions",
            BTreeSet::from([rule("RolePermissionsRule")]),
        ),
        (
            "identity-provider",
            BTreeSet::from([rule("IdentityProviderRule")]),
        ),
        (
            "resource-share",
            BTreeSet::from([rule("ResourceShareRule")]),
        ),
        ("sweep", BTreeSet::from([rule("SweepRule")])),
        (
            "root-activity",
            BTreeSet::from([rule("RootSignInRule"), rule("RootCallRule")]),
        ),
        (
            "slack",
            ["AlertTopic", "OperationsTopic", "TamperTopic"]
                .map(|topic| format!("sns.amazonaws.com {}", stack.output(topic).unwrap()))
                .into(),
        ),
    ];
    assert_eq!(callers.len(), expected.len());
    for (binary, who) in expected {
        assert_eq!(
            callers[&stack.function(binary).unwrap().function_name],
            who,
            "{binary}"
        );
    }
}

/// What people are given, a policy a duty: to ask by the URL alone, and to restore, never the guard's own
/// roles. None passes a role, writes a policy or touches the table.
#[test]
fn each_duty_of_operators_may_do_exactly_this() {
    let stack = translated(&[("Mode", "enforce"), ("SlackSecretArn", SLACK)]);
    let ask = [
        "lambda:InvokeFunctionUrl",
        "lambda:InvokeFunction",
        "cloudformation:DescribeStacks",
        "cloudformation:ListStackResources",
    ];
    let restore = [&ask[..], &["iam:GetRole", "iam:UpdateAssumeRolePolicy"]].concat();
    let expected = [
        ("ReadIncidentsPolicy", ask.to_vec()),
        ("RestoreRolesPolicy", restore),
    ];
    let policies = of_type(&stack, "AWS::IAM::ManagedPolicy");
    assert_eq!(policies.len(), expected.len());
    let function = &stack.function("incidents").unwrap().arn;
    for (name, actions) in expected {
        let policy = &policies[name].properties;
        assert!(
            ["Roles", "Users", "Groups"]
                .iter()
                .all(|holder| policy.get(holder).is_none()),
            "{name} is given to nobody by the stack"
        );
        let all = list(&policy["PolicyDocument"]["Statement"]);
        assert_eq!(allowed_actions(&all), set(&actions), "{name}");
        for statement in &all {
            let invoked = texts(&statement["Action"]);
            if invoked.contains("lambda:InvokeFunction") {
                // Who invokes the function past its URL can name any caller.
                let by_url = json!({ "Bool": { "lambda:InvokedViaFunctionUrl": "true" } });
                assert_eq!(statement["Condition"], by_url);
                assert_eq!(statement["Resource"], function.as_str());
            }
        }
        if actions.contains(&"iam:UpdateAssumeRolePolicy") {
            let mut denies = all.iter().filter(|one| one["Effect"] == "Deny");
            let deny = denies.next().unwrap();
            assert!(deny.get("Condition").is_none());
            assert_eq!(texts(&deny["Resource"]), role_arns(&stack));
            assert_eq!(texts(&deny["Action"]), set(&["iam:UpdateAssumeRolePolicy"]));
        }
    }
}

#[test]
fn only_signed_requests_reach_the_one_url() {
    let stack = translated(&[]);
    let urls = of_type(&stack, "AWS::Lambda::Url");
    assert_eq!(urls.keys().collect::<Vec<_>>(), [&"IncidentsUrl"]);
    assert_eq!(urls["IncidentsUrl"].properties["AuthType"], "AWS_IAM");
    assert!(urls["IncidentsUrl"].properties.get("Cors").is_none());
}
