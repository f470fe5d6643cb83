//! What `status` and `test-alert` print: a line for each thing, and how it is.

use std::io;

use guard::ports::StateError;
use guard::state::sweep_state::SweepProgress;
use guard::state::watch_state::{Answer, Watch};
use guard::watch::{Is, Line, silent};
use jiff::Timestamp;

use crate::streams::{Style, chain, counted};
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// A sweep that ended longer ago than this, in seconds, is one that is missing.
const SWEEP_MISSING: i64 = 3 * 3_600;

/// So long after the last heartbeat, in seconds, the next one is missing.
const HEARTBEAT_MISSING: i64 = 30 * 60;

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

    /// Whether the heartbeat goes out and comes back. `begun`: when the guard first looked at anything.
    pub(super) fn heartbeat(
        &mut self,
        found: &Result<(Watch, Vec<Answer>), StateError>,
        begun: Option<Timestamp>,
        now: Timestamp,
    ) -> io::Result<()> {
        let (watch, answers) = match found {
            Ok(found) => found,
            Err(error) => return self.line("heartbeat", "last", &chain(error), false),
        };
        let ago = |at: Timestamp| now.as_second().saturating_sub(at.as_second());
        let is_old = |at: Timestamp| ago(at) > HEARTBEAT_MISSING;
        let Some(sent_at) = watch.sent_at else {
            let how = "none was sent: the first goes out within minutes of a deploy";
            return self.line("heartbeat", "last", how, !begun.is_some_and(is_old));
        };
        let silent = silent(watch, answers, now);
        for words in &silent.overdue {
            self.line("heartbeat", "last", words, false)?;
        }
        let how = format!(
            "sent {sent_at}, {} s ago, {} still to come back",
            ago(sent_at),
            silent.waiting.len()
        );
        self.line("heartbeat", "last", &how, !is_old(sent_at))
    }

    pub(super) fn thing(&mut self, line: &Line) -> io::Result<()> {
        self.line(line.what, &line.which, &line.how, line.is == Is::Good)
    }
}
