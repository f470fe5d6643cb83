//! Orders about roles: what there is to see is read, `decide` says what follows, and that is done.

use jiff::Timestamp;

use crate::handlers::HandleError;
use crate::handlers::remediator::conclude::conclude;
use crate::handlers::remediator::finish::{Ended, role_alert};
use crate::handlers::remediator::later::once_more;
use crate::handlers::remediator::write::{Target, Written, write};
use crate::model::{LiveRole, document_digest};
use crate::order::RoleChange;
use crate::ports::{Clock, IamError, Keys, Roles, StateError, World, WriteRoles};
use crate::remediate::judged::AsLive;
use crate::remediate::proof::proved;
use crate::remediate::refusal::{Refusal, refusal};
use crate::remediate::task::RoleTask;
use crate::remediate::{
    Action, Ending, Judging, Live, OutcomeKind, PlanKind, Seen, Situation, Write, decide,
    fall_back, without_principal,
};
use crate::state::history::{KeptDocument, OwnWrite, RoleHistory, WriteKind, WriteProgress};
use crate::state::incident::Schema;

/// How many documents are tried within one order: IAM names one dead principal at a time.
const DOCUMENTS: usize = 8;

/// Reads what there is to see of the role, decides, and does what the step says.
pub(super) async fn carry_out_on_role<W: World<Roles: WriteRoles + Keys>>(
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
    let step = decide(&Seen {
        task,
        live,
        known,
        swept,
    });
    if let Some(closed) = &step.close {
        world.state().save_role_history(closed).await?;
    }
    let mut history = step.history;
    if let Some(history) = history.as_mut().filter(|_| step.save) {
        history.version = world.state().save_role_history(history).await?;
    }
    let live = read.ok().flatten();
    let seen = live.as_ref().zip(step.judgement.as_ref());
    let alert = match (step.action, history, live.as_ref()) {
        (Action::Wait(seconds), ..) => return Ok(Ended::Again(seconds)),
        (Action::Finish(None), ..) => return Ok(Ended::Silently),
        (Action::Finish(Some(ending)), _, live) => {
            if let Some((at, live)) = ending.again_at.zip(live) {
                once_more(world, task, &live.role_id, at).await?;
            }
            role_alert(task, seen, &ending)
        }
        (Action::Conclude { own, note }, Some(mut history), Some(live)) => {
            conclude(world, task, &mut history, &own, live, note).await?
        }
        (Action::Write(wanted), Some(mut history), Some(live)) => {
            match write_trust_policy(world, task, live, &mut history, wanted).await? {
                Tried::Again(seconds) => return Ok(Ended::Again(seconds)),
                Tried::Not(ending) => role_alert(task, seen, &ending),
                Tried::Stands(..) if skip!("report-write") => return Ok(Ended::Silently),
                Tried::Stands(own, live) => {
                    conclude(world, task, &mut history, &own, &live, None).await?
                }
            }
        }
        // Neither is decided without a live role and its history.
        (Action::Conclude { .. } | Action::Write(_), ..) => return Ok(Ended::Silently),
    };
    Ok(Ended::Reported(Box::new(alert)))
}

/// What came of it.
enum Tried {
    /// Nothing is certain yet: the order comes again after so many seconds.
    Again(u64),
    /// Nothing was written, for good.
    Not(Ending),
    /// It is written and was read back.
    Stands(Box<OwnWrite>, Box<LiveRole>),
}

/// Writes a document, or the next best one if IAM does not take it; the old one is kept first.
async fn write_trust_policy<W: World<Roles: WriteRoles>>(
    world: &W,
    task: RoleTask<'_>,
    live: &LiveRole,
    history: &mut RoleHistory,
    mut wanted: Write,
) -> Result<Tried, HandleError> {
    let mut dropped: Vec<String> = Vec::new();
    let tolerating = wanted.tolerating;
    let judging = AsLive {
        guard: task.guard,
        live,
        tolerating,
        now: task.now,
    };
    let complies = |document: &str| judging.complies(document);
    let kept = kept(task, live, wanted.kind, world.clock().now());
    if !skip!("keep-document") {
        world.state().keep_document(&kept).await?;
    }
    for _ in 0..DOCUMENTS {
        let why = if proved(task, live, &wanted) {
            #[cfg(feature = "faults")]
            crate::faults::after_the_proof(&mut wanted);
            let mut target = TrustPolicy {
                task,
                live,
                history: &mut *history,
                wanted: &wanted,
                dropped: &dropped,
                now: None,
            };
            match write(world, &mut target).await? {
                Written::Changed => return Ok(Tried::Again(5)),
                Written::Unseen => return Ok(Tried::Again(task.pause())),
                Written::Stands => return Ok(target.read_back()),
                Written::Refused(error) => match refusal(&error, task.attempts) {
                    Refusal::Again => return Ok(Tried::Again(task.pause())),
                    Refusal::GivenUp(..) if skip!("give-up") => {
                        return Ok(Tried::Again(task.pause()));
                    }
                    Refusal::GivenUp(kind, why) => return Ok(given_up(&wanted, kind, &why)),
                    Refusal::NotTaken(why) => why,
                    Refusal::Dead(named) => {
                        match without_principal(&wanted.document, &named, complies) {
                            Some((document, principal)) => {
                                wanted.document = document;
                                dropped.push(principal);
                                continue;
                            }
                            None => format!("{error}, and nothing is left without it"),
                        }
                    }
                },
            }
        } else {
            "it could not be proved that what was to be written grants no more than it may"
                .to_owned()
        };
        let situation = Situation {
            live: &live.document,
            critical: true,
            tolerating,
            created: task.about.change == RoleChange::Created,
            changed: task.about.cause.is_event(),
            history,
            remediation: task.guard.rules.remediation(),
            writes_used: 0,
        };
        let next = match wanted.kind {
            // The live document complies: there is nothing worse to fall back from.
            WriteKind::PutBack => None,
            kind => fall_back(PlanKind::from(kind), &why, &situation, &judging),
        };
        match next {
            Some(next) => wanted = Write::planned(next, tolerating),
            None => return Ok(given_up(&wanted, OutcomeKind::Failed, &why)),
        }
        dropped.clear();
    }
    let why = format!("IAM refused {DOCUMENTS} documents");
    Ok(given_up(&wanted, OutcomeKind::Failed, &why))
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

fn given_up(wanted: &Write, kind: OutcomeKind, why: &str) -> Tried {
    let text = format!("nothing: {why}; manual action required");
    Tried::Not(Ending {
        shows_live: wanted.exposed,
        ..Ending::live(kind, text, wanted.exposed)
    })
}

/// A role's trust policy, and the history that remembers its writes.
struct TrustPolicy<'a> {
    task: RoleTask<'a>,
    live: &'a LiveRole,
    history: &'a mut RoleHistory,
    wanted: &'a Write,
    dropped: &'a [String],
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
            dropped: self.dropped.to_vec(),
            fallback: self.wanted.fallback.clone(),
        }
    }

    /// The write, and the role as it was read back.
    fn read_back(&mut self) -> Tried {
        let own = self.history.writes.last().cloned();
        match own.zip(self.now.take()) {
            Some((own, now)) => Tried::Stands(Box::new(own), Box::new(now)),
            None => Tried::Again(self.task.pause()),
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
