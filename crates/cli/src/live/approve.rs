//! `approve`: a rule in git, or a bridge until its deploy; and `undo`, which takes a remediation back.

use std::io;

use aws::IamWriter;
use guard::incidents::Request;
use guard::model::{RoleRef, document_digest};
use guard::ports::{Roles, WriteRoles};
use jiff::Timestamp;
use serde_json::Value;

use super::function::{Function, agreed, text};
use super::incidents::show;
use super::wait;
use crate::args::{ApproveArgs, UndoArgs};
use crate::streams::chain;
use crate::terminal_escape::escaped;
use crate::vendor::allow;
use crate::{Status, Streams};

/// Approves an incident's document for a while, or shows the rule that would.
///
/// # Errors
///
/// Standard output does not take it.
pub(crate) fn approve(arguments: &ApproveArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let Some(function) = Function::find(&arguments.live, streams)? else {
        return Ok(Status::Unreadable);
    };
    let Some(shown) = function.show(&arguments.incident, streams)? else {
        return Ok(Status::Unreadable);
    };
    let digest = text(&shown, "/digest");
    if digest.is_empty() {
        streams.error("the incident is not about a trust policy, or its document is not kept");
        return Ok(Status::Unreadable);
    }
    let Some(reason) = &arguments.reason else {
        return write_rule(arguments, &shown, streams);
    };
    show(&shown, streams)?;
    let until = arguments.expires.as_deref().unwrap_or("7 days from now");
    writeln!(
        streams.out,
        "this would let the document {} stand until {}, on this very role, and announce that you did it",
        escaped(digest),
        escaped(until)
    )?;
    if !agreed(arguments.yes, streams)? {
        return Ok(Status::Unreadable);
    }
    let request = Request::Approve {
        incident: arguments.incident.clone(),
        digest: digest.to_owned(),
        reason: reason.clone(),
        expires: arguments.expires.clone(),
    };
    let Some(answer) = function.ask(&request, streams)? else {
        return Ok(Status::Unreadable);
    };
    writeln!(
        streams.out,
        "approved: {}",
        escaped(text(&answer, "/act/text"))
    )?;
    streams
        .remark("a lasting approval is a rule in git: trustwarden approve --write-rule shows it");
    Ok(Status::Done)
}

/// Shows what would have to change in the rules; with --yes, changes it.
fn write_rule(
    arguments: &ApproveArgs,
    shown: &Value,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let file = &arguments.rules.file;
    let Some(before) = streams.ok(file.read()) else {
        return Ok(Status::Unreadable);
    };
    let Some(read) = crate::rules::load::read_text(file, &before, None, streams) else {
        return Ok(Status::Unreadable);
    };
    let role = ["/outcome", "/detected"].iter().find_map(|stage| {
        let resource = shown.pointer(&format!("{stage}/resource"))?;
        let arn = text(resource, "/arn");
        RoleRef::from_arn(arn).or_else(|| {
            let account = text(shown, &format!("{stage}/account"));
            Some(RoleRef::named(
                account.to_owned(),
                text(resource, "/name").to_owned(),
            ))
        })
    });
    let Some(role) = role else {
        streams.error("the incident does not say which role it is about");
        return Ok(Status::Unreadable);
    };
    let incident = &arguments.incident;
    let document = text(shown, "/document");
    let allowed = allow(
        &before,
        &read.accounts,
        &role,
        document,
        incident,
        Timestamp::now(),
    );
    let Some(after) = streams.ok(allowed) else {
        return Ok(Status::Findings);
    };
    let name = file.name();
    write!(
        streams.out,
        "{}",
        escaped_lines(&crate::difference::unified(&name, &before, &after))
    )?;
    if !arguments.yes {
        streams.remark(format_args!(
            "with --yes this is written to {}; commit it, and it counts from the next deploy on",
            escaped(&name)
        ));
        return Ok(Status::Done);
    }
    if file.is_stdin() {
        streams.error("the rules came over standard input: there is no file to write");
        return Ok(Status::Unreadable);
    }
    if let Err(error) = std::fs::write(file.path(), after) {
        streams.error(format_args!("cannot write {}: {error}", escaped(&name)));
        return Ok(Status::Unreadable);
    }
    streams.remark("written: commit it, and it counts from the next deploy on");
    Ok(Status::Done)
}

/// Line by line, since an escape in the rules must not reach the terminal.
fn escaped_lines(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", escaped(line)))
        .collect()
}

/// Takes back what the guard did, with the person's own credentials.
///
/// # Errors
///
/// Standard output does not take it.
pub(crate) fn undo(arguments: &UndoArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let Some(function) = Function::find(&arguments.live, streams)? else {
        return Ok(Status::Unreadable);
    };
    let Some(shown) = function.show(&arguments.incident, streams)? else {
        return Ok(Status::Unreadable);
    };
    let role = text(&shown, "/overwritten/role");
    if role.is_empty() {
        streams.error("the guard overwrote nothing in this incident");
        return Ok(Status::Unreadable);
    }
    writeln!(
        streams.out,
        "this would write to role {}, and announce that you did it: {}",
        escaped(role),
        escaped(text(&shown, "/overwritten/document"))
    )?;
    let says = format!("trustwarden-undo.{}", arguments.incident);
    let iam = IamWriter::new(&function.cloud.saying(&says));
    if let Err(why) = wait(unchanged(&iam, &shown))? {
        streams.error(format_args!("not taken back: {}", escaped(&why)));
        return Ok(Status::Unreadable);
    }
    if !agreed(arguments.yes, streams)? {
        return Ok(Status::Unreadable);
    }
    let request = Request::Undo {
        incident: arguments.incident.clone(),
        reason: arguments.reason.clone(),
    };
    let Some(answer) = function.ask(&request, streams)? else {
        return Ok(Status::Unreadable);
    };
    let document = text(&answer, "/overwritten/document");
    let written = wait(async {
        unchanged(&iam, &answer).await?;
        let written = iam.write_trust_policy(role, document).await;
        written.map_err(|error| chain(&error))
    })?;
    match written {
        Ok(()) => {
            writeln!(
                streams.out,
                "taken back: {}",
                escaped(text(&answer, "/act/text"))
            )?;
            Ok(Status::Done)
        }
        Err(why) => {
            streams.error(format_args!(
                "announced, and not taken back: {}; the same command tries again",
                escaped(&why)
            ));
            Ok(Status::Unreadable)
        }
    }
}

/// The role still is what the guard made of it, and the very one.
async fn unchanged(iam: &IamWriter, shown: &Value) -> Result<(), String> {
    let role = text(shown, "/overwritten/role");
    let live = iam.read_role(role).await.map_err(|error| chain(&error))?;
    let Some(live) = live.filter(|live| live.role_id == text(shown, "/overwritten/role_id")) else {
        return Err("the role is gone, or is another one by now".to_owned());
    };
    let wrote = ["/outcome/outcome/document", "/outcome/document"];
    let wrote = wrote
        .map(|place| text(shown, place))
        .into_iter()
        .find(|text| !text.is_empty());
    let live = document_digest(&live.document);
    if live == text(shown, "/overwritten/digest") {
        return Err("it is what stands there already".to_owned());
    }
    if wrote.is_none_or(|wrote| document_digest(wrote) != live) {
        return Err("somebody has changed the role since".to_owned());
    }
    Ok(())
}
