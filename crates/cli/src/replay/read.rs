//! Reading the logs: many files at the same time, keeping only what a function would act on.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use guard::cloudtrail::{Activity, Record, Watched};

use super::files::{Wanted, is_lines};
use super::inflate::inflated;
use super::split::{Piece, SplitError, split};
use crate::Streams;

/// A record that has to be judged, or counted once.
#[derive(Debug)]
pub(crate) struct Hit {
    /// The record.
    pub(crate) record: Record,
    /// What happened, in the eyes of the functions for roles and keys.
    pub(crate) activity: Activity,
    /// What happened, in the eyes of the function for the root user; `None` where `activity`
    /// says it already.
    pub(crate) by_root: Option<Activity>,
    /// The call failed and changed nothing.
    pub(crate) failed: bool,
    /// Its file and its place there: the last word on order.
    place: (usize, u64),
}

/// A file that could not be read to its end.
#[derive(Debug)]
pub(crate) struct UnreadableFile {
    /// Which.
    pub(crate) path: PathBuf,
    /// Why.
    pub(crate) why: String,
}

/// A record that is none.
#[derive(Debug)]
pub(crate) struct UnreadableRecord {
    /// In which file.
    pub(crate) path: PathBuf,
    /// The how many-th record of it, from 1.
    pub(crate) number: u64,
    /// Why.
    pub(crate) why: String,
}

/// Of how many unreadable records is told where they are; the others are only counted.
const TOLD: usize = 20;

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Files looked into.
    pub(crate) files: u64,
    /// Bytes of JSON, after inflating.
    pub(crate) bytes: u64,
    /// Records within what was asked for.
    pub(crate) records: u64,
    /// Records that no function acts on.
    pub(crate) irrelevant: u64,
    /// Records that are none.
    pub(crate) unreadable_records: u64,
    /// The first of them.
    pub(crate) told: Vec<UnreadableRecord>,
    /// Files that could not be read to their end, in order.
    pub(crate) unreadable_files: Vec<UnreadableFile>,
    /// In order of (time, CreateRole first, id).
    pub(crate) hits: Vec<Hit>,
}

/// Reads all files, `jobs` of them at the same time.
pub(crate) fn read(
    files: &[PathBuf],
    wanted: &Wanted,
    jobs: usize,
    streams: &mut Streams<'_>,
) -> Reading {
    let next = AtomicUsize::new(0);
    let done = AtomicU64::new(0);
    let (finished, results) = channel();
    let parts: Vec<(Reading, Vec<(usize, UnreadableFile)>)> = thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, files.len().max(1)) {
            let finished = finished.clone();
            let (next, done) = (&next, &done);
            scope.spawn(move || {
                let mut reading = Reading::default();
                let mut bad = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = files.get(index) else { break };
                    if let Err(error) = read_file(index, path, wanted, &mut reading, done) {
                        let why = crate::streams::chain(&error);
                        bad.push((
                            index,
                            UnreadableFile {
                                path: path.clone(),
                                why,
                            },
                        ));
                    }
                }
                // The receiver waits for every sender.
                drop(finished.send((reading, bad)));
            });
        }
        drop(finished);
        let sizes = files
            .iter()
            .map(|path| std::fs::metadata(path).map_or(0, |file| file.len()));
        let total = if streams.draws_progress() {
            sizes.sum()
        } else {
            0
        };
        let (_, mut progress) = streams.out_and_progress(total);
        let mut parts = Vec::new();
        loop {
            match results.recv_timeout(Duration::from_millis(200)) {
                Ok(part) => parts.push(part),
                Err(RecvTimeoutError::Timeout) => {
                    let taken = next.load(Ordering::Relaxed).min(files.len());
                    let what = format!(", {taken} of {} files", files.len());
                    progress.at(done.load(Ordering::Relaxed), &what);
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        parts
    });

    let mut whole = Reading::default();
    let mut bad = Vec::new();
    for (part, unreadable) in parts {
        whole.files += part.files;
        whole.bytes += part.bytes;
        whole.records += part.records;
        whole.irrelevant += part.irrelevant;
        whole.unreadable_records += part.unreadable_records;
        whole.told.extend(part.told);
        whole.hits.extend(part.hits);
        bad.extend(unreadable);
    }
    // Which thread read what must not show.
    whole
        .told
        .sort_by(|a, b| (&a.path, a.number).cmp(&(&b.path, b.number)));
    whole.told.truncate(TOLD);
    bad.sort_by_key(|(index, _)| *index);
    whole.unreadable_files = bad.into_iter().map(|(_, file)| file).collect();
    whole.hits.sort_by(|a, b| {
        a.record
            .order_key()
            .cmp(&b.record.order_key())
            .then_with(|| a.place.cmp(&b.place))
    });
    whole
}

