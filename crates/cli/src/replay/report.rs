//! The report of `replay`.

use std::io::{self, Write};

use guard::cloudtrail::Record;
use guard::remediate::PlanKind;
use guard::{Check, Severity};
use jiff::Timestamp;
use policy::Request;
use serde::Serialize;

use super::judge::{Alert, Judged, checks, ranked};
use super::read::{Hit, Reading};
use crate::Streams;
use crate::args::ModeArg;
use crate::streams::Style;
use crate::streams::counted;
use crate::terminal_escape::escaped;

/// One alert, as a line.
#[derive(Serialize)]
pub(crate) struct AlertLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    event_id: &'a str,
    event_time: Option<Timestamp>,
    event_name: &'a str,
    account: &'a str,
    region: Option<&'a str>,
    actor: String,
    subject: &'a str,
    findings: Vec<FindingPart<'a>>,
    plan: PlanPart<'a>,
    mode: &'static str,
}

#[derive(Serialize)]
struct FindingPart<'a> {
    code: Check,
    severity: Severity,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<&'a Request>,
}

#[derive(Serialize)]
struct PlanPart<'a> {
    action: PlanKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a str>,
}

/// A record about which two versions of the rules do not say the same.
#[derive(Serialize)]
struct DifferenceLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    event_id: &'a str,
    before: Option<AlertLine<'a>>,
    after: Option<AlertLine<'a>>,
}

#[derive(Serialize)]
struct SummaryLine {
    #[serde(rename = "type")]
    kind: &'static str,
    files: u64,
    bytes: u64,
    records: u64,
    irrelevant: u64,
    approved: u64,
    alerts: u64,
    failed_calls: u64,
    duplicates: u64,
    unreadable_records: u64,
    unreadable_files: Vec<String>,
    skipped_files: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<u64>,
}

/// Who did it, in one word: the ARN where there is one.
fn actor(record: &Record) -> String {
    let actor = record.actor();
    let words = [actor.arn, actor.name, actor.account, actor.source_ip];
    let caller = words.into_iter().flatten().next();
    let caller = caller.unwrap_or_else(|| "unknown".to_owned());
    match actor.delegate {
        Some(partner) => format!("account {partner}, by temporary delegation of {caller}"),
        None if actor.assumed_root => format!("{caller} (an assumed-root session)"),
        None => caller,
    }
}

fn alert_line<'a>(hit: &'a Hit, id: &'a str, alert: &'a Alert, mode: ModeArg) -> AlertLine<'a> {
    let record = &hit.record;
    let findings = alert.findings.iter().map(|finding| FindingPart {
        code: finding.code,
        severity: finding.severity,
        message: &finding.message,
        witness: finding.witness.as_ref(),
    });
    AlertLine {
        kind: "alert",
        event_id: id,
        event_time: record.event_time,
        event_name: &record.event_name,
        account: record.account(),
        region: record.region.as_deref(),
        actor: actor(record),
        subject: &alert.subject,
        findings: findings.collect(),
        plan: PlanPart {
            action: alert.action,
            document: alert.document.as_deref(),
        },
        mode: match mode {
            ModeArg::Alert => "alert",
            ModeArg::Enforce => "enforce",
        },
    }
}

fn said(judged: &Judged) -> Option<&Alert> {
    match judged {
        Judged::Alert(alert) => Some(alert),
        _ => None,
    }
}

/// Is the same said and planned? A reader sees no difference in how a fix is worded.
fn same(before: Option<&Alert>, after: Option<&Alert>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return before.is_none() && after.is_none();
    };
    let said = |alert: &Alert| -> Vec<_> {
        let findings = alert.findings.iter();
        findings
            .map(|found| (found.code, found.severity, found.message.clone()))
            .collect()
    };
    said(before) == said(after)
        && before.action == after.action
        && before.document == after.document
}

/// A reading and its judgment, to be printed.
pub(crate) struct Report<'a> {
    pub(crate) reading: &'a Reading,
    pub(crate) judged: &'a [Judged],
    /// By the older rules, where two are compared.
    pub(crate) before: Option<&'a [Judged]>,
    pub(crate) mode: ModeArg,
}

