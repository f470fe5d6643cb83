//! `rules publish`: the rules as a version of a layer, apart from the functions' build.

use std::io;

use super::layer::{FILE, sha256, zip};
use super::load::read;
use crate::args::RulesPublishArgs;
use crate::output::replace;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// Runs `rules publish`.
///
/// # Errors
///
/// Standard output does not take the result.
pub(super) fn publish(
    arguments: &RulesPublishArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let compiled = read(&arguments.file, None, streams).and_then(|read| read.compile(streams));
    let Some(compiled) = compiled else {
        return Ok(Status::Unreadable);
    };
    let Some(zip) = streams.ok(zip(&compiled.bytes)) else {
        return Ok(Status::Unreadable);
    };
    let sha256 = sha256(&zip);
    let about = format!(
        "rules {}, one file: {FILE}, SHA-256 {sha256}",
        compiled.hash
    );
    if let Some(output) = &arguments.output {
        if streams.ok(replace(output, &zip)).is_none() {
            return Ok(Status::Unreadable);
        }
        let name = output.display().to_string();
        streams.remark(format_args!("{}: {about}", escaped(name)));
        return Ok(Status::Done);
    }
    #[cfg(feature = "live")]
    return crate::live::publish(
        &arguments.live,
        &compiled.hash,
        &zip,
        &sha256,
        &about,
        streams,
    );
    #[cfg(not(feature = "live"))]
    {
        streams.error("this build does not talk to AWS: name a file with --output");
        Ok(Status::Unreadable)
    }
}
