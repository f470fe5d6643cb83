//! What the remediator does about permissions and access keys, and when IAM refuses, as tables:
//! `testdata/remediator`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use trustwarden_guard::model::{Cause, HeldPolicy, LivePermissions, LiveRole, document_digest};
use trustwarden_guard::order::{KeyOrder, Order, PermissionsOrder, Task};
use trustwarden_guard::permissions::{
    Compliant, OwnUndo, PermissionsHistory, Undo, Undoable, held_mark,
};
use trustwarden_guard::ports::{IamError, IamErrorKind};
use trustwarden_guard::remediate::{
    Action, Assignment, Candidate, Ending, Exposure, Live, Refusal, SeenHolder, decide_undo,
    left_active, refusal, too_old,
};
use trustwarden_guard::rules::RulesFile;
use trustwarden_guard::state::history::WriteProgress;
use trustwarden_guard::state::incident::Schema;
use trustwarden_guard::{GuardConfig, Severity};

const ACCOUNT: &str = "111122223333";
const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/Boundary";
const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn at(second: i64) -> Timestamp {
    let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    now + SignedDuration::from_secs(second)
}

fn read(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/remediator");
    std::fs::read_to_string(format!("{folder}/{file}")).unwrap()
}

fn guard(rules: &Value, over: &BTreeMap<String, Value>, mode: &str) -> GuardConfig {
    let mut file = rules.clone();
    for (section, value) in over {
        file[section] = value.clone();
    }
    let file: RulesFile = serde_json::from_value(file).unwrap();
    GuardConfig {
        account: ACCOUNT.to_owned(),
        stack: "trustwarden".to_owned(),
        mode: serde_json::from_value(json!(mode)).unwrap(),
        rules: crate::loaded(&file),
        own_roles: Vec::new(),
        remediator_role: String::new(),
        revoke_sessions: true,
        detach_policies: true,
    }
}

fn cause() -> Cause {
    Cause {
        event_id: "e-1".to_owned(),
        event_name: "AttachUserPolicy".to_owned(),
        event_time: at(-60),
        region: "us-east-1".to_owned(),
        actor: serde_json::from_value(json!({ "kind": "IAMUser", "tool": "cli" })).unwrap(),
    }
}

fn order(guard: &GuardConfig, task: Task) -> Order {
    Order {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        task,
        rules: guard.rules.hash().to_owned(),
        issued_at: at(-60),
    }
}

fn lower(value: Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn finished(ending: &Ending) -> String {
    format!("finish {}", lower(json!(ending.kind)))
}

fn enforce() -> String {
    "enforce".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    rules: Value,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default = "enforce")]
    mode: String,
    #[serde(default)]
    rules: BTreeMap<String, Value>,
    #[serde(default)]
    detach_policies: Option<bool>,
    /// The path of a role, rather than a user.
    #[serde(default)]
    role: Option<String>,
    /// That of what is live.
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    change: Option<Value>,
    /// `absent`, `unread`, or what is held.
    live: Value,
    #[serde(default)]
    attempts: Option<u32>,
    #[serde(default)]
    waited: Option<i64>,
    #[serde(default)]
    compliant: Option<Remembered>,
    /// What the boundary says, where it can be read.
    #[serde(default)]
    restored: Option<String>,
    #[serde(default)]
    writes: Vec<Written>,
    #[serde(default)]
    trust_writes: usize,
    /// What it held in the first sweep.
    #[serde(default)]
    first: Vec<String>,
    step: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    #[serde(default)]
    inline: BTreeMap<String, String>,
    #[serde(default)]
    boundary: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    of: Option<String>,
    at: i64,
    #[serde(default)]
    progress: Option<WriteProgress>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    action: String,
    #[serde(default)]
    open: Option<bool>,
    #[serde(default)]
    says: Option<String>,
    #[serde(default)]
    notes: Option<String>,
    #[serde(default)]
    removes: Option<String>,
}

