//! `audit`, as a program: the pages of the checks that only a whole account shows, and input in
//! every shape that it comes in.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use guard::Check;
use serde_json::{Value, json};

use crate::here;

const OF_THE_ACCOUNT: [Check; 10] = [
    Check::PasswordUnused,
    Check::ReachableThroughRole,
    Check::AccessKeyTooOld,
    Check::AccessKeyUnused,
    Check::TwoActiveKeys,
    Check::UserWithoutMfa,
    Check::RootMfaMissing,
    Check::PolicyOnUser,
    Check::UnusedRole,
    Check::UnusedRule,
];

/// The JSON that `audit` prints, and its status.
fn audit(rules: &Path, arguments: &[&str], stdin: &[u8]) -> (Value, i32) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .current_dir(here().join("testdata/audit"))
        .args(["audit", "--now", "2026-11-20T12:00:00Z", "--format", "json"])
        .arg("--rules")
        .arg(rules)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // A program that needs no input may have ended.
    drop(pipe.write_all(stdin));
    drop(pipe);
    let ran = child.wait_with_output().unwrap();
    let answer = serde_json::from_slice(&ran.stdout).expect("one JSON document");
    (answer, ran.status.code().unwrap())
}

/// A profile means nothing to files, whatever other input is named beside them.
#[test]
fn a_profile_beside_files_is_a_wrong_call() {
    for input in ["--authorization-details", "--credential-report"] {
        let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
            .args(["audit", "--profile", "security", input, "account.json"])
            .output()
            .unwrap();
        assert_eq!(ran.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&ran.stderr).contains("--profile"));
    }
}

fn found(answer: &Value, code: Check) -> Vec<String> {
    let findings = answer["findings"].as_array().unwrap().iter();
    findings
        .filter(|found| found["code"] == code.code())
        .map(|found| found["subject"].as_str().unwrap().to_owned())
        .collect()
}

/// The examples of a page: whether they are CSV, and their text.
fn examples(page: &str, kind: &str) -> Vec<(bool, String)> {
    let blocks = page.split("\n```").skip(1).step_by(2);
    blocks
        .filter_map(|block| {
            let (fence, text) = block.split_once('\n')?;
            let csv = fence == format!("csv {kind}");
            (csv || fence == format!("json {kind}")).then(|| (csv, text.to_owned()))
        })
        .collect()
}

/// One program in these tests reads at most one standard input: a report comes with no roles.
fn judged(example: &(bool, String)) -> Value {
    let rules = here().join("../../docs/checks/rules.yaml");
    let (csv, text) = example;
    let arguments: &[&str] = if *csv {
        &[
            "--authorization-details",
            "no-roles.json",
            "--credential-report",
            "-",
        ]
    } else {
        &["--authorization-details", "-"]
    };
    let (answer, status) = audit(&rules, arguments, text.as_bytes());
    assert!(status < 2, "{text}");
    answer
}

