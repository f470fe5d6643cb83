//! Who acts on the account besides the guard.

use crate::account::{Moment, Role, Version, Writer, as_kept};
use crate::counts::Coverage;
use crate::documents::{OWN, Part, RuleSet, RulesChange, document};
use crate::events::{REMEDIATOR_ROLE, record_creation, record_deletion, record_write};
use crate::state::{Forged, Scheduled, SharedState, State};

/// The role that most happens to.
pub const ROLE: &str = "VendorAccess";
/// A role that the guard never writes.
pub const PROTECTED: &str = "VendorBreakGlass";
/// A role that violated the rules before the guard came, which leaves that to people.
pub const PARTNER: &str = "VendorPartner";
/// A role that is for our own account, and by which a third party gets further.
pub const DEPLOY: &str = "Deploy";
/// Roles among which one back door is to be overlooked.
const DECOYS: [&str; 18] = [
    "VendorDecoy01",
    "VendorDecoy02",
    "VendorDecoy03",
    "VendorDecoy04",
    "VendorDecoy05",
    "VendorDecoy06",
    "VendorDecoy07",
    "VendorDecoy08",
    "VendorDecoy09",
    "VendorDecoy10",
    "VendorDecoy11",
    "VendorDecoy12",
    "VendorDecoy13",
    "VendorDecoy14",
    "VendorDecoy15",
    "VendorDecoy16",
    "VendorDecoy17",
    "VendorDecoy18",
];

/// Someone with an intent.
#[derive(Debug, Clone)]
pub struct Actor {
    /// What for.
    pub part: Act,
    /// Which role.
    pub role: &'static str,
    /// How often still.
    pub times: u32,
    /// How long between.
    pub every: (Moment, Moment),
}

/// What an actor does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Exposes the role, each time differently.
    Attack,
    /// Exposes the role to everyone, many times within minutes.
    Flood,
    /// Exposes the role, saves a compliant document at once, and exposes it again while the guard may
    /// still be in doubt about the first: so many of these are done.
    Flicker(u32),
    /// Creates many roles that everybody sees to be open, then opens this one to another account.
    Bury(bool),
    /// Calls the detecting function with an event that IAM never saw.
    Forge,
    /// Lets another role assume this one.
    Chain,
    /// Saves a compliant document.
    Administrate,
    /// Applies the same document again, if another one stands.
    Reapply(Vec<Part>),
    /// Deletes the role and creates it again; the new one may be exposed.
    Recreate,
    /// Gives access to a vendor that nobody registered yet: somebody saves the document, which the guard
    /// undoes; the operator registers the vendor, and restores what was kept.
    Onboard {
        /// Of the event that the incident is about.
        event: Option<String>,
    },
}

/// The actor's next act. Whether there will be another is scheduled as well.
pub fn act(shared: &SharedState, actors: &mut [Actor], index: usize) {
    let mut state = shared.lock();
    let state = &mut *state;
    let Some(actor) = actors.get_mut(index) else {
        return;
    };
    if state.quiesced || actor.times == 0 {
        return;
    }
    actor.times -= 1;
    let role = actor.role;
    match &mut actor.part {
        Act::Attack => {
            let by = if state.rng.per_mille(30) {
                state.coverage.insert(Coverage::StolenRole);
                Writer::Thief
            } else {
                Writer::Attacker
            };
            attack(state, role, by);
            if role != PROTECTED && state.rng.per_mille(200) {
                let at = state.now + state.rng.between(1_000, 30_000);
                state.schedule(at, Scheduled::Correct(role));
            }
        }
        part @ (Act::Flicker(_) | Act::Bury(_) | Act::Forge | Act::Chain) => {
            scheme(state, role, part, &mut actor.every);
        }
        Act::Flood => save(state, role, &[Part::Everyone], Writer::Attacker),
        Act::Administrate => {
            let parts = compliant_parts(state);
            save(state, role, &parts, Writer::Administrator);
        }
        Act::Reapply(parts) => {
            let wanted = document(parts, 0);
            let stands = state
                .account
                .role_at(role, state.now)
                .and_then(Role::live)
                .map(|live| live.kept == as_kept(&wanted));
            if stands == Some(false) {
                if state.writes.last().is_some() {
                    state.coverage.insert(Coverage::RivalReapplying);
                }
                write(state, role, wanted, Writer::Terraform);
            }
        }
        Act::Recreate => recreate(state, role),
        Act::Onboard {
            event: event @ None,
        } => {
            let text = document(&[Part::Acme, Part::Gamma], 0);
            write(state, role, text, Writer::Administrator);
            *event = state.events.last().map(|last| last.id.clone());
            let at = state.now + state.rng.between(60_000, 400_000);
            deploy_rules(state, at, RulesChange::WithGamma);
        }
        Act::Onboard { event: Some(event) } => restore(shared, state, role, event),
    }
    if actor.times > 0 {
        let (low, high) = actor.every;
        let at = state.now + state.rng.between(low, high);
        state.schedule(at, Scheduled::Act(index));
    }
}

