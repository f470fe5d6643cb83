//! An audit's findings and summary, for every format.

use jiff::Timestamp;

use super::audited::Audited;

/// The result, and the input that it is of.
#[derive(Debug)]
pub(crate) struct Report {
    /// The result.
    pub(crate) audited: Audited,
    /// The moment that age and expiry were judged at.
    pub(crate) now: Timestamp,
    /// The rules that it was judged by.
    pub(crate) rules_hash: String,
    /// How many files were read.
    pub(crate) files: usize,
    /// Files that could not be read, or not whole, in their order.
    pub(crate) unreadable_files: Vec<String>,
}