fn text(name: &str) -> String {
    let statements = match name {
        "wide" => vec![("Allow", "*")],
        "regions" => vec![("Allow", "ec2:DescribeRegions")],
        "s3" => vec![("Allow", "s3:*")],
        "both" => vec![("Deny", "s3:*"), ("Allow", "iam:*")],
        other => panic!("{other}"),
    };
    let statements: Vec<Value> = statements
        .iter()
        .map(|(effect, action)| json!({ "Effect": effect, "Action": action, "Resource": "*" }))
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

fn held(what: &str) -> HeldPolicy {
    match what.split_once('=') {
        None => HeldPolicy {
            document: Some(text("wide")),
            ..HeldPolicy::managed(ADMIN)
        },
        Some((name, says)) => HeldPolicy {
            name: name.to_owned(),
            document: Some(text(says)),
            ..HeldPolicy::default()
        },
    }
}

fn change(case: &Case) -> Undoable {
    let attached = json!({ "kind": "attached", "arn": ADMIN });
    let mut change = case.change.clone().unwrap_or(attached);
    if let Some(says) = change["digest"].as_str() {
        change["digest"] = json!(document_digest(&text(says)));
    }
    serde_json::from_value(change).unwrap()
}

fn live(case: &Case, guard: &GuardConfig) -> Option<Exposure> {
    let policies = case.live.as_array()?;
    let held = LivePermissions {
        name: "observer-legacy".to_owned(),
        id: case.id.clone().unwrap_or_else(|| "AIDALIVE".to_owned()),
        policies: policies
            .iter()
            .map(|what| held(what.as_str().unwrap()))
            .collect(),
        ..LivePermissions::default()
    };
    let Some(path) = &case.role else {
        return Some(Exposure::of_user(guard, held, at(0)));
    };
    let condition = r#"{"StringEquals":{"sts:ExternalId":"7d9f2c1e-4b0a-4f7e-9a52-3c61d8e0b9f4"}}"#;
    let role = LiveRole {
        name: "Observer".to_owned(),
        arn: format!("arn:aws:iam::{ACCOUNT}:role{path}Observer"),
        path: path.clone(),
        role_id: held.id.clone(),
        document: format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"444455556666"}},"Action":"sts:AssumeRole","Condition":{condition}}}]}}"#
        ),
        created: None,
    };
    Some(Exposure::of_role(guard, role, held, at(0)))
}

fn history(case: &Case, order: &str, undo: &Undo) -> PermissionsHistory {
    let held = LivePermissions {
        id: "AIDALIVE".to_owned(),
        ..LivePermissions::default()
    };
    let kind = trustwarden_guard::model::HolderKind::User;
    let mut history = PermissionsHistory::new(ACCOUNT, kind, &held);
    history.compliant = case.compliant.as_ref().map(|compliant| Compliant {
        inline: compliant
            .inline
            .iter()
            .map(|(name, says)| (name.clone(), text(says)))
            .collect(),
        boundary: compliant.boundary.then(|| BOUNDARY.to_owned()),
        ..Compliant::default()
    });
    for write in &case.writes {
        history.record_write(OwnUndo {
            order: write.of.clone().unwrap_or_else(|| order.to_owned()),
            incident: "TW-1".to_owned(),
            undo: undo.clone(),
            removed: None,
            at: at(write.at),
            progress: write.progress.unwrap_or(WriteProgress::Written),
        });
    }
    history
}

fn check(table: &Table, case: &Case) -> Result<(), String> {
    let mut guard = guard(&table.rules, &case.rules, &case.mode);
    guard.detach_policies = case.detach_policies.unwrap_or(true);
    let kind = if case.role.is_some() { "role" } else { "user" };
    let about = PermissionsOrder {
        kind: serde_json::from_value(json!(kind)).unwrap(),
        name: "observer-legacy".to_owned(),
        arn: String::new(),
        id: "AIDALIVE".to_owned(),
        change: change(case),
        cause: cause(),
        incident: "TW-1".to_owned(),
        findings: Vec::new(),
        severity: Severity::Critical,
    };
    let order = order(&guard, Task::Detach(about.clone()));
    let undo = Undo::Detach {
        arn: ADMIN.to_owned(),
    };
    let history = history(case, &order.id(), &undo);
    let first: Vec<String> = case
        .first
        .iter()
        .map(|what| held_mark(&held(what)))
        .collect();
    let exposure = live(case, &guard);
    let empty = LivePermissions::default();
    let held = exposure.as_ref().map_or(&empty, |exposure| &exposure.live);
    let candidates = about
        .change
        .undone_by(held, history.compliant.as_ref(), false);
    let candidates = candidates.into_iter().map(|undo| Candidate {
        restored: case.restored.as_ref().map(|says| HeldPolicy {
            document: Some(text(says)),
            ..HeldPolicy::managed(BOUNDARY)
        }),
        undo,
    });
    let action = decide_undo(&SeenHolder {
        task: Assignment {
            guard: &guard,
            order: &order,
            about: &about,
            attempts: case.attempts.unwrap_or(3),
            first_at: at(-case.waited.unwrap_or(120)),
            now: at(0),
        },
        live: match (&exposure, case.live.as_str()) {
            (Some(exposure), _) => Live::There(exposure),
            (None, Some("absent")) => Live::Absent,
            _ => Live::Unread("IAM does not answer".to_owned()),
        },
        known: Some(&history),
        trust_writes: case.trust_writes,
        first_held: &first,
        candidates: candidates.collect(),
    });
    let shown = match &action {
        Action::Wait(seconds) => format!("wait {seconds}"),
        Action::Write(write) => format!("write {}", lower(json!(write.undo)["kind"].clone())),
        Action::Conclude { .. } => "conclude".to_owned(),
        Action::Finish(None) => "finish".to_owned(),
        Action::Finish(Some(ending)) => finished(ending),
    };
    let expected = &case.step;
    let fits = match &action {
        Action::Finish(Some(ending)) => {
            expected.open.is_none_or(|open| open == ending.open)
                && expected
                    .says
                    .as_ref()
                    .is_none_or(|says| ending.text.contains(says))
        }
        Action::Conclude { note, .. } => *note == expected.notes.as_deref(),
        Action::Write(write) => write.removed == expected.removes.as_deref().map(text),
        Action::Wait(_) | Action::Finish(None) => true,
    };
    if shown == expected.action && fits {
        return Ok(());
    }
    Err(format!("{}: {action:?}", case.name))
}

