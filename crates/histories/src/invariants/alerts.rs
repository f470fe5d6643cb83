//! What was reported: everything that people must know, nothing that is not so.

use std::collections::BTreeSet;

use guard::alert::Alert;
use guard::model::document_digest;
use guard::remediate::OutcomeKind;
use guard::state::incident::Stage;
use guard::{Check, incident_id};

use super::{HOUR, Invariants, SLOWEST};
use crate::account::{Moment, Version, Writer};
use crate::counts::Coverage;
use crate::documents::OWN;
use crate::state::{rules_since, rules_within};

/// From what the remediator reads of a role to the outcome that it reports.
const ONE_LOOK: Moment = 2_000;
/// How the outcome of an order begins that waits for state.
const CALL: &str = "nothing yet: ";

/// An hour between two runs, five minutes of grace for the event, and five more at the beginning and
/// at the end of each, for the sweep is called every five minutes.
const FOUND: Moment = HOUR + 15 * 60_000;
/// The same with the tries of the fault window.
const FOUND_IN_TROUBLE: Moment = 2 * HOUR;

impl Invariants<'_> {
    /// Incidents of which a stage was published, alone or as a line of a digest.
    fn published(&self, stage: Stage) -> BTreeSet<&str> {
        let of_class = format!("/{stage}");
        self.state
            .published
            .iter()
            .flat_map(|(alert, _)| {
                let alone = (alert.stage == stage).then_some(alert.incident.as_str());
                let digest = alert.digest.as_ref();
                let digest = digest.filter(|digest| digest.class.ends_with(&of_class));
                let lines = digest.into_iter().flat_map(|digest| &digest.lines);
                alone
                    .into_iter()
                    .chain(lines.flat_map(|line| line.incidents()))
            })
            .collect()
    }

    /// Every violating write whose event was handled was reported, and so was what came of it.
    pub(super) fn reported(&self, violations: &mut Vec<String>) {
        let detected = self.published(Stage::Detected);
        let outcomes = self.published(Stage::Outcome);
        for role in &self.state.account.roles {
            for version in &role.versions {
                if !self.bad(version) || !self.handled(&version.event_id) {
                    continue;
                }
                let incident = incident_id(OWN, &version.event_id);
                let (event, sent) = (&version.event_id, &version.sent);
                if !detected.contains(incident.as_str()) {
                    violations.push(format!("nobody heard of {event}: {sent}"));
                }
                if !outcomes.contains(incident.as_str()) && !self.state.dead_orders() {
                    violations.push(format!("nobody heard what came of {event}: {sent}"));
                }
            }
        }
    }

    /// How long an exposure that no event reported may last before the sweep reports it.
    pub(super) fn next_sweep(&self) -> Moment {
        let coverage = &self.state.coverage;
        let troubled = self.troubled()
            || self.state.stopped
            || coverage.contains(&Coverage::StateUnavailable)
            || coverage.contains(&Coverage::StalledHolder);
        if troubled { FOUND_IN_TROUBLE } else { FOUND }
    }

    /// The last moment at which a document allows what the rules of its time do not.
    pub(super) fn open_until(&self, version: &Version) -> Moment {
        let rules = rules_since(&self.state.detecting_rules, version.at);
        let open = rules.filter_map(|rules| self.oracle.open_until(&version.sent, rules));
        open.max().unwrap_or(version.at)
    }

    /// Every exposure of a third party that lasted longer than the next sweep needs was reported, though
    /// its event may never have come: by name, in an alert or as a line of a digest.
    pub(super) fn found(&self, violations: &mut Vec<String>) {
        let detected = self.published(Stage::Detected);
        for role in &self.state.account.roles {
            let subject = format!("role/{}", role.name);
            let ends = role.versions.iter().skip(1).map(|next| next.at);
            let ends = ends.chain([role.deleted.unwrap_or(self.state.now)]);
            for (index, (version, end)) in role.versions.iter().zip(ends).enumerate() {
                let open = self.open_until(version).min(end);
                if !self.bad(version) || open - version.at < self.next_sweep() {
                    continue;
                }
                // What they heard of it before counts, if the role has been open ever since, as far
                // as anybody could see.
                let earlier = role.versions.iter().take(index).rev();
                let seen = |version: &&Version| {
                    self.state.shown.contains(&version.event_id) || self.handled(&version.event_id)
                };
                // What broke the rules of its time was reported as such, whatever they say today.
                let open = |earlier: &&Version| {
                    self.bad(earlier)
                        || detected.contains(incident_id(OWN, &earlier.event_id).as_str())
                };
                let since = earlier
                    .filter(seen)
                    .take_while(open)
                    .filter(|earlier| earlier.kept == version.kept)
                    .last()
                    .map_or(version.at, |earlier| earlier.at);
                let digest_of_it = document_digest(&version.kept);
                let reported = self.state.published.iter().any(|(alert, at)| {
                    let digest = alert.digest.iter().flat_map(|digest| &digest.lines);
                    let mut lines = digest.map(|line| &line.subject);
                    let alone = alert.stage == Stage::Detected && alert.subject == subject;
                    // An outcome that calls the role open says so of what was read just before: of
                    // this document, by its digest or once no read shows what stood earlier.
                    let read = since + self.state.faults.staleness + ONE_LOOK;
                    let this = alert.document_digest.as_ref() == Some(&digest_of_it);
                    let open = alert.subject == subject
                        && (since..=end).contains(at)
                        && (this || *at >= read)
                        && alert.outcome.as_ref().is_some_and(|outcome| {
                            outcome.open && outcome.kind != OutcomeKind::Failed
                        });
                    open || (since..=end).contains(at) && (alone || lines.any(|of| *of == subject))
                });
                if !reported {
                    violations.push(format!(
                        "nobody ever heard of {}: {}",
                        role.name, version.sent
                    ));
                }
            }
        }
    }

    /// What is reported as remediated is: the document that an outcome shows grants nothing that it
    /// should not, and it was written: by the guard, or by somebody who said the same.
    pub(super) fn truthful(&self, violations: &mut Vec<String>) {
        for (alert, at) in &self.state.published {
            let Some(outcome) = alert.outcome.as_ref() else {
                continue;
            };
            let would = matches!(
                outcome.kind,
                OutcomeKind::WouldRevert | OutcomeKind::WouldRepair | OutcomeKind::WouldQuarantine
            );
            if would && self.ran.setting.enforce {
                violations.push(format!(
                    "{} is reported to be {:?} in mode enforce",
                    alert.incident, outcome.kind
                ));
            }
            let done = matches!(
                outcome.kind,
                OutcomeKind::Reverted
                    | OutcomeKind::Repaired
                    | OutcomeKind::Quarantined
                    | OutcomeKind::PutBack
            );
            // The very document that the incident is about stands yet.
            let over = done || outcome.kind == OutcomeKind::Superseded;
            if over && self.stood(&alert.incident, *at) {
                violations.push(format!(
                    "{} is reported to be {:?}, and stands",
                    alert.incident, outcome.kind
                ));
            }
            let Some(shown) = outcome.document.as_ref().filter(|_| done) else {
                continue;
            };
            let rules = &self.state.remediator_rules;
            let violating = rules
                .iter()
                .all(|(_, rules)| self.oracle.violates(shown, *rules, *at));
            let digest = document_digest(shown);
            let ours = |write: &crate::state::GuardWrite| {
                document_digest(&write.document) == digest
                    || guard::model::same_but_for_the_dead(shown, &write.document)
            };
            let alike = |version: &crate::account::Version| {
                version.at <= *at && document_digest(&version.sent) == digest
            };
            let roles = &self.state.account.roles;
            let written = !alert.notes.is_empty()
                || self.state.writes.iter().any(ours)
                || roles.iter().flat_map(|role| &role.versions).any(alike);
            if violating || !written {
                violations.push(format!(
                    "{} is reported to be {:?}, with {shown}",
                    alert.incident, outcome.kind
                ));
            }
        }
    }

    /// Who was called because an order waited for state hears in the end what came of it, unless it
    /// went to the dead letters. (One who had heard of it before is called where state could not say
    /// so, about a role that is exposed then; an order that is done has nothing more to report.)
    pub(super) fn outcome_after_call(&self, violations: &mut Vec<String>) {
        if self.state.dead_orders() {
            return;
        }
        let mut calls: BTreeSet<&str> = BTreeSet::new();
        let mut over: BTreeSet<&str> = BTreeSet::new();
        for (alert, _) in &self.state.published {
            let digest = alert.digest.iter();
            let digest = digest.filter(|digest| digest.class.ends_with("/outcome"));
            let lines = digest.flat_map(|digest| &digest.lines);
            let outcome = alert.outcome.as_ref();
            let outcome = outcome.filter(|_| alert.stage == Stage::Outcome);
            let call = outcome.is_some_and(|outcome| outcome.text.starts_with(CALL));
            if call {
                calls.insert(&alert.incident);
            } else if outcome.is_some() {
                over.insert(&alert.incident);
            }
            for incident in lines.flat_map(|line| line.incidents()) {
                match incident.strip_suffix("-meanwhile") {
                    Some(incident) => calls.insert(incident),
                    None => over.insert(incident),
                };
            }
        }
        for incident in calls.difference(&over) {
            violations.push(format!("the last word on {incident} is that it waits"));
        }
    }

    /// The remediator's rules of a moment forbid what the document allows then or later.
    fn open_by(&self, version: &Version, at: Moment) -> bool {
        // As IAM shows it: a principal that was deleted can assume nothing.
        let shown = self.state.account.shown(version, at);
        let rules = &self.state.remediator_rules;
        rules_within(rules, at - SLOWEST, at).all(|rules| self.oracle.violates(&shown, rules, at))
    }

    /// The violating document of an event's incident was live at a moment, and had been since.
    fn stood(&self, incident: &str, at: Moment) -> bool {
        self.state.account.roles.iter().any(|role| {
            let deleted = role.deleted.is_some_and(|deleted| deleted <= at);
            let stood = role.at(at).filter(|version| version.at <= at);
            !deleted
                && stood.is_some_and(|version| {
                    self.bad(version)
                        && self.open_by(version, at)
                        && incident_id(OWN, &version.event_id) == incident
                })
        })
    }

    /// Whoever writes with the remediator's credentials is found out, and the guard never takes
    /// itself for them.
    pub(super) fn impostors(&self, violations: &mut Vec<String>) {
        let accused = |alert: &Alert| {
            alert
                .findings
                .iter()
                .any(|found| found.code == Check::GuardTampered)
        };
        let accusations: BTreeSet<&str> = self
            .state
            .published
            .iter()
            .filter(|(alert, _)| alert.stage == Stage::Detected && accused(alert))
            .filter_map(|(alert, _)| Some(alert.cause.as_ref()?.event_id.as_str()))
            .collect();
        let in_digests = self
            .state
            .published
            .iter()
            .any(|(alert, _)| alert.digest.is_some());
        // Without state nobody can know what the guard wrote.
        let unsure = self.troubled()
            || in_digests
            || self.state.coverage.contains(&Coverage::StateUnavailable);
        for role in &self.state.account.roles {
            for version in &role.versions {
                let event = version.event_id.as_str();
                let accused = accusations.contains(event);
                if version.by == Writer::Guard && accused {
                    violations.push(format!("the guard accuses itself of {event}"));
                }
                let thief = version.by == Writer::Thief && self.handled(event);
                if thief && !accused && !unsure {
                    violations.push(format!("nobody heard of the thief of {event}"));
                }
            }
        }
    }

    /// Lambda gives up an event after three tries: with calls that answer, a crash or two are no
    /// reason.
    pub(super) fn given_up(&self, violations: &mut Vec<String>) {
        let coverage = &self.state.coverage;
        let excused = self.troubled()
            || coverage.contains(&Coverage::StateUnavailable)
            || coverage.contains(&Coverage::StalledHolder);
        for event in &self.state.events {
            if event.given_up && !event.handled && event.stops < 2 && !excused {
                violations.push(format!("the event {} was given up", event.id));
            }
        }
    }
}
