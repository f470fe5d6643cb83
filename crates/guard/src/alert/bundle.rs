//! What SNS takes: a subject, a text for e-mail and a JSON document for machines in one message.

use super::Alert;

/// One `Publish` with `MessageStructure=json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Under 100 ASCII characters, no control characters.
    pub subject: String,
    /// The message: a JSON object with a text per protocol.
    pub message: String,
    /// Message attributes (name, value), all of type String, for subscription filters.
    pub attributes: Vec<(&'static str, String)>,
}

impl Alert {
    /// The alert as SNS takes it.
    pub fn bundle(&self) -> Bundle {
        let document = serde_json::to_string(self).unwrap_or_default();
        Bundle {
            subject: format!("[{}] {}", self.severity, self.incident),
            message: serde_json::json!({ "default": document }).to_string(),
            attributes: vec![
                ("severity", self.severity.name().to_owned()),
                ("stage", self.stage.name().to_owned()),
                ("account", self.account.clone()),
            ],
        }
    }
}