/// The part of the output on which the status depends.
pub(crate) struct Printed {
    /// The worst alert's.
    pub(crate) worst: Option<Severity>,
    /// Records about which the rules differ.
    pub(crate) differences: u64,
}

impl<'a> Report<'a> {
    /// One JSON object a line.
    pub(crate) fn jsonl(&self, streams: &mut Streams<'_>) -> io::Result<Printed> {
        self.each(|hit, before, after| {
            let id = hit.record.id();
            let line = |alert: &'a Alert| alert_line(hit, &id, alert, self.mode);
            if self.before.is_some() {
                let line = DifferenceLine {
                    kind: "difference",
                    event_id: &id,
                    before: before.map(line),
                    after: after.map(line),
                };
                serde_json::to_writer(&mut *streams.out, &line)?;
            } else if let Some(alert) = after {
                serde_json::to_writer(&mut *streams.out, &line(alert))?;
            }
            writeln!(streams.out)
        })
        .and_then(|printed| {
            let summary = self.summary(&printed);
            serde_json::to_writer(&mut *streams.out, &summary)?;
            writeln!(streams.out)?;
            Ok(printed)
        })
    }

    /// Gives every alert, or every difference, to `print`.
    fn each(
        &self,
        mut print: impl FnMut(&'a Hit, Option<&'a Alert>, Option<&'a Alert>) -> io::Result<()>,
    ) -> io::Result<Printed> {
        let mut printed = Printed {
            worst: None,
            differences: 0,
        };
        for (index, (hit, judged)) in self.reading.hits.iter().zip(self.judged).enumerate() {
            let after = said(judged);
            printed.worst = printed.worst.max(after.map(Alert::severity));
            match self.before {
                None if after.is_some() => print(hit, None, after)?,
                None => {}
                Some(all) => {
                    let before = all.get(index).and_then(said);
                    if !same(before, after) {
                        printed.differences += 1;
                        print(hit, before, after)?;
                    }
                }
            }
        }
        Ok(printed)
    }

    fn count(&self, wanted: impl Fn(&Judged) -> bool) -> u64 {
        self.judged.iter().filter(|judged| wanted(judged)).count() as u64
    }

    fn summary(&self, printed: &Printed) -> SummaryLine {
        let reading = self.reading;
        let files = reading.unreadable_files.iter();
        SummaryLine {
            kind: "summary",
            files: reading.files,
            bytes: reading.bytes,
            records: reading.records,
            irrelevant: reading.irrelevant + self.count(|judged| *judged == Judged::Irrelevant),
            approved: self.count(|judged| *judged == Judged::Approved),
            alerts: self.count(|judged| said(judged).is_some()),
            failed_calls: self.count(|judged| *judged == Judged::FailedCall),
            duplicates: self.count(|judged| *judged == Judged::Duplicate),
            unreadable_records: reading.unreadable_records,
            unreadable_files: files.map(|file| file.path.display().to_string()).collect(),
            skipped_files: reading.passed.files,
            differences: self.before.map(|_| printed.differences),
        }
    }

    /// For people.
    pub(crate) fn human(&self, streams: &mut Streams<'_>) -> io::Result<Printed> {
        let printed = self.each(|hit, before, after| match (self.before, before, after) {
            (Some(_), before, after) => {
                head(hit, before.or(after), streams)?;
                for (sign, alert) in [('-', before), ('+', after)] {
                    match alert {
                        Some(alert) => body(alert, Some(sign), streams)?,
                        None => writeln!(streams.out, "  {sign} no alert")?,
                    }
                }
                writeln!(streams.out)
            }
            (None, _, Some(alert)) => {
                head(hit, Some(alert), streams)?;
                body(alert, None, streams)?;
                writeln!(streams.out)
            }
            (None, _, None) => Ok(()),
        })?;
        self.totals(&printed, streams)?;
        Ok(printed)
    }

    fn totals(&self, printed: &Printed, streams: &mut Streams<'_>) -> io::Result<()> {
        let summary = self.summary(printed);
        let colors = streams.colors;
        let out = &mut streams.out;
        writeln!(
            out,
            "{} in {}: {} irrelevant, {} approved, {}, {}, {}, {} unreadable",
            plural(summary.records, "record"),
            plural(summary.files, "file"),
            summary.irrelevant,
            summary.approved,
            colors.style(Style::Strong, plural(summary.alerts, "alert")),
            plural(summary.failed_calls, "failed call"),
            plural(summary.duplicates, "duplicate"),
            summary.unreadable_records,
        )?;
        if let Some(differences) = summary.differences {
            let many = plural(differences, "record");
            writeln!(out, "the rules differ about {many}")?;
        }
        let alerts = || {
            self.reading
                .hits
                .iter()
                .zip(self.judged)
                .filter_map(|(hit, judged)| said(judged).map(|alert| (hit, alert)))
        };
        let by_check = ranked(alerts().flat_map(|(_, alert)| checks(alert)));
        list("alerts by check", by_check, out)?;
        let plans = alerts().map(|(_, alert)| alert.action.name());
        let plans = ranked(plans.filter(|action| *action != PlanKind::None.name()));
        list("in mode enforce it would", plans, out)?;
        list(
            "subjects",
            ranked(alerts().map(|(_, alert)| alert.subject.clone())),
            out,
        )?;
        list(
            "actors",
            ranked(alerts().map(|(hit, _)| actor(&hit.record))),
            out,
        )
    }
}

fn plural(number: u64, one: &str) -> String {
    counted(
        usize::try_from(number).unwrap_or(usize::MAX),
        one,
        &format!("{one}s"),
    )
}

/// How many lines of a list are worth reading.
const LISTED: usize = 10;

fn list<T: std::fmt::Display>(
    title: &str,
    ranked: Vec<(T, usize)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if ranked.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}:")?;
    for (thing, count) in ranked.iter().take(LISTED) {
        writeln!(out, "{count:>7}  {}", escaped(thing.to_string()))?;
    }
    match ranked.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "         and {more} more"),
    }
}

