//! `analyze`: who can assume a role by its trust policy.

mod bulk;
mod pipeline;
mod words;

use std::io;
use std::num::NonZeroUsize;
use std::thread;

use jiff::Timestamp;
use policy::{Analysis, AnalysisContext, TrustPolicy};
use serde::Serialize;

pub(crate) use self::words::who_words;
use crate::args::{AnalyzeArgs, AnswerFormat};
use crate::diagnostic::no_policy;
use crate::input::Input;
use crate::{Status, Streams};

/// Runs `analyze`.
///
/// # Errors
///
/// Standard output does not take the answer.
pub fn analyze(arguments: &AnalyzeArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let context = AnalysisContext {
        own_account: arguments.account.as_deref(),
        own_organization: arguments.organization.as_deref(),
        now,
        origin: arguments.origin.into(),
        witnesses: !arguments.no_witness,
        providers: &[],
    };
    if arguments.jsonl {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        return bulk::run(&arguments.files, &context, cores, streams);
    }
    if context.own_account.is_none() {
        streams.warning("without --account every account counts as external, your own too");
    }
    let several = arguments.files.len() > 1;
    let default = if several {
        AnswerFormat::Json
    } else {
        AnswerFormat::Human
    };
    let mut status = Status::Done;
    for (index, input) in arguments.files.iter().enumerate() {
        let Some(analysis) = read_and_analyze(input, &context, streams) else {
            status = Status::Unreadable;
            continue;
        };
        match arguments.format.unwrap_or(default) {
            AnswerFormat::Json => {
                let file = several.then(|| input.name());
                let answer = Answer {
                    file,
                    analysis: &analysis,
                };
                serde_json::to_writer(&mut *streams.out, &answer)?;
                writeln!(streams.out)?;
            }
            AnswerFormat::Human => {
                if several {
                    let gap = if index == 0 { "" } else { "\n" };
                    writeln!(
                        streams.out,
                        "{gap}{}:",
                        crate::terminal_escape::escaped(input.name())
                    )?;
                }
                words::write(&analysis, streams)?;
            }
        }
    }
    Ok(status)
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(flatten)]
    analysis: &'a Analysis,
}

fn read_and_analyze(
    input: &Input,
    context: &AnalysisContext<'_>,
    streams: &mut Streams<'_>,
) -> Option<Analysis> {
    let text = streams.ok(input.read())?;
    match TrustPolicy::parse(&text) {
        Ok(policy) => Some(policy::analyze(&policy, context)),
        Err(error) => {
            let diagnostic = no_policy(&error);
            streams.raw_error(|colors| diagnostic.render(&input.name(), &text, colors));
            None
        }
    }
}
