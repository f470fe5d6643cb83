//! On whose behalf a service calls: `aws:SourceArn` and `aws:SourceAccount` are faces of one fact.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::guess;
use super::identity::{Account, account_of};
use super::solve::Solver;
use super::way::Way;
use crate::keys::Role;
use crate::sets::Found;
use crate::sets::language::{Demand, find, meets, weight};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;
use crate::sets::universe::{PARTITIONS, Universe, View};
use crate::sets::value::{Domain, solve};

/// What a service says about whom it calls for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) arn: Option<String>,
    pub(crate) account: Option<String>,
}

impl Solver<'_> {
    /// On whose behalf a service can call: source ARN and source account, which agree where both
    /// are there and the ARN has an account. `None`: too costly to tell.
    pub(crate) fn source(&mut self, way: &Way<'_>, account: Account<'_>) -> Option<Option<Source>> {
        if self.exhausted() {
            return None;
        }
        let arns = self.ready(way, |literal| literal.row.role == Role::SourceArn);
        let accounts = self.ready(way, |literal| literal.row.role == Role::SourceAccount);
        let arnless = arns.iter().all(|one| one.literal.absent);
        let accountless = accounts.iter().all(|one| one.literal.absent);
        if arnless && accountless && account == Account::Any {
            return Some(Some(Source {
                arn: None,
                account: None,
            }));
        }
        let limit: Option<(Test<'_>, bool)> = match account {
            Account::Any => None,
            Account::Is(one) => Some((Test::Text(vec![Pattern::exact(one)]), true)),
            Account::NoneOf(list) => {
                let all = list.iter().copied().map(Pattern::exact).collect();
                Some((Test::Text(all), false))
            }
        };
        // What is asked of an account that stands alone.
        let asks: SmallVec<[(&Test<'_>, bool); 4]> = accounts
            .iter()
            .map(|one| (&*one.test, one.literal.passes))
            .chain(limit.iter().map(|(test, passes)| (test, *passes)))
            .collect();
        let mut unknown = false;
        // Without an ARN.
        if arnless {
            match solve(Domain::Text(Universe::Account), &asks, &mut self.fuel) {
                Found::Value(value) => {
                    return Some(Some(Source {
                        arn: None,
                        account: Some(value),
                    }));
                }
                Found::Nothing => {}
                Found::Unknown => unknown = true,
            }
            if accountless && matches!(account, Account::NoneOf(_)) {
                return Some(Some(Source {
                    arn: None,
                    account: None,
                }));
            }
        }
        // With an ARN that has an account, and the account beside it where it is asked for.
        let mut dead = false;
        let mut account_dead = false;
        let mut unsure = false;
        let mut on_arn: SmallVec<[Demand<'_, '_>; 4]> = SmallVec::new();
        let mut on_account: SmallVec<[Demand<'_, '_>; 4]> = SmallVec::new();
        for (ready, view, dead, demands) in [
            (&arns, View::Whole, &mut dead, &mut on_arn),
            (&accounts, View::Account, &mut account_dead, &mut on_account),
        ] {
            for one in ready {
                match &*one.test {
                    Test::Text(patterns) => demands.push(Demand {
                        patterns,
                        fits: one.literal.passes,
                        view,
                    }),
                    Test::Present => *dead |= !one.literal.passes,
                    // An account may be read as a number or as seconds.
                    Test::Number(_, list) if view == View::Account && !list.is_empty() => {
                        unsure = true;
                    }
                    Test::Moment(_, list) if view == View::Account && !list.is_empty() => {
                        unsure = true;
                    }
                    _ => *dead |= one.literal.passes,
                }
            }
        }
        if dead {
            return if unknown { None } else { Some(None) };
        }
        // Absent where it may be, else equal to the ARN's account.
        let choices: &[bool] = if accountless { &[false, true] } else { &[true] };
        for &with_account in choices {
            if with_account && account_dead {
                continue;
            }
            let mut demands = on_arn.clone();
            if with_account {
                demands.extend_from_slice(&on_account);
            }
            if let Some((Test::Text(patterns), fits)) = &limit {
                demands.push(Demand {
                    patterns,
                    fits: *fits,
                    view: View::Account,
                });
            }
            if !self.fuel.spend(9 * weight(&demands)) {
                return None;
            }
            let possible = |arn: &Cow<'_, str>| {
                Universe::ResourceArn("aws").admits(arn) && meets(&demands, arn)
            };
            let guessed = self.fuel.may_guess().then(|| guess::resources(&demands));
            let guess = guessed.and_then(|mut guessed| guessed.find(possible));
            for partition in PARTITIONS {
                let found = match &guess {
                    Some(arn) => Found::Value(arn.clone().into_owned()),
                    None => find(Universe::ResourceArn(partition), &demands, &mut self.fuel),
                };
                match found {
                    Found::Value(_) if unsure && with_account => unknown = true,
                    Found::Value(arn) => {
                        let account = with_account.then(|| account_of(&arn).to_owned());
                        return Some(Some(Source {
                            arn: Some(arn),
                            account,
                        }));
                    }
                    Found::Nothing => {}
                    Found::Unknown => unknown = true,
                }
            }
        }
        // An ARN without an account, as a bucket's; then the account stands alone.
        let beside = if accountless && account == Account::Any {
            Some(None)
        } else {
            match solve(Domain::Text(Universe::Account), &asks, &mut self.fuel) {
                Found::Value(value) => Some(Some(value)),
                Found::Nothing => None,
                Found::Unknown => {
                    unknown = true;
                    None
                }
            }
        };
        if let Some(beside) = beside {
            for partition in PARTITIONS {
                match find(Universe::AccountlessArn(partition), &on_arn, &mut self.fuel) {
                    Found::Value(arn) => {
                        return Some(Some(Source {
                            arn: Some(arn),
                            account: beside,
                        }));
                    }
                    Found::Nothing => {}
                    Found::Unknown => unknown = true,
                }
            }
        }
        if unknown { None } else { Some(None) }
    }
}
