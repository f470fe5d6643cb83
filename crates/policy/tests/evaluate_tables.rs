//! The evaluator against tables: every operator, with and without qualifier and IfExists, the key
//! present, absent and with several values; callers; keys; variables.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends by panicking"
)]

use std::collections::BTreeMap;

use trustwarden_policy::{
    Decision, EvaluationContext, Request, RequestError, RequestPrincipal, TrustPolicy, evaluate,
};

const ALICE: &str = "arn:aws:iam::464622532012:user/alice";
const SESSION: &str = "arn:aws:sts::464622532012:assumed-role/Reader/job";
const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const OKTA: &str = "arn:aws:iam::111122223333:saml-provider/Okta";

fn request(kind: &str, value: &str, action: &str, context: &[(&str, &[&str])]) -> Request {
    Request {
        principal: RequestPrincipal {
            kind: kind.to_owned(),
            value: value.to_owned(),
        },
        action: action.to_owned(),
        context: context
            .iter()
            .map(|(key, values)| {
                (
                    (*key).to_owned(),
                    values.iter().map(|value| (*value).to_owned()).collect(),
                )
            })
            .collect::<BTreeMap<String, Vec<String>>>(),
    }
}

fn alice(context: &[(&str, &[&str])]) -> Request {
    request("AWS", ALICE, "sts:AssumeRole", context)
}

fn try_decide(statements: &str, request: &Request) -> Result<Decision, RequestError> {
    decide_in("2012-10-17", statements, request)
}

fn decide_in(version: &str, statements: &str, request: &Request) -> Result<Decision, RequestError> {
    let text = format!("{{\"Version\": \"{version}\", \"Statement\": [{statements}]}}");
    let policy = TrustPolicy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let context = EvaluationContext {
        account: Some("111122223333"),
        organization: Some("o-own1234567"),
        now: "2026-11-21T00:00:00Z".parse().unwrap(),
    };
    evaluate(&policy, request, &context)
}

fn allowed(statements: &str, request: &Request) -> bool {
    try_decide(statements, request)
        .unwrap_or_else(|error| panic!("{statements}: {error}"))
        .allowed
}

fn allow(principal: &str, action: &str, condition: &str) -> String {
    format!(
        "{{\"Effect\": \"Allow\", \"Principal\": {principal}, \"Action\": {action}, \
         \"Condition\": {condition}}}"
    )
}

fn everyone_if(condition: &str) -> String {
    allow("{\"AWS\": \"*\"}", "\"sts:AssumeRole\"", condition)
}

/// One comparison: a value of the policy, request values that match it, and such that do not.
struct Row {
    operator: &'static str,
    negated: bool,
    wanted: &'static str,
    matching: &'static [&'static str],
    other: &'static [&'static str],
}

const ROWS: &[Row] = &[
    Row {
        operator: "StringEquals",
        negated: false,
        wanted: "Ab*",
        matching: &["Ab*"],
        other: &["ab*", "Abc", ""],
    },
    Row {
        operator: "StringNotEquals",
        negated: true,
        wanted: "Ab*",
        matching: &["Ab*"],
        other: &["ab*", "Abc", ""],
    },
    Row {
        operator: "StringEqualsIgnoreCase",
        negated: false,
        wanted: "Ab*",
        matching: &["aB*"],
        other: &["Abc"],
    },
    Row {
        operator: "StringNotEqualsIgnoreCase",
        negated: true,
        wanted: "Ab*",
        matching: &["aB*"],
        other: &["Abc"],
    },
    Row {
        operator: "StringLike",
        negated: false,
        wanted: "A?-*",
        matching: &["Ab-", "Ab-x-y"],
        other: &["ab-x", "A-x"],
    },
    Row {
        operator: "StringNotLike",
        negated: true,
        wanted: "A?-*",
        matching: &["Ab-", "Ab-x-y"],
        other: &["ab-x", "A-x"],
    },
    Row {
        operator: "NumericEquals",
        negated: false,
        wanted: "10",
        matching: &["10", "10.0", "1e1"],
        other: &["9", "ten"],
    },
    Row {
        operator: "NumericNotEquals",
        negated: true,
        wanted: "10",
        matching: &["10", "10.0"],
        other: &["9", "ten"],
    },
    Row {
        operator: "NumericLessThan",
        negated: false,
        wanted: "10",
        matching: &["9.5", "-1"],
        other: &["10", "11", "ten"],
    },
    Row {
        operator: "NumericLessThanEquals",
        negated: false,
        wanted: "10",
        matching: &["9.5", "10"],
        other: &["10.1", "ten"],
    },
    Row {
        operator: "NumericGreaterThan",
        negated: false,
        wanted: "10",
        matching: &["10.1"],
        other: &["10", "9", "ten"],
    },
    Row {
        operator: "NumericGreaterThanEquals",
        negated: false,
        wanted: "10",
        matching: &["10", "11"],
        other: &["9.9", "ten"],
    },
    Row {
        operator: "DateEquals",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["1704067200", "2024-01-01"],
        other: &["2024-01-02", "soon"],
    },
    Row {
        operator: "DateNotEquals",
        negated: true,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["1704067200"],
        other: &["2024-01-02", "soon"],
    },
    Row {
        operator: "DateLessThan",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["2023-12-31T23:59:59Z"],
        other: &["2024-01-01", "soon"],
    },
    Row {
        operator: "DateLessThanEquals",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["2024-01-01"],
        other: &["2024-01-01T00:00:01Z"],
    },
    Row {
        operator: "DateGreaterThan",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["2024-01-01T00:00:01Z"],
        other: &["2024-01-01", "soon"],
    },
    Row {
        operator: "DateGreaterThanEquals",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["2024-01-01"],
        other: &["2023-12-31", "soon"],
    },
    Row {
        operator: "Bool",
        negated: false,
        wanted: "true",
        matching: &["true", "TRUE"],
        other: &["false", "1", ""],
    },
    Row {
        operator: "BinaryEquals",
        negated: false,
        wanted: "QmluYXJ5",
        matching: &["QmluYXJ5"],
        other: &["qmluYXJ5"],
    },
    Row {
        operator: "IpAddress",
        negated: false,
        wanted: "203.0.113.0/24",
        matching: &["203.0.113.9"],
        other: &["203.0.114.9", "::1", "here"],
    },
    Row {
        operator: "IpAddress",
        negated: false,
        wanted: "2001:db8::/32",
        matching: &["2001:db8::9"],
        other: &["2001:db9::9", "203.0.113.9"],
    },
    Row {
        operator: "NotIpAddress",
        negated: true,
        wanted: "203.0.113.0/24",
        matching: &["203.0.113.9"],
        other: &["203.0.114.9", "here"],
    },
    Row {
        operator: "ArnEquals",
        negated: false,
        wanted: "arn:aws:s3:::b-*",
        matching: &["arn:aws:s3:::b-1"],
        other: &["arn:aws:s3:::c-1", "b-1"],
    },
    Row {
        operator: "ArnLike",
        negated: false,
        wanted: "arn:aws:s3:::b-*",
        matching: &["arn:aws:s3:::b-1"],
        other: &["arn:aws:s3::1:b-1"],
    },
    Row {
        operator: "ArnNotEquals",
        negated: true,
        wanted: "arn:aws:s3:::b-*",
        matching: &["arn:aws:s3:::b-1"],
        other: &["arn:aws:s3:::c-1", "b-1"],
    },
    Row {
        operator: "ArnNotLike",
        negated: true,
        wanted: "arn:aws:s3:::b-*",
        matching: &["arn:aws:s3:::b-1"],
        other: &["arn:aws:s3::1:b-1"],
    },
];

