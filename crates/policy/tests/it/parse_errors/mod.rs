//! What is refused, where, and what was meant.

mod conditions;
mod principals;
mod statements;

use trustwarden_policy::document::{PrincipalKind, Version};
use trustwarden_policy::{MAX_CHARACTERS, ParseError, TrustPolicy};

/// What stands in the plain document, what is put in its place; the error's path, line, column and a
/// part of its message.
type Rule = (
    &'static str,
    &'static str,
    &'static str,
    u32,
    u32,
    &'static str,
);

/// The document with one Allow statement in which `replaced` stands for `original`.
fn with(original: &str, replaced: &str) -> String {
    let text = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "One",
      "Effect": "Allow",
      "Principal": {"AWS": "464622532012"},
      "Action": "sts:AssumeRole",
      "Condition": {"StringEquals": {"sts:ExternalId": "0f2d6c1e"}}
    }
  ]
}"#;
    assert!(text.contains(original), "{original}");
    text.replacen(original, replaced, 1)
}

#[test]
fn the_plain_document_has_no_problem() {
    let text = with("", "");
    let policy = TrustPolicy::parse(&text).unwrap();
    assert_eq!(policy.errors, []);
    assert_eq!(policy.warnings, []);
    assert_eq!(policy.version, Version::V2012);
}

