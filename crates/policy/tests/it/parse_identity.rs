//! Identity policies: what is read, what is refused, where, and what was meant.

use trustwarden_policy::document::{Effect, Version};
use trustwarden_policy::{IdentityPolicy, MAX_CHARACTERS, ParseError};

const TEXT: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "One",
      "Effect": "Allow",
      "Action": ["s3:GetObject"],
      "Resource": "arn:aws:s3:::acme/*",
      "Condition": {"Bool": {"aws:SecureTransport": "true"}}
    }
  ]
}"#;

/// The document above, in which `replaced` stands for `original`.
fn with(original: &str, replaced: &str) -> String {
    assert!(TEXT.contains(original), "{original}");
    TEXT.replacen(original, replaced, 1)
}

#[test]
fn the_plain_document_is_read() {
    let policy = IdentityPolicy::parse(TEXT).unwrap();
    assert_eq!(policy.errors, []);
    assert_eq!(policy.warnings, []);
    assert_eq!(policy.version, Version::V2012);
    let [statement] = &policy.statements[..] else {
        panic!()
    };
    assert_eq!(statement.effect, Some(Effect::Allow));
    assert_eq!(statement.sid.as_deref(), Some("One"));
    assert_eq!(statement.action.as_deref().unwrap(), ["s3:GetObject"]);
    assert_eq!(
        statement.resource.as_deref().unwrap(),
        ["arn:aws:s3:::acme/*"]
    );
    assert_eq!(statement.not_action, None);
    assert_eq!(statement.not_resource, None);
    assert_eq!(statement.conditions.len(), 1);
    assert!(TEXT[statement.span.start..statement.span.end].starts_with("{\n      \"Sid\""));
}

#[test]
fn a_statement_may_stand_alone_and_say_what_it_does_not_mean() {
    let text = r#"{"Statement":{"Effect":"Deny","NotAction":"iam:*","NotResource":["*"]}}"#;
    let policy = IdentityPolicy::parse(text).unwrap();
    assert_eq!(policy.errors, []);
    assert_eq!(policy.version, Version::V2008);
    let statement = &policy.statements[0];
    assert_eq!(statement.effect, Some(Effect::Deny));
    assert_eq!(statement.not_action.as_deref().unwrap(), ["iam:*"]);
    assert_eq!(statement.not_resource.as_deref().unwrap(), ["*"]);
}

#[test]
fn what_iam_refuses_is_located() {
    for (original, replaced, line, column, part) in [
        (
            "\"Statement\"",
            "\"Statment\"",
            3,
            3,
            "did you mean \"Statement\"?",
        ),
        ("2012-10-17", "2012", 2, 14, "no version \"2012\""),
        ("\"One\"", "\"One two\"", 5, 14, "letters and digits only"),
        ("\"Allow\"", "\"allow\"", 6, 17, "did you mean \"Allow\"?"),
        ("\"Effect\": \"Allow\",", "", 4, 5, "needs an \"Effect\""),
        (
            "\"Action\"",
            "\"Actions\"",
            7,
            7,
            "did you mean \"Action\"?",
        ),
        (
            "\"Action\"",
            "\"Principal\"",
            7,
            7,
            "whoever it is attached to is meant",
        ),
        (
            "\"Action\": [\"s3:GetObject\"],",
            "",
            4,
            5,
            "needs an \"Action\"",
        ),
        ("[\"s3:GetObject\"]", "[]", 7, 17, "at least one action"),
        (
            "[\"s3:GetObject\"]",
            "7",
            7,
            17,
            "an action must be a string or a list of strings",
        ),
        (
            "\"s3:GetObject\"",
            "\"s3:GetObject\", 7",
            7,
            34,
            "an action must be a string",
        ),
        (
            "s3:GetObject",
            "GetObject",
            7,
            18,
            "begins with its service",
        ),
        (
            "s3:GetObject",
            "s3:",
            7,
            18,
            "a service, a colon and a name",
        ),
        ("s3:GetObject", "s3:Get:Object", 7, 18, "one colon too many"),
        (
            "\"Resource\"",
            "\"Ressource\"",
            8,
            7,
            "did you mean \"Resource\"?",
        ),
        (
            "\"Resource\": \"arn:aws:s3:::acme/*\",",
            "",
            4,
            5,
            "needs a \"Resource\"",
        ),
        (
            "arn:aws:s3:::acme/*",
            "acme/*",
            8,
            19,
            "must be \"*\" or an ARN",
        ),
        (
            "\"Condition\"",
            "\"NotAction\": \"iam:*\", \"Condition\"",
            4,
            5,
            "exclude each other",
        ),
        (
            "\"Condition\"",
            "\"NotResource\": \"*\", \"Condition\"",
            4,
            5,
            "exclude each other",
        ),
        (
            "\"Condition\"",
            "\"Action\": \"s3:*\", \"Condition\"",
            9,
            7,
            "stands here twice",
        ),
        ("\"Bool\"", "\"Boolean\"", 9, 21, "no condition operator"),
    ] {
        let text = with(original, replaced);
        let policy = IdentityPolicy::parse(&text).unwrap();
        let first = policy
            .errors
            .iter()
            .find(|error| error.message.contains(part))
            .unwrap_or_else(|| panic!("{part}: {:?}", policy.errors));
        assert_eq!(
            (first.line, first.column),
            (line, column),
            "{part}: {first:?}"
        );
    }
}

/// Nothing is concluded from a statement with a key that nobody knows: it may have been a
/// condition.
#[test]
fn a_statement_with_an_unknown_key_has_no_effect() {
    let text = with("\"Condition\"", "\"Conditions\"");
    let policy = IdentityPolicy::parse(&text).unwrap();
    assert_eq!(policy.statements[0].effect, None);
}

#[test]
fn variables_and_wildcards_may_begin_a_resource() {
    for resource in ["*", "${aws:username}", "*:x", "arn:*", "?rn:aws:s3:::a"] {
        let text = with("arn:aws:s3:::acme/*", resource);
        assert_eq!(
            IdentityPolicy::parse(&text).unwrap().errors,
            [],
            "{resource}"
        );
    }
}

#[test]
fn text_that_is_no_policy_is_refused() {
    for text in ["", "[]", "7", "{", "{\"Statement\": [1,]}", "null", "'x'"] {
        assert!(IdentityPolicy::parse(text).is_err(), "{text}");
    }
    let long = " ".repeat(MAX_CHARACTERS + 1);
    assert!(matches!(
        IdentityPolicy::parse(&long),
        Err(ParseError::TooLong { .. })
    ));
    let deep = format!("{{\"Statement\":{}", "[".repeat(100));
    assert!(matches!(
        IdentityPolicy::parse(&deep),
        Err(ParseError::Json { .. })
    ));
}
