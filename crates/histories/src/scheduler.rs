//! Runs one history: draws who acts and what goes wrong, lets the functions' own handlers meet
//! it, and stops when nothing moves any more.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use guard::GuardConfig;
use guard::cloudtrail::Record;
use guard::handlers::{HandleError, Handled, Swept, carry_out, role_trust, sweep};
use guard::order::{Ack, Order};

use crate::account::{Account, Moment};
use crate::actors::{Actor, act, correct};
use crate::counts::Coverage;
use crate::documents::{BETA_ROLE, RuleSet, RulesChange};
use crate::ports::FaultyPorts;
use crate::queue::{Fifo, VISIBILITY};
use crate::rng::Rng;
use crate::rules::{Setting, guard_with};
use crate::setup;
use crate::state::{Invocation, Scheduled, SharedState, State, Steps, clock, moment};

mod ending;

/// When everyone but the guard stops, and nothing goes wrong any more.
pub const FAULT_WINDOW: Moment = 80 * 60_000;
/// How often the sweep is called (on AWS each minute; mostly it finds that nothing is due).
const SWEEP: Moment = 5 * 60_000;
/// When it has had time for its repeated tries at roles that budgets left exposed.
const SWEPT: Moment = 8 * HOUR;
const HOUR: Moment = 3_600_000;
/// The sweep's time-out.
const SWEEP_TIME_OUT: Moment = 60_000;
/// When the last history must be at rest.
pub const END: Moment = 30 * 3_600_000;
/// The detecting functions' time-out.
const DETECTING_TIME_OUT: Moment = 30_000;
/// The remediator's time-out.
pub const REMEDIATOR_TIME_OUT: Moment = 60_000;
/// How long an order waits for a deploy that is on its way.
const SKEW: Moment = 10 * 60_000;
/// How many orders are carried out at once.
const CONCURRENCY: usize = 5;

/// What ran.
enum Ended {
    Detecting(Result<Handled, HandleError>),
    Remediating(Result<Ack, HandleError>),
    Sweeping(Result<Swept, HandleError>),
}

/// What an invocation was for.
#[derive(Debug, Clone)]
enum Job {
    Event {
        index: usize,
        tries: u32,
    },
    Order {
        group: String,
        id: String,
        waits_until: Moment,
    },
    Sweep,
}

struct Running {
    future: Pin<Box<dyn Future<Output = Ended> + Send>>,
    job: Job,
}

/// One history.
pub struct Scheduler {
    shared: SharedState,
    actors: Vec<Actor>,
    running: BTreeMap<Invocation, Running>,
    next: Invocation,
    setting: Setting,
    detecting: Arc<GuardConfig>,
    remediator: Arc<GuardConfig>,
}

/// A history at its end.
pub struct Ran {
    /// Everything that was true.
    pub shared: SharedState,
    /// The rules it ran under.
    pub setting: Setting,
    /// It never came to rest.
    pub restless: bool,
}

/// Runs the history of a seed.
pub fn run(seed: u64, with_story: bool) -> Ran {
    let mut rng = Rng::of(seed);
    let setting = Setting::drawn(&mut rng);
    let faults = setup::fault_plan(&mut rng);
    let crash_between = setup::crash_pairs(&mut rng);
    let state = State {
        now: 0,
        heap: BinaryHeap::new(),
        sequence: 0,
        faults,
        crash_between,
        // Until the guard is there.
        quiesced: true,
        account: Account::default(),
        queue: Fifo::default(),
        published: Vec::new(),
        events: Vec::new(),
        shown: BTreeSet::new(),
        writes: Vec::new(),
        forged: Vec::new(),
        cut_off_until: 0,
        failed_writes: 0,
        forbidden: BTreeMap::new(),
        outage: false,
        steps: BTreeMap::new(),
        misled: BTreeSet::new(),
        doomed: BTreeSet::new(),
        stopped: false,
        newest_delivered: 0,
        remediator_rules: vec![(0, RuleSet::FIRST)],
        detecting_rules: vec![(0, RuleSet::FIRST)],
        coverage: BTreeSet::new(),
        crashed_between: BTreeSet::new(),
        story: with_story.then(Vec::new),
        next_event: 0,
        rng,
    };
    let shared = SharedState::new(state);
    let detecting = guard_with(setting, RuleSet::FIRST);
    let mut scheduler = Scheduler {
        shared,
        actors: Vec::new(),
        running: BTreeMap::new(),
        next: 0,
        setting,
        remediator: detecting.clone(),
        detecting,
    };
    scheduler.actors = setup::actors(&mut scheduler.shared.lock());
    let restless = !scheduler.play();
    Ran {
        shared: scheduler.shared,
        setting,
        restless,
    }
}

