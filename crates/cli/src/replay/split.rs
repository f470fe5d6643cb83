//! From a stream of bytes to the text of one record after the other.
//!
//! A log is a JSON document (`{"Records":[…]}`, a list, or one object), or JSON Lines, or documents
//! one after the other. Splitting needs no more than brackets and quotes, so memory is that of the
//! largest record, not of the file. What stands between the brackets is judged by whoever parses
//! the record.

use std::io::{self, Read};

/// Longest single value that is held in memory. CloudTrail's own records end at 256 KB.
pub(crate) const MOST_VALUE_BYTES: usize = 64 << 20;

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
    /// What looks like one record.
    Record(&'a [u8]),
    /// A line that is no JSON value. The next line is another matter.
    BadLine,
}

/// Gives every record of `reader` to `take`, in order. `lines` says that each line stands alone;
/// without it, the beginning decides.
pub(crate) fn split<R: Read>(
    reader: R,
    lines: bool,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), SplitError> {
    split_within(MOST_VALUE_BYTES, reader, lines, take)
}

fn split_within<R: Read>(
    most: usize,
    reader: R,
    lines: bool,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), SplitError> {
    let mut window = Window::new(reader, most);
    if lines || window.begins_with_a_line_of_json()? {
        return split_lines(&mut window, take);
    }
    let mut any = false;
    while let Some(byte) = window.skip_blank()? {
        any = true;
        document(&mut window, byte, take)?;
    }
    if any { Ok(()) } else { Err(SplitError::Empty) }
}

/// Each line for itself, so that a damaged one does not take the next with it.
fn split_lines<R: Read>(
    window: &mut Window<R>,
    take: &mut dyn FnMut(Piece<'_>),
) -> Result<(), SplitError> {
    while let Some(line) = window.line()? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let mut inner = Window::new(line, line.len());
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
    window: &mut Window<R>,
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
    window: &mut Window<R>,
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
                    Some(_) => take(Piece::Record(window.value()?)),
                }
            }
            Some(b',' | b'}' | b':') => return Err(window.unexpected()),
            Some(_) if first => take(Piece::Record(window.value()?)),
            Some(_) => return Err(window.unexpected()),
        }
        first = false;
    }
}

/// Might this object hold a list of records behind other keys? Only then is it worth a parse.
fn looks_wrapped(value: &[u8]) -> bool {
    const KEY: &[u8] = b"\"Records\"";
    value.windows(KEY.len()).any(|window| window == KEY)
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
struct Window<R> {
    reader: R,
    /// Longest value that is held.
    most: usize,
    buffer: Vec<u8>,
    /// Where the next unread byte stands in `buffer`.
    start: usize,
    /// How many bytes of the stream lie before `buffer`.
    before: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    fn new(reader: R, most: usize) -> Self {
        Self {
            reader,
            most,
            buffer: Vec::new(),
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
        // What was used is given up only when it is at least as much as what is moved.
        if self.start > 0 && self.start >= self.rest().len() {
            self.buffer.drain(..self.start);
            self.before += self.start as u64;
            self.start = 0;
        }
        let old = self.buffer.len();
        self.buffer.resize(old + CHUNK_BYTES, 0);
        let space = self.buffer.get_mut(old..).unwrap_or_default();
        let read = loop {
            match self.reader.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
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
            let found = self
                .rest()
                .iter()
                .skip(seen)
                .position(|byte| *byte == b'\n');
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
            let end = self.rest().iter().position(|byte| *byte == b'\n');
            if let Some(line) = end.and_then(|end| self.rest().get(..end)) {
                return Ok(serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok());
            }
            if self.rest().len() > SNIFF_BYTES || !self.fill()? {
                return Ok(false);
            }
        }
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
        let mut scan = Scan {
            depth: 1,
            ..Scan::default()
        };
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

/// Where in a value the bytes are.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    quoted: bool,
    escaped: bool,
    /// A number or a word has begun: it ends before the next byte that is none of it.
    bare: bool,
}

impl Scan {
    /// How many of `bytes` still belong to the value, if it ends among them.
    fn run(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            if self.quoted {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.quoted = false;
                        if self.depth == 0 {
                            return Some(index + 1);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.quoted = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(index + 1);
                    }
                }
                b'}' | b']' | b',' | b':' if self.depth == 0 => return Some(index),
                _ if byte.is_ascii_whitespace() && self.depth == 0 && self.bare => {
                    return Some(index);
                }
                _ => self.bare = true,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
