//! Every event under `events/role-permissions`, and what it says of whom.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use trustwarden_guard::cloudtrail::{
    Document, Holder, PermissionsActivity, PermissionsChange, PolicyChange, Record, Watched,
    is_ordinary,
};

const ROLE: &str = "role DatadogIntegrationRole";
const USER: &str = "user backup-legacy";
const EXTRAS: &str = "arn:aws:iam::111122223333:policy/vendor/DatadogExtras";
const HOLDERS: &str = "holders of arn:aws:iam::111122223333:policy/vendor/DatadogExtras";

fn text(document: &Document) -> &str {
    match document {
        Document::Present(_) => "a document",
        Document::Omitted => "a document that is cut away",
        Document::Missing => "no document",
    }
}

fn words(activity: &PermissionsActivity) -> String {
    let PermissionsActivity::Changed(PermissionsChange { holder, change }) = activity else {
        return match activity {
            PermissionsActivity::Unreadable(_) => "unreadable".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
    };
    let whose = match holder {
        Holder::Role(name) => format!("role {name}"),
        Holder::User(name) => format!("user {name}"),
        Holder::Group(name) => format!("group {name}"),
        Holder::HoldersOf(arn) => format!("holders of {arn}"),
    };
    let what = match change {
        PolicyChange::Attached { arn } => format!("attached {arn}"),
        PolicyChange::Detached { arn } => format!("detached {arn}"),
        PolicyChange::Put { name, document } => format!("put {name}, {}", text(document)),
        PolicyChange::Deleted { name } => format!("deleted {name}"),
        PolicyChange::DefaultVersion {
            version, document, ..
        } => format!("version {version:?}, {}", text(document)),
        PolicyChange::BoundaryPut { arn } => format!("bounded by {arn}"),
        PolicyChange::BoundaryDeleted => "unbounded".to_owned(),
        PolicyChange::Joined { group } => format!("joined {group}"),
        PolicyChange::Left { group } => format!("left {group}"),
    };
    format!("{whose}: {what}")
}

fn ours() -> Watched {
    Watched::only("111122223333")
}

#[test]
fn every_event_says_what_it_changed_of_whom() {
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let group = "group vendors";
    let expected = [
        ("attach-role-policy", format!("{ROLE}: attached {admin}")),
        ("attach-role-policy-denied", "failed".to_owned()),
        ("detach-role-policy", format!("{ROLE}: detached {EXTRAS}")),
        ("put-role-policy", format!("{ROLE}: put Extras, a document")),
        ("delete-role-policy", format!("{ROLE}: deleted NoIam")),
        ("put-role-boundary", format!("{ROLE}: bounded by {admin}")),
        ("delete-role-boundary", format!("{ROLE}: unbounded")),
        (
            "create-policy-version",
            format!("{HOLDERS}: version Some(\"v2\"), a document"),
        ),
        ("create-policy-version-idle", "irrelevant".to_owned()),
        ("create-policy-version-omitted", "unreadable".to_owned()),
        (
            "set-default-policy-version",
            format!("{HOLDERS}: version Some(\"v2\"), no document"),
        ),
        ("attach-user-policy", format!("{USER}: attached {admin}")),
        ("detach-user-policy", format!("{USER}: detached {EXTRAS}")),
        ("put-user-policy", format!("{USER}: put Extras, a document")),
        ("delete-user-policy", format!("{USER}: deleted NoIam")),
        ("put-user-boundary", format!("{USER}: bounded by {admin}")),
        ("delete-user-boundary", format!("{USER}: unbounded")),
        ("add-user-to-group", format!("{USER}: joined vendors")),
        ("remove-user-from-group", format!("{USER}: left vendors")),
        ("attach-group-policy", format!("{group}: attached {admin}")),
        ("detach-group-policy", format!("{group}: detached {EXTRAS}")),
        (
            "put-group-policy",
            format!("{group}: put Extras, a document"),
        ),
        ("delete-group-policy", format!("{group}: deleted NoIam")),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/role-permissions");
    let mut ids = BTreeSet::new();
    for (name, expected) in &expected {
        let file = folder.join(format!("{name}.json"));
        let record = Record::from_text(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(
            words(&record.permissions_activity(&ours())),
            *expected,
            "{name}"
        );
        // Elsewhere it is none of ours; a log does not tell what else the role holds.
        let elsewhere = Watched::only("444455556666");
        let elsewhere = record.permissions_activity(&elsewhere);
        let nothing = ["irrelevant", "unreadable"].contains(&words(&elsewhere).as_str());
        assert!(nothing, "{name}: {elsewhere:?}");
        assert!(is_ordinary(
            &record.event_source,
            &record.event_name,
            "IAMUser"
        ));
        assert!(ids.insert(record.event_id), "{name}");
    }
    assert_eq!(
        std::fs::read_dir(folder).unwrap().count(),
        expected.len(),
        "every event has its line"
    );
}

#[test]
fn what_puts_a_version_in_force_is_read_with_care() {
    let said = |request: Value, response: Value| {
        let record = Record::from_value(&json!({
            "eventName": "CreatePolicyVersion",
            "eventSource": "iam.amazonaws.com",
            "recipientAccountId": "111122223333",
            "requestParameters": request,
            "responseElements": response,
        }));
        words(&record.permissions_activity(&ours()))
    };
    let request = |default: Value| json!({ "policyArn": EXTRAS, "setAsDefault": default });
    let in_force = format!("{HOLDERS}: version None, no document");
    for default in [json!(true), json!("true"), json!(1), json!({})] {
        assert_eq!(
            said(request(default.clone()), Value::Null),
            in_force,
            "{default}"
        );
    }
    for default in [json!(false), json!("False")] {
        assert_eq!(said(request(default), Value::Null), "irrelevant");
    }
    // The API's default is no; its answer decides.
    assert_eq!(
        said(json!({ "policyArn": EXTRAS }), Value::Null),
        "irrelevant"
    );
    let answer = json!({ "policyVersion": { "isDefaultVersion": true, "versionId": "v7" } });
    assert_eq!(
        said(request(json!(false)), answer),
        format!("{HOLDERS}: version Some(\"v7\"), no document")
    );
    assert_eq!(said(json!([]), Value::Null), "unreadable");
}
