//! On whose behalf a service calls: `aws:SourceArn` and `aws:SourceAccount` are faces of one fact.

use super::guess;
use super::identity::Account;
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
        let limit = |demands: &mut Vec<(Test<'static>, bool)>| match account {
            Account::Any => {}
            Account::Is(one) => {
                demands.push((Test::Text(vec![Pattern::exact(one.to_owned())]), true))
            }
            Account::NoneOf(list) => demands.push((
                Test::Text(
                    list.iter()
                        .map(|one| Pattern::exact((*one).to_owned()))
                        .collect(),
                ),
                false,
            )),
        };
        let mut unknown = false;
        // Without an ARN.
        if arnless {
            if accountless && account == Account::Any {
                return Some(Some(Source {
                    arn: None,
                    account: None,
                }));
            }
            let mut own = Vec::new();
            limit(&mut own);
            let mut asks: Vec<(&Test<'_>, bool)> = accounts
                .iter()
                .map(|one| (&*one.test, one.literal.passes))
                .collect();
            asks.extend(own.iter().map(|(test, passes)| (test, *passes)));
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
        let mut demands = Vec::new();
        let mut dead = false;
        let mut account_dead = false;
        let mut unsure = false;
        let mut arn_texts = Vec::new();
        let mut account_texts = Vec::new();
        for (ready, view, dead, texts) in [
            (&arns, View::Whole, &mut dead, &mut arn_texts),
            (
                &accounts,
                View::Account,
                &mut account_dead,
                &mut account_texts,
            ),
        ] {
            for one in ready {
                match &*one.test {
                    Test::Text(patterns) => {
                        texts.push((patterns.clone(), one.literal.passes, view))
                    }
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
        let mut extra = Vec::new();
        limit(&mut extra);
        if !dead {
            // Absent where it may be, else equal to the ARN's account.
            let choices: &[bool] = if accountless { &[false, true] } else { &[true] };
            for &with_account in choices {
                if with_account && account_dead {
                    continue;
                }
                demands.clear();
                for (patterns, fits, view) in &arn_texts {
                    demands.push(Demand {
                        patterns,
                        fits: *fits,
                        view: *view,
                    });
                }
                if with_account {
                    for (patterns, fits, view) in &account_texts {
                        demands.push(Demand {
                            patterns,
                            fits: *fits,
                            view: *view,
                        });
                    }
                }
                for (test, fits) in &extra {
                    if let Test::Text(patterns) = test {
                        demands.push(Demand {
                            patterns,
                            fits: *fits,
                            view: View::Account,
                        });
                    }
                }
                if !self.fuel.spend(9 * weight(&demands)) {
                    return None;
                }
                let possible =
                    |arn: &String| Universe::ResourceArn("aws").admits(arn) && meets(&demands, arn);
                let guessed = self.fuel.may_guess().then(|| guess::resources(&demands));
                let guess = guessed.and_then(|mut guessed| guessed.find(possible));
                for partition in PARTITIONS {
                    let found = match &guess {
                        Some(arn) => Found::Value(arn.clone()),
                        None => find(Universe::ResourceArn(partition), &demands, &mut self.fuel),
                    };
                    match found {
                        Found::Value(_) if unsure && with_account => unknown = true,
                        Found::Value(arn) => {
                            let account = arn.split(':').nth(4).map(str::to_owned);
                            let account = if with_account { account } else { None };
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
            let mut asks: Vec<(&Test<'_>, bool)> = accounts
                .iter()
                .map(|one| (&*one.test, one.literal.passes))
                .collect();
            asks.extend(extra.iter().map(|(test, passes)| (test, *passes)));
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
                demands.clear();
                for (patterns, fits, view) in &arn_texts {
                    demands.push(Demand {
                        patterns,
                        fits: *fits,
                        view: *view,
                    });
                }
                for partition in PARTITIONS {
                    match find(
                        Universe::AccountlessArn(partition),
                        &demands,
                        &mut self.fuel,
                    ) {
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
        }
        if unknown { None } else { Some(None) }
    }
}
