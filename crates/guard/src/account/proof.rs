//! What a third party must prove to enter a role.

use std::fmt;

use policy::{Grant, Values};
use serde::Serialize;

/// A class of proof, as a person would ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofKind {
    /// `sts:ExternalId`.
    ExternalId,
    /// Multi-factor authentication.
    Mfa,
    /// The caller is one that is named, not just anyone of the account.
    Principal,
    /// The caller's organization.
    Organization,
    /// Where the call comes from.
    Network,
    /// Whom an identity provider speaks for.
    Subject,
    /// For whom an identity provider's token was made.
    Audience,
    /// The call comes before, or after, a moment.
    Time,
    /// Another condition.
    Condition,
}

impl ProofKind {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::ExternalId => "external id",
            Self::Mfa => "MFA",
            Self::Principal => "named principal",
            Self::Organization => "organization",
            Self::Network => "network",
            Self::Subject => "subject",
            Self::Audience => "audience",
            Self::Time => "time",
            Self::Condition => "condition",
        }
    }
}

impl fmt::Display for ProofKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// One thing that must hold, for every request that is allowed this way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Proof {
    /// Its class.
    pub kind: ProofKind,
    /// The condition key, or empty for a named principal.
    pub key: String,
    /// The values or patterns that are accepted, where they are a list.
    pub values: Vec<String>,
    /// Many values are accepted: a pattern, an exclusion, or any at all.
    pub loose: bool,
}

/// What a grant demands, beyond who its principal is. What a request may leave out, and a condition
/// that could not be decided, is no proof; the others of such a grant are.
pub(super) fn proofs(grant: &Grant) -> Vec<Proof> {
    let asked = grant.restrictions.iter().filter(|found| {
        !found.may_be_absent && !matches!(found.values, Values::Other(_) | Values::None)
    });
    let mut proofs: Vec<Proof> = asked
        .map(|found| {
            let (values, loose) = match &found.values {
                Values::OneOf(values) | Values::OneOfIgnoringCase(values) => {
                    (values.clone(), false)
                }
                Values::Networks(values) => (values.clone(), false),
                Values::Like(values) => (values.clone(), true),
                Values::Range(words) => (vec![words.clone()], false),
                Values::Except(_) | Values::Any | Values::None | Values::Other(_) => {
                    (Vec::new(), true)
                }
            };
            Proof {
                kind: kind(&found.key),
                key: found.key.clone(),
                values,
                loose,
            }
        })
        .collect();
    proofs.sort();
    // An account has a hundred thousand of these.
    proofs.shrink_to_fit();
    proofs
}

fn kind(key: &str) -> ProofKind {
    let key = key.to_ascii_lowercase();
    match key.as_str() {
        "sts:externalid" => ProofKind::ExternalId,
        "aws:multifactorauthpresent" | "aws:multifactorauthage" => ProofKind::Mfa,
        "aws:principalarn" | "aws:userid" | "aws:username" => ProofKind::Principal,
        "aws:principalorgid" | "aws:principalorgpaths" => ProofKind::Organization,
        "aws:sourceip" | "aws:vpcsourceip" | "aws:sourcevpc" | "aws:sourcevpce"
        | "aws:sourcevpcarn" => ProofKind::Network,
        "aws:currenttime" | "aws:epochtime" => ProofKind::Time,
        key if key.ends_with(":sub") || key == "saml:namequalifier" => ProofKind::Subject,
        key if key.ends_with(":aud") || key.ends_with(":oaud") => ProofKind::Audience,
        _ => ProofKind::Condition,
    }
}
