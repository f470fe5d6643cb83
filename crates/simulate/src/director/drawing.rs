//! What is drawn before a history begins: how much goes wrong, where invocations are stopped on
//! purpose, who takes part.

use super::Director;
use crate::account::{Moment, Outsider, Writer};
use crate::cast::{Act, Character, PROTECTED, ROLE, amend, create};
use crate::counts::{Happened, PAIRS, Pair};
use crate::dice::Dice;
use crate::documents::{Amendment, BETA_ROLE, Part};
use crate::hand::{LONG_STALENESS, STALENESS};
use crate::scene::{Happening, Inside, Weather};

/// Until when others act.
const ACTS: Moment = 40 * 60_000;
/// When the guard has been deployed and has looked at what is there.
const DEPLOYED: Moment = 5_000;

/// Most histories have a few troubles, not all of them.
pub(super) fn weather(dice: &mut Dice) -> Weather {
    let mut some = |chance: u32, rate: u32| if dice.per_mille(chance) { rate } else { 0 };
    let slow = some(350, 1) == 1;
    let stale = some(400, if slow { 600 } else { 300 });
    let errors = some(250, 40);
    let lies = some(200, 30);
    let duplicates = some(350, 250);
    let late = some(350, 300);
    let lost = some(250, 200);
    let omitted = some(150, 150);
    let forbidden = some(40, 1) == 1;
    let window = some(200, 1) == 1;
    let stall = some(60, 1) == 1;
    let hangs_after = some(500, 1) == 1;
    let mut soon = |chance: u32| {
        dice.per_mille(chance)
            .then(|| u32::try_from(dice.between(0, 60)).unwrap_or(0))
    };
    let hang = soon(120);
    let crash = soon(250);
    Weather {
        stale,
        staleness: if slow { LONG_STALENESS } else { STALENESS },
        errors,
        lies,
        duplicates,
        late,
        lost,
        omitted,
        forbidden,
        window,
        stall,
        hang,
        hangs_after,
        crash,
    }
}

/// What few histories come to.
const LATE: [Pair; 3] = [
    ("read kept document", "deny sessions"),
    ("read history", "finish order"),
    ("write trust policy", "save history"),
];

/// Where invocations are stopped on purpose, in half of the histories.
pub(super) fn pairs(dice: &mut Dice) -> Vec<Pair> {
    if dice.per_mille(500) {
        return Vec::new();
    }
    let mut pairs = Vec::new();
    for _ in 0..dice.between(1, 3) {
        // Few histories come to what follows a write.
        let late = dice.per_mille(150);
        let among = if late { &LATE[..] } else { &PAIRS[..] };
        pairs.extend(dice.one_of(among).copied());
    }
    pairs.dedup();
    pairs
}

impl Director {
    /// Who takes part, and when.
    pub(super) fn cast(&mut self) {
        let mut inside = self.scene.inside();
        let inside = &mut *inside;
        let too_new = inside.dice.per_mille(100);
        let outsider = Outsider {
            arn: BETA_ROLE.to_owned(),
            unique_id: "AROA2E3F4G5H6I7J8K9LM".to_owned(),
            refused_until: if too_new { 45_000 } else { 0 },
            deleted: None,
        };
        inside.account.outsiders.push(outsider);
        let known_to_be_new = !too_new;
        let parts: &[Part] = if known_to_be_new {
            &[Part::Acme, Part::Beta]
        } else {
            &[Part::Acme]
        };
        create(inside, ROLE, parts, Writer::Administrator);
        if inside.dice.per_mille(300) {
            create(inside, PROTECTED, &[Part::Acme], Writer::Administrator);
            self.characters.push(Character {
                part: Act::Attack,
                role: PROTECTED,
                times: 1,
                every: (1, 1),
            });
        }
        let attacks = inside.dice.between(1, 4);
        let flips = inside.dice.per_mille(150);
        if flips {
            inside.happened.insert(Happened::FlippingAttacker);
        }
        self.characters.push(Character {
            part: Act::Attack,
            role: ROLE,
            times: if flips {
                12
            } else {
                u32::try_from(attacks).unwrap_or(1)
            },
            every: if flips {
                (2_000, 90_000)
            } else {
                (20_000, 900_000)
            },
        });
        others(inside, &mut self.characters);
        inside.plan(0, Happening::Sweep);
        inside.plan(DEPLOYED, Happening::StormBegins);
        happenings(inside, self.characters.len());
    }
}

/// Who else may take part.
fn others(inside: &mut Inside, characters: &mut Vec<Character>) {
    if inside.dice.per_mille(40) {
        characters.push(Character {
            part: Act::Flood,
            role: ROLE,
            times: 16,
            every: (500, 6_000),
        });
    }
    if inside.dice.per_mille(600) {
        let times = u32::try_from(inside.dice.between(1, 3)).unwrap_or(1);
        characters.push(Character {
            part: Act::Administrate,
            role: ROLE,
            times,
            every: (5_000, 900_000),
        });
    }
    if inside.dice.per_mille(200) {
        let bad = inside.dice.per_mille(500);
        let parts = if bad {
            vec![Part::Acme, Part::NoExternalId]
        } else {
            vec![Part::Acme, Part::Service]
        };
        characters.push(Character {
            part: Act::Reapply(parts),
            role: ROLE,
            times: 8,
            every: (120_000, 300_000),
        });
    }
    if inside.dice.per_mille(120) {
        characters.push(Character {
            part: Act::Recreate,
            role: ROLE,
            times: 1,
            every: (1, 1),
        });
    }
    if inside.dice.per_mille(150) {
        characters.push(Character {
            part: Act::Onboard { event: None },
            role: ROLE,
            times: 2,
            every: (200_000, 900_000),
        });
    }
}

/// What happens to the account, and when.
fn happenings(inside: &mut Inside, characters: usize) {
    for index in 0..characters {
        let at = inside.dice.mostly_short(10_000, ACTS * 3 / 4);
        inside.plan(at, Happening::Act(index));
    }
    if inside.dice.per_mille(150) {
        let at = inside.dice.between(60_000, ACTS / 2);
        inside.plan(at, Happening::PrincipalGoes);
    }
    if inside.dice.per_mille(120) {
        let at = inside.dice.between(60_000, ACTS * 3 / 4);
        amend(inside, at, Amendment::WithoutBeta);
    }
    if inside.dice.per_mille(120) {
        let at = inside.dice.between(10_000, ACTS * 3 / 4);
        let until = at + inside.dice.mostly_short(1_000, 900_000);
        inside.plan(at, Happening::OutageBegins);
        inside.plan(until, Happening::OutageEnds);
    }
}
