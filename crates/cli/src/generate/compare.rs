//! The difference between what a role holds and what it needs, action by action.

use std::collections::HashMap;
use std::io;

use permissions::{ActionSet, Effective, Policies, Policy, Service, effective, expand_into};

use crate::audit::export::{self, Element, Held};
use crate::audit::interned::Interned;
use crate::input::Input;
use crate::least::Need;
use crate::streams::chain;
use crate::terminal_escape::escaped;
use crate::{Streams, Style};

/// Held permissions that are not known.
#[derive(Debug, thiserror::Error)]
enum HeldError {
    #[error("there is no role {} in {}", escaped(role), escaped(name))]
    NoRole { role: String, name: String },
    #[error("say by --role which role of {} is meant", escaped(.0))]
    WhichRole(String),
}

/// The permissions that the policies in a file amount to: of a bare IAM policy, or of a role in
/// what
/// `aws iam get-account-authorization-details` prints. `None`, and the reason printed, where that
/// is not known.
pub(super) fn held(
    input: &Input,
    role: Option<&str>,
    streams: &mut Streams<'_>,
) -> Option<Effective> {
    let text = streams.ok(input.read())?;
    let is_policy = serde_json::from_str::<serde_json::Value>(&text)
        .is_ok_and(|value| value.get("Statement").is_some());
    let held = if is_policy {
        effective(&Policies {
            policies: vec![Policy {
                name: "policy",
                arn: None,
                document: Some(&text),
            }],
            ..Policies::default()
        })
    } else {
        of_role(input, &text, role, streams)?
    };
    if held.unreadable.is_empty() {
        return Some(held);
    }
    for policy in &held.unreadable {
        streams.error(format_args!(
            "{}: policy {} cannot be read: {}",
            escaped(input.name()),
            escaped(&policy.policy),
            escaped(policy.reason.to_string())
        ));
    }
    None
}

fn of_role(
    input: &Input,
    text: &str,
    role: Option<&str>,
    streams: &mut Streams<'_>,
) -> Option<Effective> {
    let name = input.name();
    let Some(role) = role else {
        streams.failure(&HeldError::WhichRole(name));
        return None;
    };
    let mut found: Option<Held> = None;
    let mut managed = HashMap::new();
    let mut wrong = Vec::new();
    let ended = export::read(text.as_bytes(), false, &mut |element, _| match element {
        Element::Role(this) if this.name == role || this.arn == role => {
            match this.held(&mut Interned::default()) {
                Ok(held) => found = Some(held),
                Err(error) => wrong.push(chain(&error)),
            }
        }
        Element::Policy(policy) => drop(managed.insert(policy.arn, policy.document)),
        Element::Unreadable(error) => wrong.push(chain(&error)),
        Element::Role(_) | Element::User(_) | Element::Group(_) | Element::PageEnd(_) => {}
    });
    if let Err(source) = ended {
        streams.unusable(&name, "cannot be read to its end", &source);
        return None;
    }
    for why in &wrong {
        streams.error(format_args!("{}: {}", escaped(&name), escaped(why)));
    }
    let Some(held) = found.filter(|_| wrong.is_empty()) else {
        if wrong.is_empty() {
            let role = role.to_owned();
            streams.failure(&HeldError::NoRole { role, name });
        }
        return None;
    };
    Some(effective(&held.policies(&managed)))
}

/// Prints the difference: `-` what is held and not needed, `+` what is needed and not held.
pub(super) fn print(held: &Effective, needs: &[Need], streams: &mut Streams<'_>) -> io::Result<()> {
    let holds = held.actions();
    let mut needed = ActionSet::new();
    for pattern in needs.iter().flat_map(|need| &need.actions) {
        expand_into(pattern, &mut needed);
    }
    let colors = streams.colors;
    let (mut kept, mut unused, mut missing) = (0_usize, 0_usize, 0_usize);
    for service in Service::all() {
        let actions: Vec<_> = service
            .actions()
            .map(|action| (action, holds.contains(action), needed.contains(action)))
            .collect();
        let whole = actions.iter().all(|(_, held, needed)| *held && !needed);
        if whole && actions.len() > 1 {
            unused += actions.len();
            let line = format!("- {}:* (all {} actions)", service.prefix(), actions.len());
            writeln!(streams.out, "{}", colors.style(Style::Bad, line))?;
            continue;
        }
        for (action, is_held, is_needed) in actions {
            match (is_held, is_needed) {
                (true, true) => {
                    kept += 1;
                    writeln!(streams.out, "  {action}")?;
                }
                (true, false) => {
                    unused += 1;
                    let line = format!("- {action}");
                    writeln!(streams.out, "{}", colors.style(Style::Bad, line))?;
                }
                (false, true) => {
                    missing += 1;
                    let line = format!("+ {action}");
                    writeln!(streams.out, "{}", colors.style(Style::Good, line))?;
                }
                (false, false) => {}
            }
        }
    }
    let mut unknown: Vec<&String> = held.permits.iter().flat_map(|one| &one.unknown).collect();
    unknown.sort();
    unknown.dedup();
    for pattern in unknown {
        let line = format!("- {} (no action that is known)", escaped(pattern));
        writeln!(streams.out, "{}", colors.style(Style::Bad, line))?;
    }
    streams.remark(format_args!(
        "held and needed: {kept}, held and not needed: {unused}, needed and not held: {missing}"
    ));
    Ok(())
}
