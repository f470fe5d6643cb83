//! What waits where, who hears of what, and what functions are told, by `template.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use trustwarden_tests::{fresh_account, machine};

use crate::translated::{SLACK, list, of_type, set, texts, translated};

#[test]
fn orders_wait_in_line_and_none_is_lost() {
    let stack = translated(&[]);
    let orders = &stack.resources()["Orders"].properties;
    let dead = &stack.resources()["OrdersDeadLetters"];
    assert_eq!(
        (&orders["FifoQueue"], &dead.properties["FifoQueue"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        orders["RedrivePolicy"]["deadLetterTargetArn"],
        json!(dead.arn)
    );
    let remediator = stack.function("remediator").unwrap();
    assert!(orders["VisibilityTimeout"].as_u64().unwrap() >= 6 * remediator.timeout);
    let mapping =
        &of_type(&stack, "AWS::Lambda::EventSourceMapping")["RemediatorOrders"].properties;
    assert_eq!(mapping["BatchSize"], 1);
    assert_eq!(
        mapping["FunctionResponseTypes"],
        json!(["ReportBatchItemFailures"])
    );
    for (name, queue) in of_type(&stack, "AWS::SQS::Queue") {
        assert_eq!(queue.properties["SqsManagedSseEnabled"], true, "{name}");
        assert_eq!(
            queue.properties["MessageRetentionPeriod"],
            14 * 24 * 3600,
            "{name}"
        );
    }
}

#[test]
fn what_fails_is_kept_on_both_hops() {
    let stack = translated(&[("SlackSecretArn", SLACK)]);
    let event_letters = stack.resources()["EventDeadLetters"].arn.clone().unwrap();
    let async_letters = stack.resources()["AsyncDeadLetters"].arn.clone().unwrap();
    let rules = of_type(&stack, "AWS::Events::Rule");
    assert_eq!(rules.len(), 13);
    let second_path = stack.resources()["TamperDeadLetters"].arn.clone();
    let to_functions = |name: &&str| *name != "RegionAlarmRule";
    let is_second = |name: &str| name.starts_with("Tampered") || name == "HeartbeatRule";
    for (name, rule) in rules.iter().filter(|(name, _)| to_functions(name)) {
        for target in list(&rule.properties["Targets"]) {
            // A call of the sweep that failed is no lost event: the next minute's replaces it.
            let expected = match *name {
                "SweepRule" => Value::Null,
                name if is_second(name) => json!({ "Arn": second_path }),
                _ => json!({ "Arn": event_letters }),
            };
            let kept = target.get("DeadLetterConfig").cloned().unwrap_or_default();
            assert_eq!(kept, expected, "{name}");
        }
    }
    // EventBridge may fill each queue for exactly these rules.
    for (policy, second) in [
        ("EventDeadLettersPolicy", false),
        ("TamperEventsPolicy", true),
        ("TamperDeadLettersPolicy", true),
    ] {
        let document = &stack.resources()[policy].properties["PolicyDocument"];
        let sources = texts(&document["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"]);
        let arns: BTreeSet<_> = rules
            .iter()
            .filter(|(name, _)| {
                **name != "SweepRule" && to_functions(name) && is_second(name) == second
            })
            .map(|(_, rule)| rule.arn.clone().unwrap())
            .collect();
        assert_eq!(sources, arns, "{policy}");
    }
    let configured: BTreeMap<_, _> = of_type(&stack, "AWS::Lambda::EventInvokeConfig")
        .into_values()
        .map(|config| {
            let destination = &config.properties["DestinationConfig"]["OnFailure"]["Destination"];
            let function = config.properties["FunctionName"].as_str().unwrap();
            (function.to_owned(), destination.clone())
        })
        .collect();
    // Two are fed by queues, which have dead letters of their own; who asks `incidents` waits for its answer.
    let asynchronous =
        |binary: &str| !matches!(binary, "remediator" | "guard-tamper" | "incidents");
    let asynchronous = stack
        .functions()
        .iter()
        .filter(|function| asynchronous(&function.binary));
    for function in asynchronous {
        let expected = match function.binary.as_str() {
            "sweep" => Value::Null,
            _ => json!(async_letters),
        };
        // Where not even that can be done, an alarm rings.
        let lost = stack.resources()["LettersUndelivered"].properties["Metrics"].to_string();
        let counted = lost.contains(&format!("\"{}\"", function.function_name));
        assert_eq!(counted, !expected.is_null(), "{}", function.name);
        assert_eq!(
            configured[&function.function_name], expected,
            "{}",
            function.name
        );
    }
}

#[test]
fn no_rule_stands_before_what_lets_it_deliver() {
    // The first event that a rule matches is the deploy's own: it creates roles.
    let stack = translated(&[]);
    let source = std::fs::read_to_string(stack.machine.root.join("template.yaml")).unwrap();
    let permissions = of_type(&stack, "AWS::Lambda::Permission");
    for (name, rule) in of_type(&stack, "AWS::Events::Rule") {
        if name == "RegionAlarmRule" {
            // It delivers to a topic, whose policy lets it.
            let topic = &stack.resources()["OperationsTopicPolicy"].properties["PolicyDocument"];
            assert!(topic.to_string().contains(rule.arn.as_ref().unwrap()));
            continue;
        }
        let block = source.split(&format!("\n  {name}:\n")).nth(1).unwrap();
        let depends = block.lines().find(|line| line.contains("DependsOn:"));
        let depends = depends.unwrap_or_else(|| panic!("{name} waits for nothing"));
        if name.starts_with("Tampered") || name == "HeartbeatRule" {
            assert!(depends.contains("TamperEventsPolicy"), "{name}: {depends}");
            continue;
        }
        let permission = format!("{}Permission", name.strip_suffix("Rule").unwrap());
        assert!(depends.contains(&permission), "{name}: {depends}");
        assert_eq!(
            permissions[permission.as_str()].properties["SourceArn"],
            json!(rule.arn),
            "{name}"
        );
        let keeps = rule.properties["Targets"][0]
            .get("DeadLetterConfig")
            .is_some();
        assert_eq!(depends.contains("EventDeadLettersPolicy"), keeps, "{name}");
    }
}

#[test]
fn who_writes_is_made_after_the_permission_to_write() {
    // CloudFormation updates a function after what its properties name.
    let source = std::fs::read_to_string(machine().root.join("template.yaml")).unwrap();
    let named = "TRUSTWARDEN_WRITES: !If [Enforce, !Ref RemediatorWrites, none]";
    assert!(source.contains(named));
    for (mode, exists) in [("alert", false), ("enforce", true)] {
        let stack = translated(&[("Mode", mode)]);
        assert_eq!(stack.resources().contains_key("RemediatorWrites"), exists);
        for function in stack.functions() {
            let writes = function.environment.get("TRUSTWARDEN_WRITES");
            let expected = matches!(function.binary.as_str(), "remediator" | "sweep");
            assert_eq!(writes.is_some(), expected, "{}", function.name);
            assert!(writes.is_none_or(|writes| (writes == "none") != exists));
        }
    }
}

#[test]
fn every_pattern_names_the_account_twice_and_a_source_that_nobody_forges() {
    let stack = translated(&[]);
    for (name, rule) in of_type(&stack, "AWS::Events::Rule") {
        if name == "RegionAlarmRule" {
            // An alarm's: another test reads it.
            continue;
        }
        if name == "SweepRule" || name == "HeartbeatRule" {
            // A schedule: it has no pattern that anything could meet.
            let minutes = if name == "SweepRule" {
                "1 minute"
            } else {
                "5 minutes"
            };
            assert_eq!(
                rule.properties["ScheduleExpression"],
                format!("rate({minutes})")
            );
            assert!(rule.properties.get("EventPattern").is_none());
            continue;
        }
        let pattern = &rule.properties["EventPattern"];
        // PutEvents refuses sources that begin with `aws.`.
        for source in pattern["source"].as_array().unwrap() {
            let source = source.get("prefix").unwrap_or(source);
            assert!(source.as_str().unwrap().starts_with("aws."), "{name}");
        }
        assert_eq!(pattern["account"], json!([stack.account]), "{name}");
        assert_eq!(
            pattern["detail"]["recipientAccountId"],
            json!([stack.account]),
            "{name}"
        );
        assert!(pattern.to_string().len() < 2048, "{name}");
        let reads_too = name.starts_with("Root");
        let state = rule.properties.get("State").and_then(Value::as_str);
        let all = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
        assert_eq!(state == Some(all), reads_too, "{name}");
    }
}

#[test]
fn alarms_reach_people_by_a_topic_of_their_own() {
    let stack = translated(&[
        ("SlackSecretArn", SLACK),
        ("AlertEmail", "a@example.com"),
        ("OperationsEmail", "b@example.com"),
    ]);
    let tampering = stack.output("TamperTopic").unwrap();
    let operations = stack.output("OperationsTopic").unwrap();
    assert_ne!(operations, stack.output("AlertTopic").unwrap());
    let alarms = of_type(&stack, "AWS::CloudWatch::Alarm");
    for (name, alarm) in &alarms {
        // What the operations topic cannot deliver goes by the other.
        let topic = match *name {
            "OperationsUndelivered" => stack.output("AlertTopic").unwrap(),
            _ => operations,
        };
        assert_eq!(alarm.properties["AlarmActions"], json!([topic]), "{name}");
        let says = alarm.properties["AlarmDescription"].as_str().unwrap();
        let (_, runbook) = says.rsplit_once(", ").unwrap();
        let runbook = stack.machine.root.join(runbook);
        assert!(runbook.is_file(), "{name} names no runbook: {says}");
        // As many mails at once as there are alarms end an e-mail subscription.
        assert!(alarm.properties.get("OKActions").is_none(), "{name}");
        // Silence is what these are for.
        let missing = match *name {
            "SweepMissing" | "HeartbeatMissing" => "missing",
            _ => "notBreaching",
        };
        assert_eq!(alarm.properties["TreatMissingData"], missing, "{name}");
    }
    // What alarms and filters take from each other is never what they watch.
    let counted = |kind: &str, what: &[&str]| {
        let made = of_type(&stack, kind);
        let different: BTreeSet<_> = made
            .values()
            .map(|made| {
                let parts = what.iter().map(|part| made.properties.get(*part));
                format!("{:?}", parts.collect::<Vec<_>>())
            })
            .collect();
        (different.len(), made.len())
    };
    let alarm = [
        "Namespace",
        "MetricName",
        "Dimensions",
        "Metrics",
        "Threshold",
    ];
    for (kind, what) in [
        ("AWS::CloudWatch::Alarm", &alarm[..]),
        ("AWS::CloudWatch::Alarm", &["AlarmDescription"]),
        (
            "AWS::Logs::MetricFilter",
            &["LogGroupName", "FilterPattern"],
        ),
        ("AWS::Logs::LogGroup", &["LogGroupName"]),
    ] {
        let (different, made) = counted(kind, what);
        assert_eq!(different, made, "{kind}: two with the same {what:?}");
    }
    for function in stack.functions() {
        for kind in ["Errors", "Throttles", "LoggedErrors"] {
            let name = format!("{}{kind}", function.name);
            assert!(stack.resources().contains_key(&name), "no {name}");
        }
    }
    // What no error of a function shows: an order without an outcome, a queue that stands still,
    // an alert that reaches nobody, a rule that cannot hand over.
    for name in [
        "OutcomeMissing",
        "OrdersStuck",
        "AlertsUndelivered",
        "RoleTrustRuleFailed",
        "AccessKeyRuleFailed",
        "RootSignInRuleFailed",
        "RootCallRuleFailed",
        "TamperedSourcesRuleFailed",
        "TamperedFunctionsRuleFailed",
        "TamperedResourcesRuleFailed",
        "TamperEventsWait",
        "TamperingUndelivered",
    ] {
        assert!(alarms.contains_key(name), "no {name}");
    }
    for (name, queue) in of_type(&stack, "AWS::SQS::Queue") {
        if name.ends_with("DeadLetters") {
            let alarm = &alarms[format!("{name}Filled").as_str()].properties;
            let arn = queue.arn.clone().unwrap();
            let queue = arn.rsplit(':').next().unwrap();
            // It rings again for each letter: the sum of those that wait and those being read rises.
            let rise = "DIFF(FILL(waiting, 0) + FILL(taken, 0))";
            assert_eq!(alarm["Metrics"][0]["Expression"], rise, "{name}");
            for metric in &alarm["Metrics"].as_array().unwrap()[1..] {
                let watched = &metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"];
                assert_eq!(watched, queue, "{name}");
            }
            let old = alarms["DeadLettersOld"].properties["Metrics"].to_string();
            assert!(old.contains(queue), "{name} is not among the old ones");
        }
    }
    // CloudWatch may use the key: an alarm on a topic whose key forbids it is silent.
    let key = &stack.resources()["Key"].properties["KeyPolicy"]["Statement"];
    let admitted = list(key).into_iter().any(|statement| {
        statement["Principal"] == json!({ "Service": "cloudwatch.amazonaws.com" })
            && texts(&statement["Action"]) == set(&["kms:Decrypt", "kms:GenerateDataKey*"])
            && statement.get("Condition").is_none()
    });
    assert!(admitted);
    // Whoever disables the key silences the alerts; the alarms about that stand under no key.
    let topics = of_type(&stack, "AWS::SNS::Topic");
    assert!(topics["AlertTopic"].properties["KmsMasterKeyId"].is_string());
    assert!(
        topics["OperationsTopic"]
            .properties
            .get("KmsMasterKeyId")
            .is_none()
    );
    assert!(
        topics["TamperTopic"]
            .properties
            .get("KmsMasterKeyId")
            .is_none()
    );
    // Slack hears of all without a second parameter; whoever gets the alerts gets those of the second
    // path.
    let topics_of = |field: &str, value: &str| -> BTreeSet<String> {
        let subscriptions = of_type(&stack, "AWS::SNS::Subscription").into_values();
        subscriptions
            .filter(|subscription| subscription.properties[field] == value)
            .map(|subscription| {
                subscription.properties["TopicArn"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    let alerts = stack.output("AlertTopic").unwrap();
    assert_eq!(
        topics_of("Protocol", "lambda"),
        set(&[operations, tampering, alerts])
    );
    assert_eq!(
        topics_of("Endpoint", "a@example.com"),
        set(&[tampering, alerts])
    );
}

#[test]
fn a_sweep_that_does_not_come_to_its_end_is_an_alarm() {
    let stack = translated(&[]);
    let alarm = &stack.resources()["SweepMissing"].properties;
    let filter = &stack.resources()["SweepsFinished"].properties;
    let counted = &filter["MetricTransformations"][0];
    assert_eq!(alarm["Namespace"], counted["MetricNamespace"]);
    assert_eq!(alarm["MetricName"], counted["MetricName"]);
    assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
    // Silence makes the data insufficient. It begins so: that rings in no first minute.
    assert_eq!(alarm["InsufficientDataActions"], alarm["AlarmActions"]);
    // Lines that are not the one count as none.
    assert_eq!(counted["DefaultValue"], 0);
    let hours = alarm["Period"].as_u64().unwrap() * alarm["EvaluationPeriods"].as_u64().unwrap();
    assert_eq!(hours, 3 * 3600);
    // The line that is counted is the one that the function writes.
    let main = stack.machine.root.join("functions/sweep/src/main.rs");
    let main = std::fs::read_to_string(main).unwrap();
    let pattern = filter["FilterPattern"].as_str().unwrap();
    let line = pattern.split('"').nth(1).unwrap();
    assert!(main.contains(&format!("\"{line}\"")), "{pattern}");
}

#[test]
fn state_survives_mistakes() {
    let stack = translated(&[]);
    let table = &stack.resources()["Table"].properties;
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["DeletionProtectionEnabled"], true);
    assert_eq!(
        table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
    assert_eq!(
        table["TimeToLiveSpecification"],
        json!({ "AttributeName": "expires_at", "Enabled": true })
    );
    let source = std::fs::read_to_string(stack.machine.root.join("template.yaml")).unwrap();
    let table = source.split("\n  Table:\n").nth(1).unwrap();
    let table = table.split("\n\n").next().unwrap();
    assert!(
        table.contains("DeletionPolicy: Retain") && table.contains("UpdateReplacePolicy: Retain")
    );
}

#[test]
fn what_an_organization_may_demand_is_applied_everywhere() {
    let boundary = "arn:aws:iam::111122223333:policy/boundary";
    let stack = translated(&[
        ("PermissionsBoundaryArn", boundary),
        ("ReservedConcurrency", "5"),
        ("SlackSecretArn", SLACK),
        ("Architecture", "x86_64"),
    ]);
    for (name, role) in of_type(&stack, "AWS::IAM::Role") {
        assert_eq!(role.properties["PermissionsBoundary"], boundary, "{name}");
    }
    let functions = of_type(&stack, "AWS::Lambda::Function");
    assert_eq!(functions.len(), 11);
    for (name, function) in functions {
        assert_eq!(
            function.properties["ReservedConcurrentExecutions"], "5",
            "{name}"
        );
        assert_eq!(
            function.properties["Architectures"],
            json!(["x86_64"]),
            "{name}"
        );
    }
    // And none of it by default: an account must keep 100 units unreserved, and a new one has few.
    let plain = translated(&[]);
    for (name, function) in of_type(&plain, "AWS::Lambda::Function") {
        for absent in ["CodeSigningConfigArn", "ReservedConcurrentExecutions"] {
            assert!(
                function.properties.get(absent).is_none(),
                "{name}: {absent}"
            );
        }
        assert_eq!(
            function.properties["Architectures"],
            json!(["arm64"]),
            "{name}"
        );
    }
    for (name, role) in of_type(&plain, "AWS::IAM::Role") {
        assert!(
            role.properties.get("PermissionsBoundary").is_none(),
            "{name}"
        );
    }
}

#[test]
fn fewer_than_five_are_no_concurrency_to_reserve() {
    // Five pollers hand orders over, whatever is reserved: each that finds no room is a lost try.
    for (reserved, taken) in [("1", false), ("4", false), ("5", true), ("10", true)] {
        let made = machine().deploy(
            &fresh_account(),
            "guard",
            &[("ReservedConcurrency", reserved)],
            Path::new(""),
        );
        assert_eq!(made.is_ok(), taken, "{reserved}");
    }
}

#[test]
fn functions_get_the_settings_they_need() {
    let stack = translated(&[("Mode", "enforce"), ("SlackSecretArn", SLACK)]);
    let reported = [
        "TRUSTWARDEN_ACCOUNT",
        "TRUSTWARDEN_MODE",
        "TRUSTWARDEN_RULES",
        "TRUSTWARDEN_TABLE",
        "TRUSTWARDEN_TOPIC_ARN",
        "TRUSTWARDEN_OPERATIONS_TOPIC_ARN",
        "TRUSTWARDEN_ORDERS_URL",
        "TRUSTWARDEN_REMEDIATOR_ROLE",
        "TRUSTWARDEN_REVOKE_SESSIONS",
        "TRUSTWARDEN_DETACH_POLICIES",
        "TRUSTWARDEN_STACK",
    ];
    for function in stack.functions() {
        let own = if function.binary == "slack" {
            "TRUSTWARDEN_SLACK_SECRET_ARN"
        } else {
            "TRUSTWARDEN_OWN_ROLES"
        };
        let mut expected = set(&reported);
        expected.insert(own.to_owned());
        if matches!(function.binary.as_str(), "remediator" | "sweep") {
            expected.insert("TRUSTWARDEN_WRITES".to_owned());
        }
        if function.binary == "guard-tamper" {
            expected.insert("TRUSTWARDEN_HEARTBEAT".to_owned());
        }
        let names: BTreeSet<_> = function.environment.keys().cloned().collect();
        assert_eq!(names, expected, "{}", function.name);
        assert!(function.environment.values().all(|value| !value.is_empty()));
    }
    let binaries: BTreeSet<_> = stack
        .functions()
        .iter()
        .map(|function| function.binary.as_str())
        .collect();
    assert_eq!(
        binaries,
        BTreeSet::from([
            "access-key",
            "guard-tamper",
            "identity-provider",
            "resource-share",
            "incidents",
            "remediator",
            "role-permissions",
            "role-trust",
            "root-activity",
            "slack",
            "sweep"
        ])
    );
    assert!(translated(&[]).function("slack").is_err());
}

#[test]
fn a_wrong_region_is_refused() {
    let machine = machine();
    for (template, region, parameters, words) in [
        (
            "template.yaml",
            "eu-west-1",
            json!({}),
            "only in the partition's home region",
        ),
        (
            "template-region.yaml",
            "us-east-1",
            json!({}),
            "The home region gets template.yaml",
        ),
    ] {
        let question = json!({
            "template": machine.root.join(template), "region": region, "parameters": parameters,
        });
        let refused = machine.account.ask("/rules", &question).unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    }
    for (template, region) in [
        ("template.yaml", "us-east-1"),
        ("template.yaml", "us-gov-west-1"),
        ("template.yaml", "cn-north-1"),
        ("template-region.yaml", "eu-west-1"),
    ] {
        let question = json!({
            "template": machine.root.join(template), "region": region, "parameters": {},
        });
        machine.account.ask("/rules", &question).unwrap();
    }
}
