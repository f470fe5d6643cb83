//! From a stream of bytes to the text of one record after the other.
//!
//! A log is a JSON document (`{"Records":[…]}`, a list, or one object), or JSON Lines, or documents
//! one after the other. Splitting needs no more than brackets and quotes, so memory is that of the
//! largest record, not of the file. What stands between the brackets is judged by whoever parses
//! the record.

mod scan;

use std::borrow::Cow;
use std::io::{self, Read};

use guard::cloudtrail::is_ordinary;
use scan::Scan;

use super::inflate::Content;
use super::ordinary::{Ordinary, ordinary};

/// Longest single value that is held in memory. CloudTrail's own records end at 256 KB.
pub(crate) const MOST_VALUE_BYTES: usize = 8 << 20;

/// How much is read at a time.
const CHUNK_BYTES: usize = 128 * 1024;

/// As much of the beginning as decides whether a stream is one value a line.
const SNIFF_BYTES: usize = 1 << 20;

/// Why the rest of a stream cannot be split.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SplitError {
    /// The bytes below fail: the disk, or the compression.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It ends within a value.
    #[error("it ends in the middle of a record (byte {at})")]
    Truncated {
        /// How many bytes there are.
        at: u64,
    },
    /// It is no JSON.
    #[error("it is not JSON: {found} at byte {at}")]
    NotJson {
        /// What stands there.
        found: String,
        /// Where, from 0.
        at: u64,
    },
    /// One value is too large to be held.
    #[error("one record is larger than {most} bytes (from byte {at})")]
    TooLarge {
        /// What would have been held.
        most: usize,
        /// Where it begins, from 0.
        at: u64,
    },
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
}

/// A piece of a log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A record that the sieve keeps back, and JSON beyond doubt.
    Ordinary(Ordinary<'a>),
    /// What looks like one record.
    Record(&'a [u8]),
    /// A line that is no JSON value. The next line is another matter.
    BadLine,
}

/// How to split.
#[derive(Clone, Copy)]
pub(crate) struct Manner<'s> {
    /// Each line stands alone; without it, the beginning decides.
    pub(crate) lines: bool,
    /// Ordinary records are told from the others before they are parsed. The records are the same
    /// without it.
    pub(crate) sieve: Option<Sieve<'s>>,
}

/// Which ordinary records are kept back.
#[derive(Clone, Copy)]
pub(crate) enum Sieve<'s> {
    /// Those that no function acts on.
    Guard {
        /// Time and region are to be known of them, too.
        placed: bool,
    },
    /// Those whose text is nothing to whoever asks.
    Text(&'s (dyn Fn(&[u8]) -> bool + Sync)),
}

/// Gives every record of `content` to `take`, in order. How many bytes it had is added to `bytes`,
/// however it ends.
pub(crate) fn split(
    content: Content<'_>,
    manner: Manner<'_>,
    bytes: &mut u64,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), SplitError> {
    match content {
        Content::Whole(text) => {
            *bytes += text.len() as u64;
            split_window(&mut Window::whole(text, manner.sieve), manner.lines, take)
        }
        Content::Stream(stream) => {
            let mut window = Window::new(stream, MOST_VALUE_BYTES, manner.sieve);
            let ended = split_window(&mut window, manner.lines, take);
            *bytes += window.before + window.buffer.len() as u64;
            ended
        }
    }
}

fn split_window<R: Read>(
    window: &mut Window<'_, R>,
    lines: bool,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), SplitError> {
    if lines {
        return split_lines(window, take);
    }
    let first = window.ended && window.skip_blank()?.is_some();
    let from = window.start;
    let mut any = first && window.opens_records()?;
    if any {
        // A file as CloudTrail delivers it, most likely: no need to look for the end of its first
        // line before something stands behind it.
        elements(window, take)?;
        window.skip_to_end_of_object()?;
        if window.ends_first_of_lines(from) {
            return split_lines(window, take);
        }
    } else if window.begins_with_a_line_of_json()? {
        return split_lines(window, take);
    }
    while let Some(byte) = window.skip_blank()? {
        any = true;
        document(window, byte, take)?;
    }
    if any { Ok(()) } else { Err(SplitError::Empty) }
}

/// Each line for itself, so that a damaged one does not take the next with it.
fn split_lines<R: Read>(
    window: &mut Window<'_, R>,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), SplitError> {
    let sieve = window.sieve;
    while let Some(line) = window.line()? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let mut inner = Window::whole(line, sieve);
        let mut good = Ok(());
        while let (Ok(()), Some(byte)) = (&good, inner.skip_blank()?) {
            good = document(&mut inner, byte, take);
        }
        if good.is_err() {
            take(Piece::BadLine);
        }
    }
    Ok(())
}

