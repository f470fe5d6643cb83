//! `incidents`: what happened, who did it, what was done; read from what the guard keeps.

use std::io;

use guard::alert::Alert;
use guard::incidents::{Request, Summary};
use serde_json::Value;

use super::function::{Function, text};
use crate::args::{AnswerFormat, IncidentsArgs, IncidentsCommand, IncidentsListArgs};
use crate::streams::counted;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// Lists incidents, or shows one.
///
/// # Errors
///
/// Standard output does not take it.
pub(crate) fn incidents(
    arguments: &IncidentsArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    match &arguments.command {
        None => list(&arguments.list, streams),
        Some(IncidentsCommand::List(arguments)) => list(arguments, streams),
        Some(IncidentsCommand::Show(arguments)) => {
            let Some(function) = Function::find(&arguments.live, streams)? else {
                return Ok(Status::Unreadable);
            };
            let Some(shown) = function.show(&arguments.incident, streams)? else {
                return Ok(Status::Unreadable);
            };
            match arguments.format {
                AnswerFormat::Json => writeln!(streams.out, "{shown}")?,
                AnswerFormat::Human => show(&shown, streams)?,
            }
            Ok(Status::Done)
        }
    }
}

fn list(arguments: &IncidentsListArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let Some(function) = Function::find(&arguments.live, streams)? else {
        return Ok(Status::Unreadable);
    };
    let request = Request::List {
        days: arguments.days,
    };
    let Some(mut answer) = function.ask(&request, streams)? else {
        return Ok(Status::Unreadable);
    };
    let found = answer.get_mut("incidents").map(Value::take);
    let found = serde_json::from_value(found.unwrap_or_default());
    let Some(mut found) = streams.ok::<Vec<Summary>, _>(found) else {
        return Ok(Status::Unreadable);
    };
    found.retain(|one| one.open || !arguments.open);
    if arguments.format == AnswerFormat::Json {
        let value = serde_json::json!({ "incidents": found, "left": answer.get("left") });
        writeln!(streams.out, "{value}")?;
        return Ok(Status::Done);
    }
    for one in &found {
        let stands = match (one.open, one.ended) {
            (true, _) => "EXPOSED",
            (false, true) => "ended",
            (false, false) => "reported",
        };
        writeln!(
            streams.out,
            "{}  {}  {:13} {stands:8} {}: {}",
            one.incident,
            one.at.strftime("%F %TZ"),
            one.severity.to_string(),
            escaped(&one.subject),
            escaped(&one.title)
        )?;
    }
    let days = arguments.days;
    let what = counted(found.len(), "incident", "incidents");
    writeln!(
        streams.out,
        "{what} in the last {}",
        counted(days.into(), "day", "days")
    )?;
    if let Some(left) = answer
        .get("left")
        .and_then(Value::as_u64)
        .filter(|left| *left > 0)
    {
        streams.warning(format_args!(
            "{left} older ones are not listed: ask for fewer --days"
        ));
    }
    Ok(Status::Done)
}

/// An incident as a person reads it.
pub(super) fn show(shown: &Value, streams: &mut Streams<'_>) -> io::Result<()> {
    writeln!(
        streams.out,
        "incident {}",
        escaped(text(shown, "/incident"))
    )?;
    for stage in ["detected", "outcome"] {
        let alert = shown.get(stage).cloned().unwrap_or_default();
        if let Ok(alert) = serde_json::from_value::<Alert>(alert) {
            show_alert(stage, &alert, streams)?;
        }
    }
    let digest = text(shown, "/digest");
    if !digest.is_empty() {
        writeln!(streams.out, "document that was judged, {digest}:")?;
        writeln!(streams.out, "  {}", escaped(text(shown, "/document")))?;
    }
    let overwritten = text(shown, "/overwritten/document");
    if !overwritten.is_empty() {
        let at = text(shown, "/overwritten/at");
        writeln!(streams.out, "document that the guard overwrote, {at}:")?;
        writeln!(streams.out, "  {}", escaped(overwritten))?;
    }
    for act in shown
        .get("acts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let (at, said) = (text(act, "/at"), text(act, "/text"));
        writeln!(
            streams.out,
            "{}, {at}: {}",
            escaped(text(act, "/what")),
            escaped(said)
        )?;
    }
    Ok(())
}

fn show_alert(stage: &str, alert: &Alert, streams: &mut Streams<'_>) -> io::Result<()> {
    writeln!(
        streams.out,
        "{stage}, {}: {} {}, account {}",
        alert.at,
        alert.severity,
        escaped(&alert.title),
        escaped(&alert.account)
    )?;
    let mut say = |what: &str, said: &str| writeln!(streams.out, "  {what}: {}", escaped(said));
    if let Some(cause) = &alert.cause {
        let who = cause.actor.in_words();
        say(
            "who",
            &format!("{who}, {} at {}", cause.event_name, cause.event_time),
        )?;
    }
    for finding in &alert.findings {
        say(finding.code.code(), &finding.message)?;
        if let Some(witness) = &finding.witness {
            let proof = serde_json::to_string(witness).unwrap_or_default();
            say("  this request is allowed", &proof)?;
        }
    }
    for grantee in &alert.grantees {
        say("can assume it", &grantee.text)?;
    }
    for change in &alert.changes {
        say("change", change)?;
    }
    for line in &alert.diff {
        say(
            "statement",
            &format!("{:?} {}", line.sign, line.text).to_lowercase(),
        )?;
    }
    if let Some(outcome) = &alert.outcome {
        say("done", &outcome.text)?;
    }
    for note in &alert.notes {
        say("note", note)?;
    }
    Ok(())
}
