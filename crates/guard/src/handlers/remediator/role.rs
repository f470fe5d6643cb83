//! Orders about roles: what there is to see is read, `decide` says what follows, and that is done.

use jiff::Timestamp;

use crate::alert::Alert;
use crate::alert::outcome::{role_alert, written_alert};
use crate::handlers::HandleError;
use crate::handlers::remediator::finish::Ended;
use crate::handlers::remediator::later::once_more;
use crate::handlers::remediator::session_denial::deny_sessions;
use crate::handlers::remediator::write::{Target, Written, write};
use crate::model::{LiveRole, document_digest};
use crate::ports::{Clock, IamError, Keys, Roles, StateError, World, WriteRoles};
use crate::remediate::proof::proved;
use crate::remediate::refusal::{instead, not_written};
use crate::remediate::session_denial::sessions_are_to_end;
use crate::remediate::task::RoleTask;
use crate::remediate::{Action, Live, OutcomeKind, Seen, Write, decide};
use crate::state::history::{KeptDocument, OwnWrite, RoleHistory, WriteKind, WriteProgress};
use crate::state::incident::Schema;

/// What follows a write that was tried, and the role as it was read back, if it stands.
type Tried = (Action<Write, OwnWrite>, Option<LiveRole>);

/// How many documents are tried within one order: IAM names one dead principal at a time.
const DOCUMENTS: usize = 8;

/// Reads what there is to see of the role, decides, and does what the step says.
pub(super) async fn remediate<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: RoleTask<'_>,
) -> Result<Ended, HandleError> {
    let (account, name) = (&task.guard.account, &task.about.role);
    let read = world.roles().read_role(name).await;
    #[cfg(feature = "faults")]
    let read = crate::faults::from_event(read, task.about);
    let (live, known) = match &read {
        Err(error) => (Live::Unread(error.to_string()), None),
        Ok(live) => {
            let known = world.state().role_history(account, name).await?;
            (live.as_ref().map_or(Live::Absent, Live::There), known)
        }
    };
    let swept = match live {
        Live::There(role) => world.state().swept_role(account, &role.role_id).await?,
        Live::Absent | Live::Unread(_) => None,
    };
    let approval = match live {
        Live::There(role) => {
            let digest = document_digest(&role.document);
            world.state().approval(account, name, &digest).await?
        }
        Live::Absent | Live::Unread(_) => None,
    };
    let step = decide(&Seen {
        task,
        live,
        known,
        swept,
        approval,
    });
    if let Some(closed) = &step.close {
        world.state().save_role_history(closed).await?;
    }
    let mut history = step.history;
    if let Some(history) = history.as_mut().filter(|_| step.save) {
        history.version = world.state().save_role_history(history).await?;
    }
    let live = read.ok().flatten();
    let (action, written) = match (step.action, history.as_mut(), live.as_ref()) {
        (Action::Write(wanted), Some(history), Some(live)) => {
            write_trust_policy(world, task, live, history, wanted).await?
        }
        (action, ..) => (action, None),
    };
    let alert = match (action, history, written.as_ref().or(live.as_ref())) {
        (Action::Wait(seconds), ..) => return Ok(Ended::Again(seconds)),
        (Action::Conclude { .. }, ..) if written.is_some() && skip!("report-write") => {
            return Ok(Ended::Silently);
        }
        (Action::Conclude { own, note }, Some(mut history), Some(live)) => {
            conclude(world, task, &mut history, &own, live, note).await?
        }
        (Action::Finish(Some(ending)), _, live) => {
            if let Some((at, live)) = ending.again_at.zip(live) {
                once_more(world, task, &live.role_id, at).await?;
            }
            role_alert(task, live.zip(step.judgement.as_ref()), &ending)
        }
        // Nothing is written or concluded without a live role and its history.
        (Action::Finish(None) | Action::Conclude { .. } | Action::Write(_), ..) => {
            return Ok(Ended::Silently);
        }
    };
    Ok(Ended::Reported(Box::new(alert)))
}

/// Writes a document, or the next best one if IAM does not take it; the old one is kept first. What
/// follows, and the role as it was read back.
async fn write_trust_policy<W: World<Roles: WriteRoles>>(
    world: &W,
    task: RoleTask<'_>,
    live: &LiveRole,
    history: &mut RoleHistory,
    mut wanted: Write,
) -> Result<Tried, HandleError> {
    let kept = kept(task, live, wanted.kind, world.clock().now());
    if !skip!("keep-document") {
        world.state().keep_document(&kept).await?;
    }
    for _ in 0..DOCUMENTS {
        let error = if proved(task, live, &wanted) {
            #[cfg(feature = "faults")]
            crate::faults::after_the_proof(&mut wanted);
            let mut target = TrustPolicy {
                task,
                live,
                history: &mut *history,
                wanted: &wanted,
                now: None,
            };
            match write(world, &mut target).await? {
                Written::Changed => return Ok((Action::Wait(5), None)),
                Written::Unseen => return Ok((Action::Wait(task.pause()), None)),
                Written::Stands => return Ok(target.read_back()),
                Written::Refused(error) => Some(error),
            }
        } else {
            None
        };
        match instead(task, live, history, wanted, error.as_ref()) {
            Action::Write(next) => wanted = next,
            action => return Ok((action, None)),
        }
    }
    let why = format!("IAM refused {DOCUMENTS} documents");
    Ok((not_written(&wanted, OutcomeKind::Failed, &why), None))
}

