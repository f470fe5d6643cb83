//! Input as people have it: cut, paged, given twice, in any encoding, beside files of other kinds.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::here;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("tw-{name}-{}", std::process::id())));
        drop(fs::remove_dir_all(&folder.0));
        fs::create_dir_all(folder.0.join("logs")).unwrap();
        for (name, bytes) in files {
            let path = folder.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    /// Status, standard output and standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
            .current_dir(&self.0)
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            ran.status.code().unwrap(),
            text(ran.stdout),
            text(ran.stderr),
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn rules() -> String {
    let rules = here().join("testdata/audit/access.yaml");
    rules.display().to_string()
}

/// The JSON of an audit, its status, and what it says on standard error.
fn audit(folder: &Folder, inputs: &[&str]) -> (Value, i32, String) {
    let rules = rules();
    let mut arguments = vec![
        "audit",
        "--rules",
        &rules,
        "--now",
        "2026-11-21",
        "--format",
        "json",
    ];
    arguments.extend(inputs);
    let (status, out, err) = folder.run(&arguments);
    (serde_json::from_str(&out).unwrap_or_default(), status, err)
}

/// The status of an audit, and what it says to people.
fn audit_for_people(folder: &Folder, inputs: &[&str]) -> (i32, String) {
    let rules = rules();
    let arguments = ["audit", "--rules", &rules, "--now", "2026-11-21"];
    let inputs = [&["--authorization-details"], inputs].concat();
    let (status, out, _) = folder.run(&[&arguments[..], &inputs].concat());
    (status, out)
}

fn role(name: &str, account: &str) -> Value {
    json!({
        "Path": "/", "RoleName": name, "Arn": format!("arn:aws:iam::{account}:role/{name}"),
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::464622532012:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "5b0c9f3de1a84c7b9d26f0a4c8e7135a"}}
        }]},
        "RolePolicyList": [], "AttachedManagedPolicies": [], "RoleLastUsed": {"LastUsedDate": 1795082400.5}
    })
}

/// A page of authorization details, with more fields.
fn page(roles: &[Value], more: Value) -> Vec<u8> {
    let mut page = json!({"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": roles, "Policies": []});
    page.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    serde_json::to_vec_pretty(&page).unwrap()
}

