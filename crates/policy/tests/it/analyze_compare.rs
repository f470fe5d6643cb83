//! The questions about two documents, about an allowance, and about admitted values.

use trustwarden_policy::{
    Allowance, Allowed, AllowedValues, AllowedWho, AnalysisContext, EvaluationContext, Origin,
    TrustPolicy, Values, analyze, describe, difference, evaluate, is_subset, is_within_allowance,
    shared_external_ids,
};

const OWN: &str = "111122223333";
const VENDOR: &str = "464622532012";
const UUID: &str = "0f2d6c1e-6a55-4d2b-9c63-7a1d6c7f1b21";

fn context() -> AnalysisContext<'static> {
    AnalysisContext {
        own_account: Some(OWN),
        own_organization: Some("o-own1234567"),
        now: "2026-11-21T00:00:00Z".parse().unwrap(),
        origin: Origin::Sent,
        witnesses: true,
        providers: &[],
    }
}

fn document(statements: &[String]) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    )
}

fn allow(principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole","Condition":{{{condition}}}}}"#
    )
}

fn deny(principal: &str, condition: &str) -> String {
    allow(principal, condition).replace("Allow", "Deny")
}

fn vendor(condition: &str) -> String {
    allow(r#"{"AWS":"464622532012"}"#, condition)
}

fn with_id(id: &str) -> String {
    format!(r#""StringEquals":{{"sts:ExternalId":"{id}"}}"#)
}

/// Whether the one is included in the other; a counter-example is checked against both.
fn included(narrow: &str, wide: &str) -> bool {
    let narrow = TrustPolicy::parse(narrow).unwrap();
    let wide = TrustPolicy::parse(wide).unwrap();
    match is_subset(&narrow, &wide, &context()) {
        Ok(()) => true,
        Err(wider) => {
            let request = wider
                .witness
                .unwrap_or_else(|| panic!("no witness: {}", wider.what));
            let world = EvaluationContext {
                account: Some(OWN),
                organization: Some("o-own1234567"),
                now: context().now,
                origin: Origin::Sent,
            };
            assert!(
                evaluate(&narrow, &request, &world).unwrap().allowed,
                "{request:?}"
            );
            assert!(
                !evaluate(&wide, &request, &world).unwrap().allowed,
                "{request:?}"
            );
            false
        }
    }
}

#[test]
fn inclusion_of_one_document_in_another() {
    let everyone = allow(r#"{"AWS":"*"}"#, "");
    let bare = vendor("");
    let guarded = vendor(&with_id(UUID));
    let other = vendor(&with_id("other-value-1"));
    let like = vendor(r#""StringLike":{"sts:ExternalId":"0f2d6c1e-*"}"#);
    let by_deny = [
        bare.clone(),
        deny(
            r#"{"AWS":"*"}"#,
            &format!(r#""StringNotEquals":{{"sts:ExternalId":"{UUID}"}}"#),
        ),
    ];
    let role = allow(r#"{"AWS":"arn:aws:iam::464622532012:role/Reader"}"#, "");
    let session = allow(
        r#"{"AWS":"arn:aws:sts::464622532012:assumed-role/Reader/alice"}"#,
        "",
    );
    let by_condition = allow(
        r#"{"AWS":"*"}"#,
        r#""StringEquals":{"aws:PrincipalAccount":"464622532012"}"#,
    );
    let one = |text: &String| document(std::slice::from_ref(text));
    for (narrow, wide, expected) in [
        (one(&bare), one(&everyone), true),
        (one(&everyone), one(&bare), false),
        (one(&guarded), one(&bare), true),
        (one(&bare), one(&guarded), false),
        (one(&guarded), one(&other), false),
        (
            one(&guarded),
            document(&[other.clone(), guarded.clone()]),
            true,
        ),
        (one(&guarded), one(&like), true),
        (one(&like), one(&guarded), false),
        (document(&by_deny), one(&guarded), true),
        (one(&guarded), document(&by_deny), true),
        (one(&role), one(&bare), true),
        (one(&bare), one(&role), false),
        // A session's ARN does not tell its role's path: `role/team/Reader` has such sessions too.
        (one(&session), one(&role), false),
        (one(&role), one(&session), false),
        (one(&by_condition), one(&bare), true),
        (one(&bare), one(&by_condition), true),
        (document(&[bare.clone(), role.clone()]), one(&bare), true),
        (document(&[]), one(&bare), true),
    ] {
        assert_eq!(included(&narrow, &wide), expected, "{narrow}\nin {wide}");
    }
}

#[test]
fn a_right_to_tag_sessions_is_more() {
    let plain = document(&[vendor("")]);
    let tagging = plain.replace(
        r#""sts:AssumeRole""#,
        r#"["sts:AssumeRole","sts:TagSession"]"#,
    );
    assert!(included(&plain, &tagging));
    assert!(!included(&tagging, &plain));
}

#[test]
fn a_right_to_tag_sessions_with_some_tags_is_less() {
    let tagging = |tags: &str| {
        document(&[
            vendor(""),
            vendor(&format!(
                r#""StringEquals":{{"aws:RequestTag/team":[{tags}]}}"#
            ))
            .replace("sts:AssumeRole", "sts:TagSession"),
        ])
    };
    let one = tagging(r#""red""#);
    let two = tagging(r#""red","blue""#);
    assert!(included(&one, &one));
    assert!(included(&one, &two));
    assert!(!included(&two, &one));
    assert!(included(&document(&[vendor("")]), &one));
    assert!(!included(&one, &document(&[vendor("")])));
}

fn vendor_allowed(demands: Vec<(String, AllowedValues)>) -> Allowance {
    Allowance {
        allowed: vec![
            Allowed {
                who: AllowedWho::Account(OWN.to_owned()),
                demands: Vec::new(),
            },
            Allowed {
                who: AllowedWho::AnyService,
                demands: Vec::new(),
            },
            Allowed {
                who: AllowedWho::Organization("o-own1234567".to_owned()),
                demands: Vec::new(),
            },
            Allowed {
                who: AllowedWho::Account(VENDOR.to_owned()),
                demands,
            },
        ],
    }
}

#[test]
fn a_document_within_what_is_allowed() {
    let id = |list: &[&str]| {
        let list = list.iter().map(|one| (*one).to_owned()).collect();
        vec![("sts:ExternalId".to_owned(), AllowedValues::OneOf(list))]
    };
    let own = allow(r#"{"AWS":"arn:aws:iam::111122223333:role/ci"}"#, "");
    let organization = allow(
        r#"{"AWS":"*"}"#,
        r#""StringEquals":{"aws:PrincipalOrgID":"o-own1234567"}"#,
    );
    let service = allow(r#"{"Service":"ec2.amazonaws.com"}"#, "");
    let compliant = document(&[own, organization, service, vendor(&with_id(UUID))]);
    let policy = TrustPolicy::parse(&compliant).unwrap();
    assert_eq!(
        is_within_allowance(&policy, &vendor_allowed(id(&[UUID])), &context()),
        Ok(())
    );
    assert_eq!(
        is_within_allowance(&policy, &vendor_allowed(Vec::new()), &context()),
        Ok(())
    );
    let wider =
        is_within_allowance(&policy, &vendor_allowed(id(&["another"])), &context()).unwrap_err();
    assert!(wider.what.contains(VENDOR), "{wider}");
    assert_eq!(wider.witness.unwrap().context["sts:ExternalId"], [UUID]);
    let open = document(&[vendor("")]);
    let policy = TrustPolicy::parse(&open).unwrap();
    let wider = is_within_allowance(&policy, &vendor_allowed(id(&[UUID])), &context()).unwrap_err();
    assert!(wider.witness.is_some());
    let federated = document(&[allow(
        r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/Okta"}"#,
        "",
    )
    .replace("sts:AssumeRole", "sts:AssumeRoleWithSAML")]);
    let policy = TrustPolicy::parse(&federated).unwrap();
    assert!(is_within_allowance(&policy, &vendor_allowed(Vec::new()), &context()).is_err());
}

#[test]
fn networks_and_principals_of_an_allowance() {
    let from_network = || {
        vec![(
            "aws:SourceIp".to_owned(),
            AllowedValues::Networks(vec!["203.0.113.0/24".to_owned()]),
        )]
    };
    let allowance = Allowance {
        allowed: vec![
            Allowed {
                who: AllowedWho::Anyone,
                demands: from_network(),
            },
            Allowed {
                who: AllowedWho::AnyService,
                demands: from_network(),
            },
            Allowed {
                who: AllowedWho::Principals {
                    account: VENDOR.to_owned(),
                    arns: vec!["arn:aws:iam::464622532012:role/scan-*".to_owned()],
                },
                demands: Vec::new(),
            },
        ],
    };
    let from = |network: &str| {
        allow(
            r#"{"AWS":"*"}"#,
            &format!(r#""IpAddress":{{"aws:SourceIp":"{network}"}}"#),
        )
    };
    let role = |name: &str| {
        allow(
            &format!(r#"{{"AWS":"arn:aws:iam::464622532012:role/{name}"}}"#),
            "",
        )
    };
    for (statement, expected) in [
        (from("203.0.113.128/25"), true),
        (from("203.0.112.0/23"), false),
        (role("scan-a"), true),
        (role("other"), false),
        (vendor(""), false),
    ] {
        let text = document(std::slice::from_ref(&statement));
        let policy = TrustPolicy::parse(&text).unwrap();
        let found = is_within_allowance(&policy, &allowance, &context());
        assert_eq!(found.is_ok(), expected, "{statement}: {found:?}");
        if let Err(wider) = found {
            assert!(wider.witness.is_some(), "{statement}");
        }
    }
}

#[test]
fn differences_in_words() {
    let before = document(&[vendor(&with_id(UUID))]);
    let after = document(&[
        vendor(&with_id(UUID)),
        allow(r#"{"AWS":"222233334444"}"#, ""),
    ]);
    let words = |before: &str, after: &str| {
        let (before, after) = (
            TrustPolicy::parse(before).unwrap(),
            TrustPolicy::parse(after).unwrap(),
        );
        difference(&before, &after, &context())
    };
    assert_eq!(
        words(&before, &after),
        ["now also account 222233334444 (any principal), without an external id, by statement 1"]
    );
    assert_eq!(
        words(&after, &before),
        ["no longer account 222233334444 (any principal), without an external id, by statement 1"]
    );
    assert!(words(&after, &after).is_empty());
}

#[test]
fn each_grant_in_a_sentence() {
    let text = document(&[vendor(&with_id(UUID)), allow(r#"{"AWS":"*"}"#, "")]);
    let policy = TrustPolicy::parse(&text).unwrap();
    let answer = analyze(&policy, &context());
    let sentences: Vec<String> = answer.grants.iter().map(describe).collect();
    assert_eq!(
        sentences,
        [
            "account 464622532012 (any principal), with the external id \
             \"0f2d6c1e-6a55-4d2b-9c63-7a1d6c7f1b21\", by statement 0",
            "any principal of any account, without an external id, by statement 1",
        ]
    );
}

#[test]
fn values_within_patterns_and_networks() {
    let like = |list: &[&str]| Values::Like(list.iter().map(|one| (*one).to_owned()).collect());
    for (values, patterns, folded, expected) in [
        (
            like(&["repo:acme/app:*"]),
            &["repo:acme/*"][..],
            false,
            true,
        ),
        (like(&["repo:acme/*"]), &["repo:acme/app:*"], false, false),
        (like(&["repo:Acme/*"]), &["repo:acme/*"], false, false),
        (like(&["repo:Acme/*"]), &["repo:acme/*"], true, true),
        (like(&["a?"]), &["a*"], false, true),
        (like(&["a*b"]), &["a*", "*b"], false, true),
        (like(&["*"]), &["a*", "*"], false, true),
        (like(&["a*"]), &["ab*", "ac*"], false, false),
        (like(&["*a*"]), &["*b*"], false, false),
        (Values::OneOf(vec!["x1".to_owned()]), &["x?"], false, true),
        (
            Values::OneOf(vec!["x1".to_owned(), "y".to_owned()]),
            &["x?"],
            false,
            false,
        ),
        (
            Values::OneOfIgnoringCase(vec!["x1".to_owned()]),
            &["x1"],
            false,
            false,
        ),
        (
            Values::OneOfIgnoringCase(vec!["x1".to_owned()]),
            &["X1"],
            true,
            true,
        ),
        (Values::Any, &["*"], false, true),
        (Values::Any, &["a*"], false, false),
        (Values::None, &[], false, true),
        (Values::Except("not \"x\"".to_owned()), &["*"], false, false),
    ] {
        assert_eq!(
            values.is_within(patterns, folded),
            expected,
            "{values:?} in {patterns:?}"
        );
    }
    let networks =
        |list: &[&str]| Values::Networks(list.iter().map(|one| (*one).to_owned()).collect());
    for (values, allowed, expected) in [
        (networks(&["203.0.113.0/25"]), &["203.0.113.0/24"][..], true),
        (networks(&["203.0.113.0/24"]), &["203.0.113.0/25"], false),
        (
            networks(&["203.0.113.0/24"]),
            &["203.0.113.0/25", "203.0.113.128/25"],
            true,
        ),
        (networks(&["2001:db8::/48"]), &["2001:db8::/32"], true),
        (networks(&["2001:db8::/48"]), &["0.0.0.0/0"], false),
        (networks(&["203.0.113.7"]), &["nonsense"], false),
        (Values::Any, &["0.0.0.0/0"], false),
    ] {
        assert_eq!(
            values.is_within_networks(allowed),
            expected,
            "{values:?} in {allowed:?}"
        );
    }
}

#[test]
fn external_ids_shared_between_roles_or_vendors() {
    let of = |statement: String| {
        let text = document(&[statement]);
        analyze(&TrustPolicy::parse(&text).unwrap(), &context())
    };
    let first = of(vendor(&with_id(UUID)));
    let second = of(vendor(&with_id(UUID)));
    let other = of(allow(
        r#"{"AWS":["222233334444","333344445555"]}"#,
        &with_id("k7-9x2mq4w8zt"),
    ));
    let own = of(allow(r#"{"AWS":"111122223333"}"#, &with_id(UUID)));
    let roles = [("a", &first), ("b", &second), ("c", &other), ("d", &own)];
    let found = shared_external_ids(roles);
    let shown: Vec<_> = found
        .iter()
        .map(|one| {
            (
                one.value.as_str(),
                one.roles.join(" "),
                one.accounts.join(" "),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (UUID, "a b".to_owned(), VENDOR.to_owned()),
            (
                "k7-9x2mq4w8zt",
                "c".to_owned(),
                "222233334444 333344445555".to_owned()
            ),
        ]
    );
    assert!(shared_external_ids([("a", &first)]).is_empty());
}

/// Of more ways to carry tags than are told apart none is forgotten.
#[test]
fn calls_beyond_the_bound_count_as_wider() {
    let tagging = |count: usize| {
        let mut statements = vec![vendor("")];
        statements.extend((0..count).map(|n| {
            let tag = format!(r#""StringEquals":{{"aws:RequestTag/team":"v{n}"}}"#);
            // A document of many bytes may cost more: the bound is what is tested here.
            let sid = format!(r#"{{"Sid":"{}{n:03}","#, "\u{1d535}".repeat(85));
            vendor(&tag)
                .replace("sts:AssumeRole", "sts:TagSession")
                .replacen('{', &sid, 1)
        }));
        document(&statements)
    };
    let (more, fewer) = (tagging(520), tagging(515));
    let more = TrustPolicy::parse(&more).unwrap();
    let fewer = TrustPolicy::parse(&fewer).unwrap();
    assert!(is_subset(&more, &fewer, &context()).is_err());
    assert!(!difference(&fewer, &more, &context()).is_empty());
}
