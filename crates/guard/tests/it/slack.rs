//! Slack's messages: within Block Kit's limits, with a fallback, everything hostile escaped.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use serde_json::{Value, json};
use trustwarden_guard::alert::slack::message;
use trustwarden_guard::alert::{Alert, Link};
use trustwarden_guard::remediate::{DiffLine, DiffSign};

fn alert(change: impl FnOnce(&mut Value)) -> Alert {
    let mut value = json!({
        "schema": 1, "stage": "outcome", "incident": "TW-ABCDEFGHJKMN", "severity": "CRITICAL",
        "subject": "role/ObserverProd", "title": "role ObserverProd: the approved trust policy is restored",
        "account": "111122223333", "stack": "trustwarden", "at": "2026-11-21T10:03:05Z",
        "mode": "enforce", "rules": "e2",
        "cause": {
            "event_id": "e", "event_name": "UpdateAssumeRolePolicy",
            "event_time": "2026-11-21T10:00:00Z", "region": "us-east-1",
            "actor": { "kind": "IAMUser", "name": "alice", "source_ip": "203.0.113.9", "mfa": false,
                       "tool": "terraform" }
        },
        "findings": [{ "code": "unknown-third-party", "severity": "CRITICAL",
                       "message": "account 999988887777 can enter" }],
        "grantees": [{ "text": "any principal of account 464622532012", "account": "464622532012",
                       "vendor": null, "known_as": "Datadog" }],
        "outcome": { "kind": "reverted", "text": "restored", "open": false },
        "open_seconds": 185,
        "diff": [{ "sign": "-", "text": "{\"Effect\":\"Allow\"}" }],
        "links": [{ "text": "the role in the console", "url": "https://console.aws.amazon.com/x" }]
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
        Value::Object(map) => map.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// AWS_FACTS 23, as Slack enforces it.
fn within_limits(message: &Value) {
    let length = |value: &Value| value.as_str().unwrap().chars().count();
    let blocks = message["blocks"].as_array().unwrap();
    assert!(
        !message["text"].as_str().unwrap().is_empty(),
        "the fallback text"
    );
    assert!(blocks.len() <= 50);
    let mut all = 0;
    for block in blocks {
        match block["type"].as_str().unwrap() {
            "header" => {
                assert_eq!(block["text"]["type"], "plain_text");
                assert!((1..=150).contains(&length(&block["text"]["text"])));
            }
            "section" => {
                if let Some(fields) = block["fields"].as_array() {
                    assert!((1..=10).contains(&fields.len()));
                    for field in fields {
                        assert!((1..=2000).contains(&length(&field["text"])));
                    }
                } else {
                    assert!(
                        (1..=3000).contains(&length(&block["text"]["text"])),
                        "{block}"
                    );
                }
            }
            "actions" => {
                let buttons = block["elements"].as_array().unwrap();
                assert!((1..=25).contains(&buttons.len()));
                for button in buttons {
                    assert_eq!(button["type"], "button");
                    assert!((1..=75).contains(&length(&button["text"]["text"])));
                    assert!((1..=3000).contains(&length(&button["url"])));
                    assert!(button["url"].as_str().unwrap().starts_with("https://"));
                }
            }
            "context" => assert!((1..=10).contains(&block["elements"].as_array().unwrap().len())),
            other => panic!("{other}"),
        }
        let mut found = Vec::new();
        texts(block, &mut found);
        all += found.iter().map(|text| text.chars().count()).sum::<usize>();
    }
    assert!(all <= 13_000, "{all} characters");
}

#[test]
fn the_story_is_whole() {
    let message = message(&alert(|_| {}));
    within_limits(&message);
    let mut found = Vec::new();
    texts(&message, &mut found);
    let all = found.join("\n");
    for part in [
        "CRITICAL: role ObserverProd: the approved trust policy is restored",
        "role/ObserverProd",
        "IAM user alice, from 203.0.113.9, without MFA, with Terraform",
        "its next apply undoes",
        "publicly listed as Datadog",
        "restored",
        "3 min 5 s",
        "- {\"Effect\":\"Allow\"}",
        "If it was planned",
        "https://console.aws.amazon.com/x",
        "TW-ABCDEFGHJKMN",
    ] {
        assert!(all.contains(part), "`{part}` is not in\n{all}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "x <!channel> <https://evil.example|click> & *bold* `code` ~s~\n```\nhttps://evil.example \u{202e}";
    let message = message(&alert(|value| {
        for field in ["subject", "title", "stack", "account"] {
            value[field] = json!(hostile);
        }
        value["cause"]["actor"]["name"] = json!(hostile);
        value["cause"]["actor"]["source_ip"] = json!(hostile);
        value["cause"]["event_name"] = json!(hostile);
        value["findings"][0]["message"] = json!(hostile);
        value["grantees"][0]["text"] = json!(hostile);
        value["grantees"][0]["known_as"] = json!(hostile);
        value["outcome"]["text"] = json!(hostile);
        value["outcome"]["dropped"] = json!([hostile]);
        value["notes"] = json!([hostile]);
        value["diff"][0]["text"] = json!(hostile);
    }));
    within_limits(&message);
    let mut found = vec![message["text"].as_str().unwrap().to_owned()];
    for block in message["blocks"].as_array().unwrap() {
        if block["type"] != "actions" && block["type"] != "header" {
            texts(block, &mut found);
        }
    }
    for text in found {
        for forbidden in [
            "<!channel>",
            "<https",
            "https://evil",
            "*bold*",
            "`code`",
            "~s~",
            "\u{202e}",
        ] {
            assert!(!text.contains(forbidden), "{forbidden} in {text}");
        }
        let escaped = text
            .replace("&amp;", "")
            .replace("&lt;", "")
            .replace("&gt;", "");
        assert!(!escaped.contains(['&', '<', '>']), "{text}");
        assert!(
            text.matches("```").count() <= 2,
            "the block of the difference ends once: {text}"
        );
    }
}

#[test]
fn long_alerts_stay_within_the_limits_and_count_what_they_leave_out() {
    let long = "&<é🔥\\\"".repeat(3_000);
    let mut alert = alert(|value| {
        for field in ["subject", "title", "stack"] {
            value[field] = json!(long);
        }
        value["cause"]["actor"]["name"] = json!(long);
        value["cause"]["actor"]["arn"] = json!(long);
        value["outcome"]["text"] = json!(long);
        value["outcome"]["dropped"] = json!(vec![long.clone(); 30]);
        value["notes"] = json!(vec![long.clone(); 30]);
        value["digest"] = json!({
            "class": "x", "from": "2026-11-21T10:00:00Z", "to": "2026-11-21T10:05:00Z",
            "count": 40, "folded": 30, "subjects": [],
            "lines": vec![json!({ "incident": long, "at": "2026-11-21T10:00:00Z",
                                  "subject": long, "line": long }); 30]
        });
    });
    alert.findings[0].message.clone_from(&long);
    alert.findings = vec![alert.findings[0].clone(); 40];
    alert.grantees[0].text.clone_from(&long);
    alert.grantees = vec![alert.grantees[0].clone(); 40];
    alert.diff = vec![
        DiffLine {
            sign: DiffSign::Added,
            text: long.clone()
        };
        40
    ];
    alert.links = vec![
        Link {
            text: long.clone(),
            url: format!("https://x/{long}")
        };
        40
    ];
    let reported = message(&alert);
    within_limits(&reported);
    let mut found = Vec::new();
    texts(&reported, &mut found);
    assert!(found.iter().any(|text| text.contains("more")), "{found:?}");
}

#[test]
fn an_address_that_is_not_https_is_no_button() {
    let message = message(&alert(|value| {
        value["links"] = json!([{ "text": "x", "url": "javascript:alert(1)" }]);
    }));
    let blocks = message["blocks"].as_array().unwrap();
    assert!(blocks.iter().all(|block| block["type"] != "actions"));
}
