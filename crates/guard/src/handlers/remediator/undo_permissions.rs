//! Orders about permissions: what a change gave to outsiders is taken away, or what was there before
//! is put back.
//!
//! The safety model is that of trust policies: decided from what is live and the stored history; the
//! intent recorded, then the comparison, the write, the record and the look back; never anything
//! wider than what is live or was lawful.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::Alert;
use crate::check::{Finding, Severity};
use crate::handlers::HandleError;
use crate::handlers::alert_builder::{Story, alert, grantees};
use crate::handlers::exposure::{Looked, look_at};
use crate::handlers::remediator::finish::{outcome_title, publish_and_finish};
use crate::model::{HeldPolicy, HolderKind, LivePermissions, Resource, seconds_between};
use crate::order::{Disposition, Order, PermissionsOrder};
use crate::permissions::{OwnUndo, PermissionsHistory, Undo, Undoable, narrows};
use crate::ports::{Clock, ListOf, ReadPermissions, UndoError, World, WritePermissions};
use crate::remediate::task::{TRIES, doubted, untouchable};
use crate::remediate::{Outcome, OutcomeKind};
use crate::rules::{Mode, PermissionViolation};
use crate::state::OrderProgress;
use crate::state::history::WriteProgress;
use crate::state::incident::Stage;

/// A text of a policy in a note, in characters.
const TEXT_SHOWN: usize = 4_000;

/// One order and who carries it out.
struct Detaching<'a, W> {
    world: &'a W,
    guard: &'a GuardConfig,
    order: &'a Order,
    task: &'a PermissionsOrder,
    attempts: u32,
    first_at: Timestamp,
    now: Timestamp,
}

/// What is to be written, and what comes of it.
struct Way {
    undo: Undo,
    after: LivePermissions,
}

/// Undoes the change, if what is live and today's rules still ask for it.
pub(super) async fn detach<W: World<Roles: WritePermissions>>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    task: &PermissionsOrder,
    progress: OrderProgress,
) -> Result<Disposition, HandleError> {
    let now = world.clock().now();
    let detaching = Detaching {
        world,
        guard,
        order,
        task,
        attempts: progress.attempts,
        first_at: progress.first_at,
        now,
    };
    detaching.look().await
}

