//! The world as one invocation of a function meets it: every call takes time, in which others
//! act; it may fail, lie or be the last thing the invocation does.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use guard::model::LiveRole;
use guard::ports::{Clock, IamError, IamErrorKind, Roles, WriteRoles};
use jiff::Timestamp;

use crate::account::{Moment, Refusal, Version, Writer, as_kept};
use crate::actors::administrator_in_the_window;
use crate::counts::Coverage;
use crate::documents::OWN;
use crate::events::{REMEDIATOR_ROLE, record_write};
use crate::state::{FaultPlan, GuardWrite, Invocation, Read, Scheduled, SharedState, State, clock};

mod permissions;
mod state;
mod sweeping;

/// How far back a stale read may look: IAM mostly shows every write within this time.
pub const STALENESS: Moment = 8_000;
/// In some histories it takes its time, yet less than the minute for which the guard doubts.
pub const LONG_STALENESS: Moment = 50_000;

/// Of a thousand writes in histories with errors, so many do not get to IAM, and nobody can know.
const UNSAID: u32 = 150;
/// For so long after that, where reads may be stale for long, they come from a part of IAM that is
/// cut off from the rest.
const CUT_OFF: Moment = 60_000;

/// Longer than any function may run.
const HANGING: i64 = 100_000;

/// One invocation's view.
#[derive(Clone)]
pub struct FaultyPorts {
    /// The history.
    pub shared: SharedState,
    /// Which invocation.
    pub invocation: Invocation,
}

/// A call that did not do what was asked.
enum Fault {
    /// Nothing happened.
    Before,
    /// It happened, and the answer was lost.
    After,
}

struct Wait {
    shared: SharedState,
    invocation: Invocation,
    takes: i64,
    waiting: bool,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.waiting {
            return Poll::Ready(());
        }
        self.waiting = true;
        let mut state = self.shared.lock();
        let at = state.now + self.takes;
        state.schedule(at, Scheduled::GoOn(self.invocation));
        drop(state);
        Poll::Pending
    }
}

impl FaultyPorts {
    async fn wait(&self, takes: i64) {
        Wait {
            shared: self.shared.clone(),
            invocation: self.invocation,
            takes,
            waiting: false,
        }
        .await;
    }

    /// One effect: time passes, then it happens, or does not.
    async fn effect<T>(
        &self,
        name: &'static str,
        act: impl FnOnce(&mut State) -> T,
    ) -> Result<T, Fault> {
        let takes = {
            let mut state = self.shared.lock();
            let takes = state.rng.mostly_short(2, 60);
            state.perhaps_crash(self.invocation, name);
            let hangs = state.perhaps_hang(self.invocation, name);
            let stalls = state.faults.stall && name == "publish alert" && !state.quiesced;
            if stalls {
                state.faults.stall = false;
                if let Some(steps) = state.steps.get_mut(&self.invocation) {
                    steps.stalls = true;
                }
                state.coverage.insert(Coverage::StalledHolder);
                state.log(|| {
                    format!(
                        "invocation {} stalls before it can publish",
                        self.invocation
                    )
                });
            }
            match (stalls, hangs) {
                (true, _) => takes + 130_000,
                (false, true) => takes + HANGING,
                (false, false) => takes,
            }
        };
        self.wait(takes).await;
        let (result, answer_hangs) = self.happens(name, act);
        if answer_hangs {
            self.wait(HANGING).await;
        }
        result
    }

    /// The effect, or what comes in its place; and whether its answer never comes.
    fn happens<T>(
        &self,
        name: &'static str,
        act: impl FnOnce(&mut State) -> T,
    ) -> (Result<T, Fault>, bool) {
        let mut state = self.shared.lock();
        let (errors, lies) = (state.faults.errors, state.faults.lies);
        if !state.quiesced && state.rng.per_mille(errors) {
            state.log(|| format!("invocation {}: {name} fails", self.invocation));
            return (Err(Fault::Before), false);
        }
        let result = act(&mut state);
        let mut answer_hangs = false;
        let mut remembered = Vec::new();
        if let Some(steps) = state.steps.get_mut(&self.invocation) {
            steps.done.push(name);
            if name == "save history" {
                remembered = std::mem::take(&mut steps.shown);
            }
            answer_hangs = std::mem::take(&mut steps.answer_hangs);
        }
        state.shown.extend(remembered);
        if !state.quiesced && state.rng.per_mille(lies) {
            state.log(|| {
                format!(
                    "invocation {}: {name} is done, its answer is lost",
                    self.invocation
                )
            });
            return (Err(Fault::After), answer_hangs);
        }
        (Ok(result), answer_hangs)
    }
}

impl State {
    /// The moment that a read shows: now, or one a little earlier.
    fn showed(&mut self) -> Moment {
        let FaultPlan {
            stale, staleness, ..
        } = self.faults;
        let back = if self.quiesced {
            0
        } else if self.now < self.cut_off_until {
            self.rng.between(staleness / 2, staleness)
        } else if self.rng.per_mille(stale) {
            self.rng.between(1, staleness)
        } else {
            0
        };
        self.now - back
    }

