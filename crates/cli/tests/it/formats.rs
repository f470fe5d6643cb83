//! What `check` and `audit` print for machines and browsers is what their formats say.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::here;

fn printed(command: &str) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .current_dir(here().join("testdata"))
        .args(command.split(' '))
        .args(["--now", "2026-11-21T00:00:00Z"])
        .output()
        .unwrap();
    assert!(ran.status.code().unwrap() < 2, "{command}");
    String::from_utf8(ran.stdout).unwrap()
}

fn audited(format: &str) -> String {
    printed(&format!(
        "audit --rules audit/access.yaml --authorization-details audit/account.json \
         --credential-report audit/credentials.csv --format {format}"
    ))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What of `value` the schema in a file does not allow.
fn against(schema: &Path, value: &Value) -> Result<(), String> {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource("schema.json", read(schema)).unwrap();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas
        .validate(value, index)
        .map_err(|error| error.to_string())
}

#[test]
fn sarif_is_what_the_standard_says() {
    let schema = here().join("testdata/sarif/sarif-schema-2.1.0.json");
    let check = "check --rules rules/access.yaml --format sarif policies/account.json \
                 policies/outside-added.json --account 111122223333";
    for text in [audited("sarif"), printed(check)] {
        let log: Value = serde_json::from_str(&text).unwrap();
        assert!(log["runs"][0]["results"].as_array().unwrap().len() > 2);
        against(&schema, &log).unwrap();
    }
    // The schema is one that refuses.
    let mut log: Value = serde_json::from_str(&audited("sarif")).unwrap();
    log["runs"][0]["results"][0]["level"] = json!("terrible");
    against(&schema, &log).unwrap_err();
}

#[test]
fn sarif_points_at_the_line_of_the_role() {
    let log: Value = serde_json::from_str(&audited("sarif")).unwrap();
    let text = std::fs::read_to_string(here().join("testdata/audit/account.json")).unwrap();
    let mut seen = 0;
    for result in log["runs"][0]["results"].as_array().unwrap() {
        let location = &result["locations"][0];
        let subject = location["logicalLocations"][0]["fullyQualifiedName"].as_str();
        let Some(role) = subject.unwrap().strip_prefix("role/") else {
            continue;
        };
        let line = location["physicalLocation"]["region"]["startLine"].as_u64();
        let object: String = text
            .lines()
            .skip(usize::try_from(line.unwrap()).unwrap() - 1)
            .take(4)
            .collect();
        let name = serde_json::to_string(role).unwrap();
        // Python writes what is not ASCII as an escape.
        assert!(
            object.contains(&name) || !role.is_ascii(),
            "{role} {object}"
        );
        seen += 1;
    }
    assert!(seen > 10);
}

#[test]
fn json_is_what_its_schema_says() {
    let schema = here().join("../../docs/audit.schema.json");
    let whole: Value = serde_json::from_str(&audited("json")).unwrap();
    against(&schema, &whole).unwrap();
    let none = "audit --rules audit/access.yaml --authorization-details audit/no-roles.json \
                --format json";
    let empty: Value = serde_json::from_str(&printed(none)).unwrap();
    against(&schema, &empty).unwrap();

    for (change, value) in [
        ("/findings/0/severity", json!("critical")),
        ("/findings/0/account", json!("me")),
        ("/access/0/must_prove", json!(["luck"])),
        ("/access/0/ways", json!([])),
        ("/access/0/more", json!(1)),
        ("/summary/roles", json!(-1)),
    ] {
        let mut changed = whole.clone();
        let (object, key) = change.rsplit_once('/').unwrap();
        changed.pointer_mut(object).unwrap()[key] = value;
        against(&schema, &changed).expect_err(change);
    }
}

#[test]
fn findings_are_sorted_by_severity_subject_and_code() {
    let answer: Value = serde_json::from_str(&audited("json")).unwrap();
    let severities = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"];
    let keys: Vec<(usize, String, String)> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            let text = |key: &str| found[key].as_str().unwrap().to_owned();
            let severity = severities.iter().position(|name| *name == text("severity"));
            (severity.unwrap(), text("subject"), text("code"))
        })
        .collect();
    assert!(keys.is_sorted(), "{keys:#?}");
}

/// The parts of a page between `<name>` and `</name>`.
fn parts<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    page.split(&open)
        .skip(1)
        .map(|rest| rest.split_once(&close).expect("it ends").0)
        .collect()
}

