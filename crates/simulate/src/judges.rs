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
use crate::hand::STALENESS;
use crate::scene::{BEGINNING, GuardWrite, Inside, clock, laws_since, laws_until};

const HOUR: Moment = 3_600_000;
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
    court.alerts(&mut wrongs);
    court.writes(&mut wrongs);
    court.contents(&mut wrongs);
    court.baselines(&mut wrongs);
    court.repairs(&mut wrongs);
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
            let by_law = laws_since(&self.inside.detecting_laws, live.at)
                .all(|law| self.oracle.violates(&live.sent, law));
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
            if !self.lawful_since(&last.sent, last.at)
                || !self.handled(&last.event_id)
                || self.inside.dead_orders()
            {
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
                    && laws_since(&self.inside.detecting_laws, version.at)
                        .all(|law| self.oracle.violates(&version.sent, law));
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
                .filter(|version| self.unlawful_since(&version.sent, version.at))
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
            .filter(|version| {
                laws_since(&self.inside.remediator_laws, version.at)
                    .any(|law| !self.oracle.violates(&version.sent, law))
            })
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
                let seen = baseline.seen_at.duration_since(BEGINNING).as_millis();
                let seen = i64::try_from(seen).unwrap_or(i64::MAX);
                let violated = laws_until(&self.inside.remediator_laws, seen)
                    .all(|law| self.oracle.violates(&baseline.document, law));
                if violated {
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

    /// A repair keeps every lawful way in of the document that it repairs.
    fn repairs(&self, wrongs: &mut Vec<String>) {
        for write in &self.inside.writes {
            let history = self.ran.scene.state.history(OWN, &write.role_id);
            let digest = document_digest(&write.document);
            let repair = history.is_some_and(|history| {
                history.writes.iter().any(|own| {
                    own.digest == digest
                        && own.kind == WriteKind::Repair
                        && own.dropped.is_empty()
                        && (0..60).contains(&clock(write.at).duration_since(own.at).as_secs())
                })
            });
            let shown = write.read.and_then(|read| {
                let role = self.role(&write.role_id)?;
                let version = role.at(read.showed)?;
                Some(self.inside.account.shown(version, read.showed))
            });
            let Some(shown) = shown.filter(|_| repair) else {
                continue;
            };
            let lost = crate::documents::apart(&shown).into_iter().any(|alone| {
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

    fn role(&self, id: &str) -> Option<&Role> {
        self.inside.account.roles.iter().find(|role| role.id == id)
    }

    /// Sessions are ended where the rules ask for it, and never on a role that services use.
    fn sessions(&self, wrongs: &mut Vec<String>) {
        let setting = self.ran.setting;
        for role in &self.inside.account.roles {
            let writes = || {
                let of_role = |write: &&GuardWrite| write.role_id == role.id;
                self.inside.writes.iter().filter(of_role)
            };
            for denied in &role.denials {
                if !setting.may_revoke || setting.revoke_sessions == "never" {
                    wrongs.push(format!("sessions of {} were ended unasked", role.name));
                }
                if !writes().any(|write| write.at <= *denied) {
                    wrongs.push(format!("sessions of {} were ended for nothing", role.name));
                }
                // As the guard could see it.
                let from = denied - STALENESS;
                let used = |version: &&Version| version.sent.contains(SERVICE);
                let seen = role.versions.iter().rev();
                let newer = seen
                    .take_while(|version| version.at > from)
                    .all(|version| used(&version));
                if newer && role.at(from).is_some_and(|version| used(&version)) {
                    wrongs.push(format!("a service lost its sessions of {}", role.name));
                }
            }
            for write in writes() {
                let incident = self.concluded(role, write);
                let Some((created, told)) = incident else {
                    continue;
                };
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
                    .any(|version| version.at <= told && version.sent.contains(SERVICE));
                let denied = role.denials.iter().any(|at| *at >= write.at);
                if asked && !by_services && !denied && !self.troubled() {
                    wrongs.push(format!("sessions of {} were to be ended", role.name));
                }
            }
        }
    }

    /// A write was told as done, and the next write had not come yet: whether the order was about
    /// a new role, and when it was told.
    fn concluded(&self, role: &Role, write: &GuardWrite) -> Option<(bool, Moment)> {
        let next = self
            .inside
            .writes
            .iter()
            .find(|next| next.role_id == role.id && next.at > write.at)
            .map_or(Moment::MAX, |next| next.at);
        self.inside.published.iter().find_map(|(alert, at)| {
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
            (done && ours && *at >= write.at && *at < next)
                .then(|| (cause.event_name == "CreateRole", *at))
        })
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
