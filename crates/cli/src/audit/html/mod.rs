//! The audit as one file for a browser.
//!
//! It loads nothing: a Content-Security-Policy in it forbids that, and lets only this style and
//! this script run, by their hashes. Names from the account are hostile text: maud escapes them for
//! HTML, and what would move or hide other text is written as an escape.

mod picture;

use std::collections::{BTreeSet, HashMap};
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use guard::account::{Party, Proof, ProofKind, RuleOfParty};
use guard::{Check, Severity};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use permissions::Class;
use sha2::{Digest, Sha256};

use super::audited::{Audited, Entry};
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
        @if !audited.entries.is_empty() { (picture::picture(&audited.entries)) }
        h2 id="access" { "External access " span.count { (audited.entries.len()) } }
    })?;
    let places = Places::of(audited);
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
            (PreEscaped("<tbody data-list=\"access\">"))
        })?;
        for (index, entry) in audited.entries.iter().enumerate() {
            put(row(index, entry, &places))?;
        }
        put(PreEscaped("</tbody></table></div>".to_owned()))?;
    }

    put(html! { h2 id="findings" { "Findings " span.count { (audited.found.len()) } } })?;
    if audited.found.is_empty() {
        put(html! { p { "None." } })?;
    }
    put(PreEscaped("<div data-list=\"finding\">".to_owned()))?;
    for (index, found) in audited.found.iter().enumerate() {
        put(finding(index, found, &places))?;
    }
    put(html! {
        (PreEscaped("</div></main>"))
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
            nav aria-label="On this page" {
                @if !audited.entries.is_empty() { a href="#picture" { "Who can reach what" } }
                a href="#access" { "External access" }
                a href="#findings" { "Findings" }
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
        (filters(&audited.found))
    }
}

fn filters(found: &[Found]) -> Markup {
    let codes: BTreeSet<Check> = found.iter().map(|found| found.finding.code).collect();
    html! {
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
            label { "sort " select name="sort" {
                option value="worst" { "worst first" }
                option value="party" { "third party" }
                option value="role" { "role" }
                option value="used" { "last used" }
            } }
            label { "group " select name="group" {
                option value="" { "by nothing" }
                option value="party" { "by third party" }
                option value="role" { "by role" }
                option value="rule" { "by rule" }
                option value="code" { "by check" }
            } }
            button type="reset" { "Show all" }
            output #shown aria-live="polite" {}
        }
    }
}

