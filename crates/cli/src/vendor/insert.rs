//! Putting an entry into a rules file without touching a byte of what stands there.
//!
//! YAML has many ways to write a list, and a place found by looking at lines may be wrong. So
//! places are only proposed here, the likeliest first; the one is taken at which the file, read
//! again, says what it said before and the entry.

use guard::rules::{RulesFile, Vendor};

use super::entry::{block, flow};
use crate::rules::yaml::{Places, Step, parse};

/// No more places than these are tried in a file that is written in brackets.
const MOST_BRACKETS: usize = 200;

/// A text and where to put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Insertion {
    /// The byte before which it goes.
    at: usize,
    /// The text that goes there.
    text: String,
}

impl Insertion {
    /// The file with it.
    fn file_with(&self, file: &str) -> Option<String> {
        let (before, after) = file.split_at_checked(self.at)?;
        Some(format!("{before}{}{after}", self.text))
    }

    /// The line on which it begins, from 1.
    pub(super) fn line(&self, file: &str) -> usize {
        let before = file.get(..self.at).unwrap_or(file);
        let blank = self.text.len() - self.text.trim_start_matches(['\r', '\n']).len();
        let newlines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        1 + newlines(before) + newlines(self.text.get(..blank).unwrap_or_default())
    }

    /// The text that is put in, without blank lines around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim_matches(['\r', '\n'])
    }
}

/// Where `vendor` goes in `file`, whose text is `text`, and the text with it; `None` where no
/// place does.
pub(super) fn insert(text: &str, file: &RulesFile, vendor: &Vendor) -> Option<(Insertion, String)> {
    let mut wanted = file.clone();
    wanted.vendors.push(vendor.clone());
    proposals(text, file, vendor)
        .into_iter()
        .find_map(|proposal| {
            let new = proposal.file_with(text)?;
            (parse(&new).ok()? == wanted).then_some((proposal, new))
        })
}

fn proposals(text: &str, file: &RulesFile, vendor: &Vendor) -> Vec<Insertion> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines = Lines::of(text);
    let places = Places::read(text);
    let place = |steps: &[Step<'_>], key| {
        let steps = steps.iter().cloned();
        places
            .as_ref()
            .and_then(|places| places.find(steps, key, text))
    };
    let section = place(&[Step::Key("vendors")], true)
        .filter(|place| lines.is_key(place.line, "vendors"))
        .map(|place| place.line);
    let mut proposals = Vec::new();
    let mut propose = |at: usize, before: &str, indent: &str| {
        let entry: String = block(vendor)
            .iter()
            .map(|line| format!("{indent}{line}{newline}"))
            .collect();
        // The last line of a file may lack its end.
        let missing = at > 0 && !text.get(..at).is_some_and(|text| text.ends_with('\n'));
        let end = if missing { newline } else { "" };
        let text = format!("{end}{before}{entry}");
        proposals.push(Insertion { at, text });
    };
    match (section, file.vendors.len().checked_sub(1)) {
        // Behind the last entry, as far from it as that is from the one before.
        (Some(section), Some(last)) => {
            let dash = |index| {
                let found = place(&[Step::Key("vendors"), Step::Index(index)], false)?;
                lines.dash_before(found.line, section)
            };
            if let Some((start, indent)) = dash(last) {
                let end = lines.end_of_entry(start, indent);
                let spaced = last == 0 || lines.is_blank(start.saturating_sub(1));
                let before = if spaced { newline } else { "" };
                propose(lines.after(end), before, &" ".repeat(indent));
            }
        }
        (Some(section), None) => propose(lines.after(section), "", "  "),
        (None, _) => {
            let heading = format!("vendors:{newline}");
            // Where the section stands as a comment, as in the first file.
            if let Some(end) = lines.end_of_commented_section() {
                propose(lines.after(end), &heading, "  ");
            }
            let heading = format!("{newline}{heading}");
            propose(text.len(), &heading, "  ");
        }
    }
    proposals.extend(brackets(text, vendor));
    proposals
}

/// Before each closing bracket, from the last.
fn brackets(text: &str, vendor: &Vendor) -> Vec<Insertion> {
    let entry = flow(vendor);
    let closing = text
        .char_indices()
        .rev()
        .filter(|(_, character)| "]}".contains(*character))
        .take(MOST_BRACKETS);
    closing
        .map(|(at, bracket)| {
            let before = text.get(..at).unwrap_or_default().trim_end();
            let begin = match before.chars().next_back() {
                Some('[' | '{') => "",
                Some(',') => " ",
                _ => ", ",
            };
            let text = match bracket {
                ']' => format!("{begin}{entry}"),
                _ => format!("{begin}\"vendors\": [{entry}]"),
            };
            let at = before.len();
            Insertion { at, text }
        })
        .collect()
}

/// The lines of a file, counted from 1.
struct Lines<'a> {
    lines: Vec<&'a str>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            lines: text.split_inclusive('\n').collect(),
        }
    }

    fn get(&self, line: usize) -> &'a str {
        let index = line.checked_sub(1);
        index
            .and_then(|index| self.lines.get(index))
            .map_or("", |line| line.trim_end())
    }

    /// The byte behind a line.
    fn after(&self, line: usize) -> usize {
        self.lines.iter().take(line).map(|line| line.len()).sum()
    }

    fn is_blank(&self, line: usize) -> bool {
        self.get(line).is_empty()
    }

    /// Does a line begin, unindented, with this key and nothing else but a comment behind it?
    fn is_key(&self, line: usize, key: &str) -> bool {
        let rest = self.get(line).strip_prefix(key);
        let rest = rest.and_then(|rest| rest.trim_start().strip_prefix(':'));
        rest.is_some_and(|rest| rest.trim().is_empty() || rest.trim_start().starts_with('#'))
    }

    /// The line at or above `line`, below `section`, with the dash of an entry, and its
    /// indentation.
    fn dash_before(&self, line: usize, section: usize) -> Option<(usize, usize)> {
        (section + 1..=line).rev().find_map(|line| {
            let text = self.get(line);
            let trimmed = text.trim_start_matches(' ');
            let dash = trimmed == "-" || trimmed.starts_with("- ");
            dash.then(|| (line, text.len() - trimmed.len()))
        })
    }

    /// The last line of the entry whose dash stands on line `start` with this indentation: what
    /// belongs to it is indented more, and comments below it may belong to what follows.
    fn end_of_entry(&self, start: usize, indent: usize) -> usize {
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

    /// The last line of the comment that begins with `#vendors:`.
    fn end_of_commented_section(&self) -> Option<usize> {
        let is_start = |line: usize| {
            let text = self.get(line).strip_prefix('#').map(str::trim_start);
            text.is_some_and(|text| text.starts_with("vendors:"))
        };
        let start = (1..=self.lines.len()).find(|line| is_start(*line))?;
        (start..=self.lines.len())
            .take_while(|line| self.get(*line).starts_with('#'))
            .last()
    }
}

#[cfg(test)]
mod tests;
