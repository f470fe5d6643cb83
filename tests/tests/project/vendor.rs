//! A third party from end to end: `vendor new` makes its entry and its role, `check` approves the
//! template, CloudFormation (played by moto) deploys it, and `audit` finds the account in order.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use trustwarden_tests::{binaries, root};

/// A tool of the project's virtual environment.
fn tool(name: &str) -> PathBuf {
    root().join(".venv/bin").join(name)
}

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        // moto asks for some.
        .env("AWS_ACCESS_KEY_ID", "none")
        .env("AWS_SECRET_ACCESS_KEY", "none")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}: {}\n{}\n{}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

#[test]
fn a_new_vendor_is_checked_deployed_and_audited_without_a_finding() {
    let folder = trustwarden_tests::scratch().join(format!("vendor-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("access.yaml"), "version: 1\n").unwrap();
    let trustwarden = binaries().join("trustwarden");
    let now = ["--now", "2026-11-21"];

    let new = [
        "vendor",
        "new",
        "--rules",
        "access.yaml",
        "--template",
        "role.json",
        "--name",
        "Müller & Söhne {{resolve:ssm:x}}",
        "--account",
        "777788889999",
        "--role",
        "Metrics",
        "--role",
        "MetricsEu",
        "--action",
        "ec2:Describe*,s3:GetObject",
        "--resource",
        "arn:aws:s3:::reports/*",
        "--owner",
        "platform@example.com",
        "--ticket",
        "SEC-1402",
        "--expires",
        "2027-11-30",
        "--session-duration",
        "4h",
    ];
    run(&trustwarden, &folder, &[&new[..], &now].concat());

    let check = [
        "check",
        "--rules",
        "access.yaml",
        "--fail-on",
        "informational",
        "role.json",
    ];
    run(&trustwarden, &folder, &[&check[..], &now].concat());
    run(&tool("cfn-lint"), &folder, &["--template", "role.json"]);

    let script = root().join("tests/tests/project/deploy_template.py");
    let script = script.to_str().unwrap();
    let deployed = run(&tool("python"), &folder, &[script, "role.json"]);
    std::fs::write(folder.join("details.json"), &deployed.stdout).unwrap();
    let details: Value = serde_json::from_slice(&deployed.stdout).unwrap();
    assert_eq!(details["RoleDetailList"].as_array().unwrap().len(), 2);
    assert_eq!(details["RoleDetailList"][0]["MaxSessionDuration"], 14_400);

    let audit = [
        "audit",
        "--rules",
        "access.yaml",
        "--authorization-details",
        "details.json",
        "--format",
        "json",
        "--fail-on",
        "medium",
    ];
    let audited = run(&trustwarden, &folder, &[&audit[..], &now].concat());
    let answer: Value = serde_json::from_slice(&audited.stdout).unwrap();
    assert_eq!(answer["findings"], serde_json::json!([]), "{answer}");
    std::fs::remove_dir_all(&folder).unwrap();
}