#[test]
fn the_pages_show_what_fails_and_what_passes() {
    let mut wrong = Vec::new();
    for check in OF_THE_ACCOUNT {
        let page = here().join(format!("../../docs/checks/{check}.md"));
        let page = std::fs::read_to_string(page).unwrap();
        let fails = examples(&page, "fails");
        let passes = examples(&page, "passes");
        if fails.is_empty() || passes.is_empty() {
            wrong.push(format!("{check}: no example"));
        }
        for (fails, passes) in fails.iter().zip(&passes) {
            let failing = found(&judged(fails), check);
            // Other rules of the pages have no role in one page's example.
            let passing = found(&judged(passes), check);
            let gone = failing.iter().any(|subject| !passing.contains(subject));
            if !gone || (check != Check::UnusedRule && !passing.is_empty()) {
                wrong.push(format!("{check}: fails {failing:?}, passes {passing:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pages_in_any_order_and_encoding_give_what_the_merged_file_gives() {
    let rules = here().join("testdata/audit/access.yaml");
    let whole = audit(&rules, &["--authorization-details", "account.json"], b"");
    assert!(whole.0["findings"].as_array().unwrap().len() > 20);
    assert_eq!(whole.1, 1);
    let without_files = |mut answer: (Value, i32)| {
        answer.0["summary"]["files"] = json!(0);
        answer
    };
    let whole = without_files(whole);

    let folder = audit(&rules, &["--authorization-details", "pages"], b"");
    assert_eq!(without_files(folder), whole, "a folder of pages");

    let reversed = [
        "--authorization-details",
        "pages/2.json",
        "pages/1.json",
        "pages/0.json",
    ];
    let answer = without_files(audit(&rules, &reversed, b""));
    assert_eq!(answer, whole, "pages in another order");

    let text = |name: &str| std::fs::read(here().join("testdata/audit").join(name)).unwrap();
    let pages: Vec<Vec<u8>> = (0..3)
        .map(|page| text(&format!("pages/{page}.json")))
        .collect();
    for (joined, what) in [
        (pages.concat(), "pages one after the other"),
        (
            [b"[".to_vec(), pages.join(&b','), b"]".to_vec()].concat(),
            "a list of pages",
        ),
        (
            [b"\xef\xbb\xbf".to_vec(), text("account.json")].concat(),
            "with a byte order mark",
        ),
        (
            serde_json::to_vec(&serde_json::from_slice::<Value>(&text("account.json")).unwrap())
                .unwrap(),
            "without white space, keys sorted",
        ),
    ] {
        let answer = audit(&rules, &["--authorization-details", "-"], &joined);
        assert_eq!(without_files(answer), whole, "{what}");
    }

    let twice = ["--authorization-details", "account.json", "pages"];
    let answer = audit(&rules, &twice, b"");
    assert_eq!(
        answer.0["findings"], whole.0["findings"],
        "the same page twice"
    );
    assert_eq!(answer.0["access"], whole.0["access"], "the same page twice");
}

#[test]
fn the_report_may_come_as_the_aws_cli_wraps_it() {
    use base64::Engine;
    let rules = here().join("testdata/audit/access.yaml");
    let details = [
        "--authorization-details",
        "account.json",
        "--credential-report",
    ];
    let plain = audit(&rules, &[&details[..], &["credentials.csv"]].concat(), b"");
    let csv = std::fs::read(here().join("testdata/audit/credentials.csv")).unwrap();
    let content = base64::engine::general_purpose::STANDARD.encode(csv);
    let wrapped = json!({ "Content": content, "ReportFormat": "text/csv" }).to_string();
    let answer = audit(&rules, &[&details[..], &["-"]].concat(), wrapped.as_bytes());
    assert_eq!(answer, plain);
    for broken in ["{\"Content\":\"%%%\"}", "{}", "a,b\n1,2\n", ""] {
        let answer = audit(&rules, &[&details[..], &["-"]].concat(), broken.as_bytes());
        assert_eq!(answer.1, 2, "{broken:?}");
        assert_eq!(answer.0["summary"]["unreadable_files"], json!(["<stdin>"]));
    }
}

/// Whatever is cut off or overwritten, the program ends with an answer and never with 0 or 1 where
/// it did not see everything.
#[test]
fn a_damaged_export_is_never_taken_for_whole() {
    let rules = here().join("testdata/audit/access.yaml");
    let whole = std::fs::read(here().join("testdata/audit/one-role.json")).unwrap();
    let end = whole.trim_ascii_end().len();
    for cut in (0..end).step_by(97).chain([end - 1]) {
        let (answer, status) = audit(&rules, &["--authorization-details", "-"], &whole[..cut]);
        assert_eq!(status, 2, "cut at {cut}: {answer}");
    }
}

/// Every fault that is planted in `permissions.json` is found at its role, and nothing else: a role
/// that holds what its rule allows, one behind a boundary and one that only our side enters are
/// not complained of.
#[test]
fn what_third_parties_may_do_is_judged() {
    let rules = here().join("../../docs/checks/rules.yaml");
    let arguments = [
        "--authorization-details",
        "permissions.json",
        "--last-accessed",
        "last-accessed",
    ];
    let (answer, status) = audit(&rules, &arguments, b"");
    assert_eq!(status, 2, "one policy cannot be read");
    for (check, roles) in [
        (
            Check::AdminAccess,
            vec!["UnboundedAdmin", "UnboundedAllBut"],
        ),
        (Check::IamAccess, vec!["UnboundedKeys", "UnboundedPass"]),
        (
            Check::PrivilegeEscalation,
            vec!["UnboundedKeys", "UnboundedPass"],
        ),
        (Check::OverCeiling, vec!["BoundedMore"]),
        (Check::WriteWildcard, vec!["UnboundedQueues"]),
        (Check::DataAccess, vec!["UnboundedObjects"]),
        (Check::PermissionUnused, vec!["BoundedIdle"]),
        (
            Check::UnreadablePermissions,
            vec!["UnboundedBroken", "UnboundedElsewhere"],
        ),
    ] {
        let mut subjects = found(&answer, check);
        subjects.sort();
        let expected: Vec<String> = roles.iter().map(|role| format!("role/{role}")).collect();
        assert_eq!(subjects, expected, "{check}");
    }
}

#[test]
fn what_users_may_do_whose_keys_a_vendor_holds_is_judged() {
    let rules = std::env::temp_dir().join(format!("users-{}.yaml", std::process::id()));
    let text = r#"
version: 1
vendors:
  - { name: Example Backup, users: ["backup-*"], permissions: { allow: ["ec2:Describe*"] } }
"#;
    std::fs::write(&rules, text).unwrap();
    let allow = |action: &str| {
        json!({ "Version": "2012-10-17", "Statement":
            [{ "Effect": "Allow", "Action": action, "Resource": "*" }] })
    };
    let inline = |action: &str| json!([{ "PolicyName": "p", "PolicyDocument": allow(action) }]);
    let user = |name: &str, policies: Value, groups: Value| {
        json!({
            "UserName": name, "Arn": format!("arn:aws:iam::111122223333:user/{name}"),
            "UserPolicyList": policies, "AttachedManagedPolicies": [], "GroupList": groups,
        })
    };
    let bounded = |mut user: Value| {
        let arn = "arn:aws:iam::111122223333:policy/Bound";
        user["PermissionsBoundary"] = json!({ "PermissionsBoundaryArn": arn });
        user
    };
    let export = json!({
        "UserDetailList": [
            user("backup-a", inline("iam:CreateUser"), json!([])),
            user("backup-b", json!([]), json!(["machines"])),
            user("backup-c", json!([]), json!(["elsewhere"])),
            user("backup-d", inline("ec2:DescribeRegions"), json!([])),
            bounded(user("backup-e", inline("*"), json!([]))),
            user("jane", inline("*"), json!(["machines"])),
        ],
        "GroupDetailList": [{
            "GroupName": "machines", "Arn": "arn:aws:iam::111122223333:group/machines",
            "GroupPolicyList": inline("s3:GetObject"), "AttachedManagedPolicies": [],
        }],
        "Policies": [{
            "Arn": "arn:aws:iam::111122223333:policy/Bound", "DefaultVersionId": "v1",
            "PolicyVersionList": [{
                "Document": allow("ec2:Describe*"), "VersionId": "v1", "IsDefaultVersion": true,
            }],
        }],
    });
    let arguments = ["--authorization-details", "-"];
    let (answer, status) = audit(&rules, &arguments, export.to_string().as_bytes());
    std::fs::remove_file(&rules).unwrap();
    assert_eq!(status, 1, "{answer:#}");
    for (code, users) in [
        (Check::IamAccess, vec!["user/backup-a"]),
        (Check::OverCeiling, vec!["user/backup-a", "user/backup-b"]),
        (Check::DataAccess, vec!["user/backup-b"]),
        (Check::UnreadablePermissions, vec!["user/backup-c"]),
        (Check::AdminAccess, vec![]),
    ] {
        let mut found = found(&answer, code);
        found.sort();
        assert_eq!(found, users, "{code}: {answer:#}");
    }
    let findings = answer["findings"].as_array().unwrap();
    let of_vendor = |found: &Value| {
        found["vendor"] == "Example Backup" || found["code"] == Check::PolicyOnUser.code()
    };
    assert!(findings.iter().all(of_vendor), "{answer:#}");
}
