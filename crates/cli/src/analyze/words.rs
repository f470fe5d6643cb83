//! The answer, for people: what it comes to, then every way in with the statement that opens it,
//! the keys that limit it and a request that proves it.

use std::io::{self, Write};

use guard::known_account;
use policy::{Analysis, ExternalIdNeed, Grant, Problem, Restriction, Values, Who};

use crate::Streams;
use crate::findings::request_words;
use crate::streams::{Colors, Style};
use crate::terminal_escape::escaped;

/// How many values of a list are worth reading.
const LISTED: usize = 8;

pub(super) fn write(analysis: &Analysis, streams: &mut Streams<'_>) -> io::Result<()> {
    let colors = streams.colors;
    let out = &mut *streams.out;
    for (style, sentence) in sentences(analysis) {
        writeln!(out, "{}", colors.style(style, sentence))?;
    }
    problems(
        "IAM would refuse this document",
        Style::Bad,
        &analysis.errors,
        colors,
        out,
    )?;
    problems(
        "worth knowing",
        Style::Warn,
        &analysis.warnings,
        colors,
        out,
    )?;
    for (index, grant) in analysis.grants.iter().enumerate() {
        if index == 0 {
            writeln!(out, "\nways in:")?;
        }
        way_in(grant, colors, out)?;
    }
    Ok(())
}

fn problems(
    title: &str,
    style: Style,
    problems: &[Problem],
    colors: Colors,
    out: &mut dyn Write,
) -> io::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}:", colors.style(style, title))?;
    for problem in problems {
        let place = format!("{}:{}", problem.line, problem.column);
        let place = colors.style(Style::Quiet, place);
        writeln!(
            out,
            "  {place} {}: {}",
            escaped(&problem.path),
            escaped(&problem.message)
        )?;
    }
    Ok(())
}

/// The answer in sentences, worst first.
fn sentences(analysis: &Analysis) -> Vec<(Style, String)> {
    let said: Vec<(Style, String)> = who_can_assume(analysis)
        .into_iter()
        .chain(what_is_asked(analysis))
        .chain(who_else(analysis))
        .collect();
    if !said.is_empty() {
        return said;
    }
    let (style, nobody) = match (analysis.valid, analysis.grants.is_empty()) {
        (true, true) => (Style::Good, "nobody can assume the role"),
        (true, false) => (
            Style::Good,
            "nobody outside the own account can assume the role",
        ),
        (false, _) => (
            Style::Warn,
            "the readable part of the document grants no external access",
        ),
    };
    vec![(style, nobody.to_owned())]
}

/// A sentence about a list, where it is not empty.
fn about(
    list: &[String],
    style: Style,
    sentence: impl FnOnce(String) -> String,
) -> Option<(Style, String)> {
    let words = || listed(list, |text| escaped(text).to_string());
    (!list.is_empty()).then(|| (style, sentence(words())))
}

fn when(so: bool, style: Style, sentence: &str) -> Option<(Style, String)> {
    so.then(|| (style, sentence.to_owned()))
}

