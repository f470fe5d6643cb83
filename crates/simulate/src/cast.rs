//! Who acts on the account besides the guard.

use crate::account::{Moment, Role, Version, Writer, as_kept};
use crate::counts::Happened;
use crate::documents::{Amendment, Law, OWN, Part, document};
use crate::scene::{Happening, Inside, Scene};
use crate::trail::{REMEDIATOR_ROLE, record_creation, record_deletion, record_write};

/// The role that most happens to.
pub const ROLE: &str = "VendorAccess";
/// A role that the guard never writes.
pub const PROTECTED: &str = "VendorBreakGlass";

/// Someone with an intent.
#[derive(Debug, Clone)]
pub struct Character {
    /// What for.
    pub part: Act,
    /// Which role.
    pub role: &'static str,
    /// How often still.
    pub times: u32,
    /// How long between.
    pub every: (Moment, Moment),
}

/// What a character does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Opens the role, each time differently.
    Attack,
    /// Opens the role to everyone, many times within minutes.
    Flood,
    /// Saves a lawful document.
    Administrate,
    /// Applies the same document again, if another one stands.
    Reapply(Vec<Part>),
    /// Deletes the role and creates it again; the new one may be open.
    Recreate,
    /// Lets a vendor in that nobody registered yet: somebody saves the document, which the guard
    /// undoes; the operator registers the vendor, and puts back what was kept.
    Onboard {
        /// Of the event that the incident is about.
        event: Option<String>,
    },
}

/// The character's next deed. Whether there will be another is planned as well.
pub fn act(scene: &Scene, characters: &mut [Character], index: usize) {
    let mut inside = scene.inside();
    let inside = &mut *inside;
    let Some(character) = characters.get_mut(index) else {
        return;
    };
    if inside.calm || character.times == 0 {
        return;
    }
    character.times -= 1;
    let role = character.role;
    match &mut character.part {
        Act::Attack => {
            let parts = unlawful_parts(inside);
            let by = if inside.dice.per_mille(30) {
                inside.happened.insert(Happened::StolenRole);
                Writer::Thief
            } else {
                Writer::Attacker
            };
            save(inside, role, &parts, by);
            if role != PROTECTED && inside.dice.per_mille(200) {
                let at = inside.now + inside.dice.between(1_000, 30_000);
                inside.plan(at, Happening::Correct(role));
            }
        }
        Act::Flood => save(inside, role, &[Part::Everyone], Writer::Attacker),
        Act::Administrate => {
            let parts = lawful_parts(inside);
            save(inside, role, &parts, Writer::Administrator);
        }
        Act::Reapply(parts) => {
            let wanted = document(parts, 0);
            let stands = inside
                .account
                .role_at(role, inside.now)
                .and_then(Role::live)
                .map(|live| live.kept == as_kept(&wanted));
            if stands == Some(false) {
                if inside.writes.last().is_some() {
                    inside.happened.insert(Happened::RivalReapplying);
                }
                write(inside, role, wanted, Writer::Terraform);
            }
        }
        Act::Recreate => recreate(inside, role),
        Act::Onboard {
            event: event @ None,
        } => {
            let text = document(&[Part::Acme, Part::Gamma], 0);
            write(inside, role, text, Writer::Administrator);
            *event = inside.trail.last().map(|last| last.id.clone());
            let at = inside.now + inside.dice.between(60_000, 400_000);
            amend(inside, at, Amendment::WithGamma);
        }
        Act::Onboard { event: Some(event) } => restore(scene, inside, role, event),
    }
    if character.times > 0 {
        let (low, high) = character.every;
        let at = inside.now + inside.dice.between(low, high);
        inside.plan(at, Happening::Act(index));
    }
}

/// An administrator saves a lawful document.
pub fn correct(inside: &mut Inside, role: &str) {
    if !inside.calm {
        let parts = lawful_parts(inside);
        save(inside, role, &parts, Writer::Administrator);
    }
}

/// New rules reach the functions, one after the other.
pub fn amend(inside: &mut Inside, at: Moment, amendment: Amendment) {
    let later = at + inside.dice.mostly_short(0, 180_000);
    let (first, second) = if inside.dice.per_mille(500) {
        (at, later)
    } else {
        (later, at)
    };
    inside.plan(first, Happening::DeployDetecting(amendment));
    inside.plan(second, Happening::DeployRemediator(amendment));
}

