//! Whom principals name, which action lets whom in, and which statement decided.

use super::{
    ALICE, GITHUB, OKTA, SESSION, alice, allow, allowed, decide_as, everyone_if, request,
    try_decide,
};
use trustwarden_policy::{Origin, Request};

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
fn a_role_in_a_path_is_known_by_its_principal_arn() {
    let in_path = "arn:aws:iam::464622532012:role/team/Reader";
    let statement = allow(
        &format!("{{\"AWS\": \"{in_path}\"}}"),
        "\"sts:AssumeRole\"",
        "{}",
    );
    let reported = request(
        "AWS",
        SESSION,
        "sts:AssumeRole",
        &[("aws:PrincipalArn", &[in_path])],
    );
    assert!(allowed(&statement, &reported));
    let by_role = request("AWS", in_path, "sts:AssumeRole", &[]);
    assert!(allowed(&statement, &by_role));
}

#[test]
fn the_root_user_cannot_assume_a_role() {
    for root in ["arn:aws:iam::464622532012:root", "464622532012"] {
        for statement in [
            everyone_if("{}"),
            allow("{\"AWS\": \"464622532012\"}", "\"sts:AssumeRole\"", "{}"),
        ] {
            let decided = try_decide(&statement, &request("AWS", root, "sts:AssumeRole", &[]));
            let decided = decided.unwrap();
            assert!(!decided.allowed, "{statement}");
            assert!(decided.why.contains("the root user"), "{}", decided.why);
        }
    }
}

#[test]
fn unique_ids_under_principal_are_living_ones_as_sent_and_deleted_ones_as_shown() {
    let id = "AROA2E3F4G5H6I7J8K9LM";
    let by_id = allow(
        &format!("{{\"AWS\": \"{id}\"}}"),
        "\"sts:AssumeRole\"",
        "{}",
    );
    let reported = format!("{id}:job");
    let session = request(
        "AWS",
        SESSION,
        "sts:AssumeRole",
        &[("aws:userid", &[&reported])],
    );
    let other = request(
        "AWS",
        SESSION,
        "sts:AssumeRole",
        &[("aws:userid", &["AROA2E3F4G5H6I7J8K9LX:job"])],
    );
    let by_id_alone = request("AWS", id, "sts:AssumeRole", &[]);
    let denied = format!("{}, {}", everyone_if("{}"), by_id.replace("Allow", "Deny"));
    for (origin, named) in [(Origin::Sent, true), (Origin::Shown, false)] {
        let allowed = |statements: &str, request: &Request| {
            decide_as(origin, statements, request).unwrap().allowed
        };
        assert_eq!(allowed(&by_id, &session), named, "{origin:?}");
        assert_eq!(allowed(&by_id, &by_id_alone), named, "{origin:?}");
        assert_eq!(allowed(&denied, &session), !named, "{origin:?}");
        assert!(!allowed(&by_id, &other), "{origin:?}");
        assert!(!allowed(&by_id, &alice(&[])), "{origin:?}");
    }
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
    let reported = request(
        "AWS",
        "AIDA2E3F4G5H6I7J8K9LM",
        "sts:AssumeRole",
        &[("aws:PrincipalArn", &[ALICE])],
    );
    let account = allow("{\"AWS\": \"464622532012\"}", "\"sts:AssumeRole\"", "{}");
    assert!(allowed(&account, &reported));
    // The id tells a user from a role's session, and a user may have any name.
    let any = everyone_if("{}");
    for (id, key, value, fits) in [
        ("AIDA2E3F4G5H6I7J8K9LM", "aws:PrincipalType", "User", true),
        (
            "AIDA2E3F4G5H6I7J8K9LM",
            "aws:PrincipalType",
            "AssumedRole",
            false,
        ),
        (
            "AROA2E3F4G5H6I7J8K9LM",
            "aws:PrincipalType",
            "AssumedRole",
            true,
        ),
        ("AROA2E3F4G5H6I7J8K9LM", "aws:PrincipalType", "User", false),
        (
            "AROA2E3F4G5H6I7J8K9LM",
            "aws:userid",
            "AROA2E3F4G5H6I7J8K9LM:job",
            true,
        ),
        (
            "AIDA2E3F4G5H6I7J8K9LM",
            "aws:userid",
            "AIDA2E3F4G5H6I7J8K9LM",
            true,
        ),
        (
            "AIDA2E3F4G5H6I7J8K9LM",
            "aws:userid",
            "AIDA2E3F4G5H6I7J8K9LX",
            false,
        ),
        (
            "arn:aws:iam::464622532012:role/Reader",
            "aws:userid",
            "AROA2E3F4G5H6I7J8K9LM:job",
            true,
        ),
    ] {
        let request = request("AWS", id, "sts:AssumeRole", &[(key, &[value])]);
        assert_eq!(
            try_decide(&any, &request).is_ok(),
            fits,
            "{id} {key} {value}"
        );
    }
    let named = everyone_if("{\"StringEquals\": {\"aws:username\": \"alice\"}}");
    let alice: &[(&str, &[&str])] = &[("aws:username", &["alice"])];
    for (id, named_so) in [
        ("AIDA2E3F4G5H6I7J8K9LM", true),
        (SESSION, false),
        ("arn:aws:iam::464622532012:root", false),
    ] {
        let request = request("AWS", id, "sts:AssumeRole", alice);
        assert_eq!(allowed(&named, &request), named_so, "{id}");
    }
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
        ("Service", "lambda.amazonaws.com", "sts:AssumeRole", true),
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
fn everyone_is_aws_principals_services_and_federated_callers() {
    let service = request("Service", "ec2.amazonaws.com", "sts:AssumeRole", &[]);
    let saml = request("Federated", OKTA, "sts:AssumeRoleWithSAML", &[]);
    let named = allow(
        &format!("{{\"Service\": \"ec2.amazonaws.com\", \"Federated\": \"{OKTA}\"}}"),
        "\"sts:*\"",
        "{}",
    );
    for everyone in ["{\"AWS\": \"*\"}", "\"*\""] {
        let any = allow(everyone, "\"sts:*\"", "{}");
        let denied = format!("{named}, {}", any.replace("Allow", "Deny"));
        let bare = everyone == "\"*\"";
        for (caller, kept_out) in [(&service, true), (&saml, bare)] {
            assert!(allowed(&any, caller), "{everyone} {caller:?}");
            assert!(allowed(&named, caller), "{caller:?}");
            // Whether a Deny on `"AWS": "*"` reaches federated callers has no source: it counts as
            // if it did not.
            assert_eq!(!allowed(&denied, caller), kept_out, "{everyone} {caller:?}");
        }
    }
    // The same for all but one.
    let all_but = allow(&format!("{{\"AWS\": \"{ALICE}\"}}"), "\"sts:*\"", "{}");
    let all_but = all_but.replace("\"Principal\"", "\"NotPrincipal\"");
    let denied = format!("{named}, {}", all_but.replace("Allow", "Deny"));
    for caller in [&service, &saml] {
        assert!(allowed(&all_but, caller), "{caller:?}");
        assert!(!allowed(&denied, caller), "{caller:?}");
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
