//! `status` and `test-alert`: is the deployed guard alive, and does anyone hear it?

use std::io;

use aws::live::{
    CallError, FunctionState, RuleState, Stack, StackError, Subscription, describe_stack,
    function_state, rule_state, subscriptions,
};
use aws::{SdkContext, Table, Topic};
use guard::Severity;
use guard::alert::Alert;
use guard::ports::{Alerts, PublishError, StateError};
use guard::state::Ledger;
use guard::state::incident::{Schema, Stage, incident_id};
use guard::state::sweep_state::SweepProgress;
use jiff::Timestamp;

use super::{of, wait};
use crate::args::LiveArgs;
use crate::streams::{Style, chain, counted};
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// Logical ids of the template's functions; `Slack` is only there where a secret is named.
const FUNCTIONS: [&str; 8] = [
    "RoleTrust",
    "AccessKey",
    "RootActivity",
    "RolePermissions",
    "Remediator",
    "Sweep",
    "GuardTamper",
    "Slack",
];
/// Logical ids of the template's event rules.
const RULES: [&str; 9] = [
    "RoleTrustRule",
    "AccessKeyRule",
    "RootSignInRule",
    "RootCallRule",
    "RolePermissionsRule",
    "SweepRule",
    "TamperedSourcesRule",
    "TamperedFunctionsRule",
    "TamperedResourcesRule",
];
/// A sweep that ended longer ago than this, in seconds, is one that is missing.
const SWEEP_MISSING: i64 = 3 * 3_600;
/// Outputs that hold a topic's ARN.
const TOPICS: [&str; 3] = ["AlertTopic", "TamperTopic", "OperationsTopic"];

/// A function or an event rule: its kind, its logical id, and its state and whether that is good;
/// `None`: it is not in the stack.
type Part = (
    &'static str,
    &'static str,
    Option<Result<(String, bool), CallError>>,
);

/// The answers that `status` has got.
struct Asked {
    stack: Stack,
    parts: Vec<Part>,
    topics: Vec<(&'static str, Result<Vec<Subscription>, CallError>)>,
    sweep: Option<Result<Option<SweepProgress>, StateError>>,
}

async fn ask(cloud: &SdkContext, name: &str) -> Result<Asked, StackError> {
    let stack = describe_stack(cloud, name).await?;
    let (mut parts, mut topics) = (Vec::new(), Vec::new());
    for id in FUNCTIONS {
        let state = match stack.resources.get(id) {
            Some(name) => Some(function_state(cloud, name).await.map(function_words)),
            None => None,
        };
        parts.push(("function", id, state));
    }
    for id in RULES {
        let state = match stack.resources.get(id) {
            Some(name) => Some(rule_state(cloud, name).await.map(rule_words)),
            None => None,
        };
        parts.push(("rule", id, state));
    }
    for id in TOPICS {
        if let Some(arn) = stack.outputs.get(id) {
            topics.push((id, subscriptions(cloud, arn).await));
        }
    }
    // The account is part of the table's keys, and of every topic's ARN.
    let account = stack.outputs.get("AlertTopic");
    let account = account.and_then(|arn| arn.split(':').nth(4));
    let sweep = match stack.outputs.get("Table").zip(account) {
        Some((table, account)) => Some(
            Ledger::new(&Table::new(cloud, table))
                .sweep_progress(account)
                .await,
        ),
        None => None,
    };
    Ok(Asked {
        sweep,
        stack,
        parts,
        topics,
    })
}

fn function_words(function: FunctionState) -> (String, bool) {
    let good = function.state == "Active" && function.last_update == "Successful";
    let words = format!("{}, last update {}", function.state, function.last_update);
    (words, good)
}

fn rule_words(rule: RuleState) -> (String, bool) {
    let good = rule.state.starts_with("ENABLED");
    (rule.state, good)
}

/// Prints the state of each part; exit status 1 where one is not as it should be.
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
    let stack = &asked.stack;
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
    sheet.line("rules", "hash", setting("RulesHash"), true)?;
    for (what, id, state) in &asked.parts {
        match state {
            Some(Ok((words, good))) => sheet.line(what, id, words, *good)?,
            Some(Err(error)) => sheet.line(what, id, &chain(error), false)?,
            None if *id == "Slack" => {}
            None => sheet.line(what, id, "is not in the stack", false)?,
        }
    }
    if let Some(sweep) = &asked.sweep {
        sheet.sweep(sweep, Timestamp::now())?;
    }
    for (id, found) in &asked.topics {
        sheet.subscribers(id, found)?;
        if let Ok(found) = found {
            for endpoint in missing(stack, id, found) {
                let how =
                    "NOT SUBSCRIBED: the deploy put it there, and somebody or SNS took it away";
                sheet.line("topic", &format!("{id} to {endpoint}"), how, false)?;
            }
        }
    }
    let (wrong, status) = sheet.ended();
    let last = match wrong {
        0 => "the guard is alive, and its alerts are received".to_owned(),
        _ => counted(wrong, "thing is wrong", "things are wrong"),
    };
    writeln!(streams.out, "{last}")?;
    Ok(status)
}

