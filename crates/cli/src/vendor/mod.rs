//! `vendor …`: what is done about third parties.

mod access;
#[cfg(any(feature = "live", test))]
mod allow;
mod ask;
mod change;
mod drift;
mod entry;
mod insert;
mod list;
mod named;
mod new;
mod page;
mod review;
mod scalar;
mod template;

use std::io;

#[cfg(feature = "live")]
pub(crate) use allow::allow;

use crate::args::VendorCommand;
use crate::{Status, Streams};

/// Runs `vendor …`.
///
/// # Errors
///
/// Standard output does not take the result.
pub fn vendor(command: &VendorCommand, streams: &mut Streams<'_>) -> io::Result<Status> {
    match command {
        VendorCommand::List(arguments) => list::list(arguments, streams),
        VendorCommand::New(arguments) => new::new(arguments, streams),
        VendorCommand::Renew(arguments) => change::renew(arguments, streams),
        VendorCommand::Remove(arguments) => change::remove(arguments, streams),
        VendorCommand::Drift(arguments) => drift::drift(arguments, streams),
        VendorCommand::Review(arguments) => review::review(arguments, streams),
    }
}
