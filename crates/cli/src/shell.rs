//! What a package installs beside the program: completions and the manual page.

use std::io;

use clap::CommandFactory;

use crate::args::{CommandLine, CompletionsArgs};
use crate::{Status, Streams};

/// Prints the completions for one shell.
///
/// # Errors
///
/// Standard output does not take them.
pub(crate) fn completions(
    arguments: &CompletionsArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    // The generator panics where its writer fails, so it writes to memory.
    let mut text = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut CommandLine::command(),
        "trustwarden",
        &mut text,
    );
    streams.out.write_all(&text)?;
    Ok(Status::Done)
}

/// Prints the manual page: the program, then each command.
///
/// # Errors
///
/// Standard output does not take it.
pub(crate) fn man(streams: &mut Streams<'_>) -> io::Result<Status> {
    let command = CommandLine::command();
    clap_mangen::Man::new(command).render(&mut streams.out)?;
    Ok(Status::Done)
}
