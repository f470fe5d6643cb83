//! `check`: findings for trust documents, as before a deploy.

mod roles;
mod sarif;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;

use guard::detect::{RoleRef, Verdict, judge_trust};
use guard::rules::Rules;
use guard::{Check, Finding, Severity};
use jiff::Timestamp;
use policy::{Request, TrustPolicy};
use serde::Serialize;

use crate::args::{CheckArgs, FindingFormat};
use crate::diagnostic::no_policy;
use crate::hostile::shown;
use crate::input::Input;
use crate::rules::counted;
use crate::streams::Tone;
use crate::{Status, Streams};
use roles::{RoleDocument, documents};

/// A finding, and where it was found.
#[derive(Debug)]
struct Found {
    finding: Finding,
    account: Option<String>,
    subject: String,
    file: String,
    /// 1-based.
    line: Option<usize>,
}

/// Everything that was found.
#[derive(Debug, Default)]
struct Report {
    found: Vec<Found>,
    files: usize,
    policies: usize,
    approved: usize,
    unreadable_files: Vec<String>,
}

/// Runs `check`.
///
/// # Errors
///
/// Standard output does not take the findings.
pub fn check(arguments: &CheckArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(rules) = crate::rules::load(&arguments.rules, streams) else {
        return Ok(Status::Unreadable);
    };
    let mut report = Report::default();
    let mut warned = false;
    for input in &arguments.files {
        report.files += 1;
        let Some(documents) = read(input, streams) else {
            report.unreadable_files.push(input.name());
            continue;
        };
        let mut readable = true;
        for document in documents {
            if document.account.is_none() && arguments.account.is_none() && !warned {
                streams.warning("without --account every account counts as external, your own too");
                warned = true;
            }
            readable &= judge(
                &rules,
                document,
                input,
                arguments,
                now,
                &mut report,
                streams,
            );
        }
        if !readable {
            report.unreadable_files.push(input.name());
        }
    }
    report.found.sort_by(|a, b| {
        let key = |found: &Found| (Reverse(found.finding.severity), found.subject.clone());
        let rest = |found: &Found| (found.finding.code.code(), found.finding.message.clone());
        key(a).cmp(&key(b)).then_with(|| rest(a).cmp(&rest(b)))
    });
    match arguments.format {
        FindingFormat::Human => human(&report, streams)?,
        FindingFormat::Json => {
            serde_json::to_writer(&mut *streams.out, &json(&report))?;
            writeln!(streams.out)?;
        }
        FindingFormat::Sarif => {
            serde_json::to_writer_pretty(&mut *streams.out, &sarif::log(&report.found))?;
            writeln!(streams.out)?;
        }
    }
    let failing = report
        .found
        .iter()
        .any(|found| found.finding.severity >= arguments.fail_on);
    Ok(match (report.unreadable_files.is_empty(), failing) {
        (false, _) => Status::Unreadable,
        (true, true) => Status::Findings,
        (true, false) => Status::Done,
    })
}

fn read(input: &Input, streams: &mut Streams<'_>) -> Option<Vec<RoleDocument>> {
    let text = input.read().map_err(|error| streams.failure(&error)).ok()?;
    let unusable = |error| UnusableError {
        name: input.name(),
        source: error,
    };
    documents(&text)
        .map_err(|error| streams.failure(&unusable(error)))
        .ok()
}

#[derive(Debug, thiserror::Error)]
#[error("{} cannot be checked", shown(name))]
struct UnusableError {
    name: String,
    source: roles::NoDocumentsError,
}

/// Judges one document; `false` if it could not even be parsed.
fn judge(
    rules: &Rules,
    document: RoleDocument,
    input: &Input,
    arguments: &CheckArgs,
    now: Timestamp,
    report: &mut Report,
    streams: &mut Streams<'_>,
) -> bool {
    let account = document.account.or_else(|| arguments.account.clone());
    let name = document.name.or_else(|| arguments.role.clone());
    let subject = match &name {
        Some(name) => format!("role/{name}"),
        None => input.name(),
    };
    let role = RoleRef {
        account: account.clone().unwrap_or_default(),
        name,
        path: document.path,
    };
    let judgement = judge_trust(rules, &role, &document.text, now);
    report.policies += 1;
    report.approved += usize::from(judgement.verdict == Verdict::Approved);
    let policy = TrustPolicy::parse(&document.text);
    if let Err(error) = &policy {
        let mut diagnostic = no_policy(error);
        diagnostic.message = format!("the trust policy of {subject}: {}", diagnostic.message);
        streams.raw_error(|paint| diagnostic.render(&input.name(), &document.text, paint));
    }
    let line = |statement: usize| {
        let statement = policy.as_ref().ok()?.statements.get(statement)?;
        let before = document.text.as_bytes().get(..statement.span.start)?;
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        Some(document.first_line? + lines)
    };
    report
        .found
        .extend(judgement.findings.into_iter().map(|finding| Found {
            line: finding.statement.and_then(line).or(document.first_line),
            finding,
            account: account.clone(),
            subject: subject.clone(),
            file: input.name(),
        }));
    policy.is_ok()
}

