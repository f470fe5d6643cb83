//! Which alerts go out by themselves, and the order, groups and messages of a digest.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use trustwarden_guard::alert::pages::{LINES, PAGES, arranged, groups, pages};
use trustwarden_guard::alert::{Alert, Digest, DigestLine, MESSAGE_BYTES, slack};
use trustwarden_guard::state::digest_window::{FoldClass, FoldMember};
use trustwarden_guard::state::incident::{Schema, Stage};
use trustwarden_guard::{Check, Severity};

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_763_766_000 + second).unwrap()
}

/// `second party actor subject`, `-` where it is not known, and `open`.
fn line(text: &str) -> DigestLine {
    let words: Vec<&str> = text.split(' ').collect();
    let known = |at: usize| Some(words[at].to_owned()).filter(|word| word != "-");
    DigestLine {
        incident: format!("TW-{}", words[0]),
        at: at(words[0].parse().unwrap()),
        subject: words[3].to_owned(),
        line: format!("line of {}", words[3]),
        third_party: known(1),
        actor: known(2),
        open: words.get(4) == Some(&"open"),
        also: Vec::new(),
    }
}

fn lines(texts: &[&str]) -> Vec<DigestLine> {
    texts.iter().map(|text| line(text)).collect()
}

fn subjects(lines: &[DigestLine]) -> Vec<&str> {
    lines.iter().map(|line| line.subject.as_str()).collect()
}

fn digest(lines: Vec<DigestLine>) -> Alert {
    let mut alert: Alert = serde_json::from_value(json!({
        "schema": 1, "stage": "digest", "incident": "TW-ABCDEFGHJKMN", "severity": "CRITICAL",
        "subject": "5000 unknown-third-party", "title": "5000 alerts", "account": "111122223333",
        "stack": "trustwarden", "at": "2026-11-21T10:03:05Z", "mode": "enforce", "rules": "e2",
        "findings": [{ "code": "unknown-third-party", "severity": "CRITICAL", "message": "many" }],
    }))
    .unwrap();
    alert.digest = Some(Digest {
        class: "unknown-third-party/CRITICAL/detected".to_owned(),
        count: lines.iter().map(DigestLine::count).sum(),
        folded: lines.iter().map(DigestLine::count).sum(),
        groups: groups(&lines),
        lines,
        ..Digest::default()
    });
    alert
}

#[test]
fn what_matters_comes_first() {
    let cases: [(&str, &[&str], &[&str]); 6] = [
        ("newest first", &["1 a x old", "2 a x new"], &["new", "old"]),
        (
            "the newest of each third party before the rest of any",
            &["1 b x door", "5 a x d5", "4 a x d4", "3 a x d3"],
            &["d5", "door", "d4", "d3"],
        ),
        (
            "then the newest of each actor",
            &["1 a mallory m", "5 a x d5", "4 a x d4", "3 a x d3"],
            &["d5", "m", "d4", "d3"],
        ),
        (
            "five of each before the sixth of one",
            &[
                "2 b x b2", "1 b x b1", "9 a x a9", "8 a x a8", "7 a x a7", "6 a x a6", "5 a x a5",
                "4 a x a4",
            ],
            &["a9", "b2", "a8", "a7", "a6", "a5", "b1", "a4"],
        ),
        (
            "what is exposed before all that is not",
            &["1 a x first open", "5 b x d5", "4 c x d4"],
            &["first", "d5", "d4"],
        ),
        (
            "who is not known is a group as well",
            &["1 - - root", "5 a - d5", "4 a - d4"],
            &["d5", "root", "d4"],
        ),
    ];
    for (what, given, expected) in cases {
        let arranged = arranged(lines(given));
        assert_eq!(subjects(&arranged), expected, "{what}");
    }
}

