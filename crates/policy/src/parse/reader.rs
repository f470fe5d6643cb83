//! A JSON reader that knows where it is.
//!
//! `serde_json` gives no offsets of values and folds repeated keys in silence. A trust document
//! needs both: an error must point at its line, a repair must cut out exactly one statement, and a
//! second `Condition` that hides the first must be seen. So this crate reads JSON itself: one pass
//! over the text, strings borrowed where they hold no escape, line and column computed only when a
//! problem is reported.

use std::borrow::Cow;

use crate::document::Span;

/// Deepest nesting that is read; a trust policy needs six levels.
pub const MAX_DEPTH: usize = 32;

/// Text that is not JSON, and where.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) message: Cow<'static, str>,
}

/// The kind of the value that comes next, told by its first character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    List,
    Text,
    Number,
    True,
    False,
    Null,
}

impl Kind {
    /// With its article, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::List => "a list",
            Kind::Text => "a string",
            Kind::Number => "a number",
            Kind::True | Kind::False => "a boolean",
            Kind::Null => "null",
        }
    }
}

/// A string and where it stands, quotes included.
#[derive(Debug, Clone)]
pub(crate) struct Text<'a> {
    pub(crate) value: Cow<'a, str>,
    pub(crate) span: Span,
}

/// Reads one value after the other.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Reader<'a> {
        // A byte order mark is no part of JSON, but editors write it and nothing is hidden by it.
        let at = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        Reader { text, at, depth: 0 }
    }

    /// Where the next unread character stands.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn skip_white(&mut self) {
        if self.byte().is_none_or(|byte| byte > b' ') {
            return;
        }
        self.skip_blanks();
    }

    fn skip_blanks(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        // Indented text has them by the dozen.
        let mut skipped = 0;
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = rest.get(skipped) {
            skipped += 1;
            while rest.get(skipped..skipped + 8) == Some(b"        ") {
                skipped += 8;
            }
        }
        self.at += skipped;
    }

    #[cold]
    fn fault<T>(&self, message: impl Into<Cow<'static, str>>) -> Result<T, Fault> {
        Err(Fault {
            at: self.at,
            message: message.into(),
        })
    }

    /// What comes next, without reading it.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<Kind, Fault> {
        self.skip_white();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::List),
            Some(b'"') => Ok(Kind::Text),
            Some(b't') => Ok(Kind::True),
            Some(b'f') => Ok(Kind::False),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => self.unexpected("a value"),
        }
    }

    #[cold]
    fn unexpected<T>(&self, wanted: &str) -> Result<T, Fault> {
        let Some(found) = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        else {
            return self.fault(format!("the text ends where {wanted} was expected"));
        };
        self.fault(match found {
            '\'' => format!("expected {wanted}; JSON has double quotes only"),
            '/' | '#' => format!("expected {wanted}; JSON has no comments"),
            ']' | '}' if wanted == "a value" || wanted == "a key in double quotes" => {
                format!("expected {wanted}, found `{found}`; no comma may stand before it")
            }
            _ => format!("expected {wanted}, found `{}`", found.escape_default()),
        })
    }

    /// Steps into an object.
    pub(crate) fn open_object(&mut self) -> Result<(), Fault> {
        self.open(b'{', "`{`")
    }

    /// Steps into a list.
    pub(crate) fn open_list(&mut self) -> Result<(), Fault> {
        self.open(b'[', "`[`")
    }

    #[inline]
    fn open(&mut self, bracket: u8, name: &str) -> Result<(), Fault> {
        self.skip_white();
        if self.byte() != Some(bracket) {
            return self.unexpected(name);
        }
        if self.depth == MAX_DEPTH {
            return self.fault(format!(
                "nested deeper than the {MAX_DEPTH} levels that are read"
            ));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// The next key of the object that was opened, its colon read; `None` at its end. `first` is
    /// set by the caller to `true` before the first call and kept for the others.
    #[inline]
    pub(crate) fn key(&mut self, first: &mut bool) -> Result<Option<Text<'a>>, Fault> {
        if !self.step(first, b'}', "`,` or `}`")? {
            return Ok(None);
        }
        self.skip_white();
        if self.byte() != Some(b'"') {
            return self.unexpected("a key in double quotes");
        }
        let key = self.string()?;
        self.skip_white();
        if self.byte() != Some(b':') {
            return self.unexpected("`:` after the key");
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Whether the list that was opened has another element, which the caller then reads.
    #[inline]
    pub(crate) fn element(&mut self, first: &mut bool) -> Result<bool, Fault> {
        self.step(first, b']', "`,` or `]`")
    }

    #[inline]
    fn step(&mut self, first: &mut bool, end: u8, wanted: &str) -> Result<bool, Fault> {
        self.skip_white();
        let was_first = std::mem::replace(first, false);
        match self.byte() {
            Some(found) if found == end => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(b',') if !was_first => {
                self.at += 1;
                self.skip_white();
                match self.byte() {
                    Some(found) if found == end => self.fault("no comma may stand before the end"),
                    _ => Ok(true),
                }
            }
            _ if was_first => Ok(true),
            _ => self.unexpected(wanted),
        }
    }

    /// A string that [`Reader::peek`] announced.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Text<'a>, Fault> {
        let start = self.at;
        self.at += 1;
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = plain_length(rest);
        match rest.get(length) {
            Some(b'"') => {
                let end = self.at + length;
                let value = self.text.get(self.at..end).unwrap_or_default();
                self.at = end + 1;
                Ok(Text {
                    value: Cow::Borrowed(value),
                    span: Span {
                        start,
                        end: self.at,
                    },
                })
            }
            _ => self.escaped(start),
        }
    }

    /// The slow way: a string with escapes, or one that is no string.
    #[cold]
    fn escaped(&mut self, start: usize) -> Result<Text<'a>, Fault> {
        let mut value = String::new();
        loop {
            let from = self.at;
            while let Some(byte) = self.byte()
                && !matches!(byte, b'"' | b'\\' | 0..=0x1f)
            {
                self.at += 1;
            }
            value.push_str(self.text.get(from..self.at).unwrap_or_default());
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    let span = Span {
                        start,
                        end: self.at,
                    };
                    return Ok(Text {
                        value: Cow::Owned(value),
                        span,
                    });
                }
                Some(b'\\') => value.push(self.escape()?),
                Some(control) => {
                    return self.fault(format!(
                        "a string may not hold the control character \\u{control:04x}; write it \
                         as an escape"
                    ));
                }
                None => {
                    self.at = start;
                    return self.fault("this string is never closed");
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let start = self.at;
        self.at += 1;
        let escaped = self.byte();
        self.at += 1;
        match escaped {
            Some(b'"') => Ok('"'),
            Some(b'\\') => Ok('\\'),
            Some(b'/') => Ok('/'),
            Some(b'b') => Ok('\u{8}'),
            Some(b'f') => Ok('\u{c}'),
            Some(b'n') => Ok('\n'),
            Some(b'r') => Ok('\r'),
            Some(b't') => Ok('\t'),
            Some(b'u') => self.unicode_escape(start),
            _ => {
                self.at = start;
                self.fault("this escape is none of JSON's; a backslash is written `\\\\`")
            }
        }
    }

    fn unicode_escape(&mut self, start: usize) -> Result<char, Fault> {
        let first = self.hex4(start)?;
        let code = if (0xd800..0xdc00).contains(&first) {
            let follows = self.text.as_bytes().get(self.at..self.at + 2) == Some(br"\u".as_slice());
            let second = if follows {
                self.at += 2;
                self.hex4(start)?
            } else {
                0
            };
            if !(0xdc00..0xe000).contains(&second) {
                self.at = start;
                return self.fault("half of a surrogate pair is no character");
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).map_or_else(
            || {
                self.at = start;
                self.fault("half of a surrogate pair is no character")
            },
            Ok,
        )
    }

    fn hex4(&mut self, start: usize) -> Result<u32, Fault> {
        let digits = self.text.get(self.at..self.at + 4);
        let code = digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => {
                self.at = start;
                self.fault("`\\u` needs four hexadecimal digits")
            }
        }
    }

    /// A number that [`Reader::peek`] announced, as written.
    pub(crate) fn number(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.unexpected("a digit"),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits_after("a digit after the point")?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits_after("a digit of the exponent")?;
        }
        if self
            .byte()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        {
            return self.fault("this is no JSON number; put text in double quotes");
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn digits(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn digits_after(&mut self, wanted: &str) -> Result<(), Fault> {
        if !self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.unexpected(wanted);
        }
        self.digits();
        Ok(())
    }

    /// `true`, `false` or `null`, as [`Reader::peek`] announced.
    pub(crate) fn word(&mut self, kind: Kind) -> Result<&'static str, Fault> {
        let word = match kind {
            Kind::True => "true",
            Kind::False => "false",
            _ => "null",
        };
        let rest = self.text.get(self.at..).unwrap_or_default();
        let longer = |rest: &str| {
            rest.as_bytes()
                .get(word.len())
                .is_some_and(|byte| byte.is_ascii_alphanumeric())
        };
        if !rest.starts_with(word) || longer(rest) {
            return self.fault(format!("expected `{word}`; put text in double quotes"));
        }
        self.at += word.len();
        Ok(word)
    }

    /// Reads a value of any kind and forgets it; says where it stood.
    pub(crate) fn skip(&mut self) -> Result<Span, Fault> {
        let kind = self.peek()?;
        let start = self.at;
        match kind {
            Kind::Object => {
                self.open_object()?;
                let mut first = true;
                while self.key(&mut first)?.is_some() {
                    self.skip()?;
                }
            }
            Kind::List => {
                self.open_list()?;
                let mut first = true;
                while self.element(&mut first)? {
                    self.skip()?;
                }
            }
            Kind::Text => {
                self.string()?;
            }
            Kind::Number => {
                self.number()?;
            }
            Kind::True | Kind::False | Kind::Null => {
                self.word(kind)?;
            }
        }
        Ok(Span {
            start,
            end: self.at,
        })
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        self.skip_white();
        match self.byte() {
            None => Ok(()),
            Some(_) => self.fault("the document ends before this; remove what follows"),
        }
    }
}

/// How many bytes of a string come before its end, an escape or a control character: eight bytes at
/// a time, since most of a document's time is spent here.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, _) = bytes.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // A byte that is zero after the xor borrows into its high bit; so does one below 0x20
        // after the subtraction. The lowest bit set is exact, and only that one is used.
        let quote = word ^ (ONES * 0x22);
        let slash = word ^ (ONES * 0x5c);
        let found = (quote.wrapping_sub(ONES) & !quote
            | slash.wrapping_sub(ONES) & !slash
            | word.wrapping_sub(ONES * 0x20) & !word)
            & HIGH;
        if found != 0 {
            return length + usize::try_from(found.trailing_zeros() / 8).unwrap_or_default();
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length
        + rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
            .unwrap_or(rest.len())
}

/// Line and column of byte offsets, which must be asked for in rising order: many problems cost
/// one pass.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Lines<'a> {
        Lines {
            text,
            at: 0,
            line: 1,
            column: 1,
        }
    }

    /// 1-based line and column, the latter in characters.
    pub(crate) fn locate(&mut self, offset: usize) -> (u32, u32) {
        for found in self.text.get(self.at..offset).unwrap_or_default().chars() {
            if found == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else if found != '\u{feff}' {
                self.column = self.column.saturating_add(1);
            }
        }
        self.at = self.at.max(offset);
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_at_a_time_end_where_one_at_a_time_does() {
        let stops = |byte: u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        for stop in 0..=255_u8 {
            for before in 0..20 {
                for neighbour in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff, 0xa2, 0xdc] {
                    let mut bytes = vec![neighbour; 24];
                    bytes[before] = stop;
                    let expected = bytes
                        .iter()
                        .position(|byte| stops(*byte))
                        .unwrap_or(bytes.len());
                    assert_eq!(plain_length(&bytes), expected, "{stop} after {before}");
                }
            }
        }
        assert_eq!(plain_length(b""), 0);
        assert_eq!(plain_length(b"abc"), 3);
    }
}