#[derive(Serialize)]
struct Json<'a> {
    findings: Vec<JsonFinding<'a>>,
    summary: Summary<'a>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    code: Check,
    severity: Severity,
    account: Option<&'a str>,
    subject: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<&'a Request>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
}

#[derive(Serialize)]
struct Summary<'a> {
    files: usize,
    policies: usize,
    approved: usize,
    findings: BTreeMap<Severity, usize>,
    unreadable_files: &'a [String],
}

fn json(report: &Report) -> Json<'_> {
    let findings = report.found.iter().map(|found| JsonFinding {
        code: found.finding.code,
        severity: found.finding.severity,
        account: found.account.as_deref(),
        subject: &found.subject,
        message: &found.finding.message,
        statement: found.finding.statement,
        witness: found.finding.witness.as_ref(),
        vendor: found.finding.vendor.as_deref(),
        fix: found.finding.fix.as_deref(),
    });
    Json {
        findings: findings.collect(),
        summary: Summary {
            files: report.files,
            policies: report.policies,
            approved: report.approved,
            findings: by_severity(&report.found),
            unreadable_files: &report.unreadable_files,
        },
    }
}

/// How many findings of each severity there are; those without any are left out.
fn by_severity(found: &[Found]) -> BTreeMap<Severity, usize> {
    let mut counts = BTreeMap::new();
    for found in found {
        *counts.entry(found.finding.severity).or_default() += 1;
    }
    counts
}

fn human(report: &Report, streams: &mut Streams<'_>) -> io::Result<()> {
    let paint = streams.paint;
    for found in &report.found {
        let Found { finding, .. } = found;
        let tone = Tone::of(finding.severity);
        let subject = if found.subject == found.file {
            "(role not named)".to_owned()
        } else {
            shown(&found.subject).to_string()
        };
        write!(
            streams.out,
            "{} {}  {subject}",
            paint.tone(tone, finding.severity),
            paint.tone(Tone::Strong, finding.code),
        )?;
        if let Some(account) = &found.account {
            write!(streams.out, " in {}", shown(account))?;
        }
        let place = match found.line {
            Some(line) => format!("{}:{line}", shown(&found.file)),
            None => shown(&found.file).to_string(),
        };
        writeln!(streams.out, "  {}", paint.tone(Tone::Quiet, place))?;
        writeln!(streams.out, "    {}", shown(&finding.message))?;
        if let Some(witness) = &finding.witness {
            writeln!(streams.out, "    proof: {}", request_words(witness))?;
        }
        if let Some(fix) = &finding.fix {
            writeln!(streams.out, "    fix: {}", shown(fix))?;
        }
        writeln!(streams.out)?;
    }
    let counts: Vec<String> = by_severity(&report.found)
        .into_iter()
        .rev()
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    write!(
        streams.out,
        "{}, {} approved: ",
        counted(report.policies, "trust policy", "trust policies"),
        report.approved
    )?;
    if counts.is_empty() {
        writeln!(streams.out, "no findings")
    } else {
        let total = counted(report.found.len(), "finding", "findings");
        writeln!(streams.out, "{total} ({})", counts.join(", "))
    }
}

/// A request in one line.
pub(crate) fn request_words(request: &Request) -> String {
    let mut text = format!(
        "{} {} calls {}",
        shown(&request.principal.kind),
        shown(&request.principal.value),
        shown(&request.action)
    );
    for (index, (key, values)) in request.context.iter().enumerate() {
        let begin = if index == 0 { " with" } else { "," };
        text.push_str(&format!(
            "{begin} {}={}",
            shown(key),
            shown(values.join("|"))
        ));
    }
    text
}
