//! `vendor drift`: a role as its template made it is no drift, and each part that was changed is one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

const NOW: &str = "2026-11-21T00:00:00Z";

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    (ran.status.code().unwrap(), said)
}

/// A folder with rules that name one vendor, and the template of its role.
fn registered(name: &str) -> PathBuf {
    let folder = format!("drift-{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("access.yaml"), "version: 1\n").unwrap();
    let (status, said) = run(
        &folder,
        &[
            "vendor",
            "new",
            "--rules",
            "access.yaml",
            "--now",
            NOW,
            "--name",
            "Example Backup",
            "--account",
            "444455556666",
            "--role",
            "Backup",
            "--action",
            "s3:GetObject,s3:ListBucket",
            "--resource",
            "arn:aws:s3:::reports",
            "--resource",
            "arn:aws:s3:::reports/*",
            "--owner",
            "storage@example.com",
            "--expires",
            "2027-06-30",
            "--template",
            "backup.json",
            "--session-duration",
            "2h",
        ],
    );
    assert_eq!(status, 0, "{said}");
    folder
}

/// The role that the folder's template makes, as IAM shows it.
fn deployed(folder: &Path) -> Value {
    let template = fs::read_to_string(folder.join("backup.json")).unwrap();
    let template: Value = serde_json::from_str(&template).unwrap();
    let made = &template["Resources"]["Role"]["Properties"];
    json!({
        "Path": "/", "RoleName": "Backup", "RoleId": "AROAEXAMPLE0000000001",
        "Arn": "arn:aws:iam::111122223333:role/Backup",
        "AssumeRolePolicyDocument": made["AssumeRolePolicyDocument"],
        "RolePolicyList": made["Policies"],
        "AttachedManagedPolicies": [], "Tags": made["Tags"], "RoleLastUsed": {},
        "MaxSessionDuration": made["MaxSessionDuration"],
    })
}

fn drift(folder: &Path, role: &Value, more: &[&str]) -> (i32, String) {
    let account = json!({ "RoleDetailList": [role], "Policies": [], "IsTruncated": false });
    fs::write(folder.join("account.json"), account.to_string()).unwrap();
    let named = [
        "vendor",
        "drift",
        "example backup",
        "--rules",
        "access.yaml",
        "--now",
        NOW,
        "--authorization-details",
        "account.json",
    ];
    run(folder, &[&named[..], more].concat())
}

#[test]
fn a_role_as_it_was_made_is_no_drift_and_each_change_is_one() {
    let folder = registered("parts");
    let made = deployed(&folder);
    let with = ["--template", "backup.json"];
    let (status, said) = drift(&folder, &made, &with);
    assert_eq!(status, 0, "{said}");
    assert_eq!(
        said,
        "role/Backup in 111122223333: as the template says\n\
         Example Backup: 1 role, 0 other than the template says\n"
    );
    let attached = json!([{ "PolicyName": "more", "PolicyDocument": { "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*" }] } }]);
    type Change<'c> = (&'c str, &'c str, Value, &'c str);
    let changes: [Change<'_>; 10] = [
        (
            "trust",
            "/AssumeRolePolicyDocument/Statement/0/Principal/AWS",
            json!("arn:aws:iam::999900001111:root"),
            "now also account 999900001111",
        ),
        (
            "trust",
            "/AssumeRolePolicyDocument/Statement/0/Condition",
            json!({}),
            "without an external id",
        ),
        (
            "permissions",
            "/RolePolicyList",
            attached,
            "may also do iam:PassRole on everything",
        ),
        (
            "permissions",
            "/RolePolicyList",
            json!([]),
            "may not do 2 actions (such as s3:GetObject), as the template says",
        ),
        (
            "permissions",
            "/RolePolicyList/0/PolicyDocument/Statement/0/Resource",
            json!("*"),
            " on everything",
        ),
        (
            "permissions",
            "/RolePolicyList/0/PolicyDocument/Statement/0/Resource",
            json!("arn:aws:s3:::payroll/*"),
            "has the resource arn:aws:s3:::payroll/*, which the template has not",
        ),
        (
            "boundary",
            "/PermissionsBoundary",
            json!({ "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/edge" }),
            "has arn:aws:iam::111122223333:policy/edge, and the template none",
        ),
        (
            "session duration",
            "/MaxSessionDuration",
            json!(43_200),
            "a session may last 43200 s, and by the template 7200 s",
        ),
        (
            "tags",
            "/Tags/0/Value",
            json!("Another"),
            "vendor is Another, and by the template Example Backup",
        ),
        (
            "tags",
            "/Tags",
            json!([]),
            "owner is missing: storage@example.com",
        ),
    ];
    for (part, place, value, expected) in changes {
        let mut role = made.clone();
        let (above, key) = place.rsplit_once('/').unwrap();
        let above = if above.is_empty() {
            &mut role
        } else {
            role.pointer_mut(above).unwrap()
        };
        match above {
            Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
            object => object[key] = value,
        }
        let (status, said) = drift(&folder, &role, &with);
        assert_eq!(status, 1, "{place}: {said}");
        let line = said.lines().find(|line| line.contains(expected));
        assert!(
            line.is_some_and(|line| line.starts_with(&format!("  {part}: "))),
            "{place}: {said}"
        );
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_rule_alone_tells_what_its_template_would_say() {
    let folder = registered("rule");
    let made = deployed(&folder);
    // The rule knows neither resources nor the length of a session.
    let (status, said) = drift(
        &folder,
        &made,
        &["--format", "json", "--session-duration", "2h"],
    );
    let answer: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (status, &answer["summary"]),
        (0, &json!({ "roles": 1, "drifted": 0 })),
        "{said}"
    );
    let (status, said) = drift(&folder, &made, &["--format", "json"]);
    let answer: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(status, 1, "{said}");
    assert_eq!(
        answer["roles"][0]["differences"],
        json!([{
            "part": "session-duration",
            "what": "a session may last 7200 s, and by the template 3600 s",
        }])
    );
    // The details of an account leave it out, which is said and is no drift.
    let mut role = made.clone();
    role.as_object_mut().unwrap().remove("MaxSessionDuration");
    let (status, said) = drift(&folder, &role, &[]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("  session duration: not known: "), "{said}");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_absent_differs_and_what_cannot_be_read_is_status_2() {
    let folder = registered("absent");
    let made = deployed(&folder);
    let mut other = made.clone();
    other["RoleName"] = json!("Elsewhere");
    let (status, said) = drift(&folder, &other, &[]);
    assert_eq!(status, 1, "{said}");
    assert!(
        said.contains("role/Backup: 1 difference\n  role: there is no such role\n"),
        "{said}"
    );
    let mut broken = made.clone();
    broken["AssumeRolePolicyDocument"] = json!("nothing");
    assert_eq!(drift(&folder, &broken, &[]).0, 2);
    let mut hidden = made.clone();
    hidden["AttachedManagedPolicies"] =
        json!([{ "PolicyName": "x", "PolicyArn": "arn:aws:iam::111122223333:policy/x" }]);
    let (status, said) = drift(&folder, &hidden, &[]);
    assert_eq!(status, 2, "{said}");
    assert!(said.contains("permissions: not known: policy x"), "{said}");
    let rules = [
        "vendor",
        "drift",
        "exmaple backup",
        "--rules",
        "access.yaml",
        "--authorization-details",
        "account.json",
    ];
    let (status, said) = run(&folder, &rules);
    assert!(
        status == 2 && said.contains("did you mean `Example Backup`?"),
        "{said}"
    );
    fs::write(
        folder.join("page.json"),
        json!({ "RoleDetailList": [made], "IsTruncated": true, "Marker": "m" }).to_string(),
    )
    .unwrap();
    let cut = [
        "vendor",
        "drift",
        "Example Backup",
        "--rules",
        "access.yaml",
        "--authorization-details",
        "page.json",
    ];
    let (status, said) = run(&folder, &cut);
    assert!(status == 2 && said.contains("more pages follow"), "{said}");
    assert!(!said.contains("there is no such role"), "{said}");
    fs::remove_dir_all(&folder).unwrap();
}
