//! `status`: is the deployed guard alive, is it what was deployed, and does anyone hear it?
//!
//! Whoever can change the guard can change what it says of itself. This asks from outside, with a
//! person's own credentials, and holds each answer against the stack's own template.

use std::io;

use aws::live::{CallError, StackError, Survey, oldest_message, queue_length, survey};
use aws::{SdkContext, Table};
use guard::ports::StateError;
use guard::state::Ledger;
use guard::state::sweep_state::SweepProgress;
use guard::state::watch_state::{Answer, Watch};
use guard::watch::{Is, Line};
use jiff::Timestamp;

use super::sheet::Sheet;
use super::{of, wait};
use crate::args::LiveArgs;
use crate::streams::{chain, counted};
use crate::{Status, Streams};

/// An order that waits longer than this, in seconds, is late, as by the alarm `OutcomeMissing`.
const LATE: f64 = 300.0;
/// The answers that `status` has got.
struct Asked {
    survey: Survey,
    queues: Vec<Line>,
    table: Option<Remembered>,
}

/// What the guard's table says of it.
struct Remembered {
    sweep: Result<Option<SweepProgress>, StateError>,
    heartbeat: Result<(Watch, Vec<Answer>), StateError>,
}

impl Remembered {
    async fn read(ledger: &Ledger<'_, Table>, account: &str) -> Self {
        let heartbeat = async {
            let watch = ledger.watch(account).await?;
            Ok((watch, ledger.heartbeat_answers(account).await?))
        };
        Self {
            sweep: ledger.sweep_progress(account).await,
            heartbeat: heartbeat.await,
        }
    }

    fn progress(&self) -> Option<&SweepProgress> {
        self.sweep.as_ref().ok()?.as_ref()
    }

    /// What the sweep ran with: the stack's mode and the rules', whichever is milder.
    fn mode(&self) -> Option<&str> {
        self.progress()?.deployed.split('/').nth(1)
    }
}

async fn ask(cloud: &SdkContext, name: &str) -> Result<Asked, StackError> {
    let survey = survey(cloud, name, false).await?;
    let mut queues = Vec::new();
    for resource in &survey.resources {
        if let ("AWS::SQS::Queue", Some(id)) = (resource.kind.as_str(), resource.id.as_deref()) {
            let line = match queue(cloud, &resource.name, id).await {
                Ok((length, age)) => queue_line(&resource.name, length, age),
                Err(error) => Line::new("queue", &resource.name, chain(&error), Is::Other),
            };
            queues.push(line);
        }
    }
    // The account is part of the table's keys, and of every topic's ARN.
    let outputs = &survey.stack.outputs;
    let account = outputs.get("AlertTopic");
    let account = account.and_then(|arn| arn.split(':').nth(4));
    let table = match outputs.get("Table").zip(account) {
        Some((table, account)) => {
            let table = Table::new(cloud, table);
            Some(Remembered::read(&Ledger::new(&table), account).await)
        }
        None => None,
    };
    Ok(Asked {
        survey,
        queues,
        table,
    })
}

/// How many messages a queue holds, and how old the oldest is; letters wait for as long as they are left.
async fn queue(cloud: &SdkContext, name: &str, id: &str) -> Result<(u64, Option<f64>), CallError> {
    let length = queue_length(cloud, id).await?;
    let age = match name.ends_with("DeadLetters") {
        true => None,
        false => oldest_message(cloud, id.rsplit('/').next().unwrap_or(id)).await?,
    };
    Ok((length, age))
}

fn queue_line(name: &str, length: u64, oldest: Option<f64>) -> Line {
    let dead = name.ends_with("DeadLetters");
    let late = oldest.is_some_and(|seconds| seconds > LATE);
    let mut how = match length {
        0 => "empty".to_owned(),
        many => counted(
            usize::try_from(many).unwrap_or(usize::MAX),
            "message",
            "messages",
        ),
    };
    if let Some(seconds) = oldest.filter(|seconds| *seconds > 0.0) {
        how += &format!(", the oldest {seconds:.0} s old");
    }
    let is = match !late && (length == 0 || !dead) {
        true => Is::Good,
        false => Is::Unwell,
    };
    Line::new("queue", name, how, is)
}

/// Prints what was expected and is not there, and how the rest is; exit status 1 where anything
/// differs.
///
/// # Errors
///
/// Standard output does not take it.
pub(crate) fn status(arguments: &LiveArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let asked = wait(async {
        let cloud = of(arguments).await;
        ask(&cloud, &arguments.stack).await
    })?;
    let Some(asked) = streams.ok(asked) else {
        return Ok(Status::Unreadable);
    };
    let mut sheet = Sheet { streams, wrong: 0 };
    let stack = &asked.survey.stack;
    let settled = stack.status.ends_with("_COMPLETE") && !stack.status.contains("ROLLBACK");
    sheet.line("stack", &arguments.stack, &stack.status, settled)?;
    let setting = |name: &str| {
        let value = stack
            .outputs
            .get(name)
            .or_else(|| stack.parameters.get(name));
        value.map_or("?", String::as_str)
    };
    sheet.line("mode", "the stack's ceiling", setting("Mode"), true)?;
    if let Some(mode) = asked.table.as_ref().and_then(Remembered::mode) {
        sheet.line("mode", "in force at the last sweep", mode, true)?;
    }
    sheet.line("rules", "hash", setting("RulesHash"), true)?;
    for line in asked.survey.lines.iter().chain(&asked.queues) {
        sheet.thing(line)?;
    }
    if let Some(table) = &asked.table {
        let begun = table.progress().and_then(|progress| progress.first_at);
        let now = Timestamp::now();
        sheet.sweep(&table.sweep, now)?;
        sheet.heartbeat(&table.heartbeat, begun, now)?;
    }
    for line in &asked.survey.topics {
        sheet.thing(line)?;
    }
    let (wrong, status) = sheet.ended();
    let last = match wrong {
        0 => "the guard is alive, and its alerts are received".to_owned(),
        _ => counted(wrong, "thing is wrong", "things are wrong"),
    };
    writeln!(streams.out, "{last}")?;
    Ok(status)
}
