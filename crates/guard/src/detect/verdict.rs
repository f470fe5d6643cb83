//! What the judgement of a trust document comes to.

use std::collections::BTreeSet;
use std::sync::Arc;

use policy::{Analysis, Grant, Who};
use serde::{Deserialize, Serialize};

use super::coverage::{Coverage, OnBehalfOf};
use super::provider::named_by_identity_center;
use crate::check::{Finding, Remedy};

/// What the judgement comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every way in is covered by a rule.
    Approved,
    /// Some way in is not.
    Violation,
    /// It could not be read, so it could not be judged. Never to be taken for approved.
    Unreadable,
}

/// A trust document, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What it comes to.
    pub verdict: Verdict,
    /// All findings, worst first; also those of an approved document.
    pub findings: Vec<Finding>,
    /// Who can assume the role; `None` where the document could not be read.
    pub analysis: Option<Arc<Analysis>>,
    /// What covers each grant of the analysis, by its index; `None`: nothing does.
    pub coverage: Vec<Option<Coverage>>,
}

impl Judgement {
    /// The findings that the remediator may remediated.
    pub fn violations(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|found| found.code.remedy() == Remedy::TrustPolicy)
    }

    /// A grant may be uncovered only because the role's path was not known: one to Identity
    /// Center's provider, which is covered on the roles that Identity Center made.
    pub fn depends_on_path(&self) -> bool {
        self.uncovered().any(|grant| match &grant.principal {
            Who::Federated { provider, .. } => named_by_identity_center(provider),
            _ => false,
        })
    }

    /// The third parties that have access, by name: `*`, an account, an organization, a unique id, an
    /// identity provider, or a service that acts for somebody else.
    pub fn third_parties(&self) -> BTreeSet<String> {
        let analysis = self.analysis.iter();
        let grants = analysis.flat_map(|analysis| &analysis.grants);
        let theirs = grants.zip(&self.coverage).filter(|(_, by)| {
            !matches!(
                by,
                Some(
                    Coverage::OwnAccount
                        | Coverage::OurAccount { .. }
                        | Coverage::OwnOrganization
                        | Coverage::IdentityCenter
                )
            )
        });
        let named = theirs.filter_map(|(grant, by)| match (&grant.principal, by) {
            (Who::Service { service }, Some(Coverage::Service { on_behalf_of, .. })) => {
                match on_behalf_of {
                    OnBehalfOf::External(account) => Some(format!("{service} for {account}")),
                    OnBehalfOf::Machines => Some(service.clone()),
                    OnBehalfOf::Limited | OnBehalfOf::Anyone => None,
                }
            }
            (Who::Service { service }, _) => Some(service.clone()),
            (Who::Anyone, _) => Some("*".to_owned()),
            (Who::AnyService, _) => Some("any service".to_owned()),
            (Who::Organization { id, .. } | Who::UniqueId { id }, _) => Some(id.clone()),
            (Who::Account { account } | Who::Principal { account, .. }, _) => Some(account.clone()),
            (Who::Federated { provider, .. }, _) => Some(provider.clone()),
        });
        named.collect()
    }

    /// The grants that no rule covers.
    pub fn uncovered(&self) -> impl Iterator<Item = &Grant> {
        let grants = self
            .analysis
            .iter()
            .flat_map(|analysis| analysis.grants.iter());
        grants
            .zip(&self.coverage)
            .filter(|(_, by)| by.is_none())
            .map(|(grant, _)| grant)
    }
}
