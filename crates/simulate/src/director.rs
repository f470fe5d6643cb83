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
use guard::order::{Disposition, Order};

use crate::account::{Account, Moment};
use crate::cast::{Character, act, correct};
use crate::counts::Happened;
use crate::dice::Dice;
use crate::documents::{Amendment, BETA_ROLE, Law};
use crate::hand::Hand;
use crate::queue::{Fifo, VISIBILITY};
use crate::rulebook::{Setting, guard_with};
use crate::scene::{Happening, Inside, Invocation, Scene, Steps, clock, moment};

mod drawing;
mod ending;

/// When everyone but the guard stops, and nothing goes wrong any more.
pub const STORM: Moment = 80 * 60_000;
/// How often the sweep is called (on AWS each minute; mostly it finds that nothing is due).
const SWEEP: Moment = 5 * 60_000;
/// When it has had time for its repeated tries at doors that budgets kept open.
const SWEPT: Moment = 8 * HOUR;
const HOUR: Moment = 3_600_000;
/// The sweep's time-out.
const SWEEP_TIME_OUT: Moment = 60_000;
/// When the last history must be at rest.
pub const END: Moment = 30 * 3_600_000;
/// The detecting functions' time-out.
const DETECTING_TIME_OUT: Moment = 30_000;
/// The remediator's time-out.
const REMEDIATOR_TIME_OUT: Moment = 60_000;
/// How long an order waits for a deploy that is on its way.
const SKEW: Moment = 10 * 60_000;
/// How many orders are carried out at once.
const CONCURRENCY: usize = 5;

/// What ran.
enum Ended {
    Detecting(Result<Handled, HandleError>),
    Remediating(Result<Disposition, HandleError>),
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
pub struct Director {
    scene: Scene,
    characters: Vec<Character>,
    running: BTreeMap<Invocation, Running>,
    next: Invocation,
    setting: Setting,
    detecting: Arc<GuardConfig>,
    remediator: Arc<GuardConfig>,
}

/// A history at its end.
pub struct Ran {
    /// Everything that was true.
    pub scene: Scene,
    /// The rules it ran under.
    pub setting: Setting,
    /// It never came to rest.
    pub restless: bool,
}

/// Runs the history of a seed.
pub fn run(seed: u64, with_story: bool) -> Ran {
    let mut dice = Dice::of(seed);
    let setting = Setting::drawn(&mut dice);
    let weather = drawing::weather(&mut dice);
    let crash_between = drawing::pairs(&mut dice);
    let inside = Inside {
        now: 0,
        heap: BinaryHeap::new(),
        sequence: 0,
        weather,
        crash_between,
        // Until the guard is there.
        calm: true,
        account: Account::default(),
        queue: Fifo::default(),
        published: Vec::new(),
        trail: Vec::new(),
        shown: BTreeSet::new(),
        writes: Vec::new(),
        cut_off_until: 0,
        failed_writes: 0,
        forbidden: BTreeMap::new(),
        outage: false,
        steps: BTreeMap::new(),
        misled: BTreeSet::new(),
        doomed: BTreeSet::new(),
        stopped: false,
        newest_delivered: 0,
        remediator_laws: vec![(0, Law::FIRST)],
        detecting_laws: vec![(0, Law::FIRST)],
        happened: BTreeSet::new(),
        crashed_between: BTreeSet::new(),
        story: with_story.then(Vec::new),
        next_event: 0,
        dice,
    };
    let scene = Scene::new(inside);
    let detecting = guard_with(setting, Law::FIRST);
    let mut director = Director {
        scene,
        characters: Vec::new(),
        running: BTreeMap::new(),
        next: 0,
        setting,
        remediator: detecting.clone(),
        detecting,
    };
    director.cast();
    let restless = !director.play();
    Ran {
        scene: director.scene,
        setting,
        restless,
    }
}

impl Director {
    /// Lets everything happen. `false` if it never ends.
    fn play(&mut self) -> bool {
        loop {
            let happening = {
                let mut inside = self.scene.inside();
                let Some(std::cmp::Reverse((at, _, happening))) = inside.heap.pop() else {
                    return inside.queue.is_empty();
                };
                if at > END {
                    return false;
                }
                inside.now = inside.now.max(at);
                if inside.now >= STORM && !inside.calm {
                    inside.calm = true;
                    inside.tell(|| "the storm is over".to_owned());
                }
                happening
            };
            self.happen(happening);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::GoOn(invocation) => self.go_on(invocation),
            Happening::TimeOut(invocation) => {
                let stalls = self
                    .scene
                    .inside()
                    .steps
                    .get(&invocation)
                    .is_some_and(|steps| steps.stalls);
                if !stalls && self.running.contains_key(&invocation) {
                    self.stop(invocation, true);
                }
            }
            Happening::Deliver(index, tries) => self.deliver(index, tries),
            Happening::Poll => self.poll_queue(),
            Happening::Sweep => self.sweep(),
            Happening::StormBegins => self.scene.inside().calm = false,
            Happening::Act(index) => {
                act(&self.scene, &mut self.characters, index);
            }
            Happening::Correct(role) => correct(&mut self.scene.inside(), role),
            Happening::PrincipalGoes => {
                let mut inside = self.scene.inside();
                let now = inside.now;
                for outsider in &mut inside.account.outsiders {
                    outsider.deleted = Some(now);
                }
                inside.tell(|| format!("{BETA_ROLE} is deleted"));
            }
            Happening::DeployDetecting(amendment) => {
                let mut inside = self.scene.inside();
                let law = inside.detecting_law().amended(amendment);
                self.detecting = guard_with(self.setting, law);
                let now = inside.now;
                inside.detecting_laws.push((now, law));
                deployed(&mut inside, "the detecting functions", amendment);
            }
            Happening::DeployRemediator(amendment) => {
                let mut inside = self.scene.inside();
                let law = inside.remediator_law().amended(amendment);
                self.remediator = guard_with(self.setting, law);
                let now = inside.now;
                inside.remediator_laws.push((now, law));
                deployed(&mut inside, "the remediator", amendment);
            }
            Happening::OutageBegins => self.scene.inside().outage = true,
            Happening::OutageEnds => self.scene.inside().outage = false,
        }
    }

