//! All requests at once: who can get in by a trust document, decided.
//!
//! The crate's README explains the procedure. In short: every Allow statement opens ways in (one
//! for each principal, as demands on the keys of a request); every Deny is subtracted, which leaves
//! more ways with more demands; a way whose demands nobody can meet is dropped ([`solve`], exactly);
//! the answer's fields are read off what is left.

mod admit;
mod compiled;
mod federated;
mod grants;
mod identity;
mod literal;
mod network;
mod restrict;
mod solve;
mod summary;
mod variable;
mod way;
mod witness;

use crate::answer::Analysis;
use crate::document::TrustPolicy;
use crate::providers::Provider;

/// What is known besides the document.
#[derive(Debug, Clone, Copy)]
pub struct AnalysisContext<'c> {
    /// The account in which the role lives, 12 digits. Without it every account is external.
    pub own_account: Option<&'c str>,
    /// The organization of that account, `o-…`.
    pub own_organization: Option<&'c str>,
    /// The moment for which the document is judged.
    pub now: jiff::Timestamp,
    /// Whether each grant is to carry a request that proves it.
    pub witnesses: bool,
    /// Identity providers that the caller knows besides [`crate::providers::PROVIDERS`]; they come
    /// first.
    pub providers: &'c [Provider],
}

/// Who can get in by this document.
///
/// What could not be decided within the bounds is reported as open, in a grant whose `decided` is
/// `false`.
pub fn analyse(policy: &TrustPolicy<'_>, context: &AnalysisContext<'_>) -> Analysis {
    summary::analysis(policy, context)
}
