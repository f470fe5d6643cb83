//! From an input to the text of one record after the other.
//!
//! A log is a JSON document (`{"Records":[…]}`, a list, or one object), or JSON Lines, or documents
//! one after the other. Memory is that of the largest record, not of the file. Whether what stands
//! between the brackets is a record is judged by whoever parses it.

use guard::cloudtrail::is_ordinary;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::ordinary::{Ordinary, ordinary};
use crate::values::{DamageError, Values};

/// Longest single value that is held in memory. CloudTrail's own records end at 256 KB.
pub(crate) const MOST_RECORD_BYTES: usize = 8 << 20;

/// As much of the beginning as decides whether an input is one value a line.
const SNIFF_BYTES: usize = 1 << 20;

/// As much of an object as decides whether it begins with a list of records.
const OPENING_BYTES: usize = 1024;

/// A piece of a log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A record that the sieve keeps back, and JSON beyond doubt.
    Ordinary(Ordinary<'a>),
    /// What looks like one record.
    Record(&'a [u8]),
    /// A line that is no JSON value. The next line is another matter.
    BadLine,
}

/// How to split.
#[derive(Clone, Copy)]
pub(crate) struct Manner<'s> {
    /// Each line stands alone; without it, the beginning decides.
    pub(crate) lines: bool,
    /// Ordinary records are told from the others before they are parsed. The records are the same
    /// without it.
    pub(crate) sieve: Option<Sieve<'s>>,
}

/// Which ordinary records are kept back.
#[derive(Clone, Copy)]
pub(crate) enum Sieve<'s> {
    /// Those that no function acts on.
    Guard {
        /// Time and region are to be known of them, too.
        placed: bool,
    },
    /// Those whose text is nothing to whoever asks.
    Text(&'s (dyn Fn(&[u8]) -> bool + Sync)),
}

impl Sieve<'_> {
    /// The record that `text` begins with, if it is kept back.
    fn ordinary(self, text: &[u8]) -> Option<Ordinary<'_>> {
        match self {
            Self::Guard { placed } => ordinary(text, placed)
                .filter(|found| is_ordinary(found.source, found.name, found.caller)),
            Self::Text(matters) => ordinary(text, false)
                .filter(|found| text.get(..found.length).is_some_and(|text| !matters(text))),
        }
    }
}

/// Gives every record to `take`, in order.
pub(crate) fn split(
    values: &mut Values<'_>,
    manner: Manner<'_>,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), DamageError> {
    values.skip_byte_order_mark();
    if manner.lines || begins_with_a_line_of_json(values)? {
        return lines(values, manner.sieve, take);
    }
    if values.peek()?.is_none() {
        return Err(DamageError::Empty);
    }
    documents(values, manner.sieve, take)
}

/// Is the first line a JSON value of its own, and not all there is?
fn begins_with_a_line_of_json(values: &mut Values<'_>) -> Result<bool, DamageError> {
    values.peek()?;
    let seen = values.beginning(SNIFF_BYTES);
    let line = memchr::memchr(b'\n', seen).and_then(|end| seen.split_at_checked(end));
    Ok(line.is_some_and(|(line, after)| {
        !after.trim_ascii().is_empty() && serde_json::from_slice::<IgnoredAny>(line).is_ok()
    }))
}

/// Each line for itself, so that a damaged one does not take the next with it.
fn lines(
    values: &mut Values<'_>,
    sieve: Option<Sieve<'_>>,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), DamageError> {
    while let Some(length) = values.line_length()? {
        if documents(&mut Values::whole(values.text(length)), sieve, take).is_err() {
            take(Piece::BadLine);
        }
        values.take(length + 1);
    }
    Ok(())
}

/// What stands at the top, one after the other.
fn documents(
    values: &mut Values<'_>,
    sieve: Option<Sieve<'_>>,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), DamageError> {
    let mut each = |values: &mut Values<'_>| record(values, sieve, take);
    while let Some(first) = values.peek()? {
        let opening = opening(values.beginning(OPENING_BYTES));
        match (first, opening) {
            (b'[', _) => values.list(&mut each)?,
            (b'{', Some(length)) => {
                // The list's bracket is next.
                values.take(length - 1);
                values.list(&mut each)?;
                // Whatever follows the list belongs to the same object.
                values.leave_object()?;
            }
            (b'{', None) => each(values)?,
            _ => return Err(values.unexpected()),
        }
    }
    Ok(())
}

/// Behind `{"Records":[`, if an object begins so.
fn opening(text: &[u8]) -> Option<usize> {
    let mut rest = text;
    for word in [&b"{"[..], b"\"Records\"", b":", b"["] {
        rest = rest.trim_ascii_start().strip_prefix(word)?;
    }
    Some(text.len() - rest.len())
}

/// What comes next, which is a record or has some.
fn record(
    values: &mut Values<'_>,
    sieve: Option<Sieve<'_>>,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), DamageError> {
    values.expect()?;
    let found = sieve.and_then(|sieve| sieve.ordinary(values.rest()));
    let length = match found {
        Some(found) => {
            let length = found.length;
            take(Piece::Ordinary(found));
            length
        }
        None => {
            let length = values.value()?;
            let text = values.text(length);
            match wrapped(text) {
                Some(records) => records
                    .iter()
                    .for_each(|record| take(Piece::Record(record.get().as_bytes()))),
                None => take(Piece::Record(text)),
            }
            length
        }
    };
    values.take(length);
    Ok(())
}

/// The records of an object that holds a list of them behind other keys.
fn wrapped(value: &[u8]) -> Option<Vec<&RawValue>> {
    #[derive(serde::Deserialize)]
    struct Wrapped<'a> {
        #[serde(rename = "Records", borrow)]
        records: Vec<&'a RawValue>,
        #[serde(rename = "eventName")]
        name: Option<IgnoredAny>,
    }
    // Only then it is worth a parse.
    memchr::memmem::find(value, b"\"Records\"")?;
    // Else it is a record that has the word somewhere inside.
    let wrapped: Wrapped<'_> = serde_json::from_slice(value).ok()?;
    wrapped.name.is_none().then_some(wrapped.records)
}

#[cfg(test)]
mod tests;