#[test]
fn the_page_is_one_file_whose_policy_lets_nothing_else_run() {
    let page = audited("html");
    assert!(page.starts_with("<!DOCTYPE html>"));
    let (scripts, styles) = (parts(&page, "script"), parts(&page, "style"));
    assert_eq!((scripts.len(), styles.len()), (1, 1));
    let hash = |text: &str| {
        base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
    };
    let policy = format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">",
        hash(styles[0]),
        hash(scripts[0])
    );
    let before = page.split_once(&policy).expect("the policy is there").0;
    assert!(before.len() < 100, "nothing comes before the policy");
    for never in [
        "<script ", " src=", " style=", " onclick", "<link", "<img", "<iframe",
    ] {
        assert!(!page.contains(never), "{never}");
    }
    // A role of that name is in the account, and one that would move the text around it.
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains("<script>alert"));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
    assert_eq!(page, audited("html"), "the same for the same input");
}

/// What a browser shows of a page, and whether that is as it should be; nothing where there is no
/// browser, which is said. Debian's package is `chromium`.
fn looked_at(name: &str, text: &str) -> Option<(Option<i32>, String)> {
    let folder = std::env::temp_dir().join(format!("trustwarden-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let page = folder.join("audit.html");
    std::fs::write(&page, text).unwrap();
    let looked = Command::new("python3")
        .arg(here().join("../../scripts/audit_page.py"))
        .arg(&page)
        .output();
    std::fs::remove_dir_all(&folder).unwrap();
    let ran = match looked {
        Ok(ran) if ran.status.code() != Some(3) => ran,
        other => {
            eprintln!("SKIPPED: the audit's page was not looked at in a browser: {other:?}");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    Some((ran.status.code(), said))
}

/// Picture, filters, order, links, phone, print and policy as a browser sees them.
#[test]
fn the_page_works_in_a_browser() {
    let text = audited("html");
    let Some((status, said)) = looked_at("page", &text) else {
        return;
    };
    assert_eq!(status, Some(0), "{said}");
    // Who looks would see it if the page's policy were not there, or if a link led elsewhere.
    let start = text.find("<meta http-equiv").unwrap();
    let end = start + text.split_at(start).1.find('>').unwrap() + 1;
    let open = format!("{}{}", text.split_at(start).0, text.split_at(end).1);
    let open = open.replace("href=\"#r1\"", "href=\"#r2\"");
    let (status, said) = looked_at("open", &open).unwrap();
    for wrong in [
        "an added script does not run",
        "a name of the picture leads to its row",
    ] {
        assert!(said.contains(wrong), "{wrong}: {said}");
    }
    assert_eq!(status, Some(1));
}

/// An account of so many roles of 20 third parties, eight by eight that can do the same.
fn account_of(roles: usize) -> Value {
    let actions = [
        "ec2:Describe*",
        "s3:GetObject",
        "*",
        "dynamodb:PutItem",
        "lambda:*",
    ];
    let role = |number: usize| {
        let name = format!("a-role-of-a-name-that-is-rather-long-{number}");
        let allow = |action: &str| json!({ "Effect": "Allow", "Action": action, "Resource": "*" });
        json!({
            "Path": "/", "RoleName": name, "RoleId": format!("AROAEXAMPLE{number:010}"),
            "Arn": format!("arn:aws:iam::111122223333:role/{name}"),
            "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": { "AWS": format!("arn:aws:iam::{:012}:root", 200_000_000_000_u64 + (number % 20) as u64) },
            }] },
            "RolePolicyList": [{ "PolicyName": "p", "PolicyDocument": {
                "Version": "2012-10-17", "Statement": [allow(actions[number / 20 % actions.len()])],
            } }],
            "AttachedManagedPolicies": [], "RoleLastUsed": {},
        })
    };
    json!({
        "RoleDetailList": (0..roles).map(role).collect::<Vec<_>>(),
        "UserDetailList": [], "GroupDetailList": [], "Policies": [], "IsTruncated": false,
    })
}

#[test]
fn the_picture_stays_readable_where_roles_are_many() {
    let folder = std::env::temp_dir().join(format!("trustwarden-many-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let page = |roles: usize| {
        let file = folder.join("account.json");
        std::fs::write(&file, account_of(roles).to_string()).unwrap();
        let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
            .args(["audit", "--now", "2026-11-21", "--format", "html"])
            .arg("--rules")
            .arg(here().join("testdata/audit/access.yaml"))
            .arg("--authorization-details")
            .arg(&file)
            .output()
            .unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    let (many, more) = (page(200), page(2000));
    std::fs::remove_dir_all(&folder).unwrap();
    // Two roles of each kind a third party: each has its line, and each line its curve.
    let lines = |page: &str| {
        (
            page.matches("<path ").count(),
            page.matches("<li class=").count(),
        )
    };
    assert_eq!(lines(&many), (200, 200));
    // Twenty of each kind: one line a kind, whose name leads to the first of them.
    assert_eq!(lines(&more), (100, 100));
    assert_eq!(more.matches(", 20 that are alike").count(), 100);
    assert_eq!(more.matches("data-kind=\"access\"").count(), 2000);
    // Curves hold no words.
    for svg in many.split("<svg ").skip(1) {
        let inside = svg.split_once("</svg>").unwrap().0;
        assert!(
            inside
                .split('>')
                .skip(1)
                .all(|rest| rest.is_empty() || rest.starts_with('<'))
        );
    }
    if let Some((status, said)) = looked_at("many", &many) {
        assert_eq!(status, Some(0), "{said}");
    }
}

#[test]
fn security_hub_and_a_data_lake_take_the_findings_in() {
    let schema = here().join("testdata/exchange/asff.schema.json");
    let all: Value = serde_json::from_str(&audited("asff --region eu-west-1")).unwrap();
    assert!(all.as_array().unwrap().len() > 20);
    against(&schema, &all).unwrap();
    let ids: std::collections::HashSet<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["Id"].to_string())
        .collect();
    assert_eq!(
        ids.len(),
        all.as_array().unwrap().len(),
        "each has an id of its own"
    );
    let mut changed = all.clone();
    changed[0]["Severity"]["Label"] = json!("critical");
    against(&schema, &changed).unwrap_err();

    let schema = here().join("testdata/exchange/ocsf.schema.json");
    let lines = audited("ocsf");
    assert_eq!(lines.lines().count(), all.as_array().unwrap().len());
    for line in lines.lines() {
        against(&schema, &serde_json::from_str(line).unwrap()).unwrap();
    }
}

#[test]
fn a_spreadsheet_takes_the_findings_and_who_can_assume_what() {
    let whole: Value = serde_json::from_str(&audited("json")).unwrap();
    for (format, list, column) in [
        ("csv", "findings", "code"),
        ("access-csv", "access", "role"),
    ] {
        let text = audited(format);
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        let at = rows
            .headers()
            .unwrap()
            .iter()
            .position(|head| head == column)
            .unwrap();
        let cells: Vec<String> = rows
            .records()
            .map(|row| row.unwrap()[at].to_owned())
            .collect();
        let expected: Vec<&str> = whole[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[column].as_str().unwrap())
            .collect();
        assert_eq!(cells, expected, "{format}");
        assert!(!text.contains("\n="), "no cell is a formula");
    }
}

/// What `check` prints of a role that an unknown account can assume, and of a file that is none.
fn checked(arguments: &str) -> (String, i32) {
    let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .current_dir(here().join("testdata"))
        .args([
            "check",
            "--rules",
            "rules/access.yaml",
            "--account",
            "111122223333",
        ])
        .args(arguments.split(' '))
        .args(["--now", "2026-11-21T00:00:00Z"])
        .output()
        .unwrap();
    (
        String::from_utf8(ran.stdout).unwrap(),
        ran.status.code().unwrap(),
    )
}

#[test]
fn a_pull_request_shows_findings_where_they_are() {
    let (text, _) = checked("--format github policies/account.json policies/outside-added.json");
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("::error file=policies/"), "{first}");
    assert!(
        first.contains(",line=") && first.contains("title=unknown-third-party%3A"),
        "{first}"
    );
    assert!(text.lines().all(|line| line.starts_with("::")), "{text}");

    let (text, status) = checked(
        "--format junit policies/own.json policies/outside-added.json policies/broken.json",
    );
    assert_eq!(status, 2);
    let suites = text.matches("<testsuite ").count();
    assert_eq!(
        (suites, text.matches("</testsuite>").count()),
        (3, 3),
        "{text}"
    );
    assert_eq!(
        text.matches("<failure ").count(),
        text.matches("</failure>").count()
    );
    assert!(text.contains("<failure type=\"CRITICAL\""), "{text}");
    assert!(text.contains("<error message="), "{text}");
}

#[test]
fn a_failed_run_says_so_to_code_scanning() {
    for (files, successful) in [
        ("policies/own.json", true),
        (
            "policies/own.json policies/broken.json policies/nowhere.json",
            false,
        ),
    ] {
        let (text, status) = checked(&format!("--format sarif {files}"));
        let log: Value = serde_json::from_str(&text).unwrap();
        against(&here().join("testdata/sarif/sarif-schema-2.1.0.json"), &log).unwrap();
        let ran = &log["runs"][0]["invocations"][0];
        assert_eq!(ran["executionSuccessful"], successful, "{files}");
        assert_eq!(
            ran["toolExecutionNotifications"]
                .as_array()
                .unwrap()
                .is_empty(),
            successful
        );
        assert_eq!(status == 2, !successful);
    }
    let marks = |text: &str| -> Vec<Value> {
        let log: Value = serde_json::from_str(text).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|result| result["partialFingerprints"].clone())
            .collect()
    };
    let audit = |date: &str| {
        let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
            .current_dir(here().join("testdata/audit"))
            .args([
                "audit",
                "--rules",
                "access.yaml",
                "--authorization-details",
                "account.json",
            ])
            .args([
                "--credential-report",
                "credentials.csv",
                "--format",
                "sarif",
                "--now",
                date,
            ])
            .output()
            .unwrap();
        marks(&String::from_utf8(ran.stdout).unwrap())
    };
    assert_eq!(audit("2026-11-21"), audit("2026-11-24"), "days go by");
}

