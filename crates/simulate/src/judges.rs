//! What must be true of every history, judged by what truly happened and by concrete requests,
//! never by the analyser that the guard planned with.

use std::collections::{BTreeMap, BTreeSet};

use guard::alert::Alert;
use guard::history::{WriteKind, WriteProgress, document_digest};
use guard::incident::Stage;
use guard::remediate::{OutcomeKind, QUARANTINE};

use crate::account::{Moment, Role, Version, Writer, as_kept};
use crate::cast::PROTECTED;
use crate::director::Ran;
use crate::documents::{Law, OWN, Oracle};
use crate::scene::{GuardWrite, Inside};

const HOUR: Moment = 3_600_000;

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
    court.alerts(&mut wrongs);
    court.writes(&mut wrongs);
    court.contents(&mut wrongs);
    court.baselines(&mut wrongs);
    wrongs
}

struct Court<'a> {
    ran: &'a Ran,
    inside: &'a Inside,
    oracle: &'a Oracle,
}

impl Court<'_> {
    fn law(&self) -> Law {
        self.inside.remediator_law
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

    /// The events of all writes were handled, so that nothing is left for the sweep.
    fn all_told(&self, role: &Role) -> bool {
        role.versions
            .iter()
            .all(|version| version.by == Writer::Guard || self.handled(&version.event_id))
    }

    fn handled(&self, event_id: &str) -> bool {
        self.inside
            .trail
            .iter()
            .any(|event| event.id == event_id && event.handled)
    }

    /// No unprotected role's live policy violates the rules, but where people were paged.
    fn doors(&self, wrongs: &mut Vec<String>) {
        if !self.ran.setting.enforce {
            return;
        }
        for (role, live) in self.roles() {
            let open = self.oracle.violates(&live.sent, self.law());
            let lost = self.inside.dead_orders() || !self.all_told(role);
            let excused = role.name == PROTECTED || self.paged(&role.name, live.at) || lost;
            // What only a change of the rules made unlawful is the sweep's to find.
            let by_law = self.law().beta || self.oracle.violates(&live.sent, Law { beta: true });
            if open && by_law && !excused {
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
            let mut others = others.peekable();
            let Some(last) = others.peek() else { continue };
            let lawful = |version: &Version| {
                !self.oracle.violates(&version.sent, Law { beta: true })
                    && !self.oracle.violates(&version.sent, Law { beta: false })
            };
            if !lawful(last) || !self.handled(&last.event_id) || self.inside.dead_orders() {
                continue;
            }
            let same = live.kept == last.kept || self.same_but_for_the_dead(last, live);
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

    /// Every violating write whose event was handled was told of; once, where nothing crashed.
    fn alerts(&self, wrongs: &mut Vec<String>) {
        let told: BTreeSet<&str> = self
            .inside
            .published
            .iter()
            .filter(|(alert, _)| alert.stage == Stage::Detected)
            .filter_map(|(alert, _)| alert.cause.as_ref())
            .map(|cause| cause.event_id.as_str())
            .collect();
        let digests: Vec<&str> = self
            .inside
            .published
            .iter()
            .filter_map(|(alert, _)| alert.digest.as_ref())
            .flat_map(|digest| digest.lines.iter().map(|line| line.incident.as_str()))
            .collect();
        for role in &self.inside.account.roles {
            for version in &role.versions {
                let bad = version.by != Writer::Guard
                    && self.oracle.violates(&version.sent, Law { beta: true });
                let incident = guard::incident_id(OWN, &version.event_id);
                let heard = told.contains(version.event_id.as_str())
                    || digests.contains(&incident.as_str());
                if bad && self.handled(&version.event_id) && !heard {
                    wrongs.push(format!(
                        "nobody was told of {}: {}",
                        version.event_id, version.sent
                    ));
                }
            }
        }
    }

    /// How often the guard wrote.
    fn writes(&self, wrongs: &mut Vec<String>) {
        if !self.ran.setting.enforce && !self.inside.writes.is_empty() {
            wrongs.push("the guard wrote in mode alert".to_owned());
        }
        let mut by_role: BTreeMap<&str, Vec<&GuardWrite>> = BTreeMap::new();
        for write in &self.inside.writes {
            by_role.entry(&write.role_id).or_default().push(write);
        }
        for (role_id, writes) in by_role {
            let Some(role) = self
                .inside
                .account
                .roles
                .iter()
                .find(|role| role.id == role_id)
            else {
                continue;
            };
            if role.name == PROTECTED {
                wrongs.push("a protected role was written".to_owned());
            }
            for (index, write) in writes.iter().enumerate() {
                let within = writes
                    .iter()
                    .take(index + 1)
                    .filter(|other| other.at > write.at - HOUR);
                if within.count() > self.ran.setting.most as usize {
                    wrongs.push(format!(
                        "{} was written more often than the rules allow",
                        role.name
                    ));
                }
            }
            let reasons = role
                .versions
                .iter()
                .filter(|version| version.by != Writer::Guard);
            // A lawful version is a reason where a write had run over it.
            let run_over = writes
                .iter()
                .filter(|write| write.replaced_by != Writer::Guard)
                .filter(|write| !self.oracle.violates(&write.replaced, write.law))
                .count();
            let bad = reasons
                .filter(|version| self.oracle.violates(&version.sent, Law { beta: false }))
                .count();
            let most = bad + run_over + self.inside.failed_writes as usize + self.late_lawful(role);
            if writes.len() > most {
                wrongs.push(format!(
                    "{} was written {} times for {most} reasons",
                    role.name,
                    writes.len()
                ));
            }
        }
    }

    /// Lawful versions whose event came after the guard had written an older one back.
    fn late_lawful(&self, role: &Role) -> usize {
        role.versions
            .iter()
            .filter(|version| version.by != Writer::Guard)
            .filter(|version| !self.oracle.violates(&version.sent, Law { beta: true }))
            .count()
    }

    /// What the guard wrote grants no more than the rules allow, and a repair no more than what
    /// it repaired.
    fn contents(&self, wrongs: &mut Vec<String>) {
        for write in &self.inside.writes {
            if self.oracle.violates(&write.document, write.law) {
                wrongs.push(format!("the guard wrote a violation: {}", write.document));
            }
            let Some(role) = self
                .inside
                .account
                .roles
                .iter()
                .find(|role| role.id == write.role_id)
            else {
                continue;
            };
            let kept = as_kept(&write.document);
            let known = kept == as_kept(QUARANTINE)
                || role
                    .versions
                    .iter()
                    .any(|version| version.at < write.at && version.kept == kept);
            let shown = write.read.and_then(|read| role.at(read.showed));
            let within = shown.is_none_or(|shown| {
                let (new, old) = (
                    self.oracle.entrants(&write.document),
                    self.oracle.entrants(&shown.sent),
                );
                new.within(old)
            });
            // A document that nobody saved before is a repair, or a revert less its dead principals.
            let less_the_dead = role.versions.iter().any(|version| {
                self.inside
                    .account
                    .refused_principal(&version.sent, i64::MAX)
                    .is_some()
                    && self
                        .oracle
                        .entrants(&write.document)
                        .within(self.oracle.entrants(&version.sent))
            });
            if !known && !within && !less_the_dead {
                wrongs.push(format!("a repair widened access: {}", write.document));
            }
        }
    }

    /// No baseline is a document that violated the rules when it was stored.
    fn baselines(&self, wrongs: &mut Vec<String>) {
        for role in &self.inside.account.roles {
            let Some(history) = self.ran.scene.state.history(OWN, &role.id) else {
                continue;
            };
            for baseline in &history.approved {
                if self.oracle.violates(&baseline.document, Law { beta: true }) {
                    wrongs.push(format!(
                        "a violation was kept as a baseline: {}",
                        baseline.document
                    ));
                }
            }
            let spent = history.writes.iter().any(|write| {
                write.kind == WriteKind::Quarantine && write.progress == WriteProgress::Intended
            });
            let crashed = self.inside.stopped;
            if spent && !crashed && !self.troubled() {
                wrongs.push(format!("an intent of {} was never concluded", role.name));
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
