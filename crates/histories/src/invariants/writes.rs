//! What the guard wrote, how often, and what it thereby took or gave.

use std::collections::{BTreeMap, BTreeSet};

use guard::remediate::QUARANTINE;
use guard::state::history::WriteKind;

use super::{HOUR, Invariants};
use crate::account::{Role, Version, Writer, as_kept};
use crate::actors::PROTECTED;
use crate::counts::Coverage;
use crate::documents::apart;
use crate::state::{GuardWrite, rules_since, rules_within};

impl Invariants<'_> {
    /// How often the guard wrote.
    pub(super) fn writes(&self, violations: &mut Vec<String>) {
        if !self.ran.setting.enforce && !self.state.writes.is_empty() {
            violations.push("the guard wrote in mode alert".to_owned());
        }
        let mut by_role: BTreeMap<&str, Vec<&GuardWrite>> = BTreeMap::new();
        for write in &self.state.writes {
            by_role.entry(&write.role_id).or_default().push(write);
        }
        for (role_id, writes) in by_role {
            let Some(role) = self
                .state
                .account
                .roles
                .iter()
                .find(|role| role.id == role_id)
            else {
                continue;
            };
            if role.name == PROTECTED {
                violations.push("a protected role was written".to_owned());
            }
            for (index, write) in writes.iter().enumerate() {
                let within = writes
                    .iter()
                    .take(index + 1)
                    .filter(|other| other.at > write.at - HOUR);
                if within.count() > self.ran.setting.most as usize {
                    violations.push(format!(
                        "{} was written more often than the rules allow",
                        role.name
                    ));
                }
            }
            let reasons = role
                .versions
                .iter()
                .filter(|version| version.by != Writer::Guard);
            // A compliant version is a reason where a write had overwritten it.
            let overwritten = writes
                .iter()
                .filter(|write| write.replaced_by != Writer::Guard)
                .filter(|write| !self.oracle.violates(&write.replaced, write.rules, write.at))
                .count();
            let bad = reasons
                .filter(|version| self.violating_since(&version.sent, version.at))
                .count();
            let most = bad
                + overwritten
                + self.state.failed_writes as usize
                + self.late_compliant(role)
                + self.overtaken_by_rules(role);
            if writes.len() > most {
                violations.push(format!(
                    "{} was written {} times for {most} reasons",
                    role.name,
                    writes.len()
                ));
            }
        }
    }

    /// Compliant versions whose event came after the guard had written an older one back.
    fn late_compliant(&self, role: &Role) -> usize {
        role.versions
            .iter()
            .filter(|version| version.by != Writer::Guard)
            .filter(|version| {
                rules_since(&self.state.remediator_rules, version.at)
                    .any(|rules| !self.oracle.violates(&version.sent, rules, version.at))
            })
            .count()
    }

    /// Documents of the guard's own that new rules forbade while they stood.
    fn overtaken_by_rules(&self, role: &Role) -> usize {
        let ends = role.versions.iter().skip(1).map(|next| next.at);
        let ends = ends.chain([role.deleted.unwrap_or(self.state.now)]);
        role.versions
            .iter()
            .zip(ends)
            .filter(|(version, end)| {
                version.by == Writer::Guard
                    && rules_within(&self.state.remediator_rules, version.at, *end)
                        .any(|rules| self.oracle.violates(&version.sent, rules, version.at))
            })
            .count()
    }

    /// What the guard wrote grants no more than the rules allow, and a repair no more than what
    /// it repaired.
    pub(super) fn contents(&self, violations: &mut Vec<String>) {
        for write in &self.state.writes {
            if self.oracle.violates(&write.document, write.rules, write.at) {
                violations.push(format!("the guard wrote a violation: {}", write.document));
            }
            let Some(role) = self
                .state
                .account
                .roles
                .iter()
                .find(|role| role.id == write.role_id)
            else {
                continue;
            };
            let role = self.meant(write).unwrap_or(role);
            let kept = as_kept(&write.document);
            let known = kept == as_kept(QUARANTINE)
                || role
                    .versions
                    .iter()
                    .any(|version| version.at < write.at && version.kept == kept);
            let shown = write.read.and_then(|read| role.at(read.showed));
            let within = shown.is_none_or(|shown| {
                let (new, old) = (
                    self.oracle.allowed(&write.document, write.at),
                    self.oracle.allowed(&shown.sent, write.at),
                );
                new.within(old)
            });
            // A document that nobody saved before is a repair, or a revert less its dead principals.
            let less_the_dead = role.versions.iter().any(|version| {
                self.state
                    .account
                    .refused_principal(&version.sent, i64::MAX)
                    .is_some()
                    && self
                        .oracle
                        .allowed(&write.document, write.at)
                        .within(self.oracle.allowed(&version.sent, write.at))
            });
            if !known && !within && !less_the_dead {
                violations.push(format!("a repair widened access: {}", write.document));
            }
        }
    }

    /// No write lets in a third party that neither the live document nor the newest approved one
    /// before it admitted that the guard knew of, or had half an hour to learn of. Which of the newer
    /// ones it may have seen is not asked: each of them counts.
    pub(super) fn let_back_in(&self, violations: &mut Vec<String>) {
        for write in &self.state.writes {
            let Some(role) = self.meant(write) else {
                continue;
            };
            let approved = |version: &&Version| {
                version.by != Writer::Guard
                    && version.at < write.at
                    && rules_within(&self.state.remediator_rules, version.at, write.at)
                        .any(|rules| !self.oracle.violates(&version.sent, rules, write.at))
            };
            let approved: Vec<&Version> = role.versions.iter().filter(approved).collect();
            let known = |version: &&&Version| {
                let then = version.at + HOUR / 2;
                // An order that fails again and again keeps those behind it waiting for longer.
                let in_time = then < write.at && !self.troubled();
                (in_time && self.handled(&version.event_id) || write.knew(version))
                    && rules_within(&self.state.remediator_rules, version.at, then.min(write.at))
                        .all(|rules| !self.oracle.violates(&version.sent, rules, version.at))
            };
            let Some(newest) = approved.iter().rev().find(known) else {
                continue;
            };
            let since = approved.iter().filter(|version| version.at >= newest.at);
            let shown = write.read.and_then(|read| role.at(read.showed));
            // A forged event of what is live passes for somebody's wish to have it.
            let forged = self.state.forged.iter();
            let forged = forged.filter(|forged| forged.role == role.name && forged.at < write.at);
            let admitted: BTreeSet<String> = since
                .map(|version| &version.sent)
                .chain(forged.map(|forged| &forged.kept))
                .chain(shown.map(|shown| &shown.sent))
                .chain([&write.replaced])
                .flat_map(|document| self.oracle.third_parties(document, write.at))
                .collect();
            let lets_in = self.oracle.third_parties(&write.document, write.at);
            if !lets_in.is_subset(&admitted) {
                violations.push(format!(
                    "at {} a write let a third party back in: {}",
                    write.at, write.document
                ));
            }
        }
    }

    /// The role that a write was meant for. IAM takes writes by name: where all reads still showed the
    /// one that was deleted, it is that one which was to be remediated.
    fn meant(&self, write: &GuardWrite) -> Option<&Role> {
        let written = self.role(&write.role_id)?;
        let read = write.read?;
        let shown = self.state.account.role_at(&written.name, read.showed);
        Some(shown.unwrap_or(written))
    }

    /// A repair keeps all compliant access of the document that it repairs.
    pub(super) fn repairs(&self, violations: &mut Vec<String>) {
        for write in &self.state.writes {
            let intent = self.intent(write);
            let repair =
                intent.is_some_and(|own| own.kind == WriteKind::Repair && own.dropped.is_empty());
            let shown = write.read.and_then(|read| {
                let version = self.meant(write)?.at(read.showed)?;
                Some(self.state.account.shown(version, read.showed))
            });
            let Some(shown) = shown.filter(|_| repair) else {
                continue;
            };
            let lost = apart(&shown).into_iter().any(|alone| {
                !self.oracle.violates(&alone, write.rules, write.at)
                    && !self
                        .oracle
                        .allowed(&alone, write.at)
                        .within(self.oracle.allowed(&write.document, write.at))
            });
            if lost {
                violations.push(format!(
                    "a repair of {shown} took compliant access: {}",
                    write.document
                ));
            }
        }
    }

    /// What stands as the guard wrote it is not written again because a read shows what it
    /// replaced, unless an answer was lost, or that first write ran over more than its own reads
    /// had shown: the guard cannot know that it replaced that, and to wait would leave the role
    /// exposed to whoever came back after it. (One write more changes nothing and is within the
    /// budget.)
    pub(super) fn needless(&self, violations: &mut Vec<String>) {
        let disturbed = self.troubled() || self.state.stopped;
        let shown = |write: &GuardWrite| {
            let read = write.read?;
            let version = self.role(&write.role_id)?.at(read.showed)?;
            Some(version.kept.clone())
        };
        for (index, write) in self.state.writes.iter().enumerate() {
            let earlier = self.state.writes.iter().take(index).rev();
            let mut earlier = earlier.filter(|other| other.role_id == write.role_id);
            let known = earlier.next().and_then(|last| {
                let replaced = as_kept(&last.replaced);
                (shown(last)? == replaced).then_some(replaced)
            });
            let stands = known.is_some()
                && shown(write) == known
                && write.replaced_by == Writer::Guard
                && as_kept(&write.replaced) == as_kept(&write.document);
            if stands && !disturbed {
                violations.push(format!("what stands was written again: {}", write.document));
            }
        }
    }

    /// The last write of an hour ends the exposure, one that an SCP forbids is not tried again, and
    /// an order that was judged by other rules waits for them.
    pub(super) fn closing(&self, violations: &mut Vec<String>) {
        let most = self.ran.setting.most as usize;
        for (index, write) in self.state.writes.iter().enumerate() {
            let earlier = self.state.writes.iter().take(index);
            let within = earlier
                .filter(|other| other.role_id == write.role_id && other.at > write.at - HOUR);
            if within.count() + 1 == most && write.document != QUARANTINE {
                violations.push(format!(
                    "the last write of an hour leaves somebody in: {}",
                    write.document
                ));
            }
            if write.hasty {
                violations.push(format!(
                    "an order judged by other rules did not wait for them: {}",
                    write.document
                ));
            }
        }
        // Without state it cannot be remembered that it was tried.
        let away = self.state.coverage.contains(&Coverage::StateUnavailable);
        let disturbed = self.troubled() || self.state.stopped || away;
        for (order, tries) in &self.state.forbidden {
            if *tries > 1 && !disturbed {
                violations.push(format!("{order} met an SCP {tries} times"));
            }
        }
    }
}