/// Where things stand on the page.
struct Places<'a> {
    /// Findings by account, subject, code and the outside account that they are about; without it, the
    /// first of these.
    findings: HashMap<(&'a str, &'a str, Check, Option<&'a str>), usize>,
    /// Accesses by account, role and outside account; without it, the first.
    accesses: HashMap<(&'a str, &'a str, Option<&'a str>), usize>,
}

impl<'a> Places<'a> {
    fn of(audited: &'a Audited) -> Self {
        let mut findings = HashMap::new();
        for (index, found) in audited.found.iter().enumerate() {
            if let Some(account) = &found.about.account {
                let finding = &found.finding;
                for party in [finding.third_party.as_deref(), None] {
                    let key = (&**account, &*found.about.subject, finding.code, party);
                    findings.entry(key).or_insert(index);
                }
            }
        }
        let mut accesses = HashMap::new();
        for (index, entry) in audited.entries.iter().enumerate() {
            let role = &entry.access.role.role;
            for party in [outside_account(entry), None] {
                let key = (role.account.as_str(), role_name(entry), party);
                accesses.entry(key).or_insert(index);
            }
        }
        Self { findings, accesses }
    }

    /// The finding of this code that an access shows.
    fn finding(&self, entry: &'a Entry, subject: &'a str, code: Check) -> Option<String> {
        let account = entry.access.role.role.account.as_str();
        let own = self
            .findings
            .get(&(account, subject, code, outside_account(entry)));
        let any = || self.findings.get(&(account, subject, code, None));
        own.or_else(any).map(|index| format!("#f{index}"))
    }

    /// The access that a finding is about.
    fn access(&self, found: &Found) -> Option<String> {
        let account = found.about.account.as_deref()?;
        let role = found.about.subject.strip_prefix("role/")?;
        let of = |party| (account, role, party);
        let own = self.accesses.get(&of(found.finding.third_party.as_deref()));
        own.or_else(|| self.accesses.get(&of(None)))
            .map(|index| format!("#r{index}"))
    }
}

fn role_name(entry: &Entry) -> &str {
    entry.access.role.role.name.as_deref().unwrap_or_default()
}

fn outside_account(entry: &Entry) -> Option<&str> {
    match &entry.access.party {
        Party::Account { account } => Some(account),
        _ => None,
    }
}

fn row(index: usize, entry: &Entry, places: &Places<'_>) -> Markup {
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
    html! {
        tr id=(format!("r{index}")) data-kind="access"
            data-severity=(worst.map_or("none", |(severity, _)| severity.name()))
            data-codes=(codes.join(" "))
            data-rule=(if access.rule.is_some() { "yes" } else { "no" })
            data-party=(escaped(party_words(entry)))
            data-role=(escaped(role_name(entry)))
            data-by=(rule_words(entry))
            data-used=(last_used(&role.last_used))
        {
            th scope="row" {
                (escaped(party_words(entry)))
                @for way in access.ways.iter().filter(|way| !way.whole_account) {
                    span.quiet { (escaped(&way.principal)) }
                }
            }
            td.name data-of="Role" {
                (escaped(role_name(entry)))
                span.quiet { (escaped(&role.role.account)) }
            }
            td data-of="Must prove" { (proofs(entry)) }
            td data-of="Can" { (can(entry)) }
            td.date data-of="Last used" { (last_used(&role.last_used)) }
            td.name.rule data-of="Rule" { (rule(entry)) }
            td data-of="Findings" {
                @if access.findings.is_empty() { span.good { "none" } }
                @for (severity, code) in &access.findings {
                    a class=(format!("chip {}", severity.name())) href=[places.finding(entry, &subject, *code)] { (code.code()) }
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

/// The rule's name, or its kind.
fn rule_words(entry: &Entry) -> String {
    match entry.access.rule.as_deref() {
        None => "none".to_owned(),
        Some(RuleOfParty::Vendor { name, .. }) => escaped(name).to_string(),
        Some(RuleOfParty::IdentityProvider { .. }) => "identity_providers".to_owned(),
        Some(RuleOfParty::Network) => "networks".to_owned(),
        Some(RuleOfParty::Exemption { .. }) => "exemption".to_owned(),
    }
}

fn rule(entry: &Entry) -> Markup {
    let access = &entry.access;
    html! {
        span.bad[access.rule.is_none()] { (rule_words(entry)) }
        @match access.rule.as_deref() {
            Some(RuleOfParty::Vendor { owner, ticket, expires, .. }) => {
                @if let Some(owner) = owner { span.quiet { "owner " (escaped(owner)) } }
                @if let Some(ticket) = ticket { span.quiet { (escaped(ticket)) } }
                @if let Some(expires) = expires { span.quiet { "until " (last_day(*expires)) } }
            }
            Some(RuleOfParty::Exemption { reason }) => span.quiet { (escaped(reason)) },
            Some(RuleOfParty::IdentityProvider { .. } | RuleOfParty::Network) | None => {}
        }
        @if access.rule.is_some() && !access.allowed { span.quiet.bad { "not met" } }
    }
}

fn finding(index: usize, found: &Found, places: &Places<'_>) -> Markup {
    let finding = &found.finding;
    let severity = finding.severity.name();
    let party = finding.vendor.as_deref().or(finding.third_party.as_deref());
    let party = party.unwrap_or("no third party");
    let place = match found.about.line {
        Some(line) => format!("{}:{line}", escaped(&found.about.file)),
        None => escaped(&found.about.file).to_string(),
    };
    html! {
        article id=(format!("f{index}")) class=(severity) data-kind="finding" data-severity=(severity)
            data-codes=(finding.code.code())
            data-rule=(if finding.vendor.is_some() { "yes" } else { "no" })
            data-party=(escaped(party)) data-role=(escaped(&found.about.subject))
        {
            h3 {
                b class=(severity) { (severity) }
                a href=(format!("{PAGES}/{}.md", finding.code.code())) rel="noreferrer" {
                    (finding.code.code())
                }
                span.subject {
                    @match places.access(found) {
                        Some(row) => a href=(row) { (escaped(&found.about.subject)) },
                        None => (escaped(&found.about.subject)),
                    }
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
