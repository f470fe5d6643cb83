//! What takes the guard's eyes, hands or voice: a call that changes what the stack owns, or the
//! trail whose events it judges.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::template::FORWARDERS;

/// `tampering.tsv`: the calls.
const CALLS: &str = include_str!("tampering.tsv");

/// The service that carries out a deploy.
const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";

/// How long after a deploy its calls may still arrive, in seconds.
pub const DEPLOY_SECONDS: i64 = 15 * 60;

/// One kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TamperingCall {
    /// As in `events.amazonaws.com`: `events`.
    pub service: &'static str,
    /// How the event's name begins: `PutRule`; Lambda's go on with the date of the API.
    pub event: &'static str,
    /// Whether it counts whatever it names; else only where it names what the stack owns.
    pub any: bool,
    /// What may follow, as the end of a sentence.
    pub effect: &'static str,
    /// `requestParameters` of an example, with names in braces for what it is about.
    pub example: &'static str,
}

/// All calls that count as tampering.
pub fn tampering_calls() -> impl Iterator<Item = TamperingCall> {
    let rows = CALLS.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let mut fields = line.split('\t');
        Some(TamperingCall {
            service: fields.next()?,
            event: fields.next()?,
            any: fields.next()? == "any",
            effect: fields.next()?,
            example: fields.next()?,
        })
    })
}

/// What the stack owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnStack {
    name: String,
    /// In lower case; `None` where nobody could list them.
    ids: Option<BTreeSet<String>>,
    /// A deploy of the stack is under way, or has just ended.
    pub deploying: bool,
}

impl OwnStack {
    /// A stack with the physical ids of its resources: names, ARNs, URLs.
    pub fn new(name: &str, ids: impl IntoIterator<Item = String>, deploying: bool) -> Self {
        let mut own = BTreeSet::new();
        // One that is being made has none yet.
        for id in ids.into_iter().filter(|id| !id.is_empty()) {
            let id = id.to_ascii_lowercase();
            // Of an ARN or a URL the last part is the name by which most calls speak of it; a secret's
            // has six more characters there than its name.
            if id.starts_with("arn:") || id.starts_with("http") {
                let name = id.rsplit([':', '/']).next().unwrap_or(&id);
                if id.contains(":secret:") {
                    own.extend(name.rsplit_once('-').map(|(name, _)| name.to_owned()));
                }
                own.insert(name.to_owned());
            }
            own.insert(id);
        }
        Self {
            name: name.to_ascii_lowercase(),
            ids: Some(own),
            deploying,
        }
    }

    /// A stack whose resources nobody could list: it owns whatever is named after it.
    pub fn unlisted(name: &str) -> Self {
        Self {
            name: name.to_ascii_lowercase(),
            ids: None,
            deploying: false,
        }
    }

    /// Whether its resources are known.
    pub fn is_listed(&self) -> bool {
        self.ids.is_some()
    }

    /// Whether a text names something of the stack: as it is, as a part of an ARN or URL, or with a
    /// qualifier behind it.
    fn owns(&self, text: &str) -> bool {
        // A document that mentions what is ours does not change it.
        if text.contains(['"', '{']) {
            return false;
        }
        let text = text.to_ascii_lowercase();
        let mut parts = text.split([':', '/']).chain([text.as_str()]);
        if parts.clone().any(|part| part.starts_with(FORWARDERS)) {
            return true;
        }
        let Some(ids) = &self.ids else {
            let after = |part: &str| {
                part.strip_prefix(&self.name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            };
            return parts.any(after);
        };
        // A log group's name holds slashes, and its last part is no name of its own.
        let in_arn = |id: &String| {
            id.starts_with('/') && text.starts_with("arn:") && {
                let rest = text.split_once(id.as_str()).map(|(_, rest)| rest);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            }
        };
        parts.any(|part| ids.contains(part)) || ids.iter().any(in_arn)
    }

    fn is(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        text.split([':', '/']).any(|part| part == self.name)
    }
}

/// A call that changed the guard, or what it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tampering {
    /// `events:PutRule`.
    pub call: String,
    /// What of the guard's the call names; empty where it counts whatever it names.
    pub named: Vec<String>,
    /// What may follow, as the end of a sentence.
    pub effect: &'static str,
}

/// Whether an event of CloudTrail (its `detail`) shows tampering. A call that failed changed nothing.
/// What CloudFormation does within a deploy of the stack does not count: the deploy itself does.
pub fn tampering(detail: &Value, own: &OwnStack) -> Option<Tampering> {
    let text = |field: &str| {
        detail
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let failed = |field: &str| detail.get(field).is_some_and(|code| !code.is_null());
    if failed("errorCode") || failed("errorMessage") {
        return None;
    }
    let service = text("eventSource").strip_suffix(".amazonaws.com")?;
    let event = text("eventName");
    let call = tampering_calls()
        .filter(|call| call.service == service && is_version_of(event, call.event))
        .max_by_key(|call| call.event.len())?;
    // A stack is named in one place, and its parameters may name what is ours; a change set may be
    // carried out by its own ARN, which names no stack.
    let is_deploy = service == "cloudformation";
    let request = match is_deploy {
        true => detail.pointer("/requestParameters/stackName"),
        false => detail.get("requestParameters"),
    };
    let mut named = Vec::new();
    let answer = detail.get("responseElements").filter(|_| !is_deploy);
    for value in request.into_iter().chain(answer) {
        texts(value, &mut |text| {
            let ours = if is_deploy {
                own.is(text)
            } else {
                own.owns(text)
            };
            if ours && !named.iter().any(|known| known == text) {
                named.push(text.to_owned());
            }
        });
    }
    let invoked_by = detail.pointer("/userIdentity/invokedBy");
    let by_deploy = invoked_by.and_then(Value::as_str) == Some(CLOUDFORMATION);
    let in_deploy = own.deploying && by_deploy && !is_deploy;
    // A request that the event leaves out may have named anything.
    let hidden = request.is_none_or(Value::is_null);
    let counts = call.any || hidden || !named.is_empty();
    (counts && !in_deploy).then(|| Tampering {
        call: format!("{service}:{}", call.event),
        named,
        effect: call.effect,
    })
}

/// `UpdateFunctionCode20150331v2` is a version of `UpdateFunctionCode`; `PutRuleset` is none of `PutRule`.
fn is_version_of(event: &str, call: &str) -> bool {
    event.strip_prefix(call).is_some_and(|version| {
        version.is_empty() || version.starts_with(|first: char| first.is_ascii_digit())
    })
}

/// Calls `each` with every string within a value.
fn texts<'v>(value: &'v Value, each: &mut impl FnMut(&'v str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(values) => values.iter().for_each(|value| texts(value, each)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, each)),
        _ => {}
    }
}