/// The key that the rows test: one of a service that this crate knows nothing of, so that any
/// value may stand there.
fn holds(operator: &str, wanted: &str, values: &[&str]) -> bool {
    let condition = format!("{{\"{operator}\": {{\"acme:Key\": {wanted}}}}}");
    let with: &[(&str, &[&str])] = &[("acme:key", values)];
    let with = if values.is_empty() { &[] } else { with };
    allowed(&everyone_if(&condition), &alice(with))
}

#[test]
fn every_operator_and_qualifier() {
    for Row {
        operator,
        negated,
        wanted,
        matching,
        other,
    } in ROWS
    {
        let one = format!("\"{wanted}\"");
        let several = format!("[\"no such\", \"{wanted}\"]");
        for wanted in [&one, &several] {
            for (values, matches) in [(matching, true), (other, false)] {
                for value in *values {
                    let expected = matches != *negated;
                    let case = format!("{operator} {wanted} {value}");
                    assert_eq!(holds(operator, wanted, &[value]), expected, "{case}");
                    let if_exists = format!("{operator}IfExists");
                    assert_eq!(
                        holds(&if_exists, wanted, &[value]),
                        expected,
                        "{case} IfExists"
                    );
                    for qualifier in ["ForAnyValue", "ForAllValues"] {
                        let qualified = format!("{qualifier}:{operator}");
                        assert_eq!(
                            holds(&qualified, wanted, &[value]),
                            expected,
                            "{case} {qualifier}"
                        );
                    }
                }
            }
        }
        // Several values, one of which matches: any for the positive, none for the negated.
        let (yes, no) = (matching.first().unwrap(), other.first().unwrap());
        let mixed = [*yes, *no];
        for (qualified, expected) in [
            (format!("ForAnyValue:{operator}"), true),
            (format!("ForAnyValue:{operator}IfExists"), true),
            (format!("ForAllValues:{operator}"), false),
            (format!("ForAllValues:{operator}IfExists"), false),
            ((*operator).to_owned(), !negated),
        ] {
            assert_eq!(
                holds(&qualified, &one, &mixed),
                expected,
                "{qualified} mixed"
            );
        }
        // The key is missing.
        for (qualified, expected) in [
            ((*operator).to_owned(), *negated),
            (format!("{operator}IfExists"), true),
            (format!("ForAnyValue:{operator}"), false),
            (format!("ForAnyValue:{operator}IfExists"), true),
            (format!("ForAllValues:{operator}"), true),
            (format!("ForAllValues:{operator}IfExists"), true),
        ] {
            assert_eq!(
                holds(&qualified, &one, &[]),
                expected,
                "{qualified} missing"
            );
        }
        // An empty list matches no value.
        assert_eq!(holds(operator, "[]", &[yes]), *negated, "{operator} []");
        assert_eq!(
            holds(&format!("ForAllValues:{operator}"), "[]", &[yes]),
            *negated
        );
        assert!(holds(&format!("ForAllValues:{operator}"), "[]", &[]));
    }
}

#[test]
fn a_year_alone_and_a_bad_value_in_the_policy() {
    assert!(holds("DateGreaterThan", "\"2023\"", &["2024-01-01"]));
    assert!(holds("DateLessThan", "1704067201", &["2024-01-01"]));
    assert!(!holds("NumericLessThan", "\"ten\"", &["1"]));
    assert!(holds("NumericNotEquals", "\"ten\"", &["1"]));
    assert!(!holds("IpAddress", "\"203.0.113.0/99\"", &["203.0.113.0"]));
    assert!(holds(
        "NotIpAddress",
        "\"203.0.113.0/99\"",
        &["203.0.113.0"]
    ));
    assert!(!holds("Bool", "\"yes\"", &["true"]));
}

#[test]
fn null_asks_for_presence() {
    for (wanted, present, absent) in [
        ("\"true\"", false, true),
        ("\"false\"", true, false),
        ("true", false, true),
        ("\"FALSE\"", true, false),
        ("[\"true\", \"false\"]", true, true),
        ("\"maybe\"", false, false),
        ("[]", false, false),
    ] {
        assert_eq!(holds("Null", wanted, &["x"]), present, "{wanted} present");
        assert_eq!(
            holds("Null", wanted, &[""]),
            present,
            "{wanted} present and empty"
        );
        assert_eq!(holds("Null", wanted, &[]), absent, "{wanted} absent");
    }
}

