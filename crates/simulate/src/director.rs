//! Runs one history: draws who acts and what goes wrong, lets the functions' own handlers meet
//! it, and stops when nothing moves any more.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use guard::cloudtrail::Record;
use guard::handle::{Guard, HandleError, Handled, Swept, carry_out, role_trust, sweep};
use guard::order::{Disposition, Order};

use crate::account::{Account, Moment, Outsider, Writer};
use crate::cast::{Act, Character, PROTECTED, ROLE, act, amend, correct, create};
use crate::counts::{Happened, PAIRS};
use crate::dice::Dice;
use crate::documents::{Amendment, BETA_ROLE, Law, Part};
use crate::hand::{Hand, LONG_STALENESS, STALENESS};
use crate::queue::{Fifo, VISIBILITY};
use crate::rulebook::{Setting, guard_with};
use crate::scene::{Happening, Inside, Invocation, Pair, Scene, Steps, Weather, clock, moment};

/// When everyone but the guard stops, and nothing goes wrong any more.
pub const STORM: Moment = 80 * 60_000;
/// Until when others act.
const ACTS: Moment = 40 * 60_000;
/// When the guard has been deployed and has looked at what is there.
const DEPLOYED: Moment = 5_000;
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
    detecting: Arc<Guard>,
    remediator: Arc<Guard>,
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
    let weather = weather(&mut dice);
    let crash_between = pairs(&mut dice);
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

/// Most histories have a few troubles, not all of them.
fn weather(dice: &mut Dice) -> Weather {
    let mut some = |chance: u32, rate: u32| if dice.per_mille(chance) { rate } else { 0 };
    let slow = some(350, 1) == 1;
    let stale = some(400, if slow { 600 } else { 300 });
    let errors = some(250, 40);
    let lies = some(200, 30);
    let duplicates = some(350, 250);
    let late = some(350, 300);
    let lost = some(250, 200);
    let omitted = some(150, 150);
    let forbidden = some(40, 1) == 1;
    let window = some(200, 1) == 1;
    let stall = some(60, 1) == 1;
    let hangs_after = some(500, 1) == 1;
    let mut soon = |chance: u32| {
        dice.per_mille(chance)
            .then(|| u32::try_from(dice.between(0, 60)).unwrap_or(0))
    };
    let hang = soon(120);
    let crash = soon(250);
    Weather {
        stale,
        staleness: if slow { LONG_STALENESS } else { STALENESS },
        errors,
        lies,
        duplicates,
        late,
        lost,
        omitted,
        forbidden,
        window,
        stall,
        hang,
        hangs_after,
        crash,
    }
}

/// What few histories come to.
const LATE: [Pair; 3] = [
    ("read kept document", "deny sessions"),
    ("read history", "finish order"),
    ("write trust policy", "save history"),
];

/// Where invocations are stopped on purpose, in half of the histories.
fn pairs(dice: &mut Dice) -> Vec<Pair> {
    if dice.per_mille(500) {
        return Vec::new();
    }
    let mut pairs = Vec::new();
    for _ in 0..dice.between(1, 3) {
        // Few histories come to what follows a write.
        let late = dice.per_mille(150);
        let among = if late { &LATE[..] } else { &PAIRS[..] };
        pairs.extend(dice.one_of(among).copied());
    }
    pairs.dedup();
    pairs
}

impl Director {
    /// Who takes part, and when.
    fn cast(&mut self) {
        let mut inside = self.scene.inside();
        let inside = &mut *inside;
        let too_new = inside.dice.per_mille(100);
        let outsider = Outsider {
            arn: BETA_ROLE.to_owned(),
            unique_id: "AROA2E3F4G5H6I7J8K9LM".to_owned(),
            refused_until: if too_new { 45_000 } else { 0 },
            deleted: None,
        };
        inside.account.outsiders.push(outsider);
        let known_to_be_new = !too_new;
        let parts: &[Part] = if known_to_be_new {
            &[Part::Acme, Part::Beta]
        } else {
            &[Part::Acme]
        };
        create(inside, ROLE, parts, Writer::Administrator);
        if inside.dice.per_mille(300) {
            create(inside, PROTECTED, &[Part::Acme], Writer::Administrator);
            self.characters.push(Character {
                part: Act::Attack,
                role: PROTECTED,
                times: 1,
                every: (1, 1),
            });
        }
        let attacks = inside.dice.between(1, 4);
        let flips = inside.dice.per_mille(150);
        if flips {
            inside.happened.insert(Happened::FlippingAttacker);
        }
        self.characters.push(Character {
            part: Act::Attack,
            role: ROLE,
            times: if flips {
                12
            } else {
                u32::try_from(attacks).unwrap_or(1)
            },
            every: if flips {
                (2_000, 90_000)
            } else {
                (20_000, 900_000)
            },
        });
        if inside.dice.per_mille(40) {
            self.characters.push(Character {
                part: Act::Flood,
                role: ROLE,
                times: 16,
                every: (500, 6_000),
            });
        }
        if inside.dice.per_mille(600) {
            let times = u32::try_from(inside.dice.between(1, 3)).unwrap_or(1);
            self.characters.push(Character {
                part: Act::Administrate,
                role: ROLE,
                times,
                every: (5_000, 900_000),
            });
        }
        if inside.dice.per_mille(200) {
            let bad = inside.dice.per_mille(500);
            let parts = if bad {
                vec![Part::Acme, Part::NoExternalId]
            } else {
                vec![Part::Acme, Part::Service]
            };
            self.characters.push(Character {
                part: Act::Reapply(parts),
                role: ROLE,
                times: 8,
                every: (120_000, 300_000),
            });
        }
        if inside.dice.per_mille(120) {
            self.characters.push(Character {
                part: Act::Recreate,
                role: ROLE,
                times: 1,
                every: (1, 1),
            });
        }
        if inside.dice.per_mille(150) {
            self.characters.push(Character {
                part: Act::Onboard { event: None },
                role: ROLE,
                times: 2,
                every: (200_000, 900_000),
            });
        }
        inside.plan(0, Happening::Sweep);
        inside.plan(DEPLOYED, Happening::StormBegins);
        for index in 0..self.characters.len() {
            let at = inside.dice.mostly_short(10_000, ACTS * 3 / 4);
            inside.plan(at, Happening::Act(index));
        }
        if inside.dice.per_mille(150) {
            let at = inside.dice.between(60_000, ACTS / 2);
            inside.plan(at, Happening::PrincipalGoes);
        }
        if inside.dice.per_mille(120) {
            let at = inside.dice.between(60_000, ACTS * 3 / 4);
            amend(inside, at, Amendment::WithoutBeta);
        }
        if inside.dice.per_mille(120) {
            let at = inside.dice.between(10_000, ACTS * 3 / 4);
            let until = at + inside.dice.mostly_short(1_000, 900_000);
            inside.plan(at, Happening::OutageBegins);
            inside.plan(until, Happening::OutageEnds);
        }
    }

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

