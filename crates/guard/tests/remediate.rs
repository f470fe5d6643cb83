//! The plan and its parts: repair by the smallest removal, the difference, what a history keeps,
//! and the shape of orders. Pure, so in tables.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

use jiff::Timestamp;
use policy::TrustPolicy;
use policy::document::Effect;
use proptest::prelude::*;
use serde_json::{Value, json};
use trustwarden_guard::fold::{FoldClass, FoldWindow};
use trustwarden_guard::history::{
    BASELINE_BYTES_KEPT, BASELINES_KEPT, Baseline, OwnWrite, RoleHistory, WRITES_KEPT, WriteKind,
    WriteProgress, document_digest, same_but_for_the_dead,
};
use trustwarden_guard::incident::{Schema, Stage};
use trustwarden_guard::order::{Order, Task};
use trustwarden_guard::remediate::{
    DiffSign, PlanKind, QUARANTINE, Reason, Situation, diff, fall_back, plan, repair,
    without_principal,
};
use trustwarden_guard::rules::{ChangedRole, NewRole, Remediation};
use trustwarden_guard::world::LiveRole;
use trustwarden_guard::{Check, Severity};

const STRANGER: &str = "999988887777";

/// Lawful: no Allow statement names the stranger, or everyone.
fn lawful(document: &str) -> bool {
    TrustPolicy::parse(document).is_ok_and(|policy| {
        policy.errors.is_empty()
            && policy.statements.iter().all(|statement| {
                statement.effect == Some(Effect::Deny)
                    || statement.principal.iter().flatten().all(|principal| {
                        !principal.value.contains(STRANGER) && principal.value != "*"
                    })
            })
    })
}

fn allow(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
}

fn document(statements: &[String]) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    )
}