fn head(hit: &Hit, alert: Option<&Alert>, streams: &mut Streams<'_>) -> io::Result<()> {
    let record = &hit.record;
    let colors = streams.colors;
    let time = record
        .event_time
        .map_or_else(|| "(no time)".to_owned(), |time| time.to_string());
    write!(streams.out, "{}", colors.style(Style::Quiet, time))?;
    if let Some(alert) = alert {
        let severity = alert.severity();
        let subject = colors.style(Style::Strong, escaped(&alert.subject));
        write!(
            streams.out,
            "  {}  {subject}",
            colors.style(Style::of(severity), severity)
        )?;
    }
    writeln!(
        streams.out,
        "  {} in {} {}",
        escaped(&record.event_name),
        escaped(record.account()),
        escaped(record.region.as_deref().unwrap_or_default())
    )?;
    writeln!(streams.out, "    by {}", escaped(actor(record)))
}

fn body(alert: &Alert, sign: Option<char>, streams: &mut Streams<'_>) -> io::Result<()> {
    let colors = streams.colors;
    let margin = match sign {
        Some(sign) => format!("  {sign} "),
        None => "    ".to_owned(),
    };
    for finding in &alert.findings {
        let code = colors.style(Style::of(finding.severity), finding.code);
        writeln!(streams.out, "{margin}{code}: {}", escaped(&finding.message))?;
    }
    match (alert.action, &alert.remark) {
        (PlanKind::None, None) => Ok(()),
        (PlanKind::None, Some(remark)) => {
            writeln!(streams.out, "{margin}plan: nothing; {}", escaped(remark))
        }
        (action, remark) => {
            let remark = remark
                .as_deref()
                .map_or_else(String::new, |text| format!("; {text}"));
            writeln!(
                streams.out,
                "{margin}plan: {}{}",
                action.name(),
                escaped(remark)
            )
        }
    }
}
