//! A digest's order, groups and messages. What matters comes first: what is still exposed, then
//! the newest of each third party, so that no number of decoys hides the one that differs. What
//! does not fit into one message stands in the next; what does not fit into the last is counted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::document::{Alert, Digest, DigestGroup, DigestLine};
use super::shown::one_line;

/// How many messages a digest has at most.
pub const PAGES: usize = 20;
/// How many lines a message has at most.
pub const LINES: usize = 250;
/// How much of a message its lines may take, as JSON within JSON and as mail, in bytes: SNS takes
/// 256 KB with all the rest.
const BYTES: usize = 180_000;
/// How much of a post its lines may take, in characters: Slack takes about 13,000.
pub(super) const IN_SLACK: usize = 7_000;
/// The longest heading, subject and line in it.
pub(super) const HEADING_IN_SLACK: usize = 160;
pub(super) const SUBJECT_IN_SLACK: usize = 80;
pub(super) const LINE_IN_SLACK: usize = 240;
/// How many groups the first message shows, and how many subjects of each.
const GROUPS: usize = 15;
const SUBJECTS: usize = 3;
/// How many further alerts of one subject stand on one line.
const ALSO: usize = 1_000;
/// How many of a third party come before the rest of all third parties.
const FIRST: usize = 5;

const NOT_KNOWN: &str = "actor not known";

/// A third party and an actor.
type Group = (Option<String>, Option<String>);
/// Whether they are still exposed, and a third party.
type Party<'a> = (bool, Option<&'a str>);

/// Puts alerts of one subject, third party and actor together, and all in the order in which they
/// matter.
pub fn arranged(mut lines: Vec<DigestLine>) -> Vec<DigestLine> {
    lines.sort_by(|one, other| newest(one).cmp(&newest(other)));
    let lines = together(lines);
    // What is exposed of a third party is apart from what is not; each in the order of `lines`.
    let mut parties: BTreeMap<Party<'_>, (Timestamp, Vec<usize>)> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let party = (line.open, line.third_party.as_deref());
        let (_, members) = parties.entry(party).or_insert((line.at, Vec::new()));
        members.push(at);
    }
    let mut order = Vec::with_capacity(lines.len());
    for ((open, party), (last, members)) in &parties {
        let mut actors = BTreeSet::new();
        let first_of_actor =
            |at: &usize| actors.insert(lines.get(*at).map(|line| line.actor.as_deref()));
        let (firsts, rest): (Vec<usize>, Vec<usize>) =
            members.iter().copied().partition(first_of_actor);
        for (place, at) in firsts.into_iter().chain(rest).enumerate() {
            let turn = match place {
                0 => 0,
                1..FIRST => 1,
                _ => 2,
            };
            order.push(((!open, turn, Reverse(*last), *party, place), at));
        }
    }
    order.sort_unstable();
    let order: Vec<usize> = order.into_iter().map(|(_, at)| at).collect();
    let mut lines: Vec<Option<DigestLine>> = lines.into_iter().map(Some).collect();
    let in_order = order.into_iter();
    in_order
        .filter_map(|at| lines.get_mut(at)?.take())
        .collect()
}

fn newest(line: &DigestLine) -> (Reverse<Timestamp>, &str) {
    (Reverse(line.at), &line.incident)
}

/// Lines that come newest first, of which those of one subject and group become one.
fn together(lines: Vec<DigestLine>) -> Vec<DigestLine> {
    let mut kept: Vec<DigestLine> = Vec::with_capacity(lines.len());
    let mut known: BTreeMap<(bool, Group, String), usize> = BTreeMap::new();
    for line in lines {
        let key = (line.open, group_of(&line), line.subject.clone());
        let first = known.get(&key).and_then(|at| kept.get_mut(*at));
        if let Some(first) = first.filter(|first| first.also.len() < ALSO) {
            first.also.push(line.incident);
        } else {
            known.insert(key, kept.len());
            kept.push(line);
        }
    }
    kept
}

fn group_of(line: &DigestLine) -> Group {
    (line.third_party.clone(), line.actor.clone())
}

/// The third parties and actors of lines that are in their order.
pub fn groups(lines: &[DigestLine]) -> Vec<DigestGroup> {
    let mut groups: Vec<DigestGroup> = Vec::new();
    let mut known: BTreeMap<Group, usize> = BTreeMap::new();
    for line in lines {
        let group = group_of(line);
        let at = *known.entry(group.clone()).or_insert(groups.len());
        if at == groups.len() {
            groups.push(DigestGroup {
                third_party: group.0,
                actor: group.1,
                count: 0,
                open: 0,
                subjects: Vec::new(),
            });
        }
        let Some(group) = groups.get_mut(at) else {
            continue;
        };
        group.count += line.count();
        group.open += if line.open { line.count() } else { 0 };
        if group.subjects.len() < SUBJECTS && !group.subjects.contains(&line.subject) {
            group.subjects.push(line.subject.clone());
        }
    }
    groups
}

/// The messages of a digest: at least one and at most [`PAGES`]. Each has as many of the lines as
/// SNS, a mail program and Slack take.
pub fn pages(mut alert: Alert) -> Vec<Alert> {
    let Some(mut digest) = alert.digest.take() else {
        return vec![alert];
    };
    let mut pages = cut(std::mem::take(&mut digest.lines));
    let left = pages.split_off(pages.len().min(PAGES));
    digest.left = left.iter().flatten().map(DigestLine::count).sum();
    digest.pages = pages.len() as u64;
    let groups = digest.groups.len();
    digest.groups.truncate(GROUPS);
    digest.more_groups = groups.saturating_sub(GROUPS) as u64;
    let title = one_line(&alert.title, 400);
    let mut messages = Vec::with_capacity(pages.len());
    for (lines, number) in pages.into_iter().zip(1..) {
        digest.page = number;
        digest.subjects = subjects(&lines);
        let mut page = alert.clone();
        if digest.pages > 1 {
            page.title = format!("{title} ({number} of {})", digest.pages);
        }
        page.digest = Some(Digest {
            lines,
            ..digest.clone()
        });
        messages.push(page);
        // Only the first one gives the whole.
        digest.groups.clear();
    }
    messages
}

