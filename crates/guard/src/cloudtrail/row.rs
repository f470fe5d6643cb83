//! A row of the table of events.

use super::meaning::Means;

/// A row: an event of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `eventName`.
    pub name: &'static str,
    /// What the guard takes it for.
    pub means: Means,
    /// Where the record names its subject, as a role or a user; the first that is there counts.
    pub subject: Places,
    /// Where the credential or the policy stands, likewise.
    pub what: Places,
    /// Where the document stands, or what else counts, likewise.
    pub content: Places,
}

/// Paths of keys below a record, as `requestParameters.userName`.
pub type Places = &'static [&'static str];

pub(super) const fn row(
    name: &'static str,
    means: Means,
    subject: Places,
    what: Places,
    content: Places,
) -> Row {
    Row {
        name,
        means,
        subject,
        what,
        content,
    }
}
