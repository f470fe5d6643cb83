//! What the pages in docs show of an audit and of a replay is what these print. With
//! `UPDATE_TRANSCRIPTS=1` the tables and the replay are written anew.

use std::process::Command;

use serde_json::Value;

use crate::here;

/// What the audit of the account in testdata prints.
fn audit(format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .current_dir(here().join("testdata"))
        .args(["audit", "--rules", "audit/access.yaml"])
        .args(["--authorization-details", "audit/account.json"])
        .args(["--credential-report", "audit/credentials.csv"])
        .args(["--now", "2026-11-21", "--format", format])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The places of the blocks of a document that are marked so, without their fences.
fn blocks(text: &str, language: &str) -> Vec<std::ops::Range<usize>> {
    let fence = format!("```{language}\n");
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = text[at..].find(&fence) {
        let begin = at + begin + fence.len();
        let end = begin + text[begin..].find("```").unwrap();
        found.push(begin..end);
        at = end;
    }
    found
}

/// The table and the summary, by which the audit for people ends.
fn ending() -> Vec<String> {
    let printed = audit("human");
    let begin = printed.find("THIRD PARTY").unwrap();
    printed[begin..].lines().map(str::to_owned).collect()
}

#[test]
fn the_tables_are_what_is_printed() {
    let printed = ending();
    let columns = printed[0].find("  OWNER").unwrap();
    let cut = |line: &String| {
        let begun: String = line.chars().take(columns).collect();
        begun.trim_end().to_owned()
    };
    let until = printed.iter().position(String::is_empty).unwrap();
    let narrow: Vec<String> = printed
        .iter()
        .enumerate()
        .map(|(index, line)| {
            if index < until {
                cut(line)
            } else {
                line.clone()
            }
        })
        .collect();
    for (file, expected) in [("docs/cli.md", narrow), ("docs/audit.md", printed)] {
        let path = here().join("../..").join(file);
        let mut text = std::fs::read_to_string(&path).unwrap();
        let expected = format!("{}\n", expected.join("\n"));
        let place = blocks(&text, "text")
            .into_iter()
            .find(|place| text[place.clone()].starts_with("THIRD PARTY"))
            .expect("a table");
        if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
            text.replace_range(place, &expected);
            std::fs::write(&path, text).unwrap();
        } else {
            assert_eq!(text[place], expected, "{file}");
        }
    }
}

/// Without the number of a line, which every change of the account moves.
fn without_lines(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.remove("startLine");
            for field in fields.values_mut() {
                *field = without_lines(field.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_lines(item.take());
            }
        }
        _ => {}
    }
    value
}

#[test]
fn the_findings_are_what_is_printed() {
    let json: Value = serde_json::from_str(&audit("json")).unwrap();
    let sarif: Value = serde_json::from_str(&audit("sarif")).unwrap();
    let mut known: Vec<Value> = json["findings"].as_array().unwrap().clone();
    known.extend(json["access"].as_array().unwrap().clone());
    let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
    known.extend(results.into_iter().map(without_lines));
    let text = std::fs::read_to_string(here().join("../../docs/audit.md")).unwrap();
    let mut shown = Vec::new();
    for place in blocks(&text, "json") {
        let Ok(value) = serde_json::from_str::<Value>(&text[place.clone()]) else {
            continue;
        };
        // Other documents have other blocks.
        if let Some(key) = ["code", "third_party", "ruleId"]
            .into_iter()
            .find(|key| value.get(key).is_some())
        {
            let value = without_lines(value);
            assert!(known.contains(&value), "docs/audit.md: {}", &text[place]);
            shown.push(key);
        }
    }
    for key in ["code", "third_party", "ruleId"] {
        assert!(shown.contains(&key), "docs/audit.md: no example with {key}");
    }
}

/// The transcript is compared with the program's output by a test of its own.
#[test]
fn the_replay_is_what_is_printed() {
    let transcript = std::fs::read_to_string(here().join("tests/transcripts/replay.txt")).unwrap();
    let (_, example) = transcript
        .split_once("# What docs/replay.md shows.\n")
        .expect("an example");
    let expected: String = example
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix('>'))
        .flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"])
        .collect();
    assert!(!expected.is_empty());
    let path = here().join("../../docs/replay.md");
    let mut text = std::fs::read_to_string(&path).unwrap();
    let place = blocks(&text, "text")
        .into_iter()
        .find(|place| text[place.clone()].starts_with("2026-"))
        .expect("a replay");
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        text.replace_range(place, &expected);
        std::fs::write(&path, text).unwrap();
    } else {
        assert_eq!(text[place], expected, "docs/replay.md");
    }
}
