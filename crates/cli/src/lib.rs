//! The command line, as library functions.
//!
//! Every command takes its arguments and the [`Streams`] it may write to, and returns a
//! [`Status`]. The only `io::Error` that leaves one is of writing to standard output; whatever is
//! wrong with the input is said on standard error and shows in the status. The clock is read here
//! and nowhere else.
// A longer body is split by what it does; a table says so in its reason (clippy.toml: 80 lines).
#![cfg_attr(not(test), warn(clippy::too_many_lines))]

pub mod analyze;
pub mod args;
pub mod audit;
pub mod check;
mod decoded;
mod diagnostic;
mod difference;
pub mod explain;
mod findings;
pub mod generate;
pub mod input;
mod least;
#[cfg(feature = "live")]
mod live;
pub mod origin;
mod output;
mod outputs;
mod progress;
pub mod replay;
pub mod rules;
mod shell;
pub mod simulate;
mod status;
mod streams;
mod suggest;
mod table;
mod terminal_escape;
mod values;
pub mod vendor;

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode;

use clap::Parser;

pub use crate::status::Status;
pub use crate::streams::{Colors, Streams, Style};

use crate::terminal_escape::escaped;

use crate::args::{ColorChoice, Command, CommandLine};

/// Data is written in pieces of this size, so that a pipeline is not a system call a line.
const BUFFER_BYTES: usize = 64 * 1024;

/// Runs one command line (the program's name first) on the process's own streams.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = CommandLine::try_parse_from(&arguments);
    let choice = match &parsed {
        Ok(line) => line.color,
        Err(_) => color_asked_for(&arguments),
    };
    let out_colors = Colors::new(colored(choice, io::stdout().is_terminal()));
    let err_colors = Colors::new(colored(choice, io::stderr().is_terminal()));
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout());
    let mut err = io::stderr();
    let mut streams = Streams::new(&mut out, out_colors, &mut err, err_colors)
        .with_progress(io::stderr().is_terminal());

    let ended = match parsed {
        Ok(line) => dispatch(line.command, &mut streams),
        Err(error) => usage(&error, &mut streams),
    };
    let ended = ended.and_then(|status| streams.finish().map(|()| status));
    match ended {
        Ok(status) => status.into(),
        // `trustwarden … | head` got what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done.into(),
        Err(error) => {
            streams.error(format_args!("cannot write to standard output: {error}"));
            Status::Unreadable.into()
        }
    }
}

fn dispatch(command: Command, streams: &mut Streams<'_>) -> io::Result<Status> {
    match command {
        Command::Analyze(arguments) => analyze::analyze(&arguments, streams),
        Command::Check(arguments) => check::check(&arguments, streams),
        Command::Audit(arguments) => audit::audit(&arguments, streams),
        Command::Replay(arguments) => replay::replay(&arguments, streams),
        Command::Simulate(arguments) => simulate::simulate(&arguments, streams),
        Command::Explain(arguments) => explain::explain(&arguments, streams),
        #[cfg(feature = "live")]
        Command::TestAlert(arguments) => live::test_alert(&arguments, streams),
        #[cfg(feature = "live")]
        Command::Status(arguments) => live::status(&arguments, streams),
        #[cfg(feature = "live")]
        Command::UninstallCheck(arguments) => live::uninstall_check(&arguments, streams),
        #[cfg(feature = "live")]
        Command::Restore(arguments) => live::restore(&arguments, streams),
        #[cfg(feature = "live")]
        Command::Incidents(arguments) => live::incidents(&arguments, streams),
        #[cfg(feature = "live")]
        Command::Approve(arguments) => live::approve(&arguments, streams),
        #[cfg(feature = "live")]
        Command::Undo(arguments) => live::undo(&arguments, streams),
        Command::Completions(arguments) => shell::completions(&arguments, streams),
        Command::Man => shell::man(streams),
        Command::Rules(command) => rules::rules(&command, streams),
        Command::Policy(command) => generate::policy(&command, streams),
        Command::Vendor(command) => vendor::vendor(&command, streams),
    }
}

/// Prints clap's own answer: help and version are data, the rest is not.
fn usage(error: &clap::Error, streams: &mut Streams<'_>) -> io::Result<Status> {
    let text = |colors: Colors| {
        let rendered = error.render();
        let plain = rendered.to_string();
        // clap repeats what was typed; an escape in it must not reach the terminal.
        if plain.lines().any(terminal_escape::needs_escapes) {
            plain
                .lines()
                .map(|line| format!("{}\n", escaped(line)))
                .collect()
        } else if colors.is_on() {
            rendered.ansi().to_string()
        } else {
            plain
        }
    };
    if error.use_stderr() {
        streams.raw_error(text);
        Ok(Status::Unreadable)
    } else {
        let text = text(streams.colors);
        streams.out.write_all(text.as_bytes())?;
        Ok(Status::Done)
    }
}

fn colored(choice: ColorChoice, terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
            terminal && !refused && !dumb
        }
    }
}

/// `--color` of a command line that did not parse, so that the message about it obeys.
fn color_asked_for(arguments: &[OsString]) -> ColorChoice {
    let word = |text: &str| match text {
        "always" => Some(ColorChoice::Always),
        "never" => Some(ColorChoice::Never),
        _ => None,
    };
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(argument) = arguments.next() {
        if argument == "--color" {
            return arguments.next().and_then(word).unwrap_or(ColorChoice::Auto);
        }
        if let Some(value) = argument.strip_prefix("--color=") {
            return word(value).unwrap_or(ColorChoice::Auto);
        }
    }
    ColorChoice::Auto
}
