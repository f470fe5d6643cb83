//! The sweep: whatever no event reported. It lists the account's roles, judges each as an event
//! would be, and reports and orders what people and the remediator have not heard of yet.
//!
//! It is called once a minute and mostly finds that nothing is due. A run is due hourly, after a
//! deploy that brings other rules or another mode, when an event hides which role it changed, and
//! when the first subscription to alerts is confirmed: the digest of what was there waited for it.
//! A run that does not come to its end in one invocation goes on in the next one. What each role
//! looked like is remembered, so the same thing is never reported twice, and a page that is read
//! again does nothing again.

mod chains;
mod credentials;
mod ending;
mod first;
mod keys;
mod policies;
mod providers;
mod role;

use std::collections::{BTreeMap, BTreeSet};

pub use credentials::{CredentialsSwept, sweep_credentials};
pub use keys::{KeysSwept, MOST_USERS, sweep_keys};
pub use policies::{MOST_ROLES, PermissionsSwept, sweep_permissions};
pub use providers::{ProvidersSwept, sweep_providers};

use jiff::{SignedDuration, Timestamp};

use crate::GuardConfig;
use crate::alert::build::mode_name;
use crate::handlers::HandleError;
use crate::model::Cause;
use crate::order::{Order, RoleChange, RoleOrder, Task};
use crate::ports::{Alerts, Clock, IamErrorKind, ListRoles, Orders, RolesPage, StateError, World};
use crate::state::KnownLink;
use crate::state::incident::Schema;
use crate::state::sweep_state::{FinishedSweep, SweepProgress, SweepTally, SweptRole};

/// How often all roles are looked at.
const INTERVAL_SECONDS: i64 = 60 * 60;
/// For how long a changed document waits for its event, which knows more than the sweep: who did
/// it.
pub const GRACE_SECONDS: i64 = 5 * 60;
/// No invocation holds a run for longer: Lambda ends it. A longer hold somebody else wrote.
const LONGEST_SECONDS: i64 = 15 * 60;
/// After so many roles that could not be dealt with, something is wrong with more than a role.
const ERRORS: usize = 3;

/// What became of one call of the sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swept {
    /// No run is due: nothing was listed.
    NotDue,
    /// Another invocation is at it.
    Busy,
    /// The time is up, or IAM asks to slow down: the next call goes on.
    Unfinished,
    /// The run is over.
    Finished(FinishedSweep),
}

/// One invocation's part of a run.
struct Run<'a, W> {
    world: &'a W,
    guard: &'a GuardConfig,
    progress: SweepProgress,
    known: BTreeMap<String, SweptRole>,
    seen: BTreeSet<String>,
    /// What each role has to do with chains, by its name in lower case.
    links: BTreeMap<String, KnownLink>,
}

enum Listed {
    /// All pages have been read.
    All,
    /// It goes on later.
    Interrupted,
}

/// Looks at the account's roles, if a run is due or under way, until it is done or the moment has
/// come: the caller has some seconds left then.
///
/// # Errors
/// [`HandleError`]: some role could not be reported, ordered or listed; the next call tries again.
pub async fn sweep<W: World<Roles: ListRoles>>(
    world: &W,
    guard: &GuardConfig,
    until: Timestamp,
) -> Result<Swept, HandleError> {
    let state = world.state();
    let now = world.clock().now();
    let known = state.sweep_progress(&guard.account).await?;
    if let Some(known) = &known
        && known
            .held_until
            .is_some_and(|held| held > now && held <= after(now, LONGEST_SECONDS))
    {
        return Ok(Swept::Busy);
    }
    let requested = state.sweep_requested(&guard.account).await?;
    let untold = known.as_ref().is_some_and(|known| known.untold);
    let heard = untold && world.alerts().is_heard().await;
    let Some(mut progress) = due(guard, known, requested, heard, now) else {
        return Ok(Swept::NotDue);
    };
    progress.held_until = Some(until);
    progress.version = match state.save_sweep_progress(&progress).await {
        Ok(version) => version,
        Err(StateError::Conflict { .. }) => return Ok(Swept::Busy),
        Err(error) => return Err(error.into()),
    };
    let mut run = Run {
        world,
        guard,
        known: BTreeMap::new(),
        links: BTreeMap::new(),
        seen: progress.seen.iter().cloned().collect(),
        progress,
    };
    let mut errors = Vec::new();
    let listed = run.list(until, &mut errors).await;
    let first_error = errors.into_iter().next();
    match listed {
        Ok(Listed::All) if first_error.is_none() => {
            let finished = run.finish().await?;
            Ok(Swept::Finished(finished))
        }
        // What was dealt with is remembered: the whole list is read again, and little is done.
        Ok(Listed::All) => {
            run.progress.marker = None;
            run.hand_over().await?;
            first_error.map_or(Ok(Swept::Unfinished), Err)
        }
        Ok(Listed::Interrupted) => {
            run.hand_over().await?;
            first_error.map_or(Ok(Swept::Unfinished), Err)
        }
        Err(error) => {
            // Should this fail, too, the next call starts from where this one did.
            let _ = run.hand_over().await;
            Err(error)
        }
    }
}