/// An administrator saves a compliant document.
pub fn correct(state: &mut State, role: &str) {
    if !state.quiesced {
        let parts = compliant_parts(state);
        save(state, role, &parts, Writer::Administrator);
    }
}

/// New rules reach the functions, one after the other.
pub fn deploy_rules(state: &mut State, at: Moment, change: RulesChange) {
    let later = at + state.rng.mostly_short(0, 180_000);
    let (first, second) = if state.rng.per_mille(500) {
        (at, later)
    } else {
        (later, at)
    };
    state.schedule(first, Scheduled::DeployDetecting(change));
    state.schedule(second, Scheduled::DeployRemediator(change));
}

/// The operator puts back the document that the guard kept, if its own still stands.
fn restore(shared: &SharedState, state: &mut State, role: &str, event: &str) {
    let approved = |rules: RuleSet| rules.gamma;
    let stands = state.account.role_at(role, state.now).and_then(Role::live);
    if stands.is_none_or(|live| live.by != Writer::Guard)
        || !approved(state.detecting_rules_now())
        || !approved(state.remediator_rules_now())
    {
        return;
    }
    let kept = shared.kept_document(&guard::incident_id(OWN, event));
    if let Some(kept) = kept
        && write(state, role, kept.document, Writer::Operator)
    {
        state.coverage.insert(Coverage::ApprovedAndRestored);
    }
}

/// The administrator saves a compliant document just before the guard's write reaches IAM.
pub fn administrator_in_the_window(state: &mut State, role: &str) {
    // After the read, which took place at this very moment.
    state.now += 1;
    let parts = compliant_parts(state);
    let mark = state.rng.between(100, 119);
    let text = document(&parts, u32::try_from(mark).unwrap_or(1));
    if write(state, role, text, Writer::Administrator) {
        state.coverage.insert(Coverage::ApprovedInTheWindow);
    }
}

/// What a compliant document may hold now: what the removed vendor's people would save is none.
fn compliant_parts(state: &mut State) -> Vec<Part> {
    let beta = state.remediator_rules_now().beta && state.detecting_rules_now().beta;
    let mut parts: Vec<Part> = Part::COMPLIANT
        .into_iter()
        .filter(|part| *part != Part::Beta || beta)
        .filter(|_| state.rng.per_mille(600))
        .collect();
    if parts.is_empty() {
        parts.push(Part::Acme);
    }
    parts
}

fn violating_parts(state: &mut State) -> Vec<Part> {
    let mut parts = if state.rng.per_mille(700) {
        compliant_parts(state)
    } else {
        Vec::new()
    };
    let bad = if state.rng.per_mille(120) {
        window(state)
    } else {
        let bad = state.rng.one_of(&Part::VIOLATING).copied();
        bad.unwrap_or(Part::UnknownAccount)
    };
    if bad == Part::UniqueId {
        state.coverage.insert(Coverage::UniqueIdAsSent);
    }
    let at = usize::try_from(state.rng.between(0, 9))
        .unwrap_or(0)
        .min(parts.len());
    parts.insert(at, bad);
    parts
}

/// A stretch of time that is over before the event is handled, or begins after that and ends, in most
/// histories, before the sweep comes.
fn window(state: &mut State) -> Part {
    let second = state.now / 1_000 * 1_000;
    if state.rng.per_mille(500) {
        state.coverage.insert(Coverage::WindowBeforeHandling);
        let closes = second + 1_000 * state.rng.between(2, 5);
        return Part::Window(second - 1_000, closes);
    }
    state.coverage.insert(Coverage::WindowOpensLater);
    let opens = second + 1_000 * state.rng.between(60, 1_500);
    let lasts = if state.rng.per_mille(800) {
        1_000 * state.rng.between(60, 1_800)
    } else {
        FOREVER
    };
    Part::Window(opens, opens + lasts)
}

fn attack(state: &mut State, role: &str, by: Writer) {
    let parts = violating_parts(state);
    save(state, role, &parts, by);
}