#[test]
fn conditions_are_anded_and_values_ored() {
    let both = everyone_if(
        "{\"StringEquals\": {\"a:k\": [\"1\", \"2\"], \"a:l\": \"x\"}, \"StringNotEquals\": {\"a:k\": \"2\"}}",
    );
    assert!(allowed(&both, &alice(&[("a:k", &["1"]), ("a:l", &["x"])])));
    assert!(!allowed(&both, &alice(&[("a:k", &["2"]), ("a:l", &["x"])])));
    assert!(!allowed(&both, &alice(&[("a:k", &["1"]), ("a:l", &["y"])])));
    assert!(!allowed(&both, &alice(&[("a:k", &["1"])])));
}

#[test]
fn a_condition_without_meaning_is_false() {
    for condition in [
        "{\"StringEqual\": {\"a:k\": \"1\"}}",
        "{\"NullIfExists\": {\"a:k\": \"true\"}}",
        "{\"StringEquals\": {\"a:k\": null}}",
        "null",
    ] {
        assert!(
            !allowed(&everyone_if(condition), &alice(&[("a:k", &["1"])])),
            "{condition}"
        );
    }
    // A Deny with one keeps nobody out.
    let statements = format!(
        "{}, {}",
        everyone_if("{}"),
        everyone_if("{\"StringEqual\": {\"a:k\": \"1\"}}").replace("Allow", "Deny")
    );
    assert!(allowed(&statements, &alice(&[])));
}

#[test]
fn principals_name_callers() {
    let role = "arn:aws:iam::464622532012:role/Reader";
    let in_path = "arn:aws:iam::464622532012:role/team/Reader";
    let bob = "arn:aws:sts::464622532012:federated-user/bob";
    let root = "arn:aws:iam::464622532012:root";
    for (principal, caller, named) in [
        ("464622532012", ALICE, true),
        ("464622532012", SESSION, true),
        ("464622532012", bob, true),
        ("464622532012", root, true),
        ("464622532012", "464622532012", true),
        (
            "464622532012",
            "arn:aws:iam::222233334444:user/alice",
            false,
        ),
        (root, ALICE, true),
        (root, SESSION, true),
        (root, "arn:aws-cn:iam::464622532012:user/alice", false),
        ("arn:aws-cn:iam::464622532012:root", ALICE, false),
        (
            "464622532012",
            "arn:aws-cn:iam::464622532012:user/alice",
            true,
        ),
        (ALICE, ALICE, true),
        (ALICE, "arn:aws:iam::464622532012:user/team/alice", false),
        (ALICE, "arn:aws:iam::464622532012:user/Alice", false),
        (ALICE, root, false),
        ("arn:aws:iam::464622532012:user/root", root, false),
        (role, SESSION, true),
        (role, role, true),
        (in_path, SESSION, false),
        (SESSION, SESSION, true),
        (SESSION, role, false),
        (
            SESSION,
            "arn:aws:sts::464622532012:assumed-role/Reader/other",
            false,
        ),
        (
            role,
            "arn:aws:sts::464622532012:assumed-role/Writer/job",
            false,
        ),
        (bob, bob, true),
        (bob, "arn:aws:sts::464622532012:federated-user/eve", false),
        ("*", ALICE, true),
        ("arn:aws:iam::464622532012:user/*", ALICE, false),
        ("arn:aws:iam::*:root", ALICE, false),
        ("46462253201", ALICE, false),
    ] {
        let statement = allow(
            &format!("{{\"AWS\": \"{principal}\"}}"),
            "\"sts:AssumeRole\"",
            "{}",
        );
        let request = request("AWS", caller, "sts:AssumeRole", &[]);
        assert_eq!(allowed(&statement, &request), named, "{principal} {caller}");
        // The same by Deny, where everyone is let in first.
        let deny = format!(
            "{}, {}",
            everyone_if("{}"),
            statement.replace("Allow", "Deny")
        );
        assert_eq!(
            allowed(&deny, &request),
            !named,
            "deny {principal} {caller}"
        );
        // And by NotPrincipal.
        let not = statement.replace("\"Principal\"", "\"NotPrincipal\"");
        assert_eq!(allowed(&not, &request), !named, "not {principal} {caller}");
        let deny = format!("{}, {}", everyone_if("{}"), not.replace("Allow", "Deny"));
        assert_eq!(
            allowed(&deny, &request),
            named,
            "deny not {principal} {caller}"
        );
    }
}

#[test]
fn a_role_in_a_path_is_told_by_its_principal_arn() {
    let in_path = "arn:aws:iam::464622532012:role/team/Reader";
    let statement = allow(
        &format!("{{\"AWS\": \"{in_path}\"}}"),
        "\"sts:AssumeRole\"",
        "{}",
    );
    let told = request(
        "AWS",
        SESSION,
        "sts:AssumeRole",
        &[("aws:PrincipalArn", &[in_path])],
    );
    assert!(allowed(&statement, &told));
    let by_role = request("AWS", in_path, "sts:AssumeRole", &[]);
    assert!(allowed(&statement, &by_role));
}

