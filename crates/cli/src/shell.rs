//! The files that a package installs beside the program: completions and the manual page.

use std::io::{self, Write};

use clap::{Command, CommandFactory};

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
    let mut program = CommandLine::command();
    program.build();
    let mut page = Vec::new();
    let whole = clap_mangen::Man::new(program.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    sections(&program, &mut page)?;
    whole.render_extra_section(&mut page)?;
    streams.out.write_all(&page)?;
    Ok(Status::Done)
}

/// A section for each command below `above`.
fn sections(above: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    for command in above.get_subcommands() {
        if command.get_name() == "help" {
            continue;
        }
        if command.has_subcommands() {
            sections(command, page)?;
            continue;
        }
        let name = command
            .get_bin_name()
            .unwrap_or_else(|| command.get_name())
            .to_owned();
        writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
        let part = clap_mangen::Man::new(command.clone());
        let mut text = Vec::new();
        part.render_description_section(&mut text)?;
        part.render_synopsis_section(&mut text)?;
        part.render_options_section(&mut text)?;
        // Within a section these are parts of it.
        let text = String::from_utf8_lossy(&text).replace(".SH ", ".SS ");
        page.extend_from_slice(text.as_bytes());
    }
    Ok(())
}
