//! An alert as Slack shows it: Block Kit within Slack's limits, with a fallback text, everything
//! hostile escaped, links as buttons.
//!
//! Limits (Slack's documentation of blocks): header 150 characters, section text 3,000, field
//! 2,000, button text 75, button address 3,000, 50 blocks; a message about 13,000 characters.

use serde_json::{Value, json};

use crate::alert::commands::{Command, commands};
use crate::alert::pages::{HEADING_IN_SLACK, IN_SLACK, LINE_IN_SLACK, SUBJECT_IN_SLACK, sections};
use crate::alert::{Alert, Digest, Standing};
use crate::check::Severity;
use crate::remediate::DiffSign;
use crate::state::incident::Stage;

const HEADER: usize = 150;
const MESSAGE: usize = 12_800;
const SECTION: usize = 2_900;
const DIFFERENCE: usize = 2_000;
const FIELD: usize = 400;
const SENTENCE: usize = 400;
const BUTTON_TEXT: usize = 75;
const BUTTON_URL: usize = 3_000;
const ENTRIES: usize = 8;
const GROUP: usize = 180;

/// The body of a webhook's POST.
pub fn message(alert: &Alert) -> Value {
    let head = format!(
        "{} {} {}: {}",
        mark(alert),
        alert.standing_in_words(),
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
    let digest_at = blocks.len();
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
    for Command { purpose, line } in commands(alert) {
        blocks.push(section(&format!("*{purpose}*\n```{line}```")));
    }
    let buttons = buttons(alert);
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    let foot = format!(
        "{} · stack {} · mode {} · rules {}",
        alert.incident,
        alert.stack,
        alert.mode,
        alert.rules.chars().take(12).collect::<String>()
    );
    blocks.push(json!({
        "type": "context",
        "elements": [{ "type": "mrkdwn", "text": escaped(&foot, SENTENCE) }],
    }));
    if let Some(digest) = &alert.digest {
        let taken = blocks
            .iter()
            .map(Value::to_string)
            .map(|block| block.chars().count());
        let room = MESSAGE.saturating_sub(taken.sum());
        let texts = digest_sections(digest, room);
        blocks.splice(digest_at..digest_at, texts.iter().map(|text| section(text)));
    }
    json!({
        "text": escaped(&format!("{head} ({}, {})", alert.subject, alert.incident), 1_000),
        "blocks": blocks,
    })
}

/// Titles, and what stands below each.
fn lists(alert: &Alert) -> Vec<(String, Vec<String>)> {
    let findings = alert.findings.iter().map(|found| {
        let message = escaped(&found.message, SENTENCE);
        let fix = found.fix.as_deref().map_or_else(String::new, |fix| {
            format!(" _Fix:_ {}", escaped(fix, SENTENCE))
        });
        format!("{} `{}` {message}{fix}", found.severity, found.code)
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
    lists.push(("What the guard did".to_owned(), done(alert)));
    let changes = alert.changes.iter();
    let changes = changes.map(|change| escaped(change, SENTENCE));
    lists.push((alert.changes_title().to_owned(), changes.collect()));
    lists
}

/// What a digest tells, the third parties and actors, and the alerts of this message.
fn digest_sections(digest: &Digest, room: usize) -> Vec<String> {
    let reported = escaped(&digest.sentences().join(" "), 1_000);
    let mut texts = vec![format!("*{reported}*")];
    for group in &digest.groups {
        add(&mut texts, "\n• ", &escaped(&group.words(), GROUP));
    }
    if digest.more_groups > 0 {
        let more = format!("… and {} more", digest.more_groups);
        add(&mut texts, "\n• ", &more);
    }
    let taken: usize = texts.iter().map(|text| text.chars().count()).sum();
    let (mut room, mut left) = (room.saturating_sub(taken).min(IN_SLACK), 0);
    for (heading, lines) in sections(&digest.lines) {
        let heading = escaped(&heading, HEADING_IN_SLACK);
        let bare = heading.is_empty();
        if !bare {
            room = room.saturating_sub(heading.chars().count() + 3);
            add(&mut texts, "\n", &format!("*{heading}*"));
        }
        for (place, line) in lines.into_iter().enumerate() {
            let mut shown = if bare {
                escaped(&line.line, LINE_IN_SLACK)
            } else {
                escaped(&line.subject, SUBJECT_IN_SLACK)
            };
            if line.count() > 1 {
                shown += &format!(" ({} times)", line.count());
            }
            let Some(rest) = room.checked_sub(shown.chars().count() + 3) else {
                left += line.count();
                continue;
            };
            room = rest;
            let between = match (bare, place) {
                (true, _) => "\n• ",
                (false, 0) => "\n",
                (false, _) => ", ",
            };
            add(&mut texts, between, &shown);
        }
    }
    if left > 0 {
        let left = format!("… and {left} more, in the e-mail and the document of this message");
        add(&mut texts, "\n", &left);
    }
    texts
}

/// Adds to the last text, or begins another one where that is full.
fn add(texts: &mut Vec<String>, between: &str, what: &str) {
    let length = between.chars().count() + what.chars().count();
    match texts.last_mut() {
        Some(last) if last.chars().count() + length <= SECTION => {
            *last += between;
            *last += what;
        }
        _ => texts.push(what.to_owned()),
    }
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

/// Green is what is closed, whatever it was.
fn mark(alert: &Alert) -> &'static str {
    if alert.standing() == Standing::Closed {
        return "🟢";
    }
    match alert.severity {
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
