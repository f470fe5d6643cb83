//! `uninstall-check`: what an uninstall would leave behind. Quarantines and session denies stand
//! in IAM, not in the stack: deleting the stack takes the memory of them away, not them. So IAM is
//! asked what there is, and the table what was there before.

use std::io;

use aws::Table;
use aws::live::{Residue, describe_stack, kept_documents, residue};
use guard::state::history::KeptDocument;

use super::{of, wait};
use crate::args::LiveArgs;
use crate::streams::counted;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// Prints what is still in place; exit status 1 where anything is.
///
/// # Errors
///
/// Standard output does not take it.
pub(crate) fn uninstall_check(
    arguments: &LiveArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let (cloud, stack) = wait(async {
        let cloud = of(arguments).await;
        let stack = describe_stack(&cloud, &arguments.stack).await;
        (cloud, stack)
    })?;
    let Some(stack) = streams.ok(stack) else {
        return Ok(Status::Unreadable);
    };
    let Some(table) = stack.outputs.get("Table") else {
        streams.error("the stack has no table among its outputs: is it Trustwarden's?");
        return Ok(Status::Unreadable);
    };
    let (left, kept) = wait(async {
        (
            residue(&cloud).await,
            kept_documents(&Table::new(&cloud, table)).await,
        )
    })?;
    let Some(left) = streams.ok(left) else {
        return Ok(Status::Unreadable);
    };
    // Without the table it still says what stands.
    let kept = streams.ok(kept);
    print(&left, kept.as_deref().unwrap_or_default(), streams)?;
    Ok(
        match (kept, left.quarantined.len() + left.session_denials.len()) {
            (None, _) => Status::Unreadable,
            (Some(_), 0) => Status::Done,
            (Some(_), _) => Status::Findings,
        },
    )
}

fn print(left: &Residue, kept: &[KeptDocument], streams: &mut Streams<'_>) -> io::Result<()> {
    for role in &left.quarantined {
        let name = escaped(&role.name);
        // The newest stands first; an older role of that name had another id.
        match kept.iter().find(|kept| kept.role_id == role.role_id) {
            Some(kept) => writeln!(
                streams.out,
                "quarantined: role {name} since {} ({})\n  the document before: {}",
                kept.at,
                escaped(&kept.incident),
                escaped(&kept.document)
            )?,
            None => writeln!(
                streams.out,
                "quarantined: role {name}\n  {}",
                super::former_document_unknown(&role.name)
            )?,
        }
    }
    for denial in &left.session_denials {
        let before = match denial.before {
            Some(at) => format!("those issued before {at}"),
            None => "by a policy that somebody changed".to_owned(),
        };
        writeln!(
            streams.out,
            "sessions denied: role {}, {before}",
            escaped(&denial.role)
        )?;
    }
    let last = match left.quarantined.len() + left.session_denials.len() {
        0 => "nothing of the guard's would be left in IAM".to_owned(),
        standing => format!(
            "{} in IAM",
            counted(standing, "thing would be left", "things would be left")
        ),
    };
    writeln!(streams.out, "{last}")
}