/// One top-level value, whose first byte is `first`.
fn document<R: Read>(
    window: &mut Window<'_, R>,
    first: u8,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), SplitError> {
    match first {
        b'[' => {
            window.advance(1);
            elements(window, take)
        }
        b'{' if window.opens_records()? => {
            elements(window, take)?;
            // Whatever follows the list belongs to the same object.
            window.skip_to_end_of_object()
        }
        b'{' => {
            if window.take_ordinary(take) {
                return Ok(());
            }
            let value = window.value()?;
            if looks_wrapped(value) {
                return unwrap(value, take);
            }
            take(Piece::Record(value));
            Ok(())
        }
        _ => Err(window.unexpected()),
    }
}

/// The elements of a list whose bracket has been read.
fn elements<R: Read>(
    window: &mut Window<'_, R>,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), SplitError> {
    let mut first = true;
    loop {
        match window.skip_blank()? {
            None => return Err(window.truncated()),
            Some(b']') => {
                window.advance(1);
                return Ok(());
            }
            Some(b',') if !first => {
                window.advance(1);
                match window.skip_blank()? {
                    None => return Err(window.truncated()),
                    Some(b',' | b']') => return Err(window.unexpected()),
                    Some(_) if window.take_ordinary(take) => {}
                    Some(_) => take(Piece::Record(window.value()?)),
                }
            }
            Some(b',' | b'}' | b':') => return Err(window.unexpected()),
            Some(_) if first && window.take_ordinary(take) => {}
            Some(_) if first => take(Piece::Record(window.value()?)),
            Some(_) => return Err(window.unexpected()),
        }
        first = false;
    }
}

/// Might this object hold a list of records behind other keys? Only then is it worth a parse.
fn looks_wrapped(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"\"Records\"").is_some()
}

#[derive(serde::Deserialize)]
struct Wrapped<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'a serde_json::value::RawValue>,
}

fn unwrap(value: &[u8], take: &mut dyn FnMut(Piece<'_>)) -> Result<(), SplitError> {
    match serde_json::from_slice::<Wrapped<'_>>(value) {
        Ok(wrapped) => {
            for record in wrapped.records {
                take(Piece::Record(record.get().as_bytes()));
            }
        }
        // A record that has the word somewhere inside.
        Err(_) => take(Piece::Record(value)),
    }
    Ok(())
}

/// A part of a stream in memory: from the value at hand to what has been read.
struct Window<'a, R> {
    reader: R,
    /// Longest value that is held.
    most: usize,
    sieve: Option<Sieve<'a>>,
    buffer: Cow<'a, [u8]>,
    /// Where the next unread byte stands in `buffer`.
    start: usize,
    /// How many bytes of the stream lie before `buffer`.
    before: u64,
    ended: bool,
}

impl<'a> Window<'a, io::Empty> {
    /// A stream that is in memory already.
    fn whole(text: &'a [u8], sieve: Option<Sieve<'a>>) -> Self {
        Self {
            reader: io::empty(),
            most: text.len(),
            sieve,
            buffer: Cow::Borrowed(text),
            start: 0,
            before: 0,
            ended: true,
        }
    }
}

impl<'a, R: Read> Window<'a, R> {
    fn new(reader: R, most: usize, sieve: Option<Sieve<'a>>) -> Self {
        Self {
            reader,
            most,
            sieve,
            buffer: Cow::Owned(Vec::new()),
            start: 0,
            before: 0,
            ended: false,
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        self.start = self.buffer.len().min(self.start + bytes);
    }

    fn offset(&self) -> u64 {
        self.before + self.start as u64
    }

    fn truncated(&self) -> SplitError {
        SplitError::Truncated {
            at: self.before + self.buffer.len() as u64,
        }
    }

    fn unexpected(&self) -> SplitError {
        let found = match self.rest().first() {
            Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(*byte)),
            Some(byte) => format!("byte {byte:#04x}"),
            None => "the end".to_owned(),
        };
        SplitError::NotJson {
            found,
            at: self.offset(),
        }
    }

    /// Reads more; `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool, SplitError> {
        if self.ended {
            return Ok(false);
        }
        if self.rest().len() > self.most {
            return Err(SplitError::TooLarge {
                most: self.most,
                at: self.offset(),
            });
        }
        let used = self.start;
        let unused = self.rest().len();
        let buffer = self.buffer.to_mut();
        // What was used is given up only when it is at least as much as what is moved.
        if used > 0 && used >= unused {
            buffer.drain(..used);
            self.before += used as u64;
            self.start = 0;
        }
        let old = buffer.len();
        buffer.resize(old + CHUNK_BYTES, 0);
        let space = buffer.get_mut(old..).unwrap_or_default();
        let read = loop {
            match self.reader.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        Ok(!self.ended)
    }

