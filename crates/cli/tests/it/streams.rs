//! The program among other programs: pipes that close, input that never ends, files of every kind.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

fn trustwarden() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trustwarden"));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"));
    command.env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    trustwarden().args(arguments).output().unwrap()
}

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole"}]}"#;

#[test]
fn a_closed_pipe_ends_quietly() {
    let commands: [&[&str]; 6] = [
        &["explain"],
        &["rules", "schema"],
        &["man"],
        &["--help"],
        &[
            "analyze",
            "--account",
            "111122223333",
            "--format",
            "json",
            "policies/own.json",
        ],
        &[
            "replay",
            "--rules",
            "rules/access.yaml",
            "--format",
            "jsonl",
            "logs/later",
        ],
    ];
    for arguments in commands {
        let mut child = trustwarden()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments:?}");
    }
}

#[test]
fn a_pipe_that_closes_midway_ends_an_endless_input() {
    let mut child = trustwarden()
        .args(["analyze", "--jsonl", "--no-witness", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let line = format!("{{\"account\":\"111122223333\",\"policy\":{POLICY}}}\n");
    // Ends when the program does.
    let writer = std::thread::spawn(move || while stdin.write_all(line.as_bytes()).is_ok() {});
    let mut some = [0; 100];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut some).unwrap();
    drop(stdout);
    let ended = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[test]
fn a_line_is_answered_before_the_next_one_is_asked() {
    let mut child = trustwarden()
        .args(["analyze", "--jsonl", "--no-witness", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    for id in 0..3 {
        writeln!(
            stdin,
            "{{\"id\":{id},\"account\":\"111122223333\",\"policy\":{POLICY}}}"
        )
        .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], id);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn many_lines_are_answered_in_order() {
    let folder = folder("many-lines");
    let path = folder.join("lines.jsonl");
    let lines: String = (0..4000)
        .map(|id| match id % 100 {
            99 => "nonsense\n".to_owned(),
            _ => format!("{{\"id\":{id},\"account\":\"111122223333\",\"policy\":{POLICY}}}\n"),
        })
        .collect();
    fs::write(&path, lines).unwrap();
    let ran = run(&["analyze", "--jsonl", "--no-witness", path.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(2));
    let out = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(out.lines().count(), 4000);
    for (index, line) in out.lines().enumerate() {
        let answer: Value = serde_json::from_str(line).unwrap();
        if index % 100 == 99 {
            assert_eq!(
                (&answer["id"], &answer["line"]),
                (&Value::Null, &Value::from(index + 1))
            );
        } else {
            assert_eq!(answer["id"], index);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = trustwarden()
        .arg("explain")
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&ran.stderr).starts_with("error: cannot write to standard output")
    );
}

#[test]
fn colours_are_asked_for_or_not_there() {
    let escape = |output: &Output| output.stdout.contains(&0x1b);
    assert!(!escape(&run(&["explain"])));
    assert!(escape(&run(&["explain", "--color", "always"])));
    assert!(!escape(&run(&["explain", "--color=never"])));
    let asked = trustwarden()
        .env("NO_COLOR", "1")
        .args(["--color", "always", "explain"])
        .output();
    assert!(escape(&asked.unwrap()));
    // Without its colours, the text is the same.
    let plain = String::from_utf8(run(&["explain"]).stdout).unwrap();
    let coloured = String::from_utf8(run(&["explain", "--color", "always"]).stdout).unwrap();
    let stripped: String = coloured
        .split('\u{1b}')
        .enumerate()
        .map(|(index, part)| match index {
            0 => part,
            _ => part.split_once('m').unwrap().1,
        })
        .collect();
    assert_eq!(stripped, plain);
}

const DAY: &str = "logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/10/\
                   111122223333_CloudTrail_us-east-1_20260310T1100Z_a.json";

fn replayed(paths: &[&Path], more: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let mut command = trustwarden();
    command.args([
        "replay",
        "--rules",
        "rules/access.yaml",
        "--format",
        "jsonl",
    ]);
    let ran = command.args(more).args(paths).output().unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    let lines = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (
        ran.status.code(),
        lines,
        String::from_utf8(ran.stderr).unwrap(),
    )
}

/// Without what depends on how the records are packed.
fn said(mut lines: Vec<Value>) -> Vec<Value> {
    let summary = lines.last_mut().unwrap().as_object_mut().unwrap();
    for count in ["files", "bytes", "duplicates", "records", "irrelevant"] {
        summary.remove(count);
    }
    lines
}

#[test]
fn the_same_records_in_any_packing_say_the_same() {
    let folder = folder("packings");
    let text = fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata")
            .join(DAY),
    )
    .unwrap();
    let parsed: Value = serde_json::from_slice(&text).unwrap();
    let records = parsed["Records"].as_array().unwrap();
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    let half = text.len() / 2;
    let packings: [(&str, Vec<u8>); 8] = [
        ("plain.json", text.clone()),
        ("packed.json.gz", gzip(&text)),
        (
            "members.json.gz",
            [gzip(&text[..half]), gzip(&text[half..])].concat(),
        ),
        ("named-wrongly.json", gzip(&text)),
        ("list.json", serde_json::to_vec(&parsed["Records"]).unwrap()),
        ("pretty.json", serde_json::to_vec_pretty(&parsed).unwrap()),
        ("lines.jsonl", lines.clone().into_bytes()),
        ("lines.jsonl.gz", gzip(lines.as_bytes())),
    ];
    let mut first = None;
    for (name, bytes) in packings {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        let (status, lines, err) = replayed(&[&path], &[]);
        assert_eq!((status, err.as_str()), (Some(0), ""), "{name}");
        let lines = said(lines);
        assert_eq!(first.get_or_insert_with(|| lines.clone()), &lines, "{name}");
    }
    // All of them together say it once, in any order and by any number of threads.
    for jobs in ["1", "2", "7"] {
        let (status, lines, _) = replayed(&[&folder], &["--jobs", jobs]);
        assert_eq!(status, Some(0));
        assert_eq!(lines.last().unwrap()["files"], 8);
        // Each of three events that matter seven times more; two others matter nowhere.
        let summary = lines.last().unwrap();
        assert_eq!(
            [
                &summary["records"],
                &summary["duplicates"],
                &summary["irrelevant"]
            ],
            [&json!(40), &json!(21), &json!(16)]
        );
        assert_eq!(first.as_ref().unwrap(), &said(lines));
    }
}

#[test]
fn every_record_is_counted_once() {
    for paths in [
        &["logs"][..],
        &["logs/AWSLogs"],
        &["logs/damaged"],
        &["logs", "logs/later", DAY],
    ] {
        let paths: Vec<&Path> = paths.iter().map(Path::new).collect();
        let (_, lines, _) = replayed(&paths, &[]);
        let summary = lines.last().unwrap();
        let count = |name: &str| summary[name].as_u64().unwrap();
        let parts = [
            "irrelevant",
            "approved",
            "alerts",
            "failed_calls",
            "unreadable_records",
            "duplicates",
        ];
        assert_eq!(
            count("records"),
            parts.iter().map(|part| count(part)).sum::<u64>(),
            "{summary}"
        );
        let alerts = lines.iter().filter(|line| line["type"] == "alert").count();
        assert_eq!(count("alerts"), alerts as u64);
        assert!(count("records") > 0);
    }
}

#[test]
fn a_damaged_file_is_named_and_the_rest_goes_on() {
    let folder = folder("damaged");
    let text = fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata")
            .join(DAY),
    )
    .unwrap();
    let packed = gzip(&text);
    fs::write(folder.join("a-whole.json.gz"), &packed).unwrap();
    fs::write(folder.join("b-cut.json.gz"), &packed[..packed.len() / 2]).unwrap();
    let mut flipped = packed.clone();
    let at = flipped.len() - 6;
    flipped[at] ^= 0xff;
    fs::write(folder.join("c-sum.json.gz"), flipped).unwrap();
    fs::write(folder.join("d-none.json.gz"), b"").unwrap();
    fs::write(folder.join("e-\u{1b}[31m.json"), b"nonsense").unwrap();
    let (status, lines, err) = replayed(&[&folder], &[]);
    assert_eq!(status, Some(2));
    let bad = lines.last().unwrap()["unreadable_files"]
        .as_array()
        .unwrap();
    let names: Vec<&str> = bad
        .iter()
        .map(|name| name.as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "b-cut.json.gz",
            "c-sum.json.gz",
            "d-none.json.gz",
            "e-\u{1b}[31m.json"
        ]
    );
    assert_eq!(err.lines().count(), 4, "{err}");
    assert!(!err.contains('\u{1b}'));
    assert!(
        err.contains("b-cut.json.gz is unreadable: the compressed data ends too early"),
        "{err}"
    );
    assert!(
        err.contains("e-\\u{1b}[31m.json is unreadable: it is not JSON"),
        "{err}"
    );
    assert_eq!(
        lines.iter().filter(|line| line["type"] == "alert").count(),
        1
    );
}

#[test]
fn compiled_rules_judge_like_the_file_they_came_from() {
    let folder = folder("compiled");
    let compiled = folder.join("rules.json");
    let ran = run(&[
        "rules",
        "compile",
        "rules/access.yaml",
        "-o",
        compiled.to_str().unwrap(),
    ]);
    assert_eq!(ran.status.code(), Some(0));
    let hash = String::from_utf8(ran.stderr).unwrap();
    let text = fs::read_to_string(&compiled).unwrap();
    let named = hash.trim().rsplit(' ').next().unwrap();
    assert!(
        text.contains(named),
        "the hash that is printed is that of the file"
    );
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "nothing else is left there"
    );

    let by = |rules: &str| {
        run(&[
            "replay",
            "--rules",
            rules,
            "--format",
            "jsonl",
            "logs/AWSLogs",
        ])
        .stdout
    };
    assert_eq!(by("rules/access.yaml"), by(compiled.to_str().unwrap()));

    fs::write(
        &compiled,
        text.replace("enforce", "alerted")
            .replace("444455556666", "444455556667"),
    )
    .unwrap();
    let ran = run(&[
        "replay",
        "--rules",
        compiled.to_str().unwrap(),
        "logs/AWSLogs",
    ]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(
        String::from_utf8(ran.stderr)
            .unwrap()
            .contains("the compiled rules are damaged")
    );
}

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/schema.json");
    let printed = String::from_utf8(run(&["rules", "schema"]).stdout).unwrap();
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        printed,
        "UPDATE_TRANSCRIPTS=1 writes it anew"
    );
}

