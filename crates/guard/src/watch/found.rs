//! What there is of a deployed stack, as AWS says it.

use std::collections::BTreeMap;

use serde_json::Value;

/// A stack as CloudFormation knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// As `CREATE_COMPLETE`.
    pub status: String,
    /// Its parameters by name, as `Mode`.
    pub parameters: BTreeMap<String, String>,
    /// Its outputs by name.
    pub outputs: BTreeMap<String, String>,
    /// Its resources: physical ids by logical id.
    pub resources: BTreeMap<String, String>,
    /// When a deploy changed a resource last, in seconds since 1970, by logical id.
    pub deployed: BTreeMap<String, i64>,
}

impl Stack {
    /// Its region and its account.
    pub fn place(&self) -> (&str, &str) {
        let mut parts = self.id.split(':').skip(3);
        (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        )
    }
}

/// Who receives what a topic publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// As `email`, `lambda`, `https`.
    pub protocol: String,
    /// As `security@example.com`.
    pub endpoint: String,
    /// Somebody at the endpoint has agreed; until then nothing is delivered.
    pub confirmed: bool,
    /// What keeps messages from it, as JSON.
    pub filter: Option<String>,
}

/// A function as Lambda has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionState {
    /// As `Active`.
    pub state: String,
    /// As `Successful`.
    pub last_update: String,
    /// When its code or configuration was changed last.
    pub last_modified: String,
    /// The SHA-256 of its code, in base64.
    pub code: String,
    /// What the function is told through its environment.
    pub environment: BTreeMap<String, String>,
    /// The ARNs of its layers' versions.
    pub layers: Vec<String>,
    /// How many may run at once, if that is set aside.
    pub concurrency: Option<i32>,
}

/// An EventBridge rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleState {
    /// As `ENABLED`, `DISABLED`, `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`.
    pub state: String,
    /// What it matches, as JSON.
    pub pattern: Option<String>,
    /// When it comes by itself.
    pub schedule: Option<String>,
    /// Where it sends what, as a template says it.
    pub targets: Vec<Value>,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmState {
    /// Its name.
    pub name: String,
    /// As `OK`, `ALARM`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// Whether its actions are on, which topics it notifies, and what it compares, as a template says it.
    pub properties: Value,
}

/// A trail, as far as the guard depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailState {
    /// Its name.
    pub name: String,
    /// What keeps events from the guard, in words; empty where nothing does.
    pub lacks: Vec<String>,
}
