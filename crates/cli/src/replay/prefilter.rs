//! Tells a record that cannot matter from the others without parsing all of it.
//!
//! Nearly all records of a log are calls that no function acts on. A few of a record's own keys say
//! so; `serde_json` borrows them from the text and passes over everything else.
//!
//! *No answer is always right*: a key that is missing or there twice, or a value that is no plain
//! text, sends the record to the parser. What this accepts, the parser reads the same, or not at all:
//! half a character or a number out of range is no damage in a record that cannot matter. A property
//! test and a fuzz target hold the two to that.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a record says of itself in plain text.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Plain<'a> {
    #[serde(rename = "eventID")]
    pub(crate) id: &'a str,
    #[serde(rename = "eventName")]
    pub(crate) name: &'a str,
    #[serde(rename = "eventSource")]
    pub(crate) source: &'a str,
    #[serde(rename = "eventTime")]
    pub(crate) time: &'a str,
    #[serde(rename = "awsRegion")]
    pub(crate) region: &'a str,
    #[serde(rename = "userIdentity", borrow)]
    pub(crate) caller: Caller<'a>,
    /// An event around a record, or a file of them.
    #[serde(default, alias = "Records")]
    detail: Option<IgnoredAny>,
}

/// `userIdentity`.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Caller<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
}

/// The record that `text` begins with and its length, if each key that counts is there once, in
/// plain text.
pub(crate) fn plain(text: &[u8]) -> Option<(Plain<'_>, usize)> {
    // A list of the values would do for serde.
    if text.first() != Some(&b'{') {
        return None;
    }
    let mut records = serde_json::Deserializer::from_slice(text).into_iter();
    let record: Plain<'_> = records.next()?.ok()?;
    let counts = !record.id.is_empty() && record.detail.is_none();
    counts.then_some((record, records.byte_offset()))
}

#[cfg(test)]
pub(super) mod tests;