fn escaped(list: &str) -> String {
    let condition = r#""Condition":{"StringEquals":{"sts:ExternalId":"\"]},{\\"}}"#;
    format!(
        r#"{{"Effect":"Allow","Pr\u0069ncipal":{{"A\u0057S":[{list}]}},"Action":"sts:AssumeRole",{condition}}}"#
    )
}

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
        // Deny statements stay, also those that name the stranger.
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
        // Nothing lawful would be left.
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
        let repaired = repair(&before, lawful).map(|repaired| repaired.document);
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
        let (left, dropped) = without_principal(&before, refused, lawful).unwrap();
        assert_eq!((left, dropped.as_str()), (after.clone(), gone));
    }
    assert_eq!(
        without_principal(&before, "arn:aws:iam::111111111111:role/other", lawful),
        None
    );
    let only = document(&[allow(r#"{"AWS":"arn:aws:iam::111111111111:role/gone"}"#)]);
    assert_eq!(
        without_principal(&only, gone, lawful),
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
        let Some(repaired) = repair(&before, lawful) else {
            prop_assert!(lawful(&before) || good_of(&old).is_empty());
            return Ok(());
        };
        let new = TrustPolicy::parse(&repaired.document).unwrap();
        prop_assert_eq!(&new.errors, &[]);
        prop_assert!(lawful(&repaired.document));
        // Every lawful grant is kept, in order.
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

    #[test]
    fn any_order_that_can_be_read_has_ids_that_the_queue_takes(role in ".{0,300}", event in ".{0,300}") {
        let mut value = order();
        value["task"]["role"] = json!(role);
        value["task"]["cause"]["event_id"] = json!(event);
        let order: Order = serde_json::from_value(value).unwrap();
        for id in [order.id(), order.group()] {
            prop_assert!((1..=128).contains(&id.len()));
            prop_assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}

fn history() -> RoleHistory {
    RoleHistory::new(
        "111122223333",
        &LiveRole {
            name: "R".to_owned(),
            arn: "arn:aws:iam::111122223333:role/R".to_owned(),
            path: "/".to_owned(),
            role_id: "AROA1".to_owned(),
            document: String::new(),
            created: None,
        },
    )
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_763_000_000 + second).unwrap()
}

fn baseline(document: &str, written: Option<i64>, seen: i64) -> Baseline {
    Baseline {
        document: document.to_owned(),
        digest: document_digest(document),
        actor: None,
        written_at: written.map(at),
        seen_at: at(seen),
        seen_live: true,
    }
}

fn own_write(second: i64, progress: WriteProgress) -> OwnWrite {
    OwnWrite {
        order: "o".to_owned(),
        incident: None,
        kind: WriteKind::Revert,
        digest: "d".to_owned(),
        replaced: "r".to_owned(),
        at: at(second),
        done_at: None,
        undoes: at(second),
        progress,
        details: String::new(),
        dropped: Vec::new(),
        fallback: None,
    }
}

/// DESIGN, safety lines 4 and 6, as one table: what is planned when.
#[test]
fn the_plan_follows_the_rules_the_history_and_the_budget() {
    let good = document(&[allow(r#"{"AWS":"111111111111"}"#)]);
    let mixed = document(&[allow(r#"{"AWS":["111111111111","999988887777"]}"#)]);
    let hopeless = document(&[allow(r#"{"AWS":"999988887777"}"#)]);
    let expired = document(&[allow(r#"{"AWS":"*"}"#)]);
    let mut known = history();
    known.remember(baseline(&good, Some(0), 0));
    known.remember(baseline(&expired, Some(5), 5));
    let empty = history();
    let remediation = |changed, new| Remediation {
        changed_role: changed,
        new_role: new,
        ..Remediation::default()
    };
    use ChangedRole as C;
    use NewRole as N;
    use PlanKind::{Quarantine, Repair, Revert};
    let usual = remediation(C::Revert, N::Repair);
    // (live, critical, created, history, remediation, writes used) → plan, document
    #[expect(clippy::type_complexity, reason = "the columns of a table")]
    let cases: [(
        &str,
        bool,
        bool,
        &RoleHistory,
        &Remediation,
        usize,
        Result<(PlanKind, &str), Reason>,
    ); 16] = [
        // The newest baseline violates today's rules: the one before it is restored.
        (&mixed, true, false, &known, &usual, 0, Ok((Revert, &good))),
        (&mixed, true, true, &known, &usual, 0, Ok((Revert, &good))),
        (&mixed, true, false, &empty, &usual, 0, Ok((Repair, ""))),
        (&mixed, true, true, &empty, &usual, 0, Ok((Repair, ""))),
        (
            &hopeless,
            true,
            false,
            &empty,
            &usual,
            0,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &hopeless,
            true,
            true,
            &empty,
            &usual,
            0,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &remediation(C::Repair, N::Off),
            0,
            Ok((Repair, "")),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &remediation(C::Quarantine, N::Off),
            0,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &mixed,
            true,
            true,
            &empty,
            &remediation(C::Off, N::Quarantine),
            0,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &remediation(C::Off, N::Repair),
            0,
            Err(Reason::Off),
        ),
        (
            &mixed,
            true,
            true,
            &empty,
            &remediation(C::Revert, N::Off),
            0,
            Err(Reason::Off),
        ),
        (&mixed, true, false, &known, &usual, 1, Ok((Revert, &good))),
        // The last write of three closes, and only what is CRITICAL.
        (
            &mixed,
            true,
            false,
            &known,
            &usual,
            2,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &mixed,
            false,
            false,
            &known,
            &usual,
            2,
            Err(Reason::BudgetSpent { used: 2, most: 3 }),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &usual,
            3,
            Err(Reason::BudgetSpent { used: 3, most: 3 }),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &usual,
            9,
            Err(Reason::BudgetSpent { used: 9, most: 3 }),
        ),
    ];
    for (number, (live, critical, created, history, remediation, writes_used, expected)) in
        cases.into_iter().enumerate()
    {
        let situation = Situation {
            live,
            critical,
            tolerating: false,
            created,
            history,
            remediation,
            writes_used,
        };
        let planned = plan(&situation, lawful);
        match (planned, expected) {
            (Ok(plan), Ok((kind, document))) => {
                assert_eq!(plan.kind, kind, "case {number}");
                assert!(
                    document.is_empty() || plan.document == document,
                    "case {number}"
                );
                assert!(
                    lawful(&plan.document),
                    "case {number}: what is planned is lawful"
                );
            }
            (planned, expected) => {
                assert_eq!(planned.err(), expected.err(), "case {number}");
            }
        }
    }
    let situation = Situation {
        live: &mixed,
        critical: true,
        tolerating: true,
        created: false,
        history: &known,
        remediation: &usual,
        writes_used: 0,
    };
    assert_eq!(
        plan(&situation, lawful).unwrap().kind,
        Repair,
        "what the rules leave to people stays"
    );
    let next = fall_back(Revert, "too long", &situation, lawful).unwrap();
    assert_eq!(
        (next.kind, next.fallback.as_deref()),
        (Repair, Some("too long"))
    );
    assert_eq!(
        fall_back(Repair, "too long", &situation, lawful)
            .unwrap()
            .kind,
        Quarantine
    );
    assert_eq!(fall_back(Quarantine, "too long", &situation, lawful), None);
}

#[test]
fn a_history_keeps_the_newest_by_time_within_its_limits() {
    let mut kept = history();
    for second in [30, 10, 20, 10] {
        kept.remember(baseline(&format!("{{\"at\":{second}}}"), Some(second), 100));
    }
    let order: Vec<&str> = kept
        .approved
        .iter()
        .map(|kept| kept.document.as_str())
        .collect();
    assert_eq!(order, [r#"{"at":10}"#, r#"{"at":20}"#, r#"{"at":30}"#]);
    // Known content moves to its newest time and keeps the bytes as they were sent last.
    kept.remember(baseline("{ \"at\": 10 }", Some(40), 100));
    assert_eq!(kept.newest().unwrap().document, "{ \"at\": 10 }");
    assert_eq!(kept.approved.len(), 3);
    // Seen again without an event: nothing is forgotten about it.
    kept.remember(baseline(r#"{"at":10}"#, None, 200));
    assert_eq!(kept.newest().unwrap().written_at, Some(at(40)));
    assert_eq!(kept.newest().unwrap().seen_at, at(200));
    for second in 50..70 {
        kept.remember(baseline(&format!("{{\"at\":{second}}}"), Some(second), 300));
    }
    assert_eq!(kept.approved.len(), BASELINES_KEPT);
    assert_eq!(kept.newest().unwrap().document, r#"{"at":69}"#);
    // Padded documents: the newest is always kept, whatever its size.
    let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(BASELINE_BYTES_KEPT));
    kept.remember(baseline(&huge, Some(500), 500));
    assert_eq!(kept.approved.len(), 1);
    for second in 0..200 {
        kept.record_write(own_write(second, WriteProgress::Written));
    }
    assert_eq!(kept.writes.len(), WRITES_KEPT);
    // Refusals, however many, do not push writes out of the hour's count.
    let mut kept = history();
    kept.record_write(own_write(0, WriteProgress::Written));
    for second in 0..300 {
        kept.record_write(own_write(second, WriteProgress::Refused));
    }
    assert_eq!(kept.writes_within_the_hour(at(300)), 1);
}

#[test]
fn among_documents_of_one_second_the_one_seen_live_counts_as_newer() {
    let mut kept = history();
    kept.remember(baseline(r#"{"live":1}"#, Some(10), 11));
    kept.remember(Baseline {
        seen_live: false,
        ..baseline(r#"{"told":1}"#, Some(10), 12)
    });
    assert_eq!(kept.newest().unwrap().document, r#"{"live":1}"#);
}

#[test]
fn the_hour_counts_intents_and_writes_but_no_refusals() {
    let mut kept = history();
    kept.record_write(own_write(0, WriteProgress::Written));
    kept.record_write(own_write(3_000, WriteProgress::Intended));
    kept.record_write(own_write(3_100, WriteProgress::Refused));
    assert_eq!(kept.writes_within_the_hour(at(3_200)), 2);
    assert_eq!(kept.writes_within_the_hour(at(3_600)), 1);
    assert!(kept.wrote("d"));
    kept.writes
        .retain(|write| write.progress == WriteProgress::Refused);
    assert!(!kept.wrote("d"), "what IAM refused was not written");
}

/// What IAM stores alike is one document; what it does not is another.
#[test]
fn documents_are_compared_as_iam_stores_them() {
    let same = [
        (r#"{"a":[1]}"#, "{ \"a\" :\n1}"),
        (
            r#"{"Principal":{"AWS":"111122223333"}}"#,
            r#"{"Principal":{"AWS":["arn:aws:iam::111122223333:root"]}}"#,
        ),
        (r#"{"AWS":["b","a"]}"#, r#"{"AWS":["a","b"]}"#),
        (r#"{"x":true,"y":"2"}"#, r#"{"y":2,"x":"true"}"#),
    ];
    for (one, other) in same {
        assert_eq!(
            document_digest(one),
            document_digest(other),
            "{one} {other}"
        );
    }
    let different = [
        (r#"{"AWS":"a"}"#, r#"{"AWS":"b"}"#),
        (
            r#"{"Service":"arn:aws:iam::111122223333:root"}"#,
            r#"{"Service":"111122223333"}"#,
        ),
        (
            r#"{"Statement":[{"a":1},{"b":2}]}"#,
            r#"{"Statement":[{"b":2},{"a":1}]}"#,
        ),
        // A key given twice: each reader may read another one.
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        ("{]", "{ ]"),
    ];
    for (one, other) in different {
        assert_ne!(
            document_digest(one),
            document_digest(other),
            "{one} {other}"
        );
    }
}

#[test]
fn a_document_is_known_again_when_its_principals_have_died() {
    let role = r#""arn:aws:iam::111111111111:role/gone""#;
    let user = r#""arn:aws:iam::111111111111:user/gone""#;
    let account = r#""111111111111""#;
    let (dead_role, dead_user) = (r#""AROAEXAMPLEID0000001""#, r#""AIDAEXAMPLEID0000001""#);
    let of = |principals: &[&str]| {
        document(&[allow(&format!(r#"{{"AWS":[{}]}}"#, principals.join(",")))])
    };
    let sent = of(&[role, user, account]);
    let same = |live: &str| same_but_for_the_dead(live, &sent);
    assert!(same(&of(&[dead_role, account, user])));
    assert!(same(&of(&[account, dead_user, dead_role])));
    for live in [
        sent.clone(),
        of(&[account]),
        of(&[role, user, dead_role]),
        of(&[dead_role, dead_user, account, user]),
        of(&[r#""arn:aws:iam::999988887777:role/other""#, user, account]),
        of(&[dead_role, user, account]).replace("AssumeRole", "TagSession"),
        "{]".to_owned(),
    ] {
        assert!(!same(&live), "{live}");
    }
}

#[test]
fn the_difference_is_told_by_statement() {
    let one = allow(r#"{"AWS":"111111111111"}"#);
    let two = allow(r#"{"AWS":"222222222222"}"#);
    let told = |old: &str, new: &str| -> Vec<(DiffSign, String)> {
        diff(old, new)
            .into_iter()
            .map(|line| (line.sign, line.text))
            .collect()
    };
    let before = document(&[one.clone(), one.clone()]);
    let after = format!(r#"{{"Version": "2012-10-17", "Statement": [{two}, {one}]}}"#);
    assert_eq!(
        told(&before, &after),
        [
            (DiffSign::Removed, one.clone()),
            (DiffSign::Added, two.clone())
        ],
        "a statement that stood twice went once"
    );
    assert_eq!(told(&before, &before.replace(',', ", ")), []);
    let older = before.replace("2012-10-17", "2008-10-17");
    assert_eq!(
        told(&before, &older).len(),
        2,
        "the version changes what statements mean"
    );
    assert_eq!(
        told("{]", "[}").len(),
        2,
        "what cannot be read is shown whole"
    );
}

fn order() -> Value {
    json!({
        "schema": 1,
        "account": "111122223333",
        "task": {
            "kind": "remediate",
            "role": "MyRole",
            "cause": {
                "event_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
                "event_name": "UpdateAssumeRolePolicy",
                "event_time": "2026-11-21T10:00:00Z",
                "region": "us-east-1",
                "actor": { "kind": "IAMUser", "tool": "cli" }
            },
            "change": "changed",
            "document": "{}",
            "incident": "TW-ABCDEFGHJKMN"
        },
        "rules": "e2",
        "issued_at": "2026-11-21T10:00:01Z"
    })
}

#[test]
fn orders_are_json_with_a_schema_and_name_their_group() {
    let read: Order = serde_json::from_value(order()).unwrap();
    assert_eq!(read.id(), "0f8fad5b-d9cb-469f-a165-70867728950e-remediate");
    assert_eq!(
        read.group(),
        "111122223333/role/myrole",
        "role names ignore case"
    );
    let again: Order = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(again, read);
    for schema in [json!(0), json!(2), Value::Null] {
        let mut value = order();
        value["schema"] = schema;
        assert!(serde_json::from_value::<Order>(value).is_err());
    }
    let class = FoldClass {
        check: Check::RootSignInFailed,
        severity: Severity::Medium,
        stage: Stage::Detected,
    };
    let window = FoldWindow::at("111122223333", class, at(0));
    let digest = Order {
        task: Task::Digest(window.clone()),
        ..read
    };
    assert_eq!(
        digest.group(),
        "111122223333/digest/root-sign-in-failed/MEDIUM/detected"
    );
    let again: Order = serde_json::from_str(&serde_json::to_string(&digest).unwrap()).unwrap();
    assert_eq!(again, digest);
    assert_eq!(digest.schema, Schema);
}

#[test]
fn windows_are_the_same_for_everyone() {
    let class = |check| FoldClass {
        check,
        severity: Severity::High,
        stage: Stage::Detected,
    };
    let usual = class(Check::MissingExternalId);
    let window = |second| FoldWindow::at("1", usual, Timestamp::from_second(second).unwrap());
    assert_eq!(window(600), window(899));
    assert_ne!(window(899), window(900));
    assert_eq!((window(899).start, window(899).end()), (600, 900));
    assert_eq!(window(-1).start, -300);
    assert_eq!(
        (usual.alone(), class(Check::RootSignInFailed).alone()),
        (10, 1)
    );
    let sign_ins = FoldWindow::at("1", class(Check::RootSignInFailed), at(0));
    assert_eq!(sign_ins.end() - sign_ins.start, 15 * 60);
}
