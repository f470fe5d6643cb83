//! One Deny statement of a resource control policy, and why there may be none.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::rules::{Exemption, expiry};

/// The most characters that one document may have, white space and all.
pub const MOST_CHARACTERS: usize = 5_120;

/// The most documents that can be attached to one root, unit or account beside AWS's own.
pub const MOST_DOCUMENTS: usize = 4;

/// So many names are told in a sentence.
const TOLD: usize = 3;

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
         denies every caller that it does not name"
    )]
    TooLong {
        /// What is listed: a plural.
        what: String,
        /// With all that belongs to the document.
        characters: usize,
    },
    /// More documents than one target may hold.
    #[error(
        "these are {0} documents, and a root, an organizational unit or an account takes \
         {MOST_DOCUMENTS} beside AWS's own: keep a rules file for each unit, with the vendors of its \
         accounts, and attach there what is printed from it; or give vendors that need no `principals` \
         of their own none"
    )]
    TooMany(usize),
}

impl GuardrailError {
    /// The rules are in order, and what they say cannot be attached.
    pub fn is_too_much(&self) -> bool {
        matches!(self, Self::TooLong { .. } | Self::TooMany(_))
    }
}

/// Operator, key and values.
pub(super) type Condition = (&'static str, String, Value);

/// One Deny statement, and how to name what makes it long.
pub(super) struct Denial {
    pub(super) sid: String,
    pub(super) actions: Vec<&'static str>,
    pub(super) conditions: Vec<Condition>,
    /// What its longest list is of: a plural.
    pub(super) lists: &'static str,
    /// Whom it stops, in the rules' terms.
    pub(super) callers: String,
}

/// What all statements leave alone.
pub(super) struct Spared<'w> {
    /// Tags of resources, key and value.
    pub(super) tags: &'w [(String, String)],
    /// Patterns of roles' ARNs.
    pub(super) roles: &'w [String],
}

/// As people write it, the name first.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement<'d> {
    sid: &'d str,
    effect: &'static str,
    principal: &'static str,
    action: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_resource: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    condition: Map<String, Value>,
}

impl Denial {
    pub(super) fn statement(&self, spared: &Spared<'_>) -> Statement<'_> {
        let mut condition: Map<String, Value> = Map::new();
        let tags = spared.tags.iter().map(|(key, value)| {
            let key = format!("aws:ResourceTag/{key}");
            ("StringNotEqualsIfExists", key, json!(value))
        });
        let tags: Vec<Condition> = tags.collect();
        for (operator, key, values) in self.conditions.iter().chain(&tags) {
            let keys = condition
                .entry((*operator).to_owned())
                .or_insert_with(|| json!({}));
            if let Value::Object(keys) = keys {
                keys.insert(key.clone(), values.clone());
            }
        }
        let roles = self.actions.iter().all(|action| action.starts_with("sts:"));
        let not_resource = (roles && !spared.roles.is_empty())
            .then(|| values(spared.roles.iter().map(String::as_str)));
        Statement {
            sid: &self.sid,
            effect: "Deny",
            principal: "*",
            action: values(self.actions.iter().copied()),
            resource: not_resource.is_none().then_some("*"),
            not_resource,
            condition,
        }
    }
}

/// The first few, and how many there are.
pub(super) fn listed(names: &[&str]) -> String {
    let told: Vec<&str> = names.iter().take(TOLD).copied().collect();
    match names.len().saturating_sub(TOLD) {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
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
