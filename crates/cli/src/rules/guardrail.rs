//! `rules guardrail`: prevention from the same registry.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use guard::guardrail::{Guardrail, GuardrailError, Wanted, resource_control_policies};
use jiff::Timestamp;

use super::against_export;
use super::against_trail::{self, Refusals};
use super::load::{Read, read};
use crate::args::RulesGuardrailArgs;
use crate::input::Input;
use crate::output::replace;
use crate::streams::counted;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

pub(super) fn guardrail(
    arguments: &RulesGuardrailArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(read) = read(&arguments.file, None, streams) else {
        return Ok(Status::Unreadable);
    };
    let wanted = Wanted {
        eks_regions: arguments.eks_region.clone(),
        federation: arguments.federation,
        exclude_tags: arguments.exclude_tag.clone(),
        exclude_roles: arguments.exclude_role.clone(),
        services: arguments.services.iter().copied().map(Into::into).collect(),
    };
    let made = resource_control_policies(&read.file, &read.accounts, &wanted, now);
    let guardrail = match made {
        Ok(guardrail) => guardrail,
        Err(error) => return Ok(refused(&error, streams)),
    };
    let is_tried = !(arguments.against_trail.is_empty() && arguments.against_export.is_empty());
    match &arguments.output {
        None if !is_tried => {
            for document in &guardrail.documents {
                writeln!(streams.out, "{document}")?;
            }
        }
        None => {}
        Some(folder) => {
            // What cannot be made is said by the first that cannot be written.
            drop(fs::create_dir_all(folder));
            for (index, document) in guardrail.documents.iter().enumerate() {
                if !write(folder, index, document, streams) {
                    return Ok(Status::Unreadable);
                }
            }
        }
    }
    explain(&guardrail, streams);
    if !is_tried {
        return Ok(Status::Done);
    }
    tried(arguments, &read, &wanted, now, streams)
}

/// What cannot be attached is a finding about the rules, which were read well.
fn refused(error: &GuardrailError, streams: &mut Streams<'_>) -> Status {
    streams.failure(error);
    if error.is_too_much() {
        Status::Findings
    } else {
        Status::Unreadable
    }
}

fn explain(guardrail: &Guardrail, streams: &mut Streams<'_>) {
    let count = counted(guardrail.documents.len(), "document", "documents");
    streams.remark(format_args!("{count}, which stop:"));
    for (sid, callers) in &guardrail.stops {
        streams.remark(format_args!("- {sid}: {}", escaped(callers)));
    }
    streams.remark("what the rules say and these cannot is left to the guard:");
    for note in &guardrail.notes {
        streams.remark(format_args!("- {}", escaped(note)));
    }
}

/// Who would be refused, by logs and by accounts' roles.
fn tried(
    arguments: &RulesGuardrailArgs,
    read: &Read,
    wanted: &Wanted,
    now: Timestamp,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    // Roles are spared by their names here; which tags they have, a log does not tell.
    let all = Wanted {
        exclude_tags: Vec::new(),
        exclude_roles: Vec::new(),
        services: Vec::new(),
        ..wanted.clone()
    };
    let guardrail = match resource_control_policies(&read.file, &read.accounts, &all, now) {
        Ok(guardrail) => guardrail,
        Err(error) => return Ok(refused(&error, streams)),
    };
    let mut accounts: Vec<&str> = read.accounts.iter().map(|own| own.id.as_str()).collect();
    let own = read.file.organization.as_ref();
    accounts.extend(own.and_then(|own| own.management_account.as_deref()));
    let organization = own.and_then(|own| own.id.as_deref());
    let mut status = Status::Done;
    if !arguments.against_export.is_empty() {
        let Some(documents) = against_trail::documents(&guardrail.documents) else {
            return Ok(unreadable_policy(streams));
        };
        let judge = against_export::Judge {
            documents,
            organization,
            members: accounts
                .iter()
                .map(|account| (*account).to_owned())
                .collect(),
            exclude_roles: &wanted.exclude_roles,
            now,
        };
        status = by_exports(&arguments.against_export, judge, &guardrail, streams)?;
    }
    if !arguments.against_trail.is_empty() {
        let excluded = &wanted.exclude_roles;
        let texts = &guardrail.documents;
        let Some(judge) = against_trail::Judge::new(texts, organization, accounts, excluded) else {
            return Ok(unreadable_policy(streams));
        };
        status = status.max(by_trail(
            &arguments.against_trail,
            &judge,
            &guardrail,
            streams,
        )?);
    }
    Ok(status)
}