fn utf16(text: &[u8], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text = format!("\u{feff}{}", std::str::from_utf8(text).unwrap());
    text.encode_utf16().flat_map(unit).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

#[test]
fn an_export_with_a_page_missing_is_never_taken_for_whole() {
    let one = [role("DatadogOne", "111122223333")];
    let two = [role("DatadogTwo", "111122223333")];
    let other = [role("DatadogTwo", "222233334444")];
    let truncated = json!({"IsTruncated": true, "Marker": "m"});
    let last = json!({"IsTruncated": false});
    let listed = serde_json::to_vec(&json!({"Roles": one, "NextToken": "n"})).unwrap();
    for (pages, whole, what) in [
        (
            vec![page(&one, truncated.clone())],
            false,
            "the first page alone",
        ),
        (
            vec![page(&one, json!({"NextToken": "n"}))],
            false,
            "as --max-items cuts it",
        ),
        (
            vec![page(&one, truncated.clone()), page(&two, last.clone())],
            true,
            "both pages",
        ),
        (
            vec![page(&two, last.clone()), page(&one, truncated.clone())],
            true,
            "in another order",
        ),
        (
            vec![page(&one, truncated.clone()), page(&other, last)],
            false,
            "another account's",
        ),
        (vec![listed], false, "one page of list-roles"),
    ] {
        let joined = pages.join(&b'\n');
        let names = ["0.json", "1.json"];
        let files: Vec<(&str, &[u8])> = names
            .into_iter()
            .zip(pages.iter().map(Vec::as_slice))
            .collect();
        let folder = Folder::new("pages", &files);
        fs::write(folder.0.join("joined.json"), joined).unwrap();
        let mut several = vec!["--authorization-details"];
        several.extend(files.iter().map(|(name, _)| *name));
        for inputs in [&several[..], &["--authorization-details", "joined.json"]] {
            let (answer, status, err) = audit(&folder, inputs);
            assert_eq!(status, if whole { 0 } else { 2 }, "{what}: {err}");
            assert_eq!(err.contains("more pages follow"), !whole, "{what}: {err}");
            let unused = answer["findings"].to_string().contains("unused-rule");
            assert_eq!(unused, whole, "{what}: nothing is said of the whole");
        }
    }
}

#[test]
fn check_reads_no_part_of_a_list_as_the_whole() {
    let roles = [role("DatadogOne", "111122223333")];
    for (more, status) in [
        (json!({}), 0),
        (json!({"IsTruncated": true, "Marker": "m"}), 2),
        (json!({"NextToken": "n"}), 2),
    ] {
        let listed = json!({"Roles": roles});
        let mut listed = listed.as_object().unwrap().clone();
        listed.extend(more.as_object().unwrap().clone());
        let listed = serde_json::to_vec(&listed).unwrap();
        let details = page(&roles, more.clone());
        let folder = Folder::new(
            "check-list",
            &[("roles.json", &listed), ("details.json", &details)],
        );
        for file in ["roles.json", "details.json"] {
            let ran = folder.run(&["check", "--rules", &rules(), "--now", "2026-11-21", file]);
            assert_eq!(ran.0, status, "{file} with {more}: {}", ran.2);
        }
    }
}

#[test]
fn check_reads_the_templates_of_a_folder() {
    let role = role("Opened", "111122223333");
    let template = json!({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {
        "AssumeRolePolicyDocument": role["AssumeRolePolicyDocument"]}}}})
    .to_string();
    let files: &[(&str, &[u8])] = &[
        ("cdk.out/App.template.json", template.as_bytes()),
        (
            "cdk.out/assembly-Prod/Stage.template.json",
            template.as_bytes(),
        ),
        ("cdk.out/manifest.json", b"{}"),
    ];
    let folder = Folder::new("cdk", files);
    let rules = rules();
    let ran = folder.run(&["check", "--rules", &rules, "--format", "json", "cdk.out"]);
    let answer: Value = serde_json::from_str(&ran.1).unwrap();
    assert_eq!(answer["summary"]["policies"], 2, "{}", ran.2);
    assert_eq!(
        answer["findings"][1]["file"],
        "cdk.out/assembly-Prod/Stage.template.json"
    );
    let ran = folder.run(&["check", "--rules", &rules, "logs"]);
    assert!(
        ran.0 == 2 && ran.2.contains("no template is in it"),
        "{}",
        ran.2
    );
}

#[test]
fn what_comes_twice_counts_once_and_accounts_are_told_apart() {
    let here = [role("DatadogOne", "111122223333")];
    let there = [role("DatadogOne", "222233334444")];
    let compact =
        serde_json::to_vec(&json!({"RoleDetailList": here, "UserDetailList": []})).unwrap();
    let mut open = here.clone();
    open[0]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = json!({});
    let files: &[(&str, &[u8])] = &[
        ("a.json", &page(&here, json!({}))),
        ("b.json", &page(&there, json!({}))),
        ("compact.json", &compact),
        ("later.json", &page(&open, json!({}))),
    ];
    let folder = Folder::new("twice", files);
    let counts = |files: &[&str]| {
        let inputs = [&["--authorization-details"], files].concat();
        let (answer, status, _) = audit(&folder, &inputs);
        let number = |key: &str| answer["summary"][key].as_u64().unwrap();
        let rows = answer["access"].as_array().unwrap().len();
        (status, number("roles"), number("approved"), rows)
    };
    assert_eq!(counts(&["a.json"]), (0, 1, 1, 1));
    assert_eq!(counts(&["a.json", "a.json"]), (0, 1, 1, 1));
    assert_eq!(counts(&["a.json", "compact.json", "a.json"]), (0, 1, 1, 1));
    assert_eq!(counts(&["a.json", "b.json"]), (0, 2, 2, 2));
    // The role as it was at another time is judged as well.
    assert_eq!(counts(&["a.json", "later.json"]), (1, 1, 1, 2));

    let table = |files: &[&str]| audit_for_people(&folder, files).1;
    assert!(!table(&["a.json"]).contains("ACCOUNT"));
    let both = table(&["a.json", "b.json"]);
    assert!(both.contains("ACCOUNT       ROLE"), "{both}");
    assert!(both.contains("222233334444  DatadogOne"), "{both}");
}

