//! `vendor renew` and `vendor remove`: an entry of the rules file is changed or taken out, and
//! nothing else.

use std::fs;
use std::io;

use guard::rules::{RulesFile, Vendor, expiry};
use jiff::Timestamp;

use super::named::named;
use super::review::{audit_of, roles_of};
use super::scalar::{quoted, scalar};
use crate::args::{RulesArg, VendorFileArgs, VendorRemoveArgs, VendorRenewArgs};
use crate::difference::unified;
use crate::input::Input;
use crate::rules::edit::{Edit, Lines, proven, save};
use crate::rules::load::{Read, read_text};
use crate::rules::yaml::{Places, Step};
use crate::streams::counted;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// No more places than these are tried in a file that is written in brackets.
const MOST_BRACKETS: usize = 200;

/// A reason why nothing was written.
#[derive(Debug, thiserror::Error)]
enum ChangeError {
    #[error("`-` cannot be edited: name the rules file")]
    Stdin,
    #[error("`{}` is no date: write the last day, such as 2027-03-31, or a moment", escaped(.0))]
    NoDate(String),
    #[error("{} is over already", escaped(.0))]
    Over(String),
    #[error("{} ends on that day already", escaped(.0))]
    Same(String),
    #[error(
        "no edit was found that leaves all else in {} as it is; {by_hand}",
        escaped(name)
    )]
    NoPlace { name: String, by_hand: String },
}

/// A rules file as it is before a change.
struct Before {
    name: String,
    text: String,
    read: Read,
}

impl Before {
    fn read(arguments: &VendorFileArgs, streams: &mut Streams<'_>) -> Option<Self> {
        let input = Input::new(&arguments.rules);
        if input.is_stdin() {
            streams.failure(&ChangeError::Stdin);
            return None;
        }
        let text = fs::read_to_string(&arguments.rules);
        let text = streams.ok(text.map_err(|error| input.read_error(error)))?;
        let shown = text.trim_start_matches('\u{feff}');
        let read = read_text(&input, shown, None, streams)?;
        Some(Self {
            name: input.name(),
            text,
            read,
        })
    }

    /// Which entry has this name.
    fn entry(&self, name: &str, streams: &mut Streams<'_>) -> Option<(usize, &Vendor)> {
        let vendor = streams.ok(named(&self.read.file, name))?;
        let same = |other: &Vendor| std::ptr::eq(other, vendor);
        let index = self.read.file.vendors.iter().position(same)?;
        Some((index, vendor))
    }

    fn no_place(&self, by_hand: String) -> ChangeError {
        ChangeError::NoPlace {
            name: self.name.clone(),
            by_hand,
        }
    }

    /// Shows what changes, and writes the file; the status where it was not written.
    fn finish(
        &self,
        after: &str,
        arguments: &VendorFileArgs,
        streams: &mut Streams<'_>,
    ) -> io::Result<Result<(), Status>> {
        for line in unified(&self.name, &self.text, after).lines() {
            writeln!(streams.out, "{}", escaped(line))?;
        }
        if arguments.dry_run {
            streams.remark("nothing was written");
            return Ok(Err(Status::Done));
        }
        let saved = save(&arguments.rules, &self.text, after);
        Ok(streams.ok(saved).ok_or(Status::Unreadable))
    }
}

/// Runs `vendor renew`.
///
/// # Errors
///
/// Standard output does not take the changed lines.
pub(super) fn renew(arguments: &VendorRenewArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(before) = Before::read(&arguments.file, streams) else {
        return Ok(Status::Unreadable);
    };
    let Some((index, vendor)) = before.entry(&arguments.name, streams) else {
        return Ok(Status::Unreadable);
    };
    let Some(after) = streams.ok(renewed(&before, index, vendor, arguments, now)) else {
        return Ok(Status::Unreadable);
    };
    if let Err(status) = before.finish(&after, &arguments.file, streams)? {
        return Ok(status);
    }
    let name = escaped(&vendor.name);
    let until = escaped(&arguments.until);
    let was = vendor.expires.as_deref().unwrap_or("never");
    streams.remark(format_args!(
        "{name}: access ends {until} (before: {})",
        escaped(was)
    ));
    streams.remark(
        "a trust policy with an end date of its own (`vendor new` writes one) ends when it says: \
         update the role as well",
    );
    Ok(Status::Done)
}

