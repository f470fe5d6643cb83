//! `vendor …`: what is done about one third party.

mod access;
mod ask;
mod drift;
mod entry;
mod insert;
mod named;
mod new;
mod page;
mod review;
mod scalar;
mod template;

use std::io;

use crate::args::VendorCommand;
use crate::{Status, Streams};

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
