//! `restore`: a quarantined role gets a trust policy back, judged by the rules first.
//!
//! It is written with the person's own credentials, not through the remediator: the queue takes
//! orders from the stack's functions alone, and CloudTrail then names who restored the access, and
//! why: a reason travels in the call's user agent. Nobody but the stack's functions writes its table.
//! The event of the write makes the guard look at the role as at any other.

use std::io;

use aws::live::{Stack, StackError, describe_stack, kept_documents, quarantined, residue};
use aws::{IamWriter, SdkContext, Table};
use guard::detect::{Judgement, Reading, Verdict, judge_trust_read};
use guard::model::{LiveRole, RoleRef};
use guard::ports::{IamError, Roles, StateError, WriteRoles};
use guard::rules::Rules;
use guard::state::Ledger;
use guard::state::history::{Baseline, KeptDocument, RoleHistory};
use jiff::Timestamp;

use super::{former_document_unknown, of, wait};
use crate::args::RestoreArgs;
use crate::streams::chain;
use crate::streams::counted;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// A document that can be put in a quarantine's place.
struct Choice<'a> {
    document: &'a str,
    incident: Option<&'a str>,
    /// As a person reads it.
    words: String,
}

/// A role that is quarantined now, and what is known of it.
struct Closed {
    live: LiveRole,
    kept: Vec<KeptDocument>,
    history: Option<RoleHistory>,
}

/// IAM or the table does not say which roles are quarantined, or what is kept of them.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Iam(#[from] IamError),
    #[error(transparent)]
    State(#[from] StateError),
}

/// Lists what can be restored, or restores.
///
/// # Errors
///
/// Standard output does not take it.
pub(crate) fn restore(arguments: &RestoreArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let Some(rules) = crate::rules::load(&arguments.rules.file, streams) else {
        return Ok(Status::Unreadable);
    };
    let (cloud, stack) = wait(async {
        let cloud = of(&arguments.live).await;
        let stack = describe_stack(&cloud, &arguments.live.stack).await;
        (cloud, stack)
    })?;
    let Some((stack, table)) = table_of(&cloud, stack, streams) else {
        return Ok(Status::Unreadable);
    };
    if stack
        .outputs
        .get("RulesHash")
        .is_some_and(|hash| hash.len() == 64 && hash != rules.hash())
    {
        streams
            .warning("these are not the rules that the stack runs by: the guard judges by its own");
    }
    let says = match &arguments.reason {
        Some(reason) => format!("trustwarden-restore.{reason}"),
        None => "trustwarden-restore".to_owned(),
    };
    let iam = IamWriter::new(&cloud.saying(&says));
    let asked = wait(ask(&cloud, &iam, &table, arguments.role.as_deref()))?;
    let Some(closed) = streams.ok(asked) else {
        return Ok(Status::Unreadable);
    };
    let now = Timestamp::now();
    match (&arguments.role, closed.as_slice()) {
        (None, closed) => {
            list(&rules, closed, now, streams)?;
            Ok(Status::Done)
        }
        (Some(_), [closed]) => give_back(arguments, &rules, &iam, closed, streams),
        (Some(role), _) => {
            streams.error(format_args!(
                "role {} is not quarantined: write its trust policy yourself",
                escaped(role)
            ));
            Ok(Status::Unreadable)
        }
    }
}

fn table_of(
    cloud: &SdkContext,
    stack: Result<Stack, StackError>,
    streams: &mut Streams<'_>,
) -> Option<(Stack, Table)> {
    let stack = streams.ok(stack)?;
    let Some(name) = stack.outputs.get("Table") else {
        streams.error("the stack has no table among its outputs: is it Trustwarden's?");
        return None;
    };
    let table = Table::new(cloud, name);
    Some((stack, table))
}

/// The roles that are quarantined now, as IAM has them: this one, or all.
async fn ask(
    cloud: &SdkContext,
    iam: &IamWriter,
    table: &Table,
    role: Option<&str>,
) -> Result<Vec<Closed>, AskError> {
    let found = match role {
        Some(role) => iam.read_role(role).await?.into_iter().collect(),
        None => residue(cloud).await?.quarantined,
    };
    let kept = kept_documents(table).await?;
    let mut closed = Vec::new();
    for live in found.into_iter().filter(quarantined) {
        let account = RoleRef::from_arn(&live.arn).map(|role| role.account);
        let history = Ledger::new(table)
            .role_history(&account.unwrap_or_default(), &live.name)
            .await?;
        closed.push(Closed {
            // A role of that name that was deleted since had another id. Whatever the plan was
            // when it was kept, the role is quarantined now.
            kept: kept
                .iter()
                .filter(|kept| kept.role_id == live.role_id)
                .cloned()
                .collect(),
            history: history.filter(|history| history.role_id == live.role_id),
            live,
        });
    }
    Ok(closed)
}

impl Closed {
    fn nothing_is_known(&self) -> bool {
        self.kept().chain(self.baselines()).next().is_none()
    }

