//! Editing a rules file without touching a byte of what the edit is not about.
//!
//! YAML has many ways to write a list, and a place found by looking at lines may be wrong. So edits
//! are only proposed, the likeliest first; the one is taken after which the file, read again, says
//! exactly what it is to say.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use guard::rules::RulesFile;

use super::yaml::parse;
use crate::output::{WriteError, replace};
use crate::terminal_escape::escaped;

/// A text, and what it replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The bytes that go.
    pub(crate) at: Range<usize>,
    /// The text that comes.
    pub(crate) text: String,
}

impl Edit {
    /// A text that is put before a byte.
    pub(crate) fn insertion(at: usize, text: String) -> Self {
        Self { at: at..at, text }
    }

    /// The file with it.
    fn applied(&self, file: &str) -> Option<String> {
        let before = file.get(..self.at.start)?;
        let after = file.get(self.at.end..)?;
        Some(format!("{before}{}{after}", self.text))
    }

    /// The line on which it begins, from 1.
    pub(crate) fn line(&self, file: &str) -> usize {
        let before = file.get(..self.at.start).unwrap_or(file);
        let blank = self.text.len() - self.text.trim_start_matches(['\r', '\n']).len();
        let newlines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        1 + newlines(before) + newlines(self.text.get(..blank).unwrap_or_default())
    }
}

/// The first of `proposals` after which `text` says `wanted`, and the text with it.
pub(crate) fn proven(
    text: &str,
    wanted: &RulesFile,
    proposals: impl IntoIterator<Item = Edit>,
) -> Option<(Edit, String)> {
    proposals.into_iter().find_map(|edit| {
        let new = edit.applied(text)?;
        (parse(&new).ok()? == *wanted).then_some((edit, new))
    })
}

/// A reason why the edited file was not saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SaveError {
    #[error("cannot read {} again", escaped(.path.display().to_string()))]
    Read { path: PathBuf, source: io::Error },
    #[error("{} has been changed meanwhile; nothing was written", escaped(.0.display().to_string()))]
    Changed(PathBuf),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Where the file is that `path` names, if it still says `before`: a link stays a link, and what it
/// leads to is replaced.
pub(crate) fn unchanged(path: &Path, before: &str) -> Result<PathBuf, SaveError> {
    let failed = |source| SaveError::Read {
        path: path.to_owned(),
        source,
    };
    let file = fs::canonicalize(path).map_err(failed)?;
    match fs::read_to_string(&file).map_err(failed)? == before {
        true => Ok(file),
        false => Err(SaveError::Changed(path.to_owned())),
    }
}

/// Replaces a file that still says `before`.
pub(crate) fn save(path: &Path, before: &str, after: &str) -> Result<(), SaveError> {
    let file = unchanged(path, before)?;
    Ok(replace(&file, after.as_bytes())?)
}

/// The lines of a file, counted from 1.
pub(crate) struct Lines<'a> {
    lines: Vec<&'a str>,
}

impl<'a> Lines<'a> {
    /// The lines of this text.
    pub(crate) fn of(text: &'a str) -> Self {
        Self {
            lines: text.split_inclusive('\n').collect(),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lines.len()
    }

    /// A line without its end.
    pub(crate) fn get(&self, line: usize) -> &'a str {
        let index = line.checked_sub(1);
        index
            .and_then(|index| self.lines.get(index))
            .map_or("", |line| line.trim_end())
    }

    /// The byte behind a line.
    pub(crate) fn after(&self, line: usize) -> usize {
        self.lines.iter().take(line).map(|line| line.len()).sum()
    }

    /// The byte at which a column of a line stands, both from 1, as characters are counted.
    pub(crate) fn byte(&self, line: usize, column: usize) -> Option<usize> {
        let text = self.lines.get(line.checked_sub(1)?)?;
        let before: usize = text
            .chars()
            .take(column.checked_sub(1)?)
            .map(char::len_utf8)
            .sum();
        Some(self.after(line - 1) + before)
    }

    /// Nothing stands on it.
    pub(crate) fn is_blank(&self, line: usize) -> bool {
        self.get(line).is_empty()
    }

    /// Does a line begin, unindented, with this key and nothing else but a comment behind it?
    pub(crate) fn is_key(&self, line: usize, key: &str) -> bool {
        let rest = self.get(line).strip_prefix(key);
        let rest = rest.and_then(|rest| rest.trim_start().strip_prefix(':'));
        rest.is_some_and(|rest| rest.trim().is_empty() || rest.trim_start().starts_with('#'))
    }

    /// The line at or above `line`, below `section`, with the dash of an entry, and its
    /// indentation.
    pub(crate) fn dash_before(&self, line: usize, section: usize) -> Option<(usize, usize)> {
        (section + 1..=line).rev().find_map(|line| {
            let text = self.get(line);
            let trimmed = text.trim_start_matches(' ');
            let dash = trimmed == "-" || trimmed.starts_with("- ");
            dash.then(|| (line, text.len() - trimmed.len()))
        })
    }

    /// The last line of the entry whose dash stands on line `start` with this indentation: what
    /// belongs to it is indented more, and comments below it may belong to what follows.
    pub(crate) fn end_of_entry(&self, start: usize, indent: usize) -> usize {
        let mut end = start;
        for line in start + 1..=self.lines.len() {
            let text = self.get(line);
            let trimmed = text.trim_start_matches(' ');
            if trimmed.is_empty() {
                continue;
            }
            let deeper = text.len() - trimmed.len() > indent;
            match (trimmed.starts_with('#'), deeper) {
                (true, true) => end = line,
                (true, false) => {}
                (false, true) => end = line,
                (false, false) => break,
            }
        }
        end
    }
}