    fn ended(&mut self, invocation: Invocation, ended: Ended) {
        let Some(running) = self.running.remove(&invocation) else {
            return;
        };
        let mut inside = self.scene.inside();
        let steps = inside.steps.remove(&invocation).unwrap_or_default();
        let settled = matches!(
            ended,
            Ended::Detecting(Ok(_))
                | Ended::Remediating(Ok(Disposition::Done))
                | Ended::Sweeping(Ok(_))
        );
        if settled {
            inside.shown.extend(steps.shown);
        }
        match (running.job, ended) {
            (Job::Event { index, .. }, Ended::Detecting(Ok(_))) => {
                if let Some(event) = inside.trail.get_mut(index) {
                    event.handled = true;
                }
            }
            (Job::Event { index, tries }, Ended::Detecting(Err(error))) => {
                inside.tell(|| format!("role-trust fails: {error}"));
                try_again(&mut inside, index, tries);
            }
            (Job::Order { group, id, .. }, Ended::Remediating(result)) => {
                let now = inside.now;
                match result {
                    Ok(Disposition::Done) => {
                        inside.tell(|| format!("order {id} is done"));
                        inside.queue.delete(&group, &id);
                    }
                    Ok(Disposition::LookAgain { after }) => {
                        let at = now + i64::try_from(after.as_millis()).unwrap_or(0);
                        inside.tell(|| format!("order {id} is looked at again in {after:?}"));
                        inside.queue.show_again(&group, &id, at);
                        inside.plan(at, Happening::Poll);
                    }
                    Err(error) => {
                        let pause = pause(inside.queue.receives(&group, &id).unwrap_or(1));
                        inside.tell(|| format!("order {id} fails, and waits {pause} ms: {error}"));
                        inside.queue.show_again(&group, &id, now + pause);
                        inside.plan(now + pause, Happening::Poll);
                    }
                }
                inside.plan(now, Happening::Poll);
            }
            (Job::Sweep, Ended::Sweeping(Ok(Swept::NotDue))) => {}
            (Job::Sweep, Ended::Sweeping(Ok(swept))) => {
                inside.tell(|| format!("the sweep: {swept:?}"));
            }
            (Job::Sweep, Ended::Sweeping(Err(error))) => {
                inside.tell(|| format!("the sweep fails: {error}"));
            }
            _ => {}
        }
    }

    /// The invocation does nothing more; what it was given comes again.
    fn stop(&mut self, invocation: Invocation, timed_out: bool) {
        let Some(running) = self.running.remove(&invocation) else {
            return;
        };
        let mut inside = self.scene.inside();
        let steps = inside.steps.remove(&invocation).unwrap_or_default();
        let why = if timed_out {
            "its time is up"
        } else {
            "it crashes"
        };
        inside.tell(|| {
            format!(
                "invocation {invocation} is stopped, {why}, after {:?}",
                steps.done
            )
        });
        inside.stopped = true;
        match running.job {
            Job::Event { index, tries } => {
                if let Some(event) = inside.trail.get_mut(index) {
                    event.stops += 1;
                }
                try_again(&mut inside, index, tries);
            }
            // A remediator that sees its end coming puts the order off; one that crashes cannot,
            // and the order's visibility time-out, after which a look is planned, brings it back.
            Job::Order { group, id, .. } => {
                let now = inside.now;
                let at = now + pause(inside.queue.receives(&group, &id).unwrap_or(1));
                if timed_out {
                    inside.queue.show_again(&group, &id, at);
                    inside.plan(at, Happening::Poll);
                }
                inside.plan(now, Happening::Poll);
            }
            // It is called again anyway.
            Job::Sweep => {}
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

/// How long the remediator puts off an order that failed: from 15 seconds to five minutes.
fn pause(receives: u32) -> Moment {
    let seconds = 15 << receives.saturating_sub(1).min(5);
    (seconds * 1000).min(300_000)
}

/// Lambda tries an event twice more, after one minute and after two.
fn try_again(inside: &mut Inside, index: usize, tries: u32) {
    if tries >= 2 {
        inside.tell(|| format!("event number {index} goes to the dead letters"));
        if let Some(event) = inside.trail.get_mut(index) {
            event.given_up = true;
        }
        return;
    }
    let at = inside.now + 60_000 * i64::from(tries + 1);
    inside.plan(at, Happening::Deliver(index, tries + 1));
}
