//! An alert as Slack shows it: Block Kit within Slack's limits, with a fallback text, everything
//! hostile escaped, links as buttons.
//!
//! Limits (Slack's documentation of blocks): header 150 characters, section text 3,000, field
//! 2,000, button text 75, button address 3,000, 50 blocks; a message about 13,000 characters.

use serde_json::{Value, json};

use crate::alert::Alert;
use crate::check::Severity;
use crate::remediate::DiffSign;
use crate::state::incident::Stage;

const HEADER: usize = 150;
const SECTION: usize = 2_900;
const DIFFERENCE: usize = 2_000;
const FIELD: usize = 400;
const SENTENCE: usize = 400;
const BUTTON_TEXT: usize = 75;
const BUTTON_URL: usize = 3_000;
const ENTRIES: usize = 8;

/// The body of a webhook's POST.
pub fn message(alert: &Alert) -> Value {
    let head = format!(
        "{} {}: {}",
        mark(alert.severity),
        alert.severity,
        alert.title
    );
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": cut(&plain(&head), HEADER), "emoji": true },
    })];
    if alert.stage == Stage::Test {
        blocks.push(section(
            "*This is a test.* Nothing happened; somebody checks that alerts arrive.",
        ));
    }
    blocks.push(json!({ "type": "section", "fields": fields(alert) }));
    let lists = lists(alert).into_iter();
    blocks.extend(
        lists
            .filter(|(_, entries)| !entries.is_empty())
            .map(|(title, entries)| section(&bullets(&title, &entries))),
    );
    if !alert.diff.is_empty() {
        blocks.push(section(&difference(alert)));
    }
    if let Some(worst) = alert.findings.first() {
        let advice = crate::alert::advice(worst.code);
        blocks.push(section(&format!(
            "*If it was planned:* {}.\n*If it was not:* {}.",
            escaped(advice.planned, 1_000),
            escaped(advice.unplanned, 1_000)
        )));
    }
    let buttons = buttons(alert);
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    let foot = format!(
        "{} · stack {} · mode {}",
        alert.incident, alert.stack, alert.mode
    );
    blocks.push(json!({
        "type": "context",
        "elements": [{ "type": "mrkdwn", "text": escaped(&foot, SENTENCE) }],
    }));
    json!({
        "text": escaped(&format!("{head} ({}, {})", alert.subject, alert.incident), 1_000),
        "blocks": blocks,
    })
}

/// Titles, and what stands below each.
fn lists(alert: &Alert) -> Vec<(String, Vec<String>)> {
    let findings = alert.findings.iter().map(|found| {
        let message = escaped(&found.message, SENTENCE);
        format!("{} `{}` {message}", found.severity, found.code)
    });
    let access = match alert.stage {
        Stage::Outcome => "External access now",
        _ if alert.about_permissions() => "External access to the role",
        _ => "External access by this change",
    };
    let grantees = alert
        .grantees
        .iter()
        .map(|grantee| escaped(&grantee.words(), SENTENCE));
    let mut lists = vec![
        ("How bad".to_owned(), findings.collect()),
        (access.to_owned(), grantees.collect()),
    ];
    if let Some(digest) = &alert.digest {
        let title = match &digest.about {
            Some(about) => escaped(about, SENTENCE),
            None => format!(
                "{} alerts from {} to {}",
                digest.count, digest.from, digest.to
            ),
        };
        let lines = digest
            .lines
            .iter()
            .map(|line| escaped(&format!("{}: {}", line.incident, line.line), SENTENCE));
        lists.push((title, lines.collect()));
    }
    lists.push(("What the guard did".to_owned(), done(alert)));
    lists
}

fn buttons(alert: &Alert) -> Vec<Value> {
    alert
        .links
        .iter()
        .filter(|link| link.url.starts_with("https://") && link.url.chars().count() <= BUTTON_URL)
        .take(5)
        .map(|link| {
            json!({
                "type": "button",
                "text": { "type": "plain_text", "text": cut(&plain(&link.text), BUTTON_TEXT) },
                "url": link.url,
            })
        })
        .collect()
}

fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "🔴",
        Severity::High => "🟠",
        Severity::Medium => "🟡",
        Severity::Low | Severity::Informational => "⚪",
    }
}

