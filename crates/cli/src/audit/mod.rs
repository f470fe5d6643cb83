//! `audit`: a whole account. Every role's trust policy is judged as the deployed functions judge
//! it, and joined with who the third party is, what it must prove, when the role was last used and
//! which rule allows it; then what only the account as a whole shows.
//!
//! An export is read object by object. What is kept is what may matter at the end: the roles that
//! external parties can assume, findings, and managed policies.

mod account;
mod audited;
pub(crate) mod credential_report;
pub(crate) mod export;
mod html;
mod human;
pub(crate) mod interned;
mod json;
pub(crate) mod pages;
mod permitted;
mod report;

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use guard::permissions::LastAccessed;
use guard::rules::Rules;
use jiff::Timestamp;

use crate::args::{AuditArgs, AuditFormat};
use crate::input::{Input, ReadError};
use crate::streams::chain;
use crate::terminal_escape::escaped;
use crate::{Status, Streams, findings, outputs};

pub(crate) use account::{Account, Where};
pub(crate) use audited::Entry;
pub(crate) use report::Report;

/// Most unreadable elements of one file that are listed one by one.
const MOST_LISTED: usize = 20;

/// The error of an input that could be read only in part.
const NOT_WHOLE: &str = "cannot be read to its end";

/// Runs `audit`.
///
/// # Errors
///
/// Standard output does not take the findings.
pub fn audit(arguments: &AuditArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let outputs = outputs::paired(&arguments.format, AuditFormat::Human, &arguments.output);
    let (Some(outputs), Some(before)) =
        (streams.ok(outputs), streams.ok(arguments.select.before()))
    else {
        return Ok(Status::Unreadable);
    };
    let placed = |format: &AuditFormat| matches!(format, AuditFormat::Asff | AuditFormat::Ocsf);
    if arguments.region.is_some() && !arguments.format.iter().any(placed) {
        streams.error("--region means nothing here: only the formats asff and ocsf name a region");
        return Ok(Status::Unreadable);
    }
    let region = arguments.region.as_deref().unwrap_or("us-east-1");
    let Some(mut report) = collect(arguments, now, streams) else {
        return Ok(Status::Unreadable);
    };
    arguments.select.keep(&mut report.audited.found, before);

    for (format, file) in &outputs {
        let write = |streams: &mut Streams<'_>| print(*format, &report, region, streams);
        if !outputs::write(file.as_ref(), streams, write)? {
            return Ok(Status::Unreadable);
        }
    }
    let mut found = report.audited.found.iter();
    let failing = found.any(|found| found.finding.severity >= arguments.fail_on);
    let whole = report.unreadable_files.is_empty() && report.audited.counts.unreadable == 0;
    // The process ends now; to give back a hundred thousand roles piece by piece takes a twentieth
    // of the time that they took.
    std::mem::forget(report);
    Ok(match (whole, failing) {
        (false, _) => Status::Unreadable,
        (true, true) => Status::Findings,
        (true, false) => Status::Done,
    })
}

fn print(
    format: AuditFormat,
    report: &Report,
    region: &str,
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    let (found, unread) = (&report.audited.found, &report.unreadable_files);
    match format {
        AuditFormat::Human => human::write(report, streams),
        AuditFormat::Json => json::write(report, streams),
        AuditFormat::Sarif => findings::sarif(found, unread, streams),
        AuditFormat::Csv => findings::csv(found, streams.out),
        AuditFormat::AccessCsv => human::access_csv(&report.audited.entries, streams.out),
        AuditFormat::Asff => findings::asff(found, region, report.now, streams.out),
        AuditFormat::Ocsf => findings::ocsf(found, region, report.now, streams.out),
        AuditFormat::Html => html::write(report, streams),
    }
}

/// Reads all that the arguments name, and judges it; `None`, and the reason printed, without rules.
pub(crate) fn collect(
    arguments: &AuditArgs,
    now: Timestamp,
    streams: &mut Streams<'_>,
) -> Option<Report> {
    let rules = crate::rules::load(&arguments.rules.file, streams)?;
    Some(collect_by(&rules, arguments, now, streams))
}

/// The same by rules that were read already.
pub(crate) fn collect_by(
    rules: &Rules,
    arguments: &AuditArgs,
    now: Timestamp,
    streams: &mut Streams<'_>,
) -> Report {
    let mut reading = Reading {
        account: Account::new(rules, now),
        files: 0,
        unreadable: Vec::new(),
        lines: [AuditFormat::Sarif, AuditFormat::Csv]
            .iter()
            .any(|format| arguments.format.contains(format)),
    };
    reading.read(arguments, streams);
    #[cfg(feature = "live")]
    if arguments.live {
        reading.live(arguments.profile.as_deref(), streams);
    }
    for file in reading.account.unfinished() {
        let name = escaped(&file);
        streams.error(format_args!(
            "{name} says that more pages follow, and none does: give them as well, or write the \
             export without --max-items and --no-paginate"
        ));
        if !reading.unreadable.iter().any(|known| **known == *file) {
            reading.unreadable.push(file.to_string());
        }
    }
    reading.finish(rules, &arguments.rules.file, now)
}

/// The input that was read so far.
struct Reading<'a> {
    account: Account<'a>,
    files: usize,
    unreadable: Vec<String>,
    /// Lines are counted: they cost time, and only code scanning and spreadsheets show them.
    lines: bool,
}