impl<W: World<Roles: WritePermissions>> Detaching<'_, W> {
    fn doubts(&self) -> bool {
        doubted(self.attempts, self.first_at, self.now)
    }

    fn again(&self) -> Result<Disposition, HandleError> {
        Ok(Disposition::after_attempt(self.attempts))
    }

    async fn look(&self) -> Result<Disposition, HandleError> {
        let Self {
            world, guard, task, ..
        } = self;
        let read = look_at(*world, guard, task.kind, &task.name, self.now).await;
        let looked = match read {
            Ok(Some(looked)) => looked,
            Ok(None) if self.doubts() => return self.again(),
            Ok(None) => return self.end(None, OutcomeKind::Gone, GONE, false).await,
            Err(_) if self.attempts < TRIES => return self.again(),
            Err(error) => {
                let text = format!("nothing: {error}; manual action required");
                return self.end(None, OutcomeKind::Failed, &text, true).await;
            }
        };
        if looked.live.id != task.id {
            return self.end(None, OutcomeKind::Gone, GONE, false).await;
        }
        let state = world.state();
        let known = state.permissions_history(&guard.account, &task.id).await?;
        let history = known
            .unwrap_or_else(|| PermissionsHistory::new(&guard.account, task.kind, &looked.live));
        let stands = task.change.stands(&looked.live);
        if let Some(own) = history.write_of(&self.order.id()).cloned()
            && (own.progress == WriteProgress::Written || !stands)
        {
            // Done, before a crash or as a read shows late.
            if stands && self.doubts() {
                return self.again();
            }
            return self.conclude(history, &own, &looked, stands).await;
        }
        let findings = looked.remediable(guard, &looked.live);
        if !stands || findings.is_empty() {
            if self.doubts() {
                // It may be that IAM does not show it yet.
                return self.again();
            }
            let text = if stands {
                "nothing: it violates the rules no longer"
            } else {
                "nothing: what was changed is not so any more"
            };
            let open = !findings.is_empty();
            let looked = Some((&looked, findings));
            return self.end(looked, OutcomeKind::Superseded, text, open).await;
        }
        self.decide(history, looked, findings).await
    }

    async fn decide(
        &self,
        history: PermissionsHistory,
        looked: Looked,
        findings: Vec<Finding>,
    ) -> Result<Disposition, HandleError> {
        let guard = self.guard;
        let seen = |findings| Some((&looked, findings));
        let role = looked.role.as_ref();
        if let Some(why) = role.and_then(|(role, _)| untouchable(guard, role)) {
            let text = format!("nothing: {why}; manual action required");
            let kind = OutcomeKind::NotTouched;
            return self.end(seen(findings), kind, &text, true).await;
        }
        if guard.rules.permissions().on_violation != PermissionViolation::Detach {
            let text = "nothing: the rules require manual action for permissions (permissions.on_violation)";
            let kind = OutcomeKind::LeftAlone;
            return self.end(seen(findings), kind, text, true).await;
        }
        let way = match self.way(&history, &looked, &findings).await? {
            Ok(way) => way,
            Err(why) => {
                let text = format!("nothing: {why}; manual action required");
                let kind = OutcomeKind::Failed;
                return self.end(seen(findings), kind, &text, true).await;
            }
        };
        let words = way.undo.words(self.task.kind, &self.task.name);
        let enforced = guard.mode == Mode::Enforce
            && findings
                .iter()
                .any(|found| looked.mode_for(guard, found) == Mode::Enforce);
        if !enforced {
            let text = format!("nothing, in mode alert; in mode enforce: {words}");
            let kind = OutcomeKind::WouldDetach;
            return self.end(seen(findings), kind, &text, true).await;
        }
        if !guard.detach_policies {
            let text = "nothing: the stack's parameter DetachPolicies does not let the guard write \
                        policies";
            let kind = OutcomeKind::LeftAlone;
            return self.end(seen(findings), kind, text, true).await;
        }
        let most = guard.rules.remediation().max_writes_per_role_per_hour;
        let begun = history.write_of(&self.order.id()).is_some();
        let mut used = history.writes_within_the_hour(self.now);
        if self.task.kind == HolderKind::Role {
            let state = self.world.state();
            let trust = state.role_history(&guard.account, &self.task.name).await?;
            used += trust.map_or(0, |trust| trust.writes_within_the_hour(self.now));
        }
        if !begun && used >= usize::try_from(most).unwrap_or(usize::MAX) {
            let text = format!(
                "nothing: {used} of {most} writes to this {} within an hour are used. Contain the \
                 actor first, or the change will come back",
                self.task.kind.name()
            );
            let kind = OutcomeKind::BudgetSpent;
            return self.end(seen(findings), kind, &text, true).await;
        }
        self.write(history, looked, findings, way).await
    }

    /// The best way that is shown to give nothing, or why there is none.
    async fn way(
        &self,
        history: &PermissionsHistory,
        looked: &Looked,
        findings: &[Finding],
    ) -> Result<Result<Way, String>, HandleError> {
        let roles = self.world.roles();
        let live = &looked.live;
        let alone = match &self.task.change {
            Undoable::DefaultVersion { arn, .. } => {
                let holders = roles.holders(ListOf::HoldersOf(arn), None).await;
                holders.is_ok_and(|page| {
                    let held_by = [page.roles.len(), page.users.len(), page.groups.len()];
                    page.next.is_none() && held_by.iter().sum::<usize>() == 1
                })
            }
            _ => false,
        };
        let mut why = match self.task.change {
            Undoable::BoundaryPut { .. } | Undoable::BoundaryDeleted => {
                "what boundary there was before is not known"
            }
            _ => "it comes by a group, whose other users the guard does not judge",
        };
        for undo in self
            .task
            .change
            .undone_by(live, history.lawful.as_ref(), alone)
        {
            let mut back: Option<HeldPolicy> = None;
            let wanted = match &undo {
                Undo::SetDefaultVersion { arn, version } => Some((arn, Some(version.as_str()))),
                Undo::PutBoundary { arn } => Some((arn, None)),
                _ => None,
            };
            if let Some((arn, version)) = wanted {
                back = roles.managed_policy(arn, version).await.ok().flatten();
                if back.is_none() {
                    why = "what was there before cannot be read";
                    continue;
                }
            }
            let after = undo.applied(live, back.as_ref());
            let left = looked.remediable(self.guard, &after);
            let restores = matches!(
                undo,
                Undo::PutInline { .. } | Undo::SetDefaultVersion { .. } | Undo::PutBoundary { .. }
            );
            let same = |one: &Finding, other: &Finding| {
                (one.code, &one.message) == (other.code, &other.message)
            };
            if restores && !left.is_empty() {
                why = "what was there before violates the rules as well";
            } else if !restores && !narrows(&undo, live, &after) {
                why = "the policy also denies something, which would be allowed without it";
            } else if !restores
                && findings
                    .iter()
                    .all(|found| left.iter().any(|other| same(found, other)))
            {
                why = "taking the policy away would change nothing: others give the same";
            } else {
                return Ok(Ok(Way { undo, after }));
            }
        }
        Ok(Err(why.to_owned()))
    }

    async fn write(
        &self,
        mut history: PermissionsHistory,
        looked: Looked,
        findings: Vec<Finding>,
        way: Way,
    ) -> Result<Disposition, HandleError> {
        let Self {
            world,
            guard,
            order,
            task,
            ..
        } = self;
        let state = world.state();
        let intent = OwnUndo {
            order: order.id(),
            incident: task.incident.clone(),
            removed: removed(&way.undo, &looked.live),
            undo: way.undo.clone(),
            at: world.clock().now(),
            progress: WriteProgress::Intended,
        };
        let recorded = history.write_of(&intent.order);
        if recorded.is_none_or(|recorded| recorded.undo != intent.undo) {
            history.record_write(intent.clone());
            history.version = state.save_permissions_history(&history).await?;
        }
        let now = look_at(*world, guard, task.kind, &task.name, self.now).await;
        if !now.is_ok_and(|now| now.is_some_and(|now| same_policies(&now.live, &looked.live))) {
            // Somebody changed it meanwhile: it is decided anew, from what is live then.
            progressed(&mut history, &intent.order, WriteProgress::Refused);
            state.save_permissions_history(&history).await?;
            return Ok(Disposition::in_seconds(5));
        }
        match world.roles().undo(task.kind, &task.name, &way.undo).await {
            Ok(()) => {}
            Err(UndoError::NotThere { .. }) => {
                progressed(&mut history, &intent.order, WriteProgress::Refused);
                state.save_permissions_history(&history).await?;
                return Ok(Disposition::in_seconds(5));
            }
            Err(error @ UndoError::AccessDenied { .. }) => {
                progressed(&mut history, &intent.order, WriteProgress::Refused);
                state.save_permissions_history(&history).await?;
                let text = format!(
                    "nothing: {error}. An SCP, a permissions boundary or a missing permission \
                     forbids it, and it is not tried again; manual action required"
                );
                let seen = Some((&looked, findings));
                return self.end(seen, OutcomeKind::Refused, &text, true).await;
            }
            Err(_) if self.attempts < TRIES => return self.again(),
            Err(error) => {
                let text = format!("nothing: {error}; manual action required");
                let seen = Some((&looked, findings));
                return self.end(seen, OutcomeKind::Failed, &text, true).await;
            }
        }
        progressed(&mut history, &intent.order, WriteProgress::Written);
        history.version = state.save_permissions_history(&history).await?;
        match look_at(*world, guard, task.kind, &task.name, self.now).await {
            Ok(Some(now)) if same_policies(&now.live, &way.after) => {
                self.conclude(history, &intent, &now, false).await
            }
            // Stale, or changed again: the next look tells.
            _ => self.again(),
        }
    }

    /// It is done, and seen; `stands`: it is not, and was changed again.
    async fn conclude(
        &self,
        mut history: PermissionsHistory,
        own: &OwnUndo,
        looked: &Looked,
        stands: bool,
    ) -> Result<Disposition, HandleError> {
        if own.progress == WriteProgress::Intended {
            progressed(&mut history, &own.order, WriteProgress::Written);
            let state = self.world.state();
            state.save_permissions_history(&history).await?;
        }
        let left = looked.remediable(self.guard, &looked.live);
        let mut text = own.undo.words(self.task.kind, &self.task.name);
        if stands {
            text += "; and the change was made again since";
        }
        text += "; sessions already issued have what the policies say now";
        let mut alert = self.alert(
            Some((looked, left.clone())),
            OutcomeKind::Detached,
            &text,
            !left.is_empty(),
        );
        if let Some(removed) = &own.removed {
            let shown: String = removed.chars().take(TEXT_SHOWN).collect();
            alert
                .notes
                .push(format!("the text that was taken away: {shown}"));
        }
        if !left.is_empty() {
            alert
                .notes
                .push("other policies still violate the rules".to_owned());
        }
        self.publish_and_finish(&alert).await
    }

    async fn end(
        &self,
        looked: Option<(&Looked, Vec<Finding>)>,
        kind: OutcomeKind,
        text: &str,
        open: bool,
    ) -> Result<Disposition, HandleError> {
        let alert = self.alert(looked, kind, text, open);
        self.publish_and_finish(&alert).await
    }

    async fn publish_and_finish(&self, alert: &Alert) -> Result<Disposition, HandleError> {
        publish_and_finish(self.world, self.guard, self.order, alert).await
    }

    fn alert(
        &self,
        looked: Option<(&Looked, Vec<Finding>)>,
        kind: OutcomeKind,
        text: &str,
        open: bool,
    ) -> Alert {
        let (looked, findings) = looked.unzip();
        let findings = findings.filter(|found| open && !found.is_empty());
        let mut alert = permissions_alert(
            self.guard,
            self.task,
            findings.as_deref(),
            kind,
            text.to_owned(),
            open,
            self.now,
        );
        if let Some((_, judgement)) = looked.and_then(|looked| looked.role.as_ref()) {
            alert.grantees = grantees(judgement);
        }
        if self.order.rules != self.guard.rules.hash() {
            alert.notes.push(
                "the order was judged by other rules than these; after 10 minutes the remediator \
                 used its own"
                    .to_owned(),
            );
        }
        alert
    }
}

