//! What changed between two trust documents, statement by statement.

use serde::{Deserialize, Serialize};

/// One statement of the difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// Whether it came or went.
    pub sign: DiffSign,
    /// The statement, as compact JSON.
    pub text: String,
}

/// Whether a statement came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiffSign {
    /// Only the new document has it.
    #[serde(rename = "+")]
    Added,
    /// Only the old document had it.
    #[serde(rename = "-")]
    Removed,
}
