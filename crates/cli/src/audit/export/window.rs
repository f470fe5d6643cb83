//! A stream of bytes, of which a part is in memory: the value at hand, and some of what follows.

use std::io::{self, Read};

use super::ExportError;
use super::fields as quick;
use super::scan::{Field, Stop, object, skip_blank, value_end};

/// How much is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Longest single object that is held in memory. A role with all its policies has some hundred
/// kilobytes at most.
const MOST_BYTES: usize = 64 << 20;

pub(super) struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where what is known begins and ends in `buffer`.
    start: usize,
    end: usize,
    /// How many bytes of the stream lie before `buffer`.
    before: u64,
    /// The line of `start`, from 1, where lines are counted.
    line: Option<u64>,
    ended: bool,
}

impl<R: Read> Window<R> {
    pub(super) fn new(reader: R, count_lines: bool) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            before: 0,
            line: count_lines.then_some(1),
            ended: false,
        }
    }

    /// How many bytes of the stream have been used.
    pub(super) fn offset(&self) -> u64 {
        self.before + self.start as u64
    }

    /// On which line the next byte stands, from 1, where lines are counted.
    pub(super) fn line(&self) -> Option<u64> {
        self.line
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        if let Some(line) = &mut self.line {
            let used = self.buffer.get(self.start..self.start + bytes);
            *line += memchr::memchr_iter(b'\n', used.unwrap_or_default()).count() as u64;
        }
        self.start += bytes;
    }

    /// Reads more, at least as much as is held; `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool, ExportError> {
        if self.ended {
            return Ok(false);
        }
        let held = self.end - self.start;
        if held > MOST_BYTES {
            return Err(ExportError::TooLarge { at: self.offset() });
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.before += self.start as u64;
        (self.start, self.end) = (0, held);
        // Twice as much each time: what is scanned again costs no more than what is new.
        let wanted = held.max(CHUNK_BYTES);
        if self.buffer.len() < held + wanted {
            self.buffer.resize(held + wanted, 0);
        }
        let most = held + wanted;
        while self.end < most {
            let space = self.buffer.get_mut(self.end..most).unwrap_or_default();
            match self.reader.read(space) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ExportError::Read(error)),
            }
        }
        Ok(self.end > held)
    }

    /// The next byte that is no white space, without taking it.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, ExportError> {
        loop {
            let blank = skip_blank(self.rest(), 0);
            self.advance(blank);
            if let Some(byte) = self.rest().first() {
                return Ok(Some(*byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The next byte that is no white space; the stream must not end here.
    pub(super) fn expect_more(&mut self) -> Result<u8, ExportError> {
        self.peek()?.ok_or(ExportError::Truncated {
            at: self.before + self.end as u64,
        })
    }

    /// Takes the byte that [`Self::peek`] showed.
    pub(super) fn take(&mut self) {
        self.advance(1);
    }

    /// What stands here is not what may stand here.
    pub(super) fn unexpected(&self) -> ExportError {
        self.bad(0)
    }

    fn bad(&self, at: usize) -> ExportError {
        let found = match self.rest().get(at) {
            Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(*byte)),
            Some(byte) => format!("byte {byte:#04x}"),
            None => "the end".to_owned(),
        };
        ExportError::NotJson {
            found,
            at: self.offset() + at as u64,
        }
    }

    /// The object that begins here, cut into fields. It stays until [`Self::done`].
    pub(super) fn object(&mut self, fields: &mut Vec<Field>) -> Result<usize, ExportError> {
        self.until(|text| quick::fields(text, fields).map_or_else(|| object(text, fields), Ok))
    }

    /// The value that begins here. It stays until [`Self::done`].
    pub(super) fn value(&mut self) -> Result<usize, ExportError> {
        self.until(|text| value_end(text, 0))
    }

    fn until(
        &mut self,
        mut scan: impl FnMut(&[u8]) -> Result<usize, Stop>,
    ) -> Result<usize, ExportError> {
        loop {
            match scan(self.rest()) {
                Ok(length) => return Ok(length),
                Err(Stop::Bad(at)) => return Err(self.bad(at)),
                Err(Stop::More) if self.fill()? => {}
                Err(Stop::More) => {
                    return Err(ExportError::Truncated {
                        at: self.before + self.end as u64,
                    });
                }
            }
        }
    }

    /// The text of what [`Self::object`] or [`Self::value`] found to be so long.
    pub(super) fn text(&self, length: usize) -> &[u8] {
        self.rest().get(..length).unwrap_or_default()
    }

    /// Goes on behind it.
    pub(super) fn done(&mut self, length: usize) {
        self.advance(length);
    }

    /// Goes on behind the value that begins here, without holding all of it.
    pub(super) fn skip_value(&mut self) -> Result<(), ExportError> {
        match self.expect_more()? {
            b'[' => {
                self.take();
                if self.expect_more()? == b']' {
                    self.take();
                    return Ok(());
                }
                loop {
                    let length = self.value()?;
                    self.done(length);
                    match self.expect_more()? {
                        b',' => {
                            self.take();
                            self.expect_more()?;
                        }
                        b']' => {
                            self.take();
                            return Ok(());
                        }
                        _ => return Err(self.unexpected()),
                    }
                }
            }
            _ => {
                let length = self.value()?;
                self.done(length);
                Ok(())
            }
        }
    }
}
