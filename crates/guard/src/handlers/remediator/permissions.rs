//! Orders about what a role or user may do: what a change gave is taken away, or what was there
//! before is restored; and what complies is remembered.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::outcome::{permissions_alert, undone_alert};
use crate::handlers::HandleError;
use crate::handlers::remediator::finish::Ended;
use crate::handlers::remediator::write::{Target, Written, write};
use crate::model::{HolderKind, LivePermissions};
use crate::order::{HolderOrder, PermissionsOrder};
use crate::permissions::{OwnUndo, PermissionsHistory, Undoable};
use crate::ports::{
    Clock, IamError, IamErrorKind, ListOf, ReadPermissions, Roles, StateError, World,
    WritePermissions,
};
use crate::remediate::refusal::given_up;
use crate::remediate::task::{Assignment, TRIES};
use crate::remediate::undo::compliant_of;
use crate::remediate::{Action, Candidate, Exposure, Live, SeenHolder, UndoWrite, decide_undo};
use crate::state::history::WriteProgress;

type UndoTask<'a> = Assignment<'a, PermissionsOrder>;

/// Undoes the change, if what is live and today's rules still ask for it.
pub(super) async fn undo_change<W: World<Roles: WritePermissions>>(
    world: &W,
    task: UndoTask<'_>,
) -> Result<Ended, HandleError> {
    let (account, about, state) = (&task.guard.account, task.about, world.state());
    let read = read_exposure(world, task.guard, about.kind, &about.name, task.now).await;
    let (mut known, mut trust_writes, mut candidates) = (None, 0, Vec::new());
    let mut first_held = Vec::new();
    if let Ok(Some(exposure)) = &read {
        known = state.permissions_history(account, &about.id).await?;
        if about.kind == HolderKind::Role {
            let swept = state.swept_role(account, &about.id).await?;
            first_held = swept.map(|swept| swept.held).unwrap_or_default();
            let trust = state.role_history(account, &about.name).await?;
            trust_writes = trust.map_or(0, |trust| trust.writes_within_the_hour(task.now));
        }
        candidates = what_may_undo(world, task, &exposure.live, known.as_ref()).await;
    }
    let live = match &read {
        Err(error) => Live::Unread(format!("it could not be read: {error}")),
        Ok(exposure) => exposure.as_ref().map_or(Live::Absent, Live::There),
    };
    let action = decide_undo(&SeenHolder {
        task,
        live,
        known: known.as_ref(),
        trust_writes,
        first_held: &first_held,
        candidates,
    });
    let exposure = read.ok().flatten();
    let ending = match (action, &exposure) {
        (Action::Wait(seconds), _) => return Ok(Ended::Again(seconds)),
        (Action::Finish(Some(ending)), _) => ending,
        (Action::Conclude { own, note }, Some(exposure)) => {
            let mut target = HeldPolicies::new(task, known, exposure, None);
            return conclude(world, &mut target, &own, exposure, note).await;
        }
        (Action::Write(wanted), Some(exposure)) => {
            let mut target = HeldPolicies::new(task, known, exposure, Some(&wanted));
            match write(world, &mut target).await? {
                Written::Changed => return Ok(Ended::Again(5)),
                Written::Unseen => return Ok(Ended::Again(task.pause())),
                Written::Stands => {
                    let own = target.history.write_of(&task.order_id()).cloned();
                    let Some((own, now)) = own.zip(target.now.take()) else {
                        return Ok(Ended::Again(task.pause()));
                    };
                    return conclude(world, &mut target, &own, &now, None).await;
                }
                // What was to be taken away is not there: it is decided anew.
                Written::Refused(error) if error.kind == IamErrorKind::NoSuchEntity => {
                    return Ok(Ended::Again(5));
                }
                Written::Refused(error) => match given_up(&error, task.attempts) {
                    Some(ending) => ending,
                    None => return Ok(Ended::Again(task.pause())),
                },
            }
        }
        // Neither is decided of what is not there.
        (Action::Finish(None) | Action::Conclude { .. } | Action::Write(_), _) => {
            return Ok(Ended::Silently);
        }
    };
    let alert = permissions_alert(task, exposure.as_ref(), &ending);
    Ok(Ended::Reported(Box::new(alert)))
}

/// What may undo the change, and the policies that would be in force again.
async fn what_may_undo<W: World<Roles: ReadPermissions>>(
    world: &W,
    task: UndoTask<'_>,
    live: &LivePermissions,
    known: Option<&PermissionsHistory>,
) -> Vec<Candidate> {
    let roles = world.roles();
    let change = &task.about.change;
    let alone = match change {
        Undoable::DefaultVersion { arn, .. } => {
            let holders = roles.holders(ListOf::HoldersOf(arn), None).await;
            holders.is_ok_and(|page| {
                let held_by = [page.roles.len(), page.users.len(), page.groups.len()];
                page.next.is_none() && held_by.iter().sum::<usize>() == 1
            })
        }
        _ => false,
    };
    let compliant = known.and_then(|known| known.compliant.as_ref());
    let mut candidates = Vec::new();
    for undo in change.undone_by(live, compliant, alone) {
        let restored = match undo.names_a_policy() {
            Some((arn, version)) => roles.managed_policy(arn, version).await.ok().flatten(),
            None => None,
        };
        candidates.push(Candidate { undo, restored });
    }
    candidates
}