impl Scheduler {
    /// Lets everything happen. `false` if it never ends.
    fn play(&mut self) -> bool {
        loop {
            let scheduled = {
                let mut state = self.shared.lock();
                let Some(std::cmp::Reverse((at, _, scheduled))) = state.heap.pop() else {
                    return state.queue.is_empty();
                };
                if at > END {
                    return false;
                }
                state.now = state.now.max(at);
                if state.now >= FAULT_WINDOW && !state.quiesced {
                    state.quiesced = true;
                    state.log(|| "the faults are over".to_owned());
                }
                scheduled
            };
            self.dispatch(scheduled);
        }
    }

    fn dispatch(&mut self, scheduled: Scheduled) {
        match scheduled {
            Scheduled::GoOn(invocation) => self.go_on(invocation),
            Scheduled::TimeOut(invocation) => {
                let stalls = self
                    .shared
                    .lock()
                    .steps
                    .get(&invocation)
                    .is_some_and(|steps| steps.stalls);
                if !stalls && self.running.contains_key(&invocation) {
                    self.stop(invocation, true);
                }
            }
            Scheduled::Deliver(index, tries) => self.deliver(index, tries),
            Scheduled::Poll => self.poll_queue(),
            Scheduled::Sweep => self.sweep(),
            Scheduled::FaultsBegin => self.shared.lock().quiesced = false,
            Scheduled::Act(index) => {
                act(&self.shared, &mut self.actors, index);
            }
            Scheduled::Correct(role) => correct(&mut self.shared.lock(), role),
            Scheduled::PrincipalGoes => {
                let mut state = self.shared.lock();
                let now = state.now;
                for third_party in &mut state.account.third_parties {
                    third_party.deleted = Some(now);
                }
                state.log(|| format!("{BETA_ROLE} is deleted"));
            }
            Scheduled::DeployDetecting(change) => {
                let mut state = self.shared.lock();
                let rules = state.detecting_rules_now().after(change);
                self.detecting = guard_with(self.setting, rules);
                let now = state.now;
                state.detecting_rules.push((now, rules));
                deployed(&mut state, "the detecting functions", change);
            }
            Scheduled::DeployRemediator(change) => {
                let mut state = self.shared.lock();
                let rules = state.remediator_rules_now().after(change);
                self.remediator = guard_with(self.setting, rules);
                let now = state.now;
                state.remediator_rules.push((now, rules));
                deployed(&mut state, "the remediator", change);
            }
            Scheduled::OutageBegins => self.shared.lock().outage = true,
            Scheduled::OutageEnds => self.shared.lock().outage = false,
        }
    }

    fn start(
        &mut self,
        job: Job,
        time_out: Moment,
        future: impl FnOnce(FaultyPorts) -> Pin<Box<dyn Future<Output = Ended> + Send>>,
    ) {
        let invocation = self.next;
        self.next += 1;
        let ports = FaultyPorts::new(self.shared.clone(), invocation);
        {
            let mut state = self.shared.lock();
            let (order, waits_until) = match &job {
                Job::Order {
                    id, waits_until, ..
                } => (Some(id.clone()), *waits_until),
                Job::Event { .. } | Job::Sweep => (None, 0),
            };
            let rules = Some(state.remediator_rules_now());
            state.steps.insert(
                invocation,
                Steps {
                    order,
                    waits_until,
                    rules,
                    ..Steps::default()
                },
            );
            let up = state.now + time_out;
            state.schedule(up, Scheduled::TimeOut(invocation));
        }
        self.running.insert(
            invocation,
            Running {
                future: future(ports),
                job,
            },
        );
        self.go_on(invocation);
    }