    fn kept(&self) -> impl Iterator<Item = Choice<'_>> {
        self.kept.iter().map(|kept| Choice {
            document: &kept.document,
            incident: Some(&kept.incident),
            words: format!(
                "{}: what stood before the guard wrote, {}",
                kept.incident, kept.at
            ),
        })
    }

    /// Newest first.
    fn baselines(&self) -> impl Iterator<Item = Choice<'_>> {
        let approved = self.history.iter().flat_map(|history| &history.approved);
        let approved: Vec<&Baseline> = approved.collect();
        approved
            .into_iter()
            .rev()
            .zip(1..)
            .map(|(baseline, number)| Choice {
                document: &baseline.document,
                incident: None,
                words: format!(
                    "--baseline {number}: approved, of {}{}",
                    baseline.as_of(),
                    baseline
                        .actor
                        .as_ref()
                        .map(|actor| format!(" by {actor}"))
                        .unwrap_or_default()
                ),
            })
    }

    fn judge(&self, rules: &Rules, document: &str, now: Timestamp) -> Judgement {
        let role = RoleRef::from_arn(&self.live.arn)
            .unwrap_or_else(|| RoleRef::named("", self.live.name.clone()));
        judge_trust_read(rules, &role, document, Reading::sent(now), now)
    }
}

/// The verdict of the rules, in a line.
fn verdict_words(judgement: &Judgement) -> String {
    match judgement.verdict {
        Verdict::Approved => "the rules allow it".to_owned(),
        Verdict::Unreadable => "it cannot be judged".to_owned(),
        Verdict::Violation => {
            let mut codes: Vec<&str> = judgement
                .violations()
                .map(|found| found.code.code())
                .collect();
            codes.dedup();
            format!("violates the rules: {}", codes.join(", "))
        }
    }
}

fn list(
    rules: &Rules,
    closed: &[Closed],
    now: Timestamp,
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    for role in closed {
        writeln!(streams.out, "role {}", escaped(&role.live.name))?;
        if role.nothing_is_known() {
            let words = former_document_unknown(&role.live.name);
            writeln!(streams.out, "  {words}")?;
        }
        for choice in role.kept().chain(role.baselines()) {
            let judged = role.judge(rules, choice.document, now);
            writeln!(
                streams.out,
                "  {}; {}\n    {}",
                escaped(&choice.words),
                verdict_words(&judged),
                escaped(choice.document)
            )?;
        }
    }
    writeln!(
        streams.out,
        "{}",
        counted(closed.len(), "role is quarantined", "roles are quarantined")
    )
}

fn give_back(
    arguments: &RestoreArgs,
    rules: &Rules,
    iam: &IamWriter,
    role: &Closed,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let choice = match (&arguments.incident, arguments.baseline) {
        (Some(incident), _) => role
            .kept()
            .find(|choice| choice.incident == Some(incident.as_str())),
        (None, Some(number)) => role.baselines().nth(usize::from(number).saturating_sub(1)),
        (None, None) => role.kept().next(),
    };
    let Some(choice) = choice else {
        if role.nothing_is_known() {
            streams.error(former_document_unknown(&role.live.name));
        } else {
            streams.error("no such document is kept: the command without a role lists what is");
        }
        return Ok(Status::Unreadable);
    };
    let now = Timestamp::now();
    let judged = role.judge(rules, choice.document, now);
    let compliant = judged.verdict == Verdict::Approved;
    let name = escaped(&role.live.name);
    if !compliant && !arguments.force {
        streams.error(format_args!(
            "not restored, {}: {}",
            verdict_words(&judged),
            escaped(&choice.words)
        ));
        for found in judged.violations() {
            streams.remark(format_args!("{}: {}", found.code, escaped(&found.message)));
        }
        streams.remark(
            "restore a --baseline, let a rule or an exemption allow it, or --force it with a --reason",
        );
        return Ok(if judged.verdict == Verdict::Violation {
            Status::Findings
        } else {
            Status::Unreadable
        });
    }
    if arguments.dry_run {
        writeln!(
            streams.out,
            "would write to role {name} ({}; {}): {}",
            escaped(&choice.words),
            verdict_words(&judged),
            escaped(choice.document)
        )?;
        return Ok(Status::Done);
    }
    if !compliant {
        streams.warning(
            "in mode enforce the guard quarantines this role again, until a rule or an exemption \
             allows it",
        );
    }
    match wait(write(iam, role, choice.document))? {
        Ok(()) => {
            writeln!(
                streams.out,
                "restored: role {name}, {}; {}",
                escaped(&choice.words),
                verdict_words(&judged)
            )?;
            Ok(Status::Done)
        }
        Err(why) => {
            streams.error(format_args!("not restored: {}", escaped(&why)));
            Ok(Status::Unreadable)
        }
    }
}

/// The comparison, then the write.
async fn write(iam: &IamWriter, role: &Closed, document: &str) -> Result<(), String> {
    let live = iam.read_role(&role.live.name).await;
    let live = live.map_err(|error| chain(&error))?;
    if !live.is_some_and(|live| live.role_id == role.live.role_id && quarantined(&live)) {
        return Err("somebody changed the role in this moment".to_owned());
    }
    iam.write_trust_policy(&role.live.name, document)
        .await
        .map_err(|error| chain(&error))?;
    Ok(())
}
