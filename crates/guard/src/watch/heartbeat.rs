//! The heartbeat: calls of AWS's API that change nothing, made every quarter of an hour, whose events
//! must come back through CloudTrail and EventBridge to the functions that judge such events.
//!
//! Each names something that does not exist, so it fails, whoever may make it. Its event is an
//! ordinary one to CloudTrail and to the patterns of the stack's rules; only the function behind them
//! knows the call by who made it. It comes back if the event bears the id that AWS gave the call, in
//! time: nobody knows that id before the call, and an event that is told again bears an old one.

use jiff::Timestamp;
use serde::Deserialize;

use crate::GuardConfig;
use crate::cloudtrail::Record;
use crate::model::seconds_between;
use crate::state::incident::Schema;
use crate::state::watch_state::{Answer, SentCall, Watch};

/// How often a heartbeat is sent, in seconds.
const EVERY: i64 = 15 * 60;

/// How late an event may come, in seconds. EventBridge promises no time; minutes are usual at worst.
const LATE: i64 = 10 * 60;

/// What the clocks of AWS's services may differ by, in seconds.
const SKEW: i64 = 60;

/// One call of the heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// As `iam:DeleteRole`.
    pub call: &'static str,
    /// Where its event must come back to.
    pub paths: &'static [Path],
}

/// One way that an event takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    /// The function at its end, as `role-trust`.
    pub function: &'static str,
    /// The rule on it, by its name in `template.yaml`.
    pub rule: &'static str,
    /// What is not seen if the event does not come back.
    pub blind: &'static str,
}

/// The calls. Together they match each rule of the stack that a call of the API can match without
/// being root's.
pub const HEARTBEATS: [Beat; 6] = [
    Beat {
        call: "iam:DeleteRole",
        paths: &[
            Path {
                function: "role-trust",
                rule: "RoleTrustRule",
                blind: "changes of trust policies",
            },
            Path {
                function: "guard-tamper",
                rule: "TamperedResourcesRule",
                blind: "changes of the guard's topics, queues, table, key, roles and alarms",
            },
        ],
    },
    Beat {
        call: "iam:UpdateAccessKey",
        paths: &[Path {
            function: "access-key",
            rule: "AccessKeyRule",
            blind: "new access keys and console passwords",
        }],
    },
    Beat {
        call: "iam:DeleteRolePolicy",
        paths: &[Path {
            function: "role-permissions",
            rule: "RolePermissionsRule",
            blind: "changes of permissions",
        }],
    },
    Beat {
        call: "iam:DeleteSAMLProvider",
        paths: &[Path {
            function: "identity-provider",
            rule: "IdentityProviderRule",
            blind: "changes of identity providers",
        }],
    },
    Beat {
        call: "cloudformation:UpdateTerminationProtection",
        paths: &[Path {
            function: "guard-tamper",
            rule: "TamperedSourcesRule",
            blind: "changes of trails, event rules and the stack",
        }],
    },
    Beat {
        call: "lambda:AddPermission",
        paths: &[
            Path {
                function: "guard-tamper",
                rule: "TamperedFunctionsRule",
                blind: "changes of the guard's functions",
            },
            Path {
                function: "resource-share",
                rule: "ResourceShareRule",
                blind: "resources that are shared without a role",
            },
        ],
    },
];

/// Whether the next heartbeat is to be sent.
pub fn is_due(watch: &Watch, now: Timestamp) -> bool {
    let sent = watch.sent_at.filter(|sent| *sent <= now);
    sent.is_none_or(|sent| seconds_between(sent, now) >= EVERY)
}

/// What the last heartbeat says of the guard's eyes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Silent {
    /// What did not come back in time, each as a sentence.
    pub overdue: Vec<String>,
    /// What has not come back yet, and may still: the same sentences.
    pub waiting: Vec<String>,
}

/// What the last heartbeat did not bring back by now.
pub fn silent(watch: &Watch, answers: &[Answer], now: Timestamp) -> Silent {
    let mut silent = Silent::default();
    let Some(sent_at) = watch.sent_at else {
        return silent;
    };
    for beat in HEARTBEATS {
        let sent = watch.sent.get(beat.call);
        for path in beat.paths {
            let mut answers = answers.iter();
            let came = |answer: &Answer| {
                answer.function == path.function
                    && answer.call == beat.call
                    && sent.is_some_and(|sent| is_of(sent, answer))
            };
            if answers.any(came) {
                continue;
            }
            let words = format!(
                "the heartbeat {} did not come back to {} by {} within {} minutes: {} are not seen",
                beat.call,
                path.function,
                path.rule,
                LATE / 60,
                path.blind
            );
            // A clock that goes back is no excuse.
            let late = sent_at > now || seconds_between(sent_at, now) >= LATE;
            match late {
                true => silent.overdue.push(words),
                false => silent.waiting.push(words),
            }
        }
    }
    silent
}

/// Whether an answer is to this very call, and came in time.
fn is_of(sent: &SentCall, answer: &Answer) -> bool {
    let apart = answer.event_time.as_second().abs_diff(sent.at.as_second());
    answer.request_id == sent.request_id
        && apart <= SKEW.unsigned_abs()
        && seconds_between(sent.at, answer.handled_at) <= LATE
}

/// The heartbeat that came back to a function, if an event is one: who made the call is one of the
/// stack's own roles, though not the remediator's.
pub fn answer_of(
    guard: &GuardConfig,
    function: &str,
    record: &Record,
    event: &str,
    now: Timestamp,
) -> Option<Answer> {
    let issuer = record.identity.issuer.arn.as_ref()?;
    if *issuer == guard.remediator_role || !guard.own_roles.contains(issuer) {
        return None;
    }
    let service = record.event_source.strip_suffix(".amazonaws.com")?;
    let named = |beat: &&Beat| {
        let name = beat.call.strip_prefix(service)?.strip_prefix(':')?;
        // Lambda's names go on with the date of its API.
        let version = record.event_name.strip_prefix(name)?;
        let is_date = version.is_empty() || version.starts_with(|one: char| one.is_ascii_digit());
        is_date.then_some(())
    };
    let beat = HEARTBEATS.iter().find(|beat| named(beat).is_some())?;
    let event_time = record.event_time?;
    if event_time.as_second() > now.as_second().saturating_add(SKEW) {
        return None;
    }
    let Carried { detail } = serde_json::from_str(event).ok()?;
    Some(Answer {
        schema: Schema,
        function: function.to_owned(),
        call: beat.call.to_owned(),
        request_id: detail.request_id,
        event_time,
        handled_at: now,
    })
}

/// An EventBridge event, as far as nothing else needs it.
#[derive(Deserialize)]
struct Carried {
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "requestID")]
    request_id: String,
}

/// Whether an event is the schedule's, which asks for a look.
pub fn is_tick(event: &str) -> bool {
    #[derive(Deserialize)]
    struct Tick {
        source: String,
        #[serde(rename = "detail-type")]
        kind: String,
    }
    let tick = serde_json::from_str::<Tick>(event);
    tick.is_ok_and(|tick| tick.source == "aws.events" && tick.kind == "Scheduled Event")
}