    fn deliver(&mut self, index: usize, tries: u32) {
        let text = {
            let mut state = self.shared.lock();
            let now = state.now;
            let Some(event) = state.events.get_mut(index) else {
                return;
            };
            event.delivered.get_or_insert(now);
            let (text, at) = (event.record.clone(), event.at);
            if state.newest_delivered > at {
                state.coverage.insert(Coverage::ReorderedPair);
            }
            state.newest_delivered = state.newest_delivered.max(at);
            text
        };
        let guard = self.detecting.clone();
        self.start(Job::Event { index, tries }, DETECTING_TIME_OUT, |ports| {
            Box::pin(async move {
                let record = Record::from_text(&text).unwrap_or_default();
                Ended::Detecting(role_trust(&ports, &guard, &record).await)
            })
        });
    }

    fn sweep(&mut self) {
        let until = {
            let mut state = self.shared.lock();
            let next = state.now + SWEEP;
            let denials = state.account.roles.iter().filter_map(|role| {
                let denied = role.sessions_denied_before?;
                role.deleted
                    .is_none()
                    .then_some(moment(denied) + 12 * HOUR + SWEEP)
            });
            // Then nothing moves until a denial of sessions has done its work.
            let rest = state.now + HOUR;
            let lifted = denials.min().map(|at| at.max(rest));
            if next < SWEPT {
                state.schedule(next, Scheduled::Sweep);
            } else if let Some(at) = lifted.filter(|at| *at < END - HOUR) {
                state.schedule(at, Scheduled::Sweep);
            }
            clock(state.now + SWEEP_TIME_OUT - 10_000)
        };
        let guard = self.detecting.clone();
        self.start(Job::Sweep, SWEEP_TIME_OUT, |ports| {
            Box::pin(async move { Ended::Sweeping(sweep(&ports, &guard, until).await) })
        });
    }

    fn poll_queue(&mut self) {
        loop {
            let busy = self
                .running
                .values()
                .filter(|running| matches!(running.job, Job::Order { .. }))
                .count();
            if busy >= CONCURRENCY {
                return;
            }
            let received = {
                let mut state = self.shared.lock();
                let now = state.now;
                let group = state.queue.ready(now).into_iter().next();
                let received = group.and_then(|group| {
                    state
                        .queue
                        .receive(&group, now)
                        .map(|message| (group, message))
                });
                if received.is_some() {
                    state.schedule(now + VISIBILITY, Scheduled::Poll);
                } else if state.queue.ready(now).is_empty() {
                    return;
                }
                received
            };
            let Some((group, message)) = received else {
                continue;
            };
            let guard = self.remediator.clone();
            let Ok(order) = serde_json::from_str::<Order>(&message.body) else {
                continue;
            };
            let waits_until = if order.rules == guard.rules.hash() {
                0
            } else {
                // The guard counts whole seconds.
                moment(order.due().issued_at) / 1000 * 1000 + SKEW
            };
            self.shared.lock().log(|| {
                format!(
                    "order {} is taken up, for the {}. time",
                    message.id, message.receives
                )
            });
            self.start(
                Job::Order {
                    group,
                    id: message.id,
                    waits_until,
                },
                REMEDIATOR_TIME_OUT,
                |ports| {
                    Box::pin(
                        async move { Ended::Remediating(carry_out(&ports, &guard, &order).await) },
                    )
                },
            );
        }
    }

    fn go_on(&mut self, invocation: Invocation) {
        if self.shared.lock().doomed.remove(&invocation) {
            self.stop(invocation, false);
            return;
        }
        let Some(running) = self.running.get_mut(&invocation) else {
            return;
        };
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(ended) = running.future.as_mut().poll(&mut context) {
            self.ended(invocation, ended);
        }
    }
}

fn deployed(state: &mut State, whom: &str, change: RulesChange) {
    state.log(|| format!("new rules reach {whom}: {change:?}"));
    if change == RulesChange::WithoutBeta {
        state.coverage.insert(Coverage::VendorRemoved);
    }
    if state.detecting_rules_now() != state.remediator_rules_now() {
        state.coverage.insert(Coverage::RulesSkew);
    }
}
