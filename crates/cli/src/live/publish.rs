//! `rules publish`, as far as it talks to AWS.

use std::io;

use aws::live::publish_layer;

use super::{of, wait};
use crate::args::LiveArgs;
use crate::{Status, Streams};

/// Publishes the rules as a version of the stack's layer, and prints its ARN.
///
/// # Errors
///
/// Standard output does not take it.
pub(crate) fn publish(
    arguments: &LiveArgs,
    hash: &str,
    zip: &[u8],
    sha256: &str,
    about: &str,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let name = format!("{}-rules", arguments.stack);
    let description = format!("Trustwarden rules {hash}");
    let answer = wait(async {
        let cloud = of(arguments).await;
        publish_layer(&cloud, &name, &description, zip).await
    })?;
    let Some(version) = streams.ok(answer) else {
        return Ok(Status::Unreadable);
    };
    if version.sha256 != sha256 {
        streams.error(format_args!(
            "{} is not what was sent: Lambda has SHA-256 {}, and it was {about}; do not deploy it",
            version.arn, version.sha256
        ));
        return Ok(Status::Unreadable);
    }
    writeln!(streams.out, "{}", version.arn)?;
    streams.remark(about);
    streams.remark(format_args!("deploy it: RulesLayerArn={}", version.arn));
    Ok(Status::Done)
}
