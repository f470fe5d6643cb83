//! What holds for any input: texts that attackers write, floods of documents, any moment.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};
use trustwarden_guard::alert::{Alert, MESSAGE_BYTES, slack};
use trustwarden_guard::model::{LiveRole, document_digest};
use trustwarden_guard::state::digest_window::{FoldClass, FoldWindow};
use trustwarden_guard::state::history::{
    BASELINE_BYTES_KEPT, BASELINES_KEPT, Baseline, OwnWrite, RoleHistory, WRITES_KEPT, WriteKind,
    WriteProgress,
};
use trustwarden_guard::state::incident::Stage;
use trustwarden_guard::{Check, Severity, incident_id};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn history() -> RoleHistory {
    RoleHistory::new(
        "111122223333",
        &LiveRole {
            name: "ObserverProd".to_owned(),
            arn: "arn:aws:iam::111122223333:role/ObserverProd".to_owned(),
            path: "/".to_owned(),
            role_id: "AROAOBSERVERPROD0001".to_owned(),
            document: "{}".to_owned(),
            created: None,
        },
    )
}

/// A document of so many kilobytes; its number tells it from others.
fn baseline(number: u8, kilobytes: usize, second: i64, reported: bool) -> Baseline {
    Baseline {
        digest: number.to_string(),
        document: "x".repeat(kilobytes * 1024),
        actor: None,
        written_at: reported.then(|| at(second)),
        seen_at: at(second),
        stale_by: 0,
        seen_live: reported,
        live_again_at: None,
    }
}

/// What may stand anywhere in an alert: words, and what channels take for more than that.
fn hostile_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "role",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{202e}",
        "\u{200b}",
        "\u{e0041}",
        "<",
        ">",
        "&",
        "&lt;",
        "<!channel>",
        "<@U1|x>",
        "<https://evil.example|here>",
        "https://evil.example",
        "*b*",
        "_i_",
        "~s~",
        "`c`",
        "```",
        "\"",
        "\\",
        "𝒂",
        "é",
        "\u{fffd}",
    ]);
    prop_oneof![
        prop::collection::vec(pieces, 0..20).prop_map(|pieces| pieces.concat()),
        ".{0,80}",
        Just("x".repeat(5_000)),
        Just("\u{202e}".repeat(2_000)),
    ]
}

fn alert(texts: &[String]) -> Alert {
    let mut texts = texts.iter().cycle();
    let mut text = || texts.next().unwrap().clone();
    serde_json::from_value(json!({
        "schema": 1, "stage": "outcome", "incident": text(), "severity": "CRITICAL",
        "subject": text(), "title": text(), "account": text(), "stack": text(),
        "at": "2026-11-21T10:00:00Z", "mode": text(), "rules": text(),
        "resource": { "kind": "role", "name": text(), "arn": text(), "id": text() },
        "findings": [{
            "code": "public-trust", "severity": "CRITICAL", "message": text(),
            "third_party": text(), "vendor": text(), "fix": text(),
        }],
        "grantees": [{ "text": text(), "account": text(), "vendor": text(), "known_as": text() }],
        "outcome": {
            "kind": "reverted", "text": text(), "open": true, "dropped": [text()],
            "document": text(),
        },
        "open_seconds": 5, "changes": [text()], "diff": [{ "sign": "+", "text": text() }],
        "notes": [text()], // The guard's own words and addresses.
        "links": [{ "text": "the role", "url": "https://console.aws.amazon.com/" }],
    }))
    .unwrap()
}

fn texts_of<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(list) => list.iter().for_each(|value| texts_of(value, found)),
        Value::Object(map) => map.values().for_each(|value| texts_of(value, found)),
        _ => {}
    }
}

