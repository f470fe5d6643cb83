//! Each row of `resource-share` opens something by one call and nothing by another; and nobody
//! outside gets access by any of them without a finding.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::collections::BTreeSet;

use guard::Finding;
use guard::cloudtrail::{Activity, Record, Watched, events};
use guard::detect::judge_share;
use guard::rules::Rules;
use serde_json::{Value, json};

const OURS: &str = "111122223333";
const OUTSIDE: &str = "999900001111";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    call: String,
    finds: String,
    opens: Call,
    harmless: Option<Call>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    request: Value,
    response: Value,
}

fn cases() -> Vec<Case> {
    serde_saphyr::from_str(include_str!("../../testdata/shares.yaml")).unwrap()
}

fn rules() -> Rules {
    let file = serde_saphyr::from_str(include_str!("../../../../rules/access.yaml")).unwrap();
    let accounts: Vec<guard::rules::OrganizationAccount> =
        serde_json::from_str(include_str!("../../../../rules/accounts.json")).unwrap();
    crate::loaded_with(&file, &accounts)
}

fn record(call: &str, request: &Value, response: &Value, error: Option<&str>) -> Record {
    let (source, name) = call.split_once(':').unwrap();
    Record::from_value(&json!({
        "eventVersion": "1.11", "eventID": "e", "eventTime": "2026-11-20T09:00:00Z",
        "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
        "awsRegion": "us-east-1", "recipientAccountId": OURS,
        "userIdentity": { "type": "IAMUser", "arn": format!("arn:aws:iam::{OURS}:user/mallory"), "accountId": OURS },
        "requestParameters": request, "responseElements": response, "errorCode": error,
    }))
}

fn activity(record: &Record) -> Activity {
    record.activity(&Watched::only(OURS))
}

fn found(rules: &Rules, record: &Record) -> Vec<Finding> {
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    match activity(record) {
        Activity::Shared(change) => judge_share(rules, OURS, &change, now),
        Activity::Irrelevant(_) => Vec::new(),
        other => panic!("{}: {other:?}", record.event_name),
    }
}

fn severities(found: &[Finding]) -> Vec<String> {
    let severities = found.iter().map(|one| one.severity.to_string());
    severities.collect()
}

#[test]
fn each_row_opens_by_one_call_and_not_by_another() {
    let rules = rules();
    let mut there = BTreeSet::new();
    for case in cases() {
        let call = &case.call;
        let opening = record(call, &case.opens.request, &case.opens.response, None);
        let findings = found(&rules, &opening);
        assert_eq!(severities(&findings), [case.finds], "{call}: {findings:#?}");
        assert_eq!(findings[0].code.code(), "resource-shared");
        let Activity::Shared(change) = activity(&opening) else {
            panic!("{call}");
        };
        assert!(
            change.resource.starts_with("arn:aws:"),
            "{call} {}",
            change.resource
        );
        assert!(
            !change.resource.contains("unknown"),
            "{call} {}",
            change.resource
        );
        if let Some(harmless) = case.harmless {
            let record = record(call, &harmless.request, &harmless.response, None);
            assert_eq!(found(&rules, &record), [], "{call}");
        }
        let failed = record(
            call,
            &case.opens.request,
            &Value::Null,
            Some("AccessDenied"),
        );
        assert!(matches!(activity(&failed), Activity::Failed(_)), "{call}");
        // What CloudTrail cut away may share anything.
        let cut = record(call, &json!({ "omitted": true }), &Value::Null, None);
        assert_eq!(severities(&found(&rules, &cut)), ["HIGH"], "{call}");
        assert!(there.insert(case.call.clone()), "{call} is there twice");
    }
    let rows: BTreeSet<String> = events()
        .filter(|(_, row)| row.means.function() == Some("resource-share"))
        .map(|(source, row)| format!("{}:{}", source.trim_end_matches(".amazonaws.com"), row.name))
        .collect();
    assert_eq!(there, rows);
}

