//! What a history is made of, and everything that is true in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use guard::model::document_digest;
use guard::ports::memory::MemoryStore;
use guard::state::Ledger;
use guard::state::history::{Baseline, KeptDocument};

use crate::account::{Account, Version};
use crate::counts::{Coverage, Pair};
use crate::documents::{OWN, RuleSet, RulesChange};
use crate::queue::Fifo;
use crate::rng::Rng;

pub use crate::moment::{BEGINNING, Moment, clock, moment};

/// Names an invocation of a function.
pub type Invocation = usize;

/// Something that is going to happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheduled {
    /// An invocation goes on.
    GoOn(Invocation),
    /// An invocation's time is up.
    TimeOut(Invocation),
    /// An event reaches `role-trust`, for the n-th time of a delivery's three.
    Deliver(usize, u32),
    /// The queue may have something to receive.
    Poll,
    /// The sweep is called.
    Sweep,
    /// What may go wrong goes wrong from here.
    FaultsBegin,
    /// An actor does its next thing.
    Act(usize),
    /// An administrator corrects by hand what somebody has just done to a role.
    Correct(&'static str),
    /// A principal of another account is deleted.
    PrincipalGoes,
    /// New rules reach the detecting functions.
    DeployDetecting(RulesChange),
    /// New rules reach the remediator.
    DeployRemediator(RulesChange),
    /// State does not answer from here.
    OutageBegins,
    /// State answers again.
    OutageEnds,
}

/// How much goes wrong in a history, in parts of a thousand calls or events.
#[derive(Debug, Clone, Copy, Default)]
pub struct FaultPlan {
    /// Reads of roles that show an earlier moment.
    pub stale: u32,
    /// How far back these may look.
    pub staleness: Moment,
    /// Calls that fail and did nothing.
    pub errors: u32,
    /// Calls that did something and say that they failed.
    pub lies: u32,
    /// Events delivered twice.
    pub duplicates: u32,
    /// Events delivered late.
    pub late: u32,
    /// Events never delivered.
    pub lost: u32,
    /// An administrator saves a compliant document between the remediator's read and its write.
    pub window: bool,
    /// An invocation stalls beyond its lease.
    pub stall: bool,
    /// Events that do not carry the trust policy.
    pub omitted: u32,
    /// An SCP forbids every write to IAM by the guard.
    pub forbidden: bool,
    /// An effect takes longer than the function may: the n-th of the history, counted down.
    pub hang: Option<u32>,
    /// What hangs has happened already: its answer is what does not come.
    pub hangs_after: bool,
    /// An invocation is stopped before the n-th effect of the history, counted down.
    pub crash: Option<u32>,
}

/// What a function was doing, step by step.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    /// The effects so far.
    pub done: Vec<&'static str>,
    /// What it read of a role, last.
    pub read: Option<Read>,
    /// Events of the trust policies that it was shown, as long as it may forget them.
    pub shown: Vec<String>,
    /// The order that it carries out, if it does.
    pub order: Option<String>,
    /// Until then the order waits: it was judged by other rules.
    pub waits_until: Moment,
    /// What it does now happens at once, and its answer never comes.
    pub answer_hangs: bool,
    /// It stalls, and its time-out does not end it.
    pub stalls: bool,
    /// The remediator's rules when it began: it keeps them, whatever is deployed meanwhile.
    pub rules: Option<RuleSet>,
}

/// What a read showed.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    /// The moment whose document was shown.
    pub showed: Moment,
}

/// One write of the guard and what it did, for the invariants.
#[derive(Debug, Clone)]
pub struct GuardWrite {
    /// When.
    pub at: Moment,
    /// Of which incarnation.
    pub role_id: String,
    /// What it wrote.
    pub document: String,
    /// What was live until then.
    pub replaced: String,
    /// Since when, and by whom.
    pub replaced_at: Moment,
    /// See `replaced_at`.
    pub replaced_by: crate::account::Writer,
    /// What the writer had read.
    pub read: Option<Read>,
    /// The approved documents that the guard knew of.
    pub known: Vec<Baseline>,
    /// The writer's rules: those that it began with.
    pub rules: RuleSet,
    /// The order was to wait for the rules that its sender had.
    pub hasty: bool,
}

impl GuardWrite {
    /// The guard knew that this approved document had been saved: by an event of it, or because it had
    /// seen it live since.
    pub fn knew(&self, version: &Version) -> bool {
        let digest = document_digest(&version.sent);
        let saved = clock(version.at);
        let known = |kept: &Baseline| match kept.written_at {
            Some(at) if at.as_second() == saved.as_second() => true,
            Some(_) => kept.live_again_at >= Some(saved),
            None => kept.live_again_at.max(Some(kept.seen_at)) >= Some(saved),
        };
        self.known
            .iter()
            .any(|kept| kept.digest == digest && known(kept))
    }
}

/// What a forged event tells of.
#[derive(Debug, Clone)]
pub struct Forged {
    /// When.
    pub at: Moment,
    /// The role's name.
    pub role: String,
    /// The document, as IAM would keep it.
    pub kept: String,
}

