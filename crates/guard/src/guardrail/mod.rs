//! Prevention from the same rules: resource control policies for AWS Organizations, which refuse
//! what the rules do not allow before any guard has to look.
//!
//! A resource control policy (RCP) only denies, and it denies whole organizations. So the documents
//! made here keep to one promise: **no request that the rules approve is denied.** Where a rule
//! says more than such a document can (which role a vendor may enter, for one), the document says
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

use jiff::Timestamp;

use self::statement::holds;
use crate::rules::{OrganizationAccount, RulesFile};

pub use self::statement::{GuardrailError, MOST_CHARACTERS};

/// The documents, and what they leave to the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Resource control policies as compact JSON, each within [`MOST_CHARACTERS`]. All of them are
    /// needed: each denies another part.
    pub documents: Vec<String>,
    /// What the rules say and these documents cannot: sentences in lower case, no full stop.
    pub notes: Vec<String>,
}

/// The resource control policies that these rules come to.
///
/// `now` decides which vendors and exemptions have expired. `eks_regions` are the regions of the
/// clusters that the rules name.
///
/// # Errors
/// If the rules do not say enough, or a list does not fit a document.
pub fn resource_control_policies(
    file: &RulesFile,
    accounts: &[OrganizationAccount],
    eks_regions: &[String],
    now: Timestamp,
) -> Result<Guardrail, GuardrailError> {
    let organization = file
        .organization
        .as_ref()
        .and_then(|own| own.id.as_deref())
        .ok_or(GuardrailError::NoOrganization)?;
    let mut notes = Vec::new();
    let mut statements = Vec::new();
    let management = file.organization.as_ref();
    let management = management.and_then(|own| own.management_account.as_deref());
    let ours = accounts
        .iter()
        .map(|account| account.id.as_str())
        .chain(file.trusted_accounts.iter().map(String::as_str))
        .chain(management)
        .collect();
    third_parties::statements(file, &ours, organization, now, &mut statements, &mut notes);
    if file.identity_providers.is_empty() {
        // Nobody wrote down who signs in; to refuse everybody would lock the company itself out.
        notes.push(
            "the rules have no identity_providers: sign-ins by web identity and SAML are left alone, \
             and not in these documents"
                .to_owned(),
        );
    } else {
        federated::statements(file, eks_regions, &mut statements, &mut notes)?;
    }
    if file
        .exemptions
        .iter()
        .any(|exemption| holds(exemption, now))
    {
        notes.push(
            "an exemption is for one role, and its account is spared at every role".to_owned(),
        );
    }
    Ok(Guardrail {
        documents: pack::documents(&statements)?,
        notes,
    })
}
