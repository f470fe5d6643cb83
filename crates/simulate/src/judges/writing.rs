//! What the guard wrote, how often, and what it thereby took or gave.

use std::collections::BTreeMap;

use guard::model::document_digest;
use guard::remediate::QUARANTINE;
use guard::state::history::WriteKind;

use super::{Court, HOUR};
use crate::account::{Role, Writer, as_kept};
use crate::cast::PROTECTED;
use crate::counts::Happened;
use crate::documents::{OWN, apart};
use crate::scene::{GuardWrite, clock, laws_since, laws_within};

impl Court<'_> {
    /// How often the guard wrote.
    pub(super) fn writes(&self, wrongs: &mut Vec<String>) {
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
                .filter(|version| self.unlawful_since(&version.sent, version.at))
                .count();
            let most = bad
                + run_over
                + self.inside.failed_writes as usize
                + self.late_lawful(role)
                + self.outlawed(role);
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
            .filter(|version| {
                laws_since(&self.inside.remediator_laws, version.at)
                    .any(|law| !self.oracle.violates(&version.sent, law))
            })
            .count()
    }

    /// Documents of the guard's own that new rules forbade while they stood.
    fn outlawed(&self, role: &Role) -> usize {
        let ends = role.versions.iter().skip(1).map(|next| next.at);
        let ends = ends.chain([role.deleted.unwrap_or(self.inside.now)]);
        role.versions
            .iter()
            .zip(ends)
            .filter(|(version, end)| {
                version.by == Writer::Guard
                    && laws_within(&self.inside.remediator_laws, version.at, *end)
                        .any(|law| self.oracle.violates(&version.sent, law))
            })
            .count()
    }

    /// What the guard wrote grants no more than the rules allow, and a repair no more than what
    /// it repaired.
    pub(super) fn contents(&self, wrongs: &mut Vec<String>) {
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

    /// The role that a write was meant for. IAM takes writes by name: where all reads still showed the
    /// one that was deleted, it is that one which was to be put right.
    fn meant(&self, write: &GuardWrite) -> Option<&Role> {
        let written = self.role(&write.role_id)?;
        let read = write.read?;
        let shown = self.inside.account.role_at(&written.name, read.showed);
        Some(shown.unwrap_or(written))
    }

    /// A repair keeps every lawful way in of the document that it repairs.
    pub(super) fn repairs(&self, wrongs: &mut Vec<String>) {
        for write in &self.inside.writes {
            let history = self.ran.scene.state.history(OWN, &write.role_id);
            let digest = document_digest(&write.document);
            // The intent just before: a revert may put back what a repair wrote a little earlier.
            let intent = history.as_ref().and_then(|history| {
                history
                    .writes
                    .iter()
                    .filter(|own| own.digest == digest)
                    .filter(|own| {
                        (0..60).contains(&clock(write.at).duration_since(own.at).as_secs())
                    })
                    .max_by_key(|own| own.at)
            });
            let repair =
                intent.is_some_and(|own| own.kind == WriteKind::Repair && own.dropped.is_empty());
            let shown = write.read.and_then(|read| {
                let version = self.meant(write)?.at(read.showed)?;
                Some(self.inside.account.shown(version, read.showed))
            });
            let Some(shown) = shown.filter(|_| repair) else {
                continue;
            };
            let lost = apart(&shown).into_iter().any(|alone| {
                !self.oracle.violates(&alone, write.law)
                    && !self
                        .oracle
                        .entrants(&alone)
                        .within(self.oracle.entrants(&write.document))
            });
            if lost {
                wrongs.push(format!(
                    "a repair of {shown} took a lawful way in: {}",
                    write.document
                ));
            }
        }
    }

    /// What stands as the guard wrote it is not written again because a read shows what it
    /// replaced, unless an answer was lost, or that first write ran over more than its own reads
    /// had shown: the guard cannot know that it replaced that, and to wait would leave the door
    /// open to whoever came back after it. (One write more changes nothing and is within the
    /// budget.)
    pub(super) fn needless(&self, wrongs: &mut Vec<String>) {
        let disturbed = self.troubled() || self.inside.stopped;
        let shown = |write: &GuardWrite| {
            let read = write.read?;
            let version = self.role(&write.role_id)?.at(read.showed)?;
            Some(version.kept.clone())
        };
        for (index, write) in self.inside.writes.iter().enumerate() {
            let earlier = self.inside.writes.iter().take(index).rev();
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
                wrongs.push(format!("what stands was written again: {}", write.document));
            }
        }
    }

    /// The last write of an hour closes the door, one that an SCP forbids is not tried again, and
    /// an order that was judged by other rules waits for them.
    pub(super) fn closing(&self, wrongs: &mut Vec<String>) {
        let most = self.ran.setting.most as usize;
        for (index, write) in self.inside.writes.iter().enumerate() {
            let earlier = self.inside.writes.iter().take(index);
            let within = earlier
                .filter(|other| other.role_id == write.role_id && other.at > write.at - HOUR);
            if within.count() + 1 == most && write.document != QUARANTINE {
                wrongs.push(format!(
                    "the last write of an hour leaves somebody in: {}",
                    write.document
                ));
            }
            if write.hasty {
                wrongs.push(format!(
                    "an order judged by other rules did not wait for them: {}",
                    write.document
                ));
            }
        }
        // Without state it cannot be remembered that it was tried.
        let away = self.inside.happened.contains(&Happened::StateUnavailable);
        let disturbed = self.troubled() || self.inside.stopped || away;
        for (order, tries) in &self.inside.forbidden {
            if *tries > 1 && !disturbed {
                wrongs.push(format!("{order} met an SCP {tries} times"));
            }
        }
    }
}
