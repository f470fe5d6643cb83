//! An error that points into a text: what is wrong, where, and what was meant.

use std::fmt::Write;

use policy::ParseError;

use crate::hostile::shown;
use crate::streams::{Paint, Tone};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The file cannot be used.
    Error,
    /// It can, and somebody should look.
    Warning,
}

/// A stretch of a text, within one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
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
    /// Whether it can be lived with.
    pub(crate) weight: Weight,
    /// What is wrong: lower case, no full stop.
    pub(crate) message: String,
    /// Where; `None` for the file as a whole.
    pub(crate) place: Option<Place>,
    /// What was meant.
    pub(crate) help: Option<String>,
}

impl Diagnostic {
    /// Lays it out, with the line of `text` and a caret under it.
    pub(crate) fn render(&self, file: &str, text: &str, paint: Paint) -> String {
        let (tone, label) = match self.weight {
            Weight::Error => (Tone::Bad, "error"),
            Weight::Warning => (Tone::Warn, "warning"),
        };
        let mut block = format!("{}: {}\n", paint.tone(tone, label), shown(&self.message));
        let place = self.place;
        let number = place
            .map(|place| place.line.to_string())
            .unwrap_or_default();
        let margin = " ".repeat(number.len());
        let bar = paint.tone(Tone::Quiet, "|");
        let at = match place {
            Some(place) => format!("{}:{}:{}", shown(file), place.line, place.column),
            None => shown(file).to_string(),
        };
        // Writing to a String does not fail.
        let _ = writeln!(block, "{margin}{} {at}", paint.tone(Tone::Quiet, "-->"));
        let line =
            place.and_then(|place| Some((place, text.lines().nth(place.line.checked_sub(1)?)?)));
        if let Some((place, line)) = line {
            let piece = excerpt(line, place);
            let _ = writeln!(block, "{margin} {bar}");
            let quiet = paint.tone(Tone::Quiet, &number);
            let _ = writeln!(
                block,
                "{quiet} {bar} {}{}{}",
                piece.before, piece.marked, piece.after
            );
            let indent = " ".repeat(piece.before.chars().count());
            let carets = "^".repeat(piece.marked.chars().count().max(1));
            let _ = writeln!(block, "{margin} {bar} {indent}{}", paint.tone(tone, carets));
        }
        if let Some(help) = &self.help {
            let _ = writeln!(
                block,
                "{margin} {} help: {}",
                paint.tone(Tone::Quiet, "="),
                shown(help)
            );
        }
        block
    }
}

/// What is no policy document, pointed at.
pub(crate) fn no_policy(error: &ParseError) -> Diagnostic {
    let at = |line: u32, column: u32| {
        let number = |part: u32| usize::try_from(part).unwrap_or(usize::MAX);
        Some(Place {
            line: number(line),
            column: number(column),
            length: 1,
        })
    };
    let (message, place) = match error {
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
        weight: Weight::Error,
        message,
        place,
        help: None,
    }
}

/// Part of a line, as it is shown.
struct Excerpt {
    before: String,
    marked: String,
    after: String,
}

/// What fits beside a margin on a narrow terminal; a compiled file may be one line of megabytes.
const BEFORE: usize = 60;
const MARKED: usize = 60;
const AFTER: usize = 20;

fn excerpt(line: &str, place: Place) -> Excerpt {
    let start = place.column.saturating_sub(1);
    let skipped = start.saturating_sub(BEFORE);
    let part = |skip: usize, take: usize| {
        // A tab would be drawn as wide as the terminal likes; its escape has a known width.
        shown(line.chars().skip(skip).take(take).collect::<String>()).to_string()
    };
    let length = place.length.min(MARKED);
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

    fn place(line: usize, column: usize, length: usize) -> Option<Place> {
        Some(Place {
            line,
            column,
            length,
        })
    }

    #[test]
    fn the_caret_stands_under_what_is_meant() {
        let diagnostic = Diagnostic {
            weight: Weight::Error,
            message: "unknown key `vendros`".into(),
            place: place(2, 1, 7),
            help: Some("did you mean `vendors`?".into()),
        };
        assert_eq!(
            diagnostic.render("access.yaml", "version: 1\nvendros: []\n", Paint::PLAIN),
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
            weight: Weight::Warning,
            message: "odd".into(),
            place: place(1, 5, 1),
            help: None,
        };
        assert_eq!(
            diagnostic.render("a\nb", "\u{1b}[2Kx", Paint::PLAIN),
            "warning: odd\n --> a\\nb:1:5\n  |\n1 | \\u{1b}[2Kx\n  |          ^\n"
        );
    }

    #[test]
    fn a_place_outside_the_text_is_only_named() {
        for (line, column) in [(0, 0), (9, 1), (1, 900)] {
            let diagnostic = Diagnostic {
                weight: Weight::Error,
                message: "m".into(),
                place: place(line, column, 3),
                help: None,
            };
            assert!(
                diagnostic
                    .render("f", "one line", Paint::PLAIN)
                    .contains("f:")
            );
        }
    }
}
