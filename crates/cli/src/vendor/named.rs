//! A vendor by its name.

use guard::rules::{RulesFile, Vendor};

use crate::suggest::nearest;
use crate::terminal_escape::escaped;

/// A name that no vendor of the rules has.
#[derive(Debug, thiserror::Error)]
#[error("no vendor of the rules is named `{}`{}", escaped(.0), .1)]
pub(super) struct NoVendor(String, String);

/// The vendor of that name, in upper or lower case.
pub(super) fn named<'r>(rules: &'r RulesFile, name: &str) -> Result<&'r Vendor, NoVendor> {
    let vendors = &rules.vendors;
    let same = |vendor: &&Vendor| vendor.name.eq_ignore_ascii_case(name);
    vendors.iter().find(same).ok_or_else(|| {
        let near = nearest(name, vendors.iter().map(|vendor| vendor.name.as_str()));
        let hint = near.map_or(String::new(), |near| {
            format!("; did you mean `{}`?", escaped(near))
        });
        NoVendor(name.to_owned(), hint)
    })
}