/// Who should hear a topic by the stack's parameters, and is not among its subscribers. CloudFormation
/// does not bring a subscription back that was deleted elsewhere.
fn missing<'a>(stack: &'a Stack, topic: &str, found: &[Subscription]) -> Vec<&'a str> {
    let given = |parameter: &str| {
        let value = stack.parameters.get(parameter).map(String::as_str);
        value.filter(|value| !value.is_empty())
    };
    let address = match topic {
        "OperationsTopic" => given("OperationsEmail"),
        _ => given("AlertEmail"),
    };
    let mails = address.filter(|address| {
        let hears = |one: &Subscription| one.protocol == "email" && one.endpoint == **address;
        !found.iter().any(hears)
    });
    let slack = given("SlackSecretArn").and_then(|_| stack.resources.get("Slack"));
    let posts = slack.filter(|function| {
        let ends = format!(":{function}");
        let hears = |one: &Subscription| one.protocol == "lambda" && one.endpoint.ends_with(&ends);
        !found.iter().any(hears)
    });
    mails.into_iter().chain(posts.map(String::as_str)).collect()
}

/// Lines of what there is and how it is.
struct Sheet<'a, 'b> {
    streams: &'a mut Streams<'b>,
    wrong: usize,
}

impl Sheet<'_, '_> {
    /// How many lines are wrong, and the status that this means.
    fn ended(self) -> (usize, Status) {
        let status = match self.wrong {
            0 => Status::Done,
            _ => Status::Findings,
        };
        (self.wrong, status)
    }

    fn line(&mut self, what: &str, which: &str, how: &str, good: bool) -> io::Result<()> {
        self.wrong += usize::from(!good);
        let style = if good { Style::Good } else { Style::Bad };
        let mark = self
            .streams
            .colors
            .style(style, if good { "ok   " } else { "WRONG" });
        writeln!(
            self.streams.out,
            "{mark} {what} {}: {}",
            escaped(which),
            escaped(how)
        )
    }

    fn sweep(
        &mut self,
        found: &Result<Option<SweepProgress>, StateError>,
        now: Timestamp,
    ) -> io::Result<()> {
        let last = match found {
            Err(error) => {
                return self.line("sweep", "last", &chain(error), false);
            }
            Ok(progress) => progress
                .as_ref()
                .and_then(|progress| progress.last.as_ref()),
        };
        let Some(last) = last else {
            let how = match found {
                Ok(Some(_)) => "the first sweep is running",
                _ => "no sweep has begun: the first starts within minutes of a deploy",
            };
            return self.line("sweep", "last", how, false);
        };
        let ago = now.as_second().saturating_sub(last.finished_at.as_second());
        let tally = &last.tally;
        let words = format!(
            "ended {}, {} checked, {} of them in violation, {} unreadable",
            last.finished_at,
            counted(
                usize::try_from(tally.roles).unwrap_or(usize::MAX),
                "role",
                "roles"
            ),
            tally.violating,
            tally.unreadable
        );
        self.line("sweep", "last", &words, ago <= SWEEP_MISSING)
    }

    fn subscribers(
        &mut self,
        topic: &str,
        found: &Result<Vec<Subscription>, CallError>,
    ) -> io::Result<()> {
        match found {
            Err(error) => self.line("topic", topic, &chain(error), false),
            Ok(found) if found.is_empty() => self.line("topic", topic, "no subscription", false),
            Ok(found) => {
                for one in found {
                    let how = if one.confirmed {
                        "confirmed"
                    } else {
                        "NOT CONFIRMED: nothing is delivered until the link in its mail is followed"
                    };
                    let which = format!("{topic} to {} {}", one.protocol, one.endpoint);
                    self.line("topic", &which, how, one.confirmed)?;
                }
                Ok(())
            }
        }
    }
}

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
        severity: Severity::Informational,
        subject: "test".to_owned(),
        title: "a test: nothing happened, and this message arrived".to_owned(),
        account: account.to_owned(),
        stack: stack_name.to_owned(),
        at: now,
        mode: output("Mode"),
        rules: output("RulesHash"),
        cause: None,
        resource: None,
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
        sheet.subscribers(id, found)?;
    }
    let (wrong, status) = sheet.ended();
    let last = match wrong {
        0 => format!("look for {} in every channel", sent.incident),
        _ => format!("{} is not received everywhere it should be", sent.incident),
    };
    writeln!(streams.out, "{last}")?;
    Ok(status)
}
