//! The audit for people: findings, the worst first; who can assume which role; and a summary that
//! fits into a ticket.

use std::io;

use guard::account::{LastUsed, Party, RuleOfParty};
use guard::{Check, Severity};
use permissions::Class;

use super::audited::{Audited, Entry};
use super::report::Report;
use crate::streams::Style;
use crate::streams::counted;
use crate::table::aligned;
use crate::terminal_escape::escaped;
use crate::{Streams, findings};

/// Maximum cell width, in characters.
const CELL: usize = 40;

const HEADS: [&str; 10] = [
    "THIRD PARTY",
    "ACCOUNT",
    "ROLE",
    "MUST PROVE",
    "CAN",
    "LAST USED",
    "RULE",
    "OWNER",
    "EXPIRES",
    "WORST",
];

/// Most codes named in the summary.
const TOP: usize = 5;

/// Writes it.
pub(super) fn write(report: &Report, streams: &mut Streams<'_>) -> io::Result<()> {
    findings::human(&report.audited.found, streams)?;
    table(&report.audited, streams)?;
    summary(report, streams)
}

fn table(audited: &Audited, streams: &mut Streams<'_>) -> io::Result<()> {
    let entries = &audited.entries;
    if entries.is_empty() {
        return Ok(());
    }
    // Roles of several accounts may have one name.
    let several = audited.accounts.len() > 1;
    let shown = |cells: [String; 10]| -> Vec<String> {
        let cells = HEADS.into_iter().zip(cells);
        let shown = cells.filter(|(head, _)| several || *head != "ACCOUNT");
        shown.map(|(_, cell)| cell).collect()
    };
    let heads = shown(HEADS.map(str::to_owned));
    let rows = entries.iter().map(|entry| shown(cells(entry)));
    let lines = aligned(&std::iter::once(heads).chain(rows).collect::<Vec<_>>());
    let colors = streams.colors;
    let out = &mut *streams.out;
    let styles = entries.iter().map(|entry| {
        let first = entry.access.findings.first();
        first.map(|(severity, _)| Style::of(*severity))
    });
    for (line, style) in lines
        .iter()
        .zip(std::iter::once(Some(Style::Strong)).chain(styles))
    {
        match style {
            Some(style) => writeln!(out, "{}", colors.style(style, line))?,
            None => writeln!(out, "{line}")?,
        }
    }
    writeln!(out)
}

/// A row a third party and a role that it can assume, with nothing cut.
pub(super) fn access_csv(entries: &[Entry], out: &mut dyn io::Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    let heads = HEADS.map(|head| head.to_ascii_lowercase().replace(' ', "_"));
    rows.write_record(heads.iter().map(String::as_str).chain(["arn", "findings"]))?;
    for entry in entries {
        let access = &entry.access;
        let findings: Vec<&str> = access
            .findings
            .iter()
            .map(|(_, code)| code.code())
            .collect();
        let arn = access.role.arn.as_deref().unwrap_or_default().to_owned();
        let cells = words(entry).into_iter().chain([arn, findings.join(" ")]);
        rows.write_record(cells.map(|cell| findings::cell_text(&cell)))?;
    }
    rows.flush()
}

fn cells(entry: &Entry) -> [String; 10] {
    words(entry).map(|cell| cut(&escaped(cell).to_string()))
}

fn words(entry: &Entry) -> [String; 10] {
    let access = &entry.access;
    let role = &access.role;
    let (rule, owner, expires) = match access.rule.as_deref() {
        None => ("none".to_owned(), String::new(), String::new()),
        Some(RuleOfParty::Vendor {
            name,
            owner,
            expires,
            ..
        }) => (
            name.clone(),
            owner.clone().unwrap_or_default(),
            expires.map(last_day).unwrap_or_default(),
        ),
        Some(RuleOfParty::IdentityProvider { provider }) => {
            (last_part(provider), String::new(), String::new())
        }
        Some(RuleOfParty::Network) => ("networks".to_owned(), String::new(), String::new()),
        Some(RuleOfParty::Exemption { .. }) => {
            ("exemption".to_owned(), String::new(), String::new())
        }
    };
    let rule = if access.allowed || access.rule.is_none() {
        rule
    } else {
        format!("{rule} (not met)")
    };
    let proofs: Vec<&str> = access
        .must_prove()
        .into_iter()
        .map(guard::account::ProofKind::words)
        .collect();
    let proofs = if proofs.is_empty() {
        "nothing".to_owned()
    } else {
        proofs.join(" + ")
    };
    let worst = match access.findings.first() {
        Some((severity, code)) => format!("{severity} {code}"),
        None => "-".to_owned(),
    };
    [
        party_words(entry),
        role.role.account.clone(),
        role.role.name.clone().unwrap_or_default(),
        proofs,
        can_words(entry),
        last_used(&role.last_used),
        rule,
        owner,
        expires,
        worst,
    ]
}

