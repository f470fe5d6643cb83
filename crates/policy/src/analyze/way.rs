//! A way in: one principal, one action, and demands on the context; and what a Deny leaves of it.

use super::compiled::{Actions, Named};
use super::literal::Literal;
use crate::arn::Arn;
use crate::keys::{self, Group, Role};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;
use crate::sets::universe::Partitions;

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
    /// The action by which this kind of caller assumes the role.
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
    pub(super) fn solves_both(self, one: &Literal<'_>, other: &Literal<'_>) -> bool {
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
    /// Where its callers live.
    pub(crate) partitions: Partitions,
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
    pub(super) fn covers(&self, other: &Self) -> bool {
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
}
