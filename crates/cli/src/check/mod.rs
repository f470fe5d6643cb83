//! `check`: findings for trust documents, as before a deploy.

mod roles;
mod template;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use guard::Severity;
use guard::detect::{Reading, Verdict, judge_trust_read};
use guard::model::RoleRef;
use guard::rules::Rules;
use jiff::Timestamp;
use policy::TrustPolicy;
use roles::{RoleDocument, documents};
use serde::Serialize;
use template::Scope;

use crate::args::{CheckArgs, FindingFormat};
use crate::diagnostic::no_policy;
use crate::findings::{self, About, Found};
use crate::input::Input;
use crate::streams::counted;
use crate::{Status, Streams};

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
    let scope = Scope::of(arguments.account.as_deref(), &arguments.region);
    let mut report = Report::default();
    let mut warned = false;
    for input in &arguments.files {
        report.files += 1;
        let Some(documents) = read(input, &scope, streams) else {
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
    findings::sort(&mut report.found);
    match arguments.format {
        FindingFormat::Human => human(&report, streams)?,
        FindingFormat::Json => {
            let summary = Summary {
                files: report.files,
                policies: report.policies,
                approved: report.approved,
                findings: findings::by_severity(&report.found),
                unreadable_files: &report.unreadable_files,
            };
            findings::json(&report.found, &summary, streams)?;
        }
        FindingFormat::Sarif => {
            findings::sarif(&report.found, streams)?;
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

fn read(input: &Input, scope: &Scope, streams: &mut Streams<'_>) -> Option<Vec<RoleDocument>> {
    let text = streams.ok(input.read())?;
    documents(&text, scope)
        .map_err(|error| streams.unusable(&input.name(), "cannot be checked", &error))
        .ok()
}

/// A trust policy by itself says no path. A role that is named as IAM Identity Center names its own,
/// `AWSReservedSSO_PermissionSet_0123456789abcdef`, is taken for one of them; the guard, which reads
/// the role, believes the path alone.
fn path_of(role: &str) -> Option<String> {
    let (set, suffix) = role.strip_prefix("AWSReservedSSO_")?.rsplit_once('_')?;
    let its_own = !set.is_empty()
        && suffix.len() == 16
        && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    its_own.then(|| "/aws-reserved/sso.amazonaws.com/".to_owned())
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
    let path = match (&document.name, &arguments.role) {
        (None, Some(role)) => document.path.or_else(|| path_of(role)),
        _ => document.path,
    };
    let name = document.name.or_else(|| arguments.role.clone());
    let subject = match &name {
        Some(name) => format!("role/{name}"),
        None => input.name(),
    };
    let role = RoleRef {
        account: account.clone().unwrap_or_default(),
        name,
        path,
    };
    let reading = Reading {
        origin: arguments.origin.map_or(document.origin, Into::into),
        from: now,
    };
    let judgement = judge_trust_read(rules, &role, &document.text, reading, now);
    report.policies += 1;
    report.approved += usize::from(judgement.verdict == Verdict::Approved);
    let policy = TrustPolicy::parse(&document.text);
    if let Err(error) = &policy {
        let mut diagnostic = no_policy(error);
        diagnostic.message = format!("the trust policy of {subject}: {}", diagnostic.message);
        streams.raw_error(|colors| diagnostic.render(&input.name(), &document.text, colors));
    }
    let line = |statement: usize| {
        let statement = policy.as_ref().ok()?.statements.get(statement)?;
        let before = document.text.as_bytes().get(..statement.span.start)?;
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        Some(document.first_line? + lines)
    };
    let file: Arc<str> = input.name().into();
    let account = account.map(Arc::from);
    report
        .found
        .extend(judgement.findings.into_iter().map(|mut finding| Found {
            about: Arc::new(About {
                line: finding.statement.and_then(line).or(document.first_line),
                account: account.clone(),
                subject: subject.as_str().into(),
                file: Arc::clone(&file),
            }),
            witness: findings::take_witness(&mut finding),
            finding: Arc::new(finding),
        }));
    policy.is_ok()
}

#[derive(Serialize)]
struct Summary<'a> {
    files: usize,
    policies: usize,
    approved: usize,
    findings: BTreeMap<Severity, usize>,
    unreadable_files: &'a [String],
}

fn human(report: &Report, streams: &mut Streams<'_>) -> io::Result<()> {
    findings::human(&report.found, streams)?;
    write!(
        streams.out,
        "{}, {} approved: ",
        counted(report.policies, "trust policy", "trust policies"),
        report.approved
    )?;
    writeln!(streams.out, "{}", findings::counts(&report.found))
}
