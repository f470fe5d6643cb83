//! Documents as IAM's API returns them.

use std::borrow::Cow;

/// Percent-encoded text that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A `%` without its two hexadecimal digits.
    #[error("character {at}: `%` needs two hexadecimal digits")]
    Escape {
        /// 1-based, in bytes of the encoded text.
        at: usize,
    },
    /// The bytes are no UTF-8.
    #[error("the decoded text is not UTF-8")]
    NotUtf8(#[source] std::string::FromUtf8Error),
}

/// A document's plain JSON, from plain or percent-encoded text.
///
/// `GetRole` returns documents percent-encoded (RFC 3986, so `+` is itself), CloudTrail keeps
/// them so in its response elements, and plain in its request parameters; but records that break
/// this habit exist, so the first character decides: JSON never begins with `%`.
///
/// # Errors
/// For a `%` that is no escape, and for bytes that are no UTF-8.
pub fn from_api_text(text: &str) -> Result<Cow<'_, str>, DecodeError> {
    if !text.trim_start().starts_with('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            bytes
                .next()
                .and_then(|(_, digit)| char::from(digit).to_digit(16))
        };
        let code = digit().zip(digit()).map(|(high, low)| high * 16 + low);
        match code.and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => decoded.push(byte),
            None => return Err(DecodeError::Escape { at: at + 1 }),
        }
    }
    String::from_utf8(decoded)
        .map(Cow::Owned)
        .map_err(DecodeError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_decides() {
        assert_eq!(from_api_text("{\"a%20b\": 1}").unwrap(), "{\"a%20b\": 1}");
        assert_eq!(
            from_api_text("%7B%22a%2520b%22%3A%20%221+1%22%7d").unwrap(),
            "{\"a%20b\": \"1+1\"}"
        );
        assert_eq!(from_api_text(" \n%7B%7D").unwrap(), " \n{}");
        assert_eq!(from_api_text("%7B%22%C3%A9%22%7D").unwrap(), "{\"é\"}");
        assert_eq!(from_api_text("").unwrap(), "");
    }

    #[test]
    fn what_is_no_escape_is_located() {
        for (text, at) in [
            ("%7B%", 4),
            ("%7B%2", 4),
            ("%7B%zz", 4),
            ("%7B%+1", 4),
            ("%é", 1),
        ] {
            assert_eq!(
                from_api_text(text),
                Err(DecodeError::Escape { at }),
                "{text}"
            );
        }
        assert!(matches!(from_api_text("%FF"), Err(DecodeError::NotUtf8(_))));
    }
}
