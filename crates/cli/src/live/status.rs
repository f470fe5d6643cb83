//! `status`: is the deployed guard alive, is it what was deployed, and does anyone hear it?
//!
//! Whoever can change the guard can change what it says of itself. This asks from outside, with a
//! person's own credentials, and holds each answer against the stack's own template.

use std::io;

use aws::live::{
    AlarmState, CallError, FunctionState, RuleState, Stack, StackError, Subscription, TrailState,
    alarms, describe_stack, event_source_state, function_state, key_state, oldest_message,
    processed_template, queue_length, rule_state, subscriptions, trails,
};
use aws::{SdkContext, Table};
use guard::ports::StateError;
use guard::state::Ledger;
use guard::state::sweep_state::SweepProgress;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::deployed::{Expected, differences, expected};
use super::sheet::Sheet;
use super::{of, wait};
use crate::args::LiveArgs;
use crate::streams::{chain, counted};
use crate::{Status, Streams};

/// Outputs that hold a topic's ARN.
pub(super) const TOPICS: [&str; 3] = ["AlertTopic", "TamperTopic", "OperationsTopic"];
/// An order that waits longer than this, in seconds, is late, as by the alarm `OutcomeMissing`.
const LATE: f64 = 300.0;
/// What a function's clock and CloudFormation's may differ by, in seconds.
const SAME_DEPLOY: i64 = 60;

/// One thing: of what kind, which, how it is, and whether that is good.
type Line = (&'static str, String, String, bool);

/// The answers that `status` has got.
struct Asked {
    stack: Stack,
    lines: Vec<Line>,
    topics: Vec<(&'static str, Result<Vec<Subscription>, CallError>)>,
    sweep: Option<Result<Option<SweepProgress>, StateError>>,
}

async fn ask(cloud: &SdkContext, name: &str) -> Result<Asked, StackError> {
    let stack = describe_stack(cloud, name).await?;
    let mut lines = Vec::new();
    match processed_template(cloud, name).await {
        Ok(template) => match expected(&template, &stack) {
            Ok(resources) => resources_lines(cloud, &stack, &resources, &mut lines).await,
            Err(words) => lines.push(("template", name.to_owned(), words, false)),
        },
        Err(error) => lines.push(wrong("template", name, &error)),
    }
    match trails(cloud).await {
        Ok(trails) => trail_lines(&trails, &mut lines),
        Err(error) => lines.push(wrong("trail", "all", &error)),
    }
    let mut topics = Vec::new();
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
        stack,
        lines,
        topics,
        sweep,
    })
}

fn wrong(what: &'static str, which: &str, error: &(dyn std::error::Error + 'static)) -> Line {
    (what, which.to_owned(), chain(error), false)
}

/// A line that says all is as expected, or one for each difference.
fn compared(lines: &mut Vec<Line>, what: &'static str, which: &str, how: &str, found: Vec<String>) {
    if found.is_empty() {
        lines.push((what, which.to_owned(), how.to_owned(), true));
    }
    let found = found.into_iter();
    lines.extend(found.map(|how| (what, which.to_owned(), how, false)));
}

async fn resources_lines(
    cloud: &SdkContext,
    stack: &Stack,
    resources: &[Expected],
    lines: &mut Vec<Line>,
) {
    for resource in resources {
        let (name, id) = (resource.name.as_str(), resource.id.as_deref());
        let Some(id) = id else {
            if COMPARED.contains(&resource.kind.as_str()) {
                let how = "is not in the stack".to_owned();
                lines.push(("resource", name.to_owned(), how, false));
            }
            continue;
        };
        match resource.kind.as_str() {
            "AWS::Lambda::Function" => match function_state(cloud, id).await {
                Ok(there) => {
                    let found = function_differences(resource, &there, stack.deployed.get(name));
                    let how = format!("{}, last update {}", there.state, there.last_update);
                    compared(lines, "function", name, &how, found);
                }
                Err(error) => lines.push(wrong("function", name, &error)),
            },
            "AWS::Events::Rule" => match rule_state(cloud, id).await {
                Ok(there) => {
                    let found = rule_differences(resource, &there);
                    compared(lines, "rule", name, &there.state, found);
                }
                Err(error) => lines.push(wrong("rule", name, &error)),
            },
            "AWS::Lambda::EventSourceMapping" => match event_source_state(cloud, id).await {
                Ok(state) => {
                    let good = state == "Enabled";
                    lines.push(("event source", name.to_owned(), state, good));
                }
                Err(error) => lines.push(wrong("event source", name, &error)),
            },
            "AWS::KMS::Key" => match key_state(cloud, id).await {
                Ok(state) => {
                    let good = state == "Enabled";
                    lines.push(("key", name.to_owned(), state, good));
                }
                Err(error) => lines.push(wrong("key", name, &error)),
            },
            "AWS::SQS::Queue" => {
                let length = queue_length(cloud, id).await;
                let queue = id.rsplit('/').next().unwrap_or(id);
                let age = match name.ends_with("DeadLetters") {
                    true => Ok(None),
                    false => oldest_message(cloud, queue).await,
                };
                match (length, age) {
                    (Ok(length), Ok(age)) => lines.push(queue_line(name, length, age)),
                    (Err(error), _) | (_, Err(error)) => lines.push(wrong("queue", name, &error)),
                }
            }
            _ => {}
        }
    }
    let alarmed = |one: &&Expected| one.kind == "AWS::CloudWatch::Alarm";
    let watching: Vec<&Expected> = resources.iter().filter(alarmed).collect();
    let names = watching.iter().filter_map(|one| one.id.clone()).collect();
    match alarms(cloud, names).await {
        Ok(there) => alarm_lines(&watching, &there, lines),
        Err(error) => lines.push(wrong("alarm", "all", &error)),
    }
}

