//! Alerts: for people, for machines, within SNS's limits, whatever attackers write into them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

mod acting;

use serde_json::{Value, json};
use trustwarden_guard::alert::{
    ALERT_SCHEMA_ID, Alert, Digest, DigestGroup, DigestLine, Grantee, Link, MESSAGE_BYTES,
};
use trustwarden_guard::cloudtrail::Record;
use trustwarden_guard::model::{Cause, Resource};
use trustwarden_guard::remediate::{DiffLine, DiffSign, Outcome, OutcomeKind};
use trustwarden_guard::state::incident::{Schema, Stage, incident_id};
use trustwarden_guard::{Check, Finding, Severity};

const HOSTILE: &str = "a\n\nFrom: ceo\r\n<script>alert(1)</script> <!channel> \u{202e}dlrow\u{200b} \
                       *bold* `code` &amp; https://evil.example/x \u{1b}[31m\u{0}\u{7f}";

fn finding(code: Check, message: &str) -> Finding {
    Finding {
        code,
        severity: code.default_severity(),
        message: message.to_owned(),
        statement: Some(1),
        third_party: Some("999988887777".to_owned()),
        vendor: None,
        witness: Some(policy::Request {
            principal: policy::RequestPrincipal {
                kind: "AWS".to_owned(),
                value: "arn:aws:iam::999988887777:root".to_owned(),
            },
            action: "sts:AssumeRole".to_owned(),
            context: [("sts:ExternalId".to_owned(), vec!["x".to_owned()])].into(),
        }),
        ways: Vec::new(),
        fix: Some("take it out".to_owned()),
    }
}

fn actor(name: &str, agent: &str) -> trustwarden_guard::cloudtrail::Actor {
    Record::from_value(&json!({
        "eventID": "e", "eventName": "UpdateAssumeRolePolicy", "eventSource": "iam.amazonaws.com",
        "sourceIPAddress": "203.0.113.9", "userAgent": agent,
        "userIdentity": {
            "type": "AssumedRole",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/Admin/{name}"),
            "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE",
            "sessionContext": {
                "sessionIssuer": { "arn": "arn:aws:iam::111122223333:role/Admin", "userName": "Admin" },
                "attributes": { "mfaAuthenticated": "false" }
            }
        }
    }))
    .actor()
}