fn renewed(
    before: &Before,
    index: usize,
    vendor: &Vendor,
    arguments: &VendorRenewArgs,
    now: Timestamp,
) -> Result<String, ChangeError> {
    let until = &arguments.until;
    let Some(end) = expiry(until) else {
        return Err(ChangeError::NoDate(until.clone()));
    };
    if end <= now {
        return Err(ChangeError::Over(until.clone()));
    }
    if vendor.expires.as_ref() == Some(until) && arguments.ticket.is_none() {
        return Err(ChangeError::Same(vendor.name.clone()));
    }
    let mut text = before.text.clone();
    let mut file = before.read.file.clone();
    let changes = [
        ("expires", Some(until)),
        ("ticket", arguments.ticket.as_ref()),
    ];
    for (key, value) in changes {
        let Some(value) = value else { continue };
        let Some(entry) = file.vendors.get_mut(index) else {
            break;
        };
        let field = match key {
            "ticket" => &mut entry.ticket,
            _ => &mut entry.expires,
        };
        let there = field.replace(value.clone()).is_some();
        let proposals = settings(&text, index, key, value, there);
        let Some((_, new)) = proven(&text, &file, proposals) else {
            let by_hand = format!("write `{key}: {}` there by hand", scalar(value));
            return Err(before.no_place(by_hand));
        };
        text = new;
    }
    Ok(text)
}

/// The edits after which a key of an entry may have this value.
fn settings(text: &str, index: usize, key: &str, value: &str, there: bool) -> Vec<Edit> {
    let Some(places) = Places::read(text) else {
        return Vec::new();
    };
    let lines = Lines::of(text);
    let span = |name: &str, key: bool| {
        let steps = [Step::Key("vendors"), Step::Index(index), Step::Key(name)];
        places.find(steps, key, text)
    };
    let bytes = |name: &str| {
        let span = span(name, false)?;
        let begin = lines.byte(span.line, span.column)?;
        let end = lines.byte(span.line, span.column + span.length)?;
        Some(begin..end)
    };
    if there {
        let Some(at) = bytes(key) else {
            return Vec::new();
        };
        let was_quoted = text.get(at.clone()).is_some_and(|was| was.starts_with('"'));
        let texts = match was_quoted {
            true => [quoted(value), scalar(value)],
            false => [scalar(value), quoted(value)],
        };
        return texts
            .map(|text| Edit {
                at: at.clone(),
                text,
            })
            .to_vec();
    }
    let mut edits = Vec::new();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if let Some(name) = span("name", true)
        && let Some((start, indent)) = lines.dash_before(name.line, 0)
    {
        let at = lines.after(lines.end_of_entry(start, indent));
        let end = if text.get(..at).is_some_and(|text| text.ends_with('\n')) {
            ""
        } else {
            newline
        };
        let keys = " ".repeat(name.column.saturating_sub(1));
        let line = format!("{end}{keys}{key}: {}{newline}", scalar(value));
        edits.push(Edit::insertion(at, line));
    }
    if let Some(at) = bytes("name") {
        let text = format!(", \"{key}\": {}", quoted(value));
        edits.push(Edit::insertion(at.end, text));
    }
    edits
}

