//! What decides, and pays for it: which keys a caller carries, and which values a key can have.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::context::AnalysisContext;
use super::literal::Literal;
use super::way::{Class, Way};
use crate::arn;
use crate::keys::{Presence, Role};
use crate::providers::Provider;
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;
use crate::sets::value::{Domain, solve};
use crate::sets::{Found, Fuel};

/// Steps for one document, and for each of its bytes. A step takes up to 15 nanoseconds, which keeps
/// the slowest document of 8,192 bytes within 50 ms and one of 131,072 within a second.
const STEPS: u64 = 1_000_000;
const STEPS_PER_BYTE: u64 = 200;

/// The values of one key with which a way can be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// It may be absent.
    pub(crate) absent: bool,
    /// Values that serve, at once; `Nothing` if it can not be present.
    pub(crate) present: Present,
}

/// Values that a key can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Present {
    Nothing,
    Values(Vec<String>),
    Unknown,
}

impl State {
    /// `None`: too costly to tell.
    pub(crate) fn possible(&self) -> Option<bool> {
        match (self.absent, &self.present) {
            (true, _) | (_, Present::Values(_)) => Some(true),
            (false, Present::Nothing) => Some(false),
            (false, Present::Unknown) => None,
        }
    }
}

/// A demand with its policy variables filled in as far as the way fixes them.
#[derive(Debug, Clone)]
pub(crate) struct Ready<'t, 'p> {
    pub(crate) literal: &'t Literal<'p>,
    pub(crate) test: Cow<'t, Test<'p>>,
}

impl Ready<'_, '_> {
    /// Some variable stands for another text in each request.
    pub(crate) fn is_widened(&self) -> bool {
        matches!(&*self.test, Test::Text(patterns) if patterns.iter().any(|pattern| {
            pattern.tokens.is_some() && pattern.source.contains("${")
        }))
    }
}

/// Decides, and pays for it.
#[derive(Debug)]
pub(crate) struct Solver<'c> {
    pub(crate) context: &'c AnalysisContext<'c>,
    pub(crate) fuel: Fuel,
    /// Moments that were found for some way, the newest last: most ways ask the same of the clock.
    pub(super) moments: Vec<jiff::Timestamp>,
}

impl<'c> Solver<'c> {
    pub(crate) fn new(context: &'c AnalysisContext<'c>, length: usize) -> Self {
        Self::with(context, Fuel::new(steps(length)))
    }

    /// One that decides by the full procedure alone, and may take a hundred times as long.
    pub(crate) fn without_guesses(context: &'c AnalysisContext<'c>, length: usize) -> Self {
        Self::with(context, Fuel::without_guesses(100 * steps(length)))
    }

    pub(super) fn with(context: &'c AnalysisContext<'c>, fuel: Fuel) -> Self {
        Self {
            context,
            fuel,
            moments: Vec::new(),
        }
    }

    /// Nothing is left to spend.
    pub(crate) fn exhausted(&self) -> bool {
        self.fuel.is_spent()
    }

    /// Whether a caller of this kind carries the key.
    pub(crate) fn presence(&self, way: &Way<'_>, literal: &Literal<'_>) -> Presence {
        self.presence_in(way.class, literal.row.role, literal)
    }

    fn presence_in(&self, class: Class<'_>, role: Role, literal: &Literal<'_>) -> Presence {
        if (role == Role::OwnAccount && self.context.own_account.is_some())
            || (role == Role::OwnOrganization && self.context.own_organization.is_some())
        {
            return Presence::Always;
        }
        match class {
            Class::Aws => literal.row.aws,
            Class::Service(_) | Class::AnyService => literal.row.service,
            Class::Federated(issuer) => match role {
                Role::Saml if !issuer.saml => Presence::Never,
                Role::Claim => self.claim(issuer.prefix, &literal.key),
                _ => literal.row.federated,
            },
        }
    }

    fn claim(&self, issuer: &str, key: &str) -> Presence {
        let Some((space, claim)) = arn::cut_last(key) else {
            return Presence::Never;
        };
        if !space.eq_ignore_ascii_case(issuer) {
            return Presence::Never;
        }
        let row = Provider::find(issuer, self.context.providers);
        match row.and_then(|row| row.claims.as_ref()) {
            Some(claims) => {
                match claims
                    .iter()
                    .find(|known| known.name.eq_ignore_ascii_case(claim))
                {
                    Some(known) if known.always => Presence::Always,
                    Some(_) => Presence::Maybe,
                    None => Presence::Never,
                }
            }
            None if claim.eq_ignore_ascii_case("aud") || claim.eq_ignore_ascii_case("sub") => {
                Presence::Always
            }
            None => Presence::Maybe,
        }
    }

