//! One page, for a terminal or as markdown. All text on it is somebody else's, and escaped here.

use std::io::{self, Write};

use crate::terminal_escape::escaped;

/// A part of a page.
pub(super) enum Part {
    /// The title.
    Title(String),
    /// A heading.
    Heading(String),
    /// Names and what they are.
    Fields(Vec<(&'static str, String)>),
    /// One line each.
    List(Vec<String>),
}

/// For a terminal.
pub(super) fn text(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    for (index, part) in parts.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        match part {
            Part::Title(title) => writeln!(out, "{gap}{}", escaped(title))?,
            Part::Heading(heading) => {
                writeln!(out, "{gap}{}", escaped(heading))?;
            }
            Part::Fields(fields) => {
                let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, value) in fields {
                    writeln!(out, "  {name:width$}  {}", escaped(value))?;
                }
            }
            Part::List(lines) => {
                for line in lines {
                    writeln!(out, "  - {}", escaped(line))?;
                }
            }
        }
    }
    Ok(())
}

/// As markdown.
pub(super) fn markdown(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        match part {
            Part::Title(title) => writeln!(out, "# {}", literal(title))?,
            Part::Heading(heading) => writeln!(out, "## {}", literal(heading))?,
            Part::Fields(fields) => {
                writeln!(out, "| | |\n|---|---|")?;
                for (name, value) in fields {
                    writeln!(out, "| {name} | {} |", literal(value))?;
                }
            }
            Part::List(lines) => {
                for line in lines {
                    writeln!(out, "- {}", literal(line))?;
                }
            }
        }
    }
    Ok(())
}

/// Text that stays text: no link, no emphasis, no table cell more, no HTML.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for (index, letter) in escaped(text).to_string().chars().enumerate() {
        match letter {
            '<' => literal.push_str("&lt;"),
            '>' => literal.push_str("&gt;"),
            '&' => literal.push_str("&amp;"),
            // A scheme or an address would be made a link.
            ':' | '@' => literal.push_str(&format!("&#{};", u32::from(letter))),
            _ => {
                // These begin a list, and mean nothing elsewhere.
                let list = index == 0 && "+-".contains(letter);
                if list || r"\`*_{}[]()#!|~".contains(letter) {
                    literal.push('\\');
                }
                literal.push(letter);
            }
        }
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_markup() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a|b", r"a\|b"),
            ("[x](javascript:alert)", r"\[x\]\(javascript&#58;alert\)"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("**a** `b` _c_", r"\*\*a\*\* \`b\` \_c\_"),
            ("x\n# y", r"x\\n\# y"),
            ("- a-b", r"\- a-b"),
            ("https://evil.example", "https&#58;//evil.example"),
        ] {
            assert_eq!(literal(text), expected);
        }
    }
}
