//! What must be true of every history, checked by what truly happened and by concrete requests,
//! never by the analyzer that the guard planned with.

use std::collections::BTreeSet;

use guard::alert::Alert;
use guard::model::document_digest;
use guard::remediate::OutcomeKind;

use crate::account::{Moment, Role, Version, Writer};
use crate::actors::{PARTNER, PROTECTED};
use crate::documents::{OWN, RuleSet};
use crate::oracle::Oracle;
use crate::scheduler::{REMEDIATOR_TIME_OUT, Ran};
use crate::state::{Forged, GuardWrite, State, clock, rules_since};

mod alerts;
mod attacks;
mod memory;
mod writes;

const HOUR: Moment = 3_600_000;
/// How long an invocation may take, a stall included.
const SLOWEST: Moment = 200_000;
/// In each document that a service may use.
const SERVICE: &str = "ec2.amazonaws.com";

/// What was wrong with a history.
pub fn violations(ran: &Ran, oracle: &Oracle) -> Vec<String> {
    let state = ran.shared.lock();
    let mut violations = Vec::new();
    if ran.restless {
        violations.push("the history never came to rest".to_owned());
    }
    let invariants = Invariants {
        ran,
        state: &state,
        oracle,
    };
    invariants.exposed(&mut violations);
    invariants.at_rest(&mut violations);
    invariants.overwritten(&mut violations);
    invariants.reported(&mut violations);
    invariants.found(&mut violations);
    invariants.truthful(&mut violations);
    invariants.outcome_after_call(&mut violations);
    invariants.impostors(&mut violations);
    invariants.given_up(&mut violations);
    invariants.writes(&mut violations);
    invariants.needless(&mut violations);
    invariants.closing(&mut violations);
    invariants.contents(&mut violations);
    invariants.let_back_in(&mut violations);
    invariants.repairs(&mut violations);
    invariants.baselines(&mut violations);
    invariants.kept(&mut violations);
    invariants.sessions(&mut violations);
    invariants.left(&mut violations);
    invariants.compliant_written(&mut violations);
    invariants.closed_in_seconds(&mut violations);
    invariants.buried(&mut violations);
    invariants.chained(&mut violations);
    violations
}

struct Invariants<'a> {
    ran: &'a Ran,
    state: &'a State,
    oracle: &'a Oracle,
}

