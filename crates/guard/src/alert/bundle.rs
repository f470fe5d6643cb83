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
                ("access", self.standing().name().to_owned()),
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
            &format!(
                "{} {} {}",
                self.standing_in_words(),
                self.incident,
                self.title
            ),
            140,
        );
        json!({ "default": self.document(), "email": self.text(), "sms": sms }).to_string()
    }

    fn shortened(&self, cut: &Cut) -> Self {
        let mut alert = self.clone();
        let left_out = alert.leave_out(cut);
        for text in alert.texts() {
            *text = one_line(text, cut.characters);
        }
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

    /// Leaves out what is too much or cannot be cut, and says what.
    fn leave_out(&mut self, cut: &Cut) -> Vec<String> {
        let (most, out) = (cut.entries, &mut Vec::new());
        keep(&mut self.findings, most, "findings", out);
        keep(&mut self.grantees, most, "ways in", out);
        keep(&mut self.diff, most, "statements of the difference", out);
        keep(&mut self.changes, most, "changes in words", out);
        keep(&mut self.notes, most, "notes", out);
        if let Some(outcome) = &mut self.outcome {
            keep(&mut outcome.dropped, most, "refused principals", out);
            let written = outcome.document.as_ref();
            if written.is_some_and(|document| document.len() > cut.characters) {
                outcome.document = None;
                out.push("the document that was written".to_owned());
            }
        }
        if let Some(digest) = &mut self.digest {
            keep(&mut digest.lines, most, "alerts of the digest", out);
            keep(&mut digest.subjects, most, "subjects of the digest", out);
        }
        let mut witnesses = false;
        for finding in &mut self.findings {
            witnesses |= finding.witness.take().is_some();
        }
        if witnesses {
            out.push("witnesses".to_owned());
        }
        // A shortened address leads nowhere.
        self.links.retain(|link| link.url.len() <= cut.characters);
        std::mem::take(out)
    }

    /// Every text that may be cut.
    fn texts(&mut self) -> Vec<&mut String> {
        let mut all = vec![&mut self.title, &mut self.subject, &mut self.stack];
        for finding in &mut self.findings {
            all.push(&mut finding.message);
            all.extend(&mut finding.fix);
        }
        all.extend(self.grantees.iter_mut().map(|grantee| &mut grantee.text));
        all.extend(self.diff.iter_mut().map(|line| &mut line.text));
        all.extend(&mut self.changes);
        all.extend(&mut self.notes);
        if let Some(outcome) = &mut self.outcome {
            all.push(&mut outcome.text);
            all.extend(&mut outcome.dropped);
        }
        if let Some(digest) = &mut self.digest {
            for line in &mut digest.lines {
                all.extend([&mut line.line, &mut line.subject]);
            }
            all.extend(digest.subjects.iter_mut().map(|(subject, _)| subject));
        }
        if let Some(resource) = &mut self.resource {
            all.push(&mut resource.name);
            all.extend(&mut resource.arn);
        }
        if let Some(cause) = &mut self.cause {
            all.extend([
                &mut cause.event_id,
                &mut cause.event_name,
                &mut cause.region,
            ]);
            let actor = &mut cause.actor;
            let texts = [
                &mut actor.arn,
                &mut actor.account,
                &mut actor.name,
                &mut actor.session_name,
                &mut actor.issuer,
                &mut actor.source_ip,
                &mut actor.user_agent,
                &mut actor.invoked_by,
                &mut actor.delegate,
                &mut actor.access_key_id,
            ];
            all.extend(texts.into_iter().flatten());
        }
        all
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
