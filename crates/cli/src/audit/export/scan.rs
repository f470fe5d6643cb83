//! Where JSON values end, found by brackets and quotes alone.
//!
//! An export of a large account is gigabytes of text of which a few fields a role are read. So the
//! text is not parsed: it is cut into objects and these into fields, and only what is read is
//! looked at closer, by those who read it.

use std::ops::Range;

use memchr::{memchr2, memchr3};

/// One field of an object, as places in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The key, without its quotes, as it is written.
    pub(super) key: Range<usize>,
    /// The value, with its brackets or quotes.
    pub(super) value: Range<usize>,
}

/// Why a value's end was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The text ends before the value does.
    More,
    /// Something stands where nothing like it may, at this place.
    Bad(usize),
}

/// The fields of the object that begins `text`, put into `fields`, and its length.
pub(super) fn object(text: &[u8], fields: &mut Vec<Field>) -> Result<usize, Stop> {
    fields.clear();
    let mut at = skip_blank(text, 1);
    if byte(text, at)? == b'}' {
        return Ok(at + 1);
    }
    loop {
        if byte(text, at)? != b'"' {
            return Err(Stop::Bad(at));
        }
        let key = at + 1;
        at = string_end(text, key)?;
        let key = key..at - 1;
        at = skip_blank(text, at);
        if byte(text, at)? != b':' {
            return Err(Stop::Bad(at));
        }
        let value = skip_blank(text, at + 1);
        at = value_end(text, value)?;
        fields.push(Field {
            key,
            value: value..at,
        });
        at = skip_blank(text, at);
        match byte(text, at)? {
            b',' => at = skip_blank(text, at + 1),
            b'}' => return Ok(at + 1),
            _ => return Err(Stop::Bad(at)),
        }
    }
}

/// Where the value that begins at `at` ends.
pub(super) fn value_end(text: &[u8], at: usize) -> Result<usize, Stop> {
    match byte(text, at)? {
        b'"' => string_end(text, at + 1),
        b'{' => nested_end(text, at + 1, b'{', b'}'),
        b'[' => nested_end(text, at + 1, b'[', b']'),
        b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
            let rest = text.get(at..).unwrap_or_default();
            let length = rest
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace());
            // A number at the very end of what is known may go on.
            length.map(|length| at + length).ok_or(Stop::More)
        }
        _ => Err(Stop::Bad(at)),
    }
}

/// The next byte that is no white space.
#[inline(always)]
pub(super) fn skip_blank(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
        // Indented text has them by the dozen.
        while text.get(at..at + 8) == Some(b"        ") {
            at += 8;
        }
    }
    at
}

fn byte(text: &[u8], at: usize) -> Result<u8, Stop> {
    text.get(at).copied().ok_or(Stop::More)
}

/// Behind the quote that closes the string whose first character is at `at`.
pub(super) fn string_end(text: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        let rest = text.get(at..).ok_or(Stop::More)?;
        at += memchr2(b'"', b'\\', rest).ok_or(Stop::More)?;
        match byte(text, at)? {
            b'"' => return Ok(at + 1),
            // Whatever is escaped, it ends no string.
            _ => at += 2,
        }
    }
}

/// Behind the bracket that closes the one before `at`. Brackets of the other kind need no
/// counting: where they do not match, whoever reads the value sees it.
fn nested_end(text: &[u8], mut at: usize, open: u8, close: u8) -> Result<usize, Stop> {
    let mut depth = 1_usize;
    loop {
        let rest = text.get(at..).ok_or(Stop::More)?;
        at += memchr3(b'"', open, close, rest).ok_or(Stop::More)?;
        let found = byte(text, at)?;
        at += 1;
        if found == b'"' {
            at = string_end(text, at)?;
        } else if found == open {
            depth += 1;
        } else {
            depth -= 1;
            if depth == 0 {
                return Ok(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Shown<'a> = (usize, Vec<(&'a str, &'a str)>);

    fn shown(text: &str) -> Result<Shown<'_>, Stop> {
        let mut fields = Vec::new();
        let length = object(text.as_bytes(), &mut fields)?;
        let part = |place: &Range<usize>| text.get(place.clone()).unwrap();
        let parts = fields
            .iter()
            .map(|field| (part(&field.key), part(&field.value)));
        Ok((length, parts.collect()))
    }

    #[test]
    fn fields_are_found_whatever_stands_in_them() {
        for (text, expected) in [
            ("{}", vec![]),
            (" {}".trim(), vec![]),
            ("{ \"a\" : 1 }", vec![("a", "1")]),
            (
                r#"{"a":"}\"{\\","b\"":[{"c":"]"}],"d":{"e":[1,{"f":"\\\""}]},"g":null}"#,
                vec![
                    ("a", r#""}\"{\\""#),
                    (r#"b\""#, r#"[{"c":"]"}]"#),
                    ("d", r#"{"e":[1,{"f":"\\\""}]}"#),
                    ("g", "null"),
                ],
            ),
            (
                "{\"n\":-1.5e3\n,\"t\":true}",
                vec![("n", "-1.5e3"), ("t", "true")],
            ),
        ] {
            let (length, fields) = shown(text).unwrap();
            assert_eq!((length, fields), (text.len(), expected), "{text}");
        }
    }

    #[test]
    fn what_is_cut_off_anywhere_is_not_taken_for_whole() {
        let text = r#"{"a":"}\"{\\","b":[{"c":"]"}],"d":{"e":[1]},"g":12 }"#;
        for end in 1..text.len() {
            let part = text.get(..end).unwrap();
            assert_eq!(shown(part), Err(Stop::More), "{part}");
        }
        // What follows belongs to somebody else.
        assert_eq!(shown(&format!("{text}}}]")).unwrap().0, text.len());
    }

    #[test]
    fn what_is_no_json_is_seen_where_it_stands() {
        for (text, at) in [
            ("{a:1}", 1),
            ("{\"a\" 1}", 5),
            ("{\"a\":1 2}", 7),
            ("{\"a\":1,}", 7),
            ("{,}", 1),
            ("{\"a\":}", 5),
            ("{\"a\":[1]]}", 8),
            ("{\"a\":<}", 5),
        ] {
            assert_eq!(shown(text), Err(Stop::Bad(at)), "{text}");
        }
    }
}
