//! `uninstall-check`: what an uninstall would leave behind. Quarantines and session denies stand
//! in IAM, not in the stack: deleting the stack takes the memory of them away, not them.

use std::collections::BTreeSet;
use std::io;

use aws::live::{Residue, describe_stack, residue};
use aws::{Iam, Table};
use guard::model::{LiveRole, document_digest};
use guard::ports::{IamError, Roles};
use guard::remediate::QUARANTINE;

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
    let (left, live) = wait(async {
        let left = residue(&Table::new(&cloud, table)).await;
        let live = match &left {
            Ok(left) => live_roles(&Iam::new(&cloud), left).await,
            Err(_) => Vec::new(),
        };
        (left, live)
    })?;
    let Some(left) = streams.ok(left) else {
        return Ok(Status::Unreadable);
    };
    print(&left, &live, streams)
}

type Live = Result<Option<LiveRole>, IamError>;

async fn live_roles(iam: &Iam, left: &Residue) -> Vec<(String, Live)> {
    let names: BTreeSet<&str> = left
        .overwritten
        .iter()
        .map(|kept| kept.role.as_str())
        .collect();
    let mut live = Vec::new();
    for name in names {
        live.push((name.to_owned(), iam.read_role(name).await));
    }
    live
}

fn print(left: &Residue, live: &[(String, Live)], streams: &mut Streams<'_>) -> io::Result<Status> {
    let closed = document_digest(QUARANTINE);
    let mut standing = 0;
    let mut unknown = false;
    for (name, role) in live {
        let role = match role {
            Ok(Some(role)) if document_digest(&role.document) == closed => role,
            Ok(_) => continue,
            Err(error) => {
                streams.failure(error);
                unknown = true;
                continue;
            }
        };
        standing += 1;
        // The newest stands first; an older role of that name had another id.
        let mut kept = left.overwritten.iter();
        let Some(kept) = kept.find(|kept| kept.role_id == role.role_id) else {
            writeln!(streams.out, "quarantined: role {}", escaped(name))?;
            continue;
        };
        writeln!(
            streams.out,
            "quarantined: role {} since {} ({})",
            escaped(name),
            kept.at,
            escaped(&kept.incident)
        )?;
        writeln!(
            streams.out,
            "  the document before: {}",
            escaped(&kept.document)
        )?;
    }
    for denial in &left.session_denials {
        standing += 1;
        writeln!(
            streams.out,
            "sessions denied: role {} in {}, those issued before {}",
            escaped(&denial.role),
            escaped(&denial.account),
            denial.at
        )?;
    }
    let last = match standing {
        0 => "nothing of the guard's would be left in IAM".to_owned(),
        _ => format!(
            "{} in IAM",
            counted(standing, "thing would be left", "things would be left")
        ),
    };
    writeln!(streams.out, "{last}")?;
    Ok(match (unknown, standing) {
        (true, _) => Status::Unreadable,
        (false, 0) => Status::Done,
        (false, _) => Status::Findings,
    })
}
