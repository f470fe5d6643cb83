//! The evaluator against tables: every operator, with and without qualifier and IfExists, the key
//! present, absent and with several values; callers; keys; variables.

mod callers;
mod keys;
mod operators;

use std::collections::BTreeMap;

use trustwarden_policy::{
    Decision, EvaluationContext, Origin, Request, RequestError, RequestPrincipal, TrustPolicy,
    evaluate,
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
    decide(version, Origin::Sent, statements, request)
}

fn decide_as(
    origin: Origin,
    statements: &str,
    request: &Request,
) -> Result<Decision, RequestError> {
    decide("2012-10-17", origin, statements, request)
}

fn decide(
    version: &str,
    origin: Origin,
    statements: &str,
    request: &Request,
) -> Result<Decision, RequestError> {
    let text = format!("{{\"Version\": \"{version}\", \"Statement\": [{statements}]}}");
    let policy = TrustPolicy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let context = EvaluationContext {
        account: Some("111122223333"),
        organization: Some("o-own1234567"),
        now: "2026-11-21T00:00:00Z".parse().unwrap(),
        origin,
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
