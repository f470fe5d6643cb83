//! Findings as `check` and `audit` print them.

mod exchange;
mod fingerprint;
mod found;
mod lines;
mod sarif;
mod select;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use guard::{Check, Severity};
use policy::Request;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Streams;
use crate::streams::counted;
use crate::streams::{Gathered, Style};
use crate::terminal_escape::escaped;

pub(crate) use self::exchange::{asff, cell_text, csv, ocsf};
pub(crate) use self::found::{About, Address, Found, PAGES, take_witness};
pub(crate) use self::lines::{github, junit};

/// Worst first, then by subject and code.
pub(crate) fn sort(found: &mut [Found]) {
    fn key(
        found: &Found,
    ) -> (
        Reverse<Severity>,
        &str,
        &str,
        &str,
        Option<&str>,
        Option<usize>,
        &str,
    ) {
        (
            Reverse(found.finding.severity),
            &found.about.subject,
            found.finding.code.code(),
            &found.finding.message,
            found.about.account.as_deref(),
            found.finding.statement,
            &found.about.file,
        )
    }
    found.sort_by(|a, b| key(a).cmp(&key(b)));
}

/// How many findings of each severity there are; those without any are left out.
pub(crate) fn by_severity(found: &[Found]) -> BTreeMap<Severity, usize> {
    let mut counts = BTreeMap::new();
    for found in found {
        *counts.entry(found.finding.severity).or_default() += 1;
    }
    counts
}

/// `3 findings (1 CRITICAL, 2 HIGH)`.
pub(crate) fn counts(found: &[Found]) -> String {
    let counts: Vec<String> = by_severity(found)
        .into_iter()
        .rev()
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    if counts.is_empty() {
        return "no findings".to_owned();
    }
    let total = counted(found.len(), "finding", "findings");
    format!("{total} ({})", counts.join(", "))
}

/// A finding as JSON.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct JsonFinding<'a> {
    code: Check,
    severity: Severity,
    account: Option<&'a str>,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ways: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
}

impl<'a> From<&'a Found> for JsonFinding<'a> {
    fn from(found: &'a Found) -> Self {
        Self {
            code: found.finding.code,
            severity: found.finding.severity,
            account: found.about.account.as_deref(),
            subject: &found.about.subject,
            address: found.about.address(),
            file: found.about.address().map(|_| &*found.about.file),
            line: found.about.address().and(found.about.line),
            message: &found.finding.message,
            statement: found.finding.statement,
            witness: found.witness(),
            vendor: found.finding.vendor.as_deref(),
            ways: &found.finding.ways,
            fix: found.finding.fix.as_deref(),
        }
    }
}

/// `{"findings":[…],"summary":{…}}`, and a line's end.
pub(crate) fn json(
    found: &[Found],
    summary: &impl Serialize,
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Json<'a, S> {
        findings: Vec<JsonFinding<'a>>,
        summary: &'a S,
    }
    let json = Json {
        findings: found.iter().map(JsonFinding::from).collect(),
        summary,
    };
    let mut out = Gathered::new(streams.out);
    serde_json::to_writer(&mut out, &json)?;
    writeln!(out)?;
    out.flush()
}

/// SARIF 2.1.0; of a run that could not read these files, it says that it failed.
pub(crate) fn sarif(
    found: &[Found],
    unread: &[String],
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    let mut out = Gathered::new(streams.out);
    serde_json::to_writer_pretty(&mut out, &sarif::log(found, unread))?;
    writeln!(out)?;
    out.flush()
}

/// A block a finding.
pub(crate) fn human(found: &[Found], streams: &mut Streams<'_>) -> io::Result<()> {
    let colors = streams.colors;
    for found in found {
        let Found { finding, .. } = found;
        let style = Style::of(finding.severity);
        let about = &found.about;
        let subject = match about.address() {
            Some(address) if *about.subject != *about.file => {
                format!("{} ({})", escaped(&about.subject), escaped(address))
            }
            Some(address) => escaped(address).to_string(),
            None if *about.subject != *about.file => escaped(&about.subject).to_string(),
            None => "(role not named)".to_owned(),
        };
        write!(
            streams.out,
            "{} {}  {subject}",
            colors.style(style, finding.severity),
            colors.style(Style::Strong, finding.code),
        )?;
        if let Some(account) = &found.about.account {
            write!(streams.out, " in {}", escaped(account))?;
        }
        let place = match found.about.line {
            Some(line) => format!("{}:{line}", escaped(&found.about.file)),
            None => escaped(&found.about.file).to_string(),
        };
        writeln!(streams.out, "  {}", colors.style(Style::Quiet, place))?;
        writeln!(streams.out, "    {}", escaped(&finding.message))?;
        if let Some(witness) = found.witness() {
            writeln!(streams.out, "    proof: {}", request_words(&witness))?;
        }
        if let Some(fix) = &finding.fix {
            writeln!(streams.out, "    fix: {}", escaped(fix))?;
        }
        writeln!(streams.out)?;
    }
    Ok(())
}

/// A request in one line.
pub(crate) fn request_words(request: &Request) -> String {
    let mut text = format!(
        "{} {} calls {}",
        escaped(&request.principal.kind),
        escaped(&request.principal.value),
        escaped(&request.action)
    );
    for (index, (key, values)) in request.context.iter().enumerate() {
        let begin = if index == 0 { " with" } else { "," };
        text.push_str(&format!(
            "{begin} {}={}",
            escaped(key),
            escaped(values.join("|"))
        ));
    }
    text
}
