//! What policies amount to: `testdata/effective.jsonl` says, case by case, which actions are
//! allowed and which are not, the classes with their scopes, and how many policies were unreadable
//! and Denies partial.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use trustwarden_permissions::{
    Action, Ceiling, Class, Effective, Policies, Policy, Scope, classes, effective, escalations,
};

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().cloned().unwrap_or_default();
    list.into_iter()
        .map(|item| match item {
            Value::String(text) => text,
            other => other.to_string(),
        })
        .collect()
}

fn judge(case: &Value) -> Effective {
    let documents = texts(&case["policies"]);
    let managed = texts(&case["managed"]);
    let holder = case["holder"].as_str();
    let boundary = (!case["boundary"].is_null()).then(|| case["boundary"].to_string());
    let own = documents.iter().map(|text| Policy {
        name: "own",
        arn: None,
        document: Some(text),
    });
    let managed = managed.iter().map(|arn| Policy {
        name: "managed",
        arn: Some(arn),
        document: None,
    });
    effective(&Policies {
        policies: own.chain(managed).collect(),
        boundary: boundary.as_deref().map(|text| Policy {
            name: "boundary",
            arn: None,
            document: Some(text),
        }),
        holder,
    })
}

fn of(documents: &[Value]) -> Effective {
    judge(&json!({ "policies": documents }))
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Named => "named",
        Scope::Service => "service",
        Scope::Everything => "everything",
    }
}

#[test]
fn the_corpus_is_judged_as_it_says() {
    let corpus = include_str!("../../testdata/effective.jsonl");
    let mut count = 0;
    for line in corpus.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap();
        let found = judge(&case);
        let allowed = found.actions();
        for (key, expected) in [("allowed", true), ("denied", false)] {
            for text in texts(&case[key]) {
                let action = Action::find(&text).unwrap_or_else(|| panic!("{name}: {text}"));
                assert_eq!(allowed.contains(action), expected, "{name}: {text}");
            }
        }
        let held = classes(&found);
        if case["classes"].is_array() {
            let held: Vec<String> = held
                .iter()
                .map(|held| format!("{} {}", held.class.code(), scope(held.scope)))
                .collect();
            assert_eq!(held, texts(&case["classes"]), "{name}");
        }
        if let Some(worst) = case["worst"].as_str() {
            assert_eq!(held[0].class.code(), worst, "{name}");
            assert_eq!(
                held[0].conditional,
                case["conditional"].as_bool().unwrap_or(false),
                "{name}"
            );
        }
        for (key, number) in [
            ("unreadable", found.unreadable.len()),
            ("partial", found.partial_denies.len()),
        ] {
            if let Some(expected) = case[key].as_u64() {
                assert_eq!(number as u64, expected, "{name}: {found:?}");
            }
        }
        count += 1;
    }
    assert!(count > 40, "{count}");
}

#[test]
fn caveats_say_the_conditions() {
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {
        "StringEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-2", "a", "b"]},
        "Bool": {"aws:MultiFactorAuthPresent": true}}}}"#;
    let found = of(&[Value::String(text.to_owned())]);
    assert_eq!(
        found.permits[0].caveats,
        [
            r#"StringEquals aws:RequestedRegion "eu-west-1" or "eu-west-2" or "a" or others"#,
            r#"Bool aws:MultiFactorAuthPresent "true""#,
        ]
    );
}

