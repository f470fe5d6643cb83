//! The picture on top of the page: third parties, the roles that they can assume, and what these can do.
//!
//! Words are HTML beside the curves, never text inside SVG: they wrap on a phone and break on paper, and
//! a hostile name has no markup to hide in. The curves of a third party are stretched to its list of
//! roles, whose rows are of one height: no position is computed from the length of a name.

use std::collections::HashMap;

use guard::Severity;
use guard::account::Party;
use maud::{Markup, html};
use permissions::Class;

use super::super::audited::Entry;
use super::super::human::party_words;
use super::{can, role_name};
use crate::terminal_escape::escaped;

/// So many roles of a third party that can do the same are drawn as one.
const ALIKE: usize = 4;
/// So many lines are drawn; the table has all.
const MOST: usize = 200;

/// What makes roles of a third party look alike: their worst finding, what must be proved is nothing,
/// the rule, and what they can do.
#[derive(PartialEq, Eq, Hash)]
struct Look {
    worst: Option<Severity>,
    open: bool,
    rule: &'static str,
    classes: Vec<(Class, bool)>,
    unknown: bool,
}

/// One line: a role, or several that look alike.
struct Line<'a> {
    look: Look,
    /// Places in the table, and what stands there.
    roles: Vec<(usize, &'a Entry)>,
}

fn look(entry: &Entry) -> Look {
    let permitted = &entry.permitted;
    Look {
        worst: entry.access.findings.first().map(|(severity, _)| *severity),
        open: entry.access.must_prove().is_empty(),
        rule: match (&entry.access.rule, entry.access.allowed) {
            (None, _) => "no rule",
            (Some(_), false) => "rule not met",
            (Some(_), true) => "",
        },
        classes: permitted
            .telling()
            .map(|held| (held.class, held.conditional))
            .collect(),
        unknown: !permitted.unreadable.is_empty(),
    }
}

/// A third party's lines, the worst first: those of roles that are many and alike are one.
fn lines(entries: Vec<(usize, &Entry)>) -> Vec<Line<'_>> {
    let mut found: Vec<Line<'_>> = Vec::new();
    let mut places: HashMap<Look, usize> = HashMap::new();
    for (row, entry) in entries {
        let place = *places.entry(look(entry)).or_insert(found.len());
        match found.get_mut(place) {
            Some(line) => line.roles.push((row, entry)),
            None => found.push(Line {
                look: look(entry),
                roles: vec![(row, entry)],
            }),
        }
    }
    let mut lines = Vec::new();
    for line in found {
        if line.roles.len() >= ALIKE {
            lines.push(line);
            continue;
        }
        lines.extend(line.roles.into_iter().map(|(row, entry)| Line {
            look: look(entry),
            roles: vec![(row, entry)],
        }));
    }
    lines
}

/// The picture; what there is no room for is counted.
pub(super) fn picture(entries: &[Entry]) -> Markup {
    let mut parties: Vec<Vec<(usize, &Entry)>> = Vec::new();
    let mut places: HashMap<&Party, usize> = HashMap::new();
    for (row, entry) in entries.iter().enumerate() {
        let place = *places.entry(&entry.access.party).or_insert(parties.len());
        match parties.get_mut(place) {
            Some(own) => own.push((row, entry)),
            None => parties.push(vec![(row, entry)]),
        }
    }
    let mut room = MOST;
    let mut left_out = 0;
    let mut drawn: Vec<(Vec<Line<'_>>, usize)> = Vec::new();
    for own in parties {
        if room == 0 {
            left_out += 1;
            continue;
        }
        let mut own = lines(own);
        let more = own.len().saturating_sub(room);
        own.truncate(room);
        room -= own.len();
        drawn.push((own, more));
    }
    html! {
        h2 id="picture" { "Who can reach what" }
        p.about {
            "Third parties, the roles they can assume, what these can do. A curve has the color of the \
             role's worst finding, and is broken where nothing must be proved. A name leads to its row."
        }
        div.picture role="list" {
            @for (lines, more) in &drawn { (party(lines, *more)) }
        }
        @if left_out > 0 {
            p.about { (left_out) " more third parties are in the table below." }
        }
    }
}

fn party(lines: &[Line<'_>], more: usize) -> Markup {
    let first = lines.first().and_then(|line| line.roles.first());
    let roles: usize = lines.iter().map(|line| line.roles.len()).sum();
    html! {
        div.party role="listitem" {
            div.who {
                @if let Some((_, entry)) = first { (escaped(party_words(entry))) }
                @if roles > 1 { span.quiet { (roles) " roles" } }
            }
            (curves(lines))
            ul.roles { @for line in lines { (role(line)) } }
            @if more > 0 { p.more.quiet { (more) " more lines are in the table below" } }
        }
    }
}

/// From the middle of the left edge to the middle of each row.
fn curves(lines: &[Line<'_>]) -> Markup {
    let height = lines.len() * 10;
    let middle = lines.len() * 5;
    html! {
        svg viewBox=(format!("0 0 100 {height}")) preserveAspectRatio="none" aria-hidden="true" {
            @for (place, line) in lines.iter().enumerate() {
                @let end = place * 10 + 5;
                path class=(format!("{}{}", severity(&line.look), if line.look.open { " open" } else { "" }))
                    d=(format!("M0 {middle}C50 {middle} 50 {end} 100 {end}")) {}
            }
        }
    }
}

fn severity(look: &Look) -> &'static str {
    look.worst.map_or("none", |severity| severity.name())
}

fn role(line: &Line<'_>) -> Markup {
    let Some((row, entry)) = line.roles.first() else {
        return html! {};
    };
    let name = |entry: &Entry| escaped(role_name(entry)).to_string();
    let second = line.roles.get(1);
    html! {
        li class=(severity(&line.look)) {
            a href=(format!("#r{row}")) { (name(entry)) }
            @if let Some((_, second)) = second {
                span.others { "and " (name(second)) ", " (line.roles.len()) " that are alike" }
            }
            span.what { (can(entry)) span.quiet.bad { (line.look.rule) } }
        }
    }
}