/// What somebody tries who knows the guard.
fn scheme(state: &mut State, role: &str, part: &mut Act, every: &mut (Moment, Moment)) {
    match part {
        Act::Flicker(done @ 1) => {
            *done += 1;
            *every = (10_000, 60_000);
            correct(state, role);
        }
        Act::Flicker(done) => {
            *done += 1;
            state.coverage.insert(Coverage::Flicker);
            attack(state, role, Writer::Attacker);
        }
        Act::Bury(decoys @ false) => {
            *decoys = true;
            for decoy in DECOYS {
                create(state, decoy, &[Part::UnknownAccount], Writer::Attacker);
            }
        }
        Act::Bury(true) => {
            state.coverage.insert(Coverage::Decoys);
            save(state, role, &[Part::Acme, Part::Buried], Writer::Attacker);
        }
        Act::Chain => {
            state.coverage.insert(Coverage::Chain);
            save(state, role, &[Part::Own, Part::Through], Writer::Attacker);
        }
        _ => forge(state, role),
    }
}

/// An event of a change that nobody made: it copies what is live, carries a violation that never was,
/// or carries nothing.
fn forge(state: &mut State, role: &str) {
    let live = state.account.role_at(role, state.now).and_then(Role::live);
    let Some(live) = live.map(|live| live.kept.clone()) else {
        return;
    };
    state.coverage.insert(Coverage::ForgedEvent);
    let event_id = state.new_event_id();
    let document = if state.rng.per_mille(600) {
        if role == PARTNER {
            state.coverage.insert(Coverage::ForgedCopy);
        }
        live
    } else {
        let parts = violating_parts(state);
        document(&parts, 0)
    };
    state.log(|| format!("somebody forges an event of {role}: {document}"));
    state.forged.push(Forged {
        at: state.now,
        role: role.to_owned(),
        kept: as_kept(&document),
    });
    record_write(state, role, &document, Writer::Attacker, event_id, None);
}

fn save(state: &mut State, role: &str, parts: &[Part], by: Writer) {
    let mark = state.rng.between(1, 20);
    write(
        state,
        role,
        document(parts, u32::try_from(mark).unwrap_or(1)),
        by,
    );
}

/// Longer than any history.
const FOREVER: Moment = 1_000 * 3_600_000;

/// UpdateAssumeRolePolicy by someone other than the guard. A refusal leaves no trace.
pub fn write(state: &mut State, role: &str, text: String, by: Writer) -> bool {
    let event_id = state.new_event_id();
    let version = Version {
        at: state.now,
        kept: as_kept(&text),
        sent: text.clone(),
        by,
        event_id: event_id.clone(),
    };
    if state.account.write(role, version).is_err() {
        return false;
    }
    state.log(|| format!("{by:?} saves {role}: {text}"));
    let issuer = (by == Writer::Thief).then_some(REMEDIATOR_ROLE);
    record_write(state, role, &text, by, event_id, issuer);
    true
}

/// CreateRole.
pub fn create(state: &mut State, role: &'static str, parts: &[Part], by: Writer) {
    let (id, text, event_id) = add(state, role, parts, by);
    record_creation(state, role, &id, &text, by, event_id);
}

/// The role is there; `record_creation` says so, unless it was created before the guard came. Its id,
/// its document, and the id of the event.
pub fn add(
    state: &mut State,
    role: &'static str,
    parts: &[Part],
    by: Writer,
) -> (String, String, String) {
    let event_id = state.new_event_id();
    let text = document(parts, 0);
    let id = format!("AROA{:017}", state.account.roles.len() + 1);
    let now = state.now;
    state.account.roles.push(Role {
        name: role.to_owned(),
        id: id.clone(),
        created: now,
        deleted: None,
        versions: vec![Version {
            at: now,
            kept: as_kept(&text),
            sent: text.clone(),
            by,
            event_id: event_id.clone(),
        }],
        sessions_denied_before: None,
        denials: Vec::new(),
    });
    state.log(|| format!("{by:?} creates {role}: {text}"));
    (id, text, event_id)
}

fn recreate(state: &mut State, role: &'static str) {
    if state.rng.per_mille(300) {
        // The event of a change that the old role got in its last second names the new one as well.
        let parts = compliant_parts(state);
        save(state, role, &parts, Writer::Administrator);
        state.now += 1;
    }
    let now = state.now;
    let Some(old) = state.account.role_mut(role) else {
        return;
    };
    old.deleted = Some(now);
    let event_id = state.new_event_id();
    record_deletion(state, role, Writer::Administrator, event_id);
    state.coverage.insert(Coverage::Recreated);
    let open = state.rng.per_mille(500);
    let parts = if open {
        violating_parts(state)
    } else {
        compliant_parts(state)
    };
    state.now += 1;
    create(
        state,
        role,
        &parts,
        if open {
            Writer::Attacker
        } else {
            Writer::Administrator
        },
    );
}
