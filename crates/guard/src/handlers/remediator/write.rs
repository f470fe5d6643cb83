//! Writing to IAM: the proof and the intent first, then the comparison, the write, the record and
//! the look back. Each step finds out by itself whether it was done before.

use policy::{AnalysisContext, TrustPolicy};

use crate::detect::Judgement;
use crate::handlers::HandleError;
use crate::handlers::remediator::conclude::conclude;
use crate::handlers::remediator::finish::{end, finish};
use crate::handlers::remediator::task::{Assignment, TRIES};
use crate::model::{LiveRole, document_digest};
use crate::order::{Disposition, RoleChange};
use crate::ports::{Clock, Keys, Roles, State, World, WriteRoles, WriteTrustPolicyError};
use crate::remediate::{
    OutcomeKind, Plan, PlanKind, QUARANTINE, Situation, fall_back, without_principal,
};
use crate::state::history::{KeptDocument, OwnWrite, RoleHistory, WriteKind, WriteProgress};
use crate::state::incident::Schema;

/// How many documents are tried within one order: IAM names one dead principal at a time.
const DOCUMENTS: usize = 8;

/// What is about to be written.
pub(super) struct WritePlan {
    pub(super) kind: WriteKind,
    pub(super) document: String,
    pub(super) details: String,
    pub(super) fallback: Option<String>,
}

impl From<Plan> for WritePlan {
    fn from(plan: Plan) -> Self {
        let kind = match plan.kind {
            PlanKind::Revert => WriteKind::Revert,
            PlanKind::Repair => WriteKind::Repair,
            PlanKind::Quarantine | PlanKind::None | PlanKind::Deactivate => WriteKind::Quarantine,
        };
        Self {
            kind,
            document: plan.document,
            details: plan.details,
            fallback: plan.fallback,
        }
    }
}

/// What is written about one live document.
pub(super) struct Writing<'a, L> {
    pub(super) task: Assignment<'a>,
    /// What is overwritten.
    pub(super) live: &'a LiveRole,
    /// What is wrong with it; `None` where nothing is, and a lawful document is put back.
    pub(super) judgement: Option<&'a Judgement>,
    /// The judgement that decides what may be written.
    pub(super) lawful: L,
}

enum Answer {
    /// Written, or given up: the order's fate is settled for now.
    Settled(Disposition),
    /// A principal of it is dead: the document without it, and the principal.
    Without(String, String),
    /// IAM will not take it, for this reason.
    NotTaken(String),
}

/// Writes a document, or the next best one if IAM does not take it.
pub(super) async fn write<W, L>(
    world: &W,
    writing: Writing<'_, L>,
    mut history: RoleHistory,
    mut plan: WritePlan,
) -> Result<Disposition, HandleError>
where
    W: World<Roles: WriteRoles + Keys>,
    L: Fn(&str) -> bool + Sync,
{
    let Writing { task, live, .. } = writing;
    let mut dropped: Vec<String> = Vec::new();
    let kept = KeptDocument {
        schema: Schema,
        account: task.guard.account.clone(),
        role_id: live.role_id.clone(),
        role: live.name.clone(),
        incident: task.incident(),
        document: live.document.clone(),
        digest: document_digest(&live.document),
        kind: plan.kind,
        at: world.clock().now(),
    };
    world.state().keep_document(&kept).await?;
    for _ in 0..DOCUMENTS {
        let why = if writing.proved(&plan) {
            match writing
                .try_out(world, &mut history, &plan, &dropped)
                .await?
            {
                Answer::Settled(disposition) => return Ok(disposition),
                Answer::Without(document, principal) => {
                    plan.document = document;
                    dropped.push(principal);
                    continue;
                }
                Answer::NotTaken(why) => why,
            }
        } else {
            "it could not be proved that what was to be written grants no more than it may"
                .to_owned()
        };
        let situation = Situation {
            live: &live.document,
            critical: true,
            tolerating: false,
            created: task.role.change == RoleChange::Created,
            history: &history,
            remediation: task.guard.rules.remediation(),
            writes_used: 0,
        };
        let next = match plan.kind {
            // The live document is lawful: there is nothing worse to fall back from.
            WriteKind::PutBack => None,
            kind => fall_back(PlanKind::from(kind), &why, &situation, &writing.lawful),
        };
        match next {
            Some(next) => plan = WritePlan::from(next),
            None => return writing.give_up(world, OutcomeKind::Failed, &why).await,
        }
        dropped.clear();
    }
    let why = format!("IAM refused {DOCUMENTS} documents");
    writing.give_up(world, OutcomeKind::Failed, &why).await
}

