//! Faults put into the guard's handlers on purpose, one for each line of the safety model and for
//! the boundaries between effects. Each must be caught by some history, or the histories prove
//! less than they seem to.

/// One fault.
#[derive(Debug, Clone, Copy)]
pub struct Mutation {
    /// Names it.
    pub name: &'static str,
    /// The promise that it breaks.
    pub breaks: &'static str,
    /// What is replaced: each file of the guard's sources with the text that stands there exactly
    /// once, and the text that takes its place.
    pub edits: &'static [Edit],
}

/// File under `crates/guard/src`, the text that goes, the text that comes.
pub type Edit = (&'static str, &'static str, &'static str);

const DECIDE: &str = "remediate/decide.rs";
const OWN_WRITES: &str = "remediate/own_writes.rs";
const WRITING: &str = "handlers/remediator/write.rs";
const ROLE: &str = "handlers/remediator/role.rs";
const REFUSAL: &str = "remediate/refusal.rs";
const SESSIONS: &str = "remediate/session_denial.rs";
const REMEDIATING: &str = "handlers/remediator/mod.rs";
const DETECTING: &str = "handlers/detect/role_trust.rs";
const DETECT_ALERT: &str = "handlers/detect/alert.rs";
const TASK: &str = "remediate/task.rs";
const TELLING: &str = "handlers/publish.rs";
const CONCLUDING: &str = "handlers/remediator/conclude.rs";
const ENDING: &str = "handlers/remediator/finish.rs";
const DIGESTING: &str = "handlers/remediator/digest.rs";
const PLAN: &str = "remediate/plan.rs";
const REPAIR: &str = "remediate/repair.rs";
const HISTORY: &str = "state/history.rs";

/// All of them.
pub const ALL: &[Mutation] = &[
    Mutation {
        name: "writes-in-mode-alert",
        breaks: "line 1: nothing is written in mode alert",
        edits: &[(DECIDE, "    if !enforce {\n", "    if false {\n")],
    },
    Mutation {
        name: "no-comparison-before-the-write",
        breaks: "line 2: an approved document that was visible is never overwritten",
        edits: &[(
            WRITING,
            "if !target.is_unchanged(world).await {",
            "if !target.is_unchanged(world).await && false {",
        )],
    },
    Mutation {
        name: "run-over-and-forgotten",
        breaks: "line 2: what a write ran over is put back",
        edits: &[(
            DECIDE,
            "Some(own) if overwritten(",
            "Some(own) if false && overwritten(",
        )],
    },
    Mutation {
        name: "puts-back-what-is-not-the-newest",
        breaks: "line 2: at rest the live document is the newest approved one",
        edits: &[(
            OWN_WRITES,
            "    newest\n        && !tied",
            "    (newest || true)\n        && !tied",
        )],
    },
    Mutation {
        name: "acts-on-the-event-alone",
        breaks: "line 3: it decides from the live document",
        edits: &[(
            DECIDE,
            "(true, Verdict::Approved) => already_compliant(",
            "(true, Verdict::Approved) => violation(",
        )],
    },
    Mutation {
        name: "believes-the-first-look",
        breaks: "line 3: a stale read is told from a newer change by looking again",
        edits: &[(
            DECIDE,
            "    if task.doubts() {",
            "    if task.doubts() && false {",
        )],
    },
    Mutation {
        name: "counts-looks-whenever-they-are",
        breaks: "line 3: it looks again after 30 seconds and after 90, whatever else made it look",
        edits: &[(
            TASK,
            "|| seconds_between(first_at, now) < LOOKS_SECONDS",
            "|| false",
        )],
    },
    Mutation {
        name: "gives-a-new-role-what-the-old-one-had",
        breaks: "line 4: what a deleted role had is not given to the next one of its name",
        edits: &[(
            OWN_WRITES,
            "Ordering::Equal => history.recreated && change",
            "Ordering::Equal => false && history.recreated && change",
        )],
    },
    Mutation {
        name: "claims-without-reading-back",
        breaks: "line 3: it reads back and says so",
        edits: &[(
            ROLE,
            "now.filter(|now| self.shows(now, &self.wanted.document));",
            "now;",
        )],
    },
    Mutation {
        name: "what-it-replaced-is-live-again",
        breaks: "line 3: what a read shows just after a write may be what it replaced",
        edits: &[(
            DECIDE,
            "    if may_be_stale(task, &history, live) {",
            "    if false && may_be_stale(task, &history, live) {",
        )],
    },
    Mutation {
        name: "restores-what-no-longer-complies",
        breaks: "line 4: what is written is within the rules, by the plan and by the proof",
        edits: &[
            (PLAN, ".find(|kept| lawful(&kept.document))", ".next()"),
            (
                ROLE,
                "let why = if proved(task, live, &wanted) {",
                "let why = if true {",
            ),
        ],
    },
    Mutation {
        name: "quarantine-opens",
        breaks: "line 4: quarantine denies",
        edits: &[(
            PLAN,
            r#""Sid":"TrustwardenQuarantine","Effect":"Deny","#,
            r#""Sid":"TrustwardenQuarantine","Effect":"Allow","#,
        )],
    },
    Mutation {
        name: "repair-takes-whole-statements",
        breaks: "line 4: repair removes only what violates",
        edits: &[(
            REPAIR,
            "            if !lawful(&alone) {\n                removal.principals.insert((statement.index, place));",
            "            if !lawful(&alone) {\n                removal.statements.insert(statement.index);",
        )],
    },
    Mutation {
        name: "observes-without-judging-the-event",
        breaks: "a baseline is a document that was approved when it was stored",
        edits: &[(
            DECIDE,
            ".filter(|sent| approved(guard, live, sent, now))",
            ".filter(|sent| approved(guard, live, sent, now) || true)",
        )],
    },
    Mutation {
        name: "remembers-whatever-is-live",
        breaks: "a baseline is a document that was approved when it was stored",
        edits: &[(
            DECIDE,
            "    if judgement.verdict == Verdict::Approved\n        && !told_by_event",
            "    if !told_by_event",
        )],
    },
    Mutation {
        name: "remembers-its-own-writes-as-approved",
        breaks: "line 2: what the guard wrote is no newer wish of anybody",
        edits: &[(
            DECIDE,
            "        && !history.wrote(&digest)\n        && !quarantined(&digest)",
            "        && !quarantined(&digest)",
        )],
    },
    Mutation {
        name: "accuses-itself",
        breaks: "line 5: its own writes are known by actor and content",
        edits: &[(
            DETECTING,
            "(Ok(Some(history)), Some(sent)) if history.wrote(",
            "(Ok(Some(history)), Some(sent)) if !history.wrote(",
        )],
    },
    Mutation {
        name: "trusts-its-own-role",
        breaks: "line 5: the actor alone proves nothing",
        edits: &[(
            DETECTING,
            "(Ok(_), _) => Own::No,",
            "(Ok(_), _) => Own::Yes,",
        )],
    },
    Mutation {
        name: "intent-is-not-recorded",
        breaks: "line 5: an intent is recorded before each write",
        edits: &[(
            ROLE,
            "self.history.record_write(intent, &self.wanted.document);",
            "self.history.record_write(intent, &self.wanted.document);\n            return Ok(());",
        )],
    },
    Mutation {
        name: "no-budget",
        breaks: "line 6: at most N writes an hour",
        edits: &[(
            PLAN,
            "match most.saturating_sub(used) {",
            "match most.max(used) {",
        )],
    },
    Mutation {
        name: "last-write-is-not-kept-for-closing",
        breaks: "line 6: the last write of the hour quarantines",
        edits: &[
            (
                PLAN,
                "1 if situation.critical && first != PlanKind::Quarantine =>",
                "1 if false && first != PlanKind::Quarantine =>",
            ),
            (PLAN, "1 if !situation.critical =>", "1 if false =>"),
        ],
    },
    Mutation {
        name: "intents-do-not-count",
        breaks: "line 6: a write that a crash hid counts, too",
        edits: &[(
            HISTORY,
            "            .filter(|write| write.progress != WriteProgress::Refused && write.at > from)",
            "            .filter(|write| write.progress == WriteProgress::Written && write.at > from)",
        )],
    },
    Mutation {
        name: "writes-protected-roles",
        breaks: "line 7: protected roles are never written",
        edits: &[(
            TASK,
            "} else if guard.rules.protects(&role) {",
            "} else if false && guard.rules.protects(&role) {",
        )],
    },
    Mutation {
        name: "an-alert-that-failed-is-out",
        breaks: "line 8: the alert goes out at least once",
        edits: &[(
            DETECT_ALERT,
            "        told: told?,",
            "        told: told.unwrap_or(crate::handlers::Told::Before),",
        )],
    },
    Mutation {
        name: "an-alert-that-is-out-goes-out-again",
        breaks: "line 8: and once, if nothing crashed",
        edits: &[(
            TELLING,
            "Ok(Lease::Acquired) => {}\n        Ok(Lease::Done) => return Ok(Told::Before),",
            "Ok(Lease::Acquired | Lease::Done) => {}",
        )],
    },
    Mutation {
        name: "a-dead-holder-keeps-its-lease",
        breaks: "line 8: a crash at any point loses nothing",
        edits: &[(
            TELLING,
            "Duration::from_secs(50)",
            "Duration::from_secs(5000)",
        )],
    },
    Mutation {
        name: "done-before-it-is-told",
        breaks: "line 8: an order is done when its outcome is out",
        edits: &[(
            ENDING,
            "            Err(error) => return Err(error),",
            "            Err(_) => {}",
        )],
    },
    Mutation {
        name: "written-and-not-told",
        breaks: "line 8: each order has an outcome",
        edits: &[(
            ROLE,
            "conclude(world, task, &mut history, &own, &live, None).await?",
            "return Ok(Ended::Silently)",
        )],
    },
    Mutation {
        name: "an-order-without-state-is-done",
        breaks: "line 8: nothing is lost while state is away",
        edits: &[(
            REMEDIATING,
            "        return Ok(Disposition::in_seconds(60));",
            "        return Ok(Disposition::Done);",
        )],
    },
    Mutation {
        name: "what-is-overwritten-is-not-kept",
        breaks: "the old document is kept for restore",
        edits: &[(
            ROLE,
            "    world.state().keep_document(&kept).await?;",
            "    let _ = &kept;",
        )],
    },
    Mutation {
        name: "an-intent-passes-for-a-write",
        breaks: "a write that a crash hid is believed when no stale read can show it",
        edits: &[(
            OWN_WRITES,
            "    write.progress == WriteProgress::Intended && seconds_between",
            "    false && seconds_between",
        )],
    },
    Mutation {
        name: "a-lost-answer-is-a-refusal",
        breaks: "a write whose answer is lost may have happened",
        edits: &[(
            WRITING,
            "    if error.kind != IamErrorKind::Other {",
            "    if error.kind != IamErrorKind::Throttled {",
        )],
    },
    Mutation {
        name: "tries-again-what-an-scp-forbids",
        breaks: "line 9: a refused write is told, and not tried again",
        edits: &[(
            REFUSAL,
            "        IamErrorKind::AccessDenied => Refusal::GivenUp(",
            "        IamErrorKind::AccessDenied if attempts < u32::MAX => Refusal::Again,\n        IamErrorKind::AccessDenied => Refusal::GivenUp(",
        )],
    },
    Mutation {
        name: "does-not-wait-for-a-deploy",
        breaks: "line 10: an order judged by other rules waits",
        edits: &[(REMEDIATING, "&& age < SKEW_SECONDS {", "&& age < 0 {")],
    },
    Mutation {
        name: "a-digest-leaves-one-out",
        breaks: "line 11: nothing is lost in a digest",
        edits: &[(
            DIGESTING,
            ".filter(|(position, _)| *position > alone)",
            ".filter(|(position, _)| *position > alone + 1)",
        )],
    },
    Mutation {
        name: "a-digest-is-not-ordered",
        breaks: "line 11: a digest is published once its window is over",
        edits: &[(
            TELLING,
            "    if !counted.digest_ordered {",
            "    if counted.digest_ordered {",
        )],
    },
    Mutation {
        name: "sessions-live-on",
        breaks: "sessions are ended where the rules ask for it",
        edits: &[(
            CONCLUDING,
            "            Some(deny_sessions(world, history, live).await?)",
            "            None",
        )],
    },
    Mutation {
        name: "ends-the-sessions-of-services",
        breaks: "sessions are never ended on a role that services use",
        edits: &[(
            SESSIONS,
            "        && !used_by_services(&live.document)\n",
            "        && (true || !used_by_services(&live.document))\n",
        )],
    },
    Mutation {
        name: "takes-a-new-role-for-the-old-one",
        breaks: "what was written to a deleted role is nothing to a new one of its name",
        edits: &[(
            OWN_WRITES,
            "        Some(role_id) => *role_id == live.role_id,",
            "        Some(role_id) => *role_id != \"\",",
        )],
    },
];

/// The text with every edit that is for this file made in it.
///
/// # Errors
/// Which text does not stand there exactly once: the mutation has to follow the code.
pub fn mutated(mutation: &Mutation, file: &str, text: &str) -> Result<String, String> {
    let mut text = text.to_owned();
    for (_, was, becomes) in mutation.edits.iter().filter(|edit| edit.0 == file) {
        let times = text.matches(was).count();
        if times != 1 {
            return Err(format!(
                "{}: this stands {times} times in {file}, not once:\n{was}",
                mutation.name
            ));
        }
        text = text.replacen(was, becomes, 1);
    }
    Ok(text)
}
