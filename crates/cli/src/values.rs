//! JSON values one after the other, of a text in memory or of a stream of any length.
//!
//! `serde_json` reads a slice ten times as fast as an `io::Read`, which it takes byte by byte. So a
//! stream is held a part at a time, always with the value at hand in one piece.

use std::borrow::Cow;
use std::io::{self, Read};

use serde::de::IgnoredAny;

use crate::decoded::other_output;

/// How much of a stream is held at least.
const CHUNK_BYTES: usize = 128 * 1024;

/// Damage: the rest of an input cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DamageError {
    /// The bytes below fail: the disk, the network, or the compression.
    #[error(transparent)]
    Read(io::Error),
    /// It ends within a value.
    #[error("it ends in the middle of a record (byte {at})")]
    Truncated {
        /// How many bytes there are.
        at: u64,
    },
    /// It is the AWS CLI's, in another format than JSON.
    #[error("it is {what}, not JSON: write it again with `--output json`")]
    OtherOutput {
        /// Which format.
        what: &'static str,
    },
    /// It is not JSON.
    #[error("it is not JSON: {found} at byte {at}")]
    NotJson {
        /// The byte at which JSON ends.
        found: String,
        /// Where, from 0.
        at: u64,
    },
    /// One value is too large to be held.
    #[error("one object is larger than {most} bytes (from byte {at})")]
    TooLarge {
        /// The bound that it exceeds, in bytes.
        most: usize,
        /// Where it begins, from 0.
        at: u64,
    },
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
}

/// An input, read up to some place.
pub(crate) struct Values<'a> {
    /// `None`: all that there is, is in `text`.
    reader: Option<Box<dyn Read + 'a>>,
    /// The error that reading ended with, after all that is in `text`.
    failed: Option<io::Error>,
    text: Cow<'a, [u8]>,
    /// Where in `text` the next unread byte stands.
    at: usize,
    /// Something other than white space was taken.
    begun: bool,
    /// How many bytes lie before `text`.
    before: u64,
    /// The line of that byte, from 1, where lines are counted.
    line: Option<u64>,
    most: usize,
}

impl<'a> Values<'a> {
    /// Of a text in memory.
    pub(crate) fn whole(text: &'a [u8]) -> Self {
        Self {
            reader: None,
            failed: None,
            text: Cow::Borrowed(text),
            at: 0,
            begun: false,
            before: 0,
            line: None,
            most: usize::MAX,
        }
    }

    /// Of a stream, in which no value has more than `most` bytes.
    pub(crate) fn stream(reader: impl Read + 'a, most: usize) -> Self {
        Self {
            reader: Some(Box::new(reader)),
            most,
            ..Self::whole(&[])
        }
    }

    /// Counts lines from here.
    pub(crate) fn count_lines(&mut self) {
        self.line = Some(1);
    }

    /// The bytes that are held and not yet read.
    pub(crate) fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next so many bytes of it.
    pub(crate) fn text(&self, length: usize) -> &[u8] {
        self.rest().get(..length).unwrap_or_default()
    }

    /// Goes on behind the next so many bytes.
    pub(crate) fn take(&mut self, length: usize) {
        if let Some(line) = self.line {
            let lines = memchr::memchr_iter(b'\n', self.text(length)).count();
            self.line = Some(line + lines as u64);
        }
        self.begun |= !self.text(length).trim_ascii().is_empty();
        self.at = self.text.len().min(self.at + length);
    }

    /// Where the next byte stands, from 0.
    pub(crate) fn offset(&self) -> u64 {
        self.before + self.at as u64
    }

    /// On which line it stands, from 1, where lines are counted.
    pub(crate) fn line(&self) -> Option<u64> {
        self.line
    }

