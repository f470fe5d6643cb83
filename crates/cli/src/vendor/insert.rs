//! Where an entry may go in a rules file.

use guard::rules::{Exemption, RulesFile, Vendor};

use super::entry::{block, exemption_block, exemption_flow, flow};
use crate::rules::edit::{Edit, Lines, proven};
use crate::rules::yaml::{Places, Step};

/// No more places than these are tried in a file that is written in brackets.
const MOST_BRACKETS: usize = 200;

/// What is put in: one more of a section's list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry<'a> {
    Vendor(&'a Vendor),
    #[cfg_attr(
        not(any(feature = "live", test)),
        expect(dead_code, reason = "only a live command adds exemptions")
    )]
    Exemption(&'a Exemption),
}

impl Entry<'_> {
    fn section(self) -> &'static str {
        match self {
            Self::Vendor(_) => "vendors",
            Self::Exemption(_) => "exemptions",
        }
    }

    /// How many there are.
    fn count(self, file: &RulesFile) -> usize {
        match self {
            Self::Vendor(_) => file.vendors.len(),
            Self::Exemption(_) => file.exemptions.len(),
        }
    }

    fn put_into(self, file: &mut RulesFile) {
        match self {
            Self::Vendor(vendor) => file.vendors.push(vendor.clone()),
            Self::Exemption(exemption) => file.exemptions.push(exemption.clone()),
        }
    }

    fn block(self) -> Vec<String> {
        match self {
            Self::Vendor(vendor) => block(vendor),
            Self::Exemption(exemption) => exemption_block(exemption),
        }
    }

    fn flow(self) -> String {
        match self {
            Self::Vendor(vendor) => flow(vendor),
            Self::Exemption(exemption) => exemption_flow(exemption),
        }
    }
}

/// Where `entry` goes in `file`, whose text is `text`, and the text with it; `None` where no
/// place does.
pub(super) fn insert(text: &str, file: &RulesFile, entry: Entry<'_>) -> Option<(Edit, String)> {
    let mut wanted = file.clone();
    entry.put_into(&mut wanted);
    proven(text, &wanted, proposals(text, file, entry))
}

fn proposals(text: &str, file: &RulesFile, entry: Entry<'_>) -> Vec<Edit> {
    let key = entry.section();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines = Lines::of(text);
    let places = Places::read(text);
    let place = |steps: &[Step<'_>], key| {
        let steps = steps.iter().cloned();
        places
            .as_ref()
            .and_then(|places| places.find(steps, key, text))
    };
    let section = place(&[Step::Key(key)], true)
        .filter(|place| lines.is_key(place.line, key))
        .map(|place| place.line);
    let mut proposals = Vec::new();
    let mut propose = |at: usize, before: &str, indent: &str| {
        let entry: String = entry
            .block()
            .iter()
            .map(|line| format!("{indent}{line}{newline}"))
            .collect();
        // The last line of a file may lack its end.
        let missing = at > 0 && !text.get(..at).is_some_and(|text| text.ends_with('\n'));
        let end = if missing { newline } else { "" };
        let text = format!("{end}{before}{entry}");
        proposals.push(Edit::insertion(at, text));
    };
    match (section, entry.count(file).checked_sub(1)) {
        // Behind the last entry, as far from it as that is from the one before.
        (Some(section), Some(last)) => {
            let dash = |index| {
                let found = place(&[Step::Key(key), Step::Index(index)], false)?;
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
            let heading = format!("{key}:{newline}");
            // Where the section stands as a comment, as in the first file.
            if let Some(end) = end_of_commented_section(&lines, key) {
                propose(lines.after(end), &heading, "  ");
            }
            let heading = format!("{newline}{heading}");
            propose(text.len(), &heading, "  ");
        }
    }
    proposals.extend(brackets(text, entry));
    proposals
}

/// Before each closing bracket, from the last.
fn brackets(text: &str, entry: Entry<'_>) -> Vec<Edit> {
    let (key, entry) = (entry.section(), entry.flow());
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
                _ => format!("{begin}\"{key}\": [{entry}]"),
            };
            Edit::insertion(before.len(), text)
        })
        .collect()
}

/// The last line of the comment that begins with `#vendors:`, or another section.
fn end_of_commented_section(lines: &Lines<'_>, key: &str) -> Option<usize> {
    let is_start = |line: usize| {
        let text = lines.get(line).strip_prefix('#').map(str::trim_start);
        text.is_some_and(|text| {
            text.strip_prefix(key)
                .is_some_and(|rest| rest.starts_with(':'))
        })
    };
    let start = (1..=lines.count()).find(|line| is_start(*line))?;
    (start..=lines.count())
        .take_while(|line| lines.get(*line).starts_with('#'))
        .last()
}

#[cfg(test)]
mod tests;
