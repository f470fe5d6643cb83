//! Metrics by a line of the log, which CloudWatch reads (its embedded metric format): unlike what a filter
//! of the log group counts, they have percentiles.

use std::io::{Write as _, stdout};

use jiff::Timestamp;
use serde_json::{Value, json};

/// Says one value of a metric in the namespace of the stack. A log that takes nothing is Lambda's matter.
pub(crate) fn report(stack: &str, name: &str, value: i64, incident: &str, now: Timestamp) {
    let mut line = line(stack, name, value, incident, now).to_string();
    line.push('\n');
    drop(stdout().lock().write_all(line.as_bytes()));
}

fn line(stack: &str, name: &str, value: i64, incident: &str, now: Timestamp) -> Value {
    let unit = match name.ends_with("Delay") {
        true => "Seconds",
        false => "Count",
    };
    json!({
        "level": "INFO",
        "message": "measured",
        "incident": incident,
        "Stack": stack,
        name: value,
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": format!("Trustwarden/{stack}"),
                "Dimensions": [["Stack"]],
                "Metrics": [{ "Name": name, "Unit": unit }],
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As CloudWatch's specification of the format asks for it.
    #[test]
    fn a_line_names_its_metric_and_holds_what_it_names() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let line = line("guard", "AlertDelay", 7, "TW-1", now);
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line["_aws"]["Timestamp"], 1_795_168_800_000_i64);
        assert_eq!(metrics["Namespace"], "Trustwarden/guard");
        for named in [&metrics["Metrics"][0]["Name"], &metrics["Dimensions"][0][0]] {
            let value = line.get(named.as_str().unwrap());
            assert!(value.is_some(), "{named}");
        }
        assert_eq!(
            (&line["AlertDelay"], &metrics["Metrics"][0]["Unit"]),
            (&json!(7), &json!("Seconds"))
        );
    }
}