#[test]
fn unique_ids_under_principal_are_deleted_principals() {
    let id = "AROA2E3F4G5H6I7J8K9LM";
    let by_id = allow(
        &format!("{{\"AWS\": \"{id}\"}}"),
        "\"sts:AssumeRole\"",
        "{}",
    );
    let told = format!("{id}:job");
    let session = request(
        "AWS",
        SESSION,
        "sts:AssumeRole",
        &[("aws:userid", &[&told])],
    );
    assert!(!allowed(&by_id, &session));
    assert!(!allowed(&by_id, &request("AWS", id, "sts:AssumeRole", &[])));
    let denied = format!("{}, {}", everyone_if("{}"), by_id.replace("Allow", "Deny"));
    assert!(allowed(&denied, &session));
    // In a condition the id is a living principal's.
    let by_key = everyone_if(&format!(
        "{{\"StringLike\": {{\"aws:userid\": \"{id}:*\"}}}}"
    ));
    assert!(allowed(&by_key, &session));
    assert!(!allowed(
        &by_key,
        &alice(&[("aws:userid", &["AIDA2E3F4G5H6I7J8K9LM"])])
    ));
}

#[test]
fn a_caller_may_be_known_by_his_unique_id_alone() {
    let by_key = everyone_if("{\"StringEquals\": {\"aws:userid\": \"AIDA2E3F4G5H6I7J8K9LM\"}}");
    assert!(allowed(
        &by_key,
        &request("AWS", "AIDA2E3F4G5H6I7J8K9LM", "sts:AssumeRole", &[])
    ));
    let told = request(
        "AWS",
        "AIDA2E3F4G5H6I7J8K9LM",
        "sts:AssumeRole",
        &[("aws:PrincipalArn", &[ALICE])],
    );
    let account = allow("{\"AWS\": \"464622532012\"}", "\"sts:AssumeRole\"", "{}");
    assert!(allowed(&account, &told));
    assert!(!allowed(
        &account,
        &request("AWS", "AIDA2E3F4G5H6I7J8K9LM", "sts:AssumeRole", &[])
    ));
}

#[test]
fn the_action_must_fit_the_caller() {
    let claims: &[(&str, &[&str])] = &[
        (
            "token.actions.githubusercontent.com:sub",
            &["repo:acme/app:ref:refs/heads/main"],
        ),
        (
            "token.actions.githubusercontent.com:aud",
            &["sts.amazonaws.com"],
        ),
    ];
    let all = "[\"sts:AssumeRole\", \"sts:AssumeRoleWithSAML\", \"sts:AssumeRoleWithWebIdentity\", \"sts:TagSession\"]";
    let statement = allow(
        &format!(
            "{{\"AWS\": \"*\", \"Service\": \"ec2.amazonaws.com\", \"Federated\": [\"{GITHUB}\", \"{OKTA}\"]}}"
        ),
        all,
        "{}",
    );
    for (kind, value, action, fits) in [
        ("AWS", ALICE, "sts:AssumeRole", true),
        ("AWS", ALICE, "STS:assumerole", true),
        ("AWS", ALICE, "sts:AssumeRoleWithSAML", false),
        ("AWS", ALICE, "sts:AssumeRoleWithWebIdentity", false),
        ("AWS", ALICE, "sts:TagSession", false),
        ("Service", "ec2.amazonaws.com", "sts:AssumeRole", true),
        ("Service", "lambda.amazonaws.com", "sts:AssumeRole", false),
        (
            "Service",
            "ec2.amazonaws.com",
            "sts:AssumeRoleWithSAML",
            false,
        ),
        ("Federated", GITHUB, "sts:AssumeRoleWithWebIdentity", true),
        ("Federated", GITHUB, "sts:AssumeRole", false),
        ("Federated", GITHUB, "sts:AssumeRoleWithSAML", false),
        ("Federated", OKTA, "sts:AssumeRoleWithSAML", true),
        ("Federated", OKTA, "sts:AssumeRoleWithWebIdentity", false),
        ("Federated", OKTA, "sts:AssumeRole", false),
    ] {
        assert_eq!(
            allowed(&statement, &request(kind, value, action, claims)),
            fits,
            "{kind} {value} {action}"
        );
    }
}

#[test]
fn actions_are_patterns_without_case() {
    for (action, named) in [
        ("sts:AssumeRole", true),
        ("STS:ASSUMEROLE", true),
        ("sts:AssumeRol?", true),
        ("sts:*", true),
        ("*", true),
        ("sts:AssumeRoleWith*", false),
        ("sts:TagSession", false),
        ("s3:*", false),
    ] {
        let statement = everyone_if("{}").replace("sts:AssumeRole", action);
        assert_eq!(allowed(&statement, &alice(&[])), named, "{action}");
        let not = statement.replace("\"Action\"", "\"NotAction\"");
        assert_eq!(allowed(&not, &alice(&[])), !named, "not {action}");
    }
}

#[test]
fn everyone_is_more_in_a_deny_than_in_an_allow() {
    let service = request("Service", "ec2.amazonaws.com", "sts:AssumeRole", &[]);
    let saml = request("Federated", OKTA, "sts:AssumeRoleWithSAML", &[]);
    let any = allow("{\"AWS\": \"*\"}", "\"sts:*\"", "{}");
    assert!(!allowed(&any, &service));
    assert!(!allowed(&any, &saml));
    let named = allow(
        &format!("{{\"Service\": \"ec2.amazonaws.com\", \"Federated\": \"{OKTA}\"}}"),
        "\"sts:*\"",
        "{}",
    );
    assert!(allowed(&named, &service));
    assert!(allowed(&named, &saml));
    for everyone in ["{\"AWS\": \"*\"}", "\"*\""] {
        let denied = format!(
            "{named}, {}",
            allow(everyone, "\"sts:*\"", "{}").replace("Allow", "Deny")
        );
        assert!(!allowed(&denied, &service), "{everyone}");
        assert!(!allowed(&denied, &saml), "{everyone}");
    }
}

