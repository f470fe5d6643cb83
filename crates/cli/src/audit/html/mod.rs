//! The audit as one file for a browser.
//!
//! It loads nothing: a Content-Security-Policy in it forbids that, and lets only this style and
//! this script run, by their hashes. Names from the account are hostile text: maud escapes them for
//! HTML, and what would move or hide other text is written as an escape.

use std::collections::{BTreeSet, HashMap};
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use guard::account::{Proof, ProofKind, RuleOfParty};
use guard::{Check, Severity};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use permissions::Class;
use sha2::{Digest, Sha256};

use super::audited::Entry;
use super::human::{date, last_day, last_used, party_words};
use super::report::Report;
use crate::Streams;
use crate::findings::{Found, PAGES, by_severity, request_words};
use crate::terminal_escape::escaped;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// So many values of a proof are written out.
const VALUES: usize = 4;

/// Writes it. Rows are written one by one, so that a large account costs no large page in memory.
pub(super) fn write(report: &Report, streams: &mut Streams<'_>) -> io::Result<()> {
    let audited = &report.audited;
    let mut put = |markup: Markup| streams.out.write_all(markup.into_string().as_bytes());
    put(head(report))?;

    put(html! {
        (PreEscaped("<main>"))
        h2 id="access" { "External access " span.count { (audited.entries.len()) } }
    })?;
    let places = places(&audited.found);
    if audited.entries.is_empty() {
        put(html! { p { "No external principal can assume a role." } })?;
    } else {
        put(html! {
            (PreEscaped("<div class=\"scroll\"><table>"))
            thead { tr {
                th scope="col" { "Third party" }
                th scope="col" { "Role" }
                th scope="col" { "Must prove" }
                th scope="col" { "Can" }
                th scope="col" { "Last used" }
                th scope="col" { "Rule" }
                th scope="col" { "Findings" }
            } }
            (PreEscaped("<tbody>"))
        })?;
        for entry in &audited.entries {
            put(row(entry, &places))?;
        }
        put(PreEscaped("</tbody></table></div>".to_owned()))?;
    }

    put(html! { h2 id="findings" { "Findings " span.count { (audited.found.len()) } } })?;
    if audited.found.is_empty() {
        put(html! { p { "None." } })?;
    }
    for (index, found) in audited.found.iter().enumerate() {
        put(finding(index, found))?;
    }
    put(html! {
        (PreEscaped("</main>"))
        footer {
            "Trustwarden " (env!("CARGO_PKG_VERSION")) ", rules " code { (report.rules_hash) }
            ". The access shown is an upper bound: organization policies and the caller's own \
             permissions may still refuse."
        }
        script { (PreEscaped(SCRIPT)) }
        (PreEscaped("</body></html>\n"))
    })
}

/// The policy of the page: nothing is loaded, nothing is sent, nothing runs but what is here.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn head(report: &Report) -> Markup {
    let audited = &report.audited;
    let title = audited.title();
    let counts = by_severity(&audited.found);
    let codes: BTreeSet<Check> = audited
        .found
        .iter()
        .map(|found| found.finding.code)
        .collect();
    let parties = audited.parties();
    let without = parties.values().filter(|ruled| !**ruled).count();
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\">"))
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="referrer" content="no-referrer";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
        (PreEscaped("<body>"))
        header {
            h1 { (title) }
            p.about {
                (date(report.now)) ": " (audited.counts.roles) " roles, "
                (audited.counts.approved) " approved by the rules"
            }
            @if audited.accounts.len() > 1 {
                p.about { (Vec::from_iter(audited.accounts.iter().cloned()).join(", ")) }
            }
            ul.tiles {
                @for severity in Severity::ALL.iter().rev() {
                    li { b class=(severity.name()) { (counts.get(severity).copied().unwrap_or(0)) }
                        span { (severity.name().to_lowercase()) } }
                }
                li { b { (audited.entered_from_outside()) } span { "roles with external access" } }
                li { b { (parties.len()) } span { "third parties" } }
                li { b class=[(without > 0).then_some("bad")] { (without) }
                    span { "without a rule" } }
            }
            @if !report.unreadable_files.is_empty() {
                p.warn {
                    "Not everything could be read: "
                    @for name in &report.unreadable_files { code { (escaped(name)) } " " }
                    "This page covers the rest."
                }
            }
        }
        form.filters #filters hidden autocomplete="off" {
            input type="search" name="text" placeholder="role, vendor, account …"
                aria-label="Words to look for";
            fieldset {
                legend { "Worst" }
                @for severity in Severity::ALL.iter().rev() {
                    label class=(severity.name()) {
                        input type="checkbox" name="severity" value=(severity.name());
                        " " (severity.name().to_lowercase())
                    }
                }
            }
            select name="code" aria-label="Check" {
                option value="" { "every check" }
                @for code in codes { option value=(code.code()) { (code.code()) } }
            }
            label { input type="checkbox" name="unruled"; " without a rule" }
            button type="reset" { "Show all" }
            output #shown aria-live="polite" {}
        }
    }
}

/// Where findings stand on the page, by account, subject and code.
type Places<'a> = HashMap<(&'a str, &'a str, Check), usize>;

fn places(found: &[Found]) -> Places<'_> {
    let mut places = HashMap::new();
    for (index, found) in found.iter().enumerate() {
        if let Some(account) = &found.about.account {
            let key = (&**account, &*found.about.subject, found.finding.code);
            places.entry(key).or_insert(index);
        }
    }
    places
}

