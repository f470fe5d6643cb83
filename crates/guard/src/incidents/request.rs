//! What operators ask, as it comes over the function's URL, and what they are answered.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::caller::Caller;

/// No request is longer.
const REQUEST_BYTES: usize = 8 * 1024;

/// What an operator asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// The incidents of the last days.
    List {
        /// How many days, 1 to 31.
        days: u8,
    },
    /// All that is kept of one.
    Show {
        /// Its id.
        incident: String,
    },
    /// Its document may stand for a while.
    Approve {
        /// Its id.
        incident: String,
        /// Of the document that the operator has seen.
        digest: String,
        /// Why.
        reason: String,
        /// The last day, or a moment; seven days from now if not given.
        #[serde(default)]
        expires: Option<String>,
    },
    /// They are about to write back what the guard overwrote.
    Undo {
        /// Its id.
        incident: String,
        /// Why.
        reason: String,
    },
}

impl Request {
    /// What is asked, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::List { .. } => "list",
            Self::Show { .. } => "show",
            Self::Approve { .. } => "approve",
            Self::Undo { .. } => "undo",
        }
    }

    /// The incident it is about.
    pub fn incident(&self) -> Option<&str> {
        match self {
            Self::List { .. } => None,
            Self::Show { incident }
            | Self::Approve { incident, .. }
            | Self::Undo { incident, .. } => Some(incident),
        }
    }
}

/// A request that is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The function does not know it.
    #[error("{0}")]
    Malformed(String),
    /// AWS names nobody who signed it.
    #[error("the request carries no IAM identity: call the function by its URL")]
    Anonymous,
    /// There is no such incident.
    #[error("{0}")]
    Unknown(String),
    /// They may not.
    #[error("{0}")]
    Forbidden(String),
}

impl Refused {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Anonymous => 401,
            Self::Unknown(_) => 404,
            Self::Forbidden(_) => 403,
        }
    }
}

/// The parts of Lambda's event that count.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    request_context: Context,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct Context {
    http: Http,
    authorizer: Option<Authorizer>,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

#[derive(Deserialize)]
struct Authorizer {
    iam: Option<Caller>,
}

/// Who asks what.
///
/// # Errors
/// `Malformed`, `Anonymous`.
pub fn asked(event: &str) -> Result<(Caller, Request), Refused> {
    let malformed = |why: &str| Refused::Malformed(why.to_owned());
    let event: Event = serde_json::from_str(event)
        .map_err(|_| malformed("this is no request that came over the function's URL"))?;
    let caller = event.request_context.authorizer.and_then(|by| by.iam);
    let caller = caller.ok_or(Refused::Anonymous)?;
    if event.request_context.http.method != "POST" || event.is_base64_encoded {
        return Err(malformed("only a POST of JSON is answered"));
    }
    let body = event.body.unwrap_or_default();
    if body.len() > REQUEST_BYTES {
        return Err(malformed("the request is too long"));
    }
    let request = serde_json::from_str(&body)
        .map_err(|error| Refused::Malformed(format!("the request cannot be read: {error}")))?;
    Ok((caller, request))
}

/// The answer as Lambda takes it for the URL.
pub fn answered(answer: &Result<Value, Refused>) -> Value {
    let (status, body) = match answer {
        Ok(value) => (200, value.clone()),
        Err(refused) => (refused.status(), json!({ "error": refused.to_string() })),
    };
    json!({
        "statusCode": status,
        "headers": { "content-type": "application/json", "cache-control": "no-store" },
        "body": body.to_string(),
    })
}
