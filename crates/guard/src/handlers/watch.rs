//! The function that watches the guard itself looks whether the guard sees, and says so by the second
//! path where it does not.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::build::{Story, alert};
use crate::alert::{Alert, one_line};
use crate::check::{Check, Finding};
use crate::cloudtrail::Record;
use crate::detect::finding;
use crate::handlers::HandleError;
use crate::model::{Resource, seconds_between};
use crate::ports::{Alerts, Deployed, Differences, Heartbeats, StateError, Store};
use crate::state::Ledger;
use crate::state::incident::{Stage, incident_id};
use crate::state::watch_state::{SentCall, Watch};
use crate::watch::{HEARTBEATS, answer_of, is_due, silent, to_report};

/// So many findings stand in one alert; the rest is counted.
const SHOWN: usize = 20;

/// What a look did.
#[derive(Debug, Default)]
pub struct Watched {
    /// What was reported.
    pub reported: Vec<String>,
    /// A heartbeat was sent.
    pub sent: bool,
    /// Calls of it that AWS did not take, and why.
    pub unsent: Vec<String>,
}

/// What the function knows of the world around it.
#[derive(Debug)]
pub struct Surroundings<'a, S, A, H, D> {
    /// The table, for the heartbeat alone.
    pub store: &'a S,
    /// The second path's topic.
    pub topic: &'a A,
    /// Makes the heartbeat's calls.
    pub heartbeats: &'a H,
    /// Compares the stack.
    pub deployed: &'a D,
    /// A deploy is under way: what is there may differ from the template.
    pub deploying: bool,
}

/// Looks whether the last heartbeat came back and whether the stack is what was deployed, reports what is
/// not so, and sends the next heartbeat if it is due. The stack is compared as often as that, and at the
/// next look once more where something is found.
///
/// # Errors
/// [`HandleError`]: the table or the topic does not answer. The next look is in a few minutes.
pub async fn watch<S: Store, A: Alerts, H: Heartbeats, D: Deployed>(
    around: &Surroundings<'_, S, A, H, D>,
    guard: &GuardConfig,
    now: Timestamp,
) -> Result<Watched, HandleError> {
    let state = Ledger::new(around.store);
    let mut watch = state.watch(&guard.account).await?;
    let answers = state.heartbeat_answers(&guard.account).await?;
    let silent = silent(&watch, &answers, now);
    let (mut wrong, mut waiting) = (silent.overdue, silent.waiting);
    let due = is_due(&watch, now);
    let unsure = watch
        .differences
        .iter()
        .any(|found| !watch.reported.contains_key(found));
    if !around.deploying && (due || unsure) {
        let Differences { found, forwards } = around.deployed.differences(watch.forwards).await;
        watch.forwards |= forwards;
        let (again, once) = found
            .iter()
            .cloned()
            .partition(|found| watch.differences.contains(found));
        wrong.extend::<Vec<String>>(again);
        waiting.extend::<Vec<String>>(once);
        watch.differences = found;
    } else {
        waiting.append(&mut watch.differences.clone());
    }
    let (news, reported) = to_report(&watch.reported, &wrong, &waiting, now);
    if !news.is_empty() {
        around
            .topic
            .publish_alert(&blind(guard, &news, now))
            .await?;
    }
    watch.reported = reported;
    let mut watched = Watched {
        reported: news,
        ..Watched::default()
    };
    if due {
        watched.unsent = send(around.heartbeats, &mut watch, now).await;
        watched.sent = !watch.sent.is_empty();
    }
    state.save_watch(&watch).await?;
    Ok(watched)
}

/// Makes the calls; says which were not made. They count as sent: what is not made does not come back.
async fn send<H: Heartbeats>(heartbeats: &H, watch: &mut Watch, now: Timestamp) -> Vec<String> {
    let mut unsent = Vec::new();
    watch.sent_at = Some(now);
    watch.sent.clear();
    for beat in HEARTBEATS {
        match heartbeats.beat(beat.call).await {
            Ok(request_id) => {
                let sent = SentCall {
                    request_id,
                    at: now,
                };
                watch.sent.insert(beat.call.to_owned(), sent);
            }
            Err(why) => unsent.push(why.to_string()),
        }
    }
    unsent
}

/// Remembers that a heartbeat came back to a function, if an event is one: after how many seconds.
///
/// # Errors
/// `Unavailable`.
pub async fn answer_heartbeat<S: Store>(
    store: &S,
    guard: &GuardConfig,
    function: &str,
    record: &Record,
    event: &str,
    now: Timestamp,
) -> Result<Option<i64>, StateError> {
    let Some(answer) = answer_of(guard, function, record, event, now) else {
        return Ok(None);
    };
    Ledger::new(store)
        .save_heartbeat_answer(&guard.account, &answer)
        .await?;
    Ok(Some(seconds_between(answer.event_time, now)))
}

fn blind(guard: &GuardConfig, news: &[String], now: Timestamp) -> Alert {
    let found = |message: &String| finding(&guard.rules, Check::GuardBlind, one_line(message, 600));
    let findings: Vec<Finding> = news.iter().take(SHOWN).map(found).collect();
    let first = news.first().map_or("", String::as_str);
    let title = match news.len() {
        0 | 1 => format!("{}: {first}", Check::GuardBlind.title()),
        many => format!("{}, {many} findings: {first}", Check::GuardBlind.title()),
    };
    let story = Story {
        stage: Stage::Detected,
        incident: &incident_id(&guard.account, &format!("guard-blind {now}")),
        title: one_line(&title, 600),
        cause: None,
        resource: Some(Resource::new("guard", &guard.stack)),
        findings: &findings,
        now,
    };
    let mut alert = alert(guard, story);
    if news.len() > SHOWN {
        let more = news.len() - SHOWN;
        alert
            .notes
            .push(format!("and {more} more: trustwarden status shows all"));
    }
    alert
}
