//! Repair: the smallest removal after which a document complies.

use jiff::Timestamp;
use policy::TrustPolicy;
use policy::document::Effect;
use proptest::prelude::*;
use trustwarden_guard::model::document_digest;
use trustwarden_guard::remediate::{diff, repair, without_principal};

use super::{STRANGER, allow, compliant, document, escaped};

#[test]
fn repair_takes_out_what_violates_and_leaves_every_other_byte() {
    let good = r#"{"AWS":"111111111111"}"#;
    let cases = [
        // (before, after)
        (
            document(&[allow(good), allow(r#"{"AWS":"999988887777"}"#)]),
            Some(document(&[allow(good)])),
        ),
        (
            document(&[allow(r#"{"AWS":"999988887777"}"#), allow(good)]),
            Some(document(&[allow(good)])),
        ),
        // In a list: first, middle, last; white space stays with what stays.
        (
            document(&[allow(
                r#"{"AWS": [ "999988887777" , "111111111111",  "222222222222" ]}"#,
            )]),
            Some(document(&[allow(
                r#"{"AWS": [ "111111111111",  "222222222222" ]}"#,
            )])),
        ),
        (
            document(&[allow(
                r#"{"AWS": [ "111111111111" , "999988887777",  "222222222222" ]}"#,
            )]),
            Some(document(&[allow(
                r#"{"AWS": [ "111111111111",  "222222222222" ]}"#,
            )])),
        ),
        (
            document(&[allow(
                r#"{"AWS": [ "111111111111" , "222222222222",  "999988887777" ]}"#,
            )]),
            Some(document(&[allow(
                r#"{"AWS": [ "111111111111" , "222222222222" ]}"#,
            )])),
        ),
        // A key goes with its last value.
        (
            document(&[allow(
                r#"{"AWS": ["999988887777", "*"], "Service": "ec2.amazonaws.com"}"#,
            )]),
            Some(document(&[allow(r#"{"Service": "ec2.amazonaws.com"}"#)])),
        ),
        (
            document(&[allow(
                r#"{"Service": "ec2.amazonaws.com", "AWS": "999988887777"}"#,
            )]),
            Some(document(&[allow(r#"{"Service": "ec2.amazonaws.com"}"#)])),
        ),
        // Deny statements stay, also those that name the external account.
        (
            document(&[
                r#"{"Effect":"Deny","Principal":{"AWS":"999988887777"},"Action":"sts:*"}"#
                    .to_owned(),
                allow(r#"{"AWS":["111111111111","999988887777"]}"#),
            ]),
            Some(document(&[
                r#"{"Effect":"Deny","Principal":{"AWS":"999988887777"},"Action":"sts:*"}"#
                    .to_owned(),
                allow(r#"{"AWS":["111111111111"]}"#),
            ])),
        ),
        // A principal that was deleted: IAM would refuse to take it back.
        (
            document(&[allow(
                r#"{"AWS":["AROAEXAMPLEID0000000001","999988887777","111111111111"]}"#,
            )]),
            Some(document(&[allow(r#"{"AWS":["111111111111"]}"#)])),
        ),
        // The statement stands without a list.
        (
            format!(
                r#"{{"Statement":{},"Version":"2012-10-17"}}"#,
                allow(r#"{"AWS":["999988887777","111111111111"]}"#)
            ),
            Some(format!(
                r#"{{"Statement":{},"Version":"2012-10-17"}}"#,
                allow(r#"{"AWS":["111111111111"]}"#)
            )),
        ),
        // Escapes do not hide a principal, nor a bracket in a string the end of a list.
        (
            document(&[escaped(
                r#""\u0039\u00399988887777","arn:aws:iam::111111111111:user/a,b""#,
            )]),
            Some(document(&[escaped(
                r#""arn:aws:iam::111111111111:user/a,b""#,
            )])),
        ),
        // Nothing compliant would be left.
        (document(&[allow(r#"{"AWS":"999988887777"}"#)]), None),
        (
            format!(
                r#"{{"Version":"2012-10-17","Statement":{}}}"#,
                allow(r#"{"AWS":"*"}"#)
            ),
            None,
        ),
        (
            document(&[
                r#"{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"}"#.to_owned(),
                allow(r#"{"AWS":"999988887777"}"#),
            ]),
            None,
        ),
        // Nothing violates: there is nothing to repair.
        (document(&[allow(good)]), None),
        ("{]".to_owned(), None),
        ("[]".to_owned(), None),
        (
            r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
            None,
        ),
    ];
    for (before, after) in cases {
        let repaired = repair(&before, compliant).map(|repaired| repaired.document);
        assert_eq!(repaired, after, "{before}");
    }
}

#[test]
fn a_refused_principal_is_dropped_wherever_it_stands_whole() {
    let before = document(&[
        allow(r#"{"AWS":["arn:aws:iam::111111111111:role/gone","111111111111"]}"#),
        allow(r#"{"AWS":"arn:aws:iam::111111111111:role/gone"}"#),
        allow(r#"{"AWS":"arn:aws:iam::111111111111:role/gone-too"}"#),
    ]);
    let after = document(&[
        allow(r#"{"AWS":["111111111111"]}"#),
        allow(r#"{"AWS":"arn:aws:iam::111111111111:role/gone-too"}"#),
    ]);
    let gone = "arn:aws:iam::111111111111:role/gone";
    let message = format!(r#"Invalid principal in policy: "AWS":"{gone}""#);
    for refused in [gone, &message] {
        let (left, dropped) = without_principal(&before, refused, compliant).unwrap();
        assert_eq!((left, dropped.as_str()), (after.clone(), gone));
    }
    assert_eq!(
        without_principal(&before, "arn:aws:iam::111111111111:role/other", compliant),
        None
    );
    let only = document(&[allow(r#"{"AWS":"arn:aws:iam::111111111111:role/gone"}"#)]);
    assert_eq!(
        without_principal(&only, gone, compliant),
        None,
        "nothing is left"
    );
    assert_eq!(
        without_principal(&before, gone, |_| false),
        None,
        "what is left is judged"
    );
}

fn principal() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "\"111111111111\"",
        "\"arn:aws:iam::222222222222:root\"",
        "\"arn:aws:iam::333333333333:role/a,b\"",
        "\"999988887777\"",
        "\"arn:aws:iam::999988887777:role/x\"",
        "\"*\"",
    ])
    .prop_map(str::to_owned)
}

fn statement() -> impl Strategy<Value = String> {
    let space = || prop::sample::select(vec!["", " ", "\n  ", "\t"]);
    (any::<bool>(), prop::collection::vec(principal(), 1..4), any::<bool>(), space(), space())
        .prop_map(|(deny, principals, service, a, b)| {
            let effect = if deny { "Deny" } else { "Allow" };
            let mut list = principals;
            list.sort();
            list.dedup();
            let service = if service {
                format!(r#",{b}"Service":{a}"lambda.amazonaws.com""#)
            } else {
                String::new()
            };
            let list = list.join(&format!("{a},{b}"));
            format!(
                r#"{{{a}"Effect":{b}"{effect}",{a}"Principal":{b}{{"AWS":{a}[{b}{list}{a}]{service}}},"Action":"sts:AssumeRole"{b}}}"#
            )
        })
}

proptest! {
    #[test]
    fn repair_is_exact(statements in prop::collection::vec(statement(), 1..5), space in prop::sample::select(vec!["", " ", "\n"])) {
        let before = format!(
            r#"{{"Version":"2012-10-17",{space}"Statement":{space}[{space}{}{space}]}}"#,
            statements.join(&format!("{space},{space}"))
        );
        let old = TrustPolicy::parse(&before).unwrap();
        prop_assert_eq!(&old.errors, &[]);
        let bad = |value: &str| value.contains(STRANGER) || value == "*";
        let good_of = |policy: &TrustPolicy<'_>| -> Vec<String> {
            policy.statements.iter().filter(|s| s.effect == Some(Effect::Allow))
                .flat_map(|s| s.principal.iter().flatten())
                .filter(|p| !bad(&p.value)).map(|p| p.value.clone().into_owned()).collect()
        };
        let Some(repaired) = repair(&before, compliant) else {
            prop_assert!(compliant(&before) || good_of(&old).is_empty());
            return Ok(());
        };
        let new = TrustPolicy::parse(&repaired.document).unwrap();
        prop_assert_eq!(&new.errors, &[]);
        prop_assert!(compliant(&repaired.document));
        // Every compliant grant is kept, in order.
        prop_assert_eq!(good_of(&old), good_of(&new));
        // Statements without anything bad are there byte for byte.
        for statement in &old.statements {
            let all_good = statement.principal.iter().flatten().all(|p| !bad(&p.value));
            if statement.effect == Some(Effect::Deny) || all_good {
                let text = &before[statement.span.start..statement.span.end];
                prop_assert!(repaired.document.contains(text));
            }
        }
        // And it grants nothing that was not granted.
        let context = policy::AnalysisContext {
            own_account: Some("111122223333"), own_organization: None,
            now: Timestamp::UNIX_EPOCH, witnesses: false, providers: &[],
            origin: policy::Origin::Sent,
        };
        prop_assert!(policy::is_subset(&new, &old, &context).is_ok());
    }

    #[test]
    fn nothing_hostile_makes_repair_or_diff_panic(text in ".{0,200}", other in ".{0,80}") {
        let _ = repair(&text, |_| true);
        let _ = without_principal(&text, &other, |_| true);
        let _ = diff(&text, &other);
        let _ = document_digest(&text);
    }
}