    /// A role as IAM shows it to an invocation.
    fn role_as_of(
        &mut self,
        invocation: Invocation,
        name: &str,
        showed: Moment,
    ) -> Option<LiveRole> {
        let role = self.account.role_at(name, showed)?;
        let version = role.at(showed)?;
        if !self.shown.contains(&version.event_id)
            && let Some(steps) = self.steps.get_mut(&invocation)
        {
            steps.shown.push(version.event_id.clone());
        }
        Some(LiveRole {
            name: role.name.clone(),
            arn: format!("arn:aws:iam::{OWN}:role/{}", role.name),
            path: "/".to_owned(),
            role_id: role.id.clone(),
            document: self.account.shown(version, showed),
            created: Some(clock(role.created)),
        })
    }

    /// The invocation may not live to see its next effect.
    fn perhaps_crash(&mut self, invocation: Invocation, name: &'static str) {
        if self.quiesced || (self.faults.crash.is_none() && self.crash_between.is_empty()) {
            return;
        }
        let last = self
            .steps
            .get(&invocation)
            .and_then(|steps| steps.done.last().copied());
        let pair = (last.unwrap_or("the start"), name);
        let by_chance = self.faults.crash == Some(0);
        self.faults.crash = match self.faults.crash {
            Some(0) | None => None,
            Some(left) => Some(left - 1),
        };
        let planned = self.crash_between.iter().position(|wanted| *wanted == pair);
        if let Some(at) = planned {
            self.crash_between.swap_remove(at);
        }
        if by_chance || planned.is_some() {
            self.crashed_between.insert(pair);
            self.coverage.insert(Coverage::Crash);
            self.doomed.insert(invocation);
        }
    }

    /// An SCP forbids a write.
    fn forbid(&mut self, invocation: Invocation) {
        self.failed_writes += 1;
        self.coverage.insert(Coverage::WriteForbidden);
        let order = self.steps.get(&invocation);
        if let Some(order) = order.and_then(|steps| steps.order.clone()) {
            *self.forbidden.entry(order).or_default() += 1;
        }
        self.log(|| format!("invocation {invocation}: an SCP forbids the write"));
    }

    /// The invocation may wait for an answer longer than it lives. `true`: for one to something
    /// that does not happen.
    fn perhaps_hang(&mut self, invocation: Invocation, name: &'static str) -> bool {
        match self.faults.hang {
            _ if self.quiesced => return false,
            None => return false,
            Some(0) => self.faults.hang = None,
            Some(left) => {
                self.faults.hang = Some(left - 1);
                return false;
            }
        }
        self.coverage.insert(Coverage::TimeOut);
        self.log(|| format!("invocation {invocation}: {name} hangs"));
        if self.faults.hangs_after
            && let Some(steps) = self.steps.get_mut(&invocation)
        {
            steps.answer_hangs = true;
            return false;
        }
        true
    }
}

impl Clock for FaultyPorts {
    fn now(&self) -> Timestamp {
        clock(self.shared.lock().now)
    }
}

impl Roles for FaultyPorts {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, IamError> {
        let invocation = self.invocation;
        self.effect("read role", |state| {
            let now = state.now;
            let showed = state.showed();
            let back = now - showed;
            let role = state.account.role_at(name, showed);
            let hides = state
                .account
                .role_at(name, now)
                .and_then(|role| role.live())
                .map(|live| live.at)
                != role
                    .as_ref()
                    .and_then(|role| role.at(showed))
                    .map(|shown| shown.at);
            if hides {
                state.coverage.insert(Coverage::StaleRead);
                let order = state.steps.get(&invocation);
                let order = order.and_then(|steps| steps.order.clone());
                state.misled.extend(order);
                state.log(|| {
                    format!("invocation {invocation} reads {name} as it was {back} ms ago")
                });
            }
            if let Some(steps) = state.steps.get_mut(&invocation) {
                steps.read = Some(Read { showed });
            }
            state.role_as_of(invocation, name, showed)
        })
        .await
        .map_err(|_| refusal("read", name, IamErrorKind::Throttled, "Throttling"))
    }
}

