//! The alert as a person reads it in an e-mail.

use super::Alert;
use super::advice::advice;
use super::commands::{Command, commands};
use super::document::Digest;
use super::pages::sections;
use super::shown::{duration, in_mail, one_line};
use crate::cloudtrail::{Actor, Tool};
use crate::remediate::DiffSign;
use crate::state::incident::Stage;

/// Longest text of a name, a sentence, a statement, in characters.
const NAME: usize = 200;
const SENTENCE: usize = 1_000;
const STATEMENT: usize = 2_000;
/// Longest list; what is left out is counted.
const ENTRIES: usize = 25;
/// Longest subject of an e-mail, in characters: SNS takes less than 100.
const SUBJECT: usize = 99;

impl Alert {
    /// How things stand, account and subject first: a phone shows some 40 characters. Under 100 ASCII
    /// characters; what it is about is shortened, nothing else.
    pub fn mail_subject(&self) -> String {
        let shown = |text: &str| -> String {
            let fits = |shown: &char| matches!(shown, ' '..='~') && !matches!(shown, '<' | '>');
            text.chars().filter(fits).collect()
        };
        let head = shown(&format!(
            "{} {} ",
            self.standing_in_words(),
            one_line(&self.account, 12)
        ));
        let digest = self.digest.as_ref().map(Digest::in_subject);
        let tail = shown(&format!(
            ": {}{} {}",
            self.severity,
            digest.unwrap_or_default(),
            self.incident
        ));
        let mut subject = shown(&self.subject);
        let room = SUBJECT.saturating_sub(head.len() + tail.len());
        if subject.len() > room {
            subject.truncate(room.saturating_sub(3));
            subject += "...";
        }
        (head + &subject + &tail).chars().take(SUBJECT).collect()
    }

    /// The whole text, in the order in which a person on call asks.
    pub fn text(&self) -> String {
        let mut out = Lines::default();
        if self.stage == Stage::Test {
            out.line("THIS IS A TEST. Nothing happened; somebody checks that alerts arrive.");
            out.blank();
        }
        self.what_changed(&mut out);
        self.how_bad(&mut out);
        self.who_did_it(&mut out);
        self.who_can_get_in(&mut out);
        self.what_was_done(&mut out);
        self.difference(&mut out);
        if let Some(digest) = &self.digest {
            digest.text(&mut out);
        }
        self.what_to_do(&mut out);
        self.where_to_look(&mut out);
        out.0
    }

    fn what_changed(&self, out: &mut Lines) {
        out.line(&in_mail(&self.title, SENTENCE));
        if let Some(cause) = &self.cause {
            out.line(&format!(
                "{} on {} in account {}, {}, at {}",
                in_mail(&cause.event_name, NAME),
                in_mail(&self.subject, NAME),
                in_mail(&self.account, 12),
                in_mail(&cause.region, 32),
                cause.event_time
            ));
        } else {
            out.line(&format!(
                "{} in account {}",
                in_mail(&self.subject, NAME),
                in_mail(&self.account, 12)
            ));
        }
        if let Some(arn) = self
            .resource
            .as_ref()
            .and_then(|resource| resource.arn.as_deref())
        {
            out.line(&in_mail(arn, NAME * 2));
        }
        out.blank();
    }

    /// It is about what somebody may do, not about who can assume a role.
    pub(crate) fn about_permissions(&self) -> bool {
        self.findings
            .first()
            .is_some_and(|worst| worst.code.is_about_permissions())
    }

    fn how_bad(&self, out: &mut Lines) {
        out.line(&format!("How bad: {}", self.severity));
        for finding in self.findings.iter().take(ENTRIES) {
            let message = in_mail(&finding.message, SENTENCE);
            out.line(&format!(
                "  - {} {}: {message}",
                finding.severity, finding.code
            ));
            if let Some(fix) = &finding.fix {
                out.line(&format!("    fix: {}", in_mail(fix, SENTENCE)));
            }
        }
        out.left_out(self.findings.len());
        out.blank();
    }

    fn who_did_it(&self, out: &mut Lines) {
        let Some(cause) = &self.cause else { return };
        out.line(&format!(
            "Who did it: {}",
            in_mail(&actor_words(&cause.actor), SENTENCE)
        ));
        if cause.actor.tool.repeats()
            && let Some(tool) = cause.actor.tool.name()
        {
            out.line(&format!(
                "  It was {tool}: the next apply undoes any remediation here. Change the source \
                 too."
            ));
        }
        out.blank();
    }

