//! What several kinds of records carry: documents, texts, what was left out.

use serde_json::Value;

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

/// The policy document that a request carries under this key.
pub(super) fn document_in(request: &Value, sent: &str) -> Document {
    match request.get(sent) {
        Some(Value::String(document)) => Document::Present(document.clone()),
        Some(document @ Value::Object(fields)) if fields.contains_key("Statement") => {
            Document::Present(document.to_string())
        }
        Some(cut) if omitted(cut) => Document::Omitted,
        _ if omitted(request) => Document::Omitted,
        _ => Document::Missing,
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
