//! A grant in one sentence, for people.

use std::fmt::Write as _;

use crate::answer::{Grant, Restriction, Values, Who};

/// A grant as one sentence without line breaks: who, what must hold, by which statement.
///
/// Names and values come from the document, and whoever wrote it chose them: escape them for where
/// they are shown.
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
