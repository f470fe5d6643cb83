//! What IAM demands only when a document is saved: warnings, since a document that stands may break
//! it.

use trustwarden_policy::{Problem, TrustPolicy};

const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";

fn warnings(text: &str) -> Vec<Problem> {
    let policy = TrustPolicy::parse(text).unwrap();
    assert_eq!(policy.errors, [], "{text}");
    policy.warnings
}

fn federated(effect: &str, provider: &str, condition: &str) -> String {
    format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[\n {{\"Effect\":\"{effect}\",\"Principal\":{{\"Federated\":[\"{provider}\"]}},\
         \"Action\":\"sts:AssumeRoleWithWebIdentity\",\"Condition\":{{{condition}}}}}]}}"
    )
}

#[test]
fn a_provider_of_many_customers_needs_the_claim_that_tells_them_apart() {
    let audience =
        "\"StringEquals\":{\"token.actions.githubusercontent.com:aud\":\"sts.amazonaws.com\"}";
    let found = warnings(&federated("Allow", GITHUB, audience));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].path, "$.Statement[0].Principal.Federated");
    assert_eq!((found[0].line, found[0].column), (2, 46));
    assert!(
        found[0]
            .message
            .contains("token.actions.githubusercontent.com:sub"),
        "{}",
        found[0].message
    );
    for (provider, claim) in [
        (
            "arn:aws:iam::111122223333:oidc-provider/gitlab.com",
            "gitlab.com:sub",
        ),
        (
            "arn:aws:iam::111122223333:oidc-provider/oidc.vercel.com",
            "oidc.vercel.com:aud",
        ),
        (
            "cognito-identity.amazonaws.com",
            "cognito-identity.amazonaws.com:aud",
        ),
        (
            "arn:aws:iam::111122223333:oidc-provider/sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d",
            "sts:RoleSessionName",
        ),
    ] {
        let found = warnings(&federated("Allow", provider, ""));
        assert_eq!(found.len(), 1, "{provider}: {found:?}");
        assert!(
            found[0].message.contains(&format!("for {claim}, ")),
            "{}",
            found[0].message
        );
        for operator in ["StringEquals", "StringLike", "StringEqualsIgnoreCase"] {
            let asked = format!("\"{operator}\":{{\"{}\":\"acme\"}}", claim.to_uppercase());
            assert_eq!(
                warnings(&federated("Allow", provider, &asked)),
                [],
                "{provider}"
            );
        }
    }
}

#[test]
fn asking_for_all_or_for_what_it_is_not_is_not_asking() {
    for condition in [
        r#""StringLike":{"token.actions.githubusercontent.com:sub":"*"}"#,
        r#""StringLike":{"token.actions.githubusercontent.com:sub":["repo:acme/*","*"]}"#,
        r#""StringNotLike":{"token.actions.githubusercontent.com:sub":"repo:evil/*"}"#,
        r#""Null":{"token.actions.githubusercontent.com:sub":"false"}"#,
        r#""StringEquals":{"token.actions.githubusercontent.com:repository":"acme/app"}"#,
        r#""StringEquals":{"gitlab.com:sub":"repo:acme/app"}"#,
    ] {
        let found = warnings(&federated("Allow", GITHUB, condition));
        assert_eq!(found.len(), 1, "{condition}: {found:?}");
    }
}

/// IAM takes either for workflows of GitHub.
#[test]
fn the_workflow_serves_in_place_of_the_subject() {
    let key = "token.actions.githubusercontent.com:job_workflow_ref";
    let condition = format!(r#""StringLike":{{"{key}":"acme/shared/.github/workflows/*"}}"#);
    assert_eq!(warnings(&federated("Allow", GITHUB, &condition)), []);
}

#[test]
fn nobody_else_needs_one() {
    for text in [
        federated("Deny", GITHUB, ""),
        federated(
            "Allow",
            "arn:aws:iam::111122223333:oidc-provider/oidc.example.com",
            "",
        ),
        federated(
            "Allow",
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com/acme",
            "",
        ),
    ] {
        assert_eq!(warnings(&text), [], "{text}");
    }
}

/// A document of so many characters, white space not counted, and much of that.
fn of_length(length: usize) -> String {
    let frame = |id: &str| {
        format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"464622532012\"}},\
             \"Action\":\"sts:AssumeRole\",\"Condition\":{{\"StringEquals\":{{\"aws:PrincipalTag/t\":\"{id}\"}}}}}}]}}"
        )
    };
    let bare = frame("").chars().count();
    frame(&"é".repeat(length - bare)).replace(",\"", ",\n        \"")
}

#[test]
fn the_quotas_count_characters_without_white_space() {
    assert_eq!(warnings(&of_length(2_048)), []);
    let found = warnings(&of_length(2_049));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].path, "$");
    // The last brace is the one too many.
    let text = of_length(2_049);
    let last = text.lines().last().unwrap();
    assert_eq!(found[0].line as usize, text.lines().count());
    assert_eq!(found[0].column as usize, last.chars().count());
    assert!(
        found[0].message.contains("2049 characters"),
        "{}",
        found[0].message
    );
    assert!(
        found[0].message.contains("the 2048 that IAM takes, unless"),
        "{}",
        found[0].message
    );
    assert!(warnings(&of_length(8_192))[0].message.contains("unless"));
    let found = warnings(&of_length(8_193));
    assert!(
        found[0]
            .message
            .contains("the 8192 that IAM takes, the most"),
        "{}",
        found[0].message
    );
}
