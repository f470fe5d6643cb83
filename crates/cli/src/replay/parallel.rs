//! Many log files at the same time, and no more memory than each thread keeps.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::files::{LogFile, Passed, Unlisted, Walk, Wanted, is_lines};
use super::inflate::Opener;
use super::records::{self, Manner, Piece};
use crate::Streams;

/// Gives each file to one of `jobs` threads, and shows how far they are. What each of them kept, in
/// no order.
pub(crate) fn each_file<T: Default + Send>(
    paths: &[PathBuf],
    wanted: &Wanted,
    jobs: usize,
    streams: &mut Streams<'_>,
    read: impl Fn(&mut T, Result<LogFile, Unlisted>, &mut Opener, &AtomicU64) + Sync,
) -> (Vec<T>, Passed) {
    let files = Mutex::new(Walk::new(paths, wanted));
    let next = || {
        let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
        files.next()
    };
    let taken = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    let (finished, results) = channel();
    let parts = thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let finished = finished.clone();
            let (next, read, taken, done) = (&next, &read, &taken, &done);
            scope.spawn(move || {
                let mut kept = T::default();
                let mut opener = Opener::new();
                while let Some(file) = next() {
                    taken.fetch_add(1, Ordering::Relaxed);
                    read(&mut kept, file, &mut opener, done);
                }
                // The receiver waits for every sender.
                drop(finished.send(kept));
            });
        }
        drop(finished);
        let (total, files) = if streams.draws_progress() {
            expected(paths, wanted)
        } else {
            (0, 0)
        };
        let (_, mut progress) = streams.out_and_progress(total);
        let mut parts = Vec::new();
        loop {
            match results.recv_timeout(Duration::from_millis(200)) {
                Ok(part) => parts.push(part),
                Err(RecvTimeoutError::Timeout) => {
                    let what = format!(", {} of {files} files", taken.load(Ordering::Relaxed));
                    progress.at(done.load(Ordering::Relaxed), &what);
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        parts
    });
    let files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    (parts, files.passed())
}

/// How many bytes there are to read, in how many files. Another walk is cheap beside reading.
fn expected(paths: &[PathBuf], wanted: &Wanted) -> (u64, u64) {
    let sizes = Walk::new(paths, wanted)
        .flatten()
        .map(|file| std::fs::metadata(file.path).map_or(0, |file| file.len()));
    sizes.fold((0, 0), |(bytes, files), size| (bytes + size, files + 1))
}

/// The error of a folder in which nothing was read.
pub(crate) const NOTHING_IN_IT: &str =
    "no log file is in it, of what is asked for (.json, .jsonl or .ndjson, or .gz of these)";

/// A file that could not be read to its end, or that holds a line that is not JSON, and the error.
pub(crate) type Unreadable = (PathBuf, String);

/// Shows the text of each record to `take`, which keeps what it wants; `Err` is what is wrong with it.
/// Gives what each thread kept, in no order, and what was unreadable, in order.
pub(crate) fn each_record<T: Default + Send>(
    paths: &[PathBuf],
    wanted: &Wanted,
    jobs: usize,
    streams: &mut Streams<'_>,
    take: impl Fn(&mut T, &[u8]) -> Result<(), String> + Sync,
) -> (Vec<T>, Vec<Unreadable>) {
    let (parts, passed) = each_file(
        paths,
        wanted,
        jobs,
        streams,
        |(kept, unreadable): &mut (T, Vec<Unreadable>), file, opener, done| match file {
            Ok(LogFile { path, .. }) => {
                let mut wrong = None;
                let ended = opener.open(&path, done).and_then(|mut content| {
                    let mut each = |piece: Piece<'_>| {
                        let taken = match piece {
                            Piece::Record(text) => take(kept, text),
                            Piece::BadLine => Err("a line is not JSON".to_owned()),
                            Piece::Ordinary(_) => Ok(()),
                        };
                        wrong = wrong.take().or(taken.err());
                    };
                    let manner = Manner {
                        lines: is_lines(&path),
                        prefilter: false,
                    };
                    records::read(&mut content, manner, &mut each).map_err(io::Error::other)
                });
                let why = ended.err().map(|error| error.to_string()).or(wrong);
                unreadable.extend(why.map(|why| (path, why)));
            }
            Err(Unlisted { path, error }) => unreadable.push((path, error.to_string())),
        },
    );
    let (kept, unreadable): (Vec<T>, Vec<Vec<Unreadable>>) = parts.into_iter().unzip();
    let mut unreadable = unreadable.concat();
    let nothing = passed.empty(paths);
    unreadable.extend(nothing.map(|path| (path.clone(), NOTHING_IN_IT.to_owned())));
    unreadable.sort();
    (kept, unreadable)
}
