//! `audit`: a whole account. Every role's trust policy is judged as the deployed functions judge
//! it, and joined with who the third party is, what it must prove, when the role was last used and
//! which rule allows it; then what only the account as a whole shows.
//!
//! An export is read object by object. What is kept is what may matter at the end: the roles that
//! somebody outside can enter, findings, and managed policies.

mod account;
pub(crate) mod credential_report;
pub(crate) mod export;
mod html;
mod human;
pub(crate) mod interned;
mod json;
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
use crate::{Status, Streams, findings};

pub(crate) use account::{Account, Entry, Where};
pub(crate) use report::Report;

/// So many unreadable elements of one file are told one by one.
const TOLD: usize = 20;

/// Runs `audit`.
///
/// # Errors
///
/// Standard output does not take the findings.
pub fn audit(arguments: &AuditArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(report) = collect(arguments, now, streams) else {
        return Ok(Status::Unreadable);
    };

    match arguments.format {
        AuditFormat::Human => human::write(&report, streams)?,
        AuditFormat::Json => json::write(&report, streams)?,
        AuditFormat::Sarif => findings::sarif(&report.audited.found, streams)?,
        AuditFormat::Html => html::write(&report, streams)?,
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

/// Reads all that the arguments name, and judges it; `None`, and the reason printed, without rules.
pub(crate) fn collect(
    arguments: &AuditArgs,
    now: Timestamp,
    streams: &mut Streams<'_>,
) -> Option<Report> {
    let rules = crate::rules::load(&arguments.rules, streams)?;
    let mut reading = Reading {
        account: Account::new(&rules, now),
        files: 0,
        unreadable: Vec::new(),
        lines: arguments.format == AuditFormat::Sarif,
    };
    reading.read(arguments, streams);
    #[cfg(feature = "live")]
    if arguments.live {
        reading.live(arguments.profile.as_deref(), streams);
    }
    Some(reading.finish(&rules, &arguments.rules, now))
}

/// What has been read so far.
struct Reading<'a> {
    account: Account<'a>,
    files: usize,
    unreadable: Vec<String>,
    /// Lines are counted: they cost time, and only code scanning shows them.
    lines: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read to its end", escaped(name))]
struct UnusableError<E: std::error::Error + 'static> {
    name: String,
    source: E,
}

impl Reading<'_> {
    fn read(&mut self, arguments: &AuditArgs, streams: &mut Streams<'_>) {
        for named in &arguments.authorization_details {
            match files(named) {
                Ok(files) => {
                    for file in files {
                        self.file(&file, streams);
                    }
                }
                Err(error) => {
                    self.files += 1;
                    self.unreadable.push(named.name());
                    streams.failure(&error);
                }
            }
        }
        for file in &arguments.credential_report {
            self.credential_report(file, streams);
        }
        for named in &arguments.last_accessed {
            match files(named) {
                Ok(files) => {
                    for file in files {
                        self.last_accessed(&file, streams);
                    }
                }
                Err(error) => {
                    self.files += 1;
                    self.unreadable.push(named.name());
                    streams.failure(&error);
                }
            }
        }
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
                self.unreadable.push(name.clone());
                streams.failure(&UnusableError { name, source });
            }
        }
    }

    /// One file of authorization details.
    fn file(&mut self, input: &Input, streams: &mut Streams<'_>) {
        match input.open() {
            Ok(mut reader) => self.export(input.name(), &mut reader, input.size(), streams),
            Err(error) => {
                self.files += 1;
                self.unreadable.push(input.name());
                streams.failure(&error);
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
                if troubles.len() < TOLD {
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
            streams.failure(&UnusableError {
                name: name.clone(),
                source,
            });
        }
        if !whole {
            self.unreadable.push(name);
        }
    }

    fn credential_report(&mut self, input: &Input, streams: &mut Streams<'_>) {
        match input.read() {
            Ok(text) => self.rows(input.name(), &text, streams),
            Err(error) => {
                self.files += 1;
                self.unreadable.push(input.name());
                streams.failure(&error);
            }
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
                    line: usize::try_from(line).ok(),
                };
                account.credentials(&credentials, &at);
            }
            Err(error) => troubles.push(error),
        });
        let whole = ended.is_ok() && troubles.is_empty();
        for source in ended.err().into_iter().chain(troubles).take(TOLD) {
            streams.failure(&UnusableError {
                name: name.clone(),
                source,
            });
        }
        if !whole {
            self.unreadable.push(name);
        }
    }

    /// One role's answer of `get-service-last-accessed-details`.
    fn last_accessed(&mut self, input: &Input, streams: &mut Streams<'_>) {
        self.files += 1;
        let name = input.name();
        let text = match input.read() {
            Ok(text) => text,
            Err(error) => {
                self.unreadable.push(name);
                return streams.failure(&error);
            }
        };
        let role = input.path().file_stem().map(|stem| stem.to_string_lossy());
        match LastAccessed::parse(&text) {
            Ok(accessed) => self.account.used(&role.unwrap_or_default(), accessed),
            Err(source) => {
                streams.failure(&UnusableError {
                    name: name.clone(),
                    source,
                });
                self.unreadable.push(name);
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
fn files(named: &Input) -> Result<Vec<Input>, ReadError> {
    if named.is_stdin() || !named.path().is_dir() {
        return Ok(vec![named.clone()]);
    }
    let failed = |error| named.read_error(error);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(named.path()).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|end| end == "json") {
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
