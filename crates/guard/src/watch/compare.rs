//! What is there of a deployed stack, held against what its template says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::deployed::{Expected, differences};
use super::found::{AlarmState, FunctionState, RuleState, Stack, Subscription, TrailState};

/// What a function's clock and CloudFormation's may differ by, in seconds.
const SAME_DEPLOY: i64 = 60;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// As it was deployed, and well.
    Good,
    /// As it was deployed, and not well.
    Unwell,
    /// Other than it was deployed, or not to be known.
    Other,
}

/// One thing: of what kind, which, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As `rule`.
    pub what: &'static str,
    /// As `RoleTrustRule`.
    pub which: String,
    /// In words.
    pub how: String,
    /// In short.
    pub is: Is,
}

impl Line {
    /// One thing.
    pub fn new(what: &'static str, which: &str, how: impl Into<String>, is: Is) -> Self {
        Self {
            what,
            which: which.to_owned(),
            how: how.into(),
            is,
        }
    }
}

/// A line that says all is as expected, or one for each difference.
fn compared(what: &'static str, which: &str, how: &str, found: Vec<String>) -> Vec<Line> {
    if found.is_empty() {
        return vec![Line::new(what, which, how, Is::Good)];
    }
    let found = found.into_iter();
    found
        .map(|how| Line::new(what, which, how, Is::Other))
        .collect()
}

/// A function: environment, layers and concurrency as the template says them, nothing changed since the
/// deploy.
pub fn function_lines(
    resource: &Expected,
    there: &FunctionState,
    deployed: Option<&i64>,
) -> Vec<Line> {
    let of = |pointer: &str| {
        let value = resource.properties.pointer(pointer);
        value.cloned().unwrap_or_default()
    };
    let mut found = differences(
        &json!({
            "Environment": of("/Environment/Variables"),
            "Layers": of("/Layers"),
            "ReservedConcurrentExecutions": of("/ReservedConcurrentExecutions"),
        }),
        &json!({
            "Environment": there.environment,
            "Layers": there.layers,
            "ReservedConcurrentExecutions": there.concurrency,
        }),
    );
    // A template that pins released functions says what their code is; of a build of one's own it is that
    // of the deploy if nothing was changed since.
    if let Some(released) = of("/ReleasedCode").as_str()
        && hex(&there.code).as_deref() != Some(released)
    {
        let code = &there.code;
        found.push(format!("its code is {code}, and not the released one"));
    }
    let changed = there.last_modified.parse::<Timestamp>();
    if let (Ok(changed), Some(deployed)) = (changed, deployed)
        && changed.as_second() > deployed.saturating_add(SAME_DEPLOY)
    {
        found.push(format!(
            "its code or settings were changed {changed}, by no deploy"
        ));
    }
    let code = match there.code.as_str() {
        "" => "not known",
        code => code,
    };
    let how = format!(
        "{}, last update {}, code {code}",
        there.state, there.last_update
    );
    // Lambda makes a function inactive that nobody needed for weeks.
    let works = there.state == "Active" && there.last_update == "Successful";
    let mut lines = compared("function", &resource.name, &how, found);
    match lines.first_mut() {
        Some(first) if !works && first.is == Is::Good => first.is = Is::Unwell,
        _ if !works => lines.push(Line::new("function", &resource.name, how, Is::Unwell)),
        _ => {}
    }
    lines
}

