//! What must be true of every history, judged by what truly happened and by concrete requests,
//! never by the analyser that the guard planned with.

use std::collections::BTreeSet;

use guard::alert::Alert;
use guard::model::document_digest;
use guard::remediate::OutcomeKind;

use crate::account::{Moment, Role, Version, Writer};
use crate::cast::PROTECTED;
use crate::director::Ran;
use crate::documents::{Law, OWN, Oracle};
use crate::scene::{Inside, clock, laws_since};

mod memory;
mod telling;
mod writing;

const HOUR: Moment = 3_600_000;
/// How long an invocation may take, a stall included.
const SLOWEST: Moment = 200_000;
/// In each document that a service may use.
const SERVICE: &str = "ec2.amazonaws.com";

/// What was wrong with a history.
pub fn wrongs(ran: &Ran, oracle: &Oracle) -> Vec<String> {
    let inside = ran.scene.inside();
    let mut wrongs = Vec::new();
    if ran.restless {
        wrongs.push("the history never came to rest".to_owned());
    }
    let court = Court {
        ran,
        inside: &inside,
        oracle,
    };
    court.doors(&mut wrongs);
    court.at_rest(&mut wrongs);
    court.overwritten(&mut wrongs);
    court.told(&mut wrongs);
    court.found(&mut wrongs);
    court.honest(&mut wrongs);
    court.last_words(&mut wrongs);
    court.impostors(&mut wrongs);
    court.given_up(&mut wrongs);
    court.writes(&mut wrongs);
    court.needless(&mut wrongs);
    court.closing(&mut wrongs);
    court.contents(&mut wrongs);
    court.repairs(&mut wrongs);
    court.baselines(&mut wrongs);
    court.kept(&mut wrongs);
    court.sessions(&mut wrongs);
    wrongs
}

struct Court<'a> {
    ran: &'a Ran,
    inside: &'a Inside,
    oracle: &'a Oracle,
}

impl Court<'_> {
    fn law(&self) -> Law {
        self.inside.remediator_law()
    }

    /// Every rule of either function since a moment allows it.
    fn lawful_since(&self, document: &str, from: Moment) -> bool {
        let laws = [&self.inside.remediator_laws, &self.inside.detecting_laws];
        laws.into_iter()
            .flat_map(|laws| laws_since(laws, from))
            .all(|law| !self.oracle.violates(document, law))
    }

    /// Some rule of either function since a moment forbids it.
    fn unlawful_since(&self, document: &str, from: Moment) -> bool {
        !self.lawful_since(document, from)
    }

    fn roles(&self) -> impl Iterator<Item = (&Role, &Version)> {
        self.inside
            .account
            .roles
            .iter()
            .filter(|role| role.deleted.is_none())
            .filter_map(|role| Some((role, role.live()?)))
    }

    /// People were told that a role stays open, after a moment: alone or in a digest.
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
        self.inside
            .published
            .iter()
            .any(|(alert, at)| *at >= since && (alone(alert) || in_digest(alert)))
    }

    /// The event was handled to the end, and carried the trust policy.
    fn handled(&self, event_id: &str) -> bool {
        self.inside
            .trail
            .iter()
            .any(|event| event.id == event_id && event.handled && !event.omitted)
    }

    /// Somebody other than the guard wrote it, by no rules that the detecting functions had since.
    fn bad(&self, version: &Version) -> bool {
        version.by != Writer::Guard
            && laws_since(&self.inside.detecting_laws, version.at)
                .all(|law| self.oracle.violates(&version.sent, law))
    }

    fn role(&self, id: &str) -> Option<&Role> {
        self.inside.account.roles.iter().find(|role| role.id == id)
    }

    /// No unprotected role's live policy violates the rules, whatever became of events: the sweep
    /// has come by several times, and budgets are there again.
    fn doors(&self, wrongs: &mut Vec<String>) {
        if !self.ran.setting.enforce || self.inside.weather.forbidden {
            return;
        }
        for (role, live) in self.roles() {
            // As IAM shows it: a principal that was deleted enters no more.
            let shown = self.inside.account.shown(live, self.inside.now);
            let open = self.oracle.violates(&shown, self.law());
            if open && role.name != PROTECTED {
                wrongs.push(format!("{} is open at the end: {}", role.name, live.sent));
            }
        }
    }

    /// At rest the live document is the newest approved one.
    fn at_rest(&self, wrongs: &mut Vec<String>) {
        for (role, live) in self.roles() {
            let others = role
                .versions
                .iter()
                .rev()
                .filter(|version| version.by != Writer::Guard);
            let others: Vec<&Version> = others.collect();
            let Some(last) = others.first() else { continue };
            if !self.lawful_since(&last.sent, last.at)
                || !self.handled(&last.event_id)
                || self.inside.dead_orders()
            {
                continue;
            }
            // Events have whole seconds and order nothing within one: which of two approved documents
            // of the last second is the newer one nobody can say.
            let second = |version: &Version| clock(version.at).as_second();
            let newest = others.iter().filter(|version| {
                second(version) == second(last) && self.lawful_since(&version.sent, version.at)
            });
            let same = newest
                .into_iter()
                .any(|newest| live.kept == newest.kept || self.same_but_for_the_dead(newest, live));
            if !same && !self.paged(&role.name, last.at) {
                wrongs.push(format!(
                    "{} does not have the newest approved document {} but {}",
                    role.name, last.sent, live.sent
                ));
            }
        }
    }

    fn same_but_for_the_dead(&self, wanted: &Version, live: &Version) -> bool {
        let refused = self
            .inside
            .account
            .refused_principal(&wanted.sent, i64::MAX)
            .is_some();
        refused
            && self
                .oracle
                .entrants(&live.sent)
                .within(self.oracle.entrants(&wanted.sent))
    }

    /// No approved document that was visible to the read was overwritten.
    fn overwritten(&self, wrongs: &mut Vec<String>) {
        for write in &self.inside.writes {
            let lawful = !self.oracle.violates(&write.replaced, write.law);
            let visible = write
                .read
                .is_some_and(|read| read.showed >= write.replaced_at);
            // What says the same as a write of the guard may be taken for it until its event comes.
            let alike = self
                .ran
                .scene
                .state
                .history(OWN, &write.role_id)
                .is_some_and(|history| history.wrote(&document_digest(&write.replaced)));
            if write.replaced_by != Writer::Guard && lawful && visible && !alike {
                wrongs.push(format!(
                    "at {} an approved document was overwritten: {}",
                    write.at, write.replaced
                ));
            }
        }
    }

    fn troubled(&self) -> bool {
        let weather = self.inside.weather;
        weather.errors > 0 || weather.lies > 0 || self.inside.dead_orders()
    }
}

impl Inside {
    /// An order went to the dead letters.
    pub fn dead_orders(&self) -> bool {
        !self.queue.dead.is_empty()
    }
}

/// Alerts, and those of them that had been published before, in a history in which nothing
/// crashed, lied or stood still. `None` for any other.
pub fn duplicates(ran: &Ran) -> Option<(u64, u64)> {
    let inside = ran.scene.inside();
    let weather = inside.weather;
    let calm = !inside.stopped && weather.errors == 0 && weather.lies == 0;
    let stalled = inside
        .happened
        .contains(&crate::counts::Happened::StalledHolder);
    let away = inside
        .happened
        .contains(&crate::counts::Happened::StateUnavailable);
    if !calm || stalled || away {
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut again = 0;
    for (alert, _) in &inside.published {
        if !seen.insert((alert.incident.clone(), alert.stage)) {
            again += 1;
        }
    }
    Some((inside.published.len() as u64, again))
}
