//! Who calls: ARN, account, unique id, user name and type of an AWS principal are faces of one
//! fact, and are solved as one.
//!
//! A caller is a role's session, a user or a federated user: the root user cannot assume a role (IAM
//! user guide, "Compare AWS STS credentials"). For each kind the
//! demands turn into patterns on two texts, the ARN and the user id, which do not depend on each
//! other; an account is a part of the ARN, a user's name its end.

use smallvec::SmallVec;

use super::caller::{Account, Caller, Kind, account_of, fixed_account, name_of};
use super::guess;
use super::solver::{Ready, Solver};
use super::way::Way;
use crate::arn::is_account;
use crate::keys::{Group, Role};
use crate::sets::language::{Demand, find, meets, weight};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;
use crate::sets::universe::{Partitions, Universe, View};
use crate::sets::{Found, Fuel};

/// Whether anybody meets the demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Solved {
    Nobody,
    Caller(Caller),
    Unknown,
}

/// All that a way asks of who calls is to be of one account, or one principal that there can be.
pub(crate) fn asks_for_one(way: &Way<'_>, kinds: &[Kind]) -> bool {
    let mut asked = (way.demands.iter()).filter(|one| way.class.fact(one) == Group::Identity);
    let (Some(one), None) = (asked.next(), asked.next()) else {
        return false;
    };
    let fixed = (one.test.fixed().filter(|_| one.passes)).and_then(<[Pattern<'_>]>::first);
    fixed.is_some_and(|text| match one.row.role {
        Role::PrincipalAccount => is_account(&text.source),
        Role::PrincipalArn => kinds.iter().any(|kind| {
            let mut universes = (way.partitions.iter()).map(|partition| kind.universe(partition));
            universes.any(|universe| universe.admits(&text.source))
        }),
        _ => false,
    })
}

/// What the demands come down to for one kind of caller.
struct Task<'t, 'd> {
    arn: SmallVec<[Demand<'t, 'd>; 4]>,
    id: SmallVec<[Demand<'t, 'd>; 4]>,
    unsure: bool,
}

/// The demands for one kind of caller; `None` where they exclude the kind.
fn task<'t, 'd>(kind: Kind, ready: &'t [Ready<'_, 'd>]) -> Option<Task<'t, 'd>> {
    let mut task = Task {
        arn: SmallVec::new(),
        id: SmallVec::new(),
        unsure: false,
    };
    for one in ready {
        let passes = one.literal.passes;
        let (view, on_arn) = match (one.literal.row.role, kind) {
            (Role::PrincipalArn, _) => (View::Whole, true),
            (Role::PrincipalAccount, _) => (View::Account, true),
            (Role::Username, Kind::User) => (View::Name, true),
            (Role::UserId, Kind::FederatedUser) => (View::AccountAndName, true),
            (Role::UserId, _) => (View::Whole, false),
            (Role::SessionName, Kind::RoleSession) => (View::Tail, false),
            (Role::PrincipalType, _) => {
                if one.test.passes(kind.principal_type()) != passes {
                    return None;
                }
                continue;
            }
            // The key is absent for this kind.
            _ => {
                if !one.literal.absent {
                    return None;
                }
                continue;
            }
        };
        match &*one.test {
            Test::Text(patterns) => {
                let demand = Demand {
                    patterns,
                    fits: passes,
                    view,
                };
                if on_arn {
                    task.arn.push(demand)
                } else {
                    task.id.push(demand)
                }
            }
            Test::Present if passes => {}
            Test::Present => return None,
            // An account may be read as a number or as seconds.
            Test::Number(_, constants) if view != View::Whole && !constants.is_empty() => {
                task.unsure = true;
            }
            Test::Moment(_, constants) if view != View::Whole && !constants.is_empty() => {
                task.unsure = true;
            }
            _ if passes => return None,
            _ => {}
        }
    }
    Some(task)
}

/// The ARNs that are asked for are all of accounts that are not.
fn is_of_others(ready: &[Ready<'_, '_>], account: Account<'_>, fuel: &mut Fuel) -> bool {
    let texts = |role: Role| {
        let of_role = ready.iter().filter(move |one| one.literal.row.role == role);
        of_role.filter_map(|one| match &*one.test {
            Test::Text(patterns) => Some((patterns, one.literal.passes)),
            _ => None,
        })
    };
    let asked = texts(Role::PrincipalAccount).map(|(list, _)| list.len());
    let price = 4 + asked.sum::<usize>() + account.left_out().len();
    let fits = |found: &str| {
        let mut asked = texts(Role::PrincipalAccount);
        account.fits(found)
            && asked.all(|(list, passes)| list.iter().any(|one| one.matches(found)) == passes)
    };
    let of_another = |arn: &Pattern<'_>| fixed_account(arn).is_some_and(|found| !fits(found));
    texts(Role::PrincipalArn).any(|(arns, passes)| {
        passes && fuel.spend((price * arns.len()) as u64) && arns.iter().all(of_another)
    })
}

/// A caller that meets all demands, from an account as asked, and whose user id fits none of
/// `other_ids`.
pub(crate) fn solve<'d>(
    ready: &[Ready<'_, 'd>],
    kinds: &[Kind],
    partitions: Partitions,
    account: Account<'_>,
    other_ids: &[Pattern<'d>],
    fuel: &mut Fuel,
) -> Solved {
    if fuel.is_spent() {
        return Solved::Unknown;
    }
    if fuel.may_guess() && is_of_others(ready, account, fuel) {
        return Solved::Nobody;
    }
    let mut unknown = false;
    for &kind in kinds {
        let Some(mut task) = task(kind, ready) else {
            continue;
        };
        // The ids of roles and users alone are looked at; another caller's begins with their account.
        if !other_ids.is_empty() {
            task.id.push(Demand {
                patterns: other_ids,
                fits: false,
                view: View::Whole,
            });
        }
        unknown |= task.unsure;
        let arn = match arn(kind, partitions, &task.arn, account, fuel) {
            Found::Value(arn) => arn,
            Found::Nothing => continue,
            Found::Unknown => {
                unknown = true;
                continue;
            }
        };
        let user_id = match kind {
            Kind::FederatedUser => format!("{}:{}", account_of(&arn), name_of(&arn)),
            Kind::RoleSession | Kind::User => match user_id(kind, &task.id, fuel) {
                Found::Value(id) => id,
                Found::Nothing => continue,
                Found::Unknown => {
                    unknown = true;
                    continue;
                }
            },
        };
        if task.unsure {
            continue;
        }
        return Solved::Caller(Caller { kind, arn, user_id });
    }
    if unknown {
        Solved::Unknown
    } else {
        Solved::Nobody
    }
}

fn arn(
    kind: Kind,
    partitions: Partitions,
    demands: &[Demand<'_, '_>],
    account: Account<'_>,
    fuel: &mut Fuel,
) -> Found {
    if !fuel.may_guess() {
        return walked_arn(kind, partitions, demands, account, fuel);
    }
    let weight = 64 + weight(demands);
    let possible = |arn: &str, fuel: &mut Fuel| {
        fuel.spend(weight)
            && account.fits(account_of(arn))
            && meets(demands, arn)
            && partitions
                .iter()
                .any(|partition| kind.universe(partition).admits(arn))
    };
    let finite = |view: View| {
        demands
            .iter()
            .filter(|demand| demand.fits && demand.view == view)
            .map(|demand| demand.patterns)
            .find(|patterns| patterns.iter().all(|pattern| pattern.fixed().is_some()))
    };
    // A finite list of ARNs is tried out.
    if let Some(listed) = finite(View::Whole) {
        let found = listed
            .iter()
            .find(|pattern| possible(&pattern.source, fuel));
        return match found {
            Some(pattern) => Found::Value(pattern.source.clone().into_owned()),
            None if fuel.is_spent() => Found::Unknown,
            None => Found::Nothing,
        };
    }
    let listed = finite(View::Account);
    let sources: Vec<&str>;
    let accounts: &[&str] = match (&account, listed) {
        (Account::Is(one), _) => std::slice::from_ref(one),
        (_, Some(listed)) => {
            sources = listed.iter().map(|pattern| &*pattern.source).collect();
            &sources
        }
        _ => &["999999999999", "999999999998"],
    };
    let partition = partitions.first().unwrap_or(&"aws");
    let guessed = guess::arns(kind, partition, demands, accounts).find(|arn| possible(arn, fuel));
    if let Some(arn) = guessed {
        return Found::Value(arn.into_owned());
    }
    // A finite list of accounts and nothing else asked for: no other ARN could do better.
    if listed.is_some() && demands.iter().all(|demand| demand.view == View::Account) {
        return if fuel.is_spent() {
            Found::Unknown
        } else {
            Found::Nothing
        };
    }
    walked_arn(kind, partitions, demands, account, fuel)
}

/// The same by the walk through the automata alone.
fn walked_arn(
    kind: Kind,
    partitions: Partitions,
    demands: &[Demand<'_, '_>],
    account: Account<'_>,
    fuel: &mut Fuel,
) -> Found {
    let one;
    let many;
    let mut demands = demands.to_vec();
    match account {
        Account::Any => {}
        Account::Is(account) => {
            one = [Pattern::exact(account)];
            demands.push(Demand {
                patterns: &one,
                fits: true,
                view: View::Account,
            });
        }
        Account::NoneOf(list) => {
            many = list
                .iter()
                .map(|account| Pattern::exact(*account))
                .collect::<Vec<_>>();
            demands.push(Demand {
                patterns: &many,
                fits: false,
                view: View::Account,
            });
        }
    }
    let mut unknown = false;
    for partition in partitions {
        match find(kind.universe(partition), &demands, fuel) {
            Found::Nothing => {}
            Found::Unknown => unknown = true,
            found => return found,
        }
    }
    if unknown {
        Found::Unknown
    } else {
        Found::Nothing
    }
}

fn user_id(kind: Kind, demands: &[Demand<'_, '_>], fuel: &mut Fuel) -> Found {
    let universe = match kind {
        Kind::User => Universe::UserId,
        _ => Universe::RoleSessionId,
    };
    if fuel.may_guess() {
        let weight = weight(demands);
        for text in guess::user_ids(kind, demands) {
            if !fuel.spend(weight) {
                return Found::Unknown;
            }
            if universe.admits(&text) && meets(demands, &text) {
                return Found::Value(text.into_owned());
            }
        }
    }
    find(universe, demands, fuel)
}

impl Solver<'_> {
    /// Who can call: a caller whose ARN, account, ids and type meet every demand.
    pub(crate) fn identity(
        &mut self,
        way: &Way<'_>,
        account: Account<'_>,
        other_ids: &[Pattern<'_>],
    ) -> Solved {
        let kinds = self.kinds(way);
        self.identity_of(way, kinds, account, other_ids)
    }

    /// The same, of some kinds of callers only.
    pub(crate) fn identity_of(
        &mut self,
        way: &Way<'_>,
        kinds: &[Kind],
        account: Account<'_>,
        other_ids: &[Pattern<'_>],
    ) -> Solved {
        let ready = self.ready(way, |literal| literal.row.role.group() == Group::Identity);
        solve(
            &ready,
            kinds,
            way.partitions,
            account,
            other_ids,
            &mut self.fuel,
        )
    }
}
