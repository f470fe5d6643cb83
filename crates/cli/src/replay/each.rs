//! Many log files at the same time, and no more memory than each thread keeps.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::files::{LogFile, Unlisted, Walk, Wanted, is_lines};
use super::inflate::Opener;
use super::split::{Manner, Piece, Sieve, split};
use crate::Streams;

/// What was read by all threads together.
#[derive(Debug)]
pub(crate) struct Each<T> {
    /// What each thread kept, in no order.
    pub(crate) kept: Vec<T>,
    /// Files that could not be read to their end, and lines that are no JSON: in order.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
}

/// Gives each file to one of `jobs` threads, and shows how far they are. What each of them kept, in
/// no order.
pub(crate) fn each_file<T: Default + Send>(
    paths: &[PathBuf],
    wanted: &Wanted,
    jobs: usize,
    streams: &mut Streams<'_>,
    read: impl Fn(&mut T, Result<LogFile, Unlisted>, &mut Opener, &AtomicU64) + Sync,
) -> Vec<T> {
    let files = Mutex::new(Walk::new(paths, wanted));
    let next = || {
        let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
        files.next()
    };
    let taken = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    let (finished, results) = channel();
    thread::scope(|scope| {
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
    })
}

/// How many bytes there are to read, in how many files. Another walk is cheap beside reading.
fn expected(paths: &[PathBuf], wanted: &Wanted) -> (u64, u64) {
    let sizes = Walk::new(paths, wanted)
        .flatten()
        .map(|file| std::fs::metadata(file.path).map_or(0, |file| file.len()));
    sizes.fold((0, 0), |(bytes, files), size| (bytes + size, files + 1))
}

/// Shows the text of each record that `matters` to `take`, which keeps what it wants; `Err` is what
/// is wrong with it. A record about which anything is unusual is shown as well.
pub(crate) fn each_record<T: Default + Send>(
    paths: &[PathBuf],
    wanted: &Wanted,
    jobs: usize,
    streams: &mut Streams<'_>,
    matters: impl Fn(&[u8]) -> bool + Sync,
    take: impl Fn(&mut T, &[u8]) -> Result<(), String> + Sync,
) -> Each<T> {
    let parts = each_file(
        paths,
        wanted,
        jobs,
        streams,
        |(kept, unreadable): &mut (T, Vec<(PathBuf, String)>), file, opener, done| match file {
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
                        sieve: Some(Sieve::Text(&matters)),
                    };
                    split(&mut content, manner, &mut each).map_err(io::Error::other)
                });
                let why = ended.err().map(|error| error.to_string()).or(wrong);
                unreadable.extend(why.map(|why| (path, why)));
            }
            Err(Unlisted { path, error }) => unreadable.push((path, error.to_string())),
        },
    );
    let mut kept = Vec::new();
    let mut unreadable = Vec::new();
    for (part, bad) in parts {
        kept.push(part);
        unreadable.extend(bad);
    }
    unreadable.sort();
    Each { kept, unreadable }
}