    fn who_can_get_in(&self, out: &mut Lines) {
        if self.grantees.is_empty() {
            return;
        }
        out.line(match self.stage {
            Stage::Outcome => "External access now:",
            _ if self.about_permissions() => "External access to the role:",
            _ => "External access by this change:",
        });
        for grantee in self.grantees.iter().take(ENTRIES) {
            out.line(&format!("  - {}", in_mail(&grantee.words(), SENTENCE)));
        }
        out.left_out(self.grantees.len());
        out.blank();
    }

    fn what_was_done(&self, out: &mut Lines) {
        if let Some(outcome) = &self.outcome {
            let text = in_mail(&outcome.text, SENTENCE);
            out.line(&match self.stage {
                Stage::Outcome => format!("What the guard did: {text}"),
                _ => format!("What the guard does now: {text}"),
            });
            for dropped in outcome.dropped.iter().take(ENTRIES) {
                let dropped = in_mail(dropped, NAME);
                out.line(&format!(
                    "  IAM refused {dropped}, a principal that is gone: left out"
                ));
            }
        }
        if let Some(seconds) = self.open_seconds {
            let open = duration(seconds);
            let still = self.outcome.as_ref().is_none_or(|outcome| outcome.open);
            out.line(&if self.about_permissions() {
                let is = if still { "has been" } else { "was" };
                format!("It {is} so for {open}.")
            } else if still {
                format!("Exposed for {open}; still exposed.")
            } else {
                format!("Was exposed for {open}.")
            });
        }
        for note in self.notes.iter().take(ENTRIES) {
            out.line(&format!("Note: {}", in_mail(note, SENTENCE)));
        }
        if self.outcome.is_some() || self.open_seconds.is_some() || !self.notes.is_empty() {
            out.blank();
        }
    }

    fn difference(&self, out: &mut Lines) {
        if !self.changes.is_empty() {
            out.line(&format!("{}:", self.changes_title()));
            for change in self.changes.iter().take(ENTRIES) {
                out.line(&format!("  - {}", in_mail(change, SENTENCE)));
            }
            out.left_out(self.changes.len());
            out.blank();
        }
        if self.diff.is_empty() {
            return;
        }
        let would = self.would();
        out.line(match would {
            true => "What would change, by statement (- goes, + comes):",
            false => "What changed, by statement (- went, + came):",
        });
        for line in self.diff.iter().take(ENTRIES) {
            let sign = match line.sign {
                DiffSign::Added => '+',
                DiffSign::Removed => '-',
            };
            out.line(&format!("  {sign} {}", in_mail(&line.text, STATEMENT)));
        }
        out.left_out(self.diff.len());
        out.blank();
    }

    /// It says what would be done, and nothing was.
    fn would(&self) -> bool {
        let document = self.outcome.as_ref().is_some_and(|outcome| outcome.open);
        self.stage == Stage::Outcome && document
    }

    /// Above the changes in words.
    pub(crate) fn changes_title(&self) -> &'static str {
        match self.would() {
            true => "What would change for those who assume the role",
            false => "What changed for those who assume the role",
        }
    }

    fn what_to_do(&self, out: &mut Lines) {
        let Some(worst) = self.findings.first() else {
            return;
        };
        let advice = advice(worst.code);
        out.line(&format!("If it was planned: {}.", advice.planned));
        out.line(&format!("If it was not: {}.", advice.unplanned));
        out.blank();
        // Each is made of words that mean nothing else to a shell or a mail reader.
        for Command { purpose, line } in commands(self) {
            out.line(&format!("{purpose}:"));
            out.line(&format!("  {line}"));
        }
        out.blank();
    }

    fn where_to_look(&self, out: &mut Lines) {
        for link in &self.links {
            // Made by `links`, which encodes what is hostile: these are to be followed.
            let text = in_mail(&link.text, NAME);
            out.line(&format!("{text}: {}", one_line(&link.url, 2_000)));
        }
        out.line(&format!(
            "Incident {} · stack {} · mode {} · rules {} · {}",
            in_mail(&self.incident, NAME),
            in_mail(&self.stack, NAME),
            in_mail(&self.mode, 32),
            self.rules
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(12)
                .collect::<String>(),
            self.at
        ));
    }
}

