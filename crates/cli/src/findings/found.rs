//! A finding, and where it was found.

use std::sync::Arc;

use guard::Finding;
use serde::Deserialize;

/// Where the pages of the checks are.
pub(crate) const PAGES: &str = "https://github.com/trustwarden/trustwarden/blob/main/docs/checks";

/// A finding, and where it was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// The finding without its witness: so it is the same of many roles.
    pub(crate) finding: Arc<Finding>,
    /// A request that is allowed and should not be, as JSON: of the roles of a large account each may
    /// have its own.
    pub(crate) witness: Option<Box<str>>,
    /// The subject.
    pub(crate) about: Arc<About>,
}

/// The subject of findings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct About {
    /// 12 digits, where known.
    pub(crate) account: Option<Arc<str>>,
    /// As `role/NAME`; the file's name where the input names no role.
    pub(crate) subject: Box<str>,
    /// The file it was found in.
    pub(crate) file: Arc<str>,
    /// 1-based.
    pub(crate) line: Option<u32>,
    /// A template's logical id, or a plan's address. A thin pointer: an account's roles have none.
    pub(crate) in_template: Option<Box<Address>>,
}

/// A template's logical id, or a plan's address.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Address(pub(crate) Box<str>);

impl About {
    /// Where it stands in a template or a plan.
    pub(crate) fn address(&self) -> Option<&str> {
        self.in_template.as_ref().map(|address| &*address.0)
    }
}

impl Found {
    /// The request.
    pub(crate) fn witness<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.witness.as_deref()?).ok()
    }
}

/// A request that is allowed and should not be, taken out of its finding, as JSON.
pub(crate) fn take_witness(finding: &mut Finding) -> Option<Box<str>> {
    let request = finding.witness.take()?;
    serde_json::to_string(&request).ok().map(Box::from)
}