    fn start(
        &mut self,
        job: Job,
        time_out: Moment,
        future: impl FnOnce(Hand) -> Pin<Box<dyn Future<Output = Ended> + Send>>,
    ) {
        let invocation = self.next;
        self.next += 1;
        let hand = Hand {
            scene: self.scene.clone(),
            invocation,
        };
        {
            let mut inside = self.scene.inside();
            let (order, waits_until) = match &job {
                Job::Order {
                    id, waits_until, ..
                } => (Some(id.clone()), *waits_until),
                Job::Event { .. } | Job::Sweep => (None, 0),
            };
            let law = Some(inside.remediator_law());
            inside.steps.insert(
                invocation,
                Steps {
                    order,
                    waits_until,
                    law,
                    ..Steps::default()
                },
            );
            let up = inside.now + time_out;
            inside.plan(up, Happening::TimeOut(invocation));
        }
        self.running.insert(
            invocation,
            Running {
                future: future(hand),
                job,
            },
        );
        self.go_on(invocation);
    }

    fn deliver(&mut self, index: usize, tries: u32) {
        let text = {
            let mut inside = self.scene.inside();
            let Some(event) = inside.trail.get(index) else {
                return;
            };
            let (text, at) = (event.record.clone(), event.at);
            if inside.newest_delivered > at {
                inside.happened.insert(Happened::ReorderedPair);
            }
            inside.newest_delivered = inside.newest_delivered.max(at);
            text
        };
        let guard = self.detecting.clone();
        self.start(Job::Event { index, tries }, DETECTING_TIME_OUT, |hand| {
            Box::pin(async move {
                let record = Record::from_text(&text).unwrap_or_default();
                Ended::Detecting(role_trust(&hand, &guard, &record).await)
            })
        });
    }

    fn sweep(&mut self) {
        let until = {
            let mut inside = self.scene.inside();
            let next = inside.now + SWEEP;
            let denials = inside.account.roles.iter().filter_map(|role| {
                let denied = role.sessions_denied_before?;
                role.deleted
                    .is_none()
                    .then_some(moment(denied) + 12 * HOUR + SWEEP)
            });
            // Then nothing moves until a denial of sessions has done its work.
            let rest = inside.now + HOUR;
            let lifted = denials.min().map(|at| at.max(rest));
            if next < SWEPT {
                inside.plan(next, Happening::Sweep);
            } else if let Some(at) = lifted.filter(|at| *at < END - HOUR) {
                inside.plan(at, Happening::Sweep);
            }
            clock(inside.now + SWEEP_TIME_OUT - 10_000)
        };
        let guard = self.detecting.clone();
        self.start(Job::Sweep, SWEEP_TIME_OUT, |hand| {
            Box::pin(async move { Ended::Sweeping(sweep(&hand, &guard, until).await) })
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
                let mut inside = self.scene.inside();
                let now = inside.now;
                let group = inside.queue.ready(now).into_iter().next();
                let received = group.and_then(|group| {
                    inside
                        .queue
                        .receive(&group, now)
                        .map(|message| (group, message))
                });
                if received.is_some() {
                    inside.plan(now + VISIBILITY, Happening::Poll);
                } else if inside.queue.ready(now).is_empty() {
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
                moment(order.issued_at) / 1000 * 1000 + SKEW
            };
            self.scene.inside().tell(|| {
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
                |hand| {
                    Box::pin(
                        async move { Ended::Remediating(carry_out(&hand, &guard, &order).await) },
                    )
                },
            );
        }
    }

    fn go_on(&mut self, invocation: Invocation) {
        if self.scene.inside().doomed.remove(&invocation) {
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

fn deployed(inside: &mut Inside, whom: &str, amendment: Amendment) {
    inside.tell(|| format!("new rules reach {whom}: {amendment:?}"));
    if amendment == Amendment::WithoutBeta {
        inside.happened.insert(Happened::VendorRemoved);
    }
    if inside.detecting_law() != inside.remediator_law() {
        inside.happened.insert(Happened::RulesSkew);
    }
}