/// Who, from where, with or without MFA, with what.
pub(crate) fn actor_words(actor: &Actor) -> String {
    let mut words = actor.in_words();
    if let Some(arn) = &actor.arn {
        words += &format!(" ({arn})");
    }
    if let Some(source) = &actor.source_ip {
        words += &format!(", from {source}");
    }
    words += match actor.mfa {
        Some(true) => ", with MFA",
        Some(false) => ", without MFA",
        None => ", MFA unknown",
    };
    if let Some(key) = &actor.access_key_id {
        words += &format!(", with access key {key}");
    }
    match (&actor.tool, actor.tool.name(), &actor.user_agent) {
        (Tool::Other, _, Some(agent)) => words += &format!(", with {agent}"),
        (_, Some(tool), _) => words += &format!(", with {tool}"),
        _ => {}
    }
    words
}

impl super::Grantee {
    /// In words, with the names by which the account is known.
    pub(crate) fn words(&self) -> String {
        let mut words = self.text.clone();
        if let Some(vendor) = &self.vendor {
            words += &format!(" (registered vendor {vendor}");
            let said = [("owner", &self.owner), ("ticket", &self.ticket)];
            for (what, value) in said {
                if let Some(value) = value {
                    words += &format!(", {what} {value}");
                }
            }
            words += ")";
        } else if let Some(name) = &self.known_as {
            words += &format!(" (publicly listed as {name}: a hint, no approval)");
        }
        words
    }
}

impl Digest {
    /// For the subject of an e-mail.
    fn in_subject(&self) -> String {
        match self.pages {
            1 => " digest".to_owned(),
            pages => format!(" digest {} of {pages}", self.page),
        }
    }

    /// What it tells, in a few sentences.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![match &self.about {
            Some(about) => about.clone(),
            None => format!(
                "{} alerts of the class {} between {} and {}; {} of them are reported here for the \
                 first time.",
                self.count, self.class, self.from, self.to, self.folded
            ),
        }];
        if self.open > 0 {
            sentences.push(format!(
                "STILL EXPOSED: {} of {}. Manual action required.",
                self.open, self.count
            ));
        }
        if self.pages > 1 {
            sentences.push(format!("This is message {} of {}.", self.page, self.pages));
        }
        if self.left > 0 {
            let look = match &self.kept {
                Some(key) => {
                    format!("the table keeps each for 7 days under the partition key {key}")
                }
                None => "`trustwarden audit --live` lists all".to_owned(),
            };
            sentences.push(format!("No message names {} more: {look}.", self.left));
        }
        sentences
    }

    /// What it tells, the third parties and actors, and each alert.
    fn text(&self, out: &mut Lines) {
        for sentence in self.sentences() {
            out.line(&in_mail(&sentence, SENTENCE));
        }
        if !self.groups.is_empty() {
            out.line("By third party and actor:");
        }
        for group in &self.groups {
            out.line(&format!("  - {}", in_mail(&group.words(), SENTENCE)));
        }
        if self.more_groups > 0 {
            out.line(&format!("  … and {} more", self.more_groups));
        }
        out.blank();
        for (heading, lines) in sections(&self.lines) {
            if !heading.is_empty() {
                out.line(&in_mail(&heading, SENTENCE));
            }
            for (place, line) in lines.into_iter().enumerate() {
                // The first one of a section says it in full.
                let reported = match (heading.is_empty(), place) {
                    (true, _) => line.line.clone(),
                    (false, 0) => format!("{}: {}", line.subject, line.line),
                    (false, _) => line.subject.clone(),
                };
                let times = match line.count() {
                    1 => String::new(),
                    count => format!(" ({count} times)"),
                };
                let reported = in_mail(&reported, 600);
                out.line(&format!(
                    "  {} {}: {reported}{times}",
                    line.at, line.incident
                ));
            }
        }
        out.blank();
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn blank(&mut self) {
        self.0.push('\n');
    }

    fn left_out(&mut self, all: usize) {
        if all > ENTRIES {
            self.line(&format!("  … and {} more", all - ENTRIES));
        }
    }
}
