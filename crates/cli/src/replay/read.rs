//! Reading the logs: many files at the same time, keeping only what a function would act on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use guard::cloudtrail::{Activity, Identity, Record, Watched, moment};

use super::files::{LogFile, Passed, Unlisted, Wanted, is_lines};
use super::inflate::Opener;
use super::parallel::{NOTHING_IN_IT, each_file};
use super::records::{self, Manner, Piece};
use crate::Streams;
use crate::values::{DamageError, Values};

/// A record that has to be judged, or counted once.
#[derive(Debug, PartialEq)]
pub(crate) struct Hit {
    /// The record.
    pub(crate) record: Record,
    /// The activity that the functions for roles and keys see.
    pub(crate) activity: Activity,
    /// The activity that the function for the root user sees; `None` where `activity`
    /// says it already.
    pub(crate) by_root: Option<Activity>,
    /// The call failed and changed nothing.
    pub(crate) failed: bool,
    /// The last word on order.
    place: Place,
}

/// The position of a record: the index of the command's path that led to its file, the file, and the
/// 1-based index within the file.
type Place = (usize, Arc<Path>, u64);

/// A file that could not be read to its end.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnreadableFile {
    /// The index of the command's path that led to it; `usize::MAX` for a folder or file that could not
    /// be listed.
    argument: usize,
    /// The file.
    pub(crate) path: PathBuf,
    /// The error.
    pub(crate) why: String,
}

/// A malformed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadableRecord {
    /// The file.
    pub(crate) path: Arc<Path>,
    /// 1-based index within the file.
    pub(crate) number: u64,
    /// The error.
    pub(crate) why: String,
}

/// Most malformed records that are listed; the others are only counted.
const MOST_LISTED: usize = 20;

/// The records that were read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// Files looked into.
    pub(crate) files: u64,
    /// Bytes of JSON, after inflating.
    pub(crate) bytes: u64,
    /// Records within what was asked for.
    pub(crate) records: u64,
    /// Records that no function acts on. An event that was logged twice counts twice.
    pub(crate) irrelevant: u64,
    /// Malformed records.
    pub(crate) unreadable_records: u64,
    /// The first of them.
    pub(crate) listed: Vec<UnreadableRecord>,
    /// Files that could not be read to their end, in order.
    pub(crate) unreadable_files: Vec<UnreadableFile>,
    /// What was passed over.
    pub(crate) passed: Passed,
    /// In order of (time, CreateRole first, id).
    pub(crate) hits: Vec<Hit>,
}

/// Reads all files, `jobs` of them at the same time.
pub(crate) fn read(
    paths: &[PathBuf],
    wanted: &Wanted,
    jobs: usize,
    streams: &mut Streams<'_>,
) -> Reading {
    let (parts, passed) = each_file(
        paths,
        wanted,
        jobs,
        streams,
        |part: &mut Reading, file, opener, done| part.file(file, wanted, opener, done),
    );
    let mut whole = whole(parts);
    let nothing = passed.empty(paths).map(|path| UnreadableFile {
        argument: usize::MAX,
        path: path.clone(),
        why: NOTHING_IN_IT.to_owned(),
    });
    whole.unreadable_files.extend(nothing);
    whole.passed = passed;
    whole
}

/// Joins the threads' parts, in an order that does not depend on them.
fn whole(parts: Vec<Reading>) -> Reading {
    let mut whole = Reading::default();
    for part in parts {
        whole.files += part.files;
        whole.bytes += part.bytes;
        whole.records += part.records;
        whole.irrelevant += part.irrelevant;
        whole.unreadable_records += part.unreadable_records;
        whole.listed.extend(part.listed);
        whole.unreadable_files.extend(part.unreadable_files);
        whole.hits.extend(part.hits);
    }
    whole
        .listed
        .sort_by(|a, b| (&a.path, a.number).cmp(&(&b.path, b.number)));
    whole.listed.truncate(MOST_LISTED);
    whole.unreadable_files.sort();
    whole.hits.sort_by(|a, b| {
        a.record
            .order_key()
            .cmp(&b.record.order_key())
            .then_with(|| a.place.cmp(&b.place))
    });
    whole
}

