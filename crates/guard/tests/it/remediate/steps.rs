//! What the remediator does next, as a table: `testdata/remediator/steps.yaml`, seen → step.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use trustwarden_guard::model::{Cause, LiveRole, document_digest};
use trustwarden_guard::order::{Order, RoleChange, RoleOrder, Task};
use trustwarden_guard::remediate::{Action, Live, QUARANTINE, RoleTask, Seen, Step, decide};
use trustwarden_guard::rules::{Mode, Rules, RulesFile};
use trustwarden_guard::state::history::{
    Baseline, OwnWrite, RoleHistory, WriteKind, WriteProgress,
};
use trustwarden_guard::state::incident::Schema;
use trustwarden_guard::state::sweep_state::SweptRole;
use trustwarden_guard::{GuardConfig, Severity};

const ACCOUNT: &str = "111122223333";
const REMEDIATOR: &str = "arn:aws:iam::111122223333:role/trustwarden/remediator";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    rules: Value,
    documents: BTreeMap<String, Value>,
    cases: Vec<Case>,
}

/// Times are in seconds from now, so most are negative.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default = "enforce")]
    mode: String,
    /// Sections that stand in the place of the table's.
    #[serde(default)]
    rules: BTreeMap<String, Value>,
    #[serde(default = "remediate")]
    order: String,
    #[serde(default = "changed")]
    change: RoleChange,
    #[serde(default)]
    sent: Option<String>,
    #[serde(default = "a_minute_ago")]
    event: i64,
    #[serde(default)]
    by_guard: bool,
    /// No event told of it.
    #[serde(default)]
    by_sweep: bool,
    /// The document with which the role violated the rules in the first sweep, a day ago.
    #[serde(default)]
    swept: Option<String>,
    #[serde(default = "three")]
    attempts: u32,
    #[serde(default = "two_minutes")]
    waited: i64,
    /// A document's name, `absent` or `unread`.
    live: String,
    #[serde(default = "role")]
    role: String,
    #[serde(default = "path")]
    path: String,
    #[serde(default = "long_ago")]
    created: i64,
    #[serde(default)]
    history: Option<Past>,
    step: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Past {
    /// Of an older role of the name, created at this time.
    #[serde(default)]
    of_older_role: Option<i64>,
    /// A read once showed no such role.
    #[serde(default)]
    closed: bool,
    #[serde(default)]
    approved: Vec<Approved>,
    #[serde(default)]
    writes: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approved {
    document: String,
    #[serde(default)]
    written: Option<i64>,
    seen: i64,
    /// By how many seconds the read that showed it may have been stale.
    #[serde(default)]
    stale_by: i64,
    /// When it was seen live again, without an event.
    #[serde(default)]
    again: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: WriteKind,
    document: String,
    replaced: String,
    at: i64,
    #[serde(default)]
    progress: Option<WriteProgress>,
    /// By an earlier attempt at this order.
    #[serde(default)]
    of_this_order: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// `wait 30`, `write revert good`, `conclude revert`, `finish superseded`, `finish`.
    action: String,
    #[serde(default)]
    saves: bool,
    #[serde(default)]
    closes: bool,
    /// The approved documents of the history afterwards, oldest first.
    #[serde(default)]
    remembers: Option<Vec<String>>,
    #[serde(default)]
    open: Option<bool>,
    #[serde(default)]
    severity: Option<Severity>,
    /// What the text of the ending holds.
    #[serde(default)]
    says: Option<String>,
}

fn enforce() -> String {
    "enforce".to_owned()
}

fn remediate() -> String {
    "remediate".to_owned()
}

fn changed() -> RoleChange {
    RoleChange::Changed
}

fn role() -> String {
    "ObserverProd".to_owned()
}

fn path() -> String {
    "/".to_owned()
}

fn a_minute_ago() -> i64 {
    -60
}

fn two_minutes() -> i64 {
    120
}

fn three() -> u32 {
    3
}

fn long_ago() -> i64 {
    -86_400
}

fn at(second: i64) -> Timestamp {
    let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    now + SignedDuration::from_secs(second)
}

fn rules(table: &Value, case: &Case) -> Rules {
    let mut file = table.clone();
    for (section, value) in &case.rules {
        file[section] = value.clone();
    }
    let file: RulesFile = serde_json::from_value(file).unwrap();
    crate::loaded(&file)
}

struct Documents(BTreeMap<String, String>);

impl Documents {
    fn text(&self, name: &str) -> String {
        match name {
            "quarantine" => QUARANTINE.to_owned(),
            name => self.0[name].clone(),
        }
    }

    fn name(&self, text: &str) -> String {
        if text == QUARANTINE {
            return "quarantine".to_owned();
        }
        let named = self.0.iter().find(|(_, document)| *document == text);
        named.map_or_else(|| text.to_owned(), |(name, _)| name.clone())
    }
}

fn history(case: &Case, live: &LiveRole, order: &str, documents: &Documents) -> RoleHistory {
    let mut history = RoleHistory::new(ACCOUNT, live);
    history.version = 1;
    let Some(past) = &case.history else {
        return history;
    };
    if let Some(created) = past.of_older_role {
        history.role_id = "AROAOLDER".to_owned();
        history.created = Some(at(created));
    }
    history.closed = past.closed.then(|| at(-300));
    for approved in &past.approved {
        let document = documents.text(&approved.document);
        history.remember(Baseline {
            digest: document_digest(&document),
            document,
            actor: None,
            written_at: approved.written.map(at),
            seen_at: at(approved.seen),
            stale_by: approved.stale_by,
            seen_live: true,
            live_again_at: approved.again.map(at),
        });
    }
    for write in &past.writes {
        let document = documents.text(&write.document);
        let progress = write.progress.unwrap_or(WriteProgress::Written);
        let own = OwnWrite {
            order: if write.of_this_order { order } else { "other" }.to_owned(),
            role_id: Some(history.role_id.clone()),
            incident: None,
            kind: write.kind,
            digest: document_digest(&document),
            replaced: document_digest(&documents.text(&write.replaced)),
            at: at(write.at),
            done_at: (progress == WriteProgress::Written).then(|| at(write.at)),
            undoes: at(write.at - 5),
            progress,
            details: String::new(),
            dropped: Vec::new(),
            fallback: None,
        };
        history.record_write(own, &document);
    }
    history
}

fn swept(live: &LiveRole, document: &str) -> SweptRole {
    SweptRole {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        role_id: live.role_id.clone(),
        name: live.name.clone(),
        digest: document_digest(document),
        findings: String::new(),
        check: None,
        severity: None,
        line: String::new(),
        since: at(-86_400),
        new: false,
        reported_at: Some(at(-86_400)),
        held: Vec::new(),
        third_party: None,
        existing: true,
        ordered_at: None,
        tries: 0,
        gone_at: None,
    }
}

fn shown(step: &Step, documents: &Documents) -> String {
    let lower = |value: Value| value.as_str().unwrap().to_owned();
    match &step.action {
        Action::Wait(seconds) => format!("wait {seconds}"),
        Action::Write(write) => format!(
            "write {} {}",
            lower(json!(write.kind)),
            documents.name(&write.document)
        ),
        Action::Conclude { own, .. } => format!("conclude {}", lower(json!(own.kind))),
        Action::Finish(None) => "finish".to_owned(),
        Action::Finish(Some(ending)) => format!("finish {}", lower(json!(ending.kind))),
    }
}

fn check(table: &Table, case: &Case, documents: &Documents) -> Result<(), String> {
    let guard = GuardConfig {
        account: ACCOUNT.to_owned(),
        stack: "trustwarden".to_owned(),
        mode: serde_json::from_value::<Mode>(json!(case.mode)).unwrap(),
        rules: rules(&table.rules, case),
        own_roles: vec![REMEDIATOR.to_owned()],
        remediator_role: REMEDIATOR.to_owned(),
        revoke_sessions: true,
        detach_policies: true,
    };
    let role = RoleOrder {
        role: case.role.clone(),
        cause: Cause {
            event_id: "e-1".to_owned(),
            event_name: if case.by_sweep {
                "Sweep"
            } else {
                "UpdateAssumeRolePolicy"
            }
            .to_owned(),
            event_time: at(case.event),
            region: "us-east-1".to_owned(),
            actor: serde_json::from_value(json!({
                "kind": "AssumedRole", "issuer": case.by_guard.then_some(REMEDIATOR), "tool": "cli"
            }))
            .unwrap(),
        },
        change: case.change,
        document: case.sent.as_deref().map(|sent| documents.text(sent)),
        incident: Some("TW-1".to_owned()),
        findings: Vec::new(),
    };
    let remediate = case.order == "remediate";
    let order = Order {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        task: if remediate {
            Task::Remediate(role.clone())
        } else {
            Task::Observe(role.clone())
        },
        rules: guard.rules.hash().to_owned(),
        issued_at: at(case.event),
    };
    let live = LiveRole {
        name: case.role.clone(),
        arn: format!("arn:aws:iam::{ACCOUNT}:role{}{}", case.path, case.role),
        path: case.path.clone(),
        role_id: "AROALIVE".to_owned(),
        document: match case.live.as_str() {
            "absent" | "unread" => String::new(),
            name => documents.text(name),
        },
        created: Some(at(case.created)),
    };
    let known = history(case, &live, &order.id(), documents);
    let seen = Seen {
        task: RoleTask {
            guard: &guard,
            order: &order,
            about: &role,
            attempts: case.attempts,
            first_at: at(-case.waited),
            now: at(0),
        },
        live: match case.live.as_str() {
            "absent" => Live::Absent,
            "unread" => Live::Unread("IAM does not answer".to_owned()),
            _ => Live::There(&live),
        },
        known: case.history.is_some().then_some(known),
        swept: case
            .swept
            .as_deref()
            .map(|name| swept(&live, &documents.text(name))),
        approval: None,
    };
    let step = decide(&seen);
    let expected = &case.step;
    let mut wrong = Vec::new();
    let mut differs = |what: &str, is: String, should: String| {
        if is != should {
            wrong.push(format!("{what}: {is}, not {should}"));
        }
    };
    differs("action", shown(&step, documents), expected.action.clone());
    differs("saves", step.save.to_string(), expected.saves.to_string());
    let closes = step
        .close
        .as_ref()
        .is_some_and(|closed| closed.closed.is_some());
    differs("closes", closes.to_string(), expected.closes.to_string());
    if let Some(remembers) = &expected.remembers {
        let approved = step.history.iter().flat_map(|history| &history.approved);
        let names: Vec<_> = approved
            .map(|kept| documents.name(&kept.document))
            .collect();
        differs("remembers", names.join(" "), remembers.join(" "));
    }
    let history = step.history.as_ref();
    let open = history.is_none_or(|history| history.closed.is_none());
    differs("open history", open.to_string(), true.to_string());
    if let Action::Finish(Some(ending)) = &step.action {
        let severity = |severity| format!("{severity:?}");
        differs(
            "severity",
            severity(ending.severity),
            severity(expected.severity),
        );
        let would = expected.action.starts_with("finish would-");
        let named = ending.would_write.is_some();
        differs(
            "names what it would write",
            named.to_string(),
            would.to_string(),
        );
        if let Some(open) = expected.open {
            differs("open", ending.open.to_string(), open.to_string());
        }
        if let Some(says) = &expected.says {
            let text = &ending.text;
            differs(
                "text",
                text.clone(),
                if text.contains(says) { text } else { says }.clone(),
            );
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n    {}", case.name, wrong.join("\n    ")))
}

#[test]
fn each_step_is_what_the_table_says() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/remediator");
    let mut count = 0;
    let mut wrong = Vec::new();
    for file in ["steps.yaml"] {
        let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let table: Table = serde_saphyr::from_str(&text).unwrap();
        let documents = table.documents.iter();
        let documents = Documents(
            documents
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect(),
        );
        for case in &table.cases {
            count += 1;
            wrong.extend(check(&table, case, &documents).err());
        }
    }
    assert!(count > 50, "{count} cases");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
