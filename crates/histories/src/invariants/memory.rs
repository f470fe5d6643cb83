//! What the guard remembers, and what it does with sessions.

use guard::model::document_digest;
use guard::remediate::{OutcomeKind, QUARANTINE};
use guard::state::history::{OwnWrite, WriteKind, WriteProgress};

use super::{HOUR, Invariants, SERVICE, SLOWEST};
use crate::account::{Moment, Role, Version, Writer};
use crate::counts::Coverage;
use crate::documents::{OWN, UNKNOWN_ID};
use crate::state::{GuardWrite, moment, rules_within};

/// How long the remediator may take from what it read to the end of the sessions.
const ONE_CALL: Moment = 1_000;

impl Invariants<'_> {
    /// What the guard overwrote can be put back by people.
    pub(super) fn kept(&self, violations: &mut Vec<String>) {
        for write in &self.state.writes {
            let digest = document_digest(&write.document);
            // By stale reads it may have been meant for an older role of the name.
            let roles = self.state.account.roles.iter();
            let incident = roles
                .filter_map(|role| self.ran.shared.store.history(OWN, &role.id))
                .flat_map(|history| history.writes)
                .filter(|own| own.digest == digest && moment(own.at) <= write.at)
                .max_by_key(|own| own.at)
                .and_then(|own| own.incident);
            let kept = incident.and_then(|incident| self.ran.shared.kept_document(&incident));
            if kept.is_none() {
                violations.push(format!(
                    "what stood at {} is lost: {}",
                    write.at, write.replaced
                ));
            }
        }
    }

    /// No baseline is a document that violated the rules when it was stored.
    pub(super) fn baselines(&self, violations: &mut Vec<String>) {
        for role in &self.state.account.roles {
            let Some(history) = self.ran.shared.store.history(OWN, &role.id) else {
                continue;
            };
            for baseline in &history.approved {
                // An invocation that stores it may have begun with the rules before.
                let seen = moment(baseline.seen_at);
                let rules = &self.state.remediator_rules;
                let violated = rules_within(rules, seen - SLOWEST, seen)
                    .all(|rules| self.oracle.violates(&baseline.document, rules, seen));
                if violated || baseline.document.contains(UNKNOWN_ID) {
                    violations.push(format!(
                        "a violation was kept as a baseline: {}",
                        baseline.document
                    ));
                }
            }
            let spent = history.writes.iter().any(|write| {
                write.kind == WriteKind::Quarantine && write.progress == WriteProgress::Intended
            });
            // Nor can it be concluded while state is away; by then somebody else may have written.
            let away = self.state.coverage.contains(&Coverage::StateUnavailable);
            if spent && !away && !self.state.stopped && !self.troubled() {
                violations.push(format!("an intent of {} was never concluded", role.name));
            }
        }
    }

    /// Sessions are ended where the rules ask for it, and never on a role that services use.
    pub(super) fn sessions(&self, violations: &mut Vec<String>) {
        let setting = self.ran.setting;
        for role in &self.state.account.roles {
            let writes = || {
                let of_role = |write: &&GuardWrite| write.role_id == role.id;
                self.state.writes.iter().filter(of_role)
            };
            for denied in &role.denials {
                self.denial(role, denied, violations);
            }
            // Twelve hours later the last session has expired, and within another the sweep comes.
            let last = role.denials.last().copied().unwrap_or_default();
            let lifted = role.sessions_denied_before.is_none();
            let time = self.state.now - last > 14 * HOUR;
            if !lifted && time && role.deleted.is_none() && self.ran.setting.enforce {
                violations.push(format!("a denial of sessions of {} stayed", role.name));
            }
            for write in writes() {
                // One that puts an overwritten approved document back replaces the guard's own:
                // it ends no exposure.
                if write.replaced_by == Writer::Guard {
                    continue;
                }
                let incident = self.concluded(role, write);
                let Some((created, reported)) = incident else {
                    continue;
                };
                if role.deleted.is_some_and(|at| at <= reported) {
                    continue;
                }
                let asked = setting.may_revoke
                    && match setting.revoke_sessions {
                        "always" => true,
                        "on_new_role" => created,
                        _ => false,
                    };
                // What stood before may have been used by services, too.
                let by_services = role
                    .versions
                    .iter()
                    .any(|version| version.at <= reported && version.sent.contains(SERVICE));
                let denied = role.denials.iter().any(|at| *at >= write.at);
                if asked && !by_services && !denied && !self.troubled() {
                    violations.push(format!("sessions of {} were to be ended", role.name));
                }
            }
        }
    }

    /// A denial was asked for, is for a write, and takes nothing from a service.
    fn denial(&self, role: &Role, denied: &Moment, violations: &mut Vec<String>) {
        let setting = self.ran.setting;
        let writes = || {
            let of_role = |write: &&GuardWrite| write.role_id == role.id;
            self.state.writes.iter().filter(of_role)
        };
        // Denials go by the role's name: while reads may still show a role that was deleted, one
        // that is meant for it denies the sessions of the next one, which has hardly any yet.
        let meant_for_another = |denied: &Moment| {
            let others = self.state.account.roles.iter();
            let before = others.filter(|other| {
                other.name == role.name && other.deleted.is_some_and(|at| at <= role.created)
            });
            let hidden = self.state.faults.staleness + ONE_CALL;
            *denied - role.created <= hidden
                && before
                    .flat_map(|other| self.state.writes.iter().map(move |write| (other, write)))
                    .any(|(other, write)| write.role_id == other.id)
        };
        if meant_for_another(denied) {
            return;
        }
        if !setting.may_revoke || setting.revoke_sessions == "never" {
            violations.push(format!("sessions of {} were ended unasked", role.name));
        }
        // Somebody may have written what the guard was about to when it was stopped: no
        // one can know the two apart, whatever stands by the time that is concluded.
        let alike = || {
            let history = self.ran.shared.store.history(OWN, &role.id);
            let next = role.versions.iter().skip(1).map(|next| next.at);
            let ends = next.chain([Moment::MAX]);
            let mut stood = role.versions.iter().zip(ends);
            stood.any(|(version, end)| {
                let digest = document_digest(&version.sent);
                let mut writes = history.iter().flat_map(|history| &history.writes);
                let meant = |own: &OwnWrite| {
                    own.digest == digest
                        && own.progress != WriteProgress::Refused
                        && moment(own.at) <= end
                };
                version.at <= *denied && writes.any(meant)
            })
        };
        if !writes().any(|write| write.at <= *denied) && !alike() {
            violations.push(format!("sessions of {} were ended for nothing", role.name));
        }
        // As the guard could see it.
        let from = denied - self.state.faults.staleness;
        let used = |version: &&Version| version.sent.contains(SERVICE);
        let seen = role.versions.iter().rev();
        let newer = seen
            .take_while(|version| version.at > from)
            .all(|version| used(&version));
        if newer && role.at(from).is_some_and(|version| used(&version)) {
            violations.push(format!("a service lost its sessions of {}", role.name));
        }
    }

    /// A write was reported as done, and the next write had not come yet: whether the order was about
    /// a new role, and when it was reported.
    fn concluded(&self, role: &Role, write: &GuardWrite) -> Option<(bool, Moment)> {
        let next = self
            .state
            .writes
            .iter()
            .find(|next| next.role_id == role.id && next.at > write.at)
            .map_or(Moment::MAX, |next| next.at);
        self.state.published.iter().find_map(|(alert, at)| {
            let outcome = alert.outcome.as_ref()?;
            let done = matches!(
                outcome.kind,
                OutcomeKind::Reverted | OutcomeKind::Repaired | OutcomeKind::Quarantined
            );
            let ours = alert
                .resource
                .as_ref()
                .is_some_and(|resource| resource.id.as_deref() == Some(&role.id));
            let cause = alert.cause.as_ref()?;
            // An older write may be reported later than this one was made.
            let this = (outcome.kind == OutcomeKind::Quarantined) == (write.document == QUARANTINE);
            (done && this && ours && *at >= write.at && *at < next)
                .then(|| (cause.event_name == "CreateRole", *at))
        })
    }
}