fn cut(lines: Vec<DigestLine>) -> Vec<Vec<DigestLine>> {
    let mut pages = Vec::new();
    let mut page = Vec::new();
    let (mut bytes, mut in_slack, mut headings) = (0, 0, BTreeSet::new());
    for line in lines {
        let section = (line.open, group_of(&line));
        let first = !headings.contains(&section);
        let (sent, shown) = (bytes_of(&line, first), length_in_slack(&line, first));
        let full = page.len() >= LINES || bytes + sent > BYTES || in_slack + shown > IN_SLACK;
        if full && !page.is_empty() {
            pages.push(std::mem::take(&mut page));
            (bytes, in_slack) = (0, 0);
            headings.clear();
        }
        bytes += sent;
        in_slack += shown;
        headings.insert(section);
        page.push(line);
    }
    pages.push(page);
    pages
}

/// As JSON within JSON, and once more in the mail, where the first of a section is said in full.
fn bytes_of(line: &DigestLine, first: bool) -> usize {
    let json = serde_json::to_string(line).unwrap_or_default();
    let within = serde_json::to_string(&json).map_or(json.len(), |text| text.len());
    let heading = heading_of(line);
    let reported = if first || heading.is_empty() {
        heading.len() + line.subject.len() + line.line.len()
    } else {
        line.subject.len()
    };
    // The subject stands among the subjects as well.
    within + line.subject.len() + 2 * reported + 100
}

/// A line without a heading is shown in full, another one by its subject.
fn length_in_slack(line: &DigestLine, first: bool) -> usize {
    let shown = |text: &str, most: usize| {
        let length = |character| match character {
            '&' | '<' | '>' => 5,
            _ => 1,
        };
        most.min(text.chars().map(length).sum()) + 3
    };
    let heading = heading_of(line);
    let reported = match heading.is_empty() {
        true => shown(&line.line, LINE_IN_SLACK),
        false => shown(&line.subject, SUBJECT_IN_SLACK),
    };
    let heading = if first {
        shown(&heading, HEADING_IN_SLACK)
    } else {
        0
    };
    let times = if line.also.is_empty() { 0 } else { 15 };
    heading + reported + times
}

/// How many alerts of a message each subject had, the most first.
fn subjects(lines: &[DigestLine]) -> Vec<(String, u64)> {
    let mut subjects: BTreeMap<&str, u64> = BTreeMap::new();
    for line in lines {
        *subjects.entry(&line.subject).or_default() += line.count();
    }
    let subjects = subjects.into_iter();
    let mut subjects: Vec<(String, u64)> = subjects
        .map(|(subject, count)| (subject.to_owned(), count))
        .collect();
    subjects.sort_by_key(|(_, count)| Reverse(*count));
    subjects
}

/// The lines of a message under their headings, in the order in which these first come. Where of
/// no line anything is known, there are no headings.
pub(super) fn sections(lines: &[DigestLine]) -> Vec<(String, Vec<&DigestLine>)> {
    let mut sections: Vec<(String, Vec<&DigestLine>)> = Vec::new();
    let mut known: BTreeMap<(bool, Group), usize> = BTreeMap::new();
    for line in lines {
        let section = (line.open, group_of(line));
        let at = *known.entry(section).or_insert(sections.len());
        match sections.get_mut(at) {
            Some((_, lines)) => lines.push(line),
            None => sections.push((heading_of(line), vec![line])),
        }
    }
    if sections.iter().any(|(heading, _)| !heading.is_empty()) {
        let bare = sections
            .iter_mut()
            .filter(|(heading, _)| heading.is_empty());
        bare.for_each(|(heading, _)| NOT_KNOWN.clone_into(heading));
    }
    sections
}

fn heading_of(line: &DigestLine) -> String {
    let mut heading = whom_and_who(line.third_party.as_deref(), line.actor.as_deref());
    if line.open && !heading.is_empty() {
        heading += ": STILL EXPOSED";
    }
    heading
}

/// Who has access by it, and who changed it; empty where neither is known.
fn whom_and_who(third_party: Option<&str>, actor: Option<&str>) -> String {
    let actor = actor.map(|actor| one_line(actor, 80));
    match (third_party.map(|party| one_line(party, 200)), actor) {
        (Some(party), Some(actor)) => format!("{party}, by {actor}"),
        (Some(party), None) => format!("{party}, {NOT_KNOWN}"),
        (None, Some(actor)) => format!("by {actor}"),
        (None, None) => String::new(),
    }
}

impl DigestGroup {
    /// In words, with the newest subjects.
    pub(super) fn words(&self) -> String {
        let mut words = whom_and_who(self.third_party.as_deref(), self.actor.as_deref());
        if words.is_empty() {
            NOT_KNOWN.clone_into(&mut words);
        }
        words += &match self.count {
            1 => ": 1 alert".to_owned(),
            count => format!(": {count} alerts"),
        };
        match self.open {
            0 => {}
            open if open == self.count => words += ", STILL EXPOSED",
            open => words += &format!(", {open} STILL EXPOSED"),
        }
        let subjects: Vec<String> = self
            .subjects
            .iter()
            .map(|subject| one_line(subject, 70))
            .collect();
        words
            + if self.count > SUBJECTS as u64 {
                "; newest: "
            } else {
                ": "
            }
            + &subjects.join(", ")
    }
}