/// An event of CloudTrail.
#[derive(Debug, Clone)]
pub struct CloudTrailEvent {
    /// Its eventID.
    pub id: String,
    /// The record, as EventBridge carries it.
    pub record: String,
    /// When the call was made.
    pub at: Moment,
    /// When it first reached the function.
    pub delivered: Option<Moment>,
    /// It reached the function and was handled to the end.
    pub handled: bool,
    /// It does not carry the trust policy.
    pub omitted: bool,
    /// How often an invocation that had it was stopped.
    pub stops: u32,
    /// Lambda gave it up.
    pub given_up: bool,
}

/// Everything that is true in a history.
pub struct State {
    /// The time.
    pub now: Moment,
    /// What comes.
    pub heap: BinaryHeap<Reverse<(Moment, u64, Scheduled)>>,
    /// Orders equal moments.
    pub sequence: u64,
    /// Chance.
    pub rng: Rng,
    /// How much goes wrong.
    pub faults: FaultPlan,
    /// Nothing goes wrong any more, so that the history comes to rest.
    pub quiesced: bool,
    /// The account.
    pub account: Account,
    /// The queue of orders.
    pub queue: Fifo,
    /// What was published: incident, stage, and when.
    pub published: Vec<(guard::alert::Alert, Moment)>,
    /// CloudTrail.
    pub events: Vec<CloudTrailEvent>,
    /// Events of the trust policies that the guard was shown, and could remember: not by an
    /// invocation that was stopped, or put off what it was at, before it saved anything.
    pub shown: BTreeSet<String>,
    /// Writes of the guard.
    pub writes: Vec<GuardWrite>,
    /// Changes that nobody made.
    pub forged: Vec<Forged>,
    /// Until then reads show what was some time ago.
    pub cut_off_until: Moment,
    /// Tries of the guard that IAM refused.
    pub failed_writes: u32,
    /// How often each order met the SCP.
    pub forbidden: BTreeMap<String, u32>,
    /// State does not answer.
    pub outage: bool,
    /// What the running invocations did so far.
    pub steps: BTreeMap<Invocation, Steps>,
    /// Which rules the remediator had since when, the newest last; never empty.
    pub remediator_rules: Vec<(Moment, RuleSet)>,
    /// Those of the detecting functions.
    pub detecting_rules: Vec<(Moment, RuleSet)>,
    /// What happened that the run counts.
    pub coverage: BTreeSet<Coverage>,
    /// Pairs of effects between which an invocation was stopped.
    pub crashed_between: BTreeSet<Pair>,
    /// Between these an invocation is going to be stopped, once each.
    pub crash_between: Vec<Pair>,
    /// The history in words, if somebody wants to read it.
    pub story: Option<Vec<String>>,
    /// Orders that were decided upon a read that showed what no longer stood.
    pub misled: BTreeSet<String>,
    /// Invocations that do not live to see their next effect.
    pub doomed: BTreeSet<Invocation>,
    /// An invocation was stopped, by a crash or by its time-out.
    pub stopped: bool,
    /// When the newest event that was delivered had been made.
    pub newest_delivered: Moment,
    /// Where a new event's delivery is scheduled from.
    pub next_event: u32,
}

/// A history that invocations share.
#[derive(Clone)]
pub struct SharedState {
    state: Arc<Mutex<State>>,
    /// What the guard remembers, in the table in memory.
    pub store: MemoryStore,
}

impl SharedState {
    /// A history at its beginning.
    pub fn new(state: State) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
            store: MemoryStore::default(),
        }
    }

    /// What is true now.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the guard kept before it overwrote it, as `trustwarden restore` finds it.
    pub fn kept_document(&self, incident: &str) -> Option<KeptDocument> {
        at_once(Ledger::new(&self.store).kept_document(OWN, incident))?.ok()?
    }
}

/// What a future comes to that never waits, as those of the world in memory.
pub fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).as_mut().poll(&mut context) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// The rules that held at some moment of a stretch, its ends included.
pub fn rules_within(
    rules: &[(Moment, RuleSet)],
    from: Moment,
    to: Moment,
) -> impl Iterator<Item = RuleSet> {
    let first = rules.iter().rposition(|(since, _)| *since <= from);
    rules
        .iter()
        .skip(first.unwrap_or(0))
        .filter(move |(since, _)| *since <= to)
        .map(|(_, rules)| *rules)
}

/// The rules that held at a moment or at any later one.
pub fn rules_since(rules: &[(Moment, RuleSet)], from: Moment) -> impl Iterator<Item = RuleSet> {
    rules_within(rules, from, Moment::MAX)
}

impl State {
    /// Something is going to happen.
    pub fn schedule(&mut self, at: Moment, scheduled: Scheduled) {
        self.sequence += 1;
        self.heap
            .push(Reverse((at.max(self.now), self.sequence, scheduled)));
    }

    /// The remediator's rules now.
    pub fn remediator_rules_now(&self) -> RuleSet {
        self.remediator_rules
            .last()
            .map_or(RuleSet::FIRST, |last| last.1)
    }

    /// The detecting functions' rules now.
    pub fn detecting_rules_now(&self) -> RuleSet {
        self.detecting_rules
            .last()
            .map_or(RuleSet::FIRST, |last| last.1)
    }

    /// Writes a line of the story.
    pub fn log(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(story) = &mut self.story {
            story.push(format!("{:>10.3} s  {}", now as f64 / 1000.0, line()));
        }
    }
}
