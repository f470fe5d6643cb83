//! Time, as events have it: in whole seconds.

use jiff::Timestamp;

/// Whole seconds between two moments, none before the first.
pub(crate) fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second()).max(0)
}
