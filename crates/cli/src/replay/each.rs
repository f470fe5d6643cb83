//! The records of logs, one after the other, for who wants something else of them than the guard
//! does: many files at the same time, and no more memory than each reader keeps.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::files::{Wanted, is_lines, list};
use super::inflate::inflated;
use super::split::{Piece, split};

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
    let (files, unlisted) = list(paths, wanted);
    let next = AtomicUsize::new(0);
    let read = || {
        let mut kept = T::default();
        let mut unreadable = Vec::new();
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut wrong = None;
            let ended = open(path).and_then(|file| {
                let mut each = |piece: Piece<'_>| {
                    let taken = match piece {
                        Piece::Record(bytes) => take(&mut kept, bytes),
                        Piece::BadLine => Err("a line is not JSON".to_owned()),
                    };
                    wrong = wrong.take().or(taken.err());
                };
                split(file, is_lines(path), &mut each).map_err(io::Error::other)
            });
            let why = ended.err().map(|error| error.to_string()).or(wrong);
            unreadable.extend(why.map(|why| (path.clone(), why)));
        }
        (kept, unreadable)
    };
    let parts: Vec<(T, Vec<(PathBuf, String)>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.clamp(1, files.len().max(1)))
            .map(|_| scope.spawn(read))
            .collect();
        // A worker that panicked has nothing to tell; its panic was printed.
        workers
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .collect()
    });
    let mut kept = Vec::new();
    let mut unreadable: Vec<(PathBuf, String)> = unlisted
        .into_iter()
        .map(|entry| (entry.path, entry.error.to_string()))
        .collect();
    for (part, bad) in parts {
        kept.push(part);
        unreadable.extend(bad);
    }
    unreadable.sort();
    Each { kept, unreadable }
}

fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let raw: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    inflated(raw)
}
