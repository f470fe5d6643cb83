//! In which organization the caller is, or the one on whose behalf a service calls: the id is the
//! head of the path, so that both are solved as one text.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::fill::one_account;
use super::guess;
use super::solver::{Present, Solver, State};
use super::way::Way;
use crate::keys::{Group, Role};
use crate::sets::Found;
use crate::sets::language::{Demand, find, meets, weight};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;
use crate::sets::universe::{Universe, View};

impl Solver<'_> {
    /// The organization's path, outside the given ones.
    pub(crate) fn organization(&mut self, way: &Way<'_>, outside: &[Pattern<'_>]) -> State {
        self.path(way, Group::Organization, Role::OrganizationId, outside)
    }

    /// The path of the organization for which a service calls.
    pub(crate) fn source_organization(&mut self, way: &Way<'_>, outside: &[Pattern<'_>]) -> State {
        self.path(
            way,
            Group::SourceOrganization,
            Role::SourceOrganizationId,
            outside,
        )
    }

    fn path(&mut self, way: &Way<'_>, group: Group, id: Role, outside: &[Pattern<'_>]) -> State {
        let ready = self.ready(way, |literal| literal.row.role.group() == group);
        // The own account is in the own organization, for all that is known.
        let own: Option<[Pattern<'_>; 1]> =
            match (self.context.own_account, self.context.own_organization) {
                (Some(account), Some(id))
                    if group == Group::Organization && one_account(way) == Some(account) =>
                {
                    Some([Pattern::exact(id)])
                }
                _ => None,
            };
        let absent = own.is_none() && ready.iter().all(|one| one.literal.absent);
        let mut demands: SmallVec<[Demand<'_, '_>; 4]> = SmallVec::new();
        if let Some(own) = &own {
            demands.push(Demand {
                patterns: own,
                fits: true,
                view: View::Head,
            });
        }
        for one in &ready {
            let view = if one.literal.row.role == id {
                View::Head
            } else {
                View::Whole
            };
            match &*one.test {
                Test::Text(patterns) => {
                    demands.push(Demand {
                        patterns,
                        fits: one.literal.passes,
                        view,
                    });
                }
                Test::Present if one.literal.passes => {}
                // No path is a number, a moment, a truth or an address.
                _ if one.literal.passes => {
                    return State {
                        absent,
                        present: Present::Nothing,
                    };
                }
                Test::Present => {
                    return State {
                        absent,
                        present: Present::Nothing,
                    };
                }
                _ => {}
            }
        }
        if !outside.is_empty() {
            demands.push(Demand {
                patterns: outside,
                fits: false,
                view: View::Head,
            });
        }
        if !self.fuel.spend(9 * weight(&demands)) {
            let present = Present::Unknown;
            return State { absent, present };
        }
        let possible =
            |text: &Cow<'_, str>| Universe::OrganizationPath.admits(text) && meets(&demands, text);
        let guessed = self
            .fuel
            .may_guess()
            .then(|| guess::organization_paths(&demands));
        let found = match guessed.and_then(|mut guessed| guessed.find(possible)) {
            Some(text) => Found::Value(text.into_owned()),
            None => find(Universe::OrganizationPath, &demands, &mut self.fuel),
        };
        let present = match found {
            Found::Nothing => Present::Nothing,
            Found::Value(value) => Present::Values(vec![value]),
            Found::Unknown => Present::Unknown,
        };
        State { absent, present }
    }
}
