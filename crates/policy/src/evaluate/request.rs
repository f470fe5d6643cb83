//! What a request is asked with, and why it may be none that anybody can send.

use crate::document::Origin;

/// What is known of the world besides the request.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationContext<'e> {
    /// The account in which the role lives, where known.
    pub account: Option<&'e str>,
    /// The organization of that account, where known.
    pub organization: Option<&'e str>,
    /// The moment of the request, unless it says one itself.
    pub now: jiff::Timestamp,
    /// Where the document was read: what a unique id under `Principal` means depends on it.
    pub origin: Origin,
}

/// A request that contradicts itself: no caller can send it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Neither `AWS`, `Service` nor `Federated`.
    #[error("the principal's type is \"AWS\", \"Service\" or \"Federated\", not \"{kind}\"")]
    PrincipalType {
        /// What was given.
        kind: String,
    },
    /// Nobody who could call.
    #[error(
        "\"{value}\" is not a caller: name a user, role, session or root by its ARN, a service by \
         its name, a provider by its ARN or domain"
    )]
    Principal {
        /// What was given.
        value: String,
    },
    /// A key that follows from the principal is given another value.
    #[error("{key} is given as \"{given}\", but this caller's is \"{follows}\"")]
    Conflict {
        /// The condition key.
        key: String,
        /// What the request says.
        given: String,
        /// What follows from the principal.
        follows: String,
    },
    /// A key that has one value is given several.
    #[error("{key} has one value, {count} are given")]
    SeveralValues {
        /// The condition key.
        key: String,
        /// How many were given.
        count: usize,
    },
}