#[test]
fn the_statement_that_decided_is_named() {
    let statements = format!(
        "{}, {}, {}",
        allow("{\"AWS\": \"222233334444\"}", "\"sts:AssumeRole\"", "{}"),
        everyone_if("{\"StringEquals\": {\"sts:ExternalId\": \"abc\"}}"),
        everyone_if("{\"StringEquals\": {\"a:k\": \"1\"}}")
            .replace("\"Allow\"", "\"Deny\", \"Sid\": \"NoK\"")
    );
    let decide = |context: &[(&str, &[&str])]| try_decide(&statements, &alice(context)).unwrap();
    let yes = decide(&[("sts:ExternalId", &["abc"])]);
    assert_eq!((yes.allowed, yes.statement), (true, Some(1)));
    assert!(
        yes.why
            .contains("statement 1 allows sts:AssumeRole to arn:aws:iam::4646"),
        "{}",
        yes.why
    );
    let no = decide(&[("sts:ExternalId", &["abc"]), ("a:k", &["1"])]);
    assert_eq!((no.allowed, no.statement), (false, Some(2)));
    assert!(no.why.contains("statement 2 (NoK) denies"), "{}", no.why);
    let nameless = statements.replace("NoK", "");
    let no = try_decide(&nameless, &alice(&[("a:k", &["1"])])).unwrap();
    assert!(no.why.contains("statement 2 denies"), "{}", no.why);
    let none = decide(&[]);
    assert_eq!((none.allowed, none.statement), (false, None));
    assert!(none.why.contains("no statement allows"), "{}", none.why);
}

#[test]
fn riders_need_their_own_permission() {
    let entry = everyone_if("{}");
    let with_tags = entry.replace(
        "\"sts:AssumeRole\"",
        "[\"sts:AssumeRole\", \"sts:TagSession\"]",
    );
    let with_both = entry.replace(
        "\"sts:AssumeRole\"",
        "[\"sts:AssumeRole\", \"sts:TagSession\", \"sts:SetSourceIdentity\"]",
    );
    for key in [
        "aws:RequestTag/team",
        "aws:TagKeys",
        "sts:TransitiveTagKeys",
    ] {
        let tagged = alice(&[(key, &["x"])]);
        assert!(!allowed(&entry, &tagged), "{key}");
        assert!(allowed(&with_tags, &tagged), "{key}");
    }
    let identified = alice(&[("sts:SourceIdentity", &["alice"])]);
    assert!(!allowed(&with_tags, &identified));
    assert!(allowed(&with_both, &identified));
    let denied = format!(
        "{with_both}, {}",
        entry
            .replace("AssumeRole", "TagSession")
            .replace("Allow", "Deny")
    );
    let decision = try_decide(&denied, &alice(&[("aws:TagKeys", &["x", "y"])])).unwrap();
    assert_eq!((decision.allowed, decision.statement), (false, Some(1)));
    assert!(
        decision.why.contains("also needs sts:TagSession"),
        "{}",
        decision.why
    );
    assert!(allowed(&denied, &alice(&[])));
}

#[test]
fn keys_follow_from_the_caller() {
    let root = "arn:aws:iam::464622532012:root";
    let bob = "arn:aws:sts::464622532012:federated-user/bob";
    let own = "arn:aws:iam::111122223333:user/carol";
    for (caller, key, value) in [
        (ALICE, "aws:PrincipalArn", ALICE),
        (ALICE, "aws:PrincipalAccount", "464622532012"),
        (ALICE, "aws:PrincipalType", "User"),
        (ALICE, "aws:username", "alice"),
        (ALICE, "aws:PrincipalIsAWSService", "false"),
        (
            SESSION,
            "aws:PrincipalArn",
            "arn:aws:iam::464622532012:role/Reader",
        ),
        (SESSION, "aws:PrincipalType", "AssumedRole"),
        (SESSION, "aws:MultiFactorAuthPresent", "false"),
        (root, "aws:PrincipalType", "Account"),
        (root, "aws:userid", "464622532012"),
        (bob, "aws:PrincipalArn", bob),
        (bob, "aws:PrincipalType", "FederatedUser"),
        (bob, "aws:userid", "464622532012:bob"),
        (own, "aws:PrincipalOrgID", "o-own1234567"),
        (ALICE, "aws:ResourceAccount", "111122223333"),
        (ALICE, "aws:ResourceOrgID", "o-own1234567"),
        (ALICE, "aws:CurrentTime", "2026-11-21T00:00:00Z"),
        (ALICE, "aws:EpochTime", "1795219200"),
    ] {
        let statement = everyone_if(&format!("{{\"StringEquals\": {{\"{key}\": \"{value}\"}}}}"));
        let plain = request("AWS", caller, "sts:AssumeRole", &[]);
        assert!(allowed(&statement, &plain), "{caller} {key}");
        let same = request("AWS", caller, "sts:AssumeRole", &[(key, &[value])]);
        assert!(allowed(&statement, &same), "{caller} {key} given");
        if [
            "aws:MultiFactorAuthPresent",
            "aws:CurrentTime",
            "aws:EpochTime",
        ]
        .contains(&key)
        {
            continue;
        }
        let other = request("AWS", caller, "sts:AssumeRole", &[(key, &["other"])]);
        assert!(
            matches!(
                try_decide(&statement, &other),
                Err(RequestError::Conflict { .. })
            ),
            "{caller} {key}"
        );
    }
    for (caller, key) in [
        (ALICE, "aws:PrincipalOrgID"),
        (ALICE, "aws:MultiFactorAuthPresent"),
        (SESSION, "aws:username"),
        (ALICE, "aws:SourceAccount"),
    ] {
        let statement = everyone_if(&format!("{{\"Null\": {{\"{key}\": \"true\"}}}}"));
        assert!(
            allowed(&statement, &request("AWS", caller, "sts:AssumeRole", &[])),
            "{key}"
        );
    }
}

