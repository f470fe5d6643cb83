//! `check`: findings for trust documents, as before a deploy.

mod cloudformation;
mod document;
mod pending;
mod roles;
#[cfg(test)]
mod template_tests;
mod terraform;
mod yaml;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use document::{PolicyText, RoleDocument};
use guard::account::{AuditedRole, LastUsed, accesses};
use guard::detect::{Reading, Verdict, judge_provider, judge_trust_read};
use guard::model::RoleRef;
use guard::permissions::review;
use guard::rules::Rules;
use guard::template::Scope;
use guard::{Check, Finding, Severity};
use jiff::Timestamp;
use permissions::{Policies, Reason};
use policy::TrustPolicy;
use roles::documents;
use serde::Serialize;

use crate::args::{CheckArgs, FindingFormat};
use crate::diagnostic::no_policy;
use crate::findings::{self, About, Found};
use crate::input::{Input, ReadError};
use crate::streams::counted;
use crate::{Status, Streams, outputs};

/// Everything that was found.
#[derive(Debug, Default)]
struct Report {
    found: Vec<Found>,
    files: usize,
    policies: usize,
    approved: usize,
    unreadable_files: Vec<String>,
    /// All files, in order.
    names: Vec<String>,
}

/// Runs `check`.
///
/// # Errors
///
/// Standard output does not take the findings.
pub fn check(arguments: &CheckArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(rules) = crate::rules::load(&arguments.rules.file, streams) else {
        return Ok(Status::Unreadable);
    };
    let outputs = outputs::paired(&arguments.format, FindingFormat::Human, &arguments.output);
    let (Some(outputs), Some(before)) =
        (streams.ok(outputs), streams.ok(arguments.select.before()))
    else {
        return Ok(Status::Unreadable);
    };
    let parameters = &arguments.parameter;
    let scope = Scope::of(arguments.account.as_deref(), &arguments.region, parameters);
    let mut report = Report::default();
    let mut warned = false;
    let files = arguments
        .files
        .iter()
        .flat_map(|named| match synthesized(named) {
            Ok(files) => files,
            Err(error) => {
                streams.failure(&error);
                report.files += 1;
                report.unreadable_files.push(named.name());
                Vec::new()
            }
        });
    let files: Vec<Input> = files.collect();
    report.names.extend(report.unreadable_files.iter().cloned());
    for input in &files {
        report.files += 1;
        report.names.push(input.name());
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
    report.found.dedup();
    arguments.select.keep(&mut report.found, before);
    for (format, file) in &outputs {
        let write = |streams: &mut Streams<'_>| print(*format, &report, streams);
        if !outputs::write(file.as_ref(), streams, write)? {
            return Ok(Status::Unreadable);
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

fn print(format: FindingFormat, report: &Report, streams: &mut Streams<'_>) -> io::Result<()> {
    let (found, unread) = (&report.found, &report.unreadable_files);
    match format {
        FindingFormat::Human => human(report, streams),
        FindingFormat::Json => {
            let summary = Summary {
                files: report.files,
                policies: report.policies,
                approved: report.approved,
                findings: findings::by_severity(found),
                unreadable_files: unread,
            };
            findings::json(found, &summary, streams)
        }
        FindingFormat::Sarif => findings::sarif(found, unread, streams),
        FindingFormat::Github => findings::github(found, unread, streams.out),
        FindingFormat::Junit => findings::junit(found, &report.names, unread, streams.out),
        FindingFormat::Csv => findings::csv(found, streams.out),
    }
}

/// The file that an argument names; of a folder, as `cdk.out`, the templates in it, by name.
fn synthesized(named: &Input) -> Result<Vec<Input>, ReadError> {
    if named.is_stdin() || !named.path().is_dir() {
        return Ok(vec![named.clone()]);
    }
    let failed = |error| named.read_error(error);
    let mut folders = vec![named.path().to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let name = path.to_string_lossy();
            let ends = [
                ".template.json",
                ".template.yaml",
                ".template.yml",
                ".template",
            ];
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(path);
            } else if ends.iter().any(|end| name.ends_with(end)) {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        let why = "no template is in it (*.template.json, *.template.yaml, *.template)";
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, why)));
    }
    files.sort();
    Ok(files.into_iter().map(Input::new).collect())
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
    let account = document
        .account
        .clone()
        .or_else(|| arguments.account.clone());
    let named = document.name.is_some() || document.address.is_some();
    let name = match &arguments.role {
        Some(role) if !named => Some(role.clone()),
        _ => document.name.clone(),
    };
    let path = match (&document.name, &name) {
        (None, Some(role)) => document.path.clone().or_else(|| path_of(role)),
        _ => document.path.clone(),
    };
    let subject = match (&name, &document.provider) {
        (_, Some(provider)) => provider.clone(),
        (Some(name), None) => format!("role/{name}"),
        (None, None) => input.name(),
    };
    let role = RoleRef {
        account: account.clone().unwrap_or_default(),
        name,
        path,
    };
    let (mut findings, readable) = match (&document.provider, &document.text) {
        (Some(provider), _) => (judge_provider(rules, provider).into_iter().collect(), true),
        (None, Some(text)) => {
            report.policies += 1;
            trust_policy(
                rules,
                &role,
                text,
                &document,
                (input, &subject),
                arguments,
                now,
                report,
                streams,
            )
        }
        (None, None) => (Vec::new(), true),
    };
    findings.extend(document.pending.finding());
    let policy = document
        .text
        .as_deref()
        .and_then(|text| TrustPolicy::parse(text).ok());
    let line = |statement: usize| {
        let text = document.text.as_ref().filter(|_| document.exact)?;
        let at = document.pending.place(statement)?;
        let before = text
            .as_bytes()
            .get(..policy.as_ref()?.statements.get(at)?.span.start)?;
        Some(document.first_line? + memchr::memchr_iter(b'\n', before).count())
    };
    let file: Arc<str> = input.name().into();
    let account = account.map(Arc::from);
    report.found.extend(findings.into_iter().map(|mut finding| {
        Found {
            about: Arc::new(About {
                line: finding
                    .statement
                    .and_then(line)
                    .or(document.first_line)
                    .and_then(|line| u32::try_from(line).ok()),
                account: account.clone(),
                subject: subject.as_str().into(),
                file: Arc::clone(&file),
                in_template: document
                    .address
                    .as_deref()
                    .map(|address| Box::new(findings::Address(address.into()))),
            }),
            witness: findings::take_witness(&mut finding),
            finding: Arc::new(finding),
        }
    }));
    readable
}

/// What is wrong with a role's trust policy and, where a third party can assume it, with its
/// permissions, as far as the file holds them; and whether it could be parsed.
#[expect(
    clippy::too_many_arguments,
    reason = "what is judged, by what, and where it is said"
)]
fn trust_policy(
    rules: &Rules,
    role: &RoleRef,
    text: &str,
    document: &RoleDocument,
    (input, subject): (&Input, &str),
    arguments: &CheckArgs,
    now: Timestamp,
    report: &mut Report,
    streams: &mut Streams<'_>,
) -> (Vec<Finding>, bool) {
    let reading = Reading {
        origin: arguments.origin.map_or(document.origin, Into::into),
        from: now,
    };
    let judgement = judge_trust_read(rules, role, text, reading, now);
    let approved = judgement.verdict == Verdict::Approved && document.pending.is_none();
    report.approved += usize::from(approved);
    let parsed = TrustPolicy::parse(text);
    if let Err(error) = &parsed {
        let mut diagnostic = no_policy(error);
        diagnostic.message = format!("the trust policy of {subject}: {}", diagnostic.message);
        streams.raw_error(|colors| diagnostic.render(&input.name(), text, colors));
    }
    let audited = Arc::new(AuditedRole {
        role: role.clone(),
        arn: document.arn.as_deref().map(Box::from),
        created: None,
        last_used: LastUsed::Unknown,
    });
    let accesses = accesses(rules, &audited, &judgement);
    let mut findings = document.pending.certain(judgement.findings);
    if !accesses.is_empty() && !document.policies.is_empty() {
        let policies = Policies {
            policies: document
                .policies
                .iter()
                .map(PolicyText::as_policy)
                .collect(),
            boundary: document.boundary.as_ref().map(PolicyText::as_policy),
            holder: document.arn.as_deref(),
        };
        let accesses: Vec<_> = accesses.iter().collect();
        let reviewed = review(rules, &accesses, &policies, now);
        let missing = reviewed.effective.unreadable.iter();
        let missing = missing.filter(|policy| policy.reason == Reason::Missing);
        let missing: Vec<String> = missing.map(|policy| policy.policy.clone()).collect();
        let at_hand = |found: &Finding| {
            found.code != Check::UnreadablePermissions
                || !missing
                    .iter()
                    .any(|name| found.message.starts_with(&format!("policy {name} ")))
        };
        findings.extend(reviewed.findings.into_iter().filter(at_hand));
    }
    (findings, parsed.is_ok())
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
    let counts = findings::counts(&report.found);
    match report.unreadable_files.len() {
        0 => writeln!(streams.out, "{counts}"),
        unread => writeln!(
            streams.out,
            "{counts} in what was read; {} not read",
            counted(unread, "file was", "files were")
        ),
    }
}
