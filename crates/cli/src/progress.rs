//! The line of progress on standard error, for long work on a terminal.

use std::io::Write;
use std::time::{Duration, Instant};

/// Shorter work needs no bar.
const LONG: Duration = Duration::from_secs(1);
/// How often it is drawn.
const PACE: Duration = Duration::from_millis(200);
const MEGABYTE: u64 = 1_000_000;
const WIDTH: u64 = 20;

/// How far a command has come.
pub(crate) struct Progress<'a> {
    err: &'a mut dyn Write,
    wanted: bool,
    total: u64,
    begun: Instant,
    drawn: Option<Instant>,
}

impl<'a> Progress<'a> {
    /// Of `total` bytes, 0 where that is not known; drawn only if `wanted`.
    pub(crate) fn new(err: &'a mut dyn Write, wanted: bool, total: u64) -> Self {
        Self {
            err,
            wanted,
            total,
            begun: Instant::now(),
            drawn: None,
        }
    }

    /// Draws it, if it is time to.
    pub(crate) fn at(&mut self, done: u64, what: &str) {
        let paced = self.drawn.is_none_or(|drawn| drawn.elapsed() >= PACE);
        if !self.wanted || self.begun.elapsed() < LONG || !paced {
            return;
        }
        self.drawn = Some(Instant::now());
        let line = line(done, self.total, self.begun.elapsed(), what);
        // There is nobody left to tell.
        drop(write!(self.err, "\r\x1b[2K{line}"));
        drop(self.err.flush());
    }
}

impl Drop for Progress<'_> {
    /// Takes the line away.
    fn drop(&mut self) {
        if self.drawn.is_some() {
            drop(write!(self.err, "\r\x1b[2K"));
            drop(self.err.flush());
        }
    }
}

fn line(done: u64, total: u64, spent: Duration, what: &str) -> String {
    let rate = done / spent.as_secs().max(1);
    let so_far = format!("{} MB, {} MB/s{what}", done / MEGABYTE, rate / MEGABYTE);
    let Some(filled) = (done.min(total) * WIDTH).checked_div(total) else {
        return so_far;
    };
    let left = match total.saturating_sub(done).checked_div(rate) {
        Some(left) => format!("{left} s left"),
        None => "…".to_owned(),
    };
    let bar = "#".repeat(usize::try_from(filled).unwrap_or(0));
    format!("[{bar:<20}] {so_far}, {left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_follow_from_what_is_done() {
        let seconds = Duration::from_secs;
        assert_eq!(
            line(500_000_000, 2_000_000_000, seconds(5), ", 3 of 9 files"),
            "[#####               ] 500 MB, 100 MB/s, 3 of 9 files, 15 s left"
        );
        assert_eq!(line(30_000_000, 0, seconds(2), ""), "30 MB, 15 MB/s");
        assert_eq!(
            line(0, 10, seconds(2), ""),
            "[                    ] 0 MB, 0 MB/s, …"
        );
        assert_eq!(
            line(20, 10, seconds(1), ""),
            "[####################] 0 MB, 0 MB/s, 0 s left"
        );
    }

    #[test]
    fn what_is_not_wanted_is_not_drawn() {
        let mut err = Vec::new();
        Progress::new(&mut err, false, 10).at(5, "");
        Progress::new(&mut err, true, 10).at(5, "");
        assert_eq!(err, b"", "the work is short");
    }
}
