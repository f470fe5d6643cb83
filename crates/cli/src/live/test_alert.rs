//! `test-alert`: does anyone hear the deployed guard?

use std::io;

use aws::live::{CallError, StackError, TOPICS, describe_stack, subscriptions};
use aws::{SdkContext, Topic};
use guard::Severity;
use guard::alert::Alert;
use guard::ports::{Alerts, PublishError};
use guard::state::incident::{Schema, Stage, incident_id};
use guard::watch::{Stack, Subscription, subscriber_lines};
use jiff::Timestamp;

use super::sheet::Sheet;
use super::{of, wait};
use crate::args::LiveArgs;
use crate::streams::chain;
use crate::{Status, Streams};

/// The alert that `test-alert` sends.
struct Sent {
    incident: String,
    topics: Vec<Tried>,
}

/// One topic.
struct Tried {
    id: &'static str,
    published: Result<(), PublishError>,
    found: Result<Vec<Subscription>, CallError>,
}

async fn send(cloud: &SdkContext, name: &str, now: Timestamp) -> Result<Sent, StackError> {
    let stack = describe_stack(cloud, name).await?;
    let mut sent = Sent {
        incident: String::new(),
        topics: Vec::new(),
    };
    for id in TOPICS {
        let Some(arn) = stack.outputs.get(id) else {
            continue;
        };
        let account = arn.split(':').nth(4).unwrap_or_default();
        let alert = test(account, name, &stack, now);
        let published = Topic::new(cloud, arn).publish_alert(&alert).await;
        sent.incident = alert.incident;
        let found = subscriptions(cloud, arn).await;
        sent.topics.push(Tried {
            id,
            published,
            found,
        });
    }
    Ok(sent)
}

fn test(account: &str, stack_name: &str, stack: &Stack, now: Timestamp) -> Alert {
    let output = |name: &str| stack.outputs.get(name).cloned().unwrap_or_default();
    Alert {
        schema: Schema,
        stage: Stage::Test,
        incident: incident_id(account, &format!("test-{now}")),
        // As what matters most: a filter on its way that would keep that away keeps this away, too.
        severity: Severity::Critical,
        subject: "test".to_owned(),
        title: "a test: nothing happened, and this message arrived".to_owned(),
        account: account.to_owned(),
        stack: stack_name.to_owned(),
        at: now,
        mode: output("Mode"),
        rules: output("RulesHash"),
        cause: None,
        resource: None,
        document_digest: None,
        document: None,
        findings: Vec::new(),
        grantees: Vec::new(),
        outcome: None,
        open_seconds: None,
        changes: Vec::new(),
        diff: Vec::new(),
        digest: None,
        notes: vec!["sent by `trustwarden test-alert`".to_owned()],
        links: Vec::new(),
    }
}

/// Publishes a marked alert to all topics and names whoever will not receive it; exit status 1
/// where that is anyone.
///
/// # Errors
///
/// Standard output does not take the result.
pub(crate) fn test_alert(arguments: &LiveArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let sent = wait(async {
        let cloud = of(arguments).await;
        send(&cloud, &arguments.stack, Timestamp::now()).await
    })?;
    let Some(sent) = streams.ok(sent) else {
        return Ok(Status::Unreadable);
    };
    if sent.topics.is_empty() {
        streams.error("the stack has no topic among its outputs: is it Trustwarden's?");
        return Ok(Status::Unreadable);
    }
    let mut sheet = Sheet { streams, wrong: 0 };
    for Tried {
        id,
        published,
        found,
    } in &sent.topics
    {
        match published {
            Ok(()) => sheet.line("topic", id, "the test alert is published", true)?,
            Err(error) => sheet.line("topic", id, &chain(error), false)?,
        }
        match found {
            Ok(found) => {
                for line in subscriber_lines(id, found) {
                    sheet.thing(&line)?;
                }
            }
            Err(error) => sheet.line("topic", id, &chain(error), false)?,
        }
    }
    let (wrong, status) = sheet.ended();
    let last = match wrong {
        0 => format!("look for {} in every channel", sent.incident),
        _ => format!("{} is not received everywhere it should be", sent.incident),
    };
    writeln!(streams.out, "{last}")?;
    Ok(status)
}