/// Who it is, in a few words.
pub(super) fn party_words(entry: &Entry) -> String {
    let access = &entry.access;
    match (&access.party, &access.name) {
        (Party::Anyone, _) => "anyone".to_owned(),
        (Party::Organization { id }, _) => format!("organization {id}"),
        (Party::Account { account }, Some(name)) => format!("{name} ({account})"),
        (Party::Account { account }, None) => account.clone(),
        (Party::UniqueId { id }, Some(name)) => format!("{name} ({id})"),
        (Party::UniqueId { id }, None) => id.clone(),
        (Party::IdentityProvider { provider }, _) => last_part(provider),
    }
}

/// The role's permissions, worst first; reading metadata is left out where there is more.
fn can_words(entry: &Entry) -> String {
    let permitted = &entry.permitted;
    let mut words: Vec<&str> = permitted
        .telling()
        .filter(|held| held.class != Class::MetadataRead || permitted.classes.len() == 1)
        .map(|held| held.class.words())
        .collect();
    if words.is_empty() {
        return if permitted.more {
            "not known"
        } else {
            "nothing"
        }
        .to_owned();
    }
    if permitted.more {
        words.push("or more");
    }
    let at_most = if permitted.at_most { "at most " } else { "" };
    format!("{at_most}{}", words.join(", "))
}

/// A provider without its ARN.
fn last_part(provider: &str) -> String {
    let (_, name) = provider.split_once("-provider/").unwrap_or(("", provider));
    name.to_owned()
}

/// When it was last used, as a date.
pub(super) fn last_used(last_used: &LastUsed) -> String {
    match last_used {
        LastUsed::Unknown => "not known".to_owned(),
        LastUsed::Never => "never".to_owned(),
        LastUsed::At { when, .. } => date(*when),
    }
}

/// The day of a moment.
pub(super) fn date(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

/// The last day on which access that ends then is open: a rule that says a date means all of it.
pub(super) fn last_day(end: jiff::Timestamp) -> String {
    date(
        end.saturating_sub(jiff::SignedDuration::from_nanos(1))
            .unwrap_or(end),
    )
}

fn cut(cell: &str) -> String {
    if cell.chars().count() <= CELL {
        return cell.to_owned();
    }
    let kept: String = cell.chars().take(CELL - 1).collect();
    format!("{kept}…")
}

fn summary(report: &Report, streams: &mut Streams<'_>) -> io::Result<()> {
    let audited = &report.audited;
    let colors = streams.colors;
    let out = &mut *streams.out;
    writeln!(
        out,
        "{}",
        colors.style(
            Style::Strong,
            format!("{}, {}", audited.title(), date(report.now))
        )
    )?;
    let counts = &audited.counts;
    writeln!(
        out,
        "  {}: {} approved, {} with external access{}",
        counted(counts.roles, "role", "roles"),
        counts.approved,
        audited.entered_from_outside(),
        match counts.unreadable {
            0 => String::new(),
            unreadable => format!(", {unreadable} not readable"),
        }
    )?;
    let parties = audited.parties();
    let without = parties.values().filter(|ruled| !**ruled).count();
    writeln!(
        out,
        "  {}, {without} without a rule",
        counted(parties.len(), "third party", "third parties"),
    )?;
    let whole = report.unreadable_files.is_empty();
    let of = if whole { "" } else { " in what was read" };
    writeln!(out, "  {}{of}", findings::counts(&audited.found))?;
    for (severity, code, count) in top(report) {
        let title = code.title();
        writeln!(out, "  - {count} × {severity} {code}: {title}")?;
    }
    if !report.unreadable_files.is_empty() {
        let names: Vec<String> = report
            .unreadable_files
            .iter()
            .map(|name| escaped(name).to_string())
            .collect();
        writeln!(
            out,
            "  incomplete: {}; the figures above cover the rest",
            names.join(", ")
        )?;
    }
    let hash: String = report.rules_hash.chars().take(12).collect();
    writeln!(
        out,
        "  rules {hash}, trustwarden {}",
        env!("CARGO_PKG_VERSION")
    )
}

/// The codes that weigh most: by severity, then by how many there are.
pub(super) fn top(report: &Report) -> Vec<(Severity, Check, usize)> {
    let mut counts: std::collections::BTreeMap<(Severity, Check), usize> =
        std::collections::BTreeMap::new();
    for found in &report.audited.found {
        let finding = &found.finding;
        *counts.entry((finding.severity, finding.code)).or_default() += 1;
    }
    let mut counts: Vec<(Severity, Check, usize)> = counts
        .into_iter()
        .map(|((severity, code), count)| (severity, code, count))
        .collect();
    counts.sort_by_key(|(severity, code, count)| {
        (
            std::cmp::Reverse(*severity),
            std::cmp::Reverse(*count),
            *code,
        )
    });
    counts.truncate(TOP);
    counts
}
