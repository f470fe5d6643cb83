//! A way in: one principal, one action, and demands on the context; and what a Deny leaves of it.

use super::compiled::{Actions, Compiled, Named};
use super::literal::Literal;
use super::offer::offers;
use super::solve::Solver;
use super::subtract::subtract;
use super::variable;
use crate::arn::Arn;
use crate::document::Effect;
use crate::keys::{self, Group, Presence, Role};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;

/// Ways that one document may be taken apart into. What is left to subtract beyond is not, and the
/// ways say that they are undecided: more is reported as open, never less.
pub(crate) const MOST_WAYS: usize = 512;

/// Which kind of caller a way admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class<'p> {
    /// A user, role, session or federated user of an account.
    Aws,
    /// An AWS service, by name.
    Service(&'p str),
    /// Any AWS service.
    AnyService,
    /// A provider, as the document names it.
    Federated(Issuer<'p>),
}

/// An identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Issuer<'p> {
    /// As the document names it.
    pub(crate) provider: &'p str,
    /// Its account; `None` for the built-in ones.
    pub(crate) account: Option<&'p str>,
    /// SAML, or web identity.
    pub(crate) saml: bool,
    /// What its claims' keys begin with: the issuer without `https://`.
    pub(crate) prefix: &'p str,
}

impl<'p> Issuer<'p> {
    /// Any provider of web identities whose claims a document does not speak of.
    pub(crate) const ANY: Self = Self {
        provider: "*",
        account: None,
        saml: false,
        prefix: "*",
    };
    /// Any SAML provider.
    pub(crate) const ANY_SAML: Self = Self {
        saml: true,
        prefix: "saml",
        ..Self::ANY
    };

    /// Both are one provider; that of an issuer without an account is the own account's.
    pub(crate) fn is(&self, other: &Self, own: Option<&str>) -> bool {
        let own_account = |one: &Self| one.account.is_none() || one.account == own;
        let hosts = !self.saml && !other.saml && own_account(self) && own_account(other);
        self.provider == other.provider
            || (own.is_some() && hosts && self.prefix.eq_ignore_ascii_case(other.prefix))
    }

    pub(crate) fn read(provider: &'p str) -> Self {
        let own = || {
            let arn = Arn::read(provider.strip_prefix("arn:")?)?;
            Some((arn.account, arn.resource))
        };
        match own() {
            Some((account, resource)) => match resource.strip_prefix("oidc-provider/") {
                Some(prefix) => Self {
                    provider,
                    account: Some(account),
                    saml: false,
                    prefix,
                },
                None => Self {
                    provider,
                    account: Some(account),
                    saml: true,
                    prefix: "saml",
                },
            },
            None => Self {
                provider,
                account: None,
                saml: false,
                prefix: provider,
            },
        }
    }
}

impl<'p> Class<'p> {
    /// The action by which this kind of caller gets in.
    pub(crate) fn way_in(self) -> Actions {
        match self {
            Self::Aws | Self::Service(_) | Self::AnyService => Actions::ASSUME_ROLE,
            Self::Federated(issuer) if issuer.saml => Actions::WITH_SAML,
            Self::Federated(_) => Actions::WITH_WEB_IDENTITY,
        }
    }