#[test]
fn what_is_alike_stands_together_and_every_incident_is_kept() {
    let arranged = arranged(lines(&[
        "1 a x same",
        "2 a x same",
        "3 a y same",
        "4 b x same",
        "5 a x same open",
        "6 a x other",
    ]));
    let reported: Vec<(&str, u64, Vec<&str>)> = arranged
        .iter()
        .map(|line| {
            (
                line.subject.as_str(),
                line.count(),
                line.incidents().collect(),
            )
        })
        .collect();
    assert_eq!(
        reported,
        [
            ("same", 1, vec!["TW-5"]),
            ("other", 1, vec!["TW-6"]),
            ("same", 1, vec!["TW-4"]),
            ("same", 1, vec!["TW-3"]),
            ("same", 2, vec!["TW-2", "TW-1"]),
        ]
    );
}

#[test]
fn groups_count_and_show_the_newest() {
    let arranged = arranged(lines(&[
        "1 a x r1",
        "2 a x r2",
        "3 a x r3 open",
        "4 a x r4",
        "5 a x r4",
        "1 b y door",
    ]));
    let found = groups(&arranged);
    let reported: Vec<_> = found
        .iter()
        .map(|group| {
            let subjects: Vec<&str> = group.subjects.iter().map(String::as_str).collect();
            (
                group.third_party.as_deref().unwrap(),
                group.count,
                group.open,
                subjects,
            )
        })
        .collect();
    assert_eq!(
        reported,
        [
            ("a", 5, 1, vec!["r3", "r4", "r2"]),
            ("b", 1, 0, vec!["door"]),
        ]
    );
}

#[test]
fn what_does_not_fit_stands_in_the_next_message_and_at_last_is_counted() {
    let many = |count: usize, name: &str| -> Vec<DigestLine> {
        (0..count)
            .map(|number| line(&format!("{number} 999988887777 alice role/{name}{number}")))
            .collect()
    };
    let long = "x".repeat(60);
    let cases = [
        (0, "d", 1, 0),
        (1, "d", 1, 0),
        (LINES, "d", 1, 0),
        (LINES + 1, "d", 2, 0),
        (LINES * PAGES, "d", PAGES, 0),
        (LINES * PAGES + 7, "d", PAGES, 7),
        // Slack takes fewer long names.
        (250, &long, 3, 0),
    ];
    for (count, name, expected, left) in cases {
        let messages = pages(digest(arranged(many(count, name))));
        assert_eq!(messages.len(), expected, "{count} × {name}");
        let mut named = BTreeSet::new();
        for (message, number) in messages.iter().zip(1..) {
            let digest = message.digest.as_ref().unwrap();
            assert_eq!((digest.page, digest.pages), (number, expected as u64));
            assert_eq!(digest.left, left);
            assert_eq!(digest.groups.is_empty(), count == 0 || number > 1);
            named.extend(digest.lines.iter().map(|line| line.subject.clone()));
            let text = message.text();
            assert_eq!(text.contains("No message names"), left > 0);
            let numbered = format!("message {number} of {expected}");
            assert_eq!(text.contains(&numbered), expected > 1);
        }
        assert_eq!(named.len(), count - usize::try_from(left).unwrap());
    }
}

