//! The keys that follow from the caller, and those that callers may carry.

use trustwarden_policy::RequestError;

use super::{
    ALICE, GITHUB, OKTA, SESSION, alice, allow, allowed, everyone_if, request, try_decide,
};

#[test]
fn whoever_calls_with_a_token_is_no_service() {
    let statement = "{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"sts:*\"}";
    let call = |value: &str| {
        let context = [("aws:PrincipalIsAWSService", &[value][..])];
        request(
            "Federated",
            GITHUB,
            "sts:AssumeRoleWithWebIdentity",
            &context,
        )
    };
    assert!(allowed(statement, &call("false")));
    assert!(matches!(
        try_decide(statement, &call("true")),
        Err(RequestError::Conflict { .. })
    ));
}

#[test]
fn a_region_is_in_lower_case() {
    let statement = "{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"sts:*\"}";
    for (region, expected) in [("us-east-1", true), ("US-EAST-1", false), ("", false)] {
        let call = request(
            "AWS",
            ALICE,
            "sts:AssumeRole",
            &[("aws:RequestedRegion", &[region])],
        );
        assert_eq!(allowed(statement, &call), expected, "{region:?}");
    }
}

#[test]
fn keys_follow_from_the_caller() {
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
        (bob, "aws:username"),
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
        // An account has 12 digits, and IAM no region.
        ("AWS", "46462253201"),
        ("AWS", "abcdefghijkl"),
        ("AWS", "arn:aws:iam::46462253201:user/alice"),
        ("AWS", "arn:aws:iam::abcdefghijkl:user/alice"),
        ("AWS", "arn:aws:iam:eu-west-1:464622532012:user/alice"),
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
    // Nor a claim, nor what a SAML assertion says.
    for key in ["saml:aud", "gitlab.com:sub"] {
        let absent = everyone_if(&format!("{{\"Null\": {{\"{key}\": \"true\"}}}}"));
        assert!(allowed(&absent, &alice(&[(key, &["abc"])])), "{key}");
    }
    for key in [
        "saml:aud",
        "gitlab.com:sub",
        "aws:PrincipalArn",
        "aws:userid",
    ] {
        let absent = allow(
            "{\"Service\": \"events.amazonaws.com\"}",
            "\"sts:AssumeRole\"",
            &format!("{{\"Null\": {{\"{key}\": \"true\"}}}}"),
        );
        assert!(allowed(&absent, &service(&[(key, &["abc"])])), "{key}");
    }
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
