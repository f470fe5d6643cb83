//! Time in a history, and on the clock.

use jiff::{SignedDuration, Timestamp};

/// Milliseconds since the beginning of a history.
pub type Moment = i64;

/// When every history begins.
pub const BEGINNING: Timestamp = Timestamp::constant(1_795_219_200, 0);

/// A moment of a history as the clock shows it.
pub fn clock(moment: Moment) -> Timestamp {
    BEGINNING
        .checked_add(SignedDuration::from_millis(moment))
        .unwrap_or(Timestamp::MAX)
}

/// A time of the clock as the moment of a history.
pub fn moment(time: Timestamp) -> Moment {
    i64::try_from(time.duration_since(BEGINNING).as_millis()).unwrap_or(Moment::MAX)
}
