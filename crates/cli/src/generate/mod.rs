//! `policy generate`: the least that is needed, from a list, or from what a role really did.

mod compare;
mod trail;

use std::io;
use std::num::NonZeroUsize;
use std::thread;

use crate::args::{PolicyCommand, PolicyGenerateArgs};
use crate::least::{
    Least, Need, NeedError, check_action, check_resource, least_privilege, read_profile,
};
use crate::replay::{Wanted, each_record};
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

use trail::{Asked, Did};

/// The longest managed policy, in characters without white space.
const MOST_MANAGED: usize = 6_144;

/// Runs `policy …`.
///
/// # Errors
///
/// Standard output does not take the result.
pub fn policy(command: &PolicyCommand, streams: &mut Streams<'_>) -> io::Result<Status> {
    match command {
        PolicyCommand::Generate(arguments) => generate(arguments, streams),
    }
}

fn generate(arguments: &PolicyGenerateArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let Some(mut needs) = listed(arguments, streams) else {
        return Ok(Status::Unreadable);
    };
    let mut status = Status::Done;
    if let (false, Some(role)) = (arguments.from_cloudtrail.is_empty(), &arguments.role) {
        let (did, whole) = read_trail(arguments, role, streams);
        if !whole {
            status = Status::Unreadable;
        }
        if did.is_empty() {
            streams.warning(format_args!(
                "no call of role {} is in these logs",
                escaped(role)
            ));
        } else {
            let (done, notes) = did.needs();
            needs.extend(done);
            if let (Some(first), Some(last)) = (did.first, did.last) {
                streams.remark(format_args!("calls from {first} to {last}"));
            }
            for note in notes {
                streams.remark(format_args!("- {}", escaped(note)));
            }
        }
    }
    if let Some(input) = &arguments.compare {
        let Some(held) = compare::held(input, arguments.role.as_deref(), streams) else {
            return Ok(Status::Unreadable);
        };
        compare::print(&held, &needs, streams)?;
        return Ok(status);
    }
    if needs.is_empty() {
        streams.error("the role made no call that a policy could allow");
        return Ok(Status::Unreadable);
    }
    let Least { document, notes } = match least_privilege(&needs) {
        Ok(least) => least,
        Err(error) => {
            streams.failure(&error);
            return Ok(Status::Unreadable);
        }
    };
    for note in notes {
        streams.warning(escaped(note));
    }
    if document.is_empty() {
        streams.error("none of these is an action that AWS has: there is nothing to allow");
        return Ok(Status::Unreadable);
    }
    let compact = serde_json::to_string(&document).map_or(0, |text| text.chars().count());
    if compact > MOST_MANAGED {
        streams.warning(format_args!(
            "the policy has {compact} characters, and a managed policy may have {MOST_MANAGED}: \
             spread its statements over several"
        ));
    }
    serde_json::to_writer_pretty(&mut *streams.out, &document)?;
    writeln!(streams.out)?;
    Ok(status)
}

/// The needs that the command line and the profile name.
fn listed(arguments: &PolicyGenerateArgs, streams: &mut Streams<'_>) -> Option<Vec<Need>> {
    let mut needs = Vec::new();
    if let Some(profile) = &arguments.profile {
        let text = streams.ok(profile.read())?;
        needs = read_profile(&text)
            .map_err(|error| streams.unusable(&profile.name(), "cannot be used", &error))
            .ok()?;
    }
    let checked: Result<(), NeedError> = arguments
        .action
        .iter()
        .try_for_each(|action| check_action(action))
        .and_then(|()| {
            let mut resources = arguments.resource.iter();
            resources.try_for_each(|resource| check_resource(resource))
        });
    streams.ok(checked)?;
    if !arguments.action.is_empty() {
        needs.push(Need {
            actions: arguments.action.clone(),
            resources: arguments.resource.clone(),
        });
    }
    Some(needs)
}

/// Reads the logs for what the role did; `false`: some of them could not be read.
fn read_trail(
    arguments: &PolicyGenerateArgs,
    role: &str,
    streams: &mut Streams<'_>,
) -> (Did, bool) {
    let wanted = Wanted {
        from: arguments.from,
        to: arguments.to,
        regions: Vec::new(),
    };
    let asked = Asked::new(role);
    let jobs = arguments
        .jobs
        .or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZeroUsize::get);
    let take = |did: &mut Did, text: &[u8]| did.record(&asked, &wanted, text);
    let (kept, unreadable) = each_record(&arguments.from_cloudtrail, &wanted, jobs, streams, take);
    for (path, why) in &unreadable {
        let path = path.display().to_string();
        streams.error(format_args!(
            "{} is unreadable: {}",
            escaped(path),
            escaped(why)
        ));
    }
    let did = kept.into_iter().fold(Did::default(), Did::and);
    (did, unreadable.is_empty())
}
