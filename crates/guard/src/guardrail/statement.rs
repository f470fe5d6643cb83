//! One Deny statement of a resource control policy, and why there may be none.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::rules::{Exemption, expiry};

/// The most characters that one document may have, white space and all.
pub const MOST_CHARACTERS: usize = 5_120;

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

/// One Deny statement, and how to name what makes it long.
pub(super) struct Denial {
    pub(super) sid: String,
    pub(super) action: &'static str,
    /// Operator, key and values, in this order.
    pub(super) conditions: Vec<(&'static str, String, Value)>,
    /// What its longest list is of: a plural.
    pub(super) lists: &'static str,
}

/// As people write it, the name first.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement<'d> {
    sid: &'d str,
    effect: &'static str,
    principal: &'static str,
    action: &'static str,
    resource: &'static str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    condition: Map<String, Value>,
}

impl Denial {
    pub(super) fn statement(&self) -> Statement<'_> {
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
pub(super) fn values<'v>(values: impl IntoIterator<Item = &'v str>) -> Value {
    let values: Vec<&str> = values.into_iter().collect();
    match values.as_slice() {
        [one] => json!(one),
        many => json!(many),
    }
}

/// Is an exemption in force?
pub(super) fn holds(exemption: &Exemption, now: Timestamp) -> bool {
    let end = exemption.expires.as_deref().and_then(expiry);
    end.is_none_or(|end| end > now)
}