#[test]
fn permissions_that_an_export_does_not_hold_are_not_known() {
    let mut bare = role("DatadogOne", "111122223333");
    let fields = bare.as_object_mut().unwrap();
    fields.remove("RolePolicyList");
    fields.remove("AttachedManagedPolicies");
    let listed = serde_json::to_vec(&json!({"Roles": [bare]})).unwrap();
    let folder = Folder::new("list-roles", &[("roles.json", &listed)]);
    let (status, out) = audit_for_people(&folder, &["roles.json"]);
    assert_eq!(status, 1);
    assert!(out.contains("external id  not known"), "{out}");
    assert!(out.contains("unreadable-permissions"), "{out}");
    assert!(
        !out.contains("unused-rule"),
        "list-roles says nothing of users: {out}"
    );
}

#[test]
fn what_a_role_may_do_is_at_most_what_is_said_where_its_boundary_is_missing() {
    let mut bounded = role("DatadogOne", "111122223333");
    let read = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]});
    bounded["RolePolicyList"] = json!([{"PolicyName": "read", "PolicyDocument": read}]);
    bounded["PermissionsBoundary"] =
        json!({"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/B"});
    let folder = Folder::new("boundary", &[("a.json", &page(&[bounded], json!({})))]);
    let (status, out) = audit_for_people(&folder, &["a.json"]);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("at most data read"), "{out}");
    assert!(
        out.contains("INFORMATIONAL unreadable-permissions"),
        "{out}"
    );
}

#[test]
fn an_export_is_read_in_any_encoding() {
    let text = page(&[role("DatadogOne", "111122223333")], json!({}));
    let report = b"user,arn,password_enabled,mfa_active\njane,arn:aws:iam::111122223333:user/jane,true,false\n";
    let crlf = String::from_utf8_lossy(report).replace('\n', "\r\n");
    let semicolons = crlf.replace(',', ";");
    let wrapped = serde_json::to_vec(&json!({"Content": STANDARD.encode(report)})).unwrap();
    for (what, details, report) in [
        ("as it is", text.clone(), report.to_vec()),
        (
            "UTF-16 LE",
            utf16(&text, u16::to_le_bytes),
            utf16(report, u16::to_le_bytes),
        ),
        (
            "UTF-16 BE",
            utf16(&text, u16::to_be_bytes),
            utf16(report, u16::to_be_bytes),
        ),
        ("gzip", gzip(&text), gzip(crlf.as_bytes())),
        (
            "base64",
            STANDARD.encode(&text).into_bytes(),
            STANDARD.encode(report).into_bytes(),
        ),
        ("wrapped", text.clone(), wrapped),
        ("of a spreadsheet", text.clone(), semicolons.into_bytes()),
    ] {
        let folder = Folder::new("encodings", &[("a.json", &details), ("r.csv", &report)]);
        let rules = rules();
        let (status, out, err) = folder.run(&[
            "audit",
            "--rules",
            &rules,
            "--now",
            "2026-11-21",
            "--format",
            "sarif",
            "--fail-on",
            "medium",
            "--authorization-details",
            "a.json",
            "--credential-report",
            "r.csv",
        ]);
        assert_eq!((status, err.as_str()), (1, ""), "{what}");
        let answer: Value = serde_json::from_str(&out).unwrap();
        let results = answer["runs"][0]["results"].as_array().unwrap();
        let mfa = results
            .iter()
            .find(|found| found["ruleId"] == "user-without-mfa")
            .unwrap();
        let line = &mfa["locations"][0]["physicalLocation"]["region"]["startLine"];
        assert_eq!(line, 2, "{what}: the line that an editor shows");
    }
}

#[test]
fn other_output_of_the_aws_cli_is_named_with_the_flag_that_helps() {
    for (text, what) in [
        (
            "UserDetailList: []\r\nRoleDetailList:\r\n- Path: /\r\n",
            "YAML",
        ),
        ("-------\n|  GetAccountAuthorizationDetails  |\n", "a table"),
        (
            "ROLEDETAILLIST\tarn:aws:iam::111122223333:role/R\t2026\n",
            "text",
        ),
    ] {
        let folder = Folder::new("other-output", &[("a.txt", text.as_bytes())]);
        let rules = rules();
        for arguments in [
            &["audit", "--authorization-details", "a.txt"][..],
            &["replay", "a.txt"],
            &["check", "a.txt"],
            &[
                "audit",
                "--authorization-details",
                "logs",
                "--credential-report",
                "a.txt",
            ],
        ] {
            let (status, _, err) = folder.run(&[arguments, &["--rules", &rules]].concat());
            assert_eq!(status, 2, "{arguments:?}: {err}");
            assert!(err.contains("--output json"), "{arguments:?}: {err}");
            assert!(err.contains(what), "{arguments:?}: {err}");
        }
    }
}