    /// What a caller of this class is asked besides, where another way takes them along: a service by
    /// its name where that takes any. `None`: it does not take them.
    pub(crate) fn along(self, other: Self) -> Option<Option<Literal<'p>>> {
        let any_of = |issuer: Issuer<'_>| issuer.provider == Issuer::ANY.provider;
        match (self, other) {
            (one, other) if one == other => Some(None),
            (Self::Service(_), Self::AnyService) => Some(None),
            (Self::AnyService, Self::Service(name)) => {
                let row = keys::by_role(Role::ServiceName);
                let test = Test::Text(vec![Pattern::exact(name)]);
                Some(Some(Literal::passing(row, row.name, test)))
            }
            (Self::Federated(one), Self::Federated(other)) => {
                (any_of(other) && one.saml == other.saml).then_some(None)
            }
            _ => None,
        }
    }

    /// The fact that a key shows of this kind of caller.
    pub(crate) fn fact(self, literal: &Literal<'_>) -> Group {
        match (literal.row.role.group(), self) {
            (group @ (Group::Identity | Group::Organization | Group::Mfa), Self::Aws)
            | (
                group @ (Group::Source | Group::SourceOrganization),
                Self::Service(_) | Self::AnyService,
            )
            | (group @ Group::Moment, _) => group,
            _ => Group::Alone,
        }
    }

    /// Whoever solves the first demand solves the second with it: both are on one key, or on keys that
    /// show one fact, or who calls may tell the organization.
    fn solves_both(self, one: &Literal<'_>, other: &Literal<'_>) -> bool {
        match (self.fact(one), self.fact(other)) {
            (Group::Alone, _) => one.same_key(other),
            (Group::Identity, Group::Organization) => true,
            (one, other) => one == other,
        }
    }
}

/// One way in.
#[derive(Debug, Clone)]
pub(crate) struct Way<'p> {
    /// The place of its statement in the document.
    pub(crate) statement: usize,
    /// Which of the statement's principals.
    pub(crate) named: Named<'p>,
    pub(crate) class: Class<'p>,
    /// All must hold.
    pub(crate) demands: Vec<Literal<'p>>,
    /// `false`: it may admit more than the document does.
    pub(crate) decided: bool,
}

