//! What the watch over the guard itself remembers: the heartbeat that was sent last, what came back,
//! and what people have heard of.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::incident::Schema;

/// How far the watch is. One item an account, saved whole under an optimistic version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// When the last heartbeat was sent.
    pub sent_at: Option<Timestamp>,
    /// Its calls that AWS took, as `iam:DeleteRole`.
    pub sent: BTreeMap<String, SentCall>,
    /// What the last look found to be other than it was deployed. What two looks find is reported: a
    /// call may fail once, and a change may be under way.
    #[serde(default)]
    pub differences: Vec<String>,
    /// Some other region's stack was there once: where there is none, it is gone.
    #[serde(default)]
    pub forwards: bool,
    /// What is wrong and has been reported, with the moment of the last report.
    pub reported: BTreeMap<String, Timestamp>,
    /// Optimistic version: 0 for one that was never saved. The state raises it with each save.
    pub version: u64,
}

/// One call of a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentCall {
    /// The id that AWS gave the call, and that its event bears: nobody knows it before.
    pub request_id: String,
    /// When it was made.
    pub at: Timestamp,
}

/// A call of a heartbeat whose event came back to a function, and was judged. The newest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Always there.
    pub schema: Schema,
    /// As `role-trust`.
    pub function: String,
    /// As `iam:DeleteRole`.
    pub call: String,
    /// `requestID` of the event.
    pub request_id: String,
    /// `eventTime`.
    pub event_time: Timestamp,
    /// When the function was done with it.
    pub handled_at: Timestamp,
}