/// A record by which a role is opened to an unknown account.
fn opened(id: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": id, "eventTime": time, "eventSource": "iam.amazonaws.com",
        "eventName": "CreateRole", "awsRegion": "us-east-1", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/alice"},
        "requestParameters": {"roleName": format!("Opened{id}"), "assumeRolePolicyDocument": json!({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "999900001111"}, "Action": "sts:AssumeRole"}]}).to_string()}
    })
}

/// The ids of alerts, the summary, the status and standard error.
fn replay(folder: &Folder, arguments: &[&str]) -> (Vec<String>, Value, i32, String) {
    let rules = rules();
    let all = [
        &["replay", "--rules", &rules, "--format", "jsonl"],
        arguments,
    ]
    .concat();
    let (status, out, err) = folder.run(&all);
    let lines = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let (alerts, rest): (Vec<_>, Vec<_>) = lines.partition(|line| line["type"] == "alert");
    let ids = alerts
        .iter()
        .map(|alert| alert["event_id"].as_str().unwrap().to_owned());
    (ids.collect(), rest[0].clone(), status, err)
}

#[test]
fn a_log_is_read_in_any_encoding() {
    let text = json!({"Records": [opened("a", "2026-03-10T10:00:00Z")]});
    let text = serde_json::to_vec_pretty(&text).unwrap();
    let crlf = String::from_utf8_lossy(&text)
        .replace('\n', "\r\n")
        .into_bytes();
    for (what, bytes) in [
        ("UTF-16 LE", utf16(&text, u16::to_le_bytes)),
        ("UTF-16 BE", utf16(&crlf, u16::to_be_bytes)),
        ("CR LF", crlf),
        ("UTF-16 in gzip", gzip(&utf16(&text, u16::to_le_bytes))),
        ("gzip twice", gzip(&gzip(&text))),
        ("base64 of gzip", STANDARD.encode(gzip(&text)).into_bytes()),
    ] {
        let folder = Folder::new("log-encodings", &[("logs/a.json", &bytes)]);
        let (alerts, _, status, err) = replay(&folder, &["logs"]);
        assert_eq!(
            (alerts.as_slice(), status),
            (&["a".to_owned()][..], 0),
            "{what}: {err}"
        );
    }
}

