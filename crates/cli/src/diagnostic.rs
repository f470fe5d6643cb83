//! An error that points into a text: what is wrong, where, and what was meant.

use std::fmt::Write;

use guard::rules::Level;
use policy::ParseError;

use crate::streams::{Colors, Style};
use crate::terminal_escape::escaped;

/// A stretch of a text, within one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// 1-based.
    pub(crate) line: usize,
    /// 1-based, in characters.
    pub(crate) column: usize,
    /// In characters; may reach beyond the line's end.
    pub(crate) length: usize,
}

/// One thing to say about one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    pub(crate) level: Level,
    /// The error: lower case, no full stop.
    pub(crate) message: String,
    /// Where; `None` for the file as a whole.
    pub(crate) span: Option<Span>,
    /// The suggestion.
    pub(crate) help: Option<String>,
}

impl Diagnostic {
    /// Lays it out, with the line of `text` and a caret under it.
    pub(crate) fn render(&self, file: &str, text: &str, colors: Colors) -> String {
        let (style, label) = match self.level {
            Level::Error => (Style::Bad, "error"),
            Level::Warning => (Style::Warn, "warning"),
        };
        let mut block = format!(
            "{}: {}\n",
            colors.style(style, label),
            escaped(&self.message)
        );
        let span = self.span;
        let number = span.map(|span| span.line.to_string()).unwrap_or_default();
        let margin = " ".repeat(number.len());
        let bar = colors.style(Style::Quiet, "|");
        let at = match span {
            Some(span) => format!("{}:{}:{}", escaped(file), span.line, span.column),
            None => escaped(file).to_string(),
        };
        // Writing to a String does not fail.
        let _ = writeln!(block, "{margin}{} {at}", colors.style(Style::Quiet, "-->"));
        let line = span.and_then(|span| Some((span, text.lines().nth(span.line.checked_sub(1)?)?)));
        if let Some((span, line)) = line {
            let piece = excerpt(line, span);
            let _ = writeln!(block, "{margin} {bar}");
            let quiet = colors.style(Style::Quiet, &number);
            let _ = writeln!(
                block,
                "{quiet} {bar} {}{}{}",
                piece.before, piece.marked, piece.after
            );
            let indent = " ".repeat(piece.before.chars().count());
            let carets = "^".repeat(piece.marked.chars().count().max(1));
            let _ = writeln!(
                block,
                "{margin} {bar} {indent}{}",
                colors.style(style, carets)
            );
        }
        if let Some(help) = &self.help {
            let _ = writeln!(
                block,
                "{margin} {} help: {}",
                colors.style(Style::Quiet, "="),
                escaped(help)
            );
        }
        block
    }
}

/// The diagnostic of a text that is not a policy document.
pub(crate) fn no_policy(error: &ParseError) -> Diagnostic {
    let at = |line: u32, column: u32| {
        let number = |part: u32| usize::try_from(part).unwrap_or(usize::MAX);
        Some(Span {
            line: number(line),
            column: number(column),
            length: 1,
        })
    };
    let (message, span) = match error {
        ParseError::Json {
            line,
            column,
            message,
        } => (message.clone(), at(*line, *column)),
        ParseError::NotAnObject {
            line,
            column,
            found,
        } => (
            format!("a policy document is a JSON object, this is {found}"),
            at(*line, *column),
        ),
        other => (other.to_string(), None),
    };
    Diagnostic {
        level: Level::Error,
        message,
        span,
        help: None,
    }
}

/// Part of a line, as it is shown.
struct Excerpt {
    before: String,
    marked: String,
    after: String,
}

/// The characters that fit beside a margin on a narrow terminal; a compiled file may be one line of
/// megabytes.
const BEFORE: usize = 60;
const MARKED: usize = 60;
const AFTER: usize = 20;

fn excerpt(line: &str, span: Span) -> Excerpt {
    let start = span.column.saturating_sub(1);
    let skipped = start.saturating_sub(BEFORE);
    let part = |skip: usize, take: usize| {
        // A tab would be drawn as wide as the terminal likes; its escape has a known width.
        escaped(line.chars().skip(skip).take(take).collect::<String>()).to_string()
    };
    let length = span.length.min(MARKED);
    let dots = if skipped > 0 { "…" } else { "" };
    Excerpt {
        before: format!("{dots}{}", part(skipped, start - skipped)),
        marked: part(start, length),
        after: part(
            start + length,
            AFTER.max(100_usize.saturating_sub(start - skipped + length)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(line: usize, column: usize, length: usize) -> Option<Span> {
        Some(Span {
            line,
            column,
            length,
        })
    }

    #[test]
    fn the_caret_stands_under_what_is_meant() {
        let diagnostic = Diagnostic {
            level: Level::Error,
            message: "unknown key `vendros`".into(),
            span: span(2, 1, 7),
            help: Some("did you mean `vendors`?".into()),
        };
        assert_eq!(
            diagnostic.render("access.yaml", "version: 1\nvendros: []\n", Colors::PLAIN),
            "error: unknown key `vendros`\n\
             \x20--> access.yaml:2:1\n\
             \x20 |\n\
             2 | vendros: []\n\
             \x20 | ^^^^^^^\n\
             \x20 = help: did you mean `vendors`?\n"
        );
    }

    #[test]
    fn a_hostile_line_moves_nothing() {
        let diagnostic = Diagnostic {
            level: Level::Warning,
            message: "odd".into(),
            span: span(1, 5, 1),
            help: None,
        };
        assert_eq!(
            diagnostic.render("a\nb", "\u{1b}[2Kx", Colors::PLAIN),
            "warning: odd\n --> a\\nb:1:5\n  |\n1 | \\u{1b}[2Kx\n  |          ^\n"
        );
    }

    #[test]
    fn a_place_outside_the_text_is_only_named() {
        for (line, column) in [(0, 0), (9, 1), (1, 900)] {
            let diagnostic = Diagnostic {
                level: Level::Error,
                message: "m".into(),
                span: span(line, column, 3),
                help: None,
            };
            assert!(
                diagnostic
                    .render("f", "one line", Colors::PLAIN)
                    .contains("f:")
            );
        }
    }
}
