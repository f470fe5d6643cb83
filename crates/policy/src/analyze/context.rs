//! What an analysis knows besides the document.

use crate::document::Origin;
use crate::providers::Provider;

/// What is known besides the document.
#[derive(Debug, Clone, Copy)]
pub struct AnalysisContext<'c> {
    /// The account in which the role lives, 12 digits. Without it every account is external.
    pub own_account: Option<&'c str>,
    /// The organization of that account, `o-…`.
    pub own_organization: Option<&'c str>,
    /// The moment from which on the document is judged.
    pub now: jiff::Timestamp,
    /// Where the document was read: what a unique id under `Principal` means depends on it.
    pub origin: Origin,
    /// Whether each grant is to carry a request that proves it.
    pub witnesses: bool,
    /// Identity providers that the caller knows besides [`crate::providers::PROVIDERS`]; they come
    /// first.
    pub providers: &'c [Provider],
}
