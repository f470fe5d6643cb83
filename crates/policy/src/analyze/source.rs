//! On whose behalf a service calls: `aws:SourceArn` and `aws:SourceAccount` are faces of one fact.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::caller::{Account, account_of};
use super::guess;
use super::solver::{Ready, Solver};
use super::way::Way;
use crate::keys::Role;
use crate::sets::language::{Demand, find, meets, weight};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;
use crate::sets::universe::{PARTITIONS, Universe, View};
use crate::sets::value::{Domain, solve};
use crate::sets::{Found, Fuel};

/// What a service says about whom it calls for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) arn: Option<String>,
    pub(crate) account: Option<String>,
}

/// What is demanded of the two keys of a source.
struct Asked<'t, 'p> {
    /// The source ARN may be absent.
    arnless: bool,
    /// The source account may be.
    accountless: bool,
    /// Whose call is looked for.
    account: Account<'t>,
    /// Of the ARN.
    of_arn: Texts<'t, 'p>,
    /// Of the ARN's account, where the account stands beside it.
    of_account: Texts<'t, 'p>,
    /// Of the ARN's account, whether or not it does.
    limit: Option<(&'t Test<'p>, bool)>,
    /// Of an account that stands alone.
    alone: SmallVec<[(&'t Test<'p>, bool); 4]>,
}

/// The demands on one key, as demands on the text of an ARN.
struct Texts<'t, 'p> {
    demands: SmallVec<[Demand<'t, 'p>; 4]>,
    /// No text meets them.
    dead: bool,
    /// They may read the text as a number or as seconds.
    unsure: bool,
}

impl<'t, 'p> Texts<'t, 'p> {
    fn of(ready: &'t [Ready<'_, 'p>], view: View) -> Self {
        let mut texts = Self {
            demands: SmallVec::new(),
            dead: false,
            unsure: false,
        };
        for one in ready {
            let fits = one.literal.passes;
            match &*one.test {
                Test::Text(patterns) => texts.demands.push(Demand {
                    patterns,
                    fits,
                    view,
                }),
                Test::Present => texts.dead |= !fits,
                Test::Number(_, list) if view == View::Account && !list.is_empty() => {
                    texts.unsure = true;
                }
                Test::Moment(_, list) if view == View::Account && !list.is_empty() => {
                    texts.unsure = true;
                }
                _ => texts.dead |= fits,
            }
        }
        texts
    }
}

/// A source, that there is none, or `None`: too costly to tell.
type Sought = Option<Option<Source>>;

const fn source(arn: Option<String>, account: Option<String>) -> Sought {
    Some(Some(Source { arn, account }))
}

