//! What SNS takes: a subject, a text for e-mail and a JSON document for machines in one message,
//! within SNS's limits. What does not fit is left out, the worst last, and the alert says so.

use serde_json::{Value, json};

use super::Alert;
use super::shown::{for_machines, one_line};

/// SNS takes 256 KB with everything around the message; the rest is for attributes and subject.
pub const MESSAGE_BYTES: usize = 250_000;

/// One `Publish` with `MessageStructure=json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Under 100 ASCII characters, no control characters.
    pub subject: String,
    /// The message, at most [`MESSAGE_BYTES`]: a JSON object with a text per protocol. `email`
    /// and `sms` are for people; `default`, which every other protocol gets, is the alert
    /// document as JSON.
    pub message: String,
    /// Message attributes (name, value), all of type String, for subscription filters.
    pub attributes: Vec<(&'static str, String)>,
}

impl Alert {
    /// The alert as SNS takes it.
    pub fn bundle(&self) -> Bundle {
        let mut message = self.message();
        for cut in CUTS {
            if message.len() <= MESSAGE_BYTES {
                break;
            }
            message = self.shortened(cut).message();
        }
        let check = self
            .findings
            .first()
            .map_or("none", |finding| finding.code.code());
        Bundle {
            subject: self.mail_subject(),
            message,
            attributes: vec![
                ("severity", self.severity.name().to_owned()),
                ("stage", self.stage.name().to_owned()),
                ("check", check.to_owned()),
                (
                    "account",
                    self.account
                        .chars()
                        .filter(char::is_ascii_digit)
                        .take(12)
                        .collect(),
                ),
            ],
        }
    }

    /// The document for machines: compact JSON without invisible characters.
    pub fn document(&self) -> String {
        // Nothing in an alert can fail to be JSON; an empty document would say nothing at all.
        let mut value = serde_json::to_value(self).unwrap_or_else(|error| {
            json!({ "schema": crate::state::incident::SCHEMA, "incident": self.incident,
                    "error": error.to_string() })
        });
        strip(&mut value);
        value.to_string()
    }

    fn message(&self) -> String {
        let sms = one_line(
            &format!("[{}] {} {}", self.severity, self.incident, self.title),
            140,
        );
        json!({ "default": self.document(), "email": self.text(), "sms": sms }).to_string()
    }

    fn shortened(&self, cut: &Cut) -> Self {
        let mut alert = self.clone();
        let mut left_out = Vec::new();
        keep(&mut alert.findings, cut.entries, "findings", &mut left_out);
        keep(&mut alert.grantees, cut.entries, "ways in", &mut left_out);
        keep(
            &mut alert.diff,
            cut.entries,
            "statements of the difference",
            &mut left_out,
        );
        keep(
            &mut alert.changes,
            cut.entries,
            "changes in words",
            &mut left_out,
        );
        keep(&mut alert.notes, cut.entries, "notes", &mut left_out);
        if let Some(outcome) = &mut alert.outcome {
            keep(
                &mut outcome.dropped,
                cut.entries,
                "refused principals",
                &mut left_out,
            );
            if outcome
                .document
                .as_ref()
                .is_some_and(|document| document.len() > cut.characters)
            {
                outcome.document = None;
                left_out.push("the document that was written".to_owned());
            }
            outcome.text = one_line(&outcome.text, cut.characters);
        }
        if let Some(digest) = &mut alert.digest {
            keep(
                &mut digest.lines,
                cut.entries,
                "alerts of the digest",
                &mut left_out,
            );
            keep(
                &mut digest.subjects,
                cut.entries,
                "subjects of the digest",
                &mut left_out,
            );
        }
        for finding in &mut alert.findings {
            finding.message = one_line(&finding.message, cut.characters);
            finding.fix = finding
                .fix
                .as_ref()
                .map(|fix| one_line(fix, cut.characters));
            if finding.witness.take().is_some() && !left_out.iter().any(|what| what == "witnesses")
            {
                left_out.push("witnesses".to_owned());
            }
        }
        for grantee in &mut alert.grantees {
            grantee.text = one_line(&grantee.text, cut.characters);
        }
        for line in &mut alert.diff {
            line.text = one_line(&line.text, cut.characters);
        }
        if let Some(digest) = &mut alert.digest {
            for line in &mut digest.lines {
                line.line = one_line(&line.line, cut.characters);
                line.subject = one_line(&line.subject, cut.characters);
            }
            for (subject, _) in &mut digest.subjects {
                *subject = one_line(subject, cut.characters);
            }
        }
        let dropped = alert.outcome.as_mut().map(|outcome| &mut outcome.dropped);
        for text in dropped
            .into_iter()
            .flatten()
            .chain(&mut alert.changes)
            .chain(&mut alert.notes)
        {
            *text = one_line(text, cut.characters);
        }
        for text in [&mut alert.title, &mut alert.subject, &mut alert.stack] {
            *text = one_line(text, cut.characters);
        }
        if let Some(resource) = &mut alert.resource {
            resource.name = one_line(&resource.name, cut.characters);
            resource.arn = resource
                .arn
                .as_ref()
                .map(|arn| one_line(arn, cut.characters));
        }
        if let Some(cause) = &mut alert.cause {
            let actor = &mut cause.actor;
            for text in [
                &mut actor.arn,
                &mut actor.account,
                &mut actor.name,
                &mut actor.session_name,
                &mut actor.issuer,
                &mut actor.source_ip,
                &mut actor.user_agent,
                &mut actor.invoked_by,
                &mut actor.access_key_id,
            ]
            .into_iter()
            .flatten()
            {
                *text = one_line(text, cut.characters);
            }
            for text in [
                &mut cause.event_id,
                &mut cause.event_name,
                &mut cause.region,
            ] {
                *text = one_line(text, cut.characters);
            }
        }
        for link in &mut alert.links {
            // A shortened address leads nowhere.
            if link.url.len() > cut.characters {
                link.url = String::new();
            }
        }
        alert.links.retain(|link| !link.url.is_empty());
        alert.notes.push(if left_out.is_empty() {
            "this alert was too long for the topic: long texts were cut".to_owned()
        } else {
            format!(
                "this alert was too long for the topic; left out: {}",
                left_out.join(", ")
            )
        });
        alert
    }
}

struct Cut {
    entries: usize,
    characters: usize,
}

/// Each is tried on the whole alert until it fits; the last one always does.
const CUTS: &[Cut] = &[
    Cut {
        entries: 200,
        characters: 8_000,
    },
    Cut {
        entries: 50,
        characters: 2_000,
    },
    Cut {
        entries: 10,
        characters: 300,
    },
];

fn keep<T>(list: &mut Vec<T>, most: usize, what: &str, left_out: &mut Vec<String>) {
    if list.len() > most {
        left_out.push(format!("{} {what}", list.len() - most));
        list.truncate(most);
    }
}

fn strip(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(stripped) = for_machines(text) {
                *text = stripped;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        Value::Object(map) => map.values_mut().for_each(strip),
        _ => {}
    }
}