/// What a role or user holds, and the history that remembers what was written to it.
struct HeldPolicies<'a> {
    task: UndoTask<'a>,
    history: PermissionsHistory,
    live: &'a LivePermissions,
    wanted: Option<&'a UndoWrite>,
    /// The role or user as it was read back.
    now: Option<Exposure>,
}

impl<'a> HeldPolicies<'a> {
    fn new(
        task: UndoTask<'a>,
        known: Option<PermissionsHistory>,
        exposure: &'a Exposure,
        wanted: Option<&'a UndoWrite>,
    ) -> Self {
        let (account, kind) = (&task.guard.account, task.about.kind);
        let new = || PermissionsHistory::new(account, kind, &exposure.live);
        Self {
            task,
            history: known.unwrap_or_else(new),
            live: &exposure.live,
            wanted,
            now: None,
        }
    }

    async fn read<W: World<Roles: ReadPermissions>>(&self, world: &W) -> Option<Exposure> {
        let UndoTask {
            guard, about, now, ..
        } = self.task;
        let read = read_exposure(world, guard, about.kind, &about.name, now).await;
        read.ok().flatten()
    }
}

impl<W: World<Roles: WritePermissions>> Target<W> for HeldPolicies<'_> {
    async fn record(&mut self, world: &W, progress: WriteProgress) -> Result<(), StateError> {
        let order = self.task.order_id();
        if let (WriteProgress::Intended, Some(wanted)) = (progress, self.wanted) {
            let recorded = self.history.write_of(&order);
            if recorded.is_some_and(|recorded| recorded.undo == wanted.undo) {
                return Ok(());
            }
            self.history.record_write(OwnUndo {
                order,
                incident: self.task.about.incident.clone(),
                removed: wanted.removed.clone(),
                undo: wanted.undo.clone(),
                at: world.clock().now(),
                progress,
            });
        } else {
            self.history.progressed(&order, progress);
        }
        let state = world.state();
        self.history.version = state.save_permissions_history(&self.history).await?;
        Ok(())
    }

    async fn is_unchanged(&self, world: &W) -> bool {
        let now = self.read(world).await;
        now.is_some_and(|now| now.live.holds_the_same(self.live))
    }

    async fn apply(&self, world: &W) -> Result<(), IamError> {
        let PermissionsOrder { kind, name, .. } = self.task.about;
        match self.wanted {
            Some(wanted) => world.roles().undo(*kind, name, &wanted.undo).await,
            None => Ok(()),
        }
    }

    async fn stands(&mut self, world: &W) -> bool {
        let now = self.read(world).await;
        let as_wanted = |now: &Exposure| {
            let wanted = self.wanted.map(|wanted| &wanted.after);
            wanted.is_some_and(|wanted| now.live.holds_the_same(wanted))
        };
        self.now = now.filter(as_wanted);
        self.now.is_some()
    }
}

/// It is done, and seen.
async fn conclude<W: World<Roles: WritePermissions>>(
    world: &W,
    target: &mut HeldPolicies<'_>,
    own: &OwnUndo,
    exposure: &Exposure,
    note: Option<&'static str>,
) -> Result<Ended, HandleError> {
    if own.progress == WriteProgress::Intended {
        target.record(world, WriteProgress::Written).await?;
    }
    let alert = undone_alert(target.task, own, exposure, note);
    Ok(Ended::Reported(Box::new(alert)))
}

/// Remembers what a role or user holds, if it complies: what a later change replaces is restored
/// from it.
pub(super) async fn remember_permissions<W: World<Roles: ReadPermissions>>(
    world: &W,
    task: Assignment<'_, HolderOrder>,
) -> Result<Ended, HandleError> {
    let Assignment { guard, about, .. } = task;
    let read = read_exposure(world, guard, about.kind, &about.name, task.now).await;
    let exposure = match read {
        // A later change is then undone without it: people hear what is not known.
        Err(_) if task.attempts < TRIES => return Ok(Ended::Again(task.pause())),
        read => read.ok().flatten(),
    };
    let compliant = exposure
        .as_ref()
        .and_then(|exposure| compliant_of(guard, exposure, &about.id));
    if let Some((exposure, compliant)) = exposure.as_ref().zip(compliant) {
        let state = world.state();
        let known = state.permissions_history(&guard.account, &about.id).await?;
        let new = || PermissionsHistory::new(&guard.account, about.kind, &exposure.live);
        let history = PermissionsHistory {
            compliant: Some(compliant),
            ..known.unwrap_or_else(new)
        };
        state.save_permissions_history(&history).await?;
    }
    Ok(Ended::Silently)
}

/// Reads a role or user; `None` where there is none.
async fn read_exposure<W: World<Roles: ReadPermissions>>(
    world: &W,
    guard: &GuardConfig,
    kind: HolderKind,
    name: &str,
    now: Timestamp,
) -> Result<Option<Exposure>, IamError> {
    let roles = world.roles();
    match kind {
        HolderKind::User => {
            let live = roles.user_permissions(name).await?;
            Ok(live.map(|live| Exposure::of_user(guard, live, now)))
        }
        HolderKind::Role => {
            let Some(role) = roles.read_role(name).await? else {
                return Ok(None);
            };
            let live = roles.role_permissions(name).await?;
            Ok(live.map(|live| Exposure::of_role(guard, role, live, now)))
        }
    }
}