#[test]
fn text_that_is_no_json_is_located() {
    for (text, line, column, part) in [
        ("", 1, 1, "the text ends"),
        ("   \n ", 2, 2, "the text ends"),
        ("{", 1, 2, "the text ends"),
        ("{\"a\": 1,}", 1, 9, "no comma may stand before the end"),
        ("{\"a\": [1,]}", 1, 10, "no comma may stand before the end"),
        ("{'a': 1}", 1, 2, "double quotes only"),
        ("{a: 1}", 1, 2, "a key in double quotes, found `a`"),
        ("{\"a\" 1}", 1, 6, "`:` after the key"),
        ("{\"a\": 1 \"b\": 2}", 1, 9, "expected `,` or `}`"),
        ("{\"a\": [1 2]}", 1, 10, "expected `,` or `]`"),
        ("{\"a\": // x\n1}", 1, 7, "JSON has no comments"),
        ("{\"a\": \"b\nc\"}", 1, 9, "control character \\u000a"),
        ("{\"a\": \"b}", 1, 7, "never closed"),
        ("{\"a\": \"\\x\"}", 1, 8, "none of JSON's"),
        ("{\"a\": \"\\u12\"}", 1, 8, "four hexadecimal digits"),
        ("{\"a\": \"é\\ud800\"}", 1, 9, "half of a surrogate pair"),
        (
            "{\"a\": \"\\ud800\\u0041\"}",
            1,
            8,
            "half of a surrogate pair",
        ),
        ("{\"a\": \"\\udc00\"}", 1, 8, "half of a surrogate pair"),
        ("{\"a\": 01}", 1, 8, "no JSON number"),
        ("{\"a\": 1.}", 1, 9, "a digit after the point"),
        ("{\"a\": 1e}", 1, 9, "a digit of the exponent"),
        ("{\"a\": -}", 1, 8, "a digit"),
        ("{\"a\": tru}", 1, 7, "expected `true`"),
        ("{\"a\": nulls}", 1, 7, "expected `null`"),
        ("{\"a\": 1} x", 1, 10, "ends before this"),
        ("{\"a\": 1}}", 1, 9, "ends before this"),
        ("\u{1}", 1, 1, "a value"),
        ("\u{feff}{x", 1, 2, "a key"),
    ] {
        match TrustPolicy::parse(text) {
            Err(ParseError::Json {
                line: l,
                column: c,
                message,
            }) => {
                assert!(message.contains(part), "{text:?}: {message}");
                assert_eq!((l, c), (line, column), "{text:?}: {message}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn json_that_is_not_an_object_is_distinguished() {
    for (text, found) in [
        ("[]", "a list"),
        ("\"{}\"", "a string"),
        ("1", "a number"),
        ("true", "a boolean"),
        ("\n null", "null"),
    ] {
        match TrustPolicy::parse(text) {
            Err(ParseError::NotAnObject { found: f, .. }) => assert_eq!(f, found),
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn limits_are_stated_and_kept() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(31), "]".repeat(31));
    assert!(TrustPolicy::parse(&deep).is_ok(), "32 levels are read");
    let deeper = format!("{{\"a\":{}{}}}", "[".repeat(32), "]".repeat(32));
    let error = TrustPolicy::parse(&deeper).unwrap_err();
    assert!(
        error.to_string().contains("deeper than the 32 levels"),
        "{error}"
    );

    // Characters, not bytes.
    let long = format!("{{\"Id\": \"{}\"}}", "é".repeat(131_072 - 10));
    assert!(
        TrustPolicy::parse(&long).is_ok(),
        "IAM's longest text is read"
    );
    let too_long = format!("{long} ");
    assert_eq!(
        TrustPolicy::parse(&too_long).unwrap_err(),
        ParseError::TooLong {
            characters: MAX_CHARACTERS + 1
        }
    );
}

#[test]
fn each_rule_of_iam_is_an_error_with_its_place() {
    let rules = [statements::RULES, principals::RULES, conditions::RULES];
    for (original, replaced, path, line, column, part) in rules.into_iter().flatten() {
        let text = with(original, replaced);
        let policy = TrustPolicy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let found = policy
            .errors
            .iter()
            .find(|error| error.path == *path && error.message.contains(part))
            .unwrap_or_else(|| panic!("{replaced}: {path} {part}: {:#?}", policy.errors));
        assert_eq!(
            (found.line, found.column),
            (*line, *column),
            "{replaced}: {}",
            found.message
        );
        assert!(!found.message.ends_with('.'), "{}", found.message);
    }
}

#[test]
fn errors_stand_in_the_order_of_the_document() {
    let text = with("\"Allow\"", "\"allow\"")
        .replace("464622532012", "46462253201")
        .replace("StringEquals", "StringEqual");
    let policy = TrustPolicy::parse(&text).unwrap();
    let lines: Vec<u32> = policy.errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [6, 7, 9]);
}

#[test]
fn what_iam_accepts_is_no_error() {
    for (original, replaced) in [
        ("\"Version\": \"2012-10-17\",", ""),
        ("2012-10-17", "2008-10-17"),
        ("\"Version\"", "\"Id\": \"any text at all\", \"Version\""),
        ("\"Sid\": \"One\",", ""),
        ("\"One\"", "\"\""),
        ("\"464622532012\"", "\"*\""),
        (
            "\"464622532012\"",
            "[\"464622532012\", \"arn:aws:iam::464622532012:root\"]",
        ),
        ("464622532012", "arn:aws-cn:iam::464622532012:root"),
        (
            "464622532012",
            "arn:aws-us-gov:iam::464622532012:user/path/to/alice@example.com",
        ),
        (
            "464622532012",
            "arn:aws:iam::464622532012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x_1",
        ),
        (
            "464622532012",
            "arn:aws:sts::464622532012:assumed-role/R/session",
        ),
        (
            "464622532012",
            "arn:aws:sts::464622532012:federated-user/bob",
        ),
        ("464622532012", "AIDA2E3F4G5H6I7J8K9LM"),
        ("464622532012", "AROA2E3F4G5H6I7J8K9LM"),
        (
            "\"AWS\": \"464622532012\"",
            "\"Service\": \"delivery.logs.amazonaws.com\"",
        ),
        (
            "\"AWS\": \"464622532012\"",
            "\"Service\": [\"ec2.amazonaws.com.cn\", \"codedeploy.us-east-1.amazonaws.com\"]",
        ),
        (
            "\"AWS\": \"464622532012\"",
            "\"Federated\": \"cognito-identity.amazonaws.com\"",
        ),
        (
            "\"AWS\": \"464622532012\"",
            "\"Federated\": \"arn:aws:iam::111122223333:saml-provider/AWSSSO_1_DO_NOT_DELETE\"",
        ),
        (
            "\"AWS\": \"464622532012\"",
            "\"Federated\": \"arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/EX\"",
        ),
        ("\"sts:AssumeRole\"", "\"sts:*\""),
        (
            "\"sts:AssumeRole\"",
            "[\"STS:assumerole\", \"sts:TagSession\"]",
        ),
        ("\"Action\"", "\"NotAction\""),
        (
            "{\"StringEquals\": {\"sts:ExternalId\": \"0f2d6c1e\"}}",
            "{}",
        ),
        ("{\"sts:ExternalId\": \"0f2d6c1e\"}", "{}"),
        ("StringEquals", "ForAnyValue:StringEqualsIfExists"),
        ("\"0f2d6c1e\"", "[\"12\", 34, true, 5.5e1]"),
        ("\"0f2d6c1e\"", "[]"),
    ] {
        let text = with(original, replaced);
        let policy = TrustPolicy::parse(&text).unwrap();
        assert_eq!(policy.errors, [], "{replaced}");
    }
}

#[test]
fn parts_without_meaning_are_marked() {
    let text = with("2012-10-17", "2013-01-01");
    assert_eq!(TrustPolicy::parse(&text).unwrap().version, Version::Unknown);
    for (original, replaced) in [
        ("\"Allow\"", "\"ALLOW\""),
        ("\"Effect\": \"Allow\",", ""),
        ("\"Condition\"", "\"Conditions\""),
    ] {
        let text = with(original, replaced);
        assert_eq!(
            TrustPolicy::parse(&text).unwrap().statements[0].effect,
            None,
            "{replaced}"
        );
    }
    for (original, replaced) in [
        ("\"AWS\"", "\"aws\""),
        ("464622532012", "46462253201"),
        ("464622532012", "arn:aws:iam::464622532012:role/*"),
        ("{\"AWS\": \"464622532012\"}", "\"464622532012\""),
    ] {
        let text = with(original, replaced);
        let policy = TrustPolicy::parse(&text).unwrap();
        let principal = &policy.statements[0].principal.as_ref().unwrap()[0];
        assert!(principal.meaningless, "{replaced}");
    }
    for (original, replaced) in [
        ("StringEquals", "StringEqual"),
        ("\"0f2d6c1e\"", "null"),
        ("\"0f2d6c1e\"", "[\"a\", {}]"),
    ] {
        let text = with(original, replaced);
        let policy = TrustPolicy::parse(&text).unwrap();
        assert_eq!(
            policy.statements[0].conditions[0].operator, None,
            "{replaced}"
        );
    }
}

#[test]
fn forbidden_but_readable_parts_are_read() {
    let text = with("{\"AWS\": \"464622532012\"}", "\"*\"");
    let policy = TrustPolicy::parse(&text).unwrap();
    let everyone = &policy.statements[0].principal.as_ref().unwrap()[0];
    assert_eq!(
        (everyone.kind, everyone.meaningless),
        (PrincipalKind::Everyone, false)
    );

    let text = with("\"Principal\"", "\"NotPrincipal\"");
    let policy = TrustPolicy::parse(&text).unwrap();
    assert_eq!(policy.statements[0].principal, None);
    assert_eq!(
        policy.statements[0].not_principal.as_ref().unwrap()[0].value,
        "464622532012"
    );

    let text = with("\"Action\":", "\"Resource\": \"*\", \"Action\":");
    assert!(
        TrustPolicy::parse(&text).unwrap().statements[0]
            .effect
            .is_some()
    );
}

#[test]
fn the_last_of_equal_keys_counts() {
    let text = with("\"0f2d6c1e\"", "\"x1\", \"sts:ExternalId\": \"x2\"");
    let policy = TrustPolicy::parse(&text).unwrap();
    let conditions = &policy.statements[0].conditions;
    assert_eq!(conditions.len(), 1);
    assert_eq!(conditions[0].values, ["x2"]);

    let text = with(
        "{\"sts:ExternalId\": \"0f2d6c1e\"}",
        "{\"sts:ExternalId\": \"x1\"}, \"StringEquals\": {\"aws:SourceIp\": \"x2\"}",
    );
    let policy = TrustPolicy::parse(&text).unwrap();
    let keys: Vec<_> = policy.statements[0]
        .conditions
        .iter()
        .map(|c| c.key.as_ref())
        .collect();
    assert_eq!(keys, ["aws:SourceIp"]);

    let text = with(
        "\"464622532012\"",
        "\"464622532012\", \"AWS\": \"222233334444\"",
    );
    let policy = TrustPolicy::parse(&text).unwrap();
    let values: Vec<_> = policy.statements[0]
        .principal
        .iter()
        .flatten()
        .map(|p| p.value.as_ref())
        .collect();
    assert_eq!(values, ["222233334444"]);
}

#[test]
fn many_keys_are_distinguished_like_few() {
    let keys: Vec<String> = (0..40)
        .map(|key| format!("\"a:k{key}\": \"v{key}\""))
        .collect();
    let text = with(
        "\"sts:ExternalId\": \"0f2d6c1e\"",
        &format!(
            "{}, \"a:k3\": \"again\", \"A:K20\": \"folded\"",
            keys.join(", ")
        ),
    );
    let policy = TrustPolicy::parse(&text).unwrap();
    assert_eq!(policy.errors.len(), 2, "{:#?}", policy.errors);
    let conditions = &policy.statements[0].conditions;
    assert_eq!(conditions.len(), 41);
    assert_eq!(conditions[3].values, ["again"]);
}

#[test]
fn sids_repeat_across_statements() {
    let statement = r#"{"Sid": "S1", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}"#;
    let text = format!("{{\"Statement\": [{statement}, {statement}]}}");
    let policy = TrustPolicy::parse(&text).unwrap();
    assert_eq!(policy.errors.len(), 1);
    assert_eq!(policy.errors[0].path, "$.Statement[1].Sid");
    let text = text.replace("S1", "");
    assert_eq!(TrustPolicy::parse(&text).unwrap().errors, []);
}

#[test]
fn escapes_and_values_are_read() {
    let text = with(
        "\"0f2d6c1e\"",
        r#"["a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00", 1.50, true, false]"#,
    );
    let policy = TrustPolicy::parse(&text).unwrap();
    assert_eq!(
        policy.statements[0].conditions[0].values,
        ["a\"\\/\u{8}\u{c}\n\r\té😀", "1.50", "true", "false"]
    );
    let statement = policy.statements[0].span;
    assert!(text[statement.start..statement.end].starts_with("{\n      \"Sid\""));
    assert!(text[statement.start..statement.end].ends_with('}'));
}

#[test]
fn values_that_never_match_are_warned_of() {
    for (original, replaced, part) in [
        ("0f2d6c1e", "", "cannot be an external id"),
        ("0f2d6c1e", "acme-*", "wildcards need StringLike"),
        ("\"0f2d6c1e\"", "[]", "matches no value"),
        (
            "\"StringEquals\": {\"sts:ExternalId\": \"0f2d6c1e\"}",
            "\"Bool\": {\"aws:MultiFactorAuthPresent\": \"yes\"}",
            "neither true nor false",
        ),
        (
            "\"StringEquals\": {\"sts:ExternalId\": \"0f2d6c1e\"}",
            "\"NumericLessThan\": {\"aws:MultiFactorAuthAge\": \"an hour\"}",
            "not a number",
        ),
        (
            "\"StringEquals\": {\"sts:ExternalId\": \"0f2d6c1e\"}",
            "\"ArnLike\": {\"aws:PrincipalArn\": \"arn:aws:iam::464622532012\"}",
            "six parts",
        ),
        (
            "\"StringEquals\": {\"sts:ExternalId\": \"0f2d6c1e\"}",
            "\"ArnEquals\": {\"aws:PrincipalArn\": \"arn:aws:iam::464622532012:root\"}",
            "the root user alone",
        ),
        ("sts:AssumeRole", "sts:AssumeRoles", "did you mean"),
    ] {
        let text = with(original, replaced);
        let policy = TrustPolicy::parse(&text).unwrap();
        assert_eq!(policy.errors, [], "{replaced}");
        assert_eq!(
            policy.warnings.len(),
            1,
            "{replaced}: {:?}",
            policy.warnings
        );
        assert!(
            policy.warnings[0].message.contains(part),
            "{}",
            policy.warnings[0].message
        );
    }
}

#[test]
fn a_thousand_problems_are_enough() {
    let text = format!("{{\"Statement\": [{}]}}", vec!["1"; 5_000].join(","));
    let policy = TrustPolicy::parse(&text).unwrap();
    assert_eq!(policy.errors.len(), 1_001);
    assert_eq!(policy.errors[1_000].path, "$.Statement[1000]");
    assert!(
        policy.errors[1_000]
            .message
            .contains("only the first 1000 are listed")
    );
}
