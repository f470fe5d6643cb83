//! The fields of an object, found 64 bytes at a time.
//!
//! *No answer is always right*: it is given wherever there is the least doubt (the text ends before
//! the object does, brackets do not match, a value is none), and then [`super::scan`] looks at each
//! byte and says what is wrong. What this accepts, that accepts, with the same fields: a property
//! test holds the two equal.

use super::scan::{Field, skip_blank, string_end};
use crate::blocks::{BLOCK, Bytes, Lanes, Look, Quoted, Strings, look, take_first};

/// The fields of the object that begins `text`, put into `fields`, and its length.
pub(super) fn fields(text: &[u8], fields: &mut Vec<Field>) -> Option<usize> {
    fields.clear();
    if text.first() != Some(&b'{') {
        return None;
    }
    look(Looking { text, fields })
}

struct Looking<'a> {
    text: &'a [u8],
    fields: &'a mut Vec<Field>,
}

impl Look for Looking<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn look<L: Lanes>(self, lanes: L) -> Option<usize> {
        let mut scan = Scan {
            text: self.text,
            fields: self.fields,
            strings: Strings::default(),
            depth: 0,
            kinds: 0,
            begin: 0,
            key: None,
            closed: 0,
        };
        let (blocks, rest) = self.text.as_chunks::<BLOCK>();
        for (index, block) in blocks.iter().enumerate() {
            if let Some(length) = scan.block(index * BLOCK, lanes.bytes(block))? {
                return Some(length);
            }
        }
        let mut last = [b' '; BLOCK];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        scan.block(self.text.len() - rest.len(), lanes.bytes(&last))?
    }
}

/// Deeper objects are for the other scan.
const MOST_DEPTH: u32 = 60;

struct Scan<'a> {
    text: &'a [u8],
    fields: &'a mut Vec<Field>,
    strings: Strings,
    depth: u32,
    /// The kinds of the open brackets: 1 is an object; the innermost is the lowest.
    kinds: u64,
    /// Where the key or value at hand may begin.
    begin: usize,
    /// The key at hand, once its colon was seen.
    key: Option<(usize, usize)>,
    /// Behind the bracket that closed its value.
    closed: usize,
}

/// The quotes of the block at hand.
#[derive(Clone, Copy)]
struct Here {
    base: usize,
    quotes: u64,
}

impl Here {
    /// Behind the quote that closes the string whose first one is at `quote`: most strings begin and
    /// end in one block, where that is known already.
    #[inline(always)]
    fn string_end(self, text: &[u8], quote: usize) -> Option<usize> {
        let place = quote
            .checked_sub(self.base)
            .and_then(|place| u32::try_from(place).ok());
        let later = place.and_then(|place| u64::MAX.checked_shl(place + 1));
        match self.quotes & later.unwrap_or(0) {
            0 => string_end(text, quote + 1).ok(),
            quotes => Some(self.base + quotes.trailing_zeros() as usize + 1),
        }
    }
}

