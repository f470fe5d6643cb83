//! Names from an account, a log or a policy are written by whoever could create them. Escaped as
//! they are, they could move the cursor, recolor a verdict, or reverse the order of the letters.

use std::fmt;

/// `text` on one line, with everything that a terminal would act upon, or that a reader would
/// not see, written as an escape.
pub(crate) fn escaped<T: AsRef<str>>(text: T) -> Escaped<T> {
    Escaped(text)
}

/// A text with its escapes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Escaped<T>(T);

impl<T: AsRef<str>> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for character in self.0.as_ref().chars() {
            match character {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                _ if is_hidden(character) => write!(f, "\\u{{{:x}}}", u32::from(character))?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// Would [`escaped`] change this line?
pub(crate) fn needs_escapes(line: &str) -> bool {
    line.chars().any(is_hidden)
}

/// Characters that have no ink of their own, or that change how others are drawn.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // zero width, left-to-right and right-to-left marks
            | '\u{200b}'..='\u{200f}'
            // line and paragraph separators, embeddings and overrides
            | '\u{2028}'..='\u{202e}'
            // invisible operators, isolates, deprecated formatting
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_as_an_instruction() {
        let cases = [
            ("plain-Name_1.2@x", "plain-Name_1.2@x"),
            ("Zürich 東京", "Zürich 東京"),
            ("a\x1b[31mred", "a\\u{1b}[31mred"),
            ("a\u{9b}31m", "a\\u{9b}31m"),
            ("line\nbreak\r\ttab", "line\\nbreak\\r\\ttab"),
            ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("\u{7f}\u{0}", "\\u{7f}\\u{0}"),
        ];
        for (text, expected) in cases {
            assert_eq!(escaped(text).to_string(), expected);
        }
    }
}
