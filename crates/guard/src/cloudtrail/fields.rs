//! What several kinds of records carry: documents, texts, what was left out.

use serde_json::Value;

use super::record::Record;
use super::row::Places;

/// A trust document, as far as the record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// Byte for byte as it was sent.
    Present(String),
    /// CloudTrail cut it away for its size: the live role must be read.
    Omitted,
    /// It is not there, and the record does not say why: the live role must be read.
    Missing,
}

/// Something that may matter and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Why: lower case, no full stop.
    pub why: &'static str,
    /// It is a change of some role's trust policy, and which role is not told. Anyone can hide a
    /// change so, by a document that is padded until CloudTrail cuts the request away.
    pub role_hidden: bool,
}

/// The accounts whose events count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// These.
    Accounts(Vec<String>),
    /// All: for logs, where each record's own account is the own one.
    Any,
}

impl Watched {
    /// One account alone: the stack's own.
    pub fn only(account: impl Into<String>) -> Self {
        Self::Accounts(vec![account.into()])
    }

    pub(super) fn includes(&self, account: &str) -> bool {
        match self {
            Self::Accounts(accounts) => accounts.iter().any(|watched| watched == account),
            Self::Any => true,
        }
    }
}

impl Record {
    /// What stands at a place of the table of events.
    pub(super) fn at(&self, place: &str) -> Option<&Value> {
        let (part, path) = place.split_once('.')?;
        let part = match part {
            "requestParameters" => &self.request,
            "responseElements" => &self.response,
            "additionalEventData" => &self.additional,
            _ => return None,
        };
        path.split('.').try_fold(part, |value, key| value.get(key))
    }

    /// The first non-empty text at these places.
    pub(super) fn first(&self, places: Places) -> Option<&str> {
        let texts = places.iter().filter_map(|place| self.at(place)?.as_str());
        texts.into_iter().find(|text| !text.is_empty())
    }

    /// The first policy document at these places.
    pub(super) fn document(&self, places: Places) -> Document {
        let present = places.iter().find_map(|place| match self.at(place)? {
            Value::String(text) if place.starts_with("responseElements.") => {
                (!text.is_empty()).then(|| percent_decoded(text))
            }
            Value::String(document) => Some(document.clone()),
            document @ Value::Object(fields) if fields.contains_key("Statement") => {
                Some(document.to_string())
            }
            _ => None,
        });
        let cut = || {
            let fields = places.iter().filter_map(|place| self.at(place));
            fields.chain([&self.request, &self.response]).any(omitted)
        };
        match present {
            Some(document) => Document::Present(document),
            None if cut() => Document::Omitted,
            None => Document::Missing,
        }
    }
}

/// A non-empty text below a path of keys.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter()
        .try_fold(value, |value, key| value.get(key))
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// CloudTrail writes `omitted: true` where it cut something away.
pub(super) fn omitted(value: &Value) -> bool {
    match value.get("omitted") {
        Some(Value::Bool(omitted)) => *omitted,
        Some(Value::String(omitted)) => omitted.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// A trust document as response elements and IAM's `GetRole` bear it: percent-encoded, except where
/// they bear it plain (a JSON document never begins with `%`).
pub fn percent_decoded(text: &str) -> String {
    if !text.starts_with('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let hex = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high * 16 + low);
                    rest = after;
                }
                _ => bytes.push(byte),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