    /// A subject (and any claim of a provider whose claims are all known) names repositories,
    /// branches, projects or service accounts, never a wildcard: `StringEquals` with a star is met
    /// by nobody.
    pub(super) fn is_plain_claim(&self, class: Class<'_>, literal: &Literal<'_>) -> bool {
        let Class::Federated(issuer) = class else {
            return false;
        };
        literal.row.role == Role::Claim
            && Provider::find(issuer.prefix, self.context.providers).is_some_and(|row| {
                row.claims.is_some()
                    || arn::cut_last(&literal.key)
                        .is_some_and(|(_, claim)| claim.eq_ignore_ascii_case("sub"))
            })
    }

    pub(crate) fn state(
        &mut self,
        ready: &[Ready<'_, '_>],
        presence: Presence,
        domain: OwnDomain<'_>,
        many: bool,
        further: &[(&Test<'_>, bool)],
    ) -> State {
        let absent = presence != Presence::Always && ready.iter().all(|one| one.literal.absent);
        if presence == Presence::Never {
            return State {
                absent,
                present: Present::Nothing,
            };
        }
        // What is asked of one value: everything, or what is asked of each and one demand besides.
        let asks = |all: bool, besides: Option<usize>| {
            let mut asks: SmallVec<[(&Test<'_>, bool); 4]> = SmallVec::new();
            for (index, one) in ready.iter().enumerate() {
                if all || one.literal.each || besides == Some(index) {
                    asks.push((&*one.test, one.literal.passes));
                }
            }
            asks.extend_from_slice(further);
            asks
        };
        if !many {
            let present = match self.one(domain, &asks(true, None)) {
                Found::Nothing => Present::Nothing,
                Found::Value(value) => Present::Values(vec![value]),
                Found::Unknown => Present::Unknown,
            };
            return State { absent, present };
        }
        let mut values = Vec::new();
        let mut unknown = false;
        let some: Vec<usize> = (0..ready.len())
            .filter(|index| ready.get(*index).is_some_and(|one| !one.literal.each))
            .collect();
        // Where no value in particular is asked for, any that each demand allows will do.
        let wanted: Vec<Option<usize>> = if some.is_empty() {
            vec![None]
        } else {
            some.into_iter().map(Some).collect()
        };
        for index in wanted {
            match self.one(domain, &asks(false, index)) {
                Found::Nothing => {
                    return State {
                        absent,
                        present: Present::Nothing,
                    };
                }
                Found::Value(value) => values.push(value),
                Found::Unknown => unknown = true,
            }
        }
        values.sort_unstable();
        values.dedup();
        let present = if unknown {
            Present::Unknown
        } else {
            Present::Values(values)
        };
        State { absent, present }
    }

    fn one(&mut self, domain: OwnDomain<'_>, asks: &[(&Test<'_>, bool)]) -> Found {
        match domain {
            OwnDomain::Only(value) => {
                if asks
                    .iter()
                    .all(|(test, passes)| test.passes(value) == *passes)
                {
                    Found::Value(value.to_owned())
                } else {
                    Found::Nothing
                }
            }
            OwnDomain::Of(domain) => solve(domain, asks, &mut self.fuel),
        }
    }
}

fn steps(length: usize) -> u64 {
    STEPS + STEPS_PER_BYTE * length as u64
}

/// A domain, or the one value that the class of caller fixes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OwnDomain<'p> {
    Of(Domain),
    Only(&'p str),
}

pub(super) fn domain_of<'p>(class: Class<'p>, literal: &Literal<'_>) -> OwnDomain<'p> {
    match (literal.row.role, class) {
        (Role::ServiceName, Class::Service(name)) => OwnDomain::Only(name),
        (Role::IsService, Class::Service(_) | Class::AnyService) => OwnDomain::Only("true"),
        (Role::IsService, Class::Aws | Class::Federated(_)) => OwnDomain::Only("false"),
        _ => OwnDomain::Of(literal.row.domain),
    }
}

/// Whether no request without the key goes this way.
pub(crate) fn required(way: &Way<'_>, like: &Literal<'_>, solver: &Solver<'_>) -> bool {
    solver.presence(way, like) == Presence::Always
        || way
            .demands
            .iter()
            .any(|literal| literal.same_key(like) && !literal.absent)
}

/// Whether a key must be present with one of a finite list of values; then those.
pub(crate) fn finite<'t, 'p>(
    way: &'t Way<'p>,
    like: &Literal<'_>,
    solver: &Solver<'_>,
) -> Option<&'t [Pattern<'p>]> {
    if !required(way, like, solver) {
        return None;
    }
    way.demands
        .iter()
        .filter(|literal| literal.same_key(like) && literal.passes)
        .find_map(|literal| match &*literal.test {
            Test::Text(patterns) if patterns.iter().all(|pattern| pattern.tokens.is_none()) => {
                Some(patterns.as_slice())
            }
            _ => None,
        })
}