proptest! {
    // The same cases every time.
    #![proptest_config(ProptestConfig {
        cases: crate::cases(200),
        rng_seed: RngSeed::Fixed(0x686f_7374),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whoever floods a role with compliant documents pushes out the oldest, and fills no item.
    #[test]
    fn a_history_has_a_bound_and_what_is_newest_stays(
        documents in prop::collection::vec((0_u8..20, 0_usize..130, 0_i64..1_000, any::<bool>()), 1..40),
        writes in prop::collection::vec(any::<bool>(), 0..150),
    ) {
        let mut history = history();
        for (number, kilobytes, second, reported) in documents {
            history.remember(baseline(number, kilobytes, second, reported));
            let bytes: usize = history.approved.iter().map(|kept| kept.document.len()).sum();
            prop_assert!(history.approved.len() <= BASELINES_KEPT);
            prop_assert!(bytes <= BASELINE_BYTES_KEPT || history.approved.len() == 1);
            prop_assert!(history.approved.is_sorted_by_key(Baseline::as_of));
            // Among what is kept, nothing stands twice.
            let mut digests: Vec<_> = history.approved.iter().map(|kept| &kept.digest).collect();
            digests.sort();
            digests.dedup();
            prop_assert_eq!(digests.len(), history.approved.len());
        }
        let newest = history.newest().unwrap().clone();
        history.remember(baseline(99, 1, newest.as_of().as_second() + 1, true));
        prop_assert_eq!(&history.newest().unwrap().digest, "99");

        let mut happened = 0;
        for (number, refused) in writes.iter().enumerate() {
            happened += usize::from(!refused);
            history.record_write(OwnWrite {
                order: number.to_string(),
                role_id: None,
                incident: None,
                kind: WriteKind::Revert,
                digest: number.to_string(),
                replaced: String::new(),
                at: at(0),
                done_at: None,
                undoes: at(0),
                progress: if *refused { WriteProgress::Refused } else { WriteProgress::Written },
                details: String::new(),
                dropped: Vec::new(),
                fallback: None,
            }, "{}");
            prop_assert!(history.writes.len() <= WRITES_KEPT);
            prop_assert!(*refused || history.wrote(&number.to_string()));
        }
        // No number of refusals makes it forget what it wrote.
        let known = history.writes.iter().filter(|write| write.progress != WriteProgress::Refused);
        prop_assert_eq!(known.count(), happened.min(WRITES_KEPT));
    }

    #[test]
    fn any_text_in_an_alert_stays_text_in_every_channel(texts in prop::collection::vec(hostile_text(), 1..6)) {
        let alert = alert(&texts);
        let bundle = alert.bundle();
        prop_assert!(bundle.message.len() <= MESSAGE_BYTES);
        prop_assert!(bundle.subject.len() < 100 && !bundle.subject.is_empty());
        prop_assert!(bundle.subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        prop_assert!(!bundle.subject.contains(['<', '>']));
        let mail = alert.text();
        let hidden = |character: char| {
            (character.is_control() && character != '\n') || matches!(character, '\u{202e}' | '\u{200b}')
        };
        prop_assert!(!mail.contains(hidden), "{mail:?}");
        prop_assert!(!mail.contains(['<', '>']), "{}", mail);
        prop_assert!(!mail.contains("https://evil.example"), "{}", mail);
        let lines = alert_lines();
        prop_assert!(mail.lines().count() <= lines, "lines were added to {lines}:\n{mail}");
        // Machines get it back.
        let back: Alert = serde_json::from_str(&alert.document()).unwrap();
        prop_assert_eq!(back.findings.len(), 1);

        let message = slack::message(&alert);
        for block in message["blocks"].as_array().unwrap() {
            // Plain text and addresses are not read as markup.
            if block["type"] == "header" || block["type"] == "actions" {
                continue;
            }
            let mut found = Vec::new();
            texts_of(block, &mut found);
            for text in found {
                let escaped = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
                prop_assert!(!escaped.contains(['&', '<', '>']), "{text}");
                prop_assert!(!text.contains("https://evil.example"), "{text}");
                prop_assert!(text.chars().count() <= 3_000);
            }
        }
    }

    /// How a document is laid out says nothing, and what it says is all that counts.
    #[test]
    fn a_digest_is_that_of_what_a_document_says(name in "[a-z]{1,8}", value in ".{0,20}", text in ".{0,60}") {
        let document = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": value, name: ["a", "b"] }] });
        let pretty = serde_json::to_string_pretty(&document).unwrap();
        prop_assert_eq!(document_digest(&pretty), document_digest(&document.to_string()));
        let other = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": format!("{value}x") }] });
        prop_assert_ne!(document_digest(&other.to_string()), document_digest(&pretty));
        // What is no JSON is what its bytes are.
        prop_assert_eq!(document_digest(&text).len(), 64);
    }

    #[test]
    fn every_moment_has_one_window(second in -377_705_023_201_i64..253_402_207_200, account in ".{0,20}") {
        for check in [Check::RootSignInFailed, Check::PublicTrust] {
            let class = FoldClass { check, severity: Severity::High, stage: Stage::Detected, needs_person: second % 2 == 0 };
            let window = FoldWindow::at(&account, class, at(second));
            prop_assert!(window.start <= second && second < window.end());
            prop_assert_eq!(window.start.rem_euclid(class.window_seconds()), 0);
        }
    }

    #[test]
    fn an_incidents_id_can_be_said_on_the_phone(account in ".{0,40}", event in ".{0,200}") {
        let id = incident_id(&account, &event);
        prop_assert_eq!(id.len(), 15);
        prop_assert!(id.bytes().all(|byte| byte == b'-' || byte.is_ascii_uppercase() || byte.is_ascii_digit()));
        prop_assert_eq!(&id, &incident_id(&account, &event));
    }
}

/// How many lines the mail of such an alert has with nothing hostile in it.
fn alert_lines() -> usize {
    alert(&["plain".to_owned()]).text().lines().count()
}