    /// The next byte that is no white space, without taking it.
    fn skip_blank(&mut self) -> Result<Option<u8>, SplitError> {
        loop {
            let blank = self
                .rest()
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            self.advance(blank);
            if let Some(byte) = self.rest().first() {
                return Ok(Some(*byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The next line, without its end.
    fn line(&mut self) -> Result<Option<&[u8]>, SplitError> {
        let mut seen = 0;
        loop {
            let unseen = self.rest().get(seen..).unwrap_or_default();
            let found = memchr::memchr(b'\n', unseen);
            if let Some(more) = found {
                let from = self.start;
                self.advance(seen + more + 1);
                return Ok(self.buffer.get(from..from + seen + more));
            }
            seen = self.rest().len();
            if !self.fill()? {
                let from = self.start;
                self.advance(seen);
                return Ok(if seen == 0 {
                    None
                } else {
                    self.buffer.get(from..)
                });
            }
        }
    }

    /// Is the first line a JSON value of its own?
    fn begins_with_a_line_of_json(&mut self) -> Result<bool, SplitError> {
        if self.skip_blank()?.is_none() {
            return Ok(false);
        }
        loop {
            let end = memchr::memchr(b'\n', self.rest());
            if let Some((line, after)) = end.and_then(|end| self.rest().split_at_checked(end)) {
                // One line alone is a document, and its records are the same either way.
                let document = matches!(line.trim_ascii_start().first(), Some(b'{' | b'['));
                if document && self.ended && after.trim_ascii().is_empty() {
                    return Ok(false);
                }
                return Ok(serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok());
            }
            if self.rest().len() > SNIFF_BYTES || !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// Whether what was taken from `from` on, of a text that is in memory already, is the first line,
    /// a JSON value of its own, and something stands behind it; then its end is taken, too.
    fn ends_first_of_lines(&mut self, from: usize) -> bool {
        let document = self.buffer.get(from..self.start).unwrap_or_default();
        let rest = self.rest();
        let end = memchr::memchr(b'\n', rest);
        let Some((behind, after)) = end.and_then(|end| rest.split_at_checked(end)) else {
            return false;
        };
        let first = behind
            .iter()
            .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
            && !after.trim_ascii().is_empty()
            && memchr::memchr(b'\n', document).is_none()
            && serde_json::from_slice::<serde::de::IgnoredAny>(document).is_ok();
        let end = behind.len() + 1;
        if first {
            self.advance(end);
        }
        first
    }

    /// Takes `{"Records":[`, if that is what comes.
    fn opens_records(&mut self) -> Result<bool, SplitError> {
        let mut wanted = [&b"{"[..], b"\"Records\"", b":", b"["].into_iter();
        let mut at = 0;
        let Some(mut word) = wanted.next() else {
            return Ok(false);
        };
        loop {
            let rest = self.rest().get(at..).unwrap_or_default();
            let blank = rest
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            let rest = rest.get(blank..).unwrap_or_default();
            if rest.starts_with(word) {
                at += blank + word.len();
                match wanted.next() {
                    Some(next) => word = next,
                    None => {
                        self.advance(at);
                        return Ok(true);
                    }
                }
            } else if !word.starts_with(rest) || !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// Gives the record that begins here to `take` if it is an ordinary one, all of which is in
    /// memory already.
    fn take_ordinary(&mut self, take: &mut dyn FnMut(Piece<'_>)) -> bool {
        let Some(sieve) = self.sieve else {
            return false;
        };
        let rest = self.rest();
        let found = match sieve {
            Sieve::Guard { placed } => ordinary(rest, placed)
                .filter(|found| is_ordinary(found.source, found.name, found.caller)),
            Sieve::Text(matters) => ordinary(rest, false)
                .filter(|found| rest.get(..found.length).is_some_and(|text| !matters(text))),
        };
        let Some(found) = found else { return false };
        let length = found.length;
        take(Piece::Ordinary(found));
        self.advance(length);
        true
    }

    /// Takes the value that begins here. Its brackets match; whether it is JSON is not looked at.
    fn value(&mut self) -> Result<&[u8], SplitError> {
        let mut scan = Scan::default();
        let mut seen = 0;
        let length = loop {
            if let Some(end) = scan.run(self.rest().get(seen..).unwrap_or_default()) {
                break seen + end;
            }
            seen = self.rest().len();
            if !self.fill()? {
                if scan.depth > 0 || scan.quoted {
                    return Err(self.truncated());
                }
                break seen;
            }
        };
        let from = self.start;
        self.advance(length);
        Ok(self.buffer.get(from..from + length).unwrap_or_default())
    }

    /// Goes on behind the bracket that closes the object at hand.
    fn skip_to_end_of_object(&mut self) -> Result<(), SplitError> {
        let mut scan = Scan::in_object();
        loop {
            if let Some(end) = scan.run(self.rest()) {
                self.advance(end);
                return Ok(());
            }
            self.advance(self.rest().len());
            if !self.fill()? {
                return Err(self.truncated());
            }
        }
    }
}

#[cfg(test)]
mod tests;