    /// How many bytes the input has had so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.before + self.text.len() as u64
    }

    /// Is there nothing to be read any more but what is held?
    #[cfg(test)]
    pub(crate) fn is_whole(&self) -> bool {
        self.reader.is_none()
    }

    /// The next bytes, so many at most and fewer only where the input ends.
    pub(crate) fn beginning(&mut self, most: usize) -> &[u8] {
        while self.rest().len() < most && self.read() {}
        self.text(self.rest().len().min(most))
    }

    /// Reads more; `false` at the end of the input.
    fn fill(&mut self) -> Result<bool, DamageError> {
        if self.reader.is_some() && self.rest().len() > self.most {
            let (most, at) = (self.most, self.offset());
            return Err(DamageError::TooLarge { most, at });
        }
        let more = self.read();
        match self.failed.take_if(|_| !more) {
            Some(error) => Err(DamageError::Read(error)),
            None => Ok(more),
        }
    }

    /// Reads more, if there is more.
    fn read(&mut self) -> bool {
        let Some(reader) = &mut self.reader else {
            return false;
        };
        let text = self.text.to_mut();
        text.drain(..self.at);
        self.before += self.at as u64;
        self.at = 0;
        // As much again as there is: looking at it again costs no more than reading did.
        let held = text.len();
        let wanted = held.max(CHUNK_BYTES);
        text.reserve(wanted);
        self.failed = reader.take(wanted as u64).read_to_end(text).err();
        let more = text.len() > held;
        if self.failed.is_some() || !more {
            self.reader = None;
        }
        more
    }

    /// The next byte that is not white space, without taking it.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, DamageError> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_ascii_start().len();
            self.take(blank);
            if let Some(byte) = self.rest().first() {
                return Ok(Some(*byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The same; the input must not end here.
    pub(crate) fn expect(&mut self) -> Result<u8, DamageError> {
        let at = self.peek()?;
        at.ok_or(DamageError::Truncated { at: self.bytes() })
    }

    /// The error of a byte that may not stand here.
    pub(crate) fn unexpected(&self) -> DamageError {
        let found = match self.rest().first() {
            Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(*byte)),
            Some(byte) => format!("byte {byte:#04x}"),
            None => "the end".to_owned(),
        };
        let at = self.offset();
        let other = other_output(self.rest()).filter(|_| !self.begun);
        match other {
            Some(what) => DamageError::OtherOutput { what },
            None => DamageError::NotJson { found, at },
        }
    }

    /// The length of the line that begins here, without its end; `None` at the end of the input.
    pub(crate) fn line_length(&mut self) -> Result<Option<usize>, DamageError> {
        let mut seen = 0;
        loop {
            let unseen = self.rest().get(seen..).unwrap_or_default();
            if let Some(more) = memchr::memchr(b'\n', unseen) {
                return Ok(Some(seen + more));
            }
            seen = self.rest().len();
            if !self.fill()? {
                return Ok((seen > 0).then_some(seen));
            }
        }
    }

    /// The length of the value that comes next. Where it is not JSON, its brackets say where it ends,
    /// so that the damage stays in it.
    pub(crate) fn value(&mut self) -> Result<usize, DamageError> {
        if let b',' | b':' | b']' | b'}' = self.expect()? {
            return Err(self.unexpected());
        }
        loop {
            let rest = self.rest();
            let length = json_end(rest).or_else(|| brackets_end(rest, 0));
            // A number that ends where the text does may go on.
            if let Some(length) = length.filter(|length| *length < rest.len()) {
                return Ok(length);
            }
            let held = rest.len();
            if !self.fill()? {
                let nothing_opened = !matches!(self.rest().first(), Some(b'"' | b'{' | b'['));
                let ended = length.or(nothing_opened.then_some(held));
                return ended.ok_or(DamageError::Truncated { at: self.bytes() });
            }
        }
    }

    /// Goes on behind the value that comes next.
    pub(crate) fn skip(&mut self) -> Result<(), DamageError> {
        let length = self.value()?;
        self.take(length);
        Ok(())
    }

    /// Goes on behind the bracket that closes the object at hand.
    pub(crate) fn leave_object(&mut self) -> Result<(), DamageError> {
        loop {
            if let Some(length) = brackets_end(self.rest(), 1) {
                self.take(length);
                return Ok(());
            }
            if !self.fill()? {
                return Err(DamageError::Truncated { at: self.bytes() });
            }
        }
    }

    /// Calls `each` at every element of the list whose bracket comes next; it takes the element.
    pub(crate) fn list<E: From<DamageError>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.take(1);
        if self.expect()? == b']' {
            self.take(1);
            return Ok(());
        }
        loop {
            each(self)?;
            if !self.goes_on(b']')? {
                return Ok(());
            }
        }
    }

    /// Calls `each` with every key (and its quotes) of the object that comes next; it takes the value.
    pub(crate) fn object(
        &mut self,
        mut each: impl FnMut(&[u8], &mut Self) -> Result<(), DamageError>,
    ) -> Result<(), DamageError> {
        if self.expect()? != b'{' {
            return Err(self.unexpected());
        }
        self.take(1);
        if self.expect()? == b'}' {
            self.take(1);
            return Ok(());
        }
        loop {
            if self.expect()? != b'"' {
                return Err(self.unexpected());
            }
            let length = self.value()?;
            let key = self.text(length).to_owned();
            self.take(length);
            if self.expect()? != b':' {
                return Err(self.unexpected());
            }
            self.take(1);
            each(&key, self)?;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    /// Takes the comma before another value, or the bracket that closes the list or object.
    fn goes_on(&mut self, close: u8) -> Result<bool, DamageError> {
        match self.expect()? {
            b',' => self.take(1),
            byte if byte == close => {
                self.take(1);
                return Ok(false);
            }
            _ => return Err(self.unexpected()),
        }
        Ok(true)
    }
}

/// Behind the JSON value that begins `text`, if one does.
fn json_end(text: &[u8]) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// Behind what begins `text`, within so many brackets: at the bracket or quote that closes it, or
/// before what cannot belong to it.
fn brackets_end(text: &[u8], mut depth: usize) -> Option<usize> {
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                let mut escaped = false;
                let (end, _) = bytes.find(|(_, byte)| {
                    let ends = **byte == b'"' && !escaped;
                    escaped = **byte == b'\\' && !escaped;
                    ends
                })?;
                if depth == 0 {
                    return Some(end + 1);
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b':' if depth == 0 => return Some(at),
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}