/// Why a file could not be read to its end.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot be opened")]
    Open(#[source] io::Error),
    #[error(transparent)]
    Split(#[from] SplitError),
}

fn read_file(
    index: usize,
    path: &Path,
    wanted: &Wanted,
    reading: &mut Reading,
    done: &AtomicU64,
) -> Result<(), FileError> {
    reading.files += 1;
    let raw: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(FileError::Open)?)
    };
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let mut bytes = 0;
    let counted = Counted {
        inner: inflated(raw).map_err(SplitError::Read)?,
        bytes: &mut bytes,
    };
    let mut number = 0;
    let ended = split(counted, is_lines(path), &mut |piece| {
        number += 1;
        take((index, number), path, piece, wanted, reading);
    });
    reading.bytes += bytes;
    done.fetch_add(size, Ordering::Relaxed);
    Ok(ended?)
}

struct Counted<'a, R> {
    inner: R,
    bytes: &'a mut u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(space)?;
        *self.bytes += read as u64;
        Ok(read)
    }
}

/// Counts one record, and keeps it if it matters.
fn take(
    place: (usize, u64),
    path: &Path,
    piece: Piece<'_>,
    wanted: &Wanted,
    reading: &mut Reading,
) {
    let parsed = match piece {
        Piece::Record(bytes) => std::str::from_utf8(bytes)
            .map_err(|error| error.to_string())
            .and_then(|text| Record::from_text(text).map_err(|error| error.to_string())),
        Piece::BadLine => Err("the line is not JSON".to_owned()),
    };
    let read = parsed.and_then(|record| {
        if record.event_name.is_empty() || record.event_source.is_empty() {
            return Err("it has no event name or no event source".to_owned());
        }
        Ok(record)
    });
    let record = match read {
        Ok(record) => record,
        Err(why) => {
            reading.records += 1;
            reading.unreadable_records += 1;
            if reading.told.len() < TOLD {
                let number = place.1;
                reading.told.push(UnreadableRecord {
                    path: path.to_owned(),
                    number,
                    why,
                });
            }
            return;
        }
    };
    if !wanted.covers(record.event_time, record.region.as_deref()) {
        return;
    }
    reading.records += 1;
    let activity = record.activity(&Watched::Any);
    // For all other calls, `activity` is the root user's view already.
    let by_root = match activity {
        Activity::TrustChange(_)
        | Activity::RoleDeleted(_)
        | Activity::AccessKeyCreated(_)
        | Activity::AccessKeyActivated(_)
        | Activity::ConsolePasswordSet(_)
        | Activity::Unreadable(_)
        | Activity::Irrelevant(_) => Some(record.root_activity(&Watched::Any)),
        Activity::RootSignIn(_) | Activity::RootCall | Activity::Failed(_) => None,
    };
    let by_root = by_root.filter(matters);
    let failed = matches!(activity, Activity::Failed(_)) && by_root.is_none();
    if !matters(&activity) && by_root.is_none() {
        reading.irrelevant += 1;
        return;
    }
    reading.hits.push(Hit {
        record,
        activity,
        by_root,
        failed,
        place,
    });
}

fn matters(activity: &Activity) -> bool {
    !matches!(activity, Activity::Irrelevant(_))
}
