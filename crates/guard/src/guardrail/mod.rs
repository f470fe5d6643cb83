//! Prevention from the same rules: resource control policies for AWS Organizations, which refuse
//! what the rules do not allow before any guard has to look.
//!
//! A resource control policy (RCP) only denies, and it denies whole organizations. So the documents
//! made here keep to one promise: **no request that the rules approve is denied.** Where a rule
//! says more than such a document can (which role a vendor may assume, for one), the document says
//! less, and [`Guardrail::notes`] says so: that is left to the guard.
//!
//! Sources: AWS Organizations user guide, "Resource control policies (RCPs)", "RCP syntax" and
//! "Quotas and service limits"; IAM user guide, "AWS global condition context keys" and "IAM and
//! AWS STS condition context keys"; aws-samples/data-perimeter-policy-examples, whose
//! identity perimeter has the same form.

mod federated;
mod pack;
mod statement;
mod third_parties;
mod vendors;
mod wanted;

use jiff::Timestamp;

use self::statement::{Spared, holds};
use self::third_parties::Scene;
use self::wanted::Precision;
use crate::rules::{OrganizationAccount, RulesFile};

pub use self::statement::{GuardrailError, MOST_CHARACTERS, MOST_DOCUMENTS};
pub use self::wanted::{GuardedService, Wanted};

/// The documents, and what they leave to the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Resource control policies as compact JSON, each within [`MOST_CHARACTERS`], at most
    /// [`MOST_DOCUMENTS`]. All of them are needed: each denies another part.
    pub documents: Vec<String>,
    /// Each statement, by its Sid, and which callers it refuses, in the rules' terms.
    pub stops: Vec<(String, String)>,
    /// What the rules say and these documents cannot: sentences in lower case, no full stop.
    pub notes: Vec<String>,
}

/// The resource control policies that these rules come to.
///
/// `now` decides which vendors and exemptions have expired.
///
/// # Errors
/// If the rules do not say enough, a list does not fit a document, or the documents one target.
pub fn resource_control_policies(
    file: &RulesFile,
    accounts: &[OrganizationAccount],
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Guardrail, GuardrailError> {
    let organization = file
        .organization
        .as_ref()
        .and_then(|own| own.id.as_deref())
        .ok_or(GuardrailError::NoOrganization)?;
    let management = file.organization.as_ref();
    let management = management.and_then(|own| own.management_account.as_deref());
    let ours = accounts
        .iter()
        .map(|account| account.id.as_str())
        .chain(file.trusted_accounts.iter().map(String::as_str))
        .chain(management)
        .collect();
    let scene = Scene {
        file,
        ours,
        organization,
        now,
    };
    let exact = made(&scene, Precision::Exact, wanted);
    let fits = |made: &Guardrail| made.documents.len() <= MOST_DOCUMENTS;
    match exact {
        Ok(exact) if fits(&exact) => return Ok(exact),
        Ok(_) | Err(GuardrailError::TooLong { .. }) => {}
        Err(error) => return Err(error),
    }
    let coarse = made(&scene, Precision::Coarse, wanted)?;
    if fits(&coarse) {
        Ok(coarse)
    } else {
        Err(GuardrailError::TooMany(coarse.documents.len()))
    }
}

fn made(
    scene: &Scene<'_>,
    precision: Precision,
    wanted: &Wanted,
) -> Result<Guardrail, GuardrailError> {
    let file = scene.file;
    let mut notes = Vec::new();
    let mut denials = Vec::new();
    let services = &wanted.services;
    third_parties::statements(scene, precision, services, &mut denials, &mut notes);
    if file.identity_providers.is_empty() && !wanted.federation {
        // Nobody wrote down who signs in; to refuse everybody would lock the company itself out.
        notes.push(
            "the rules have no identity_providers: sign-ins by web identity and SAML are left alone, \
             and not in these documents (--federation refuses them)"
                .to_owned(),
        );
    } else {
        federated::statements(file, &wanted.eks_regions, &mut denials, &mut notes)?;
    }
    if file
        .exemptions
        .iter()
        .any(|exemption| holds(exemption, scene.now))
    {
        notes.push(
            "an exemption is for one role, and its account is spared at every role".to_owned(),
        );
    }
    let spared = Spared {
        tags: &wanted.exclude_tags,
        roles: &wanted.exclude_roles,
    };
    Ok(Guardrail {
        documents: pack::documents(&denials, &spared)?,
        stops: denials
            .into_iter()
            .map(|denial| (denial.sid, denial.callers))
            .collect(),
        notes,
    })
}
