//! Tells a record that cannot matter from the others without parsing all of it.
//!
//! Nearly all records of a log are calls that no function acts on. A few of a record's own keys say
//! so; `serde_json` borrows them from the text and passes over everything else.
//!
//! *No answer is always right*: a key that is missing or there twice, or a value that is no plain
//! text, sends the record to the parser. What this accepts, the parser reads the same, or not at all:
//! half a character or a number out of range is no damage in a record that cannot matter. A property
//! test and a fuzz target hold the two to that.

use serde::de::{Deserializer, Error};

/// The fields of a record that decide whether it matters, where they are plain text.
#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Plain<'a> {
    /// An event around a record, or a file of them. First, so that a list of the values is refused,
    /// which serde would take as well.
    #[serde(default, alias = "Records", deserialize_with = "refused")]
    detail: (),
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
}

/// `userIdentity`.
#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Caller<'a> {
    /// Refuses a list here.
    #[serde(default, rename = "", deserialize_with = "refused")]
    nameless: (),
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
}

fn refused<'de, D: Deserializer<'de>>(_: D) -> Result<(), D::Error> {
    Err(D::Error::custom("no plain record"))
}

/// The record that `text` begins with and its length, if each key that counts is there once, in
/// plain text.
pub(crate) fn plain(text: &[u8]) -> Option<(Plain<'_>, usize)> {
    let mut records = serde_json::Deserializer::from_slice(text).into_iter();
    let record: Plain<'_> = records.next()?.ok()?;
    (!record.id.is_empty()).then(|| (record, records.byte_offset()))
}

#[cfg(test)]
pub(super) mod tests;