/// A file could not be read to its end.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot be opened")]
    Open(#[source] io::Error),
    #[error(transparent)]
    Damage(#[from] DamageError),
}

impl Reading {
    fn file(
        &mut self,
        file: Result<LogFile, Unlisted>,
        wanted: &Wanted,
        opener: &mut Opener,
        done: &AtomicU64,
    ) {
        let unreadable = match file {
            Ok(file) => {
                let content = opener.open(&file.path, done);
                let read = content
                    .map_err(FileError::Open)
                    .and_then(|content| Ok(self.content(&file, content, wanted, true)?));
                self.files += 1;
                read.err().map(|error| UnreadableFile {
                    argument: file.argument,
                    path: file.path,
                    why: crate::streams::chain(&error),
                })
            }
            Err(Unlisted { path, error }) => Some(UnreadableFile {
                argument: usize::MAX,
                path,
                why: error.to_string(),
            }),
        };
        self.unreadable_files.extend(unreadable);
    }

    fn content(
        &mut self,
        file: &LogFile,
        mut content: Values<'_>,
        wanted: &Wanted,
        prefilter: bool,
    ) -> Result<(), DamageError> {
        let manner = Manner {
            lines: is_lines(&file.path),
            prefilter,
        };
        let mut path = None;
        let mut number = 0;
        let ended = records::read(&mut content, manner, &mut |piece| {
            number += 1;
            let text = match piece {
                Piece::Ordinary(record) => {
                    if wanted.asks_for_place() && {
                        let region = Some(record.region).filter(|region| !region.is_empty());
                        !wanted.covers(moment(record.time), region)
                    } {
                        return;
                    }
                    self.records += 1;
                    self.irrelevant += 1;
                    return;
                }
                Piece::Record(text) => Some(text),
                Piece::BadLine => None,
            };
            // Most files have nothing to be told apart from others for.
            let path = path.get_or_insert_with(|| Arc::from(file.path.as_path()));
            self.record((file.argument, Arc::clone(path), number), text, wanted);
        });
        self.bytes += content.bytes();
        ended
    }

    /// Counts one record, and keeps it if it matters. `None`: a line that is not JSON.
    fn record(&mut self, place: Place, text: Option<&[u8]>, wanted: &Wanted) {
        let parsed = match text {
            Some(bytes) => std::str::from_utf8(bytes)
                .map_err(|error| error.to_string())
                .and_then(|text| Record::from_text(text).map_err(|error| error.to_string())),
            None => Err("the line is not JSON".to_owned()),
        };
        let read = parsed.and_then(|record| {
            let insight = record.event_type.as_deref() == Some("AwsCloudTrailInsight");
            if !insight && (record.event_name.is_empty() || record.event_source.is_empty()) {
                return Err("it has no event name or no event source".to_owned());
            }
            // Whatever its name, a note about an event is none.
            let nobody = record.identity == Identity::default();
            if record.event_id.is_empty() && record.event_time.is_none() && nobody {
                return Err("it has neither eventID nor eventTime nor userIdentity".to_owned());
            }
            Ok(record)
        });
        let record = match read {
            Ok(record) => record,
            Err(why) => {
                self.records += 1;
                self.unreadable_records += 1;
                let (_, path, number) = place;
                self.listed.push(UnreadableRecord { path, number, why });
                // The first of all threads are listed, so the first of each are kept.
                if self.listed.len() >= 2 * MOST_LISTED {
                    self.listed
                        .sort_by(|a, b| (&a.path, a.number).cmp(&(&b.path, b.number)));
                    self.listed.truncate(MOST_LISTED);
                }
                return;
            }
        };
        if !wanted.covers(record.event_time, record.region.as_deref()) {
            return;
        }
        self.records += 1;
        if record.event_name.is_empty() {
            // An Insight tells that calls were many, none of which is lost for it.
            self.irrelevant += 1;
            return;
        }
        let activity = record.activity(&Watched::Any);
        // For all other calls, `activity` is the root user's view already.
        let by_root = match activity {
            Activity::TrustChange(_)
            | Activity::RoleDeleted(_)
            | Activity::UserCreated(_)
            | Activity::AccessKeyCreated(_)
            | Activity::AccessKeyActivated(_)
            | Activity::ConsolePasswordSet(_)
            | Activity::CredentialChanged(_)
            | Activity::ProviderChanged(_)
            | Activity::Shared(_)
            | Activity::SessionLengthSet(_)
            | Activity::Unreadable(_)
            | Activity::Irrelevant(_) => Some(record.root_activity(&Watched::Any)),
            Activity::RootSignIn(_) | Activity::RootCall | Activity::Failed(_) => None,
        };
        let by_root = by_root.filter(matters);
        let failed = matches!(activity, Activity::Failed(_)) && by_root.is_none();
        if !matters(&activity) && by_root.is_none() {
            self.irrelevant += 1;
            return;
        }
        self.hits.push(Hit {
            record,
            activity,
            by_root,
            failed,
            place,
        });
    }
}

fn matters(activity: &Activity) -> bool {
    !matches!(activity, Activity::Irrelevant(_))
}

/// Reads a file's content alone.
#[cfg(any(test, fuzzing))]
fn read_bytes(content: Values<'_>, lines: bool, prefilter: bool) -> Reading {
    let name = if lines { "a.jsonl" } else { "a.json" };
    let file = LogFile {
        argument: 0,
        path: PathBuf::from(name),
    };
    let mut part = Reading::default();
    let ended = part.content(&file, content, &Wanted::default(), prefilter);
    let unreadable = ended.err().map(|error| UnreadableFile {
        argument: 0,
        path: file.path,
        why: error.to_string(),
    });
    part.unreadable_files.extend(unreadable);
    whole(vec![part])
}

/// Asserts that these bytes are read the same whole and as a stream, and the same with the prefilter
/// and without: only what is unreadable and cannot matter is irrelevant with it.
#[cfg(any(test, fuzzing))]
pub(crate) fn same_both_ways(bytes: &[u8], lines: bool) {
    let both = |prefilter| {
        let whole = read_bytes(Values::whole(bytes), lines, prefilter);
        let stream = Values::stream(bytes, records::MOST_RECORD_BYTES);
        assert_eq!(read_bytes(stream, lines, prefilter), whole, "as a stream");
        whole
    };
    let (filtered, mut parsed) = (both(true), both(false));
    let passed_over = parsed.unreadable_records - filtered.unreadable_records;
    parsed.unreadable_records -= passed_over;
    parsed.irrelevant += passed_over;
    if passed_over > 0 {
        // Of many, only the first are listed.
        let all = parsed.listed.len() < MOST_LISTED;
        let known = |one: &UnreadableRecord| !all || parsed.listed.contains(one);
        assert!(filtered.listed.iter().all(known));
        parsed.listed.clear();
        parsed.listed.extend(filtered.listed.iter().cloned());
    }
    assert_eq!(filtered, parsed);
}

#[cfg(test)]
mod tests;
