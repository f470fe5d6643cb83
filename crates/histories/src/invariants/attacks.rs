//! What an attacker would want who knows the guard.

use guard::alert::Alert;
use guard::model::document_digest;
use guard::state::history::{OwnWrite, WriteKind};
use guard::state::incident::Stage;
use guard::{Check, Finding, incident_id};

use super::Invariants;
use crate::account::{Moment, Version, Writer};
use crate::actors::{DEPLOY, PARTNER, PROTECTED, ROLE};
use crate::counts::Coverage;
use crate::documents::{BETA, BURIED, OWN, THROUGH};
use crate::state::{GuardWrite, clock};

/// From the first delivery of an event to the end of the exposure, where nothing goes wrong.
const SECONDS: Moment = 20_000;

impl Invariants<'_> {
    /// What violated the rules before the guard came is left to people as long as nobody changes it,
    /// whatever events say.
    pub(super) fn left(&self, violations: &mut Vec<String>) {
        for write in &self.state.writes {
            let role = self.role(&write.role_id);
            let before =
                role.filter(|role| role.name == PARTNER && role.created == write.replaced_at);
            if before.is_some() {
                violations.push(format!(
                    "what nobody changed was written: {}",
                    write.replaced
                ));
            }
        }
    }

    /// The guard writes over its own compliant documents only to restore what it overwrote by them.
    pub(super) fn compliant_written(&self, violations: &mut Vec<String>) {
        for write in &self.state.writes {
            let visible = write
                .read
                .is_some_and(|read| read.showed >= write.replaced_at);
            let compliant = visible && self.was_compliant(write);
            let restores = self
                .intent(write)
                .is_none_or(|own| own.kind == WriteKind::PutBack);
            if write.replaced_by == Writer::Guard && compliant && !restores {
                violations.push(format!("a compliant role was written: {}", write.replaced));
            }
        }
    }

    /// What the guard remembers of a write: a revert may restore what a repair wrote a little earlier.
    pub(super) fn intent(&self, write: &GuardWrite) -> Option<OwnWrite> {
        let history = self.ran.shared.store.history(OWN, &write.role_id)?;
        let digest = document_digest(&write.document);
        let at = clock(write.at);
        let close = |own: &OwnWrite| own.at <= at && at.duration_since(own.at).as_secs() < 60;
        let writes = history.writes.into_iter();
        writes
            .filter(|own| own.digest == digest && close(own))
            .max_by_key(|own| own.at)
    }

    /// Where nothing goes wrong, an exposure ends within seconds of its event, whatever else the role's
    /// orders are waiting for.
    pub(super) fn closed_in_seconds(&self, violations: &mut Vec<String>) {
        if !self.ran.setting.enforce || !self.calm() {
            return;
        }
        for role in &self.state.account.roles {
            let ends = role.versions.iter().skip(1).map(|next| next.at);
            let ends = ends.chain([role.deleted.unwrap_or(self.state.now)]);
            for (version, end) in role.versions.iter().zip(ends) {
                let Some(delivered) = self.delivered(version).filter(|_| role.name != PROTECTED)
                else {
                    continue;
                };
                let end = end.min(self.open_until(version));
                if self.bad(version)
                    && end - delivered > SECONDS
                    && !self.paged(&role.name, version.at)
                {
                    violations.push(format!(
                        "{} was exposed for {} ms after its event had come: {}",
                        role.name,
                        end - delivered,
                        version.sent
                    ));
                }
            }
        }
    }

    /// When the event of a change was first delivered, if it carried the trust policy.
    fn delivered(&self, version: &Version) -> Option<Moment> {
        let mut events = self.state.events.iter();
        let event = events.find(|event| event.id == version.event_id && !event.omitted)?;
        event.delivered
    }

    fn calm(&self) -> bool {
        let faults = self.state.faults;
        let coverage = &self.state.coverage;
        let troubles = [
            Coverage::StateUnavailable,
            Coverage::StalledHolder,
            Coverage::RulesSkew,
            Coverage::ApprovedInTheWindow,
        ];
        faults.stale == 0
            && !faults.forbidden
            && !self.troubled()
            && !self.state.stopped
            && !troubles.iter().any(|trouble| coverage.contains(trouble))
    }

    /// The first back door of a third party is reported by itself, however many others there are.
    pub(super) fn buried(&self, violations: &mut Vec<String>) {
        for role in &self.state.account.roles {
            for version in &role.versions {
                let buried = version.by != Writer::Guard && version.sent.contains(BURIED);
                if !buried || !self.handled(&version.event_id) {
                    continue;
                }
                let incident = incident_id(OWN, &version.event_id);
                // An event without its document may have met it first.
                let named = |found: &Finding| found.third_party.as_deref() == Some(BURIED);
                let alone = self.state.published.iter().any(|(alert, _)| {
                    alert.stage == Stage::Detected && alert.findings.iter().any(named)
                });
                if !alone {
                    violations.push(format!("{incident} is buried among decoys"));
                }
            }
        }
    }

    /// A role that a third party reaches through another one for longer than the next sweep needs was
    /// reported: by an event of either, or by the sweep.
    pub(super) fn chained(&self, violations: &mut Vec<String>) {
        let (through, of_role) = (format!("role {DEPLOY}:"), format!("role/{DEPLOY}"));
        let names = |alert: &Alert| {
            let subject = alert.subject == of_role;
            let digest = alert.digest.iter().flat_map(|digest| &digest.lines);
            let mut lines = digest.map(|line| &line.subject);
            let mut findings = alert.findings.iter();
            let chain = |found: &Finding| {
                found.code == Check::ReachableThroughRole
                    && (subject || found.message.contains(&through))
            };
            findings.any(chain) || lines.any(|of| *of == of_role)
        };
        let named = self
            .stretches(DEPLOY)
            .filter(|(version, ..)| version.sent.contains(THROUGH));
        let first = named.map(|(_, from, _)| from).min();
        for (from, to) in self.open_ways() {
            // What was reported before it was closed for a while is known.
            let told = |(alert, at): &(Alert, Moment)| {
                first.is_some_and(|first| *at >= first) && *at <= to && names(alert)
            };
            if !self.state.published.iter().any(told) {
                violations.push(format!(
                    "nobody heard who reaches {DEPLOY}, from {from} to {to}"
                ));
            }
        }
    }

    /// From when to when a third party reached the role through the other one, for longer than the next
    /// sweep needs. Of one whose principal may have been deleted nothing is said.
    fn open_ways(&self) -> impl Iterator<Item = (Moment, Moment)> {
        let named = self.stretches(DEPLOY);
        let named = named.filter(|(version, ..)| version.sent.contains(THROUGH));
        named.flat_map(|(_, since, until)| {
            let both = self
                .stretches(ROLE)
                .map(move |(version, from, to)| (version, from.max(since), to.min(until)));
            let open = both.filter(|(version, from, to)| {
                let reported = from + self.next_sweep();
                let parties = self.oracle.third_parties(&version.sent, reported);
                reported <= *to && parties.iter().any(|account| account != BETA)
            });
            open.map(|(_, from, to)| (from, to))
        })
    }

    /// The trust policies of the roles of a name, each from when to when.
    fn stretches(&self, name: &str) -> impl Iterator<Item = (&Version, Moment, Moment)> {
        let roles = self
            .state
            .account
            .roles
            .iter()
            .filter(move |role| role.name == name);
        roles.flat_map(|role| {
            let ends = role.versions.iter().skip(1).map(|next| next.at);
            let ends = ends.chain([role.deleted.unwrap_or(self.state.now)]);
            let both = role.versions.iter().zip(ends);
            both.map(|(version, end)| (version, version.at, end))
        })
    }
}