const GONE: &str = "nothing: the role or user is gone";

fn progressed(history: &mut PermissionsHistory, order: &str, progress: WriteProgress) {
    let mut writes = history.writes.iter_mut().rev();
    if let Some(write) =
        writes.find(|write| write.order == order && write.progress != WriteProgress::Refused)
    {
        write.progress = progress;
    }
}

/// The text that a write takes away, of which IAM keeps no other copy.
fn removed(undo: &Undo, live: &LivePermissions) -> Option<String> {
    let (Undo::DeleteInline { name } | Undo::PutInline { name, .. }) = undo else {
        return None;
    };
    live.policies
        .iter()
        .find(|policy| policy.arn.is_none() && policy.group.is_none() && policy.name == *name)
        .and_then(|policy| policy.document.clone())
}

/// IAM lists policies in no order that it promises.
fn same_policies(one: &LivePermissions, other: &LivePermissions) -> bool {
    let sorted = |live: &LivePermissions| {
        let mut policies = live.policies.clone();
        policies.sort_by(|a, b| (&a.arn, &a.name, &a.group).cmp(&(&b.arn, &b.name, &b.group)));
        policies
    };
    one.id == other.id && one.boundary == other.boundary && sorted(one) == sorted(other)
}

/// The outcome of an order about permissions; `findings` of what is live, else the order's.
pub(super) fn permissions_alert(
    guard: &GuardConfig,
    task: &PermissionsOrder,
    findings: Option<&[Finding]>,
    kind: OutcomeKind,
    text: String,
    open: bool,
    now: Timestamp,
) -> Alert {
    let noun = task.kind.name();
    let story = Story {
        stage: Stage::Outcome,
        incident: &task.incident,
        title: format!("{noun} {}: {}", task.name, outcome_title(kind)),
        cause: Some(&task.cause),
        resource: Some(Resource {
            kind: noun.to_owned(),
            name: task.name.clone(),
            arn: Some(task.arn.clone()),
            id: Some(task.id.clone()),
        }),
        findings: findings.unwrap_or(&task.findings),
        now,
    };
    let mut alert = alert(guard, story);
    if matches!(
        kind,
        OutcomeKind::Refused | OutcomeKind::Failed | OutcomeKind::BudgetSpent
    ) {
        alert.severity = Severity::Critical;
    } else if open {
        // As it was told first: what the change gave counts for more than what stands there.
        alert.severity = alert.severity.max(task.severity);
    }
    alert.open_seconds = Some(seconds_between(task.cause.event_time, now));
    alert.outcome = Some(Outcome {
        kind,
        text,
        open,
        dropped: Vec::new(),
        document: None,
    });
    alert
}
