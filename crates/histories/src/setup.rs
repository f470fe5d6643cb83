//! What is drawn before a history begins: how much goes wrong, where invocations are stopped on
//! purpose, who takes part.

use crate::account::{Moment, ThirdParty, Writer};
use crate::actors::{Act, Actor, DEPLOY, PARTNER, PROTECTED, ROLE, add, create, deploy_rules};
use crate::counts::{Coverage, PAIRS, Pair};
use crate::documents::{BETA_ROLE, Part, RulesChange};
use crate::ports::{LONG_STALENESS, STALENESS};
use crate::rng::Rng;
use crate::state::{FaultPlan, Scheduled, State};

/// Until when others act.
const ACTS: Moment = 40 * 60_000;
/// When the guard has been deployed and has looked at what is there.
const DEPLOYED: Moment = 5_000;

/// Most histories have a few troubles, not all of them.
pub fn fault_plan(rng: &mut Rng) -> FaultPlan {
    let mut some = |chance: u32, rate: u32| if rng.per_mille(chance) { rate } else { 0 };
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
        rng.per_mille(chance)
            .then(|| u32::try_from(rng.between(0, 60)).unwrap_or(0))
    };
    let hang = soon(120);
    let crash = soon(250);
    FaultPlan {
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
    ("read swept role", "finish order"),
    ("write trust policy", "save history"),
];

/// Where invocations are stopped on purpose, in half of the histories.
pub fn crash_pairs(rng: &mut Rng) -> Vec<Pair> {
    if rng.per_mille(500) {
        return Vec::new();
    }
    let mut pairs = Vec::new();
    for _ in 0..rng.between(1, 3) {
        // Few histories come to what follows a write.
        let late = rng.per_mille(150);
        let among = if late { &LATE[..] } else { &PAIRS[..] };
        pairs.extend(rng.one_of(among).copied());
    }
    pairs.dedup();
    pairs
}

/// Who takes part, and when.
pub fn actors(state: &mut State) -> Vec<Actor> {
    let mut actors = Vec::new();
    let too_new = state.rng.per_mille(100);
    let third_party = ThirdParty {
        arn: BETA_ROLE.to_owned(),
        unique_id: "AROA2E3F4G5H6I7J8K9LM".to_owned(),
        refused_until: if too_new { 45_000 } else { 0 },
        deleted: None,
    };
    state.account.third_parties.push(third_party);
    let known_to_be_new = !too_new;
    let parts: &[Part] = if known_to_be_new {
        &[Part::Acme, Part::Beta]
    } else {
        &[Part::Acme]
    };
    create(state, ROLE, parts, Writer::Administrator);
    if state.rng.per_mille(300) {
        create(state, PROTECTED, &[Part::Acme], Writer::Administrator);
        actors.push(Actor {
            part: Act::Attack,
            role: PROTECTED,
            times: 1,
            every: (1, 1),
        });
    }
    let attacks = state.rng.between(1, 4);
    let flips = state.rng.per_mille(150);
    if flips {
        state.coverage.insert(Coverage::FlippingAttacker);
    }
    actors.push(Actor {
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
    others(state, &mut actors);
    attackers(state, &mut actors);
    state.schedule(0, Scheduled::Sweep);
    state.schedule(DEPLOYED, Scheduled::FaultsBegin);
    schedule_all(state, actors.len());
    actors
}

/// Who else may take part.
fn others(state: &mut State, actors: &mut Vec<Actor>) {
    if state.rng.per_mille(40) {
        actors.push(Actor {
            part: Act::Flood,
            role: ROLE,
            times: 16,
            every: (500, 6_000),
        });
    }
    if state.rng.per_mille(600) {
        let times = u32::try_from(state.rng.between(1, 3)).unwrap_or(1);
        actors.push(Actor {
            part: Act::Administrate,
            role: ROLE,
            times,
            every: (5_000, 900_000),
        });
    }
    if state.rng.per_mille(200) {
        let bad = state.rng.per_mille(500);
        let parts = if bad {
            vec![Part::Acme, Part::NoExternalId]
        } else {
            vec![Part::Acme, Part::Service]
        };
        actors.push(Actor {
            part: Act::Reapply(parts),
            role: ROLE,
            times: 8,
            every: (120_000, 300_000),
        });
    }
    if state.rng.per_mille(120) {
        actors.push(Actor {
            part: Act::Recreate,
            role: ROLE,
            times: 1,
            every: (1, 1),
        });
    }
    if state.rng.per_mille(150) {
        actors.push(Actor {
            part: Act::Onboard { event: None },
            role: ROLE,
            times: 2,
            every: (200_000, 900_000),
        });
    }
}

/// Who tries what an attacker would who knows the guard.
fn attackers(state: &mut State, actors: &mut Vec<Actor>) {
    if state.rng.per_mille(150) {
        if state.rng.per_mille(600) {
            // How soon an exposure ends is judged where nothing else goes wrong.
            state.faults = FaultPlan {
                staleness: STALENESS,
                ..FaultPlan::default()
            };
            state.crash_between.clear();
        }
        actors.push(Actor {
            part: Act::Flicker(0),
            role: ROLE,
            times: 3,
            every: (400, 3_000),
        });
    }
    if state.rng.per_mille(30) {
        actors.push(Actor {
            part: Act::Bury(false),
            role: ROLE,
            times: 2,
            every: (10_000, 60_000),
        });
    }
    if state.rng.per_mille(80) {
        create(state, DEPLOY, &[Part::Own], Writer::Administrator);
        actors.push(Actor {
            part: Act::Chain,
            role: DEPLOY,
            times: 1,
            every: (1, 1),
        });
    }
    let mut forged = vec![ROLE];
    if state.rng.per_mille(150) {
        // Nobody was there to see an event of that.
        add(
            state,
            PARTNER,
            &[Part::Acme, Part::UnknownAccount],
            Writer::Administrator,
        );
        forged = vec![PARTNER, PARTNER, ROLE];
        if state.rng.per_mille(300) {
            actors.push(Actor {
                part: Act::Attack,
                role: PARTNER,
                times: 1,
                every: (1, 1),
            });
        }
    }
    let forges = forged.len() > 1 || state.rng.per_mille(50);
    let role = state.rng.one_of(&forged).copied();
    if let Some(role) = role.filter(|_| forges) {
        actors.push(Actor {
            part: Act::Forge,
            role,
            times: 2,
            every: (20_000, 900_000),
        });
    }
}

/// What happens to the account, and when.
fn schedule_all(state: &mut State, actors: usize) {
    for index in 0..actors {
        let at = state.rng.mostly_short(10_000, ACTS * 3 / 4);
        state.schedule(at, Scheduled::Act(index));
    }
    if state.rng.per_mille(150) {
        let at = state.rng.between(60_000, ACTS / 2);
        state.schedule(at, Scheduled::PrincipalGoes);
    }
    if state.rng.per_mille(120) {
        let at = state.rng.between(60_000, ACTS * 3 / 4);
        deploy_rules(state, at, RulesChange::WithoutBeta);
    }
    if state.rng.per_mille(120) {
        let at = state.rng.between(10_000, ACTS * 3 / 4);
        let until = at + state.rng.mostly_short(1_000, 900_000);
        state.schedule(at, Scheduled::OutageBegins);
        state.schedule(until, Scheduled::OutageEnds);
    }
}
