//! The join: third party × role × what it must prove × when it was last used × the rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use policy::{Grant, Who};
use serde::Serialize;

use super::proof::{Proof, ProofKind, proofs};
use crate::check::{Check, Severity};
use crate::detect::{Coverage, Judgement, Verdict};
use crate::known_accounts::known_account;
use crate::model::RoleRef;
use crate::rules::{CompiledVendor, Rules};

/// A role of the account, and what AWS remembers of its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedRole {
    /// Whose it is, its name and its path.
    pub role: RoleRef,
    /// Its ARN, where known.
    pub arn: Option<Box<str>>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it was last used.
    pub last_used: LastUsed,
}

impl AuditedRole {
    /// `role/NAME`, as findings name it.
    pub fn subject(&self) -> String {
        format!("role/{}", self.role.name.as_deref().unwrap_or_default())
    }
}

/// IAM's `RoleLastUsed`. IAM looks back 400 days, no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LastUsed {
    /// Whoever wrote the input did not say.
    Unknown,
    /// Not within the time that IAM looks back.
    Never,
    /// The last use that IAM knows of.
    At {
        /// When.
        when: Timestamp,
        /// In which region.
        region: Option<Box<str>>,
    },
}

/// Someone outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Party {
    /// Any AWS account.
    Anyone,
    /// An organization that is not ours, or a part of it.
    Organization {
        /// `o-…`
        id: String,
    },
    /// An account.
    Account {
        /// 12 digits.
        account: String,
    },
    /// A unique id whose account nobody can tell.
    UniqueId {
        /// `AROA…` or `AIDA…`.
        id: String,
    },
    /// Whoever an identity provider speaks for.
    IdentityProvider {
        /// As the document names it.
        provider: String,
    },
}

/// The rule that names a third party.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RuleOfParty {
    /// A vendor's.
    Vendor {
        /// Its name.
        name: String,
        /// Who answers for it on our side.
        owner: Option<String>,
        /// Where it was approved.
        ticket: Option<String>,
        /// From this moment on it may not enter.
        expires: Option<Timestamp>,
    },
    /// An identity provider's.
    IdentityProvider {
        /// The provider.
        provider: String,
    },
    /// `networks`.
    Network,
    /// An exemption.
    Exemption {
        /// Why.
        reason: String,
    },
}

/// One way by which a third party enters a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Way {
    /// The principal as narrowly as the document says it: an ARN, an account, a provider.
    pub principal: String,
    /// Any principal of the account will do.
    pub whole_account: bool,
    /// What must be proved; nothing: being the principal is enough.
    pub proofs: Vec<Proof>,
    /// The Allow statement that opens it, from 0.
    pub statement: usize,
    /// A rule covers it.
    pub allowed: bool,
}

/// One third party and one role that it can enter.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// Who.
    pub party: Party,
    /// By which name the party is known: the rule's, or the one that a public list gives its
    /// account. A hint, where there is no rule.
    pub name: Option<String>,
    /// Which role.
    pub role: Arc<AuditedRole>,
    /// How; never empty.
    pub ways: Arc<[Way]>,
    /// The rule that names the party, if any does: it need not allow this access.
    pub rule: Option<Arc<RuleOfParty>>,
    /// A rule covers every way.
    pub allowed: bool,
    /// What the judgement has against it, worst first.
    pub findings: Vec<(Severity, Check)>,
}

impl Access {
    /// The classes of proof that every way demands, sorted; none: by some way nothing is asked.
    pub fn must_prove(&self) -> Vec<ProofKind> {
        let of = |way: &Way| {
            let mut kinds: Vec<ProofKind> = way.proofs.iter().map(|proof| proof.kind).collect();
            if !way.whole_account {
                kinds.push(ProofKind::Principal);
            }
            kinds.sort();
            kinds.dedup();
            kinds
        };
        let mut ways = self.ways.iter();
        let mut kinds = ways.next().map(of).unwrap_or_default();
        for way in ways {
            let others = of(way);
            kinds.retain(|kind| others.contains(kind));
        }
        kinds
    }

    /// The fixed external ids that are accepted, of all ways.
    pub fn external_ids(&self) -> impl Iterator<Item = &str> {
        let proofs = self.ways.iter().flat_map(|way| &way.proofs);
        proofs
            .filter(|proof| proof.kind == ProofKind::ExternalId && !proof.loose)
            .flat_map(|proof| proof.values.iter().map(String::as_str))
    }
}