impl<'p> Way<'p> {
    /// The demands on one role's keys.
    pub(crate) fn of_role(&self, role: Role) -> impl Iterator<Item = &Literal<'p>> {
        self.demands
            .iter()
            .filter(move |literal| literal.row.role == role)
    }

    /// Whether the demands on one role's keys wait for what policy variables stand for.
    pub(crate) fn has_variables(&self, role: Role) -> bool {
        self.of_role(role).any(|one| one.test.has_variables())
    }

    /// Whoever goes the other way, which opens for the same principal of the same statement, goes this
    /// one: it demands nothing that the other does not.
    fn covers(&self, other: &Self) -> bool {
        self.demands.len() <= other.demands.len()
            && self.class == other.class
            && self.demands_within(other)
    }

    /// Each demand of this way is one of the other's.
    pub(crate) fn demands_within(&self, other: &Self) -> bool {
        self.demands
            .iter()
            .all(|literal| other.demands.iter().any(|one| one.same(literal)))
    }

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
    fn is_possible(&mut self, from: usize, solver: &mut Solver<'_>) -> bool {
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

/// Leaves out the ways that others cover: several Denies, and company, spell many ways twice over.
pub(super) fn without_covered<'p>(ways: Vec<Way<'p>>, solver: &mut Solver<'_>) -> Vec<Way<'p>> {
    if ways.len() < 2 {
        return ways;
    }
    let demands: usize = ways.iter().map(|way| 1 + way.demands.len()).sum();
    if !solver.fuel.invest((demands * demands / 4) as u64) {
        return ways;
    }
    // Of two that say the same the first stays; what is undecided stands for nothing decided.
    let covers = |(at, other): (usize, &Way<'p>), (place, way): (usize, &Way<'p>)| {
        at != place
            && (other.decided || !way.decided)
            && other.covers(way)
            && (at < place || !way.covers(other) || (other.decided && !way.decided))
    };
    // Only ways for one principal of one statement can cover one another.
    let kin = |(_, way): &(usize, &Way<'p>)| (way.statement, way.named);
    let mut order: Vec<(usize, &Way<'p>)> = ways.iter().enumerate().collect();
    order.sort_by_key(kin);
    let mut kept = vec![true; ways.len()];
    for alike in order.chunk_by(|one, other| kin(one) == kin(other)) {
        for one in alike {
            if alike.iter().any(|other| covers(*other, *one))
                && let Some(kept) = kept.get_mut(one.0)
            {
                *kept = false;
            }
        }
    }
    let kept = ways.into_iter().zip(kept);
    kept.filter_map(|(way, kept)| kept.then_some(way)).collect()
}

/// The ways in by one action (by default the one that fits each kind of caller), after every Deny.
pub(crate) fn ways<'p>(
    statements: &[Compiled<'p>],
    action: Option<Actions>,
    solver: &mut Solver<'_>,
) -> Vec<Way<'p>> {
    let mut left = offers(statements, action, solver);
    left.retain_mut(|way| way.is_possible(0, solver));
    let mut budget = MOST_WAYS.max(left.len());
    for deny in statements
        .iter()
        .filter(|statement| statement.effect == Effect::Deny)
    {
        let mut next = Vec::with_capacity(left.len());
        for way in left {
            let action = action.unwrap_or_else(|| way.class.way_in());
            if deny.actions.has(action) {
                subtract(way, deny, solver, &mut budget, &mut next);
            } else {
                next.push(way);
            }
        }
        left = without_covered(next, solver);
    }
    left
}

/// The ways in as whole calls go them.
pub(crate) fn ways_in<'p>(statements: &[Compiled<'p>], solver: &mut Solver<'_>) -> Vec<Way<'p>> {
    // What a call carries may follow from what it has to say, and its company asks for more.
    let left = with_consequences(ways(statements, None, solver), solver);
    let left = with_company(left, statements, solver);
    with_consequences(left, solver)
}

fn with_consequences<'p>(ways: Vec<Way<'p>>, solver: &mut Solver<'_>) -> Vec<Way<'p>> {
    let varies = |way: &Way<'p>| way.demands.iter().any(|one| one.test.has_variables());
    if !ways.iter().any(varies) {
        return ways;
    }
    ways.into_iter()
        .filter_map(|mut way| match variable::consequences(&way, solver) {
            Some(follow) if follow.is_empty() => Some(way),
            Some(follow) => way.and(&follow, solver),
            None => {
                way.decided = false;
                Some(way)
            }
        })
        .collect()
}

/// Leaves of each way what a whole call can use: a call that carries session tags or a source
/// identity is checked for those actions too.
fn with_company<'p>(
    ways: Vec<Way<'p>>,
    statements: &[Compiled<'p>],
    solver: &mut Solver<'_>,
) -> Vec<Way<'p>> {
    const NEEDS: [(Role, Actions); 2] = [
        (Role::Tagging, Actions::TAG_SESSION),
        (Role::SourceIdentity, Actions::SET_SOURCE_IDENTITY),
    ];
    let mut left = without_covered(ways, solver);
    for (role, action) in NEEDS {
        let carries = |way: &Way<'p>, solver: &Solver<'_>| {
            way.of_role(role)
                .any(|literal| !literal.absent || solver.presence(way, literal) == Presence::Always)
        };
        if !left.iter().any(|way| carries(way, solver)) {
            continue;
        }
        let mut company: Option<Vec<Way<'p>>> = None;
        let mut next = Vec::with_capacity(left.len());
        for mut way in left {
            if !carries(&way, solver) {
                next.push(way);
                continue;
            }
            let company =
                company.get_or_insert_with(|| self::ways(statements, Some(action), solver));
            let class = way.class;
            let company = company
                .iter()
                .filter_map(|other| Some((other, class.along(other.class)?)));
            // All that the company demands is demanded already: most often the two are one statement.
            let met = |(other, asked): (&Way<'p>, Option<Literal<'p>>)| {
                asked.is_none() && other.decided && other.demands_within(&way)
            };
            if company.clone().any(met) {
                next.push(way);
                continue;
            }
            if next.len() >= MOST_WAYS {
                way.decided = false;
                next.push(way);
                continue;
            }
            for (other, asked) in company {
                let demands: Vec<_> = other.demands.iter().cloned().chain(asked).collect();
                if let Some(mut both) = way.and(&demands, solver) {
                    both.decided &= other.decided;
                    next.push(both);
                }
            }
        }
        left = without_covered(next, solver);
    }
    left
}
