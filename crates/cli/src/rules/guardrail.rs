//! `rules guardrail`: prevention from the same registry.

use std::io;
use std::path::Path;

use guard::guardrail::resource_control_policies;
use jiff::Timestamp;

use super::load::read;
use crate::args::RulesGuardrailArgs;
use crate::output::replace;
use crate::streams::counted;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// A root, an organizational unit or an account has at most five, and AWS's own is one of them.
const MOST_ATTACHED: usize = 4;

pub(super) fn guardrail(
    arguments: &RulesGuardrailArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(read) = read(&arguments.file, None, streams) else {
        return Ok(Status::Unreadable);
    };
    let made = resource_control_policies(&read.file, &read.accounts, &arguments.eks_region, now);
    let guardrail = match made {
        Ok(guardrail) => guardrail,
        Err(error) => {
            streams.failure(&error);
            return Ok(Status::Unreadable);
        }
    };
    if guardrail.documents.len() > MOST_ATTACHED {
        streams.warning(format_args!(
            "these are {} documents, and at most {MOST_ATTACHED} beside AWS's own can be attached \
             to one root, unit or account: attach the rest one level below",
            guardrail.documents.len()
        ));
    }
    match &arguments.output {
        None => {
            for document in &guardrail.documents {
                writeln!(streams.out, "{document}")?;
            }
        }
        Some(folder) => {
            for (index, document) in guardrail.documents.iter().enumerate() {
                if !write(folder, index, document, streams) {
                    return Ok(Status::Unreadable);
                }
            }
        }
    }
    let count = counted(guardrail.documents.len(), "document", "documents");
    streams.remark(format_args!(
        "{count}; what the rules say and these cannot is left to the guard:"
    ));
    for note in &guardrail.notes {
        streams.remark(format_args!("- {}", escaped(note)));
    }
    Ok(Status::Done)
}

fn write(folder: &Path, index: usize, document: &str, streams: &mut Streams<'_>) -> bool {
    let path = folder.join(format!("trustwarden-rcp-{}.json", index + 1));
    if let Err(error) = replace(&path, document.as_bytes()) {
        streams.failure(&error);
        return false;
    }
    streams.remark(escaped(path.display().to_string()));
    true
}
