//! What `status` and `test-alert` print: a line for each thing, and how it is.

use std::io;

use aws::live::{CallError, Subscription};
use guard::ports::StateError;
use guard::state::sweep_state::SweepProgress;
use jiff::Timestamp;
use serde_json::Value;

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

    pub(super) fn subscribers(
        &mut self,
        topic: &str,
        found: &Result<Vec<Subscription>, CallError>,
    ) -> io::Result<()> {
        match found {
            Err(error) => self.line("topic", topic, &chain(error), false),
            Ok(found) if found.is_empty() => self.line("topic", topic, "no subscription", false),
            Ok(found) => {
                for one in found {
                    let filter = one.filter.as_deref().unwrap_or_default();
                    let (how, good) = match (one.confirmed, filter.is_empty()) {
                        (true, true) => ("confirmed".to_owned(), true),
                        (true, false) if lets_critical_through(filter) => {
                            (format!("confirmed, gets {filter}"), true)
                        }
                        (true, false) => (
                            format!("FILTERED: {filter} keeps CRITICAL alerts from it"),
                            false,
                        ),
                        (false, _) => (NOT_CONFIRMED.to_owned(), false),
                    };
                    let which = format!("{topic} to {} {}", one.protocol, one.endpoint);
                    self.line("topic", &which, &how, good)?;
                }
                Ok(())
            }
        }
    }
}

const NOT_CONFIRMED: &str =
    "NOT CONFIRMED: nothing is delivered until the link in its mail is followed";

/// Whether a subscription's filter asks for severities, and CRITICAL is among them. Anything else may
/// keep a CRITICAL alert away.
fn lets_critical_through(filter: &str) -> bool {
    let filter: Value = serde_json::from_str(filter).unwrap_or_default();
    let Some(fields) = filter.as_object() else {
        return false;
    };
    fields.iter().all(|(name, values)| {
        let mut values = values.as_array().into_iter().flatten();
        name == "severity" && values.any(|value| value == "CRITICAL")
    })
}
