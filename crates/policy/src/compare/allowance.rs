//! What is allowed, as a plain list, for the question whether a document grants more.

use crate::analyse::region::{Calls, Region};
use crate::analyse::way::{Class, Issuer, Way};
use crate::analyse::{Literal, Named};
use crate::keys::{self, Role};
use crate::sets::network::Network;
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;

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
    pub(crate) fn regions(&self) -> Vec<Region<'_>> {
        self.allowed.iter().map(Allowed::region).collect()
    }
}

impl Allowed {
    fn region(&self) -> Region<'_> {
        let mut demands = Vec::with_capacity(self.demands.len() + 1);
        let mut of_role = |role: Role, patterns: Vec<Pattern<'static>>| {
            let row = keys::by_role(role);
            demands.push(Literal::passing(row, row.name, Test::Text(patterns)));
        };
        let mut any_service = false;
        let class = match &self.who {
            AllowedWho::Anyone => Class::Aws,
            AllowedWho::Account(account) => {
                of_role(
                    Role::PrincipalAccount,
                    vec![Pattern::exact(account.clone())],
                );
                Class::Aws
            }
            AllowedWho::Principals { account, arns } => {
                of_role(
                    Role::PrincipalAccount,
                    vec![Pattern::exact(account.clone())],
                );
                of_role(
                    Role::PrincipalArn,
                    arns.iter().filter_map(|arn| Pattern::arn(arn)).collect(),
                );
                Class::Aws
            }
            AllowedWho::Organization(id) => {
                of_role(Role::OrganizationId, vec![Pattern::exact(id.clone())]);
                Class::Aws
            }
            AllowedWho::UniqueId(id) => {
                let session = Pattern::wild(format!("{id}:*"));
                of_role(Role::UserId, vec![Pattern::exact(id.clone()), session]);
                Class::Aws
            }
            AllowedWho::AnyService => {
                any_service = true;
                Class::Service("")
            }
            AllowedWho::Service(service) => Class::Service(service),
            AllowedWho::Federated(provider) => Class::Federated(Issuer::read(provider)),
        };
        for (key, values) in &self.demands {
            let test = match values {
                AllowedValues::OneOf(list) => Test::Text(
                    list.iter()
                        .map(|one| Pattern::exact(one.as_str()))
                        .collect(),
                ),
                AllowedValues::Like(list) => {
                    Test::Text(list.iter().map(|one| Pattern::wild(one.as_str())).collect())
                }
                AllowedValues::LikeIgnoringCase(list) => Test::Text(
                    list.iter()
                        .map(|one| Pattern {
                            fold: true,
                            ..Pattern::wild(one.as_str())
                        })
                        .collect(),
                ),
                AllowedValues::Networks(list) => {
                    Test::Networks(list.iter().filter_map(|one| Network::parse(one)).collect())
                }
            };
            let row = keys::find(key);
            let mut literal = Literal::passing(row, key.as_str(), test);
            // Of several values of one key each must be allowed.
            literal.each = row.many;
            demands.push(literal);
        }
        let named = match class {
            Class::Aws => Named::Everyone,
            Class::Service(service) => Named::Service(service),
            Class::Federated(issuer) => Named::Federated(issuer.provider),
        };
        let way = Way {
            statement: 0,
            named,
            class,
            demands,
            decided: true,
        };
        Region {
            way,
            calls: Calls::All,
            any_service,
        }
    }
}