/// Who from outside can enter a role, by its judgement: one entry a third party, sorted by it.
/// Empty for a role that only its own side and AWS services enter.
pub fn accesses(rules: &Rules, role: &Arc<AuditedRole>, judgement: &Judgement) -> Vec<Access> {
    let grants = judgement.analysis.iter().flat_map(|found| &found.grants);
    let mut parties: BTreeMap<Party, Vec<(&Grant, &Option<Coverage>)>> = BTreeMap::new();
    for (grant, by) in grants.zip(&judgement.coverage) {
        if let Some(party) = party(&grant.principal)
            && !is_inside(by.as_ref())
        {
            parties.entry(party).or_default().push((grant, by));
        }
    }
    let entries = parties.into_iter().map(|(party, grants)| {
        let ways: Arc<[Way]> = grants.iter().map(|(grant, by)| way(grant, by)).collect();
        let statements: Vec<usize> = ways.iter().map(|way| way.statement).collect();
        let account = match &party {
            Party::Account { account } => Some(account.as_str()),
            _ => None,
        };
        let about = judgement.findings.iter().filter(|found| {
            let same = match (&found.third_party, account) {
                (Some(one), Some(other)) => one == other,
                (None, _) => true,
                (Some(_), None) => matches!(party, Party::IdentityProvider { .. }),
            };
            same && found.statement.is_some_and(|at| statements.contains(&at))
        });
        let mut findings: Vec<(Severity, Check)> = about
            .filter(|found| found.code != Check::ConfusedDeputyService)
            .map(|found| (found.severity, found.code))
            .collect();
        findings.dedup();
        let rule = rule(rules, &party, &role.role, &grants, judgement);
        let name = match (&rule, account) {
            (Some(RuleOfParty::Vendor { name, .. }), _) => Some(name.clone()),
            (_, Some(account)) => known_account(account).map(|known| known.name.to_owned()),
            _ => None,
        };
        Access {
            name,
            role: Arc::clone(role),
            allowed: judgement.verdict != Verdict::Unreadable && ways.iter().all(|way| way.allowed),
            ways,
            rule: rule.map(Arc::new),
            findings,
            party,
        }
    });
    entries.collect()
}

/// The own side, and AWS's services, are no third parties.
fn is_inside(by: Option<&Coverage>) -> bool {
    matches!(
        by,
        Some(
            Coverage::OwnAccount
                | Coverage::OurAccount { .. }
                | Coverage::OwnOrganization
                | Coverage::Service { .. }
                | Coverage::IdentityCenter
        )
    )
}

fn party(who: &Who) -> Option<Party> {
    Some(match who {
        Who::Anyone => Party::Anyone,
        Who::Organization { id, .. } => Party::Organization { id: id.clone() },
        Who::Account { account } | Who::Principal { account, .. } => Party::Account {
            account: account.clone(),
        },
        Who::UniqueId { id } => Party::UniqueId { id: id.clone() },
        Who::Federated { provider, .. } => Party::IdentityProvider {
            provider: provider.clone(),
        },
        Who::Service { .. } | Who::AnyService => return None,
    })
}

fn way(grant: &Grant, by: &Option<Coverage>) -> Way {
    let (principal, whole_account) = match &grant.principal {
        Who::Anyone => ("*".to_owned(), true),
        Who::Organization { id, path } => (path.clone().unwrap_or_else(|| id.clone()), true),
        Who::Account { account } => (account.clone(), true),
        Who::Principal { arn, .. } => (arn.clone(), false),
        Who::UniqueId { id } => (id.clone(), false),
        Who::Service { service } => (service.clone(), true),
        Who::AnyService => ("*".to_owned(), true),
        Who::Federated { provider, .. } => (provider.clone(), true),
    };
    Way {
        principal,
        whole_account,
        proofs: proofs(grant),
        statement: grant.statement,
        allowed: by.is_some(),
    }
}

/// The rule that names the party: of the vendors of one account, the one that covers a grant, or
/// that the judgement compared it with.
fn rule(
    rules: &Rules,
    party: &Party,
    role: &RoleRef,
    grants: &[(&Grant, &Option<Coverage>)],
    judgement: &Judgement,
) -> Option<RuleOfParty> {
    let of_vendor = |vendor: &CompiledVendor| RuleOfParty::Vendor {
        name: vendor.name.clone(),
        owner: vendor.owner.clone(),
        ticket: vendor.ticket.clone(),
        expires: vendor.expires,
    };
    let entry = match party {
        Party::Account { account } => Some(rules.account(account)),
        Party::UniqueId { id } => Some(rules.unique_id(id)),
        _ => None,
    };
    let vendors = entry.as_ref().map_or(&[][..], |entry| &entry.vendors);
    let covering = grants.iter().find_map(|(_, by)| match by.as_ref()? {
        Coverage::Vendor { name, .. } => vendors
            .iter()
            .find(|vendor| vendor.name == *name)
            .map(of_vendor),
        Coverage::IdentityProvider { provider } => Some(RuleOfParty::IdentityProvider {
            provider: provider.clone(),
        }),
        Coverage::Network => Some(RuleOfParty::Network),
        Coverage::Exempted { reason, .. } => Some(RuleOfParty::Exemption {
            reason: reason.clone(),
        }),
        _ => None,
    });
    let compared = || {
        let named = judgement.findings.iter().find_map(|found| {
            let name = found.vendor.as_deref()?;
            vendors.iter().find(|vendor| vendor.name == name)
        });
        let of_role = || {
            let name = role.name.as_deref()?;
            vendors.iter().find(|vendor| {
                let mut entries = vendor.roles.iter();
                entries.any(|entry| policy::glob::matches_ignoring_case(&entry.name, name))
            })
        };
        named.or_else(of_role).or(vendors.first()).map(of_vendor)
    };
    covering.or_else(compared)
}