fn who_can_assume(analysis: &Analysis) -> Vec<(Style, String)> {
    let accounts = &analysis.external_accounts;
    let style = match analysis.unguarded_accounts.is_empty() {
        true => Style::Strong,
        false => Style::Warn,
    };
    let external = (!accounts.is_empty()).then(|| {
        let accounts = listed(accounts, |id| account_words(id));
        let sentence = format!("external accounts that can assume the role: {accounts}");
        (style, sentence)
    });
    [
        when(
            analysis.public,
            Style::Bad,
            "any AWS account can assume the role",
        ),
        about(&analysis.federated_open, Style::Bad, |providers| {
            format!("users outside the intended tenant can assume the role through {providers}")
        }),
        when(
            analysis.any_account_from_network,
            Style::Warn,
            "any AWS account can assume the role from the networks below",
        ),
        when(
            analysis.unknown_account,
            Style::Warn,
            "a principal whose account the document does not identify can assume the role",
        ),
        about(&analysis.organizations, Style::Warn, |organizations| {
            format!("accounts of organization {organizations} can assume the role")
        }),
        external,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn what_is_asked(analysis: &Analysis) -> Vec<(Style, String)> {
    let unguarded = &analysis.unguarded_accounts;
    let unguarded = (!unguarded.is_empty()).then(|| {
        let accounts = listed(unguarded, |id| account_words(id));
        let sentence =
            format!("access is limited only by values that the caller can choose: {accounts}");
        (Style::Warn, sentence)
    });
    let external_id = external_id_words(analysis.external_id);
    [
        external_id.map(|(style, sentence)| (style, sentence.to_owned())),
        when(
            analysis.guessable,
            Style::Warn,
            "an external id that is accepted can be guessed",
        ),
        unguarded,
        when(
            analysis.mfa_required,
            Style::Strong,
            "every external principal must use MFA",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn who_else(analysis: &Analysis) -> Vec<(Style, String)> {
    let closed: Vec<String> = analysis
        .federated
        .iter()
        .filter(|provider| !analysis.federated_open.contains(provider))
        .cloned()
        .collect();
    let behalf = match analysis.service_source_accounts.as_slice() {
        [] => String::new(),
        [any] if any == "*" => ", on behalf of any account".to_owned(),
        accounts => format!(
            ", on behalf of {}",
            listed(accounts, |id| account_words(id))
        ),
    };
    // Beside named services it is not told whose of them it is.
    let of_any = if analysis.services.is_empty() {
        &behalf
    } else {
        ""
    };
    [
        about(&closed, Style::Strong, |providers| {
            format!("identity providers whose users can assume the role: {providers}")
        }),
        when(
            analysis.foreign_provider,
            Style::Warn,
            "an identity provider of another account is named: AWS grants nobody access through it",
        ),
        about(&analysis.services, Style::Strong, |services| {
            format!("AWS services that can assume the role: {services}{behalf}")
        }),
        when(
            analysis.any_service && !analysis.public && !analysis.any_account_from_network,
            Style::Warn,
            &format!("any AWS service can assume the role{of_any}"),
        ),
        analysis.expires.map(|expires| {
            let sentence = format!("no external principal can assume the role after {expires}");
            (Style::Strong, sentence)
        }),
        about(&analysis.orphaned, Style::Warn, |ids| {
            format!("principals are named by unique ids: {ids}")
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn external_id_words(need: ExternalIdNeed) -> Option<(Style, &'static str)> {
    Some(match need {
        ExternalIdNeed::NotRequired => (Style::Warn, "no external id is required"),
        ExternalIdNeed::Forbidden => (Style::Warn, "callers that send an external id are denied"),
        ExternalIdNeed::AnyValue => (
            Style::Warn,
            "an external id is required, and any value is accepted",
        ),
        ExternalIdNeed::Pattern => (
            Style::Warn,
            "an external id is required, and many values are accepted",
        ),
        ExternalIdNeed::Required => (Style::Strong, "a fixed external id is required"),
        ExternalIdNeed::Unsatisfiable => (
            Style::Warn,
            "the conditions on the external id grant nobody access",
        ),
        ExternalIdNeed::None => return None,
    })
}

fn way_in(grant: &Grant, colors: Colors, out: &mut dyn Write) -> io::Result<()> {
    let statement = match grant.sid.as_deref() {
        Some(sid) if !sid.is_empty() => format!("statement {} ({})", grant.statement, escaped(sid)),
        _ => format!("statement {}", grant.statement),
    };
    let actions = listed(&grant.actions, |action| escaped(action).to_string());
    let who = who_words(&grant.principal);
    writeln!(
        out,
        "  {}: {who}, by {actions}",
        colors.style(Style::Strong, statement)
    )?;
    for restriction in &grant.restrictions {
        writeln!(out, "    where {}", restriction_words(restriction))?;
    }
    if !grant.decided {
        let sentence = "what else limits this could not be decided: it counts as open";
        writeln!(out, "    {}", colors.style(Style::Warn, sentence))?;
    }
    if let Some(witness) = &grant.witness {
        let proof = format!("proof: {}", request_words(witness));
        writeln!(out, "    {}", colors.style(Style::Quiet, proof))?;
    }
    Ok(())
}

pub(crate) fn who_words(who: &Who) -> String {
    match who {
        Who::Anyone => "any principal of any AWS account".to_owned(),
        Who::Organization { id, path: None } => {
            format!(
                "any principal of any account of organization {}",
                escaped(id)
            )
        }
        Who::Organization {
            id,
            path: Some(path),
        } => {
            format!(
                "any principal of the accounts of organization {} under {}",
                escaped(id),
                escaped(path)
            )
        }
        Who::Account { account } => format!("any principal of account {}", account_words(account)),
        Who::Principal { account, arn } => match known(account) {
            Some(name) => format!("{} (of {})", escaped(arn), escaped(name)),
            None => escaped(arn).to_string(),
        },
        Who::UniqueId { id } => format!("the principal with the unique id {}", escaped(id)),
        Who::Service { service } => format!("the service {}", escaped(service)),
        Who::AnyService => "any AWS service".to_owned(),
        Who::Federated { provider, open, .. } => {
            let open = if *open {
                ", for anyone who has an account there"
            } else {
                ""
            };
            format!("users of {}{open}", escaped(provider))
        }
    }
}

fn restriction_words(restriction: &Restriction) -> String {
    let one_of = |values: &[String]| match values {
        [only] => format!("is {}", escaped(only)),
        many => format!(
            "is one of {}",
            listed(many, |value| escaped(value).to_string())
        ),
    };
    let values = match &restriction.values {
        Values::None => "is absent".to_owned(),
        Values::Any => "is there, whatever it says".to_owned(),
        Values::OneOf(values) => one_of(values),
        Values::OneOfIgnoringCase(values) => format!("{}, in any case", one_of(values)),
        Values::Like(patterns) => {
            format!(
                "fits {}",
                listed(patterns, |pattern| escaped(pattern).to_string())
            )
        }
        Values::Networks(networks) => {
            format!(
                "is within {}",
                listed(networks, |network| escaped(network).to_string())
            )
        }
        Values::Except(words) | Values::Range(words) | Values::Other(words) => {
            format!("is {}", escaped(words))
        }
    };
    let absent = if restriction.may_be_absent {
        ", or is absent"
    } else {
        ""
    };
    format!("{} {values}{absent}", escaped(&restriction.key))
}

/// The name under which an account is publicly known: a hint, never an approval.
fn known(account: &str) -> Option<&'static str> {
    known_account(account).map(|known| known.name)
}

fn account_words(account: &str) -> String {
    match known(account) {
        Some(name) => format!("{} (known as {})", escaped(account), escaped(name)),
        None => escaped(account).to_string(),
    }
}

fn listed(values: &[String], words: impl Fn(&String) -> String) -> String {
    let mut text = values
        .iter()
        .take(LISTED)
        .map(words)
        .collect::<Vec<_>>()
        .join(", ");
    let more = values.len().saturating_sub(LISTED);
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
