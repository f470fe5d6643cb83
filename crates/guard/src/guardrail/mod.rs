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
mod outsiders;
mod pack;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::rules::{Exemption, OrganizationAccount, RulesFile, expiry};

/// The most characters that one document may have, white space and all.
pub const MOST_CHARACTERS: usize = 5_120;

/// The documents, and what they leave to the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Resource control policies as compact JSON, each within [`MOST_CHARACTERS`]. All of them are
    /// needed: each denies another part.
    pub documents: Vec<String>,
    /// What the rules say and these documents cannot: sentences in lower case, no full stop.
    pub notes: Vec<String>,
}

/// Why there are no documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardrailError {
    /// Resource control policies belong to an organization.
    #[error(
        "the rules name no organization (`organization.id`), and a resource control policy needs \
         it to recognize external accounts"
    )]
    NoOrganization,
    /// The key of a cluster's claims holds its region.
    #[error(
        "the rules name EKS clusters by their ids, and a policy must name their issuers, which \
         hold a region: say which regions they are in"
    )]
    NoRegions,
    /// A statement that cannot be split and does not fit.
    #[error(
        "{what} take {characters} characters, and a resource control policy has at most \
         {MOST_CHARACTERS}; they stand in one list that must not be split, because each document \
         denies whom it does not name"
    )]
    TooLong {
        /// What is listed: a plural.
        what: String,
        /// With all that belongs to the document.
        characters: usize,
    },
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
    outsiders::statements(file, &ours, organization, now, &mut statements, &mut notes);
    federated::statements(file, eks_regions, &mut statements, &mut notes)?;
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

/// One Deny statement, and how to name what makes it long.
struct Denial {
    sid: String,
    action: &'static str,
    /// Operator, key and values, in this order.
    conditions: Vec<(&'static str, String, Value)>,
    /// What its longest list is of: a plural.
    lists: &'static str,
}

/// As people write it, the name first.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'d> {
    sid: &'d str,
    effect: &'static str,
    principal: &'static str,
    action: &'static str,
    resource: &'static str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    condition: Map<String, Value>,
}

impl Denial {
    fn statement(&self) -> Statement<'_> {
        let mut condition: Map<String, Value> = Map::new();
        for (operator, key, values) in &self.conditions {
            let keys = condition
                .entry((*operator).to_owned())
                .or_insert_with(|| json!({}));
            if let Value::Object(keys) = keys {
                keys.insert(key.clone(), values.clone());
            }
        }
        Statement {
            sid: &self.sid,
            effect: "Deny",
            principal: "*",
            action: self.action,
            resource: "*",
            condition,
        }
    }
}

/// One value alone, several as a list.
fn values<'v>(values: impl IntoIterator<Item = &'v str>) -> Value {
    let values: Vec<&str> = values.into_iter().collect();
    match values.as_slice() {
        [one] => json!(one),
        many => json!(many),
    }
}

/// Is an exemption in force?
fn holds(exemption: &Exemption, now: Timestamp) -> bool {
    let end = exemption.expires.as_deref().and_then(expiry);
    end.is_none_or(|end| end > now)
}
