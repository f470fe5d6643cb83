//! From a file to rules, with everything that is wrong said on standard error.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};

use guard::rules::{
    CompileError, CompiledRules, Level, OrganizationAccount, PathSegment, RuleProblem, Rules,
    RulesFile, compile,
};
use jiff::Timestamp;

use super::yaml::{Places, Step, parse};
use crate::Streams;
use crate::diagnostic::{Diagnostic, Span};
use crate::input::Input;
use crate::streams::counted;
use crate::terminal_escape::escaped;

/// A rules file that can be used.
#[derive(Debug)]
pub(crate) struct Read {
    /// The parsed file.
    pub(crate) file: RulesFile,
    /// The organization's accounts.
    pub(crate) accounts: Vec<OrganizationAccount>,
    /// How many warnings were printed.
    pub(crate) warnings: usize,
    name: String,
    accounts_name: String,
}

const UNUSABLE: &str = "cannot be used";

/// Reads a rules file and the accounts it names, printing what is wrong or doubtful; `None` if it
/// cannot be used.
pub(crate) fn read(
    input: &Input,
    now: Option<Timestamp>,
    streams: &mut Streams<'_>,
) -> Option<Read> {
    let text = streams.ok(input.read())?;
    read_text(input, &text, now, streams)
}

/// Reads rules for judging: a rules file, or what `rules compile` made of one.
pub(crate) fn load(input: &Input, streams: &mut Streams<'_>) -> Option<Rules> {
    let text = streams.ok(input.read())?;
    if text.starts_with("{\"schema\":") {
        loaded(text.into_bytes(), &input.name(), streams)
    } else {
        read_text(input, &text, None, streams)?.rules(streams)
    }
}

fn loaded(compiled: Vec<u8>, name: &str, streams: &mut Streams<'_>) -> Option<Rules> {
    Rules::load(compiled)
        .map_err(|error| streams.unusable(name, UNUSABLE, &error))
        .ok()
}

/// [`read`] of a text that was read already.
pub(crate) fn read_text(
    input: &Input,
    text: &str,
    now: Option<Timestamp>,
    streams: &mut Streams<'_>,
) -> Option<Read> {
    let name = input.name();
    let show = |diagnostic: &Diagnostic, streams: &mut Streams<'_>| {
        streams.raw_error(|colors| diagnostic.render(&name, text, colors));
    };
    let file = parse(text)
        .map_err(|diagnostic| show(&diagnostic, streams))
        .ok()?;
    // The text is read once more only where there is something to point at.
    let places = LazyCell::new(|| Places::read(text));
    let span = |path: &[PathSegment]| {
        let steps = path.iter().map(|segment| match segment {
            PathSegment::Key(key) => Step::Key(key),
            PathSegment::Index(index) => Step::Index(*index),
        });
        places.as_ref()?.find(steps, false, text)
    };

    let accounts_path = file
        .organization
        .as_ref()
        .and_then(|own| own.accounts_file.as_deref())
        .map(|accounts| beside(input, accounts));
    let read = accounts_path
        .as_deref()
        .map_or(Ok(Vec::new()), read_accounts);
    let mut problems: Vec<Diagnostic> = file
        .problems_among(read.as_deref().unwrap_or_default(), now)
        .into_iter()
        .map(|problem| diagnostic(problem, span))
        .collect();
    problems.sort_by_key(|problem| problem.span);
    let errors = problems
        .iter()
        .filter(|problem| problem.level == Level::Error)
        .count();
    for problem in &problems {
        show(problem, streams);
    }

    let accounts = match read {
        Ok(accounts) => accounts,
        Err((message, help)) => {
            let path = ["organization", "accounts_file"].map(PathSegment::from);
            let span = span(&path);
            show(
                &Diagnostic {
                    level: Level::Error,
                    message,
                    span,
                    help,
                },
                streams,
            );
            return None;
        }
    };
    if errors > 0 {
        let rest = problems.len() - errors;
        streams.error(format_args!(
            "{} cannot be used: {}, {}",
            escaped(&name),
            counted(errors, "error", "errors"),
            counted(rest, "warning", "warnings")
        ));
        return None;
    }
    let accounts_name = accounts_path.unwrap_or_default().display().to_string();
    Some(Read {
        file,
        accounts,
        warnings: problems.len(),
        name,
        accounts_name,
    })
}

fn diagnostic(problem: RuleProblem, span: impl Fn(&[PathSegment]) -> Option<Span>) -> Diagnostic {
    Diagnostic {
        level: problem.level,
        message: problem.message,
        span: span(&problem.path),
        help: problem.suggestion,
    }
}

/// The accounts file stands beside the rules.
fn beside(input: &Input, accounts: &str) -> PathBuf {
    let folder = Path::new(input.path())
        .parent()
        .filter(|_| !input.is_stdin());
    folder.unwrap_or(Path::new("")).join(accounts)
}

/// The error and the suggestion.
type Trouble = (String, Option<String>);

fn read_accounts(path: &Path) -> Result<Vec<OrganizationAccount>, Trouble> {
    let text = Input::new(path).read().map_err(|error| {
        let help = "`trustwarden rules accounts --live` writes it".to_owned();
        (crate::streams::chain(&error), Some(help))
    })?;
    serde_json::from_str(&text).map_err(|error| {
        let help = "it is a list, as [{\"id\": \"111122223333\", \"name\": \"prod\"}]".to_owned();
        (
            format!("{} is not an accounts file: {error}", path.display()),
            Some(help),
        )
    })
}

impl Read {
    /// The rules to judge by; `None`, and the reason printed, if they do not compile.
    pub(crate) fn rules(&self, streams: &mut Streams<'_>) -> Option<Rules> {
        let compiled = self.compile(streams)?;
        loaded(compiled.bytes, &self.name, streams)
    }

    /// The rules as the functions load them; `None`, and the reason printed, if they do not compile.
    pub(crate) fn compile(&self, streams: &mut Streams<'_>) -> Option<CompiledRules> {
        compile(&self.file, &self.accounts)
            .map_err(|error| {
                let name = match error {
                    CompileError::Account { .. } => &self.accounts_name,
                    _ => &self.name,
                };
                streams.unusable(name, UNUSABLE, &error);
            })
            .ok()
    }
}