impl WriteRoles for FaultyPorts {
    async fn write_trust_policy(&self, role: &str, document: &str) -> Result<(), IamError> {
        {
            let mut state = self.shared.lock();
            if state.faults.window && !state.quiesced {
                state.faults.window = false;
                administrator_in_the_window(&mut state, role);
            }
        }
        let invocation = self.invocation;
        let done = self
            .effect("write trust policy", |state| {
                if state.faults.forbidden {
                    state.forbid(invocation);
                    return Err(Refusal::Forbidden);
                }
                if state.faults.errors > 0 && !state.quiesced && state.rng.per_mille(UNSAID) {
                    state.failed_writes += 1;
                    if state.faults.staleness == LONG_STALENESS {
                        state.cut_off_until = state.now + CUT_OFF;
                    }
                    state.log(|| format!("invocation {invocation}: the write does not get there"));
                    return Err(Refusal::Unsaid);
                }
                guard_writes(state, invocation, role, document)
            })
            .await;
        let no = |kind, said| refusal("write the trust policy of", role, kind, said);
        let other = || no(IamErrorKind::Other, "the connection was lost");
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Refusal::NoSuchRole)) => Err(no(IamErrorKind::NoSuchEntity, "NoSuchEntity")),
            Ok(Err(Refusal::Forbidden)) => {
                let said = "explicit deny in a service control policy";
                Err(no(IamErrorKind::AccessDenied, said))
            }
            Ok(Err(Refusal::Unsaid)) => Err(other()),
            Ok(Err(Refusal::Principal(principal))) => {
                let kind = IamErrorKind::RefusedPrincipal(principal);
                Err(no(kind, "MalformedPolicyDocument"))
            }
            Err(Fault::Before) => {
                let mut state = self.shared.lock();
                state.failed_writes += 1;
                if state.rng.per_mille(500) {
                    return Err(other());
                }
                Err(no(IamErrorKind::Throttled, "Throttling"))
            }
            Err(Fault::After) => {
                self.shared.lock().failed_writes += 1;
                Err(other())
            }
        }
    }

    async fn deny_sessions_before(&self, role: &str, before: Timestamp) -> Result<(), IamError> {
        let done = self
            .effect("deny sessions", |state| {
                let now = state.now;
                state
                    .account
                    .role_mut(role)
                    .map(|role| {
                        role.sessions_denied_before = Some(before);
                        role.denials.push(now);
                    })
                    .inspect(|()| {
                        state.coverage.insert(Coverage::SessionsDenied);
                        state.log(|| format!("sessions of {role} before {before} are denied"));
                    })
            })
            .await;
        sessions(role, done)
    }

    async fn lift_session_denial(&self, role: &str) -> Result<(), IamError> {
        let done = self
            .effect("lift session denial", |state| {
                state
                    .account
                    .role_mut(role)
                    .map(|role| role.sessions_denied_before = None)
            })
            .await;
        sessions(role, done)
    }
}

fn sessions(role: &str, done: Result<Option<()>, Fault>) -> Result<(), IamError> {
    let no = |kind, said| refusal("change the inline policies of", role, kind, said);
    match done {
        Ok(Some(())) => Ok(()),
        Ok(None) => Err(no(IamErrorKind::NoSuchEntity, "NoSuchEntity")),
        Err(_) => Err(no(IamErrorKind::Other, "Throttling")),
    }
}

fn refusal(
    operation: &'static str,
    role: &str,
    kind: IamErrorKind,
    said: &'static str,
) -> IamError {
    IamError::new(operation, format!("role {role}"), kind, said)
}

fn guard_writes(
    state: &mut State,
    invocation: Invocation,
    role: &str,
    document: &str,
) -> Result<(), Refusal> {
    let now = state.now;
    let read = state.steps.get(&invocation).and_then(|steps| steps.read);
    let before = state.account.role_at(role, now).and_then(|role| {
        let live = role.live()?;
        Some((role.id.clone(), live.sent.clone(), live.at, live.by))
    });
    let event_id = state.new_event_id();
    let version = Version {
        at: now,
        sent: document.to_owned(),
        kept: as_kept(document),
        by: Writer::Guard,
        event_id: event_id.clone(),
    };
    if let Err(refusal) = state.account.write(role, version) {
        state.failed_writes += 1;
        if matches!(refusal, Refusal::Principal(_)) {
            state.coverage.insert(Coverage::RefusedPrincipal);
        }
        state.log(|| format!("IAM refuses the guard's write of {role}: {refusal:?}"));
        return Err(refusal);
    }
    if let Some((role_id, replaced, replaced_at, replaced_by)) = before {
        // A read of this order, now or at an earlier try, hid something.
        let order = state.steps.get(&invocation);
        let order = order.and_then(|steps| steps.order.as_ref());
        if order.is_some_and(|order| state.misled.contains(order)) {
            state.coverage.insert(Coverage::StaleReadBeforeWrite);
        }
        let steps = state.steps.get(&invocation);
        let rules = steps.and_then(|steps| steps.rules);
        let rules = rules.unwrap_or(state.remediator_rules_now());
        let hasty = steps.is_some_and(|steps| now < steps.waits_until);
        state.writes.push(GuardWrite {
            hasty,
            at: now,
            role_id,
            document: document.to_owned(),
            replaced,
            replaced_at,
            replaced_by,
            read,
            rules,
        });
    }
    state.log(|| format!("the guard writes {role}: {document}"));
    record_write(
        state,
        role,
        document,
        Writer::Guard,
        event_id,
        Some(REMEDIATOR_ROLE),
    );
    Ok(())
}
