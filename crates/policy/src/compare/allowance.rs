//! What is allowed, as a plain list, for the question whether a document grants more.

use crate::analyze::region::{Calls, RequestSpace};
use crate::analyze::way::{Class, Issuer, Way};
use crate::analyze::{Literal, Named};
use crate::keys::{self, Role};
use crate::sets::network::Network;
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;
use crate::sets::universe::PARTITIONS;

/// All that is allowed: a call must be covered by one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowance {
    /// In any order.
    pub allowed: Vec<Allowed>,
}

/// Callers, and what their calls must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Who may call.
    pub who: AllowedWho,
    /// Condition keys that must be present, each with the values that are allowed. Keys that are
    /// not named here may be anything.
    pub demands: Vec<(String, AllowedValues)>,
}

/// Callers that are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedWho {
    /// Any AWS principal of any account (to be limited by demands).
    Anyone,
    /// Any AWS principal of an account, by its 12 digits.
    Account(String),
    /// AWS principals of an account whose `aws:PrincipalArn` fits one of these patterns.
    Principals {
        /// 12 digits.
        account: String,
        /// ARN patterns; wildcards stay within their part of the ARN.
        arns: Vec<String>,
    },
    /// Any AWS principal of an organization, by its id.
    Organization(String),
    /// The AWS principal with this unique id.
    UniqueId(String),
    /// Any AWS service.
    AnyService,
    /// One AWS service.
    Service(String),
    /// Users of an identity provider, named as in the document.
    Federated(String),
}

/// Values that are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedValues {
    /// Exactly these.
    OneOf(Vec<String>),
    /// Those that fit one of these patterns.
    Like(Vec<String>),
    /// Those that fit one of these patterns, case not counted.
    LikeIgnoringCase(Vec<String>),
    /// Addresses in one of these networks.
    Networks(Vec<String>),
}

impl Allowance {
    pub(crate) fn regions(&self) -> Vec<RequestSpace<'_>> {
        self.allowed.iter().map(Allowed::region).collect()
    }
}

impl AllowedWho {
    /// Who calls, and by which values of which keys they are known.
    fn caller(&self) -> (Class<'_>, Vec<(Role, Vec<Pattern<'static>>)>) {
        let exact = |text: &String| vec![Pattern::exact(text.clone())];
        match self {
            Self::Anyone => (Class::Aws, Vec::new()),
            Self::Account(account) => (Class::Aws, vec![(Role::PrincipalAccount, exact(account))]),
            Self::Principals { account, arns } => {
                let arns = arns.iter().filter_map(|arn| Pattern::arn(arn)).collect();
                let account = (Role::PrincipalAccount, exact(account));
                (Class::Aws, vec![account, (Role::PrincipalArn, arns)])
            }
            Self::Organization(id) => (Class::Aws, vec![(Role::OrganizationId, exact(id))]),
            Self::UniqueId(id) => {
                let session = Pattern::wild(format!("{id}:*"));
                let ids = vec![Pattern::exact(id.clone()), session];
                (Class::Aws, vec![(Role::UserId, ids)])
            }
            Self::AnyService => (Class::AnyService, Vec::new()),
            Self::Service(service) => (Class::Service(service), Vec::new()),
            Self::Federated(provider) => (Class::Federated(Issuer::read(provider)), Vec::new()),
        }
    }
}

impl AllowedValues {
    fn test(&self) -> Test<'_> {
        let folded = |one| Pattern {
            fold: true,
            ..Pattern::wild(one)
        };
        match self {
            Self::OneOf(list) => Test::Text(
                list.iter()
                    .map(|one| Pattern::exact(one.as_str()))
                    .collect(),
            ),
            Self::Like(list) => {
                Test::Text(list.iter().map(|one| Pattern::wild(one.as_str())).collect())
            }
            Self::LikeIgnoringCase(list) => {
                Test::Text(list.iter().map(|one| folded(one.as_str())).collect())
            }
            Self::Networks(list) => {
                Test::Networks(list.iter().filter_map(|one| Network::parse(one)).collect())
            }
        }
    }
}

impl Allowed {
    fn region(&self) -> RequestSpace<'_> {
        let (class, callers) = self.who.caller();
        let by_role = callers.into_iter().map(|(role, patterns)| {
            let row = keys::by_role(role);
            Literal::passing(row, row.name, Test::Text(patterns))
        });
        let by_key = self.demands.iter().map(|(key, values)| {
            let row = keys::find(key);
            Literal {
                // Of several values of one key each must be allowed.
                each: row.many,
                ..Literal::passing(row, key.as_str(), values.test())
            }
        });
        let named = match class {
            Class::Aws | Class::AnyService => Named::Everyone,
            Class::Service(service) => Named::Service(service),
            Class::Federated(issuer) => Named::Federated(issuer.provider),
        };
        RequestSpace {
            way: Way {
                statement: 0,
                named,
                class,
                partitions: PARTITIONS,
                demands: by_role.chain(by_key).collect(),
                decided: true,
            },
            calls: Calls::All,
        }
    }
}