impl Scan<'_> {
    /// Looks at a block, whose first byte is byte `base` of the text. `None`: in doubt;
    /// `Some(Some(_))`: the object ends before that byte.
    #[inline(always)]
    fn block(&mut self, base: usize, bytes: Bytes) -> Option<Option<usize>> {
        let Quoted { inside, quotes, .. } = self.strings.of(&bytes);
        let here = Here { base, quotes };
        // What a backslash means outside of strings is not for us to say.
        if bytes.backslash & !inside != 0 {
            return None;
        }
        let brackets = (bytes.open | bytes.close) & !inside;
        let separators = (bytes.comma | bytes.colon) & !inside;
        // Within nested values only brackets count.
        let mut left = brackets | if self.depth <= 1 { separators } else { 0 };
        loop {
            let rest = left;
            let Some(bit) = take_first(&mut left) else {
                return Some(None);
            };
            let at = base + bit;
            let this = rest & rest.wrapping_neg();
            if bytes.open & this != 0 {
                self.open(at)?;
                if self.depth == 2 {
                    left &= brackets;
                }
            } else if bytes.close & this != 0 {
                if self.close(at, here)? {
                    return Some(Some(at + 1));
                }
                if self.depth == 1 {
                    self.closed = at + 1;
                    let later = !(this | this.wrapping_sub(1));
                    left |= separators & later;
                }
            } else if bytes.colon & this != 0 {
                self.colon(at, here)?;
            } else {
                self.end_of_value(at, here)?;
                self.begin = at + 1;
            }
        }
    }

    #[inline(always)]
    fn open(&mut self, at: usize) -> Option<()> {
        // At the top only a value opens anything, and it begins with that.
        let begins = match self.depth {
            0 => true,
            1 => self.key.is_some() && skip_blank(self.text, self.begin) == at,
            _ => true,
        };
        if !begins || self.depth >= MOST_DEPTH {
            return None;
        }
        let object = self.text.get(at) == Some(&b'{');
        self.depth += 1;
        self.kinds = self.kinds << 1 | u64::from(object);
        if self.depth == 1 {
            self.begin = at + 1;
        }
        Some(())
    }

    /// Whether the object itself is closed.
    #[inline(always)]
    fn close(&mut self, at: usize, here: Here) -> Option<bool> {
        let object = self.kinds & 1 == 1;
        if (self.text.get(at) == Some(&b'}')) != object {
            return None;
        }
        if self.depth == 1 {
            if self.key.is_some() {
                self.end_of_value(at, here)?;
            } else if !self.fields.is_empty() || skip_blank(self.text, self.begin) != at {
                return None;
            }
        }
        self.depth -= 1;
        self.kinds >>= 1;
        Some(self.depth == 0)
    }

    /// The key before a colon is one string.
    #[inline(always)]
    fn colon(&mut self, at: usize, here: Here) -> Option<()> {
        let quote = skip_blank(self.text, self.begin);
        if self.key.is_some() || self.text.get(quote) != Some(&b'"') {
            return None;
        }
        let end = here.string_end(self.text, quote)?;
        if skip_blank(self.text, end) != at {
            return None;
        }
        self.key = Some((quote + 1, end - 1));
        self.begin = at + 1;
        Some(())
    }

    /// What stands before a comma or the last brace is one value, with its key.
    #[inline(always)]
    fn end_of_value(&mut self, at: usize, here: Here) -> Option<()> {
        let (from, to) = self.key.take()?;
        let begin = skip_blank(self.text, self.begin);
        let end = match self.text.get(begin)? {
            b'"' => here.string_end(self.text, begin)?,
            // It was opened here, or there would be no answer.
            b'{' | b'[' => self.closed,
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                let mut rest = self.text.get(begin..at)?.iter();
                let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                begin + rest.position(|byte| !is_part(byte)).unwrap_or(at - begin)
            }
            _ => return None,
        };
        // And nothing else stands there.
        if skip_blank(self.text, end) != at {
            return None;
        }
        self.fields.push(Field {
            key: from..to,
            value: begin..end,
        });
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::scan::{Stop, object};
    use super::*;
    use crate::blocks::{Narrow, look_narrower};

    /// What it says is what the other scan says; whether it says anything.
    fn agrees(text: &[u8]) -> bool {
        let (mut found, mut narrow, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        let length = fields(text, &mut found);
        if text.first() == Some(&b'{') {
            for narrower in [false, true] {
                narrow.clear();
                let fields = &mut narrow;
                let looking = Looking { text, fields };
                let found_so = if narrower {
                    look_narrower(looking)
                } else {
                    looking.look(Narrow)
                };
                assert_eq!(found_so, length);
                assert!(length.is_none() || found == narrow);
            }
        }
        let Some(length) = length else { return false };
        let shown = String::from_utf8_lossy(text);
        assert_eq!(object(text, &mut expected), Ok(length), "{shown}");
        assert_eq!(found, expected, "{shown}");
        true
    }

    #[test]
    fn what_an_export_is_made_of_is_read_fast() {
        let role = r#"{
            "Path": "/", "RoleName" : "a\\\"b{", "Max":3600,"N":-1.5e+3, "T" : true ,
            "Doc": {"Statement":[{"a":"}"},[],{}, 1 , "x,y:z"]}, "Empty": {}, "None":null,
            "Long": "0123456789012345678901234567890123456789012345678901234567890123456789"
        }"#;
        assert!(agrees(role.as_bytes()));
        assert!(agrees(b"{}") && agrees(b"{ }, and more") && agrees(br#"{"a":1}}"#));
        for end in 1..role.len() {
            assert!(!agrees(&role.as_bytes()[..end]), "{end}");
        }
        for shift in 0..BLOCK {
            let padded = format!(
                r#"{{"pad":"{}",{}"#,
                "x".repeat(shift),
                role.strip_prefix("{").unwrap()
            );
            assert!(agrees(padded.as_bytes()), "{shift}");
        }
    }

    #[test]
    fn what_is_in_doubt_is_left() {
        for text in [
            "{a:1}",
            "{\"a\" 1}",
            "{\"a\":1 2}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":}",
            "{\"a\":[1]]}",
            "{\"a\":<}",
            "{\"a\":[}",
            "{\"a\":[1}]}",
            "{\"a\":\"x\" \"y\"}",
            "{\"a\":\"x\":1}",
            "{\"a\":[1][2]}",
            "{\"a\":1\\,\"b\":2}",
            "{\"a\":12\u{c}}",
            "{\"a\":1\"b,c\"}",
            "{\"a\",\"b\":1}",
            "[1]",
            "",
            "x{}",
        ] {
            assert!(!agrees(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_says_what_the_other_says(parts in prop::collection::vec(select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\\"", "\"a\":", "\"b\": 1,", "\"c\":{\"d\":[]}", " ",
            "\n    ", "\u{c}", "1", "-2.5e7", "null", "\"x\"", "\"0123456789012345678901234567890123456789\"",
        ]), 0..40), closed in any::<bool>()) {
            let text = format!("{{{}{}", parts.concat(), if closed { "}" } else { "" });
            agrees(text.as_bytes());
            prop_assert!(!matches!(object(text.as_bytes(), &mut Vec::new()), Err(Stop::Bad(at)) if at > text.len()));
        }

        #[test]
        fn well_made_objects_are_read(values in prop::collection::vec(select(vec![
            "1", "\"x\"", "{}", "[ ]", "{\"a\":[{\"b\":\"]}\\\"\"}]}", "null", "[[[1,2],[3]]]", "\"\\\\\"",
        ]), 0..30), blank in select(vec!["", " ", "\n\t  "])) {
            let fields: Vec<String> = values.iter().map(|value| format!("{blank}\"k\"{blank}:{blank}{value}{blank}")).collect();
            let text = format!("{{{}}}", fields.join(","));
            prop_assert!(agrees(text.as_bytes()), "{}", text);
        }
    }
}
