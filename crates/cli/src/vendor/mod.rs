//! `vendor …`: what is done about one third party.

mod access;
mod ask;
mod drift;
mod entry;
mod insert;
mod new;
mod page;
mod review;
mod scalar;
mod template;

use std::io;

use guard::rules::{RulesFile, Vendor};

use crate::args::VendorCommand;
use crate::suggest::nearest;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// A name that no vendor of the rules has.
#[derive(Debug, thiserror::Error)]
#[error("no vendor of the rules is named `{}`{}", escaped(.0), .1)]
struct NoVendor(String, String);

/// The vendor of that name, in upper or lower case.
fn named<'r>(rules: &'r RulesFile, name: &str) -> Result<&'r Vendor, NoVendor> {
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

/// Runs `vendor …`.
///
/// # Errors
///
/// Standard output does not take the result.
pub fn vendor(command: &VendorCommand, streams: &mut Streams<'_>) -> io::Result<Status> {
    match command {
        VendorCommand::New(arguments) => new::new(arguments, streams),
        VendorCommand::Drift(arguments) => drift::drift(arguments, streams),
        VendorCommand::Review(arguments) => review::review(arguments, streams),
    }
}
