//! What `status` and `test-alert` print: a line for each thing, and how it is.

use std::io;

use guard::ports::StateError;
use guard::state::sweep_state::SweepProgress;
use guard::watch::{Is, Line};
use jiff::Timestamp;

use crate::streams::{Style, chain, counted};
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// A sweep that ended longer ago than this, in seconds, is one that is missing.
const SWEEP_MISSING: i64 = 3 * 3_600;

/// Lines of what there is and how it is.
pub(super) struct Sheet<'a, 'b> {
    pub(super) streams: &'a mut Streams<'b>,
    pub(super) wrong: usize,
}

impl Sheet<'_, '_> {
    /// How many lines are wrong, and the status that this means.
    pub(super) fn ended(self) -> (usize, Status) {
        let status = match self.wrong {
            0 => Status::Done,
            _ => Status::Findings,
        };
        (self.wrong, status)
    }

    pub(super) fn line(
        &mut self,
        what: &str,
        which: &str,
        how: &str,
        good: bool,
    ) -> io::Result<()> {
        self.wrong += usize::from(!good);
        let style = if good { Style::Good } else { Style::Bad };
        let mark = self
            .streams
            .colors
            .style(style, if good { "ok   " } else { "WRONG" });
        writeln!(
            self.streams.out,
            "{mark} {what} {}: {}",
            escaped(which),
            escaped(how)
        )
    }

    pub(super) fn sweep(
        &mut self,
        found: &Result<Option<SweepProgress>, StateError>,
        now: Timestamp,
    ) -> io::Result<()> {
        let last = match found {
            Err(error) => {
                return self.line("sweep", "last", &chain(error), false);
            }
            Ok(progress) => progress
                .as_ref()
                .and_then(|progress| progress.last.as_ref()),
        };
        let Some(last) = last else {
            let how = match found {
                Ok(Some(_)) => "the first sweep is running",
                _ => "no sweep has begun: the first starts within minutes of a deploy",
            };
            return self.line("sweep", "last", how, false);
        };
        let ago = now.as_second().saturating_sub(last.finished_at.as_second());
        let tally = &last.tally;
        let words = format!(
            "ended {}, {} checked, {} of them in violation, {} unreadable",
            last.finished_at,
            counted(
                usize::try_from(tally.roles).unwrap_or(usize::MAX),
                "role",
                "roles"
            ),
            tally.violating,
            tally.unreadable
        );
        self.line("sweep", "last", &words, ago <= SWEEP_MISSING)
    }

    pub(super) fn thing(&mut self, line: &Line) -> io::Result<()> {
        self.line(line.what, &line.which, &line.how, line.is == Is::Good)
    }
}