#[test]
fn findings_are_chosen_and_written_where_they_are_asked_for() {
    let folder = std::env::temp_dir().join(format!("tw-outputs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let files = "policies/account.json policies/outside-added.json";
    let found = |text: &str| {
        let answer: Value = serde_json::from_str(text).unwrap();
        let findings = answer["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|found| found["code"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (all, _) = checked(&format!("--format json {files}"));
    let all = found(&all);
    assert!(
        all.len() > 2 && all.iter().any(|code| code != "unknown-third-party"),
        "{all:?}"
    );

    // Two formats: one into a file, one printed.
    let (text, status) = checked(&format!(
        "--format json --format sarif -o {} {files}",
        file("a.json")
    ));
    assert_eq!(status, 1);
    assert!(text.contains("partialFingerprints"));
    let written = std::fs::read_to_string(file("a.json")).unwrap();
    assert_eq!(found(&written), all);
    checked(&format!("--format sarif -o {} {files}", file("a.sarif")));
    for mixed in ["--format json --format sarif", "-o a -o b --format json"] {
        assert_eq!(
            checked(&format!("{mixed} {files}")),
            (String::new(), 2),
            "{mixed}"
        );
    }

    for name in ["a.json", "a.sarif"] {
        let (text, status) = checked(&format!("--format json --baseline {} {files}", file(name)));
        assert_eq!(
            (found(&text), status),
            (vec![], 0),
            "nothing is new after {name}"
        );
    }
    let (text, _) = checked(&format!(
        "--format json -o {} policies/account.json",
        file("less.json")
    ));
    assert_eq!(text, "");
    let (text, status) = checked(&format!(
        "--format json --baseline {} {files}",
        file("less.json")
    ));
    assert!(status == 1 && !found(&text).is_empty() && found(&text).len() < all.len());
    assert_eq!(
        checked(&format!("--baseline policies/own.json {files}")).1,
        2,
        "no baseline"
    );

    let (text, _) = checked(&format!("--format json --only unknown-third-party {files}"));
    assert!(
        found(&text)
            .iter()
            .all(|code| code == "unknown-third-party"),
        "{text}"
    );
    let (text, _) = checked(&format!(
        "--format json --skip unknown-third-party,public-trust {files}"
    ));
    assert!(
        !found(&text)
            .iter()
            .any(|code| code == "unknown-third-party"),
        "{text}"
    );
    let (text, _) = checked(&format!("--format json --min-severity critical {files}"));
    assert!(found(&text).len() < all.len(), "{text}");
    assert_eq!(checked(&format!("--only no-such-check {files}")).1, 2);
    std::fs::remove_dir_all(folder).unwrap();
}