#[test]
fn a_request_may_tell_its_moment() {
    let until = everyone_if("{\"DateLessThan\": {\"aws:CurrentTime\": \"2026-01-01T00:00:00Z\"}}");
    assert!(
        !allowed(&until, &alice(&[])),
        "the clock's, where it tells none"
    );
    assert!(allowed(
        &until,
        &alice(&[("aws:CurrentTime", &["2025-06-01T00:00:00Z"])])
    ));
    assert!(
        allowed(&until, &alice(&[("aws:EpochTime", &["1700000000"])])),
        "the other face follows"
    );
    let epoch = everyone_if("{\"NumericLessThan\": {\"aws:EpochTime\": \"1767225600\"}}");
    assert!(allowed(
        &epoch,
        &alice(&[("aws:CurrentTime", &["2025-06-01T00:00:00Z"])])
    ));
    assert!(!allowed(&epoch, &alice(&[])));
}

#[test]
fn contradictions_are_errors() {
    let any = everyone_if("{}");
    for (caller, key, value) in [
        (
            SESSION,
            "aws:PrincipalArn",
            "arn:aws:iam::464622532012:role/Writer",
        ),
        (SESSION, "aws:userid", "AROA2E3F4G5H6I7J8K9LM:other"),
        (ALICE, "aws:userid", "AIDA2E3F4G5H6I7J8K9LM:x"),
        (
            "AROA2E3F4G5H6I7J8K9LM",
            "aws:userid",
            "AROA2E3F4G5H6I7J8K9LX:x",
        ),
        (
            "arn:aws:iam::464622532012:role/Reader",
            "aws:userid",
            "AROA2E3F4G5H6I7J8K9LM",
        ),
    ] {
        let request = request("AWS", caller, "sts:AssumeRole", &[(key, &[value])]);
        assert!(
            matches!(
                try_decide(&any, &request),
                Err(RequestError::Conflict { .. })
            ),
            "{caller} {key}"
        );
    }
    let two = alice(&[
        ("aws:PrincipalOrgID", &["o-a"]),
        ("aws:PrincipalOrgPaths", &["o-b/r-1/"]),
    ]);
    assert!(matches!(
        try_decide(&any, &two),
        Err(RequestError::Conflict { .. })
    ));
    let twice = alice(&[
        ("aws:SourceIp", &["1.2.3.4"]),
        ("AWS:sourceip", &["1.2.3.5"]),
    ]);
    assert!(matches!(
        try_decide(&any, &twice),
        Err(RequestError::Conflict { .. })
    ));
    let several = alice(&[("sts:ExternalId", &["ab", "cd"])]);
    assert!(matches!(
        try_decide(&any, &several),
        Err(RequestError::SeveralValues { count: 2, .. })
    ));
    for (kind, value) in [
        ("User", ALICE),
        ("AWS", "alice"),
        ("AWS", "*"),
        ("AWS", "arn:aws:iam::464622532012:role/*"),
        ("AWS", "arn:aws:iam::464622532012:user/"),
        ("AWS", "arn:aws:s3:::bucket"),
        ("Service", "ec2"),
        ("Federated", "github"),
    ] {
        let request = request(kind, value, "sts:AssumeRole", &[]);
        assert!(try_decide(&any, &request).is_err(), "{kind} {value}");
    }
}

#[test]
fn organizations_are_known_by_id_and_path() {
    let by_id = everyone_if("{\"StringEquals\": {\"aws:PrincipalOrgID\": \"o-vendor99999\"}}");
    assert!(!allowed(&by_id, &alice(&[])));
    assert!(allowed(
        &by_id,
        &alice(&[("aws:PrincipalOrgID", &["o-vendor99999"])])
    ));
    assert!(allowed(
        &by_id,
        &alice(&[("aws:PrincipalOrgPaths", &["o-vendor99999/r-1/ou-1/"])])
    ));
    let by_path = everyone_if(
        "{\"ForAnyValue:StringLike\": {\"aws:PrincipalOrgPaths\": \"o-own1234567/r-1/ou-2/*\"}}",
    );
    let own = |path: &str| {
        request(
            "AWS",
            "arn:aws:iam::111122223333:user/carol",
            "sts:AssumeRole",
            &[("aws:PrincipalOrgPaths", &[path])],
        )
    };
    assert!(allowed(&by_path, &own("o-own1234567/r-1/ou-2/ou-3/")));
    assert!(!allowed(&by_path, &own("o-own1234567/r-1/ou-1/")));
}

#[test]
fn services_act_on_behalf_of_accounts() {
    let statement = allow(
        "{\"Service\": \"events.amazonaws.com\"}",
        "\"sts:AssumeRole\"",
        "{\"StringEquals\": {\"aws:SourceAccount\": \"111122223333\"}, \"ArnLike\": {\"aws:SourceArn\": \"arn:aws:events:*:111122223333:rule/*\"}}",
    );
    let service = |context: &[(&str, &[&str])]| {
        request("Service", "events.amazonaws.com", "sts:AssumeRole", context)
    };
    let own = "arn:aws:events:us-east-1:111122223333:rule/x";
    assert!(
        allowed(&statement, &service(&[("aws:SourceArn", &[own])])),
        "the account follows"
    );
    assert!(!allowed(&statement, &service(&[])));
    let conflict = service(&[
        ("aws:SourceArn", &[own]),
        ("aws:SourceAccount", &["222233334444"]),
    ]);
    assert!(matches!(
        try_decide(&statement, &conflict),
        Err(RequestError::Conflict { .. })
    ));
    // A principal of an account carries neither, whatever he says.
    let anyone = everyone_if("{\"StringEquals\": {\"aws:SourceAccount\": \"111122223333\"}}");
    assert!(!allowed(
        &anyone,
        &alice(&[("aws:SourceAccount", &["111122223333"])])
    ));
    // And a service carries no account of its own.
    let outside = format!(
        "{}, {}",
        allow("{\"Service\": \"events.amazonaws.com\"}", "\"sts:AssumeRole\"", "{}"),
        allow("\"*\"", "\"sts:AssumeRole\"", "{\"StringNotEquals\": {\"aws:PrincipalOrgID\": \"o-own1234567\"}, \"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\"}}").replace("Allow", "Deny")
    );
    assert!(allowed(&outside, &service(&[])), "services are exempt");
    for (key, value) in [
        ("aws:PrincipalServiceName", "events.amazonaws.com"),
        ("aws:PrincipalIsAWSService", "true"),
    ] {
        let statement = allow(
            "{\"Service\": \"events.amazonaws.com\"}",
            "\"sts:AssumeRole\"",
            &format!("{{\"StringEquals\": {{\"{key}\": \"{value}\"}}}}"),
        );
        assert!(allowed(&statement, &service(&[])), "{key}");
    }
}