impl<L: Fn(&str) -> bool + Sync> Writing<'_, L> {
    /// Whatever the plan came from, this is what would stand in IAM: it must be lawful, and a
    /// repair must grant nothing that the live document does not.
    fn proved(&self, plan: &WritePlan) -> bool {
        match plan.kind {
            WriteKind::Quarantine => plan.document == QUARANTINE,
            WriteKind::Revert | WriteKind::PutBack => (self.lawful)(&plan.document),
            WriteKind::Repair => {
                (self.lawful)(&plan.document)
                    && narrower(self.task, &plan.document, &self.live.document)
            }
        }
    }

    async fn give_up<W: World>(
        &self,
        world: &W,
        kind: OutcomeKind,
        why: &str,
    ) -> Result<Disposition, HandleError> {
        let seen = self.judgement.map(|judgement| (self.live, judgement));
        let text = format!("nothing: {why}; manual action required");
        end(world, self.task, seen, kind, text, self.judgement.is_some()).await
    }

    async fn try_out<W: World<Roles: WriteRoles + Keys>>(
        &self,
        world: &W,
        history: &mut RoleHistory,
        plan: &WritePlan,
        dropped: &[String],
    ) -> Result<Answer, HandleError> {
        let Self {
            task, live, lawful, ..
        } = self;
        let replaced = document_digest(&live.document);
        let again = || Ok(Answer::Settled(Disposition::after_attempt(task.attempts)));
        let intent = OwnWrite {
            order: task.order_id(),
            role_id: Some(live.role_id.clone()),
            incident: Some(task.incident()),
            kind: plan.kind,
            digest: document_digest(&plan.document),
            replaced: replaced.clone(),
            at: world.clock().now(),
            done_at: None,
            undoes: task.role.cause.event_time,
            progress: WriteProgress::Intended,
            details: plan.details.clone(),
            dropped: dropped.to_vec(),
            fallback: plan.fallback.clone(),
        };
        history.record_write(intent, &plan.document);
        history.version = world.state().save_role_history(history).await?;
        let unchanged = world.roles().read_role(&live.name).await.is_ok_and(|now| {
            now.is_some_and(|now| {
                now.role_id == live.role_id && document_digest(&now.document) == replaced
            })
        });
        if !unchanged {
            // Somebody changed it meanwhile: it is decided anew, from what is live then.
            not_written(world, history).await?;
            return Ok(Answer::Settled(Disposition::in_seconds(5)));
        }
        let Err(error) = world
            .roles()
            .write_trust_policy(&live.name, &plan.document)
            .await
        else {
            return written(world, *task, history, live)
                .await
                .map(Answer::Settled);
        };
        if let WriteTrustPolicyError::Other { .. } = error {
            // It may have happened: what is live will tell.
            if task.attempts < TRIES {
                return again();
            }
            let why = format!("it is not certain what happened: {error}");
            return self
                .give_up(world, OutcomeKind::Failed, &why)
                .await
                .map(Answer::Settled);
        }
        not_written(world, history).await?;
        match &error {
            WriteTrustPolicyError::RefusedPrincipal { principal, .. } => {
                match without_principal(&plan.document, principal, lawful) {
                    Some((document, written)) => Ok(Answer::Without(document, written)),
                    None => Ok(Answer::NotTaken(format!(
                        "{error}, and nothing is left without it"
                    ))),
                }
            }
            WriteTrustPolicyError::TooLong { .. } | WriteTrustPolicyError::Malformed { .. } => {
                Ok(Answer::NotTaken(error.to_string()))
            }
            WriteTrustPolicyError::AccessDenied { .. } => {
                let why = format!(
                    "{error}. An SCP, a permissions boundary or a missing permission forbids it, \
                     and it is not tried again"
                );
                self.give_up(world, OutcomeKind::Refused, &why)
                    .await
                    .map(Answer::Settled)
            }
            WriteTrustPolicyError::Throttled { .. } if task.attempts >= TRIES => {
                let why = format!("{error}, again and again");
                self.give_up(world, OutcomeKind::Failed, &why)
                    .await
                    .map(Answer::Settled)
            }
            WriteTrustPolicyError::Throttled { .. }
            | WriteTrustPolicyError::NoSuchRole { .. }
            | WriteTrustPolicyError::Other { .. } => again(),
        }
    }
}

/// The one grants nothing that the other does not.
fn narrower(task: Assignment<'_>, narrow: &str, wide: &str) -> bool {
    let rules = &task.guard.rules;
    let context = AnalysisContext {
        own_account: Some(&task.guard.account),
        own_organization: rules.organization(),
        now: task.now,
        witnesses: false,
        providers: rules.shared_providers(),
    };
    match (TrustPolicy::parse(narrow), TrustPolicy::parse(wide)) {
        (Ok(narrow), Ok(wide)) => policy::is_subset(&narrow, &wide, &context).is_ok(),
        _ => false,
    }
}

/// The last intent came to nothing: it does not count.
async fn not_written<W: World>(world: &W, history: &mut RoleHistory) -> Result<(), HandleError> {
    if let Some(last) = history.writes.last_mut() {
        last.progress = WriteProgress::Refused;
    }
    history.version = world.state().save_role_history(history).await?;
    Ok(())
}

/// IAM took it: that is recorded, and looked at.
async fn written<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    history: &mut RoleHistory,
    live: &LiveRole,
) -> Result<Disposition, HandleError> {
    let Some(last) = history.writes.last_mut() else {
        return finish(world, task).await;
    };
    last.progress = WriteProgress::Written;
    last.done_at = Some(world.clock().now());
    let own = last.clone();
    history.version = world.state().save_role_history(history).await?;
    match world.roles().read_role(&live.name).await {
        Ok(Some(now)) if document_digest(&now.document) == own.digest => {
            conclude(world, task, history.clone(), &own, &now, None).await
        }
        // Stale, or changed again: the next look tells.
        _ => Ok(Disposition::after_attempt(task.attempts)),
    }
}