fn outcome() -> Alert {
    Alert {
        schema: Schema,
        stage: Stage::Outcome,
        incident: incident_id("111122223333", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        severity: Severity::Critical,
        subject: "role/ObserverProd".to_owned(),
        title: "role ObserverProd: the approved trust policy is restored".to_owned(),
        account: "111122223333".to_owned(),
        stack: "trustwarden".to_owned(),
        at: "2026-11-21T10:03:05Z".parse().unwrap(),
        mode: "enforce".to_owned(),
        rules: "e20645a88050".to_owned(),
        cause: Some(Cause {
            event_id: "0f8fad5b-d9cb-469f-a165-70867728950e".to_owned(),
            event_name: "UpdateAssumeRolePolicy".to_owned(),
            event_time: "2026-11-21T10:00:00Z".parse().unwrap(),
            region: "us-east-1".to_owned(),
            actor: actor("alice", "APN/1.0 HashiCorp/1.0 Terraform/1.9.0"),
        }),
        resource: Some(Resource {
            kind: "role".to_owned(),
            name: "ObserverProd".to_owned(),
            arn: Some("arn:aws:iam::111122223333:role/ObserverProd".to_owned()),
            id: Some("AROAEXAMPLE".to_owned()),
        }),
        document_digest: Some("ab".repeat(32)),
        document: None,
        findings: vec![finding(
            Check::UnknownThirdParty,
            "account 999988887777 can enter",
        )],
        grantees: vec![Grantee {
            text: "any principal of account 464622532012".to_owned(),
            account: Some("464622532012".to_owned()),
            vendor: None,
            owner: None,
            ticket: None,
            known_as: Some("Datadog".to_owned()),
        }],
        outcome: Some(Outcome {
            kind: OutcomeKind::Reverted,
            text: "restored: the newest approved trust policy".to_owned(),
            open: false,
            dropped: vec!["arn:aws:iam::111122223333:role/gone".to_owned()],
            document: Some("{}".to_owned()),
        }),
        open_seconds: Some(185),
        changes: vec!["no longer account 999988887777".to_owned()],
        diff: vec![DiffLine {
            sign: DiffSign::Removed,
            text: "{\"Effect\":\"Allow\"}".to_owned(),
        }],
        digest: None,
        notes: vec!["a remark".to_owned()],
        links: vec![Link {
            text: "the role in the console".to_owned(),
            url: "https://console.aws.amazon.com/iam/home#/roles/details/ObserverProd".to_owned(),
        }],
    }
}

fn digest(lines: usize) -> Alert {
    let at: jiff::Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let line = |number: usize| DigestLine {
        incident: incident_id("111122223333", &number.to_string()),
        at,
        subject: "root".to_owned(),
        line: format!(
            "a root sign-in failed: the root user, from 203.0.113.{}",
            number % 250
        ),
        third_party: Some("999988887777".to_owned()),
        actor: Some("the root user".to_owned()),
        open: number == 1,
        also: vec![incident_id("111122223333", "another")],
    };
    Alert {
        stage: Stage::Digest,
        severity: Severity::Medium,
        cause: None,
        resource: None,
        outcome: None,
        open_seconds: None,
        grantees: Vec::new(),
        diff: Vec::new(),
        changes: Vec::new(),
        document_digest: None,
        document: None,
        findings: vec![finding(Check::RootSignInFailed, "many")],
        digest: Some(Digest {
            class: "root-sign-in-failed/MEDIUM/detected".to_owned(),
            about: None,
            from: at,
            to: at,
            count: lines as u64 + 1,
            folded: lines as u64,
            subjects: vec![("root".to_owned(), lines as u64 + 1)],
            lines: (0..lines).map(line).collect(),
            open: 1,
            kept: Some(
                "111122223333/fold/root-sign-in-failed/MEDIUM/detected/1763766000".to_owned(),
            ),
            groups: vec![DigestGroup {
                third_party: Some("999988887777".to_owned()),
                actor: None,
                count: lines as u64,
                open: 1,
                subjects: vec!["root".to_owned()],
            }],
            ..Digest::default()
        }),
        ..outcome()
    }
}

/// Everything an attacker can write, in every field he can reach.
fn hostile() -> Alert {
    let mut alert = outcome();
    let text = || HOSTILE.to_owned();
    alert.subject = format!("role/{HOSTILE}");
    alert.title = text();
    alert.stack = text();
    let cause = alert.cause.as_mut().unwrap();
    cause.actor = actor(HOSTILE, HOSTILE);
    cause.event_name = text();
    cause.region = text();
    let resource = alert.resource.as_mut().unwrap();
    resource.name = text();
    resource.arn = Some(text());
    alert.findings = vec![finding(Check::PublicTrust, HOSTILE)];
    alert.grantees[0].text = text();
    alert.changes = vec![text()];
    alert.diff = vec![DiffLine {
        sign: DiffSign::Added,
        text: text(),
    }];
    alert.notes = vec![text()];
    let outcome = alert.outcome.as_mut().unwrap();
    outcome.text = text();
    outcome.dropped = vec![text()];
    alert
}

#[test]
fn the_text_answers_in_the_order_in_which_a_person_asks() {
    let text = outcome().text();
    let order = [
        "role ObserverProd: the approved trust policy is restored",
        "UpdateAssumeRolePolicy on role/ObserverProd in account 111122223333",
        "How bad: CRITICAL",
        "CRITICAL unknown-third-party: account 999988887777 can enter",
        "Who did it: role Admin, session alice",
        "from 203.0.113.9, without MFA",
        "It was Terraform: the next apply undoes",
        "External access now:",
        "(publicly listed as Datadog: a hint, no approval)",
        "What the guard did: restored",
        "IAM refused arn:aws:iam::111122223333:role/gone",
        "Was exposed for 3 min 5 s.",
        "What changed for those who assume the role:",
        "What changed, by statement",
        "- {\"Effect\":\"Allow\"}",
        "If it was planned:",
        "If it was not:",
        "the role in the console: https://console.aws.amazon.com/",
        "Incident TW-",
    ];
    let mut from = 0;
    for part in order {
        let at = text[from..]
            .find(part)
            .unwrap_or_else(|| panic!("`{part}` is not there, or not in order:\n{text}"));
        from += at;
    }
}

#[test]
fn an_open_exposure_is_called_open() {
    let mut alert = outcome();
    alert.outcome.as_mut().unwrap().open = true;
    assert!(
        alert
            .text()
            .contains("Exposed for 3 min 5 s; still exposed.")
    );
    assert_eq!(
        alert.mail_subject(),
        format!(
            "STILL EXPOSED 111122223333 role/ObserverProd: CRITICAL {}",
            alert.incident
        )
    );
}

#[test]
fn hostile_text_stays_one_line_without_markup_or_links() {
    let alert = hostile();
    let text = alert.text();
    let plain = outcome().text();
    assert!(
        text.lines().count() <= plain.lines().count() + 2,
        "an attacker must not add lines:\n{text}"
    );
    for forbidden in [
        "<",
        ">",
        "\u{202e}",
        "\u{200b}",
        "\u{1b}",
        "\0",
        "\r",
        "\u{7f}",
        "https://evil",
    ] {
        assert!(!text.contains(forbidden), "{forbidden:?} in\n{text}");
    }
    assert!(!text.lines().any(|line| line.starts_with("From:")));
    let document = alert.document();
    let back: Value = serde_json::from_str(&document).unwrap();
    fn walk(value: &Value) {
        match value {
            Value::String(text) => {
                let hidden =
                    |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || c == '\u{202e}';
                assert!(!text.chars().any(hidden), "{text:?}");
            }
            Value::Array(list) => list.iter().for_each(walk),
            Value::Object(map) => map.values().for_each(walk),
            _ => {}
        }
    }
    walk(&back);
}

#[test]
fn a_subject_fits_sns() {
    let mut long = outcome();
    long.subject = "role/".to_owned() + &"x".repeat(500);
    for alert in [outcome(), hostile(), digest(3), long] {
        let subject = alert.bundle().subject;
        assert!(subject.len() < 100, "{subject}");
        assert!(
            subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{subject:?}"
        );
        assert!(subject.contains(alert.severity.name()) && subject.contains(&alert.incident));
        assert!(!subject.contains(['<', '>']));
    }
}

#[test]
fn a_bundle_is_one_message_for_people_and_machines() {
    let alert = outcome();
    let bundle = alert.bundle();
    let message: Value = serde_json::from_str(&bundle.message).unwrap();
    let back: Alert = serde_json::from_str(message["default"].as_str().unwrap()).unwrap();
    assert_eq!(back, alert, "what machines read is the whole alert");
    assert_eq!(message["email"].as_str().unwrap(), alert.text());
    assert!(message["sms"].as_str().unwrap().len() <= 160);
    assert!(
        bundle
            .attributes
            .contains(&("severity", "CRITICAL".to_owned()))
    );
    assert!(
        bundle
            .attributes
            .contains(&("check", "unknown-third-party".to_owned()))
    );
}

#[test]
fn what_does_not_fit_is_left_out_and_said_so() {
    let huge = "\\\"é🔥".repeat(9_000);
    let mut cases = Vec::new();
    let mut documents = outcome();
    documents.outcome.as_mut().unwrap().document = Some(huge.clone());
    documents.diff = vec![
        DiffLine {
            sign: DiffSign::Added,
            text: huge.clone()
        };
        3
    ];
    cases.push(documents);
    let mut lists = outcome();
    lists.findings = vec![finding(Check::UnknownThirdParty, &"\"".repeat(900)); 3_000];
    lists.grantees = vec![lists.grantees[0].clone(); 3_000];
    lists.notes = vec!["n".repeat(500); 3_000];
    cases.push(lists);
    let mut everything = hostile();
    everything.title = huge.clone();
    everything.subject = huge.clone();
    everything.changes = vec![huge.clone(); 15];
    everything.cause.as_mut().unwrap().actor = actor(&huge, &huge);
    everything.outcome.as_mut().unwrap().dropped = vec![huge.clone(); 15];
    everything.outcome.as_mut().unwrap().text = huge.clone();
    everything.resource.as_mut().unwrap().name = huge.clone();
    everything.links.push(Link {
        text: "x".to_owned(),
        url: format!("https://x/{huge}"),
    });
    cases.push(everything);
    cases.push(digest(20_000));
    for alert in cases {
        let bundle = alert.bundle();
        assert!(
            bundle.message.len() <= MESSAGE_BYTES,
            "{}",
            bundle.message.len()
        );
        let message: Value = serde_json::from_str(&bundle.message).unwrap();
        let back: Alert = serde_json::from_str(message["default"].as_str().unwrap()).unwrap();
        let said = back.notes.last().unwrap();
        assert!(said.contains("too long for the topic"), "{said}");
        assert_eq!(
            (back.incident, back.severity),
            (alert.incident.clone(), alert.severity)
        );
        assert!(!back.findings.is_empty());
        if let Some(digest) = &back.digest {
            assert_eq!(digest.count, 20_001, "what is left out is still counted");
        }
    }
}

#[test]
fn an_incident_has_one_id_for_all_deliveries_of_its_event() {
    let id = incident_id("111122223333", "0f8fad5b-d9cb-469f-a165-70867728950e");
    assert_eq!(
        id,
        incident_id("111122223333", "0f8fad5b-d9cb-469f-a165-70867728950e")
    );
    assert_ne!(
        id,
        incident_id("111122223334", "0f8fad5b-d9cb-469f-a165-70867728950e")
    );
    assert_ne!(
        id,
        incident_id("111122223333", "0f8fad5b-d9cb-469f-a165-70867728950f")
    );
    assert_eq!(id.len(), 15);
    assert!(id.starts_with("TW-") && id.bytes().all(|byte| byte.is_ascii_graphic()));
}

/// `docs/alert.schema.json` says exactly what an alert has: no field more, none less.
#[test]
fn the_published_schema_describes_alerts() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/alert.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(schema["$id"], ALERT_SCHEMA_ID);
    let mut detected = outcome();
    detected.stage = Stage::Detected;
    detected.cause.as_mut().unwrap().actor = actor("x", "y");
    for alert in [outcome(), detected, digest(2)] {
        let value = serde_json::to_value(&alert).unwrap();
        check(&schema, &schema, &value, "$");
    }
    let kinds = schema["$defs"]["outcome"]["properties"]["kind"]["enum"]
        .as_array()
        .unwrap();
    for kind in kinds {
        serde_json::from_value::<OutcomeKind>(kind.clone()).unwrap();
    }
    assert_eq!(kinds.len(), 21, "every outcome is published");
    for wrong in [
        json!({ "schema": 2 }),
        json!({ "stage": "guessed" }),
        json!({ "new": 1 }),
    ] {
        let mut value = serde_json::to_value(outcome()).unwrap();
        value
            .as_object_mut()
            .unwrap()
            .extend(wrong.as_object().unwrap().clone());
        let failed = std::panic::catch_unwind(|| check(&schema, &schema, &value, "$"));
        assert!(failed.is_err(), "{wrong}");
    }
}

