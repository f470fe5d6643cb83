//! A way with what was learnt of it.

use super::admit::{Admission, NamedAccounts, Unnamed, admit};
use super::grants;
use super::restrict;
use super::solver::Solver;
use super::way::{Class, Way};
use crate::answer::Restriction;
use crate::keys::Role;

/// A way with all that is known of it.
pub(super) struct Known<'p> {
    pub(super) way: Way<'p>,
    pub(super) admission: Admission,
    /// Someone from outside the own account has access, as an AWS principal.
    pub(super) external: bool,
    pub(super) external_id: Option<Restriction>,
    /// The accounts on whose behalf services may act; `None` where nothing limits that, and for all
    /// other callers.
    pub(super) on_behalf_of: Option<Vec<String>>,
}

impl Known<'_> {
    /// Somebody from outside the own account has access, services apart.
    pub(super) fn is_outside(&self) -> bool {
        self.external || matches!(self.way.class, Class::Federated(_))
    }
}

pub(super) fn learn<'p>(
    mut way: Way<'p>,
    named: &NamedAccounts<'p>,
    solver: &mut Solver<'_>,
) -> Known<'p> {
    let admission = match way.class {
        Class::Aws => admit(&mut way, named, solver),
        _ => Admission::default(),
    };
    let own = solver.context.own_account;
    let external = way.class == Class::Aws
        && (admission.external_accounts != Unnamed::Nobody
            || admission
                .accounts
                .iter()
                .any(|account| Some(account.as_str()) != own));
    let like = way.of_role(Role::ExternalId).next();
    let external_id = like.and_then(|like| restrict::restriction(&way, like, solver));
    let on_behalf_of = match way.class {
        Class::Service(_) | Class::AnyService => {
            grants::source_accounts(&way, &named.sources, solver)
        }
        _ => None,
    };
    Known {
        way,
        admission,
        external,
        external_id,
        on_behalf_of,
    }
}