#[test]
fn an_alert_goes_out_by_itself_while_there_are_few_or_it_is_the_first_of_its_kind() {
    let class = |check, needs_person| FoldClass {
        check,
        severity: Severity::Critical,
        stage: Stage::Detected,
        needs_person,
    };
    let usual = class(Check::UnknownThirdParty, false);
    let person = class(Check::UnknownThirdParty, true);
    let sign_in = class(Check::RootSignInFailed, false);
    let member = |number: usize, party: &str| FoldMember {
        schema: Schema,
        incident: format!("TW-{number}"),
        at: at(0),
        subject: "role/x".to_owned(),
        line: String::new(),
        third_party: Some(party.to_owned()),
        actor: None,
        open: false,
    };
    for (class, out, party, expected) in [
        (usual, 0, "a", true),
        (usual, 9, "a", true),
        (usual, 10, "a", false),
        (usual, 10, "b", true),
        (usual, 29, "b", true),
        (usual, 30, "b", false),
        (person, 29, "a", true),
        (person, 30, "a", false),
        (person, 49, "b", true),
        (person, 50, "b", false),
        (sign_in, 0, "a", true),
        (sign_in, 1, "a", false),
    ] {
        let beside: Vec<FoldMember> = (0..out).map(|number| member(number, "a")).collect();
        let reported = class.goes_out_alone(&beside, &member(99, party));
        assert_eq!(reported, expected, "{class} after {out}, for {party}");
        // One that comes again goes the way it went.
        let again = [beside, vec![member(99, party)]].concat();
        assert!(class.goes_out_alone(&again, &member(99, party)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases(96)))]

    /// Whatever the names are, each message fits and none is lost.
    #[test]
    fn messages_of_hostile_names_fit(
        names in prop::collection::vec(("\\PC{0,200}", "[ -~]{0,400}", "\\PC{0,400}", "\\PC{0,200}", any::<bool>()), 0..60)
    ) {
        let count = names.len() as u64;
        let given = names.into_iter().zip(0..).map(|((subject, text, party, actor, open), second)| DigestLine {
            incident: format!("TW-{second}"),
            at: at(second),
            subject,
            line: text,
            third_party: Some(party),
            actor: Some(actor),
            open,
            also: Vec::new(),
        });
        let messages = pages(digest(arranged(given.collect())));
        prop_assert!((1..=PAGES).contains(&messages.len()));
        let mut named = 0;
        for message in &messages {
            let digest = message.digest.as_ref().unwrap();
            named += digest.lines.iter().map(DigestLine::count).sum::<u64>();
            let bundle = message.bundle();
            prop_assert!(bundle.message.len() <= MESSAGE_BYTES);
            prop_assert!(!bundle.message.contains("too long for the topic"), "{}", bundle.message.len());
            prop_assert!(message.text().len() < 200_000, "{}", message.text().len());
            prop_assert!(slack::message(message).to_string().len() < 60_000);
        }
        let left = messages[0].digest.as_ref().unwrap().left;
        prop_assert_eq!(named + left, count);
    }
}

#[test]
fn a_message_says_who_and_whom_above_the_names() {
    let mut alert = digest(arranged(lines(&[
        "1 999900001111 alice role/Decoy1",
        "2 999900001111 alice role/Decoy2",
        "3 555566667777 mallory role/Payroll open",
        "4 - - root",
        "5 - - root",
    ])));
    alert.digest.as_mut().unwrap().open = 1;
    let text = alert.text();
    let reported = "  - 555566667777, by mallory: 1 alert, STILL EXPOSED: role/Payroll
  - actor not known: 2 alerts: root
  - 999900001111, by alice: 2 alerts: role/Decoy2, role/Decoy1

555566667777, by mallory: STILL EXPOSED
  2025-11-21T23:00:03Z TW-3: role/Payroll: line of role/Payroll
actor not known
  2025-11-21T23:00:05Z TW-5: root: line of root (2 times)
999900001111, by alice
  2025-11-21T23:00:02Z TW-2: role/Decoy2: line of role/Decoy2
  2025-11-21T23:00:01Z TW-1: role/Decoy1
";
    assert!(text.contains(reported), "{text}");
    assert!(text.contains("STILL EXPOSED: 1 of 5."), "{text}");
    let shown = slack::message(&alert).to_string();
    let reported = "*555566667777, by mallory: STILL EXPOSED*\\nrole/Payroll\\n*actor not known*\\nroot (2 times)\\n\
                *999900001111, by alice*\\nrole/Decoy2, role/Decoy1";
    assert!(shown.contains(reported), "{shown}");
    // The first sweep's lines say it themselves.
    let alert = digest(arranged(lines(&["1 - - role/a", "2 - - role/b"])));
    let reported = "  2025-11-21T23:00:02Z TW-2: line of role/b\n  2025-11-21T23:00:01Z TW-1: line of role/a\n";
    assert!(alert.text().contains(reported), "{}", alert.text());
    let shown = slack::message(&alert).to_string();
    assert!(
        shown.contains("\\n• line of role/b\\n• line of role/a"),
        "{shown}"
    );
}