#[test]
fn a_batch_of_a_subscription_is_read_as_the_function_gets_it() {
    let message = opened("a", "2026-03-10T10:00:00Z").to_string();
    let batch =
        json!({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": message}]});
    let data = STANDARD.encode(gzip(batch.to_string().as_bytes()));
    let event = json!({"awslogs": {"data": data}}).to_string();
    let folder = Folder::new("awslogs", &[("logs/a.json", event.as_bytes())]);
    let (alerts, summary, status, err) = replay(&folder, &["logs"]);
    assert_eq!((alerts, status), (vec!["a".to_owned()], 0), "{err}");
    assert_eq!(summary["records"], 1);
}

#[test]
fn a_list_of_roles_is_read_without_its_name() {
    let roles = json!([
        role("DatadogOne", "111122223333"),
        role("DatadogTwo", "111122223333")
    ]);
    let text = utf16(roles.to_string().as_bytes(), u16::to_le_bytes);
    let one = json!({"Role": role("DatadogOne", "111122223333")}).to_string();
    let folder = Folder::new(
        "bare",
        &[("roles.json", &text), ("one.json", one.as_bytes())],
    );
    let (answer, status, err) = audit(&folder, &["--authorization-details", "roles.json"]);
    assert_eq!(
        (&answer["summary"]["roles"], status),
        (&json!(2), 0),
        "{err}"
    );
    let ran = folder.run(&[
        "check",
        "--rules",
        &rules(),
        "--format",
        "json",
        "roles.json",
        "one.json",
    ]);
    let answer: Value = serde_json::from_str(&ran.1).unwrap();
    assert_eq!(answer["summary"]["policies"], 3, "{}", ran.2);
}

#[test]
fn nothing_read_is_never_done() {
    let log = serde_json::to_vec(&json!([opened("a", "2026-03-10T10:00:00Z")])).unwrap();
    let digest = "logs/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/10/d.json.gz";
    let config = "logs/111122223333_Config_us-east-1_ConfigHistory_x.json.gz";
    for (what, files, status, skipped, named) in [
        ("nothing", vec![], 2, 0, "logs"),
        (
            "a file of another kind",
            vec![("logs/a.parquet", &b"PAR1"[..])],
            2,
            1,
            "a.parquet",
        ),
        (
            "only another service's",
            vec![(digest, b"{}")],
            2,
            1,
            "logs",
        ),
        (
            "a log, and another kind",
            vec![("logs/a.json", &log), ("logs/b.csv", b"")],
            0,
            1,
            "b.csv",
        ),
        (
            "a log, and another service's",
            vec![("logs/a.json", &log), (digest, b"{}"), (config, b"{}")],
            0,
            2,
            "",
        ),
    ] {
        let folder = Folder::new("nothing", &files);
        let (_, summary, ended, err) = replay(&folder, &["logs"]);
        assert_eq!(
            (ended, &summary["skipped_files"]),
            (status, &json!(skipped)),
            "{what}: {err}"
        );
        assert!(err.contains(named), "{what}: {err}");
        assert_eq!(err.is_empty(), named.is_empty(), "{what}: {err}");
    }
}

#[test]
fn a_record_counts_once_and_at_its_own_time() {
    let original = opened("b", "2026-03-10T10:00:00Z");
    let mut addendum = opened("a", "2026-03-10T10:00:00Z");
    addendum["addendum"] = json!({"reason": "UPDATED_DATA", "originalEventID": "b"});
    let mut insight = opened("i", "2026-03-10T10:00:00Z");
    insight["eventType"] = json!("AwsCloudTrailInsight");
    insight.as_object_mut().unwrap().remove("eventName");
    let note = json!({"eventName": "CreateRole", "eventSource": "iam.amazonaws.com"});
    let blank = opened("c", "2026-03-10 23:30:00.000");
    for (what, records, from, alerts, status) in [
        (
            "an addendum behind its event",
            json!([original, addendum]),
            "2026-03-10",
            vec!["b"],
            0,
        ),
        (
            "before it",
            json!([addendum, original]),
            "2026-03-10",
            vec!["b"],
            0,
        ),
        ("alone", json!([addendum]), "2026-03-10", vec!["a"], 0),
        ("an Insight", json!([insight]), "2026-03-10", vec![], 0),
        ("a note", json!([note]), "2026-03-10", vec![], 2),
        (
            "a time without a zone",
            json!([blank]),
            "2026-03-10",
            vec!["c"],
            0,
        ),
        ("of the day before", json!([blank]), "2026-03-11", vec![], 0),
    ] {
        let text = serde_json::to_vec(&records).unwrap();
        let folder = Folder::new("records", &[("logs/a.json", &text)]);
        let (ids, summary, ended, err) = replay(&folder, &["--from", from, "logs"]);
        assert_eq!(
            (ids, ended),
            (alerts.into_iter().map(str::to_owned).collect(), status),
            "{what}: {err}"
        );
        let sum = |keys: &[&str]| {
            keys.iter()
                .map(|key| summary[key].as_u64().unwrap())
                .sum::<u64>()
        };
        let parts = [
            "irrelevant",
            "approved",
            "alerts",
            "failed_calls",
            "duplicates",
            "unreadable_records",
        ];
        assert_eq!(sum(&parts), sum(&["records"]), "{what}");
    }
}

#[test]
fn what_root_did_is_told_as_what_it_was() {
    let root = json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"});
    let record = |source: &str, name: &str, identity: Value, more: Value| {
        let mut record = json!({
            "eventVersion": "1.11", "eventID": "r", "eventTime": "2026-03-10T10:00:00Z",
            "eventSource": source, "eventName": name, "awsRegion": "us-east-1",
            "sourceIPAddress": "203.0.113.7", "recipientAccountId": "111122223333",
            "userIdentity": identity,
        });
        let fields = record.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        record
    };
    let by = |service: &str| {
        let mut identity = root.clone();
        identity["invokedBy"] = json!(service);
        identity
    };
    let mut assumed = root.clone();
    assumed["sessionContext"] = json!({"assumedRoot": "true"});
    let (iam, sign_in) = ("iam.amazonaws.com", "signin.amazonaws.com");
    let login = json!({"loginProfile": {"createDate": "Mar 10, 2026, 10:00:00 AM"}});
    for (record, codes, actor) in [
        (
            record(
                iam,
                "AttachUserPolicy",
                by("signin.amazonaws.com"),
                json!({}),
            ),
            "root-activity",
            "arn:aws:iam::111122223333:root",
        ),
        (
            record(
                iam,
                "CreateUser",
                by("cloudformation.amazonaws.com"),
                json!({"requestParameters": {"userName": "a"}}),
            ),
            "",
            "",
        ),
        (
            record(
                sign_in,
                "PasswordUpdated",
                root.clone(),
                json!({"responseElements": {"PasswordUpdated": "Failure"}}),
            ),
            "root-sign-in-failed",
            "",
        ),
        (
            record(
                sign_in,
                "PasswordUpdated",
                root.clone(),
                json!({"responseElements": {"PasswordUpdated": "Success"}}),
            ),
            "root-activity",
            "",
        ),
        (
            record(
                sign_in,
                "ExternalIdPDirectoryLogin",
                root.clone(),
                json!({"responseElements": {"ExternalIdPDirectoryLogin": "Failure"}}),
            ),
            "root-sign-in-failed",
            "",
        ),
        (
            record(
                iam,
                "CreateLoginProfile",
                assumed.clone(),
                json!({"responseElements": login}),
            ),
            "console-password-created root-activity",
            "assumed-root",
        ),
        (
            record("sts.amazonaws.com", "GetCallerIdentity", assumed, json!({})),
            "root-activity",
            "assumed-root",
        ),
    ] {
        let text = serde_json::to_vec(&json!([record])).unwrap();
        let folder = Folder::new("root", &[("logs/a.json", &text)]);
        let (_, out, err) =
            folder.run(&["replay", "--rules", &rules(), "--format", "jsonl", "logs"]);
        let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        let findings = first["findings"].as_array().into_iter().flatten();
        let mut found: Vec<&str> = findings
            .map(|found| found["code"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.join(" "), codes, "{record}: {err}");
        assert!(
            first["actor"].as_str().unwrap_or_default().contains(actor),
            "{first}"
        );
        let accused = out.contains("the root user called") && actor == "assumed-root";
        assert!(!accused, "{out}");
    }
}

#[test]
fn a_role_that_takes_the_place_of_another_in_one_second_lives_on() {
    let mut created = opened("b", "2026-03-10T09:00:00Z");
    let trust = role("DatadogOne", "111122223333")["AssumeRolePolicyDocument"].to_string();
    created["requestParameters"] =
        json!({"roleName": "DatadogOne", "assumeRolePolicyDocument": trust});
    let mut deleted = opened("a", "2026-03-10T09:00:00Z");
    deleted["eventName"] = json!("DeleteRole");
    deleted["requestParameters"] = json!({"roleName": "DatadogOne"});
    let mut changed = opened("c", "2026-03-10T10:00:00Z");
    changed["eventName"] = json!("UpdateAssumeRolePolicy");
    let open = opened("x", "")["requestParameters"]["assumeRolePolicyDocument"].clone();
    changed["requestParameters"] = json!({"roleName": "DatadogOne", "policyDocument": open});
    changed["userIdentity"]["invokedByDelegate"] = json!({"accountId": "444455556666"});
    let text = serde_json::to_vec(&json!([deleted, created, changed])).unwrap();
    let folder = Folder::new("second", &[("logs/a.json", &text)]);
    let (_, out, _) = folder.run(&["replay", "--rules", &rules(), "--format", "jsonl", "logs"]);
    let alert: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(alert["plan"]["action"], "revert", "{out}");
    assert!(
        alert["actor"]
            .as_str()
            .unwrap()
            .contains("account 444455556666"),
        "{out}"
    );

    changed["requestParameters"] =
        json!({"omitted": true, "reason": "requestParameters is too large"});
    let text = serde_json::to_vec(&json!([changed])).unwrap();
    let folder = Folder::new("second", &[("logs/a.json", &text)]);
    let (_, out, _) = folder.run(&["replay", "--rules", &rules(), "--format", "jsonl", "logs"]);
    assert!(out.contains("\"subject\":\"role/unknown\""), "{out}");
}

#[test]
fn a_rules_file_of_another_shape_is_told_what_was_meant() {
    let vendor = |lines: &str| {
        format!("version: 1\nvendors:\n  - name: A\n    accounts: [\"444455556666\"]\n{lines}")
    };
    for (text, line, sentence) in [
        (vendor("    roles: [*]\n"), 5, "quote it: `\"*\"`"),
        (vendor("    roles: *\n"), 5, "quote it: `\"*\"`"),
        (
            vendor("    roles: [*Reader]\n"),
            5,
            "quote it: `\"*Reader\"`",
        ),
        (
            vendor("    owner: @platform\n"),
            5,
            "quote it: `\"@platform\"`",
        ),
        (
            vendor("    roles: Reader\n"),
            5,
            "write `roles: [\"Reader\"]`",
        ),
        (
            vendor("    external_id: abcdefgh12345\n"),
            5,
            "write `external_id: { values: [\"abcdefgh12345\"] }`",
        ),
        (
            vendor("    permissions: [\"s3:Get*\"]\n"),
            5,
            "write `permissions: { allow: [\"s3:Get*\"] }`",
        ),
        (vendor("    ticket: \"SEC-1\n"), 6, "close it on the line"),
        (
            vendor("   roles: [A]\n"),
            5,
            "indent it as the keys beside it",
        ),
        (
            "version: 1\nvendors:\n  A:\n    roles: []\n".to_owned(),
            3,
            "begin each entry with `- `",
        ),
        (
            "version: 1\nvendors:\n  - A\n".to_owned(),
            3,
            "as `- name: A`",
        ),
        (
            "version: 1\nvendors:\n\t- name: A\n".to_owned(),
            3,
            "use blanks",
        ),
        (
            "version: 1\naccess_keys: true\n".to_owned(),
            2,
            "write `access_keys: { max_age_days: 90 }`",
        ),
        ("[]\n".to_owned(), 1, "such as `version: 1`"),
    ] {
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let folder = Folder::new("shape", &[("access.yaml", text.as_bytes())]);
            let (status, _, err) = folder.run(&["rules", "check", "access.yaml"]);
            assert_eq!(status, 2, "{text}");
            assert!(err.contains(sentence), "{text:?}: {err}");
            let named = err.contains(&format!("access.yaml:{line}:")) || line == 6;
            assert!(named, "{text:?}: {err}");
        }
    }
}

#[test]
fn an_archive_says_what_it_is_and_roles_in_lines_are_a_list() {
    let account = fs::read(here().join("testdata/audit/one-role.json")).unwrap();
    let mut tar = [0; 1024];
    tar[..12].copy_from_slice(b"account.json");
    tar[512..517].copy_from_slice(b"{ \"R\"");
    // `jq -c '.RoleDetailList[]'`
    let account: Value = serde_json::from_slice(&account).unwrap();
    let roles = account["RoleDetailList"].as_array().unwrap();
    let lines: String = roles.iter().map(|role| format!("{role}\n")).collect();
    let folder = Folder::new(
        "archives",
        &[
            ("a.tar", &tar),
            ("a.tar.gz", &gzip(&tar)),
            ("a.zip", b"PK\x03\x04 and the rest of it"),
            ("roles.jsonl", lines.as_bytes()),
            ("roles.json", account.to_string().as_bytes()),
        ],
    );
    for (name, said) in [
        (
            "a.tar",
            "it is a tar archive: unpack it, and name the folder",
        ),
        (
            "a.tar.gz",
            "it is a tar archive: unpack it, and name the folder",
        ),
        ("a.zip", "it is a zip archive: unpack it"),
    ] {
        let (_, status, err) = audit(&folder, &["--authorization-details", name]);
        assert!(status == 2 && err.contains(said), "{name}: {err}");
    }
    let (one, status, err) = audit(&folder, &["--authorization-details", "roles.jsonl"]);
    let (other, ..) = audit(&folder, &["--authorization-details", "roles.json"]);
    assert!(
        status < 2 && one["summary"]["roles"] == roles.len(),
        "{err}"
    );
    assert_eq!(one["access"][0]["ways"], other["access"][0]["ways"]);
    // What the lines leave out is said.
    assert_eq!(
        one["access"][0]["unreadable_policies"],
        json!(["SecurityAudit"])
    );
}
