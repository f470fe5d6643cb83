//! The ways in that Allow statements offer, whatever is denied.
//!
//! `*` is everyone: AWS principals, services, and users of identity providers. Of the providers those
//! that the document names, or whose claims it speaks of, are looked at one by one; all others are
//! alike to it.

use std::borrow::Cow;

use super::compiled::{Actions, Compiled, Named, being_one, not_being};
use super::listed::Listed;
use super::solver::Solver;
use super::way::{Class, Issuer, Way};
use crate::arn;
use crate::document::Effect;
use crate::keys::Role;
use crate::sets::universe::{PARTITIONS, Partitions, only};

/// Identity providers that are looked at one by one where everyone has access.
const MOST_ISSUERS: usize = 32;

/// The ways that all Allow statements offer: by one action, or by the one that fits each kind of
/// caller.
pub(super) fn offers<'p>(
    statements: &[Compiled<'p>],
    action: Option<Actions>,
    solver: &mut Solver<'_>,
) -> Vec<Way<'p>> {
    let named = statements.iter().filter_map(|one| one.principals.as_ref());
    let mut offers = Offers {
        ways: Vec::with_capacity(named.map(Vec::len).sum()),
        statements,
        action,
        issuers: None,
        partitions: partitions_of(statements),
        solver,
    };
    for statement in statements {
        if statement.effect == Effect::Allow {
            offers.of(statement);
        }
    }
    offers.ways
}

struct Offers<'o, 's, 'p> {
    ways: Vec<Way<'p>>,
    statements: &'o [Compiled<'p>],
    action: Option<Actions>,
    /// Once they are asked for.
    issuers: Option<Vec<Issuer<'p>>>,
    partitions: Partitions,
    solver: &'o mut Solver<'s>,
}

impl<'p> Offers<'_, '_, 'p> {
    fn of(&mut self, statement: &Compiled<'p>) {
        if (self.action).is_some_and(|action| !statement.actions.has(action)) {
            return;
        }
        // With `NotPrincipal` in an Allow everyone is meant but the listed ones.
        let named: &[Named<'p>] = match &statement.principals {
            Some(list) => list,
            None => &[Named::Everyone],
        };
        for one in named {
            match *one {
                Named::Service(name) => self.add(statement, Class::Service(name), *one),
                Named::Federated(provider) => {
                    self.add(statement, Class::Federated(Issuer::read(provider)), *one);
                }
                Named::Everyone | Named::Bare => {
                    self.add(statement, Class::Aws, *one);
                    self.add(statement, Class::AnyService, *one);
                    let by_token = match self.action {
                        Some(action) => statement.actions.has(action),
                        None => [Actions::WITH_SAML, Actions::WITH_WEB_IDENTITY]
                            .into_iter()
                            .any(|action| statement.actions.has(action)),
                    };
                    if by_token {
                        self.users_of_any(statement);
                    }
                }
                _ => self.add(statement, Class::Aws, *one),
            }
        }
    }

    fn add(&mut self, statement: &Compiled<'p>, class: Class<'p>, named: Named<'p>) {
        let action = self.action.unwrap_or_else(|| class.way_in());
        if !statement.actions.has(action) {
            return;
        }
        let spared = match &statement.not_principals {
            None => vec![Vec::new()],
            Some(list) => match Listed::of(list, class, self.solver.context) {
                Listed::None => vec![Vec::new()],
                Listed::Some(listed) => not_being(&listed),
                Listed::All | Listed::Perhaps => return,
            },
        };
        let who = match class {
            Class::Aws => being_one(named),
            _ => Some(Vec::new()),
        };
        let Some(who) = who else { return };
        let partitions = match named {
            Named::Account {
                partition: Some(own),
                ..
            } => only(own),
            _ => self.partitions,
        };
        for other in &spared {
            let mut way = Way {
                statement: statement.index,
                named,
                class,
                partitions,
                demands: Vec::with_capacity(2 + statement.conditions.len()),
                decided: true,
            };
            for demands in [&who, other, &statement.conditions] {
                way.join(demands, self.solver);
            }
            self.ways.push(way);
        }
    }

    fn users_of_any(&mut self, statement: &Compiled<'p>) {
        if self.issuers.is_none() {
            self.issuers = Some(issuers_of(self.statements, self.solver.context.own_account));
        }
        let issuers = self.issuers.clone().unwrap_or_default();
        let before = self.ways.len();
        for issuer in issuers.iter().take(MOST_ISSUERS) {
            self.add(statement, Class::Federated(*issuer), Named::Everyone);
        }
        let looked_at = self.ways.len();
        for issuer in [Issuer::ANY, Issuer::ANY_SAML] {
            self.add(statement, Class::Federated(issuer), Named::Everyone);
        }
        if issuers.len() > MOST_ISSUERS {
            // What is asked of those that are left out is not looked at.
            for way in self.ways.iter_mut().skip(before.max(looked_at)) {
                way.demands.retain(|one| one.row.role != Role::Claim);
                way.decided = false;
            }
        }
    }
}

/// Where a role's callers live: in its own partition, which the ARNs of principals tell, for IAM
/// refuses those of another.
fn partitions_of(statements: &[Compiled<'_>]) -> Partitions {
    let lists = (statements.iter()).flat_map(|one| [&one.principals, &one.not_principals]);
    let mut told = (lists.flatten().flatten()).filter_map(|named| named.partition());
    match told.next() {
        Some(first) if told.all(|other| other == first) => only(first),
        _ => PARTITIONS,
    }
}

/// The providers that a document names, and those whose claims it speaks of, each once.
fn issuers_of<'p>(statements: &[Compiled<'p>], own: Option<&str>) -> Vec<Issuer<'p>> {
    let mut issuers: Vec<Issuer<'p>> = Vec::new();
    let mut add = |issuer: Issuer<'p>| {
        if !issuers.iter().any(|known| known.is(&issuer, own)) {
            issuers.push(issuer);
        }
    };
    for statement in statements {
        let lists = [&statement.principals, &statement.not_principals];
        for named in lists.into_iter().flatten().flatten() {
            if let Named::Federated(provider) = named {
                add(Issuer::read(provider));
            }
        }
        for literal in statement.conditions.iter() {
            if let Cow::Borrowed(key) = literal.key
                && literal.row.role == Role::Claim
                && let Some((space, _)) = arn::cut_last(key)
            {
                add(Issuer::read(space));
            }
        }
    }
    issuers
}
