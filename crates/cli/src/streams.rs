//! Where a command writes: data to standard output, everything else to standard error.
//!
//! A write to standard output that fails ends the command (`io::Error` goes up to [`crate::run`],
//! where a closed pipe is no error); a write to standard error that fails is ignored, because
//! there is nobody left to tell.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use guard::Severity;

use crate::progress::Progress;
use crate::terminal_escape::escaped;
pub(crate) use guard::ports::chain;

/// Standard output and standard error of one command.
pub struct Streams<'a> {
    /// Data.
    pub out: &'a mut (dyn Write + Send),
    /// Colors for `out`.
    pub colors: Colors,
    err: &'a mut dyn Write,
    err_colors: Colors,
    /// Standard error is a terminal, so that progress may be drawn on it.
    progress: bool,
}

impl<'a> Streams<'a> {
    /// Streams over any two writers.
    pub fn new(
        out: &'a mut (dyn Write + Send),
        colors: Colors,
        err: &'a mut dyn Write,
        err_colors: Colors,
    ) -> Self {
        Self {
            out,
            colors,
            err,
            err_colors,
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
        self.note(Style::Bad, "error", &sentence);
    }

    /// Says what went wrong, and what caused it, in one line.
    pub fn failure(&mut self, error: &dyn Error) {
        self.error(escaped(one_line(error)));
    }

    /// Says what is wrong with an input, and what caused it, in one line.
    pub(crate) fn unusable(&mut self, name: &str, why: &str, cause: &dyn Error) {
        let (name, cause) = (escaped(name), escaped(one_line(cause)));
        self.error(format_args!("{name} {why}: {cause}"));
    }

    /// The result; an error is printed.
    pub(crate) fn ok<T, E: Error + 'static>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.failure(&error)).ok()
    }

    /// One sentence about what the reader should know before trusting the answer.
    pub fn warning(&mut self, sentence: impl fmt::Display) {
        self.note(Style::Warn, "warning", &sentence);
    }

    /// Says what went right, where the data itself does not.
    pub fn remark(&mut self, sentence: impl fmt::Display) {
        drop(writeln!(self.err, "{sentence}"));
    }

    /// The beginning of a line on which a person is to answer.
    pub fn prompt(&mut self, question: impl fmt::Display) {
        drop(write!(self.err, "{question}").and_then(|()| self.err.flush()));
    }

    /// A block that was laid out already.
    pub fn raw_error(&mut self, render: impl FnOnce(Colors) -> String) {
        let text = render(self.err_colors);
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

    fn note(&mut self, style: Style, label: &str, sentence: &dyn fmt::Display) {
        drop(writeln!(
            self.err,
            "{}: {sentence}",
            self.err_colors.style(style, label)
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

/// [`chain`] on one line: what a service answered may have lines of its own.
fn one_line(error: &dyn Error) -> String {
    let text = chain(error);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ")
}

/// The meaning of a color. The words say the same without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
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

impl Style {
    /// The color of a severity.
    pub fn of(severity: Severity) -> Self {
        match severity {
            Severity::Critical | Severity::High => Self::Bad,
            Severity::Medium => Self::Warn,
            Severity::Low | Severity::Informational => Self::Quiet,
        }
    }
}

/// Colors, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colors {
    on: bool,
}

impl Colors {
    /// No colors.
    pub const PLAIN: Self = Self { on: false };

    /// Colors if `on`.
    pub fn new(on: bool) -> Self {
        Self { on }
    }

    /// Are there colors?
    pub fn is_on(self) -> bool {
        self.on
    }

    /// `text` in the color of `style`.
    pub fn style<T: fmt::Display>(self, style: Style, text: T) -> Styled<T> {
        Styled {
            on: self.on,
            style,
            text,
        }
    }
}

/// A text and its color.
#[derive(Debug)]
pub struct Styled<T> {
    on: bool,
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.on {
            return self.text.fmt(f);
        }
        let code = match self.style {
            Style::Bad => "1;31",
            Style::Warn => "33",
            Style::Good => "32",
            Style::Quiet => "2",
            Style::Strong => "1",
        };
        write!(f, "\x1b[{code}m")?;
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}