impl Invariants<'_> {
    fn rules(&self) -> RuleSet {
        self.state.remediator_rules_now()
    }

    /// Every rule of either function since a moment allows it.
    fn compliant_since(&self, document: &str, from: Moment) -> bool {
        let rules = [&self.state.remediator_rules, &self.state.detecting_rules];
        rules
            .into_iter()
            .flat_map(|rules| rules_since(rules, from))
            .all(|rules| !self.oracle.violates(document, rules, from))
    }

    /// Some rule of either function since a moment forbids it.
    fn violating_since(&self, document: &str, from: Moment) -> bool {
        !self.compliant_since(document, from)
    }

    fn roles(&self) -> impl Iterator<Item = (&Role, &Version)> {
        self.state
            .account
            .roles
            .iter()
            .filter(|role| role.deleted.is_none())
            .filter_map(|role| Some((role, role.live()?)))
    }

    /// It was reported that a role stays exposed, after a moment: alone or in a digest.
    fn paged(&self, role: &str, since: Moment) -> bool {
        let subject = format!("role/{role}");
        let alone = |alert: &Alert| {
            let kind = alert.outcome.as_ref().map(|outcome| outcome.kind);
            alert.subject == subject
                && matches!(
                    kind,
                    Some(OutcomeKind::BudgetSpent | OutcomeKind::Failed | OutcomeKind::Refused)
                )
        };
        let in_digest = |alert: &Alert| {
            alert.digest.as_ref().is_some_and(|digest| {
                digest.class.ends_with("/CRITICAL/outcome")
                    && digest.lines.iter().any(|line| line.subject == subject)
            })
        };
        self.state
            .published
            .iter()
            .any(|(alert, at)| *at >= since && (alone(alert) || in_digest(alert)))
    }

    /// The event was handled to the end, and carried the trust policy.
    fn handled(&self, event_id: &str) -> bool {
        self.state
            .events
            .iter()
            .any(|event| event.id == event_id && event.handled && !event.omitted)
    }

    /// Somebody other than the guard wrote it, by no rules that the detecting functions had since.
    fn bad(&self, version: &Version) -> bool {
        version.by != Writer::Guard
            && rules_since(&self.state.detecting_rules, version.at)
                .all(|rules| self.oracle.violates(&version.sent, rules, version.at))
    }

    fn role(&self, id: &str) -> Option<&Role> {
        self.state.account.roles.iter().find(|role| role.id == id)
    }

    /// No unprotected role's live policy violates the rules, whatever became of events: the sweep
    /// has come by several times, and budgets are there again.
    fn exposed(&self, violations: &mut Vec<String>) {
        if !self.ran.setting.enforce || self.state.faults.forbidden {
            return;
        }
        for (role, live) in self.roles() {
            // As IAM shows it: a principal that was deleted can assume nothing.
            let shown = self.state.account.shown(live, self.state.now);
            let open = self.oracle.violates(&shown, self.rules(), self.state.now);
            if open && role.name != PROTECTED && !self.stands_from_before(role) {
                violations.push(format!(
                    "{} is exposed at the end: {}",
                    role.name, live.sent
                ));
            }
        }
    }

    /// At rest the live document is the newest approved one.
    fn at_rest(&self, violations: &mut Vec<String>) {
        for (role, live) in self.roles() {
            let others = role
                .versions
                .iter()
                .rev()
                .filter(|version| version.by != Writer::Guard);
            let others: Vec<&Version> = others.collect();
            let Some(last) = others.first() else { continue };
            if !self.compliant_since(&last.sent, last.at)
                || !self.handled(&last.event_id)
                || self.state.dead_orders()
            {
                continue;
            }
            // Events have whole seconds and order nothing within one: which of two approved documents
            // of the last second is the newer one nobody can say.
            let second = |version: &Version| clock(version.at).as_second();
            let newest = others.iter().filter(|version| {
                second(version) == second(last) && self.compliant_since(&version.sent, version.at)
            });
            let same = newest
                .into_iter()
                .any(|newest| live.kept == newest.kept || self.same_but_for_the_dead(newest, live));
            // Who forges an event of what is live passes for somebody who wants it.
            // What the guard does later begins from there.
            let forged = |forged: &Forged| {
                let then = role.at(forged.at).map(|version| &version.kept);
                forged.role == role.name
                    && forged.at >= last.at
                    && (forged.kept == live.kept || Some(&forged.kept) == then)
            };
            let forged = self.state.forged.iter().any(forged);
            // Nor whether a change of the very second in which a role was created again was made to it
            // or to the one before: events name no RoleId.
            let recreated = second(last) == clock(role.created).as_second()
                && (self.state.account.roles.iter())
                    .any(|other| other.name == role.name && other.created < role.created);
            if !same && !forged && !recreated && !self.paged(&role.name, last.at) {
                violations.push(format!(
                    "{} does not have the newest approved document {} but {}",
                    role.name, last.sent, live.sent
                ));
            }
        }
    }

    /// It is as it was when the guard came: what violated the rules then is left to people.
    fn stands_from_before(&self, role: &Role) -> bool {
        role.name == PARTNER && role.versions.len() == 1
    }

    fn same_but_for_the_dead(&self, wanted: &Version, live: &Version) -> bool {
        let refused = self
            .state
            .account
            .refused_principal(&wanted.sent, i64::MAX)
            .is_some();
        refused
            && self
                .oracle
                .allowed(&live.sent, wanted.at)
                .within(self.oracle.allowed(&wanted.sent, wanted.at))
    }

    /// No approved document that was visible to the read was overwritten.
    fn overwritten(&self, violations: &mut Vec<String>) {
        for write in &self.state.writes {
            let compliant = self.was_compliant(write);
            let visible = write
                .read
                .is_some_and(|read| read.showed >= write.replaced_at);
            // What says the same as a write of the guard may be taken for it until its event comes.
            let alike = self
                .ran
                .shared
                .store
                .history(OWN, &write.role_id)
                .is_some_and(|history| history.wrote(&document_digest(&write.replaced)));
            if write.replaced_by != Writer::Guard && compliant && visible && !alike {
                violations.push(format!(
                    "at {} an approved document was overwritten: {}",
                    write.at, write.replaced
                ));
            }
        }
    }

    /// What a write replaced complied as of the writer's beginning: a window that was open then may be
    /// over.
    fn was_compliant(&self, write: &GuardWrite) -> bool {
        let begun = write.at - REMEDIATOR_TIME_OUT;
        !self.oracle.violates(&write.replaced, write.rules, begun)
    }

    fn troubled(&self) -> bool {
        let faults = self.state.faults;
        faults.errors > 0 || faults.lies > 0 || self.state.dead_orders()
    }
}

impl State {
    /// An order went to the dead letters.
    pub fn dead_orders(&self) -> bool {
        !self.queue.dead.is_empty()
    }
}

/// Alerts, and those of them that had been published before, in a history in which nothing
/// crashed, lied or stood still. `None` for any other.
pub fn duplicates(ran: &Ran) -> Option<(u64, u64)> {
    let state = ran.shared.lock();
    let faults = state.faults;
    let quiesced = !state.stopped && faults.errors == 0 && faults.lies == 0;
    let stalled = state
        .coverage
        .contains(&crate::counts::Coverage::StalledHolder);
    let away = state
        .coverage
        .contains(&crate::counts::Coverage::StateUnavailable);
    if !quiesced || stalled || away {
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut again = 0;
    for (alert, _) in &state.published {
        if !seen.insert((alert.incident.clone(), alert.stage)) {
            again += 1;
        }
    }
    Some((state.published.len() as u64, again))
}