#[test]
fn each_step_about_permissions_is_what_the_table_says() {
    let table: Table = serde_saphyr::from_str(&read("permissions.yaml")).unwrap();
    let wrong: Vec<_> = table
        .cases
        .iter()
        .filter_map(|case| check(&table, case).err())
        .collect();
    assert!(table.cases.len() > 30, "{}", table.cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    answer: String,
    attempts: u32,
    follows: String,
    #[serde(default)]
    says: String,
}

#[test]
fn what_follows_a_refusal_is_what_the_table_says() {
    let rows: Vec<Answered> = serde_saphyr::from_str(&read("refusals.yaml")).unwrap();
    for row in &rows {
        let kind = match row.answer.as_str() {
            "access_denied" => IamErrorKind::AccessDenied,
            "denied_at_start" => IamErrorKind::DeniedAtStart,
            "throttled" => IamErrorKind::Throttled,
            "no_such_entity" => IamErrorKind::NoSuchEntity,
            "limit_exceeded" => IamErrorKind::LimitExceeded,
            "malformed" => IamErrorKind::Malformed,
            "refused_principal" => IamErrorKind::RefusedPrincipal(r#""AWS":"AROAGONE""#.to_owned()),
            _ => IamErrorKind::Other,
        };
        let error = IamError::new("write", "role X", kind, "what IAM said");
        let (follows, says) = match refusal(&error, row.attempts) {
            Refusal::Again => ("again".to_owned(), String::new()),
            Refusal::GivenUp(kind, why) => (lower(json!(kind)), why),
            Refusal::NotTaken(why) => ("another document".to_owned(), why),
            Refusal::Dead(principal) => (format!("without {principal}"), String::new()),
        };
        assert_eq!(follows, row.follows, "{} {}", row.answer, row.attempts);
        assert!(says.contains(&row.says), "{says}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    user: String,
    #[serde(default = "enforce")]
    mode: String,
    #[serde(default)]
    rules: BTreeMap<String, Value>,
    #[serde(default = "create")]
    event: String,
    #[serde(default = "a_minute_ago")]
    event_time: i64,
    #[serde(default = "a_minute_ago")]
    created: i64,
    /// `never`, or a day ago.
    #[serde(default)]
    first_sweep: Option<String>,
    step: String,
    #[serde(default)]
    open: bool,
    #[serde(default)]
    says: String,
}

fn create() -> String {
    "CreateAccessKey".to_owned()
}

fn a_minute_ago() -> i64 {
    -60
}

#[test]
fn which_keys_are_deactivated_is_what_the_table_says() {
    let rows: Vec<Key> = serde_saphyr::from_str(&read("keys.yaml")).unwrap();
    let rules = json!({
        "version": 1,
        "mode": "enforce",
        "access_keys": { "on_violation": "deactivate", "allow_users": ["ci-release"] },
    });
    for row in &rows {
        let guard = guard(&rules, &row.rules, &row.mode);
        let about = KeyOrder {
            user: row.user.clone(),
            key_id: "AKIAEXAMPLE00000001".to_owned(),
            cause: Cause {
                event_name: row.event.clone(),
                event_time: at(row.event_time),
                ..cause()
            },
            incident: "TW-1".to_owned(),
            findings: Vec::new(),
            severity: Severity::High,
        };
        let order = order(&guard, Task::DeactivateKey(about.clone()));
        let task = Assignment {
            guard: &guard,
            order: &order,
            about: &about,
            attempts: 1,
            first_at: at(0),
            now: at(0),
        };
        let first_sweep = row.first_sweep.is_none().then(|| at(-86_400));
        let ending = left_active(task).or_else(|| too_old(task, at(row.created), first_sweep));
        let text = ending.as_ref().map_or("", |ending| &ending.text);
        assert!(text.contains(&row.says), "{text}");
        let shown = ending.as_ref().map_or("deactivate".to_owned(), finished);
        assert_eq!(shown, row.step, "{}", row.user);
        assert_eq!(ending.is_some_and(|ending| ending.open), row.open);
    }
}
