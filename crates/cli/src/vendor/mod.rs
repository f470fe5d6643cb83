//! `vendor …`: what is done about one third party.

mod access;
mod ask;
mod entry;
mod insert;
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
        VendorCommand::Review(arguments) => review::review(arguments, streams),
    }
}
