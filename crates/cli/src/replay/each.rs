//! The records of logs, one after the other, for who wants something else of them than the guard
//! does: many files at the same time, and no more memory than each reader keeps.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::files::{LogFile, Unlisted, Walk, Wanted, is_lines};
use super::inflate::Opener;
use super::split::{Manner, Piece, split};

/// What was read by all threads together.
#[derive(Debug)]
pub(crate) struct Each<T> {
    /// What each thread kept, in no order.
    pub(crate) kept: Vec<T>,
    /// Files that could not be read to their end, and lines that are no JSON: in order.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
}

/// Shows each record's text to `take`, which keeps what it wants; `Err` is what is wrong with it.
pub(crate) fn each_record<T: Default + Send>(
    paths: &[PathBuf],
    wanted: &Wanted,
    jobs: usize,
    take: impl Fn(&mut T, &[u8]) -> Result<(), String> + Sync,
) -> Each<T> {
    let files = Mutex::new(Walk::new(paths, wanted));
    let next = || {
        let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
        files.next()
    };
    let read = || {
        let mut kept = T::default();
        let mut unreadable = Vec::new();
        let mut opener = Opener::new();
        while let Some(file) = next() {
            match file {
                Ok(LogFile { path, .. }) => {
                    let mut wrong = None;
                    let read = AtomicU64::new(0);
                    let ended = opener.open(&path, &read).and_then(|content| {
                        let mut each = |piece: Piece<'_>| {
                            let taken = match piece {
                                Piece::Record(text) => take(&mut kept, text),
                                Piece::BadLine => Err("a line is not JSON".to_owned()),
                                // Only a sieve tells these apart.
                                Piece::Ordinary(_) => Ok(()),
                            };
                            wrong = wrong.take().or(taken.err());
                        };
                        let manner = Manner {
                            lines: is_lines(&path),
                            sieve: None,
                        };
                        split(content, manner, &mut 0, &mut each).map_err(io::Error::other)
                    });
                    let why = ended.err().map(|error| error.to_string()).or(wrong);
                    unreadable.extend(why.map(|why| (path, why)));
                }
                Err(Unlisted { path, error }) => unreadable.push((path, error.to_string())),
            }
        }
        (kept, unreadable)
    };
    let parts: Vec<(T, Vec<(PathBuf, String)>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(read)).collect();
        // A worker that panicked has nothing to tell; its panic was printed.
        workers
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .collect()
    });
    let mut kept = Vec::new();
    let mut unreadable = Vec::new();
    for (part, bad) in parts {
        kept.push(part);
        unreadable.extend(bad);
    }
    unreadable.sort();
    Each { kept, unreadable }
}