#[test]
fn an_alert_of_another_schema_is_not_guessed_at() {
    for schema in [json!(0), json!(2), json!("1"), Value::Null] {
        let mut value = serde_json::to_value(outcome()).unwrap();
        value["schema"] = schema;
        assert!(serde_json::from_value::<Alert>(value).is_err());
    }
}

/// The part of JSON Schema that the published one uses; unknown properties are errors.
fn check(root: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return check(root, target, value, at);
    }
    if let Some(constant) = schema.get("const") {
        assert_eq!(constant, value, "{at}");
    }
    if let Some(options) = schema["enum"].as_array() {
        assert!(options.contains(value), "{at}: {value}");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() {
        let is = |kind: &str| match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_u64(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("{other}"),
        };
        assert!(types.into_iter().any(is), "{at}: {value}");
    }
    if let Some(map) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(
                map.contains_key(name.as_str().unwrap()),
                "{at} lacks {name}"
            );
        }
        for (key, value) in map {
            let inner = schema["properties"]
                .get(key)
                .or(schema.get("additionalProperties"));
            let inner = inner.unwrap_or_else(|| panic!("{at}.{key} is not published"));
            check(root, inner, value, &format!("{at}.{key}"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        let inner = schema["prefixItems"].get(index).unwrap_or(&schema["items"]);
        check(root, inner, item, &format!("{at}[{index}]"));
    }
}
