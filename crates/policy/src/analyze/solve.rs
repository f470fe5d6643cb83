//! Whether a way can be gone at all: the demands on the keys of one fact, solved together.

use super::caller::Account;
use super::clock::{self, When};
use super::identity;
use super::literal::Literal;
use super::solver::{OwnDomain, Present, Ready, Solver, State, domain_of};
use super::way::Way;
use crate::keys::{Group, Role};
use crate::sets::test::Test;
use crate::sets::universe::Universe;
use crate::sets::value::Domain;

impl Solver<'_> {
    /// Whether the way can still be gone, given that it could before this demand joined it.
    pub(crate) fn possible(&mut self, way: &Way<'_>, joined: &Literal<'_>) -> Option<bool> {
        if !self.fuel.spend(40 + 8 * way.demands.len() as u64) {
            return None;
        }
        match way.class.fact(joined) {
            Group::Identity => {
                let identity = self.identity_possible(way);
                // Whose organization is known by their account may be out now.
                let mut facts = way.demands.iter().map(|one| way.class.fact(one));
                if identity == Some(false) || !facts.any(|fact| fact == Group::Organization) {
                    return identity;
                }
                let organization = self.organization(way, &[]).possible();
                if organization == Some(true) {
                    identity
                } else {
                    organization
                }
            }
            Group::Organization => self.organization(way, &[]).possible(),
            Group::Mfa => self.mfa_possible(way),
            Group::Source => self.source(way, Account::Any).map(|found| found.is_some()),
            Group::SourceOrganization => self.source_organization(way, &[]).possible(),
            Group::Moment => self.moment_possible(way),
            Group::Alone => {
                let possible = self.key(way, joined, &[]).possible();
                if joined.row.role != Role::Issued || possible == Some(false) {
                    return possible;
                }
                // Credentials are issued before they are used.
                self.moment_possible(way)
                    .and_then(|at| possible.map(|key| key && at))
            }
        }
    }

    fn moment_possible(&mut self, way: &Way<'_>) -> Option<bool> {
        match self.moment(way, None, &[]) {
            When::At(_) => Some(true),
            When::Never => Some(false),
            When::Unknown => None,
        }
    }

    fn identity_possible(&mut self, way: &Way<'_>) -> Option<bool> {
        let kinds = self.kinds(way);
        if self.fuel.may_guess() && identity::asks_for_one(way, kinds) {
            return Some(true);
        }
        match self.identity_of(way, kinds, Account::Any, &[]) {
            identity::Solved::Nobody => Some(false),
            identity::Solved::Caller(_) => Some(true),
            identity::Solved::Unknown => None,
        }
    }

    /// What the key of a demand can be, on its own, with further demands on its values.
    pub(crate) fn key(
        &mut self,
        way: &Way<'_>,
        like: &Literal<'_>,
        further: &[(&Test<'_>, bool)],
    ) -> State {
        let ready = self.ready(way, |literal| literal.same_key(like));
        self.key_of(way, like, &ready, further)
    }

    /// The same where the demands on the key are ready already.
    pub(crate) fn key_of(
        &mut self,
        way: &Way<'_>,
        like: &Literal<'_>,
        ready: &[Ready<'_, '_>],
        further: &[(&Test<'_>, bool)],
    ) -> State {
        let presence = self.presence(way, like);
        let domain = match (
            like.row.role,
            self.context.own_account,
            self.context.own_organization,
        ) {
            (Role::OwnAccount, Some(own), _) => OwnDomain::Only(own),
            (Role::OwnOrganization, _, Some(own)) => OwnDomain::Only(own),
            _ if self.is_plain_claim(way.class, like) => {
                OwnDomain::Of(Domain::Text(Universe::Plain))
            }
            _ => domain_of(way.class, like),
        };
        if like.row.role == Role::Now {
            let present = match self.moment(way, Some(like.row), further) {
                When::At(at) => Present::Values(vec![clock::face(like.row, at)]),
                When::Never => Present::Nothing,
                When::Unknown => Present::Unknown,
            };
            return State {
                absent: false,
                present,
            };
        }
        self.state(ready, presence, domain, like.row.many, further)
    }
}

impl<'p> Way<'p> {
    /// The same with more demands; `None` if nobody is left.
    pub(crate) fn and(&self, more: &[Literal<'p>], solver: &mut Solver<'_>) -> Option<Self> {
        let mut demands = Vec::with_capacity(self.demands.len() + more.len());
        demands.extend_from_slice(&self.demands);
        let mut with = Self { demands, ..*self };
        with.narrow(more, solver).then_some(with)
    }

    /// Adds demands; `false` if nobody is left.
    fn narrow(&mut self, more: &[Literal<'p>], solver: &mut Solver<'_>) -> bool {
        let before = self.demands.len();
        self.join(more, solver);
        self.is_possible(before, solver)
    }

    /// Adds demands, whoever is left.
    pub(super) fn join(&mut self, more: &[Literal<'p>], solver: &mut Solver<'_>) {
        // What comes together is compared and copied.
        let cost = 50 + 12 * (self.demands.len() * (1 + more.len())) as u64;
        self.decided &= solver.fuel.spend(cost);
        for literal in more {
            if !self.demands.iter().any(|known| known.same(literal)) {
                self.demands.push(literal.clone());
            }
        }
    }

    /// Whether somebody is left with the demands from a place on, given that somebody was before.
    pub(super) fn is_possible(&mut self, from: usize, solver: &mut Solver<'_>) -> bool {
        let mut decided = true;
        let fresh = self.demands.get(from..).unwrap_or_default();
        for (place, literal) in fresh.iter().enumerate() {
            // Demands on one fact are solved together.
            let mut before = fresh.iter().take(place);
            if before.any(|one| self.class.solves_both(one, literal)) {
                continue;
            }
            match solver.possible(self, literal) {
                Some(true) => {}
                Some(false) => return false,
                None => decided = false,
            }
        }
        self.decided &= decided;
        true
    }
}
