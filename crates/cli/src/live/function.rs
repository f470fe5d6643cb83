//! The function for operators: where it is, what is asked of it, and a person's yes before.

use std::io::{self, BufRead, IsTerminal};

use aws::SdkContext;
use aws::live::{ask, describe_stack};
use guard::incidents::Request;
use serde_json::Value;

use super::{of, wait};
use crate::Streams;
use crate::args::LiveArgs;

/// A stack's function for operators.
pub(super) struct Function {
    pub(super) cloud: SdkContext,
    url: String,
}

impl Function {
    /// Where the stack says it is; what is wrong is said.
    pub(super) fn find(live: &LiveArgs, streams: &mut Streams<'_>) -> io::Result<Option<Self>> {
        let (cloud, stack) = wait(async {
            let cloud = of(live).await;
            let stack = describe_stack(&cloud, &live.stack).await;
            (cloud, stack)
        })?;
        let Some(stack) = streams.ok(stack) else {
            return Ok(None);
        };
        let Some(url) = stack.outputs.get("IncidentsUrl").cloned() else {
            streams.error("the stack has no IncidentsUrl among its outputs: update it first");
            return Ok(None);
        };
        Ok(Some(Self { cloud, url }))
    }

    /// Its answer; what it refuses is said.
    pub(super) fn ask(
        &self,
        request: &Request,
        streams: &mut Streams<'_>,
    ) -> io::Result<Option<Value>> {
        let answer = wait(ask(&self.cloud, &self.url, request))?;
        Ok(streams.ok(answer))
    }

    /// All that is kept of an incident.
    pub(super) fn show(
        &self,
        incident: &str,
        streams: &mut Streams<'_>,
    ) -> io::Result<Option<Value>> {
        let incident = incident.to_owned();
        self.ask(&Request::Show { incident }, streams)
    }
}

/// Whether a person says yes to what was just said. Nobody is asked who cannot answer.
pub(super) fn agreed(yes: bool, streams: &mut Streams<'_>) -> io::Result<bool> {
    if yes {
        return Ok(true);
    }
    streams.finish()?;
    if !io::stdin().is_terminal() {
        streams.error("nobody can be asked here: say --yes if this is what you want");
        return Ok(false);
    }
    streams.prompt("Do it? Type yes:");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    let agreed = answer.trim().eq_ignore_ascii_case("yes");
    if !agreed {
        streams.remark("nothing was done");
    }
    Ok(agreed)
}

/// A text in an answer.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