/// The kinds of resources that are looked at one by one.
const COMPARED: [&str; 6] = [
    "AWS::CloudWatch::Alarm",
    "AWS::Events::Rule",
    "AWS::KMS::Key",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::SQS::Queue",
];

fn function_differences(
    resource: &Expected,
    there: &FunctionState,
    deployed: Option<&i64>,
) -> Vec<String> {
    let of = |pointer: &str| {
        resource
            .properties
            .pointer(pointer)
            .cloned()
            .unwrap_or_default()
    };
    let wanted = json!({
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Environment": of("/Environment/Variables"),
        "Layers": of("/Layers"),
        "ReservedConcurrentExecutions": of("/ReservedConcurrentExecutions"),
    });
    let mut found = differences(
        &wanted,
        &json!({
            "State": there.state,
            "LastUpdateStatus": there.last_update,
            "Environment": there.environment,
            "Layers": there.layers,
            "ReservedConcurrentExecutions": there.concurrency,
        }),
    );
    // Code has no name in the template by which it could be compared: it is that of the deploy if
    // nothing was changed since.
    let changed = there.last_modified.parse::<Timestamp>();
    if let (Ok(changed), Some(deployed)) = (changed, deployed)
        && changed.as_second() > deployed.saturating_add(SAME_DEPLOY)
    {
        found.push(format!(
            "its code or settings were changed {changed}, by no deploy"
        ));
    }
    found
}

fn rule_differences(resource: &Expected, there: &RuleState) -> Vec<String> {
    let of = |name: &str| resource.properties.get(name).cloned().unwrap_or_default();
    let state = match of("State") {
        Value::Null => json!("ENABLED"),
        state => state,
    };
    let pattern = there.pattern.as_deref().unwrap_or("null");
    let pattern = serde_json::from_str(pattern).unwrap_or_else(|_| json!(pattern));
    differences(
        &json!({
            "State": state,
            "EventPattern": of("EventPattern"),
            "ScheduleExpression": of("ScheduleExpression"),
            "Targets": of("Targets"),
        }),
        &json!({
            "State": there.state,
            "EventPattern": pattern,
            "ScheduleExpression": there.schedule,
            "Targets": there.targets,
        }),
    )
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
    (
        "queue",
        name.to_owned(),
        how,
        !late && (length == 0 || !dead),
    )
}

fn alarm_lines(watching: &[&Expected], there: &[AlarmState], lines: &mut Vec<Line>) {
    let before = lines.len();
    for alarm in watching {
        let mut found = there.iter();
        let named = |one: &&AlarmState| Some(&one.name) == alarm.id.as_ref();
        let found = match found.find(named) {
            None => vec!["is gone".to_owned()],
            Some(there) => {
                let mut wanted = alarm.properties.clone();
                if let Some(fields) = wanted.as_object_mut() {
                    fields.entry("ActionsEnabled").or_insert(json!(true));
                }
                let mut found = differences(&wanted, &there.properties);
                if there.state == "ALARM" {
                    found.push("is in ALARM".to_owned());
                }
                found
            }
        };
        let found = found.into_iter();
        lines.extend(found.map(|how| ("alarm", alarm.name.clone(), how, false)));
    }
    if lines.len() == before {
        let how = format!("{} are there, none is in ALARM", watching.len());
        lines.push(("alarm", "all".to_owned(), how, true));
    }
}

fn trail_lines(trails: &[TrailState], lines: &mut Vec<Line>) {
    if let Some(good) = trails.iter().find(|trail| trail.lacks.is_empty()) {
        let how = "logs what management events write, in all regions".to_owned();
        return lines.push(("trail", good.name.clone(), how, true));
    }
    if trails.is_empty() {
        let how = "there is none: no event arrives".to_owned();
        lines.push(("trail", "all".to_owned(), how, false));
    }
    let bad = trails.iter();
    lines.extend(bad.map(|trail| ("trail", trail.name.clone(), trail.lacks.join("; "), false)));
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
    for (what, which, how, good) in &asked.lines {
        sheet.line(what, which, how, *good)?;
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