#[test]
fn what_lies_beyond_a_ceiling() {
    let ceiling = Ceiling::new(["ec2:Describe*", "cloudwatch:Get*", "nosuch:Get*"]);
    let allow = |actions: Value| {
        of(&[json!({"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}})])
    };
    assert_eq!(ceiling.beyond(&allow(json!("ec2:DescribeInstances"))), None);
    assert_eq!(
        ceiling.beyond(&allow(json!([
            "EC2:describe*",
            "nosuch:GetThing",
            "nosuch:Get*s"
        ]))),
        None
    );
    let beyond = ceiling
        .beyond(&allow(json!(["ec2:*", "nosuch:*", "nosuch:PutThing"])))
        .unwrap();
    assert_eq!(beyond.unknown, ["nosuch:*", "nosuch:PutThing"]);
    assert!(
        beyond
            .actions
            .contains(Action::find("ec2:RunInstances").unwrap())
    );
    assert!(
        !beyond
            .actions
            .contains(Action::find("ec2:DescribeVpcs").unwrap())
    );
    assert!(
        Ceiling::new([])
            .beyond(&allow(json!("s3:GetObject")))
            .is_some()
    );
}

/// Each way, held exactly: it is found; without any one of its actions it is not.
#[test]
fn every_way_is_found_and_needs_all_its_actions() {
    let ways = trustwarden_permissions::ways();
    let rows = include_str!("../../data/ways.tsv").lines().skip(1);
    assert_eq!(rows.count(), ways.len(), "a row that is damaged");
    assert!(ways.len() >= 200, "{}", ways.len());
    let mut names: Vec<_> = ways.iter().map(|way| way.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ways.len(), "names are unique");
    let held = |actions: &[String]| -> Vec<&str> {
        let found =
            of(&[json!({"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}})]);
        escalations(&found)
            .iter()
            .map(|found| found.way.name)
            .collect()
    };
    for way in ways {
        assert!(way.source.starts_with("https://"), "{}", way.name);
        let actions: Vec<String> = way.actions.iter().map(Action::to_string).collect();
        let passes = actions.iter().any(|action| action == "iam:PassRole");
        assert_eq!(passes, !way.passes_to.is_empty(), "{}", way.name);
        assert!(held(&actions).contains(&way.name), "{}", way.name);
        for left_out in 0..actions.len() {
            let mut rest = actions.clone();
            rest.remove(left_out);
            assert!(
                rest.is_empty() || !held(&rest).contains(&way.name),
                "{}",
                way.name
            );
        }
    }
    assert!(held(&["ec2:Describe*".to_owned(), "s3:GetObject".to_owned()]).is_empty());
}

/// Each way that passes a role takes its own service, and nothing else.
#[test]
fn every_way_that_passes_a_role_needs_its_service() {
    for way in trustwarden_permissions::ways() {
        let held = |service: &str| {
            let actions: Vec<String> = way.actions.iter().map(Action::to_string).collect();
            let (pass, rest): (Vec<_>, Vec<_>) =
                actions.iter().partition(|action| *action == "iam:PassRole");
            let found = of(&[json!({"Statement": [
                {"Effect": "Allow", "Action": rest, "Resource": "*"},
                {"Effect": "Allow", "Action": pass, "Resource": "*",
                 "Condition": {"StringEquals": {"iam:PassedToService": service}}}]})]);
            escalations(&found).iter().any(|found| found.way == way)
        };
        for service in &way.passes_to {
            assert!(held(service), "{} to {service}", way.name);
        }
        assert!(way.passes_to.is_empty() || !held("nosuch.amazonaws.com"));
    }
}

#[test]
fn the_widest_way_comes_first_and_a_needless_one_not_at_all() {
    let found = of(&[
        json!({"Statement": {"Effect": "Allow", "Action": ["ssm:SendCommand", "lambda:UpdateFunctionCode"],
            "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}}),
        json!({"Statement": {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"}}),
        json!({"Statement": {"Effect": "Allow", "Action": ["iam:PassRole", "codebuild:StartBuild"],
            "Resource": "*"}}),
        json!({"Statement": {"Effect": "Allow", "Action": "codebuild:CreateProject", "Resource":
            "arn:aws:codebuild:eu-west-1:111122223333:project/own"}}),
    ]);
    let names: Vec<&str> = escalations(&found)
        .iter()
        .map(|found| found.way.name)
        .collect();
    assert_eq!(
        names,
        [
            "codebuild-override",
            "ssm-session",
            "lambda-code",
            "ssm-send-command",
            "pass-role-codebuild",
        ],
        "one that reaches a new role is no less for one that takes the project's"
    );
}

#[test]
fn an_escalation_says_on_how_much_and_whether_always() {
    let found = of(&[
        json!({"Statement": {"Effect": "Allow", "Action": "iam:PassRole",
            "Resource": "arn:aws:iam::111122223333:role/worker",
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}}),
        json!({"Statement": {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}}),
    ]);
    let [found] = escalations(&found)[..] else {
        panic!()
    };
    assert_eq!(found.way.name, "pass-role-ec2");
    assert_eq!((found.scope, found.conditional), (Scope::Named, true));
}

/// Every read of data exists, is told from metadata, and is of no other class.
#[test]
fn reads_of_data_are_known_actions() {
    let data = trustwarden_permissions::data_reads();
    assert!(data.len() > 80, "{}", data.len());
    for action in data.iter() {
        assert!(
            trustwarden_permissions::data_read(action).is_some(),
            "{action}"
        );
    }
    let mut sum = 0;
    for class in Class::ALL {
        sum += trustwarden_permissions::of_class(class).len();
    }
    assert_eq!(sum, Action::all().len(), "the classes part the actions");
}

/// Made to be slow: it ends, and is not called safe.
#[test]
fn a_policy_made_to_be_slow_is_unreadable() {
    let actions: Vec<String> = ('a'..='z')
        .flat_map(|left| ('a'..='z').map(move |right| format!("*:*{left}*{right}")))
        .cycle()
        .take(2_000)
        .collect();
    let found =
        of(&[json!({"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}})]);
    assert_eq!(found.unreadable.len(), 1);
    let statement = json!({"Effect": "Allow", "Action": "a:b", "Resource": "*"});
    let found = of(&[json!({ "Statement": vec![statement; 3_000] })]);
    assert_eq!(found.unreadable.len(), 1);
}

fn pattern() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "s3:GetObject",
        "s3:*",
        "s3:Get*",
        "*",
        "iam:*",
        "iam:PassRole",
        "ec2:Describe*",
        "*:Get*",
        "nosuch:X",
        "s3:?utObject",
        "é:*",
        "a",
        "",
        "s3:GetObject:x",
    ])
    .prop_map(str::to_owned)
}

fn resource() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::a/*",
        "arn:aws:s3:::a/b",
        "arn:aws:iam::*:role/*",
        "arn:*",
        "x",
        "",
        "arn:aws:s3:::${aws:username}/*",
    ])
    .prop_map(str::to_owned)
}

prop_compose! {
    fn statement()(
        effect in prop::sample::select(vec!["Allow", "Allow", "Deny"]),
        not in any::<bool>(),
        actions in prop::collection::vec(pattern(), 1..4),
        resources in prop::collection::vec(resource(), 1..3),
        condition in any::<bool>(),
    ) -> Value {
        let mut statement = json!({"Effect": effect, "Resource": resources});
        statement[if not { "NotAction" } else { "Action" }] = json!(actions);
        if condition {
            statement["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
        }
        statement
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// More Allow never allows less, more Deny and a boundary never more.
    #[test]
    fn allow_adds_deny_and_boundary_take(
        statements in prop::collection::vec(statement(), 1..5),
        more in statement(),
        boundary in prop::collection::vec(statement(), 1..4),
    ) {
        let before = of(&[json!({"Statement": statements})]).actions();
        let with = of(&[json!({"Statement": statements}), json!({"Statement": more})]).actions();
        if more["Effect"] == "Allow" {
            prop_assert!(before.is_subset(&with));
        } else {
            prop_assert!(with.is_subset(&before));
        }
        let bounded = judge(&json!({"policies": [{"Statement": statements}], "boundary": {"Statement": boundary}}));
        prop_assert!(bounded.actions().is_subset(&before));
        let boundary = of(&[json!({"Statement": boundary})]);
        // One that cannot be read bounds nothing, for all that is known.
        let readable = boundary.unreadable.is_empty();
        prop_assert!(!readable || bounded.actions().is_subset(&boundary.actions()));
    }

    /// Whatever the text, there is an answer.
    #[test]
    fn no_text_ends_the_process(text in "\\PC{0,200}", at in 0..200_usize) {
        let mut hostile = json!({"Statement": {"Effect": "Allow", "Action": [text.clone(), "s3:*"], "Resource": [text.clone()], "Condition": {text.clone(): {text.clone(): text.clone()}}}}).to_string();
        let _ = of(&[Value::String(hostile.clone())]);
        let at = (0..=at.min(hostile.len())).rev().find(|at| hostile.is_char_boundary(*at)).unwrap();
        hostile.truncate(at);
        let found = of(&[Value::String(hostile)]);
        prop_assert_eq!(found.unreadable.len(), 1);
    }
}

#[test]
fn a_role_is_passed_where_its_conditions_let_it_be() {
    let held = |condition: serde_json::Value| {
        let pass = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition});
        let use_it = json!({"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"});
        let found = of(&[json!({"Statement": [pass, use_it]})]);
        escalations(&found)
            .iter()
            .any(|found| found.way.name == "pass-role-ec2")
    };
    let to = |operator: &str, value: serde_json::Value| {
        held(json!({operator: {"iam:passedtoservice": value}}))
    };
    for (operator, value, expected) in [
        ("StringEquals", json!("ec2.amazonaws.com"), true),
        ("StringEquals", json!("glue.amazonaws.com"), false),
        (
            "StringEquals",
            json!(["a", "b", "c", "d", "ec2.amazonaws.com"]),
            true,
        ),
        ("StringEqualsIfExists", json!("lambda.amazonaws.com"), false),
        ("ForAnyValue:StringLike", json!("lambda.*"), false),
        ("StringLike", json!("ec2.*"), true),
        ("StringLike", json!("*"), true),
        ("StringLike", json!("ec2.amazonaws.com.cn"), true),
        ("StringNotEquals", json!("ec2.amazonaws.com"), false),
        ("StringNotLike", json!("*.amazonaws.com"), false),
        ("StringNotEquals", json!("glue.amazonaws.com"), true),
    ] {
        assert_eq!(to(operator, value.clone()), expected, "{operator} {value}");
    }
    assert!(held(json!({})));
    let both = json!({"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "glue.amazonaws.com"]},
        "StringLike": {"iam:PassedToService": "glue.*"}});
    assert!(!held(both), "both conditions must hold");
}

/// A Deny that asks for the service alone decides as a condition of the Allow does.
#[test]
fn a_deny_of_services_says_to_which_a_role_is_passed() {
    let held = |deny: serde_json::Value, way: &str| {
        let allow = json!({"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances",
            "lambda:CreateFunction", "lambda:InvokeFunction"], "Resource": "*"});
        let found = of(&[json!({"Statement": allow}), json!({"Statement": deny})]);
        escalations(&found)
            .iter()
            .any(|found| found.way.name == way)
    };
    let deny = |operator: &str, resource: &str| {
        json!({"Effect": "Deny", "Action": "iam:*", "Resource": resource,
            "Condition": {operator: {"iam:PassedToService": "lambda.amazonaws.com"}}})
    };
    for (operator, resource, ec2, lambda) in [
        ("StringNotEquals", "*", false, true),
        ("StringNotEqualsIfExists", "*", false, true),
        ("StringEquals", "*", true, false),
        ("StringNotEquals", "arn:aws:iam::*:role/admin", true, true),
        ("ForAllValues:StringNotEquals", "*", true, true),
    ] {
        let deny = deny(operator, resource);
        assert_eq!(held(deny.clone(), "pass-role-ec2"), ec2, "{deny}");
        assert_eq!(
            held(deny.clone(), "pass-role-lambda-invoke"),
            lambda,
            "{deny}"
        );
    }
    let with_more = json!({"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*", "Condition":
        {"StringNotEquals": {"iam:PassedToService": "lambda.amazonaws.com"},
         "Bool": {"aws:MultiFactorAuthPresent": "false"}}});
    assert!(held(with_more, "pass-role-ec2"), "it asks for more");
}

/// What rests on a condition that a caller may not meet, or on one that a Deny may ask for, is not
/// certain; what a caller chooses is.
#[test]
fn what_is_certain_rests_on_no_unknown_condition() {
    let certain = |statements: Value| {
        let found = of(&[json!({"Statement": statements})]);
        assert!(!found.actions().is_empty(), "{statements}");
        found
            .certain()
            .actions()
            .contains(Action::find("iam:PassRole").unwrap())
    };
    let allow = |condition: Value| json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition});
    let deny = |condition: Value| {
        let deny =
            json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*", "Condition": condition});
        json!([allow(json!({})), deny])
    };
    for condition in [
        json!({}),
        json!({"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}),
        json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}),
        json!({"Bool": {"aws:SecureTransport": "true"}}),
        json!({"DateLessThan": {"aws:CurrentTime": "2124-01-01T00:00:00Z"}}),
    ] {
        assert!(certain(json!([allow(condition.clone())])), "{condition}");
    }
    for condition in [
        json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
        json!({"StringEquals": {"aws:PrincipalTag/team": "ops"}}),
        json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1", "aws:SourceVpc": "vpc-1"}}),
    ] {
        assert!(!certain(json!([allow(condition.clone())])), "{condition}");
        assert!(!certain(deny(
            json!({"Bool": {"aws:MultiFactorAuthPresent": "false"}})
        )));
    }
    assert!(certain(deny(
        json!({"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}})
    )));
    assert!(certain(deny(
        json!({"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})
    )));
    assert!(certain(json!([allow(json!({})),
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*",
         "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}])));
}