/// Wherever a case names nobody or us, somebody outside in that place is found.
#[test]
fn nobody_outside_is_let_in_without_a_finding() {
    let rules = rules();
    let externals = [
        OUTSIDE.to_owned(),
        format!("arn:aws:iam::{OUTSIDE}:root"),
        format!("arn:aws:iam::{OUTSIDE}:role/a\u{202e}b"),
        "\u{1b}[31m".to_owned(),
        "AROAEXAMPLE1111111111".to_owned(),
    ];
    let mut tried = 0;
    for case in cases() {
        for external in &externals {
            let text = case.opens.request.to_string();
            if !text.contains(OUTSIDE) {
                continue;
            }
            let whole = [
                format!("arn:aws:iam::{OUTSIDE}:root"),
                format!("arn:aws:iam::{OUTSIDE}:role/reader"),
            ];
            let quoted = serde_json::to_string(external).unwrap();
            let quoted = quoted.trim_matches('"');
            // Inside a policy's text once more.
            let nested = quoted.replace('\\', "\\\\");
            let mut text = text;
            for (at, to) in whole
                .iter()
                .map(String::as_str)
                .chain([OUTSIDE])
                .map(|at| (at, quoted))
            {
                text = text.replace(&format!("\\\"{at}\\\""), &format!("\\\"{nested}\\\""));
                text = text.replace(&format!("\"{at}\""), &format!("\"{to}\""));
            }
            let request: Value = serde_json::from_str(&text).unwrap();
            if request == case.opens.request && *external != OUTSIDE {
                continue;
            }
            tried += 1;
            let record = record(&case.call, &request, &Value::Null, None);
            let findings = found(&rules, &record);
            assert!(!findings.is_empty(), "{} {request}", case.call);
        }
    }
    assert!(tried > 100, "{tried}");
}

/// Whatever stands in a record, it is read: as a share, or as nothing.
#[test]
fn odd_records_are_read() {
    let rules = rules();
    let mut deep = json!("all");
    for _ in 0..40 {
        deep = json!([{ "add": deep }]);
    }
    let odd = [
        Value::Null,
        json!(7),
        json!("all"),
        json!([]),
        json!({ "policy": 7, "principals": { "a": [null, 7, OUTSIDE] } }),
        json!({ "policy": "{", "resourceShareArn": "arn:aws:ram:::{name}", "functionName": ["{account}"] }),
        json!({ "policy": { "Statement": { "Effect": "Allow" } }, "attributes": { "Policy": [deep] } }),
        json!({ "createVolumePermission": { "add": deep }, "snapshotId": "{name}{region}" }),
    ];
    for case in cases() {
        for request in &odd {
            for response in &odd {
                let record = record(&case.call, request, response, None);
                for finding in found(&rules, &record) {
                    assert_eq!(finding.code.code(), "resource-shared");
                }
            }
        }
    }
}

#[test]
fn the_ids_of_resources_are_told_apart_from_their_arns() {
    let share = |call: &str, request: Value, response: Value| match activity(&record(
        call, &request, &response, None,
    )) {
        Activity::Shared(change) => change.resource,
        other => panic!("{other:?}"),
    };
    let queue = json!({ "queueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/jobs", "aWSAccountIds": [OUTSIDE] });
    assert_eq!(
        share("sqs:AddPermission", queue, Value::Null),
        "arn:aws:sqs:us-east-1:111122223333:jobs"
    );
    let odd = json!({ "snapshotId": "{account}", "createVolumePermission": { "add": ["all"] } });
    assert_eq!(
        share("ec2:ModifySnapshotAttribute", odd, Value::Null),
        "arn:aws:ec2:us-east-1::snapshot/{account}"
    );
}

#[test]
fn a_rule_of_a_vendor_covers_those_it_names() {
    let rules = rules();
    let to = |who: &str| {
        let request = json!({ "snapshotId": "snap-1", "createVolumePermission": { "add": { "items": [{ "userId": who }] } } });
        let found = found(
            &rules,
            &record("ec2:ModifySnapshotAttribute", &request, &Value::Null, None),
        );
        found
            .into_iter()
            .map(|one| (one.message, one.vendor))
            .next()
    };
    assert_eq!(to("464622532012"), None);
    assert_eq!(to("222233334444"), None);
    assert_eq!(to("555566667777"), None);
    // The rule names one role of it.
    let (message, vendor) = to("333344445555").unwrap();
    assert!(message.contains("names other principals"), "{message}");
    assert_eq!(vendor.as_deref(), Some("Example Backup"));
    assert!(to(OUTSIDE).unwrap().0.contains("no rule names it"));
}

