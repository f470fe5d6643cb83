//! Whom of the callers of a way a list of principals means.

use super::compiled::{Named, being};
use super::context::AnalysisContext;
use super::literal::Literal;
use super::way::{Class, Issuer};
use crate::keys::{self, Role};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;

/// Whom of the callers of a way a list means.
pub(super) enum Listed<'p> {
    /// All of them.
    All,
    /// None.
    None,
    /// Those who meet one of these lists of demands.
    Some(Vec<Vec<Literal<'p>>>),
    /// It says `"AWS": "*"`, and whether a Deny means them too by that has no source. By `"*"` alone
    /// it does: AWS's samples of resource control policies deny web identities so.
    Perhaps,
}

impl<'p> Listed<'p> {
    pub(super) fn of(list: &[Named<'p>], class: Class<'p>, context: &AnalysisContext<'_>) -> Self {
        let bare = list.contains(&Named::Bare);
        let everyone = bare || list.contains(&Named::Everyone);
        let whole = |named: bool| if named { Self::All } else { Self::None };
        match class {
            Class::Aws => being(list).map_or(Self::All, Self::Some),
            Class::Service(name) => whole(everyone || list.contains(&Named::Service(name))),
            Class::AnyService if everyone => Self::All,
            Class::AnyService => Self::services(list),
            Class::Federated(issuer) => {
                let is_it = |one: &Named<'_>| match one {
                    Named::Federated(named) => issuer.is(&Issuer::read(named), context.own_account),
                    _ => false,
                };
                match whole(bare || list.iter().any(is_it)) {
                    Self::None if everyone => Self::Perhaps,
                    found => found,
                }
            }
        }
    }

    fn services(list: &[Named<'p>]) -> Self {
        let names: Vec<Pattern<'p>> = list
            .iter()
            .filter_map(|one| match one {
                Named::Service(name) => Some(Pattern::exact(*name)),
                _ => None,
            })
            .collect();
        if names.is_empty() {
            return Self::None;
        }
        let row = keys::by_role(Role::ServiceName);
        let named = Literal::passing(row, row.name, Test::Text(names));
        Self::Some(vec![vec![named]])
    }
}
