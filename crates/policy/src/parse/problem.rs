//! Problems on their way to the reader: a path and an offset now, line and column at the end.

use std::fmt;

use super::reader::Lines;
use crate::answer::Problem;

/// Where a value stands in the document, linked through the calls that read it: costs nothing
/// until a problem is reported.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl Path<'_> {
    pub(crate) fn key<'p>(&'p self, key: &'p str) -> Path<'p> {
        Path::Key(self, key)
    }

    pub(crate) fn index(&self, index: usize) -> Path<'_> {
        Path::Index(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => f.write_str("$"),
            Path::Key(parent, key) => {
                let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric());
                if plain {
                    write!(f, "{parent}.{key}")
                } else {
                    write!(f, "{parent}[{key:?}]")
                }
            }
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

#[derive(Debug)]
struct Found {
    at: usize,
    path: String,
    message: String,
}

/// How many errors, and how many warnings, are listed: a document can hold a hundred thousand, and
/// nobody reads on.
const MOST: usize = 1_000;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    errors: Vec<Found>,
    warnings: Vec<Found>,
}

/// One more, or a last word on those that follow.
fn list(found: &mut Vec<Found>, at: usize, path: &Path<'_>, message: String) {
    if found.len() < MOST {
        found.push(Found {
            at,
            path: path.to_string(),
            message,
        });
    } else if found.len() == MOST {
        let message = format!("and more: only the first {MOST} are listed");
        found.push(Found {
            at,
            path: path.to_string(),
            message,
        });
    }
}

impl Problems {
    pub(crate) fn error(&mut self, at: usize, path: &Path<'_>, message: impl Into<String>) {
        list(&mut self.errors, at, path, message.into());
    }

    pub(crate) fn warning(&mut self, at: usize, path: &Path<'_>, message: impl Into<String>) {
        list(&mut self.warnings, at, path, message.into());
    }

    /// `; did you mean "Action"?` for a word that is nearly one of the known ones, else nothing; nor
    /// where nobody reads it any more.
    pub(crate) fn meant<'k>(&self, word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
        if self.errors.len() > MOST || self.warnings.len() > MOST {
            return String::new();
        }
        meant(word, known)
    }

    /// Errors and warnings, each in the order of the document.
    pub(crate) fn locate(self, text: &str) -> (Vec<Problem>, Vec<Problem>) {
        (locate(self.errors, text), locate(self.warnings, text))
    }
}

fn locate(mut found: Vec<Found>, text: &str) -> Vec<Problem> {
    if found.is_empty() {
        return Vec::new();
    }
    found.sort_by_key(|found| found.at);
    let mut lines = Lines::new(text);
    found
        .into_iter()
        .map(|Found { at, path, message }| {
            let (line, column) = lines.locate(at);
            Problem {
                path,
                line,
                column,
                message,
            }
        })
        .collect()
}

fn meant<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    // Words of the policy language are short; a longer one is no slip of the pen, and the work
    // stays bounded whatever stands in the document.
    if word.len() > 64 {
        return String::new();
    }
    known
        .into_iter()
        .map(|known| (distance(word, known), known))
        .min()
        .filter(|(distance, known)| *distance <= 2.min(known.len() / 3).max(1))
        .map(|(_, known)| format!("; did you mean \"{known}\"?"))
        .unwrap_or_default()
}

/// How many letters must be added, dropped or replaced, case not counting.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().map(|c| c.to_ascii_lowercase()).enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (other, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(*other != letter);
            diagonal = *cell;
            before = replaced.min(before + 1).min(*cell + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// What a message quotes of a long word.
pub(super) fn shorten(word: &str) -> String {
    if word.chars().count() <= 64 {
        word.to_owned()
    } else {
        word.chars().take(61).chain("...".chars()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        let keys = ["Action", "NotAction", "Condition", "Effect"];
        assert_eq!(meant("Conditions", keys), "; did you mean \"Condition\"?");
        assert_eq!(meant("effect", keys), "; did you mean \"Effect\"?");
        assert_eq!(meant("Acton", keys), "; did you mean \"Action\"?");
        assert_eq!(meant("Foo", keys), "");
        assert_eq!(meant("", keys), "");
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "ABC"), 0);
    }

    #[test]
    fn paths_quote_what_is_no_word() {
        let root = Path::Root;
        let statement = root.key("Statement");
        let first = statement.index(0);
        let key = first.key("sts:ExternalId");
        assert_eq!(key.to_string(), "$.Statement[0][\"sts:ExternalId\"]");
    }
}
