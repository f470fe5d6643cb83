//! `replay`: what the deployed guard would have said and done about CloudTrail logs.
//!
//! Memory is that of what matters, not of the logs: a record that no function acts on is counted, and
//! nothing of it is kept. What `--from`, `--to` and `--region` leave out is not counted at all.

mod files;
mod inflate;
mod judge;
mod parallel;
mod prefilter;
mod read;
mod records;
mod report;

use std::io;
use std::num::NonZeroUsize;
use std::thread;

use crate::args::{ReplayArgs, ReplayFormat};
use crate::streams::counted;
use crate::terminal_escape::escaped;
use crate::{Status, Streams, outputs};
use files::Passed;
pub(crate) use files::Wanted;
pub(crate) use parallel::each_record;
use report::Report;

/// Runs `replay`.
///
/// # Errors
///
/// Standard output does not take the alerts.
pub fn replay(arguments: &ReplayArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    if let (Some(from), Some(to)) = (arguments.from, arguments.to)
        && from >= to
    {
        streams.error(format_args!(
            "--from {from} is not before --to {to}: nothing is in between"
        ));
        return Ok(Status::Unreadable);
    }
    let Some(rules) = crate::rules::load(&arguments.rules.file, streams) else {
        return Ok(Status::Unreadable);
    };
    let older = match &arguments.against {
        None => None,
        Some(input) => match crate::rules::load(input, streams) {
            Some(rules) => Some(rules),
            None => return Ok(Status::Unreadable),
        },
    };
    let wanted = Wanted {
        from: arguments.from,
        to: arguments.to,
        regions: arguments.region.clone(),
    };
    let jobs = arguments
        .jobs
        .or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZeroUsize::get);
    let reading = read::read(&arguments.paths, &wanted, jobs, streams);

    let judged = judge::judge(&rules, &reading.hits);
    let before = older.map(|older| judge::judge(&older, &reading.hits));
    let report = Report {
        reading: &reading,
        judged: &judged,
        before: before.as_deref(),
        mode: arguments.mode,
    };
    let mut printed = None;
    let written = outputs::write(arguments.output.as_ref(), streams, |streams| {
        printed = Some(match arguments.format {
            ReplayFormat::Jsonl => report.jsonl(streams)?,
            ReplayFormat::Human => report.human(streams)?,
        });
        Ok(())
    })?;
    let Some(printed) = printed.filter(|_| written) else {
        return Ok(Status::Unreadable);
    };
    streams.finish()?;

    for record in &reading.listed {
        let path = escaped(record.path.display().to_string()).to_string();
        let why = escaped(&record.why);
        streams.error(format_args!(
            "{path}: record {} is unreadable: {why}",
            record.number
        ));
    }
    let listed = reading.listed.len() as u64;
    if reading.unreadable_records > listed {
        let more = reading.unreadable_records - listed;
        streams.error(format_args!("{more} more records are unreadable"));
    }
    for file in &reading.unreadable_files {
        let path = escaped(file.path.display().to_string()).to_string();
        streams.error(format_args!("{path} is unreadable: {}", escaped(&file.why)));
    }
    warn_of_passed(&reading.passed, streams);
    let unreadable = reading.unreadable_records > 0 || !reading.unreadable_files.is_empty();
    let reached = arguments
        .fail_on
        .is_some_and(|least| printed.worst >= Some(least));
    let changed = arguments.fail_on_change && printed.differences > 0;
    Ok(if unreadable {
        Status::Unreadable
    } else if reached || changed {
        Status::Findings
    } else {
        Status::Done
    })
}

/// Says which files were not looked into, lest the answer be taken for the whole.
fn warn_of_passed(passed: &Passed, streams: &mut Streams<'_>) {
    if passed.named.is_empty() {
        return;
    }
    let others = usize::try_from(passed.others).unwrap_or(usize::MAX);
    let names = passed.named.iter().map(|path| path.display().to_string());
    let mut names: Vec<String> = names.collect();
    if others > names.len() {
        names.push(format!("and {} more", others - names.len()));
    }
    streams.warning(format_args!(
        "{} skipped, since the name is not that of a log: {}",
        counted(others, "file was", "files were"),
        escaped(names.join(", "))
    ));
}

/// For the fuzzer: asserts that these bytes, as a log, are read the same whether or not ordinary
/// records are filtered first, whole and as a stream.
#[cfg(fuzzing)]
pub fn same_both_ways(bytes: &[u8], lines: bool) {
    read::same_both_ways(bytes, lines);
}
