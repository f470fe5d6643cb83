//! Where a command writes: data to standard output, everything else to standard error.
//!
//! A write to standard output that fails ends the command (`io::Error` goes up to [`crate::run`],
//! where a closed pipe is no error); a write to standard error that fails is ignored, because
//! there is nobody left to tell.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use guard::Severity;

use crate::hostile::shown;
use crate::progress::Progress;

/// Standard output and standard error of one command.
pub struct Streams<'a> {
    /// Data.
    pub out: &'a mut (dyn Write + Send),
    /// Colours for `out`.
    pub paint: Paint,
    err: &'a mut dyn Write,
    err_paint: Paint,
    /// Standard error is a terminal, so that progress may be drawn on it.
    progress: bool,
}

impl<'a> Streams<'a> {
    /// Streams over any two writers.
    pub fn new(
        out: &'a mut (dyn Write + Send),
        paint: Paint,
        err: &'a mut dyn Write,
        err_paint: Paint,
    ) -> Self {
        Self {
            out,
            paint,
            err,
            err_paint,
            progress: false,
        }
    }

    /// The same, with progress on standard error.
    #[must_use]
    pub fn with_progress(self, progress: bool) -> Self {
        Self { progress, ..self }
    }

    /// One sentence about what went wrong.
    pub fn error(&mut self, sentence: impl fmt::Display) {
        self.note(Tone::Bad, "error", &sentence);
    }

    /// What went wrong, and what caused it, in one line.
    pub fn failure(&mut self, error: &dyn Error) {
        // What a service answered may have lines and names of its own.
        let text = chain(error)
            .lines()
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ");
        self.error(shown(text));
    }

    /// One sentence about what the reader should know before trusting the answer.
    pub fn warning(&mut self, sentence: impl fmt::Display) {
        self.note(Tone::Warn, "warning", &sentence);
    }

    /// What went right, where the data itself does not say so.
    pub fn remark(&mut self, sentence: impl fmt::Display) {
        drop(writeln!(self.err, "{sentence}"));
    }

    /// The beginning of a line on which a person is to answer.
    pub fn prompt(&mut self, question: impl fmt::Display) {
        drop(write!(self.err, "{question}").and_then(|()| self.err.flush()));
    }

    /// A block that was laid out already.
    pub fn raw_error(&mut self, render: impl FnOnce(Paint) -> String) {
        let text = render(self.err_paint);
        drop(self.err.write_all(text.as_bytes()));
    }

    /// Is a line of progress drawn at all? What it needs to know may cost something.
    pub(crate) fn draws_progress(&self) -> bool {
        self.progress
    }

    /// Standard output, and the line of progress on standard error for work on `total` bytes.
    pub(crate) fn out_and_progress(
        &mut self,
        total: u64,
    ) -> (&mut (dyn Write + Send), Progress<'_>) {
        (
            &mut *self.out,
            Progress::new(&mut *self.err, self.progress, total),
        )
    }

    fn note(&mut self, tone: Tone, label: &str, sentence: &dyn fmt::Display) {
        drop(writeln!(
            self.err,
            "{}: {sentence}",
            self.err_paint.tone(tone, label)
        ));
    }

    /// Ends a command's output.
    ///
    /// # Errors
    ///
    /// Standard output does not take it.
    pub fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Gathers many small pieces into few large ones: a piece goes where it belongs without a call to
/// a writer that only the running program knows. What is left is to be flushed.
pub(crate) struct Gathered<'o> {
    out: &'o mut (dyn Write + Send),
    held: Vec<u8>,
}

/// So much is gathered before it is handed on.
const GATHERED_BYTES: usize = 32 * 1024;

impl<'o> Gathered<'o> {
    pub(crate) fn new(out: &'o mut (dyn Write + Send)) -> Self {
        Self {
            out,
            // A piece may go beyond.
            held: Vec::with_capacity(GATHERED_BYTES + 4096),
        }
    }

    #[cold]
    fn hand_on(&mut self) -> io::Result<()> {
        self.out.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }
}

impl Write for Gathered<'_> {
    #[inline]
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece)?;
        Ok(piece.len())
    }

    #[inline]
    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(piece);
        if self.held.len() > GATHERED_BYTES {
            self.hand_on()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }
}

/// A number of things, in words.
pub(crate) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// An error and its causes, `: ` between them.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// What a colour means. The words say the same without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// An error, or a severity of HIGH and above.
    Bad,
    /// A warning, or MEDIUM.
    Warn,
    /// Approved, allowed.
    Good,
    /// Where something is, or a rule drawn beside a text.
    Quiet,
    /// A heading.
    Strong,
}

impl Tone {
    /// The colour of a severity.
    pub fn of(severity: Severity) -> Self {
        match severity {
            Severity::Critical | Severity::High => Self::Bad,
            Severity::Medium => Self::Warn,
            Severity::Low | Severity::Informational => Self::Quiet,
        }
    }
}

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// No colours.
    pub const PLAIN: Self = Self { on: false };

    /// Colours if `on`.
    pub fn new(on: bool) -> Self {
        Self { on }
    }

    /// Are there colours?
    pub fn is_on(self) -> bool {
        self.on
    }

    /// `text` in the colour of `tone`.
    pub fn tone<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        Painted {
            on: self.on,
            tone,
            text,
        }
    }
}

/// A text and its colour.
#[derive(Debug)]
pub struct Painted<T> {
    on: bool,
    tone: Tone,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.on {
            return self.text.fmt(f);
        }
        let code = match self.tone {
            Tone::Bad => "1;31",
            Tone::Warn => "33",
            Tone::Good => "32",
            Tone::Quiet => "2",
            Tone::Strong => "1",
        };
        write!(f, "\x1b[{code}m")?;
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}