/// A write is done and seen: sessions are ended where the rules ask for it.
async fn conclude<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: RoleTask<'_>,
    history: &mut RoleHistory,
    own: &OwnWrite,
    live: &LiveRole,
    note: Option<&str>,
) -> Result<Alert, HandleError> {
    let (state, incident) = (world.state(), task.incident());
    let kept = state.kept_document(&task.guard.account, &incident).await?;
    // The first try may have met an older role of this name.
    let kept = kept.filter(|kept| kept.role_id == live.role_id);
    let old = kept.as_ref().map(|kept| kept.document.as_str());
    let sessions = if !sessions_are_to_end(task, own, live, old) {
        None
    } else if history.sessions_denied_at.is_some_and(|at| at >= own.at) {
        Some("sessions issued before the write are denied".to_owned())
    } else {
        Some(deny_sessions(world, history, live).await?)
    };
    let sessions = sessions.as_deref();
    Ok(written_alert(task, own, live, old, sessions, note))
}

fn kept(task: RoleTask<'_>, live: &LiveRole, kind: WriteKind, at: Timestamp) -> KeptDocument {
    KeptDocument {
        schema: Schema,
        account: task.guard.account.clone(),
        role_id: live.role_id.clone(),
        role: live.name.clone(),
        incident: task.incident(),
        document: live.document.clone(),
        digest: document_digest(&live.document),
        kind,
        at,
    }
}

/// A role's trust policy, and the history that remembers its writes.
struct TrustPolicy<'a> {
    task: RoleTask<'a>,
    live: &'a LiveRole,
    history: &'a mut RoleHistory,
    wanted: &'a Write,
    /// The role as it was read back.
    now: Option<LiveRole>,
}

impl TrustPolicy<'_> {
    fn intent(&self, at: Timestamp) -> OwnWrite {
        OwnWrite {
            order: self.task.order_id(),
            role_id: Some(self.live.role_id.clone()),
            incident: Some(self.task.incident()),
            kind: self.wanted.kind,
            digest: document_digest(&self.wanted.document),
            replaced: document_digest(&self.live.document),
            at,
            done_at: None,
            undoes: self.task.about.cause.event_time,
            progress: WriteProgress::Intended,
            details: self.wanted.details.clone(),
            dropped: self.wanted.dropped.clone(),
            fallback: self.wanted.fallback.clone(),
        }
    }

    /// The write, and the role as it was read back.
    fn read_back(&mut self) -> Tried {
        let own = self.history.writes.last().cloned();
        match own.zip(self.now.take()) {
            Some((own, now)) => (Action::Conclude { own, note: None }, Some(now)),
            None => (Action::Wait(self.task.pause()), None),
        }
    }

    /// The role shows this document.
    fn shows(&self, now: &LiveRole, document: &str) -> bool {
        document_digest(&now.document) == document_digest(document)
    }
}

impl<W: World<Roles: WriteRoles>> Target<W> for TrustPolicy<'_> {
    async fn record(&mut self, world: &W, progress: WriteProgress) -> Result<(), StateError> {
        let at = world.clock().now();
        if progress == WriteProgress::Intended {
            let intent = self.intent(at);
            self.history.record_write(intent, &self.wanted.document);
        } else if let Some(last) = self.history.writes.last_mut() {
            last.progress = progress;
            last.done_at = (progress == WriteProgress::Written).then_some(at);
        }
        if progress == WriteProgress::Intended && skip!("save-intent") {
            return Ok(());
        }
        self.history.version = world.state().save_role_history(self.history).await?;
        Ok(())
    }

    async fn record_lost_answer(&mut self, world: &W) -> Result<(), StateError> {
        if let Some(last) = self.history.writes.last_mut() {
            last.done_at = Some(world.clock().now());
        }
        self.history.version = world.state().save_role_history(self.history).await?;
        Ok(())
    }

    async fn is_unchanged(&self, world: &W) -> bool {
        let now = world.roles().read_role(&self.live.name).await;
        now.ok().flatten().is_some_and(|now| {
            now.role_id == self.live.role_id && self.shows(&now, &self.live.document)
        })
    }

    async fn apply(&self, world: &W) -> Result<(), IamError> {
        let (name, document) = (&self.live.name, &self.wanted.document);
        world.roles().write_trust_policy(name, document).await
    }

    async fn stands(&mut self, world: &W) -> bool {
        let now = world.roles().read_role(&self.live.name).await;
        let now = now.ok().flatten();
        self.now = now.filter(|now| skip!("read-back") || self.shows(now, &self.wanted.document));
        self.now.is_some()
    }
}
