//! The answer in short sentences, for alerts and for people at a terminal.

use std::fmt::Write as _;

use crate::answer::{Analysis, Grant, Restriction, Values, Who};

/// The answer in short sentences, without line breaks: first what is worst, then one sentence for
/// each way in, each naming the statement and the keys that decide.
///
/// Names and values come from the document, and whoever wrote it chose them: escape them for where
/// they are shown.
pub fn explain(analysis: &Analysis) -> Vec<String> {
    let mut said = Vec::new();
    if !analysis.valid {
        said.push("IAM would refuse this document; it is read for what it says".to_owned());
    }
    if analysis.public {
        said.push("anyone with an AWS account can assume the role".to_owned());
    }
    if analysis.any_account_from_network {
        said.push("any AWS account can assume the role from a named network".to_owned());
    }
    if analysis.unknown_account {
        said.push(
            "a principal whose account the document does not identify can assume the role"
                .to_owned(),
        );
    }
    for provider in &analysis.federated_open {
        said.push(format!(
            "users of any tenant of {provider} can assume the role"
        ));
    }
    if analysis.grants.is_empty() {
        said.push("nobody can assume the role".to_owned());
    }
    for grant in &analysis.grants {
        said.push(describe(grant));
    }
    if analysis.guessable {
        said.push("an accepted external id can be guessed".to_owned());
    }
    let gets_in = |id: &String| {
        let mut grants = analysis.grants.iter();
        grants.any(|grant| matches!(&grant.principal, Who::UniqueId { id: found } if found == id))
    };
    for id in analysis.orphaned.iter().filter(|id| !gets_in(id)) {
        said.push(format!("the unique id {id} lets nobody in"));
    }
    if let Some(end) = analysis.expires {
        said.push(format!(
            "after {end} no external account can assume the role"
        ));
    }
    said
}

/// One way in as one sentence: who, what must hold, by which statement.
pub fn describe(grant: &Grant) -> String {
    let mut said = who(&grant.principal);
    let assumes = matches!(
        grant.principal,
        Who::Account { .. } | Who::Principal { .. } | Who::Anyone | Who::Organization { .. }
    );
    if assumes && grant.restriction("sts:ExternalId").is_none() {
        said.push_str(", without an external id");
    }
    for restriction in &grant.restrictions {
        said.push_str(", ");
        said.push_str(&demand(restriction));
    }
    _ = write!(said, ", by statement {}", grant.statement);
    if let Some(sid) = grant.sid.as_deref().filter(|sid| !sid.is_empty()) {
        _ = write!(said, " ({sid})");
    }
    if !grant.decided {
        said.push_str(" (perhaps narrower: too costly to decide)");
    }
    said
}

fn who(principal: &Who) -> String {
    match principal {
        Who::Anyone => "any principal of any account".to_owned(),
        Who::Organization { id, path: None } => {
            format!("any principal of organization {id}")
        }
        Who::Organization {
            id,
            path: Some(path),
        } => {
            format!("any principal of the part {path} of organization {id}")
        }
        Who::Account { account } => format!("account {account} (any principal)"),
        Who::Principal { account, arn } => format!("{arn} of account {account}"),
        Who::UniqueId { id } => format!("the principal with the unique id {id}"),
        Who::Service { service } => format!("the service {service}"),
        Who::AnyService => "any AWS service".to_owned(),
        Who::Federated { provider, open, .. } => {
            let tenant = if *open { " (of any tenant)" } else { "" };
            format!("users of {provider}{tenant}")
        }
    }
}

fn demand(restriction: &Restriction) -> String {
    let key = restriction.key.as_str();
    let external_id = key.eq_ignore_ascii_case("sts:ExternalId");
    let name = if external_id { "external id" } else { key };
    let said = match &restriction.values {
        Values::None => {
            return format!(
                "without {}",
                if external_id { "an external id" } else { key }
            );
        }
        Values::Any => format!("with {} {name}", if external_id { "some" } else { "any" }),
        Values::OneOf(list) => format!("with {}{name} {}", the(external_id), listed(list)),
        Values::OneOfIgnoringCase(list) => {
            format!(
                "with {}{name} {} in any case",
                the(external_id),
                listed(list)
            )
        }
        Values::Like(list) => {
            format!(
                "with {}{name} like {}",
                if external_id { "an " } else { "" },
                listed(list)
            )
        }
        Values::Networks(list) => format!("with {name} in {}", list.join(" or ")),
        Values::Except(words) | Values::Range(words) | Values::Other(words) => {
            format!("with {name} {words}")
        }
    };
    if restriction.may_be_absent {
        format!("{said} or without it")
    } else {
        said
    }
}

fn the(external_id: bool) -> &'static str {
    if external_id { "the " } else { "" }
}

/// A list as people say it; a long one is cut.
fn listed(list: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut said = list
        .iter()
        .take(SHOWN)
        .map(|value| format!("\"{value}\""))
        .collect::<Vec<_>>()
        .join(" or ");
    if list.len() > SHOWN {
        _ = write!(said, " or one of {} more", list.len() - SHOWN);
    }
    said
}