/// What Lambda says in base64, as a release says it.
fn hex(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A rule: its state, what it matches and where to.
pub fn rule_lines(resource: &Expected, there: &RuleState) -> Vec<Line> {
    let of = |name: &str| resource.properties.get(name).cloned().unwrap_or_default();
    let state = match of("State") {
        Value::Null => json!("ENABLED"),
        state => state,
    };
    let pattern = there.pattern.as_deref().unwrap_or("null");
    let pattern = serde_json::from_str(pattern).unwrap_or_else(|_| json!(pattern));
    let found = differences(
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
    );
    compared("rule", &resource.name, &there.state, found)
}

/// Something that is on, or is not.
pub fn enabled_line(what: &'static str, which: &str, state: &str) -> Line {
    let is = match state {
        "Enabled" => Is::Good,
        _ => Is::Other,
    };
    Line::new(what, which, state, is)
}

/// The alarms: each is there, compares what the template says and speaks to whom it says.
pub fn alarm_lines(watching: &[&Expected], there: &[AlarmState]) -> Vec<Line> {
    let mut lines = Vec::new();
    for alarm in watching {
        let mut found = there.iter();
        let Some(there) = found.find(|one| Some(&one.name) == alarm.id.as_ref()) else {
            lines.push(Line::new("alarm", &alarm.name, "is gone", Is::Other));
            continue;
        };
        let mut wanted = alarm.properties.clone();
        if let Some(fields) = wanted.as_object_mut() {
            fields.entry("ActionsEnabled").or_insert(json!(true));
        }
        let differences = differences(&by_id(wanted), &by_id(there.properties.clone()));
        let differences = differences.into_iter();
        lines.extend(differences.map(|how| Line::new("alarm", &alarm.name, how, Is::Other)));
        if there.state == "ALARM" {
            lines.push(Line::new("alarm", &alarm.name, "is in ALARM", Is::Unwell));
        }
    }
    if lines.is_empty() {
        let how = format!("{} are there, none is in ALARM", watching.len());
        lines.push(Line::new("alarm", "all", how, Is::Good));
    }
    lines
}

/// With the metrics of a formula in one order.
fn by_id(mut alarm: Value) -> Value {
    let metrics = alarm.get_mut("Metrics").and_then(Value::as_array_mut);
    if let Some(metrics) = metrics {
        metrics.sort_by_key(|metric| metric.get("Id").map(Value::to_string));
    }
    alarm
}

/// The trails: one at least brings the guard all that it needs.
pub fn trail_lines(trails: &[TrailState]) -> Vec<Line> {
    if let Some(good) = trails.iter().find(|trail| trail.lacks.is_empty()) {
        let how = "logs what management events write, in all regions";
        return vec![Line::new("trail", &good.name, how, Is::Good)];
    }
    if trails.is_empty() {
        let how = "there is none: no event arrives";
        return vec![Line::new("trail", "all", how, Is::Other)];
    }
    let bad = trails.iter();
    bad.map(|trail| Line::new("trail", &trail.name, trail.lacks.join("; "), Is::Other))
        .collect()
}

const NOT_CONFIRMED: &str =
    "NOT CONFIRMED: nothing is delivered until the link in its mail is followed";

/// Who hears a topic, and what is kept from them.
pub fn subscriber_lines(topic: &str, found: &[Subscription]) -> Vec<Line> {
    if found.is_empty() {
        return vec![Line::new("topic", topic, "no subscription", Is::Unwell)];
    }
    let line = |one: &Subscription| {
        let filter = one.filter.as_deref().unwrap_or_default();
        let (how, is) = match (one.confirmed, filter.is_empty()) {
            (true, true) => ("confirmed".to_owned(), Is::Good),
            (true, false) if lets_critical_through(filter) => {
                (format!("confirmed, gets {filter}"), Is::Good)
            }
            (true, false) => {
                let how = format!("FILTERED: {filter} keeps CRITICAL alerts from it");
                (how, Is::Other)
            }
            (false, _) => (NOT_CONFIRMED.to_owned(), Is::Unwell),
        };
        let which = format!("{topic} to {} {}", one.protocol, one.endpoint);
        Line::new("topic", &which, how, is)
    };
    found.iter().map(line).collect()
}

/// Who should hear a topic by the stack's parameters, and is not among its subscribers. CloudFormation
/// does not bring a subscription back that was deleted elsewhere.
pub fn missing_lines(stack: &Stack, topic: &str, found: &[Subscription]) -> Vec<Line> {
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
    let missing = mails.into_iter().chain(posts.map(String::as_str));
    missing
        .map(|endpoint| {
            let how = "NOT SUBSCRIBED: the deploy put it there, and somebody or SNS took it away";
            let which = format!("{topic} to {endpoint}");
            Line::new("topic", &which, how, Is::Other)
        })
        .collect()
}

/// Whether a subscription's filter asks for severities, and CRITICAL is among them. Anything else may
/// keep a CRITICAL alert away.
fn lets_critical_through(filter: &str) -> bool {
    let filter: Value = serde_json::from_str(filter).unwrap_or_default();
    let Some(fields) = filter.as_object() else {
        return false;
    };
    fields.iter().all(|(name, values)| {
        let mut values = values.as_array().into_iter().flatten();
        name == "severity" && values.any(|value| value == "CRITICAL")
    })
}

/// What is other than it was deployed, each as a sentence, for people who are not asked to look.
pub fn blinding(lines: &[Line]) -> Vec<String> {
    let other = lines.iter().filter(|line| line.is == Is::Other);
    other
        .map(|line| format!("{} {}: {}", line.what, line.which, line.how))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_compared_metric_by_metric_in_any_order() {
        let metric = |id: &str, queue: &str| {
            json!({
                "Id": id, "ReturnData": false,
                "MetricStat": { "Period": 300, "Stat": "Maximum", "Metric": {
                    "Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{ "Name": "QueueName", "Value": queue }],
                } },
            })
        };
        let sum = json!({ "Id": "oldest", "Expression": "MAX(METRICS())", "Label": "oldest" });
        let alarm = Expected {
            name: "OrdersStuck".to_owned(),
            kind: "AWS::CloudWatch::Alarm".to_owned(),
            id: Some("guard-OrdersStuck-1".to_owned()),
            properties: json!({
                "Threshold": 900, "Metrics": [sum, metric("a", "orders"), metric("b", "letters")],
            }),
        };
        let there = |metrics: Value| AlarmState {
            name: "guard-OrdersStuck-1".to_owned(),
            state: "OK".to_owned(),
            properties: json!({ "ActionsEnabled": true, "Threshold": 900.0, "Metrics": metrics }),
        };
        let is_good = |metrics: Value| {
            let lines = alarm_lines(&[&alarm], &[there(metrics)]);
            lines.iter().all(|line| line.is == Is::Good)
        };
        assert!(is_good(json!([
            metric("b", "letters"),
            sum,
            metric("a", "orders")
        ])));
        let never =
            json!({ "Id": "oldest", "Expression": "0 * MAX(METRICS())", "Label": "oldest" });
        for metrics in [
            json!([never, metric("a", "orders"), metric("b", "letters")]),
            json!([sum, metric("a", "orders"), metric("b", "another")]),
            json!([sum, metric("a", "orders")]),
            json!([]),
        ] {
            assert!(!is_good(metrics.clone()), "{metrics}");
        }
    }

    #[test]
    fn a_function_that_lambda_put_to_sleep_is_unwell_and_not_another() {
        let function = Expected {
            name: "RootActivity".to_owned(),
            kind: "AWS::Lambda::Function".to_owned(),
            id: Some("guard-RootActivity-1".to_owned()),
            properties: json!({ "Environment": { "Variables": { "A": "b" } } }),
        };
        let mut there = FunctionState {
            state: "Inactive".to_owned(),
            last_update: "Successful".to_owned(),
            last_modified: "2026-11-20T10:00:00.000+0000".to_owned(),
            code: "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=".to_owned(),
            environment: [("A".to_owned(), "b".to_owned())].into(),
            layers: Vec::new(),
            concurrency: None,
        };
        let lines = function_lines(&function, &there, None);
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].is, blinding(&lines).len()), (Is::Unwell, 0));
        there.concurrency = Some(0);
        let lines = function_lines(&function, &there, None);
        assert_eq!((lines.len(), blinding(&lines).len()), (2, 1));

        // Of the text `hello`.
        let released = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        there.concurrency = None;
        let mut pinned = function;
        pinned.properties["ReleasedCode"] = json!(released);
        assert!(blinding(&function_lines(&pinned, &there, None)).is_empty());
        there.code = "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=".to_owned();
        let lines = blinding(&function_lines(&pinned, &there, None));
        assert!(lines[0].contains("not the released one"), "{lines:?}");
    }

    #[test]
    fn nobody_is_alerted_of_a_mail_that_waits_for_its_link_but_of_one_that_is_gone() {
        let stack = Stack {
            id: String::new(),
            status: String::new(),
            parameters: [("AlertEmail".to_owned(), "a@example.com".to_owned())].into(),
            outputs: [].into(),
            resources: [].into(),
            deployed: [].into(),
        };
        let mut mail = Subscription {
            protocol: "email".to_owned(),
            endpoint: "a@example.com".to_owned(),
            confirmed: false,
            filter: None,
        };
        let alerted = |found: &[Subscription]| {
            let mut lines = subscriber_lines("AlertTopic", found);
            lines.extend(missing_lines(&stack, "AlertTopic", found));
            blinding(&lines).len()
        };
        assert_eq!(alerted(&[mail.clone()]), 0);
        assert_eq!(alerted(&[]), 1);
        mail.confirmed = true;
        for (filter, count) in [
            (r#"{"severity":["CRITICAL"]}"#, 0),
            (r#"{"severity":["LOW"]}"#, 1),
            (r#"{"stage":["test"]}"#, 1),
            ("{", 1),
        ] {
            mail.filter = Some(filter.to_owned());
            assert_eq!(alerted(&[mail.clone()]), count, "{filter}");
        }
    }
}