impl Reading<'_> {
    fn read(&mut self, arguments: &AuditArgs, streams: &mut Streams<'_>) {
        for file in &self.files_of(&arguments.authorization_details, streams) {
            if let Some(mut reader) = self.opened(file, file.open(), streams) {
                self.export(file.name(), &mut reader, file.size(), streams);
            }
        }
        for file in &arguments.credential_report {
            if let Some(text) = self.opened(file, file.read(), streams) {
                self.rows(file.name(), &text, streams);
            }
        }
        for file in &self.files_of(&arguments.last_accessed, streams) {
            if let Some(text) = self.opened(file, file.read(), streams) {
                self.last_accessed(file, &text, streams);
            }
        }
    }

    /// The files that arguments name.
    fn files_of(&mut self, named: &[Input], streams: &mut Streams<'_>) -> Vec<Input> {
        let mut all = Vec::new();
        for named in named {
            all.extend(
                self.opened(named, files(named), streams)
                    .into_iter()
                    .flatten(),
            );
        }
        all
    }

    /// The content; an error is printed, and the input counted as a file that is unreadable.
    fn opened<T>(
        &mut self,
        input: &Input,
        content: Result<T, ReadError>,
        streams: &mut Streams<'_>,
    ) -> Option<T> {
        let content = streams.ok(content);
        if content.is_none() {
            self.files += 1;
            self.unreadable.push(input.name());
        }
        content
    }

    /// The account that the AWS credentials name.
    #[cfg(feature = "live")]
    fn live(&mut self, profile: Option<&str>, streams: &mut Streams<'_>) {
        let mut account = match crate::live::LiveAccount::new(profile) {
            Ok(account) => account,
            Err(error) => {
                self.unreadable.push("<live account>".to_owned());
                return streams.failure(&error);
            }
        };
        self.export("<live account>".to_owned(), &mut account, 0, streams);
        let name = "<live credential report>".to_owned();
        match account.credential_report() {
            Ok(report) => self.rows(name, &String::from_utf8_lossy(&report), streams),
            Err(source) => {
                streams.unusable(&name, NOT_WHOLE, &source);
                self.unreadable.push(name);
            }
        }
    }

    /// Authorization details of so many bytes, 0 where that is not known.
    fn export(
        &mut self,
        name: String,
        reader: &mut dyn Read,
        size: u64,
        streams: &mut Streams<'_>,
    ) {
        self.files += 1;
        let file: Arc<str> = name.as_str().into();
        let mut troubles = Vec::new();
        let mut more = 0_usize;
        let account = &mut self.account;
        let (_, mut progress) = streams.out_and_progress(size);
        let mut count = 0_usize;
        let ended = export::read(reader, self.lines, &mut |element, place| {
            count += 1;
            // A page of a live account has some hundred objects, and takes a second.
            if count.is_multiple_of(128) {
                progress.at(place.offset, "");
            }
            if let Some(error) = account.element(element, &Where::new(&file, place)) {
                if troubles.len() < MOST_LISTED {
                    troubles.push((error, place));
                } else {
                    more += 1;
                }
            }
        });
        drop(progress);
        for (error, place) in &troubles {
            let at = match place.line {
                Some(line) => format!("{}:{line}", escaped(&name)),
                None => format!("{} (byte {})", escaped(&name), place.offset),
            };
            streams.error(format_args!("{at}: {}", escaped(chain(error))));
        }
        if more > 0 {
            streams.error(format_args!(
                "{}: {more} more objects cannot be read",
                escaped(&name)
            ));
        }
        let whole = ended.is_ok() && troubles.is_empty();
        if let Err(source) = ended {
            streams.unusable(&name, NOT_WHOLE, &source);
        }
        if !whole {
            self.unreadable.push(name);
        }
    }

    /// A credential report.
    fn rows(&mut self, name: String, text: &str, streams: &mut Streams<'_>) {
        self.files += 1;
        let file: Arc<str> = name.as_str().into();
        let mut troubles = Vec::new();
        let account = &mut self.account;
        let ended = credential_report::read(text, &mut |row| match row {
            Ok((credentials, line)) => {
                let at = Where {
                    file: Arc::clone(&file),
                    line: u32::try_from(line).ok(),
                };
                account.credentials(&credentials, &at);
            }
            Err(error) => troubles.push(error.into()),
        });
        let whole = ended.is_ok() && troubles.is_empty();
        for source in ended.err().into_iter().chain(troubles).take(MOST_LISTED) {
            streams.unusable(&name, NOT_WHOLE, &source);
        }
        if !whole {
            self.unreadable.push(name);
        }
    }

    /// One role's answer of `get-service-last-accessed-details`.
    fn last_accessed(&mut self, input: &Input, text: &str, streams: &mut Streams<'_>) {
        self.files += 1;
        let role = input.path().file_stem().map(|stem| stem.to_string_lossy());
        match LastAccessed::parse(text) {
            Ok(accessed) => self.account.used(&role.unwrap_or_default(), accessed),
            Err(source) => {
                streams.unusable(&input.name(), NOT_WHOLE, &source);
                self.unreadable.push(input.name());
            }
        }
    }

    fn finish(self, rules: &Rules, rules_file: &Input, now: Timestamp) -> Report {
        let whole = self.unreadable.is_empty();
        Report {
            audited: self.account.finish(whole, &rules_file.name().into()),
            now,
            rules_hash: rules.hash().to_owned(),
            files: self.files,
            unreadable_files: self.unreadable,
        }
    }
}

/// The file that an argument names; of a folder, the `.json` files in it, by name.
pub(crate) fn files(named: &Input) -> Result<Vec<Input>, ReadError> {
    if named.is_stdin() || !named.path().is_dir() {
        return Ok(vec![named.clone()]);
    }
    let failed = |error| named.read_error(error);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(named.path()).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.to_string_lossy().to_ascii_lowercase();
        if name.ends_with(".json") || name.ends_with(".json.gz") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(failed(io::Error::new(
            io::ErrorKind::NotFound,
            "no .json file is in it",
        )));
    }
    files.sort();
    Ok(files.into_iter().map(Input::new).collect())
}