/// The run that is under way, or a new one if one is due. `heard`: a digest waited for somebody who
/// subscribes, and somebody did.
fn due(
    guard: &GuardConfig,
    known: Option<SweepProgress>,
    requested: Option<Timestamp>,
    heard: bool,
    now: Timestamp,
) -> Option<SweepProgress> {
    let deployed = format!(
        "{}/{}/{}",
        guard.rules.hash(),
        mode_name(guard.ceiling()),
        env!("CARGO_PKG_VERSION")
    );
    let next = SweepProgress {
        schema: Schema,
        account: guard.account.clone(),
        deployed,
        first: true,
        first_at: Some(now),
        untold: false,
        asked: false,
        started_at: now,
        marker: None,
        seen: Vec::new(),
        finished_at: None,
        due_at: after(now, INTERVAL_SECONDS),
        held_until: None,
        tally: SweepTally::default(),
        last: None,
        version: 0,
    };
    let Some(known) = known else {
        return Some(next);
    };
    if known.finished_at.is_none() {
        return Some(known);
    }
    let asked = requested.is_some_and(|at| at > known.started_at);
    let due = asked || heard || now >= known.due_at || known.deployed != next.deployed;
    due.then_some(SweepProgress {
        first: false,
        untold: known.untold,
        first_at: known
            .first_at
            .or(known.last.as_ref().map(|last| last.started_at)),
        asked,
        last: known.last,
        version: known.version,
        ..next
    })
}

impl<W: World<Roles: ListRoles>> Run<'_, W> {
    fn now(&self) -> Timestamp {
        self.world.clock().now()
    }

    /// Reads the list, page by page, and looks at each role of it.
    async fn list(
        &mut self,
        until: Timestamp,
        errors: &mut Vec<HandleError>,
    ) -> Result<Listed, HandleError> {
        let remembered = self.world.state().swept_roles(&self.guard.account).await?;
        self.known = remembered
            .into_iter()
            .map(|role| (role.role_id.clone(), role))
            .collect();
        self.read_links().await?;
        loop {
            if self.now() >= until {
                return Ok(Listed::Interrupted);
            }
            let marker = self.progress.marker.clone();
            let page = self.world.roles().list_roles(marker.as_deref()).await;
            let RolesPage { roles, next } = match page {
                Ok(page) => page,
                Err(error) if error.kind == IamErrorKind::Throttled => {
                    return Ok(Listed::Interrupted);
                }
                Err(error) if error.kind == IamErrorKind::InvalidMarker && marker.is_some() => {
                    self.progress.marker = None;
                    return Ok(Listed::Interrupted);
                }
                Err(error) => return Err(error.into()),
            };
            for listed in &roles {
                if self.now() >= until {
                    return Ok(Listed::Interrupted);
                }
                if let Err(error) = self.check_role(listed).await {
                    // One role must not stand in the way of all others.
                    errors.push(error);
                    if errors.len() >= ERRORS {
                        return Ok(Listed::Interrupted);
                    }
                }
            }
            self.progress.marker = next;
            if self.progress.marker.is_none() {
                return Ok(Listed::All);
            }
        }
    }

    /// The next call goes on from here.
    async fn hand_over(&mut self) -> Result<(), HandleError> {
        self.progress.seen = self.seen.iter().cloned().collect();
        self.progress.held_until = None;
        self.save().await
    }

    async fn save(&mut self) -> Result<(), HandleError> {
        let state = self.world.state();
        self.progress.version = state.save_sweep_progress(&self.progress).await?;
        Ok(())
    }

    async fn finish(&mut self) -> Result<FinishedSweep, HandleError> {
        self.gone().await?;
        self.judge_chains().await?;
        self.announce_endings().await?;
        let now = self.now();
        let finished = FinishedSweep {
            started_at: self.progress.started_at,
            finished_at: now,
            tally: self.progress.tally,
        };
        self.progress.seen = Vec::new();
        self.progress.held_until = None;
        self.progress.finished_at = Some(now);
        self.progress.last = Some(finished.clone());
        self.save().await?;
        Ok(finished)
    }

    /// Roles that are no longer listed: the remediator closes their histories.
    async fn gone(&mut self) -> Result<(), HandleError> {
        let now = self.now();
        let (there, gone): (Vec<_>, Vec<_>) = self
            .known
            .values()
            .cloned()
            .partition(|role| self.seen.contains(&role.role_id));
        let names: BTreeSet<String> = there
            .into_iter()
            .map(|role| role.name.to_ascii_lowercase())
            .collect();
        for role in gone.into_iter().filter(|role| role.gone_at.is_none()) {
            // Another role has the name by now: its own order closes the history.
            if !names.contains(&role.name.to_ascii_lowercase()) {
                let id = format!("sweep-{}-gone-{}", role.role_id, second(&self.progress));
                let task = Task::Observe(RoleOrder {
                    role: role.name.clone(),
                    cause: Cause::found_by_sweep(id, now),
                    change: RoleChange::Deleted,
                    document: None,
                    incident: None,
                    findings: Vec::new(),
                });
                self.send(task).await?;
            }
            self.progress.tally.gone += 1;
            self.remember(SweptRole {
                gone_at: Some(now),
                ..role
            })
            .await?;
        }
        Ok(())
    }

    async fn send(&mut self, task: Task) -> Result<(), HandleError> {
        let order = Order::new(self.guard, task, self.now());
        self.world.orders().send_order(&order).await?;
        self.progress.tally.orders += 1;
        Ok(())
    }

    async fn remember(&mut self, role: SweptRole) -> Result<(), HandleError> {
        self.world.state().save_swept_role(&role).await?;
        self.known.insert(role.role_id.clone(), role);
        Ok(())
    }

    /// What was seen may be in flux: all is looked at again before the hour is over.
    fn look_again_in(&mut self, seconds: i64) {
        let soon = after(self.now(), seconds);
        self.progress.due_at = self.progress.due_at.min(soon);
    }
}

fn second(progress: &SweepProgress) -> i64 {
    progress.started_at.as_second()
}

fn after(moment: Timestamp, seconds: i64) -> Timestamp {
    moment
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
