//! From an input to the text of one record after the other.
//!
//! A log is a JSON document (`{"Records":[…]}`, a list, or one object), or JSON Lines, or documents
//! one after the other. Memory is that of the largest record, not of the file. Whether what stands
//! between the brackets is a record is judged by whoever parses it.

use std::io::Read;

use guard::cloudtrail::is_ordinary;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::prefilter::{Plain, plain};
use crate::decoded::decoded;
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
    /// A record that no function acts on.
    Ordinary(Plain<'a>),
    /// A value that may be a record.
    Record(&'a [u8]),
    /// A line that is not a JSON value; the next line may be one.
    BadLine,
}

/// How a log is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Each line stands alone; without it, the beginning decides.
    pub(crate) lines: bool,
    /// Records that no function acts on are not parsed.
    pub(crate) prefilter: bool,
}

/// Gives every record to `take`, in order.
pub(crate) fn read(
    values: &mut Values<'_>,
    manner: Manner,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), DamageError> {
    if manner.lines || begins_with_a_line_of_json(values)? {
        return lines(values, manner.prefilter, take);
    }
    if values.peek()?.is_none() {
        return Err(DamageError::Empty);
    }
    documents(values, manner.prefilter, take)
}

/// Is the first line a JSON value of its own, and not all there is, or one that is dated?
fn begins_with_a_line_of_json(values: &mut Values<'_>) -> Result<bool, DamageError> {
    values.peek()?;
    let seen = values.beginning(SNIFF_BYTES);
    let end = memchr::memchr(b'\n', seen).unwrap_or(seen.len());
    let (line, after) = seen.split_at_checked(end).unwrap_or_default();
    let text = undated(line);
    let lines = text.len() < line.len() || !after.trim_ascii().is_empty();
    Ok(lines && serde_json::from_slice::<IgnoredAny>(text).is_ok())
}

/// An export of CloudWatch Logs has a time before each record.
fn undated(line: &[u8]) -> &[u8] {
    let end = memchr::memchr(b' ', line).filter(|_| line.first().is_some_and(u8::is_ascii_digit));
    end.and_then(|end| line.get(end..)).unwrap_or(line)
}

/// Each line for itself, so that a damaged one does not take the next with it.
fn lines(
    values: &mut Values<'_>,
    prefilter: bool,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), DamageError> {
    while let Some(length) = values.line_length()? {
        let line = undated(values.text(length));
        if documents(&mut Values::whole(line), prefilter, take).is_err() {
            take(Piece::BadLine);
        }
        values.take(length + 1);
    }
    Ok(())
}

/// Documents at the top level, one after the other.
fn documents(
    values: &mut Values<'_>,
    prefilter: bool,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), DamageError> {
    let mut each = |values: &mut Values<'_>| record(values, prefilter, take);
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

/// Behind the bracket of a list of records, if an object begins with one. `Events` is what
/// `aws cloudtrail lookup-events` prints, `events` what `aws logs filter-log-events` does.
fn opening(text: &[u8]) -> Option<usize> {
    let inside = text.strip_prefix(b"{")?.trim_ascii_start();
    let names = [&b"\"Records\""[..], b"\"Events\"", b"\"events\""];
    let rest = names.iter().find_map(|name| inside.strip_prefix(*name))?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"[")?;
    Some(text.len() - rest.len())
}

/// The next value, which is a record or wraps some.
fn record(
    values: &mut Values<'_>,
    prefilter: bool,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), DamageError> {
    values.expect()?;
    if prefilter
        && let Some((found, length)) = plain(values.rest())
        && is_ordinary(found.source, found.name, found.caller.kind)
    {
        take(Piece::Ordinary(found));
        values.take(length);
        return Ok(());
    }
    let length = values.value()?;
    unwrap(values.text(length), false, take);
    values.take(length);
    Ok(())
}

/// A wrapper of records: a list of them behind other keys, or a record as text.
#[derive(serde::Deserialize)]
struct Wrapped<'a> {
    #[serde(rename = "Records", alias = "Events", alias = "events")]
    #[serde(alias = "logEvents", borrow)]
    records: Option<Vec<&'a RawValue>>,
    #[serde(rename = "CloudTrailEvent", alias = "message")]
    text: Option<String>,
    /// Of a subscription of CloudWatch Logs.
    #[serde(rename = "messageType")]
    kind: Option<String>,
    /// Of the event by which CloudWatch Logs calls a function.
    awslogs: Option<Payload>,
    /// Only a record, or an event around one, has these.
    #[serde(rename = "eventName", alias = "detail")]
    name: Option<IgnoredAny>,
}

/// A batch of a subscription, compressed and in base64.
#[derive(serde::Deserialize)]
struct Payload {
    data: String,
}

impl Payload {
    fn text(&self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let reader = decoded(self.data.as_bytes()).ok()?;
        let most = MOST_RECORD_BYTES as u64;
        reader.take(most).read_to_end(&mut text).ok()?;
        Some(text)
    }
}

/// Gives the records to `take` that are wrapped in a value; where none are, the value. No list of
/// records is `within` another.
fn unwrap(value: &[u8], within: bool, take: &mut dyn FnMut(Piece<'_>)) {
    let text = match value.first() {
        Some(b'"') => serde_json::from_slice(value).ok(),
        // Only then it is worth a parse.
        Some(b'{') if may_wrap(value) => match serde_json::from_slice::<Wrapped<'_>>(value) {
            Ok(wrapped) if wrapped.name.is_none() => {
                if let Some(batch) = wrapped.awslogs.and_then(|payload| payload.text())
                    && !within
                    && !batch.is_empty()
                {
                    // What it holds has no payload of its own.
                    return unwrap_batch(&batch, take);
                }
                if let Some(records) = wrapped.records.filter(|_| !within) {
                    // Sent to see whether somebody listens.
                    if wrapped.kind.as_deref() != Some("CONTROL_MESSAGE") {
                        let each = |record: &RawValue| unwrap(record.get().as_bytes(), true, take);
                        records.into_iter().for_each(each);
                    }
                    return;
                }
                wrapped.text
            }
            // A record that has such a word somewhere inside.
            _ => None,
        },
        _ => None,
    };
    let text = text.filter(|text: &String| text.trim_start().starts_with('{'));
    let record = text.as_ref().map_or(value, |text| text.as_bytes());
    take(Piece::Record(record));
}

/// The records of a batch.
fn unwrap_batch(batch: &[u8], take: &mut dyn FnMut(Piece<'_>)) {
    match serde_json::from_slice::<Wrapped<'_>>(batch) {
        Ok(Wrapped {
            records: Some(records),
            kind,
            ..
        }) => {
            if kind.as_deref() != Some("CONTROL_MESSAGE") {
                let each = |record: &RawValue| unwrap(record.get().as_bytes(), true, take);
                records.into_iter().for_each(each);
            }
        }
        _ => take(Piece::Record(batch)),
    }
}

fn may_wrap(value: &[u8]) -> bool {
    let keys = [
        &b"Records\""[..],
        b"vents\"",
        b"\"CloudTrailEvent\"",
        b"\"awslogs\"",
        b"\"message\"",
    ];
    keys.iter()
        .any(|key| memchr::memmem::find(value, key).is_some())
}

#[cfg(test)]
mod tests;