fn row(entry: &Entry, places: &Places<'_>) -> Markup {
    let access = &entry.access;
    let role = &access.role;
    let worst = access.findings.first();
    let mut codes: Vec<&str> = access
        .findings
        .iter()
        .map(|(_, code)| code.code())
        .collect();
    codes.dedup();
    let subject = role.subject();
    let id = |code: Check| {
        let key = (role.role.account.as_str(), subject.as_str(), code);
        places.get(&key).map(|index| format!("#f{index}"))
    };
    html! {
        tr data-kind="access"
            data-severity=(worst.map_or("none", |(severity, _)| severity.name()))
            data-codes=(codes.join(" "))
            data-rule=(if access.rule.is_some() { "yes" } else { "no" })
        {
            th scope="row" {
                (escaped(party_words(entry)))
                @for way in access.ways.iter().filter(|way| !way.whole_account) {
                    span.quiet { (escaped(&way.principal)) }
                }
            }
            td.name {
                (escaped(role.role.name.as_deref().unwrap_or_default()))
                span.quiet { (escaped(&role.role.account)) }
            }
            td { (proofs(entry)) }
            td { (can(entry)) }
            td.date { (last_used(&role.last_used)) }
            td.name.rule { (rule(entry)) }
            td {
                @if access.findings.is_empty() { span.good { "none" } }
                @for (severity, code) in &access.findings {
                    a class=(format!("chip {}", severity.name())) href=[id(*code)] { (code.code()) }
                }
            }
        }
    }
}

fn proofs(entry: &Entry) -> Markup {
    let kinds = entry.access.must_prove();
    let values = |kind: ProofKind| {
        let proofs = entry.access.ways.iter().flat_map(|way| &way.proofs);
        let mut values: Vec<&str> = proofs
            .filter(|proof: &&Proof| proof.kind == kind)
            .flat_map(|proof| proof.values.iter().map(String::as_str))
            .collect();
        values.sort_unstable();
        values.dedup();
        let more = values.len().saturating_sub(VALUES);
        let mut text = values
            .iter()
            .take(VALUES)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        text
    };
    html! {
        @if kinds.is_empty() { span.chip.bad { "nothing" } }
        @for kind in &kinds { span.chip { (kind.words()) } }
        @for kind in &kinds {
            @let text = values(*kind);
            @if !text.is_empty() && *kind != ProofKind::Mfa { span.quiet { code { (escaped(text)) } } }
        }
    }
}

fn can(entry: &Entry) -> Markup {
    let permitted = &entry.permitted;
    html! {
        @for held in permitted.telling() {
            span class=(format!("chip {}", weight(held.class)))
                title=(format!("{} actions, {}, as {}", held.count, held.scope.words(), escaped(&held.example)))
            {
                (held.class.words())
                @if held.conditional { " if" }
            }
        }
        @if permitted.at_most { span.quiet { "at most" } }
        @if !permitted.unreadable.is_empty() {
            span.quiet.bad { "not readable: " (escaped(permitted.unreadable.join(", "))) }
        } @else if permitted.classes.is_empty() {
            "nothing"
        }
    }
}

/// The colour of a class of permissions.
fn weight(class: Class) -> &'static str {
    match class {
        Class::Administrator => "CRITICAL",
        Class::IamWrite | Class::PermissionsManagement => "HIGH",
        Class::Write | Class::DataRead | Class::Unknown => "MEDIUM",
        Class::MetadataRead => "INFORMATIONAL",
    }
}

fn rule(entry: &Entry) -> Markup {
    let access = &entry.access;
    let met = access.allowed;
    html! {
        @match access.rule.as_deref() {
            None => span.bad { "none" },
            Some(RuleOfParty::Vendor { name, owner, ticket, expires }) => {
                (escaped(name))
                @if let Some(owner) = owner { span.quiet { "owner " (escaped(owner)) } }
                @if let Some(ticket) = ticket { span.quiet { (escaped(ticket)) } }
                @if let Some(expires) = expires { span.quiet { "until " (last_day(*expires)) } }
            }
            Some(RuleOfParty::IdentityProvider { .. }) => "identity_providers",
            Some(RuleOfParty::Network) => "networks",
            Some(RuleOfParty::Exemption { reason }) => {
                "exemption"
                span.quiet { (escaped(reason)) }
            }
        }
        @if access.rule.is_some() && !met { span.quiet.bad { "not met" } }
    }
}

fn finding(index: usize, found: &Found) -> Markup {
    let finding = &found.finding;
    let severity = finding.severity.name();
    let place = match found.about.line {
        Some(line) => format!("{}:{line}", escaped(&found.about.file)),
        None => escaped(&found.about.file).to_string(),
    };
    html! {
        article id=(format!("f{index}")) class=(severity) data-kind="finding" data-severity=(severity)
            data-codes=(finding.code.code())
            data-rule=(if finding.vendor.is_some() { "yes" } else { "no" })
        {
            h3 {
                b class=(severity) { (severity) }
                a href=(format!("{PAGES}/{}.md", finding.code.code())) rel="noreferrer" {
                    (finding.code.code())
                }
                span.subject {
                    (escaped(&found.about.subject))
                    @if let Some(account) = &found.about.account { " in " (escaped(account)) }
                }
                span.place { (place) }
            }
            p { (escaped(&finding.message)) }
            dl {
                @if let Some(statement) = finding.statement {
                    dt { "Where" } dd { "statement " (statement) " of the trust policy" }
                }
                @if let Some(witness) = found.witness() {
                    dt { "Proof" } dd { code { (request_words(&witness)) } }
                }
                @if !finding.ways.is_empty() { dt { "Ways" } dd { (finding.ways.join(", ")) } }
                @if let Some(fix) = &finding.fix { dt { "Fix" } dd { (escaped(fix)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_end_where_they_end_and_load_nothing() {
        for text in [STYLE, SCRIPT] {
            for never in ["</", "<!--", "url(", "@import", "http", "eval", "innerHTML"] {
                assert!(!text.contains(never), "{never}");
            }
        }
    }
}