#[test]
fn web_identities_carry_the_claims_that_aws_knows() {
    let github = |context: &[(&str, &[&str])]| {
        let mut all: Vec<(&str, &[&str])> = vec![
            (
                "token.actions.githubusercontent.com:sub",
                &["repo:acme/app:ref:refs/heads/main"],
            ),
            (
                "token.actions.githubusercontent.com:aud",
                &["sts.amazonaws.com"],
            ),
        ];
        all.extend_from_slice(context);
        request("Federated", GITHUB, "sts:AssumeRoleWithWebIdentity", &all)
    };
    let by = |condition: &str| {
        allow(
            &format!("{{\"Federated\": \"{GITHUB}\"}}"),
            "\"sts:AssumeRoleWithWebIdentity\"",
            condition,
        )
    };
    let key = |claim: &str| format!("token.actions.githubusercontent.com:{claim}");
    let acme = by(&format!(
        "{{\"StringLike\": {{\"{}\": \"repo:acme/*\"}}}}",
        key("sub")
    ));
    assert!(allowed(&acme, &github(&[])));
    // A claim that AWS does not know is not there, even if the token has it.
    let owner = by(&format!(
        "{{\"StringEquals\": {{\"{}\": \"acme\"}}}}",
        key("repository_owner")
    ));
    assert!(!allowed(
        &owner,
        &github(&[(&key("repository_owner"), &["acme"])])
    ));
    let if_exists = owner.replace("StringEquals", "StringEqualsIfExists");
    assert!(allowed(
        &if_exists,
        &github(&[(&key("repository_owner"), &["evil"])])
    ));
    let id = by(&format!(
        "{{\"StringEquals\": {{\"{}\": \"42\"}}}}",
        key("repository_id")
    ));
    assert!(allowed(&id, &github(&[(&key("repository_id"), &["42"])])));
    // Nor is another provider's.
    let foreign = by("{\"StringEquals\": {\"gitlab.com:sub\": \"x\"}}");
    assert!(!allowed(&foreign, &github(&[("gitlab.com:sub", &["x"])])));
    // Nor an external id, nor what only principals of accounts carry.
    for key in [
        "sts:ExternalId",
        "aws:PrincipalArn",
        "aws:userid",
        "aws:PrincipalTag/team",
        "saml:aud",
    ] {
        let absent = by(&format!("{{\"Null\": {{\"{key}\": \"true\"}}}}"));
        assert!(allowed(&absent, &github(&[(key, &["abc"])])), "{key}");
    }
    // A token has a subject: a request that hides it does not get in by its absence.
    let hidden = request("Federated", GITHUB, "sts:AssumeRoleWithWebIdentity", &[]);
    let for_all = acme.replace("StringLike", "ForAllValues:StringLike");
    assert!(!allowed(&for_all, &hidden));
    assert!(allowed(&by("{}"), &hidden));
    // Other providers: any claim.
    let google = allow(
        "{\"Federated\": \"accounts.google.com\"}",
        "\"sts:AssumeRoleWithWebIdentity\"",
        "{\"StringEquals\": {\"accounts.google.com:oaud\": \"app\"}}",
    );
    assert!(allowed(
        &google,
        &request(
            "Federated",
            "accounts.google.com",
            "sts:AssumeRoleWithWebIdentity",
            &[("accounts.google.com:oaud", &["app"])]
        )
    ));
    let eks = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/EX";
    let statement = allow(
        &format!("{{\"Federated\": \"{eks}\"}}"),
        "\"sts:AssumeRoleWithWebIdentity\"",
        "{\"StringEquals\": {\"oidc.eks.us-east-1.amazonaws.com/id/EX:sub\": \"system:serviceaccount:a:b\"}}",
    );
    let pod = request(
        "Federated",
        eks,
        "sts:AssumeRoleWithWebIdentity",
        &[(
            "oidc.eks.us-east-1.amazonaws.com/id/EX:sub",
            &["system:serviceaccount:a:b"],
        )],
    );
    assert!(allowed(&statement, &pod));
}

#[test]
fn saml_carries_its_own_keys() {
    let statement = allow(
        &format!("{{\"Federated\": \"{OKTA}\"}}"),
        "\"sts:AssumeRoleWithSAML\"",
        "{\"StringEquals\": {\"SAML:aud\": \"https://signin.aws.amazon.com/saml\"}}",
    );
    let saml = |aud: &str| {
        request(
            "Federated",
            OKTA,
            "sts:AssumeRoleWithSAML",
            &[("saml:aud", &[aud])],
        )
    };
    assert!(allowed(
        &statement,
        &saml("https://signin.aws.amazon.com/saml")
    ));
    assert!(!allowed(&statement, &saml("https://example.com")));
}

