//! A finding, and where it was found.

use std::sync::Arc;

use guard::Finding;

/// Where the pages of the checks are.
pub(crate) const PAGES: &str = "https://github.com/trustwarden/trustwarden/blob/main/docs/checks";

/// A finding, and where it was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// What is wrong.
    pub(crate) finding: Arc<Finding>,
    /// 12 digits, where known.
    pub(crate) account: Option<Arc<str>>,
    /// As `role/NAME`; the file's name where the input names no role.
    pub(crate) subject: Arc<str>,
    /// The file it was found in.
    pub(crate) file: Arc<str>,
    /// 1-based.
    pub(crate) line: Option<usize>,
}
