//! Where an entry may go in a rules file.

use guard::rules::{RulesFile, Vendor};

use super::entry::{block, flow};
use crate::rules::edit::{Edit, Lines, proven};
use crate::rules::yaml::{Places, Step};

/// No more places than these are tried in a file that is written in brackets.
const MOST_BRACKETS: usize = 200;

/// Where `vendor` goes in `file`, whose text is `text`, and the text with it; `None` where no
/// place does.
pub(super) fn insert(text: &str, file: &RulesFile, vendor: &Vendor) -> Option<(Edit, String)> {
    let mut wanted = file.clone();
    wanted.vendors.push(vendor.clone());
    proven(text, &wanted, proposals(text, file, vendor))
}

fn proposals(text: &str, file: &RulesFile, vendor: &Vendor) -> Vec<Edit> {
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
        proposals.push(Edit::insertion(at, text));
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
            if let Some(end) = end_of_commented_section(&lines) {
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
fn brackets(text: &str, vendor: &Vendor) -> Vec<Edit> {
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
            Edit::insertion(before.len(), text)
        })
        .collect()
}

/// The last line of the comment that begins with `#vendors:`.
fn end_of_commented_section(lines: &Lines<'_>) -> Option<usize> {
    let is_start = |line: usize| {
        let text = lines.get(line).strip_prefix('#').map(str::trim_start);
        text.is_some_and(|text| text.starts_with("vendors:"))
    };
    let start = (1..=lines.count()).find(|line| is_start(*line))?;
    (start..=lines.count())
        .take_while(|line| lines.get(*line).starts_with('#'))
        .last()
}

#[cfg(test)]
mod tests;