/// Runs `vendor remove`.
///
/// # Errors
///
/// Standard output does not take the changed lines.
pub(super) fn remove(
    arguments: &VendorRemoveArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(before) = Before::read(&arguments.file, streams) else {
        return Ok(Status::Unreadable);
    };
    let Some((index, vendor)) = before.entry(&arguments.name, streams) else {
        return Ok(Status::Unreadable);
    };
    let mut wanted = before.read.file.clone();
    wanted.vendors.remove(index);
    let name = escaped(&vendor.name);
    if !arguments.authorization_details.is_empty() {
        let file = Input::new(&arguments.file.rules);
        let exports = arguments.authorization_details.clone();
        let audit = audit_of(RulesArg { file }, exports, now);
        let Some(roles) = roles_of(vendor, &before.read, &audit, now, streams) else {
            return Ok(Status::Unreadable);
        };
        for role in &roles {
            streams.warning(format_args!("{name} can still assume {}", escaped(role)));
        }
        if !roles.is_empty() && !arguments.force {
            let count = counted(roles.len(), "role trusts", "roles trust");
            streams.error(format_args!(
                "{count} {name}: revoke that first, or remove the entry with --force"
            ));
            return Ok(Status::Findings);
        }
    }
    let proposals = removals(&before.text, index);
    let Some((_, after)) = proven(&before.text, &wanted, proposals) else {
        streams.failure(&before.no_place("take the entry out by hand".to_owned()));
        return Ok(Status::Unreadable);
    };
    if let Err(status) = before.finish(&after, &arguments.file, streams)? {
        return Ok(status);
    }
    streams.remark(format_args!("{name} is not registered any more"));
    if arguments.authorization_details.is_empty() {
        streams.remark(
            "each role that still trusts it violates the rules from the next deploy on, and in \
             mode enforce the guard takes it out there",
        );
    }
    leftover(vendor, &wanted, streams);
    Ok(Status::Done)
}

/// What else in the rules is about the accounts of a vendor that is gone.
fn leftover(vendor: &Vendor, rules: &RulesFile, streams: &mut Streams<'_>) {
    let mut accounts = vendor.accounts.clone();
    let others = rules.vendors.iter().flat_map(|other| &other.accounts);
    let others: Vec<&String> = others.collect();
    accounts.retain(|account| !others.contains(&account));
    for exemption in &rules.exemptions {
        let account = exemption.account.as_ref();
        if let Some(account) = account.filter(|account| accounts.contains(account)) {
            streams.remark(format_args!(
                "the exemption of account {} from {} stays",
                escaped(account),
                escaped(&exemption.check)
            ));
        }
    }
}

/// The edits after which an entry may be gone.
fn removals(text: &str, index: usize) -> Vec<Edit> {
    let Some(places) = Places::read(text) else {
        return Vec::new();
    };
    let lines = Lines::of(text);
    let steps = [Step::Key("vendors"), Step::Index(index)];
    let Some(place) = places.find(steps, false, text) else {
        return Vec::new();
    };
    let mut edits = Vec::new();
    if let Some((start, indent)) = lines.dash_before(place.line, 0) {
        let end = lines.end_of_entry(start, indent);
        let parted = lines.is_blank(start - 1);
        let last = end == lines.count() || lines.is_blank(end + 1);
        let first = if start > 1 && parted && last {
            start - 1
        } else {
            start
        };
        edits.push(Edit {
            at: lines.after(first - 1)..lines.after(end),
            text: String::new(),
        });
    }
    let Some(begin) = lines.byte(place.line, place.column) else {
        return edits;
    };
    let rest = text.get(begin..).unwrap_or_default();
    let braces = rest.match_indices('}').take(MOST_BRACKETS);
    for (length, _) in braces {
        let end = begin + length + 1;
        let behind = text.get(end..).unwrap_or_default();
        let comma = behind.trim_start().strip_prefix(',').map(str::trim_start);
        let before = text.get(..begin).unwrap_or_default().trim_end();
        let ranges = [
            comma.map(|rest| begin..text.len() - rest.len()),
            before.strip_suffix(',').map(|before| before.len()..end),
            Some(begin..end),
        ];
        let gone = |at| Edit {
            at,
            text: String::new(),
        };
        edits.extend(ranges.into_iter().flatten().map(gone));
    }
    edits
}

#[cfg(test)]
mod tests;
