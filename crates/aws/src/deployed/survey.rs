//! The whole stack, held against its own template.

use std::collections::BTreeMap;

use guard::ports::{Deployed, Differences, chain};
use guard::watch::{
    Expected, Is, Line, Stack, alarm_lines, blinding, enabled_line, expected, forwards,
    function_lines, held_lines, missing_lines, region_lines, rule_lines, subscriber_lines,
    trail_lines,
};

use super::StackError;
use super::health::{alarms, event_source_state, key_state, processed_template, trails};
use super::held::held;
use super::regions::regions;
use super::stack::{describe_stack, function_state, rule_state, subscriptions};
use crate::cloud::SdkContext;

/// Outputs that hold a topic's ARN.
pub const TOPICS: [&str; 3] = ["AlertTopic", "TamperTopic", "OperationsTopic"];

/// The kinds of resources that are looked at one by one.
const COMPARED: [&str; 6] = [
    "AWS::CloudWatch::Alarm",
    "AWS::Events::Rule",
    "AWS::KMS::Key",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::SQS::Queue",
];

/// What was found.
#[derive(Debug)]
pub struct Survey {
    /// The stack.
    pub stack: Stack,
    /// Its resources that are there, as the template says them.
    pub resources: Vec<Expected>,
    /// Each thing, and how it is.
    pub lines: Vec<Line>,
    /// The topics, and who hears them.
    pub topics: Vec<Line>,
    /// Some other region hands its events over.
    pub forwards: bool,
}

/// Reads the stack, its template, and all that is compared. `forwarded`: some other region handed its
/// events over once.
///
/// # Errors
/// [`StackError`]: there is no such stack, or it cannot be read. What else cannot be read is a line.
pub async fn survey(cloud: &SdkContext, name: &str, forwarded: bool) -> Result<Survey, StackError> {
    let stack = describe_stack(cloud, name).await?;
    let mut lines = Vec::new();
    let mut resources = Vec::new();
    match processed_template(cloud, name).await {
        Ok(template) => match expected(&template, &stack) {
            Ok(found) => resources = found,
            Err(words) => lines.push(Line::new("template", name, words, Is::Other)),
        },
        Err(error) => lines.push(wrong("template", name, &error)),
    }
    let mut holding = BTreeMap::new();
    for resource in &resources {
        lines.extend(resource_lines(cloud, &stack, resource).await);
        let Some(id) = resource.id.as_deref() else {
            continue;
        };
        match held(cloud, &stack, resource, id).await {
            Ok(found) => holding.extend(found.map(|held| (resource.name.clone(), held))),
            Err(error) => lines.push(wrong("policy", &resource.name, &error)),
        }
    }
    lines.extend(held_lines(&resources, &holding));
    let alarmed = |one: &&Expected| one.kind == "AWS::CloudWatch::Alarm";
    let watching: Vec<&Expected> = resources.iter().filter(alarmed).collect();
    let names = watching.iter().filter_map(|one| one.id.clone()).collect();
    match alarms(cloud, names).await {
        Ok(there) => lines.extend(alarm_lines(&watching, &there)),
        Err(error) => lines.push(wrong("alarm", "all", &error)),
    }
    match trails(cloud).await {
        Ok(trails) => lines.extend(trail_lines(&trails)),
        Err(error) => lines.push(wrong("trail", "all", &error)),
    }
    let mut any_forwards = false;
    match regions(cloud, stack.place().0).await {
        Ok(regions) => {
            any_forwards = forwards(&regions);
            lines.extend(region_lines(&stack, &regions, forwarded));
        }
        Err(error) => lines.push(wrong("region", "all", &error)),
    }
    let mut topics = Vec::new();
    for id in TOPICS {
        let Some(arn) = stack.outputs.get(id) else {
            continue;
        };
        match subscriptions(cloud, arn).await {
            Ok(found) => {
                topics.extend(subscriber_lines(id, &found));
                topics.extend(missing_lines(&stack, id, &found));
            }
            Err(error) => topics.push(wrong("topic", id, &error)),
        }
    }
    Ok(Survey {
        stack,
        resources,
        lines,
        topics,
        forwards: any_forwards,
    })
}

fn wrong(what: &'static str, which: &str, error: &(dyn std::error::Error + 'static)) -> Line {
    Line::new(what, which, chain(error), Is::Other)
}

async fn resource_lines(cloud: &SdkContext, stack: &Stack, resource: &Expected) -> Vec<Line> {
    let name = resource.name.as_str();
    let Some(id) = resource.id.as_deref() else {
        let gone = COMPARED.contains(&resource.kind.as_str());
        let how = "is not in the stack";
        let line = gone.then(|| Line::new("resource", name, how, Is::Other));
        return line.into_iter().collect();
    };
    match resource.kind.as_str() {
        "AWS::Lambda::Function" => match function_state(cloud, id).await {
            Ok(there) => function_lines(resource, &there, stack.deployed.get(name)),
            Err(error) => vec![wrong("function", name, &error)],
        },
        "AWS::Events::Rule" => match rule_state(cloud, id).await {
            Ok(there) => rule_lines(resource, &there),
            Err(error) => vec![wrong("rule", name, &error)],
        },
        "AWS::Lambda::EventSourceMapping" => match event_source_state(cloud, id).await {
            Ok(state) => vec![enabled_line("event source", name, &state)],
            Err(error) => vec![wrong("event source", name, &error)],
        },
        "AWS::KMS::Key" => match key_state(cloud, id).await {
            Ok(state) => vec![enabled_line("key", name, &state)],
            Err(error) => vec![wrong("key", name, &error)],
        },
        _ => Vec::new(),
    }
}

/// The stack, as the function that watches the guard looks at it.
#[derive(Debug)]
pub struct DeployedStack {
    cloud: SdkContext,
    name: String,
}

impl DeployedStack {
    /// The stack of this name; nothing is asked before the first look.
    pub fn new(cloud: &SdkContext, name: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            name: name.to_owned(),
        }
    }
}

impl Deployed for DeployedStack {
    async fn differences(&self, forwarded: bool) -> Differences {
        match survey(&self.cloud, &self.name, forwarded).await {
            Ok(survey) => Differences {
                found: [blinding(&survey.lines), blinding(&survey.topics)].concat(),
                forwards: survey.forwards,
            },
            Err(error) => Differences {
                found: vec![format!("stack {}: {}", self.name, chain(&error))],
                forwards: false,
            },
        }
    }
}
