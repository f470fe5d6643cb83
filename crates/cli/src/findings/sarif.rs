//! SARIF 2.1.0, for code scanning.

use guard::{Check, Severity};
use serde_json::{Value, json};

use super::fingerprint::{Fingerprints, NAME};
use super::found::{Found, PAGES};

/// The log of one run. Where it could not read everything, code scanning must not take the absence of a
/// result for its end.
pub(super) fn log(found: &[Found], unread: &[String]) -> Value {
    let mut marks = Fingerprints::default();
    let notifications: Vec<Value> = unread
        .iter()
        .map(|name| {
            let text =
                format!("{name} could not be read, or not whole: what is said is of the rest");
            json!({
                "level": "error",
                "message": { "text": escaped(&text) },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(name) } } }],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "trustwarden",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Check::ALL.iter().map(|check| rule(*check)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": unread.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": found.iter().map(|found| result(found, &mut marks)).collect::<Vec<_>>(),
        }],
    })
}

fn rule(check: Check) -> Value {
    let severity = check.default_severity();
    json!({
        "id": check.code(),
        "name": check.code(),
        "shortDescription": { "text": check.title() },
        "helpUri": format!("{PAGES}/{}.md", check.code()),
        "help": {
            "text": crate::explain::page(check),
            "markdown": crate::explain::page(check),
        },
        "defaultConfiguration": { "level": level(severity) },
        "properties": { "security-severity": score(severity), "tags": ["security"] },
    })
}

fn result(found: &Found, marks: &mut Fingerprints) -> Value {
    let finding = &found.finding;
    let mut text = finding.message.clone();
    if let Some(fix) = &finding.fix {
        text.push_str("; ");
        text.push_str(fix);
    }
    let index = Check::ALL.iter().position(|check| *check == finding.code);
    let region = json!({ "startLine": found.about.line.unwrap_or(1) });
    let location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&found.about.file) },
            "region": region,
        },
        "logicalLocations": [{ "fullyQualifiedName": found.about.address().unwrap_or(&found.about.subject), "kind": "resource" }],
    });
    let mut result = json!({
        "ruleId": finding.code.code(),
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": escaped(&text) },
        "locations": [location],
        "partialFingerprints": { (NAME): marks.next(found) },
        "properties": {
            "severity": finding.severity.name(),
            "account": found.about.account.as_deref(),
            "statement": finding.statement,
            "vendor": finding.vendor,
            "witness": found.witness::<Value>(),
        },
    });
    let properties = result.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties.filter(|_| !finding.ways.is_empty()) {
        properties.insert("ways".to_owned(), json!(finding.ways));
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational => "note",
    }
}

/// As code scanning sorts: over 9 is critical, over 7 high, over 4 medium.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Informational => "0.0",
    }
}

/// In a message, braces would be placeholders and brackets links.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '{' => escaped.push_str("{{"),
            '}' => escaped.push_str("}}"),
            '[' | ']' | '\\' => escaped.extend(['\\', character]),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A path as a reference, relative where the path is.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_text() {
        assert_eq!(
            escaped("[a](https://x) {0} \\"),
            "\\[a\\](https://x) {{0}} \\\\"
        );
        assert_eq!(uri("a b/ü:%.json"), "a%20b/%C3%BC%3A%25.json");
        assert_eq!(uri("/x/<stdin>"), "file:///x/%3Cstdin%3E");
    }
}