fn fields(alert: &Alert) -> Vec<Value> {
    let mut fields = vec![
        field("What", &alert.subject),
        field("Account", &alert.account),
    ];
    if let Some(cause) = &alert.cause {
        fields.push(field(
            "Event",
            &format!("{}, {}", cause.event_name, cause.region),
        ));
        fields.push(field("When", &cause.event_time.to_string()));
        let mut who = crate::alert::actor_words(&cause.actor);
        if cause.actor.tool.repeats() {
            who += "; its next apply undoes any remediation here";
        }
        fields.push(field("Who", &who));
    }
    if let Some(seconds) = alert.open_seconds {
        let still = alert.outcome.as_ref().is_none_or(|outcome| outcome.open);
        let open = crate::alert::duration(seconds);
        fields.push(field(
            if still {
                "Exposed so far"
            } else {
                "Exposed for"
            },
            &open,
        ));
    }
    fields
}

fn field(name: &str, value: &str) -> Value {
    json!({ "type": "mrkdwn", "text": format!("*{name}*\n{}", escaped(value, FIELD)) })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

fn bullets(title: &str, entries: &[String]) -> String {
    let mut text = format!("*{title}*");
    let mut shown = 0;
    for entry in entries.iter().take(ENTRIES) {
        let line = format!("\n• {entry}");
        if text.chars().count() + line.chars().count() > SECTION / 2 {
            break;
        }
        text += &line;
        shown += 1;
    }
    if shown < entries.len() {
        text += &format!(
            "\n… and {} more, in the e-mail and the document",
            entries.len() - shown
        );
    }
    text
}

fn done(alert: &Alert) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(outcome) = &alert.outcome {
        lines.push(escaped(&outcome.text, 1_000));
        for dropped in outcome.dropped.iter().take(3) {
            let dropped = escaped(dropped, 200);
            lines.push(format!(
                "IAM refused {dropped}, a principal that is gone: left out"
            ));
        }
    }
    lines.extend(
        alert
            .notes
            .iter()
            .take(4)
            .map(|note| escaped(note, SENTENCE)),
    );
    lines
}

fn difference(alert: &Alert) -> String {
    let mut text = "*What changed, by statement*\n```".to_owned();
    let mut shown = 0;
    for line in alert.diff.iter().take(ENTRIES) {
        let sign = match line.sign {
            DiffSign::Added => '+',
            DiffSign::Removed => '-',
        };
        // A back-quote would end the block.
        let line = format!("{sign} {}\n", escaped(&line.text, 900).replace('`', "'"));
        if text.chars().count() + line.chars().count() > DIFFERENCE {
            break;
        }
        text += &line;
        shown += 1;
    }
    text += "```";
    if shown < alert.diff.len() {
        text += &format!("\n… and {} more", alert.diff.len() - shown);
    }
    text
}

/// The body of a webhook's POST for what the topic carried and is no alert of this schema, as an
/// alarm's notice: its subject and its text, neither of which may mean anything to Slack.
pub fn plain_message(subject: Option<&str>, text: &str) -> Value {
    let text = escaped(text, SECTION);
    json!({ "text": match subject {
        Some(subject) => format!("*{}*\n{text}", escaped(subject, HEADER)),
        None => text,
    } })
}

fn plain(text: &str) -> String {
    crate::alert::one_line(text, SECTION)
}

fn cut(text: &str, most: usize) -> String {
    crate::alert::one_line(text, most)
}

/// One line of mrkdwn in which nothing hostile means anything: `& < >` are escaped, so that
/// `<!channel>` and `<https://…|…>` stay text; formatting marks and links that Slack would make
/// by itself are broken. At most `most` characters, none of them half an escape.
fn escaped(text: &str, most: usize) -> String {
    let line = crate::alert::one_line(text, most).replace("://", "[://]");
    let mut escaped = String::with_capacity(line.len());
    let mut length = 0;
    for character in line.chars() {
        let piece: &str = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            // Look-alikes: a name must not set bold, code or strike-through.
            '*' => "∗",
            '`' => "ˋ",
            '~' => "∼",
            plain => {
                length += 1;
                if length > most {
                    break;
                }
                escaped.push(plain);
                continue;
            }
        };
        length += piece.chars().count();
        if length > most {
            break;
        }
        escaped.push_str(piece);
    }
    escaped
}