impl Solver<'_> {
    /// On whose behalf a service can call: source ARN and source account, which agree where both
    /// are there and the ARN has an account. `None`: too costly to tell.
    pub(crate) fn source(&mut self, way: &Way<'_>, account: Account<'_>) -> Sought {
        if self.exhausted() {
            return None;
        }
        let arns = self.ready(way, |literal| literal.row.role == Role::SourceArn);
        let accounts = self.ready(way, |literal| literal.row.role == Role::SourceAccount);
        let arnless = arns.iter().all(|one| one.literal.absent);
        let accountless = accounts.iter().all(|one| one.literal.absent);
        if arnless && accountless && account == Account::Any {
            return source(None, None);
        }
        let limit: Option<(Test<'_>, bool)> = match account {
            Account::Any => None,
            Account::Is(one) => Some((Test::Text(vec![Pattern::exact(one)]), true)),
            Account::NoneOf(list) => {
                let all = list.iter().copied().map(Pattern::exact).collect();
                Some((Test::Text(all), false))
            }
        };
        let on_account = accounts.iter().map(|one| (&*one.test, one.literal.passes));
        let limits = limit.iter().map(|(test, passes)| (test, *passes));
        let asked = Asked {
            arnless,
            accountless,
            account,
            of_arn: Texts::of(&arns, View::Whole),
            of_account: Texts::of(&accounts, View::Account),
            limit: limits.clone().next(),
            alone: on_account.chain(limits).collect(),
        };
        let mut unknown = false;
        for attempt in [
            Self::account_alone,
            Self::arn_with_account,
            Self::accountless_arn,
        ] {
            match attempt(self, &asked) {
                Some(None) => {}
                Some(found) => return Some(found),
                None if self.exhausted() => return None,
                None => unknown = true,
            }
        }
        if unknown { None } else { Some(None) }
    }

    fn account(&mut self, asked: &Asked<'_, '_>) -> Found {
        let accounts = Domain::Text(Universe::Account);
        solve(accounts, &asked.alone, &mut self.fuel)
    }

    fn account_alone(&mut self, asked: &Asked<'_, '_>) -> Sought {
        if !asked.arnless {
            return Some(None);
        }
        match self.account(asked) {
            Found::Value(value) => source(None, Some(value)),
            _ if asked.accountless && matches!(asked.account, Account::NoneOf(_)) => {
                source(None, None)
            }
            Found::Nothing => Some(None),
            Found::Unknown => None,
        }
    }

    /// An ARN that has an account, and the account beside it where it is asked for.
    fn arn_with_account(&mut self, asked: &Asked<'_, '_>) -> Sought {
        if asked.of_arn.dead {
            return Some(None);
        }
        let mut unknown = false;
        // Absent where it may be, else equal to the ARN's account.
        let choices: &[bool] = match (asked.accountless, asked.of_account.dead) {
            (true, true) => &[false],
            (true, false) => &[false, true],
            (false, true) => &[],
            (false, false) => &[true],
        };
        for &with_account in choices {
            let mut demands = asked.of_arn.demands.clone();
            if with_account {
                demands.extend_from_slice(&asked.of_account.demands);
            }
            if let Some((Test::Text(patterns), fits)) = asked.limit {
                demands.push(Demand {
                    patterns,
                    fits,
                    view: View::Account,
                });
            }
            if !self.fuel.spend(9 * weight(&demands)) {
                return None;
            }
            match self.resource(&demands) {
                Found::Nothing => {}
                Found::Value(arn) if !with_account || !asked.of_account.unsure => {
                    let account = with_account.then(|| account_of(&arn).to_owned());
                    return source(Some(arn), account);
                }
                _ => unknown = true,
            }
        }
        if unknown { None } else { Some(None) }
    }

    fn resource(&mut self, demands: &[Demand<'_, '_>]) -> Found {
        let possible =
            |arn: &Cow<'_, str>| Universe::ResourceArn("aws").admits(arn) && meets(demands, arn);
        let guessed = self.fuel.may_guess().then(|| guess::resources(demands));
        match guessed.and_then(|mut guessed| guessed.find(possible)) {
            Some(arn) => Found::Value(arn.into_owned()),
            None => find_in(Universe::ResourceArn, demands, &mut self.fuel),
        }
    }

    /// An ARN without an account, as a bucket's; then the account stands alone.
    fn accountless_arn(&mut self, asked: &Asked<'_, '_>) -> Sought {
        if asked.of_arn.dead {
            return Some(None);
        }
        let account = if asked.accountless && asked.account == Account::Any {
            None
        } else {
            match self.account(asked) {
                Found::Value(value) => Some(value),
                Found::Nothing => return Some(None),
                Found::Unknown => return None,
            }
        };
        let demands = &asked.of_arn.demands;
        match find_in(Universe::AccountlessArn, demands, &mut self.fuel) {
            Found::Value(arn) => source(Some(arn), account),
            Found::Nothing => Some(None),
            Found::Unknown => None,
        }
    }
}

/// A text that meets the demands in one partition or another.
fn find_in(
    universe: fn(&'static str) -> Universe,
    demands: &[Demand<'_, '_>],
    fuel: &mut Fuel,
) -> Found {
    let mut unknown = false;
    for partition in PARTITIONS {
        match find(universe(partition), demands, fuel) {
            Found::Value(value) => return Found::Value(value),
            Found::Nothing => {}
            Found::Unknown => unknown = true,
        }
    }
    if unknown {
        Found::Unknown
    } else {
        Found::Nothing
    }
}