#[test]
fn an_exemption_accepts_one_resource_and_whom_it_names() {
    let judged = |exemption: &str, who: &str| {
        let yaml = format!(
            "version: 1\nexemptions: [{{ {exemption}, check: resource-shared, reason: r, expires: 2027-01-31 }}]"
        );
        let rules = crate::loaded(&serde_saphyr::from_str(&yaml).unwrap());
        let request = json!({ "bucketName": "site", "bucketPolicy": { "Statement": {
            "Effect": "Allow", "Principal": { "AWS": who }, "Action": "s3:GetObject", "Resource": "*",
        } } });
        found(
            &rules,
            &record("s3:PutBucketPolicy", &request, &Value::Null, None),
        )
        .len()
    };
    let site = "resource: \"arn:aws:s3:::site\"";
    assert_eq!(judged(&format!("{site}, account: \"*\""), "*"), 0);
    assert_eq!(judged(&format!("{site}, account: \"*\""), OUTSIDE), 1);
    assert_eq!(
        judged(&format!("{site}, account: \"{OUTSIDE}\""), OUTSIDE),
        0
    );
    assert_eq!(judged(&format!("{site}, account: \"{OUTSIDE}\""), "*"), 1);
    assert_eq!(
        judged("resource: \"arn:aws:s3:::s*e\", account: \"*\"", "*"),
        0
    );
    assert_eq!(
        judged("resource: \"arn:aws:s3:::sit\", account: \"*\"", "*"),
        1
    );
}

#[test]
fn an_exemption_names_a_resource_by_its_arn() {
    let problems = |resource: &str| {
        let yaml = format!(
            "version: 1\nexemptions: [{{ resource: \"{resource}\", account: \"*\", check: resource-shared, reason: r, expires: 2027-01-31 }}]"
        );
        let file: guard::rules::RulesFile = serde_saphyr::from_str(&yaml).unwrap();
        let problems = file.problems(Some(crate::now()));
        problems
            .into_iter()
            .map(|one| one.level)
            .collect::<Vec<_>>()
    };
    use guard::rules::Level;
    for fine in [
        "arn:aws:s3:::site",
        "arn:aws:ec2:*::image/ami-1*",
        "arn:aws:sns:eu-west-1:111122223333:a:b",
    ] {
        assert_eq!(problems(fine), [], "{fine}");
    }
    for wrong in [
        "site",
        "*",
        "arn:*:s3:::site",
        "arn:aws:*:::site",
        "arn:aws:s3::",
        "aws:arn:s3:::site",
    ] {
        assert_eq!(problems(wrong), [Level::Error], "{wrong}");
    }
    assert_eq!(problems("arn:aws:s3:::*"), [Level::Warning]);
}

#[test]
fn a_vendors_rule_for_other_accounts_of_ours_covers_nothing_here() {
    let judged = |own: &str| {
        let yaml = format!(
            "version: 1\nvendors: [{{ name: Observer, accounts: [\"{OUTSIDE}\"], roles: [Observer], \
             accounts_of_ours: [\"{own}\"], external_id: {{ required: false }} }}]"
        );
        let rules = crate::loaded(&serde_saphyr::from_str(&yaml).unwrap());
        let request =
            json!({ "snapshotId": "snap-1", "createVolumePermission": { "add": [OUTSIDE] } });
        let record = record("ec2:ModifySnapshotAttribute", &request, &Value::Null, None);
        found(&rules, &record)
            .into_iter()
            .map(|one| one.message)
            .next()
    };
    assert_eq!(judged(OURS), None);
    assert!(
        judged("222233334444")
            .unwrap()
            .contains("about other accounts of ours")
    );
}