#[test]
fn sts_refuses_what_its_api_forbids() {
    let any = everyone_if("{}").replace("\"sts:AssumeRole\"", "\"sts:*\"");
    let long = "x".repeat(1225);
    for (key, value, fits) in [
        ("sts:ExternalId", "ab", true),
        ("sts:ExternalId", "a", false),
        ("sts:ExternalId", "", false),
        ("sts:ExternalId", "Az09+=,.@:/\\-_", false),
        ("sts:ExternalId", "Az09+=,.@:/-_", true),
        ("sts:ExternalId", "a b", false),
        ("sts:ExternalId", long.get(..1224).unwrap(), true),
        ("sts:ExternalId", &long, false),
        ("sts:RoleSessionName", "job", true),
        ("sts:RoleSessionName", "j", false),
        ("sts:RoleSessionName", "a/b", false),
        ("sts:SourceIdentity", "alice@example.com", true),
        ("sts:SourceIdentity", "a", false),
    ] {
        let decision = try_decide(&any, &alice(&[(key, &[value])])).unwrap();
        assert_eq!(decision.allowed, fits, "{key} {value}: {}", decision.why);
    }
    // Durations belong to other operations.
    let duration = everyone_if("{\"Null\": {\"sts:DurationSeconds\": \"true\"}}");
    assert!(allowed(
        &duration,
        &alice(&[("sts:DurationSeconds", &["900"])])
    ));
}

#[test]
fn variables_stand_for_keys_in_the_newer_version() {
    let by_name = everyone_if("{\"StringEquals\": {\"sts:RoleSessionName\": \"${aws:username}\"}}");
    let named = |name: &str| alice(&[("sts:RoleSessionName", &[name])]);
    assert!(allowed(&by_name, &named("alice")));
    assert!(!allowed(&by_name, &named("mallory")));
    let old = |request: &Request| decide_in("2008-10-17", &by_name, request).unwrap().allowed;
    assert!(!old(&named("alice")), "literal text in the older version");
    let literal = everyone_if("{\"StringEquals\": {\"a:k\": \"${aws:username}\"}}");
    let text = alice(&[("a:k", &["${aws:username}"])]);
    assert!(decide_in("2008-10-17", &literal, &text).unwrap().allowed);
    assert!(!decide_in("2012-10-17", &literal, &text).unwrap().allowed);

    for (wanted, value, matches) in [
        ("${aws:PrincipalTag/team, 'none'}", "none", true),
        ("${aws:PrincipalTag/team,'none'}", "none", true),
        ("${aws:PrincipalTag/team}", "none", false),
        ("${aws:PrincipalTag/team, none}", "none", false),
        ("${AWS:UserName}", "alice", true),
        (
            "x-${aws:username}-${aws:PrincipalAccount}",
            "x-alice-464622532012",
            true,
        ),
        ("${$}{aws:username}", "${aws:username}", true),
        ("${*}", "*", true),
        ("${aws:username", "${aws:username", true),
        ("${aws:TagKeys}", "x", false),
    ] {
        let statement = everyone_if(&format!("{{\"StringEquals\": {{\"a:k\": \"{wanted}\"}}}}"));
        assert_eq!(
            allowed(&statement, &alice(&[("a:k", &[value])])),
            matches,
            "{wanted}"
        );
        let not = statement.replace("StringEquals", "StringNotEquals");
        assert_eq!(
            allowed(&not, &alice(&[("a:k", &[value])])),
            !matches,
            "not {wanted}"
        );
    }
    for (wanted, value, matches) in [
        ("${aws:username}-*", "alice-1", true),
        ("${*}-*", "*-1", true),
        ("${*}-*", "a-1", false),
        ("a${?}*", "a?b", true),
        ("a${?}*", "abb", false),
        ("*${$}", "x$", true),
    ] {
        let statement = everyone_if(&format!("{{\"StringLike\": {{\"a:k\": \"{wanted}\"}}}}"));
        assert_eq!(
            allowed(&statement, &alice(&[("a:k", &[value])])),
            matches,
            "{wanted}"
        );
    }
    // The value of a variable is no pattern.
    let star = everyone_if("{\"StringLike\": {\"a:k\": \"${aws:PrincipalTag/team}\"}}");
    assert!(!allowed(
        &star,
        &alice(&[("a:k", &["red"]), ("aws:PrincipalTag/team", &["*"])])
    ));
    assert!(allowed(
        &star,
        &alice(&[("a:k", &["*"]), ("aws:PrincipalTag/team", &["*"])])
    ));
    let arn = everyone_if(
        "{\"ArnLike\": {\"aws:PrincipalArn\": \"arn:aws:iam::${aws:PrincipalAccount}:user/*\"}}",
    );
    assert!(allowed(&arn, &alice(&[])));
    // Variables have no meaning to other operators.
    let number = everyone_if("{\"NumericEquals\": {\"a:k\": \"${a:k}\"}}");
    assert!(!allowed(&number, &alice(&[("a:k", &["1"])])));
}

#[test]
fn documents_and_statements_without_meaning_let_nobody_in() {
    let any = everyone_if("{}");
    assert!(!decide_in("2012-10-18", &any, &alice(&[])).unwrap().allowed);
    assert!(decide_in("2008-10-17", &any, &alice(&[])).unwrap().allowed);
    for (original, replaced) in [
        ("\"Allow\"", "\"allow\""),
        ("\"Effect\": \"Allow\",", ""),
        ("\"Condition\"", "\"Conditions\""),
        ("\"Principal\": {\"AWS\": \"*\"},", ""),
        ("\"Action\": \"sts:AssumeRole\",", ""),
    ] {
        let statement = any.replace(original, replaced);
        assert_ne!(statement, any);
        assert!(!allowed(&statement, &alice(&[])), "{statement}");
    }
    assert!(allowed(
        &any.replace("{\"AWS\": \"*\"}", "\"*\""),
        &alice(&[])
    ));
    let both = any.replace(
        "\"Principal\"",
        "\"NotPrincipal\": {\"AWS\": \"464622532012\"}, \"Principal\"",
    );
    assert!(!allowed(&both, &alice(&[])));
    let both = any.replace("\"Action\"", "\"NotAction\": \"sts:Assume*\", \"Action\"");
    assert!(!allowed(&both, &alice(&[])));
}

#[test]
fn an_empty_list_of_values_is_an_absent_key() {
    let absent = everyone_if("{\"Null\": {\"a:k\": \"true\"}}");
    assert!(allowed(&absent, &alice(&[("a:k", &[])])));
}
