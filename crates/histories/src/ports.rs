//! The world as one invocation of a function meets it: every call takes time, in which others
//! act; it may fail, lie or be the last thing the invocation does.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use guard::model::LiveRole;
use guard::ports::memory::MemoryStore;
use guard::ports::{Assembled, Call, Clock, Fault, Faults, IamErrorKind, Port, Sent};
use jiff::Timestamp;

use crate::account::Moment;
use crate::actors::administrator_in_the_window;
use crate::counts::Coverage;
use crate::documents::OWN;
use crate::state::{FaultPlan, Invocation, Scheduled, SharedState, State, at_once, clock};

mod permissions;
mod roles;
mod state;
mod sweeping;

/// How far back a stale read may look: IAM mostly shows every write within this time.
pub const STALENESS: Moment = 8_000;
/// In some histories it takes its time, yet less than the minute for which the guard doubts.
pub const LONG_STALENESS: Moment = 50_000;

/// Longer than any function may run.
const HANGING: i64 = 100_000;

/// The world as one invocation meets it while nothing goes wrong: reads may be stale even then.
#[derive(Clone)]
pub struct Ports {
    /// The history.
    shared: SharedState,
    /// Which invocation.
    invocation: Invocation,
}

type Faultless = Assembled<Ports, MemoryStore, Ports, Ports, Ports>;

/// The same, with everything that goes wrong.
pub struct FaultyPorts {
    inside: Faultless,
    shared: SharedState,
    invocation: Invocation,
}

/// A call that did not do what was asked.
enum Lost {
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
    /// Those of an invocation.
    pub fn new(shared: SharedState, invocation: Invocation) -> Self {
        let ports = Ports {
            shared: shared.clone(),
            invocation,
        };
        Self {
            inside: Assembled {
                roles: ports.clone(),
                store: shared.store.clone(),
                orders: ports.clone(),
                alerts: ports.clone(),
                clock: ports,
            },
            shared,
            invocation,
        }
    }

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
    async fn effect<T>(&self, call: Call<'_>, effect: impl Future<Output = T>) -> Result<T, Lost> {
        let name = call.name;
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
        let (result, answer_hangs) = self.happens(call, effect);
        if answer_hangs {
            self.wait(HANGING).await;
        }
        result
    }

    /// The effect, or what comes in its place; and whether its answer never comes.
    fn happens<T>(
        &self,
        call: Call<'_>,
        effect: impl Future<Output = T>,
    ) -> (Result<T, Lost>, bool) {
        let name = call.name;
        let mut state = self.shared.lock();
        let (errors, lies) = (state.faults.errors, state.faults.lies);
        if !state.quiesced && state.rng.per_mille(errors) {
            state.log(|| format!("invocation {}: {name} fails", self.invocation));
            return (Err(Lost::Before), false);
        }
        let result = if call.port == Port::Store && state.outage {
            state.coverage.insert(Coverage::StateUnavailable);
            None
        } else {
            drop(state);
            let result = at_once(effect);
            state = self.shared.lock();
            result
        };
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
            return (Err(Lost::After), answer_hangs);
        }
        (result.ok_or(Lost::Before), answer_hangs)
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

impl Faults for FaultyPorts {
    type Inner = Faultless;

    fn inner(&self) -> &Self::Inner {
        &self.inside
    }

    async fn call<T: Send, E: Send>(
        &self,
        call: Call<'_>,
        effect: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<Result<T, E>, Fault> {
        if matches!(call.sent, Sent::Document(_)) {
            let mut state = self.shared.lock();
            if state.faults.window && !state.quiesced {
                state.faults.window = false;
                administrator_in_the_window(&mut state, call.on);
            }
        }
        let lost = match self.effect(call, effect).await {
            Ok(done) => return Ok(done),
            Err(lost) => lost,
        };
        let mut state = self.shared.lock();
        let throttled = match (call.name, lost) {
            ("write trust policy", lost) => {
                state.failed_writes += 1;
                matches!(lost, Lost::Before) && !state.rng.per_mille(500)
            }
            ("deny sessions" | "lift session denial", _) => false,
            _ => true,
        };
        let (kind, said) = match throttled {
            true => (IamErrorKind::Throttled, "Throttling"),
            false => (IamErrorKind::Other, "the connection was lost"),
        };
        let source = said.into();
        Err(Fault { kind, source })
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        clock(self.shared.lock().now)
    }
}