/// The operator puts back the document that the guard kept, if its own still stands.
fn restore(scene: &Scene, inside: &mut Inside, role: &str, event: &str) {
    let approved = |law: Law| law.gamma;
    let stands = inside
        .account
        .role_at(role, inside.now)
        .and_then(Role::live);
    if stands.is_none_or(|live| live.by != Writer::Guard)
        || !approved(inside.detecting_law())
        || !approved(inside.remediator_law())
    {
        return;
    }
    let kept = scene.kept_document(&guard::incident_id(OWN, event));
    if let Some(kept) = kept
        && write(inside, role, kept.document, Writer::Operator)
    {
        inside.happened.insert(Happened::ApprovedAndRestored);
    }
}

/// The administrator saves a lawful document just before the guard's write reaches IAM.
pub fn administrator_in_the_window(inside: &mut Inside, role: &str) {
    // After the read, which took place at this very moment.
    inside.now += 1;
    let parts = lawful_parts(inside);
    let mark = inside.dice.between(100, 119);
    let text = document(&parts, u32::try_from(mark).unwrap_or(1));
    if write(inside, role, text, Writer::Administrator) {
        inside.happened.insert(Happened::ApprovedInTheWindow);
    }
}

/// What a lawful document may hold now: what the removed vendor's people would save is none.
fn lawful_parts(inside: &mut Inside) -> Vec<Part> {
    let beta = inside.remediator_law().beta && inside.detecting_law().beta;
    let mut parts: Vec<Part> = Part::LAWFUL
        .into_iter()
        .filter(|part| *part != Part::Beta || beta)
        .filter(|_| inside.dice.per_mille(600))
        .collect();
    if parts.is_empty() {
        parts.push(Part::Acme);
    }
    parts
}

fn unlawful_parts(inside: &mut Inside) -> Vec<Part> {
    let mut parts = if inside.dice.per_mille(700) {
        lawful_parts(inside)
    } else {
        Vec::new()
    };
    let bad = inside
        .dice
        .one_of(&Part::UNLAWFUL)
        .copied()
        .unwrap_or(Part::Stranger);
    let at = usize::try_from(inside.dice.between(0, 9))
        .unwrap_or(0)
        .min(parts.len());
    parts.insert(at, bad);
    parts
}

fn save(inside: &mut Inside, role: &str, parts: &[Part], by: Writer) {
    let mark = inside.dice.between(1, 20);
    write(
        inside,
        role,
        document(parts, u32::try_from(mark).unwrap_or(1)),
        by,
    );
}

/// UpdateAssumeRolePolicy by someone other than the guard. A refusal leaves no trace.
pub fn write(inside: &mut Inside, role: &str, text: String, by: Writer) -> bool {
    let event_id = inside.new_event_id();
    let version = Version {
        at: inside.now,
        kept: as_kept(&text),
        sent: text.clone(),
        by,
        event_id: event_id.clone(),
    };
    if inside.account.write(role, version).is_err() {
        return false;
    }
    inside.tell(|| format!("{by:?} saves {role}: {text}"));
    let issuer = (by == Writer::Thief).then_some(REMEDIATOR_ROLE);
    record_write(inside, role, &text, by, event_id, issuer);
    true
}

/// CreateRole.
pub fn create(inside: &mut Inside, role: &'static str, parts: &[Part], by: Writer) {
    let event_id = inside.new_event_id();
    let text = document(parts, 0);
    let id = format!("AROA{:017}", inside.account.roles.len() + 1);
    let now = inside.now;
    inside.account.roles.push(Role {
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
    inside.tell(|| format!("{by:?} creates {role}: {text}"));
    record_creation(inside, role, &id, &text, by, event_id);
}

fn recreate(inside: &mut Inside, role: &'static str) {
    if inside.dice.per_mille(300) {
        // The event of a change that the old role got in its last second names the new one as well.
        let parts = lawful_parts(inside);
        save(inside, role, &parts, Writer::Administrator);
        inside.now += 1;
    }
    let now = inside.now;
    let Some(old) = inside.account.role_mut(role) else {
        return;
    };
    old.deleted = Some(now);
    let event_id = inside.new_event_id();
    record_deletion(inside, role, Writer::Administrator, event_id);
    inside.happened.insert(Happened::Recreated);
    let open = inside.dice.per_mille(500);
    let parts = if open {
        unlawful_parts(inside)
    } else {
        lawful_parts(inside)
    };
    inside.now += 1;
    create(
        inside,
        role,
        &parts,
        if open {
            Writer::Attacker
        } else {
            Writer::Administrator
        },
    );
}