#[test]
fn sarif_names_rule_file_line_and_role() {
    let ran = run(&[
        "check",
        "--rules",
        "rules/access.yaml",
        "--format",
        "sarif",
        "--now",
        "2026-11-21",
        "policies/account.json",
    ]);
    assert_eq!(ran.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    let first = &results[0];
    assert_eq!(
        (&first["ruleId"], &first["level"]),
        (&"public-trust".into(), &"error".into())
    );
    let location = &first["locations"][0];
    assert_eq!(
        location["physicalLocation"]["artifactLocation"]["uri"],
        "policies/account.json"
    );
    assert_eq!(location["physicalLocation"]["region"]["startLine"], 37);
    assert_eq!(
        location["logicalLocations"][0]["fullyQualifiedName"],
        "role/<script>alert(1)</script>"
    );
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(
            run["tool"]["driver"]["rules"][index]["id"],
            result["ruleId"]
        );
    }
}

#[test]
fn completions_and_manual_are_there_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = run(&["completions", shell]);
        assert_eq!(ran.status.code(), Some(0));
        assert!(String::from_utf8(ran.stdout).unwrap().contains("simulate"));
    }
    let manual = String::from_utf8(run(&["man"]).stdout).unwrap();
    for word in [
        ".TH trustwarden 1",
        "replay",
        "\\-\\-against",
        "\\-\\-fail\\-on",
    ] {
        assert!(manual.contains(word), "{word}");
    }
}