fn unreadable_policy(streams: &mut Streams<'_>) -> Status {
    streams.error("a policy that was just made cannot be read");
    Status::Unreadable
}

fn by_exports(
    named: &[Input],
    judge: against_export::Judge<'_>,
    guardrail: &Guardrail,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let roles = against_export::Roles::read(named, streams);
    let lost = judge.judge(&roles);
    writeln!(
        streams.out,
        "{} of {} to others than a role's own account would be refused",
        lost.refused.len(),
        counted(lost.seen, "grant", "grants"),
    )?;
    for (who, role, sid) in &lost.refused {
        let callers = callers_of(guardrail, sid);
        writeln!(
            streams.out,
            "- {who} at {}: {sid} ({})",
            escaped(role),
            escaped(callers)
        )?;
    }
    for role in &lost.unsure {
        streams.warning(format_args!(
            "who has access by {} cannot be worked out",
            escaped(role)
        ));
    }
    if roles.are_missing() {
        streams.error("not all roles were read, so others may be refused");
        return Ok(Status::Unreadable);
    }
    Ok(if lost.refused.is_empty() {
        Status::Done
    } else {
        Status::Findings
    })
}

/// Who is stopped by a statement.
fn callers_of<'g>(guardrail: &'g Guardrail, sid: &str) -> &'g str {
    let found = guardrail.stops.iter().find(|(of, _)| of == sid);
    found.map_or("", |(_, callers)| callers)
}

fn by_trail(
    logs: &[PathBuf],
    judge: &against_trail::Judge<'_>,
    guardrail: &Guardrail,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let (refusals, unreadable) = against_trail::read(judge, logs, streams);
    for (path, why) in &unreadable {
        let path = escaped(path.display().to_string()).to_string();
        streams.error(format_args!("{path} is unreadable: {}", escaped(why)));
    }
    // Nothing that was tried is no sign that nobody is stopped.
    if refusals.seen == 0 {
        streams.error(
            "no role of these accounts was assumed by these logs, so nothing was tried: give the logs \
             of the accounts whose roles the policies will cover, of all regions",
        );
    } else {
        print(&refusals, guardrail, streams)?;
    }
    Ok(if !unreadable.is_empty() || refusals.seen == 0 {
        Status::Unreadable
    } else if refusals.is_empty() {
        Status::Done
    } else {
        Status::Findings
    })
}

fn print(refusals: &Refusals, guardrail: &Guardrail, streams: &mut Streams<'_>) -> io::Result<()> {
    let signed_in = counted(refusals.seen, "sign-in", "sign-ins");
    let span = refusals.span();
    writeln!(
        streams.out,
        "{} of {signed_in}{span} would have been refused",
        refusals.refused()
    )?;
    for (refusal, times) in refusals.sorted() {
        let callers = callers_of(guardrail, &refusal.sid);
        writeln!(
            streams.out,
            "- {} at {}: {}, last {}: {} ({})",
            escaped(&refusal.who),
            escaped(&refusal.role),
            counted(times.count, "time", "times"),
            escaped(&times.last),
            refusal.sid,
            escaped(callers)
        )?;
    }
    if refusals.unsure > 0 {
        let unsure = counted(refusals.unsure, "sign-in", "sign-ins");
        streams.warning(format_args!(
            "{unsure} cannot be judged: the log does not say enough of who called, or of the VPC that \
             the rules ask for"
        ));
    }
    Ok(())
}

fn write(folder: &Path, index: usize, document: &str, streams: &mut Streams<'_>) -> bool {
    let path = folder.join(format!("trustwarden-rcp-{}.json", index + 1));
    if let Err(error) = replace(&path, document.as_bytes()) {
        streams.failure(&error);
        return false;
    }
    streams.remark(escaped(path.display().to_string()));
    true
}
