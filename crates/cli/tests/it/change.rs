//! The review of a change, as the GitHub Action and the pre-commit hooks run it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::here;

fn git(folder: &Path, arguments: &[&str]) {
    let set = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    let ran = Command::new("git")
        .current_dir(folder)
        .args(set)
        .args(arguments)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{arguments:?}: {ran:?}");
}

#[test]
fn a_change_is_judged_by_what_it_touches() {
    let folder = std::env::temp_dir().join(format!("tw-change-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(folder.join("rules")).unwrap();
    let rules = "version: 1\n";
    fs::write(folder.join("rules/access.yaml"), rules).unwrap();
    let template = |account: &str| {
        format!(
            "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n        Version: '2012-10-17'\n        Statement:\n          - {{Effect: Allow, Action: 'sts:AssumeRole', Principal: {{AWS: '{account}'}}}}\n"
        )
    };
    fs::write(folder.join("old.template.yaml"), template("999900001111")).unwrap();
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "-m", "before"]);
    fs::write(folder.join("new.template.yaml"), template("999900001111")).unwrap();
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "-m", "the change"]);
    let review = || {
        let ran = Command::new("python3")
            .current_dir(&folder)
            .arg(here().join("../../scripts/review_change.py"))
            .args(["--binary", env!("CARGO_BIN_EXE_trustwarden")])
            .envs([
                ("BASE", "HEAD~1"),
                ("FILES", "**/*.template.yaml\n"),
                ("ACCOUNT", "111122223333"),
            ])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        (ran.status.code().unwrap(), text)
    };
    let (status, text) = review();
    assert_eq!(status, 1, "{text}");
    assert!(
        text.contains("::error file=./new.template.yaml,line=8,"),
        "{text}"
    );
    assert!(!text.contains("old.template.yaml"), "{text}");
    let sarif = fs::read_to_string(folder.join("trustwarden.sarif")).unwrap();
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!(
        sarif["runs"][0]["results"][0]["ruleId"],
        "unknown-third-party"
    );

    fs::write(
        folder.join("rules/access.yaml"),
        format!("{rules}\nvendor: []\n"),
    )
    .unwrap();
    git(
        &folder,
        &["commit", "--quiet", "-am", "rules that are wrong"],
    );
    assert_eq!(review().0, 2, "rules check");
    git(
        &folder,
        &["commit", "--quiet", "--allow-empty", "-m", "nothing"],
    );
    assert_eq!(
        review(),
        (0, "no file of this change is one to check\n".to_owned())
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_hooks_run_commands_that_are_there() {
    let hooks = fs::read_to_string(here().join("../../.pre-commit-hooks.yaml")).unwrap();
    let entries: Vec<&str> = hooks
        .lines()
        .filter_map(|line| line.trim().strip_prefix("entry: trustwarden "))
        .collect();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
            .args(entry.split(' '))
            .arg("--help")
            .output()
            .unwrap();
        assert!(ran.status.success(), "{entry}");
    }
}
