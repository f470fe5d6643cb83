//! What every function does around its handler: a log as Lambda's settings say, a start that
//! fails in words, an end before Lambda's.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use guard::cloudtrail::Record;
use guard::handlers::{HandleError, Handled, answer_heartbeat};
use guard::model::sha256_hex;
use guard::ports::{Assembled, chain};
use guard::story::About;
use guard::{GuardConfig, incident_id};
use jiff::Timestamp;
use lambda_runtime::tracing::subscriber::filter::LevelFilter;
use lambda_runtime::tracing::{error, info, subscriber};
use lambda_runtime::{Context, Diagnostic, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;

use crate::{
    Channel, Iam, IamLister, IamWriter, Queue, SdkContext, Settings, SlackSettings, SystemClock,
    Table, Topic,
};

/// What is kept of an invocation's time to say that it ran out.
const SHUTDOWN_MARGIN: Duration = Duration::from_millis(800);

/// The world of a detecting function: it reads roles.
pub type Detecting = Assembled<Iam, Table, Queue, Topic, SystemClock>;
/// The world of the sweep, and of `identity-provider`: it lists them.
pub type Sweeping = Assembled<IamLister, Table, Queue, Topic, SystemClock>;
/// The world of the remediator: it writes them, too.
pub type Remediating = Assembled<IamWriter, Table, Queue, Topic, SystemClock>;

/// The start failed, and the function stays down; or an invocation did, and what it was given has
/// to come again. `Debug` is the sentence (the error and all its causes in one line), because that
/// is what the standard library prints when `main` returns it, and what the runtime logs.
pub struct Failed(String);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failed {}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        Self {
            error_type: "Failed".to_owned(),
            error_message: failed.0,
        }
    }
}

impl Failed {
    /// An error with its causes.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        Self(chain(error))
    }
}

fn not_started(cause: impl Error + 'static) -> Failed {
    let failed = Failed::of(&cause);
    error!("the function does not start: {failed}");
    failed
}

/// Logs to standard output: JSON or text as `AWS_LAMBDA_LOG_FORMAT` says, from the level that
/// `AWS_LAMBDA_LOG_LEVEL` names (else INFO) on. Below DEBUG nothing is logged whatever is asked:
/// there, libraries write whole events and requests.
///
/// The runtime's own subscriber reads a filter language that nobody here uses; compiling its
/// expressions would be most of the start.
pub fn start_log() {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let log = subscriber::fmt()
        .with_max_level(level(&variable("AWS_LAMBDA_LOG_LEVEL")))
        .with_target(false)
        .with_ansi(false)
        .without_time();
    if variable("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") {
        log.json().flatten_event(true).with_span_list(false).init();
    } else {
        log.init();
    }
}

fn level(name: &str) -> LevelFilter {
    match name.to_ascii_uppercase().as_str() {
        "TRACE" | "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

/// A detecting function, from its start to its end: each EventBridge event that comes in is handed
/// to the handler as the record that it carries. A heartbeat is remembered when that is done with it.
///
/// # Errors
/// [`Failed`]: a setting or the rules are missing or make no sense. An error of the runtime's.
pub fn run_detecting<H>(
    function: &'static str,
    handler: H,
) -> impl Future<Output = Result<(), lambda_runtime::Error>>
where
    H: AsyncFn(&Detecting, &GuardConfig, &Record) -> Result<Handled, HandleError>,
{
    run_events(function, Iam::new, handler)
}

/// The same for a function that lists all roles.
///
/// # Errors
/// As [`run_detecting`].
pub fn run_listing<H>(
    function: &'static str,
    handler: H,
) -> impl Future<Output = Result<(), lambda_runtime::Error>>
where
    H: AsyncFn(&Sweeping, &GuardConfig, &Record) -> Result<Handled, HandleError>,
{
    run_events(function, IamLister::new, handler)
}

async fn run_events<R, H>(
    function: &'static str,
    roles: impl FnOnce(&SdkContext) -> R,
    handler: H,
) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(
        &Assembled<R, Table, Queue, Topic, SystemClock>,
        &GuardConfig,
        &Record,
    ) -> Result<Handled, HandleError>,
{
    start_log();
    let settings = Settings::from_environment().map_err(not_started)?;
    let cloud = SdkContext::from_environment();
    let world = &assembled(&settings, &cloud, roles(&cloud));
    let guard = &settings.guard().map_err(not_started)?;
    let handler = &handler;
    let handle = async |event: LambdaEvent<Box<RawValue>>| -> Result<(), Failed> {
        let text = event.payload.get();
        let record = record(&event.payload);
        let work = Box::pin(handler(world, guard, &record));
        let handled = with_deadline(&event.context, work).await;
        let About {
            incident,
            event,
            subject,
        } = About::event(&guard.account, &record, handled.as_ref().ok());
        let name = &record.event_name;
        match &handled {
            Ok(handled) => {
                info!(incident, event, subject, name, outcome = %handled, "event handled");
            }
            Err(why) => {
                error!(incident, event, subject, name, outcome = "failed", %why, "event not handled");
            }
        }
        if handled.is_ok() {
            heartbeat(&world.store, guard, function, &record, text).await;
        }
        handled.map(|_| ())
    };
    run(service_fn(handle)).await
}

/// Remembers that a heartbeat came back, if the event is one. A table that does not answer is why it
/// did not.
pub async fn heartbeat(
    table: &Table,
    guard: &GuardConfig,
    function: &str,
    record: &Record,
    event: &str,
) {
    let now = Timestamp::now();
    match answer_heartbeat(table, guard, function, record, event, now).await {
        Ok(None) => {}
        Ok(Some(seconds)) => {
            let incident = incident_id(&guard.account, &record.event_id);
            crate::metric::report(&guard.stack, "HeartbeatDelay", seconds, &incident, now);
        }
        Err(why) => {
            error!(event = record.event_id, outcome = "failed", why = %chain(&why), "heartbeat not kept");
        }
    }
}

/// What the remediator starts with.
///
/// # Errors
/// [`Failed`]: a setting or the rules are missing or make no sense.
pub fn remediating() -> Result<(GuardConfig, Remediating), Failed> {
    let settings = Settings::from_environment().map_err(not_started)?;
    let cloud = SdkContext::from_environment();
    let world = assembled(&settings, &cloud, IamWriter::new(&cloud));
    Ok((settings.guard().map_err(not_started)?, world))
}

/// What `incidents` starts with. It reads no role, and has no permission to.
///
/// # Errors
/// [`Failed`]: a setting or the rules are missing or make no sense.
pub fn answering() -> Result<(GuardConfig, Detecting), Failed> {
    let settings = Settings::from_environment().map_err(not_started)?;
    let cloud = SdkContext::from_environment();
    let world = assembled(&settings, &cloud, Iam::new(&cloud));
    Ok((settings.guard().map_err(not_started)?, world))
}

/// What the sweep starts with.
///
/// # Errors
/// [`Failed`]: a setting or the rules are missing or make no sense.
pub fn sweeping() -> Result<(GuardConfig, Sweeping), Failed> {
    let settings = Settings::from_environment().map_err(not_started)?;
    let cloud = SdkContext::from_environment();
    let world = assembled(&settings, &cloud, IamLister::new(&cloud));
    Ok((settings.guard().map_err(not_started)?, world))
}

/// What `guard-tamper` starts with: its rules say how severe a finding is, its topic is its own. The
/// table is there for the heartbeat alone.
#[cfg(feature = "own-stack")]
#[derive(Debug)]
pub struct WatchingTheGuard {
    /// Its settings.
    pub guard: GuardConfig,
    /// The second path's.
    pub topic: Topic,
    /// What the stack owns.
    pub own: crate::OwnStackReader,
    /// Where the heartbeat is remembered.
    pub table: Table,
    /// Makes the heartbeat's calls.
    pub heartbeats: crate::HeartbeatCalls,
    /// Compares the stack with its template.
    pub deployed: crate::deployed::DeployedStack,
}

#[cfg(feature = "own-stack")]
impl WatchingTheGuard {
    /// From the process's environment.
    ///
    /// # Errors
    /// [`Failed`]: a setting or the rules are missing or make no sense.
    pub fn from_environment() -> Result<Self, Failed> {
        let settings = Settings::from_environment().map_err(not_started)?;
        let cloud = SdkContext::from_environment();
        let heartbeat = settings.heartbeat().map_err(not_started)?;
        let partition = settings.topic.split(':').nth(1).unwrap_or("aws");
        Ok(Self {
            topic: Topic::new(&cloud, &settings.topic),
            own: crate::OwnStackReader::new(&cloud, &settings.stack),
            table: Table::new(&cloud, &settings.table),
            heartbeats: crate::HeartbeatCalls::new(&cloud, partition, &settings.account, heartbeat),
            deployed: crate::deployed::DeployedStack::new(&cloud, &settings.stack),
            guard: settings.guard().map_err(not_started)?,
        })
    }
}

/// What `slack` starts with.
///
/// # Errors
/// [`Failed`]: the secret is not named.
pub fn posting() -> Result<Channel, Failed> {
    let settings = SlackSettings::from_environment().map_err(not_started)?;
    Ok(Channel::new(
        &SdkContext::from_environment(),
        &settings.secret,
    ))
}

fn assembled<R>(
    settings: &Settings,
    cloud: &SdkContext,
    roles: R,
) -> Assembled<R, Table, Queue, Topic, SystemClock> {
    Assembled {
        roles,
        store: Table::new(cloud, &settings.table),
        orders: Queue::new(cloud, &settings.orders),
        alerts: Topic::new(cloud, &settings.topic).or(&settings.operations_topic),
        clock: SystemClock,
    }
}

/// The record in an invocation's payload, whatever its shape: an event that is no CloudTrail event
/// reaches the guard, which tells it, rather than being refused here. One without an id gets one
/// from its bytes, so that two of them are two incidents.
fn record(payload: &RawValue) -> Record {
    let text = payload.get();
    // Refused is only JSON that is nested too deep to be any event of AWS's.
    let mut record = Record::from_text(text).unwrap_or_default();
    if record.event_id.is_empty() {
        record.event_id = format!("sha256-{}", sha256_hex(text.as_bytes()));
    }
    record
}

/// When an invocation should come to its end by itself: so long before Lambda ends it.
pub fn ends(context: &Context, before: Duration) -> Timestamp {
    let at = context.deadline().checked_sub(before);
    at.and_then(|at| Timestamp::try_from(at).ok())
        .unwrap_or_default()
}

/// The work's result, or an error before Lambda ends the process without a word. The work comes
/// in a box: a handler's future, with all calls inside it, is kilobytes of state that nobody
/// should move around.
///
/// # Errors
/// The work's own, or that the time ran out: what was not done comes with the next delivery.
pub async fn with_deadline<T, E: Error + 'static>(
    context: &Context,
    work: Pin<Box<impl Future<Output = Result<T, E>>>>,
) -> Result<T, Failed> {
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    match tokio::time::timeout(left.saturating_sub(SHUTDOWN_MARGIN), work).await {
        Ok(result) => result.map_err(|error| Failed::of(&error)),
        Err(_) => Err(Failed(
            "the invocation's time ran out before its work was done".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_shows_what_lambda_asks_for_but_never_whole_events() {
        let levels = [
            ("", LevelFilter::INFO),
            ("INFO", LevelFilter::INFO),
            ("warn", LevelFilter::WARN),
            ("FATAL", LevelFilter::ERROR),
            ("DEBUG", LevelFilter::DEBUG),
            ("TRACE", LevelFilter::DEBUG),
        ];
        for (name, expected) in levels {
            assert_eq!(level(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_record_is_one_incident_each() {
        let read = |text: &str| {
            let payload = RawValue::from_string(text.to_owned()).unwrap();
            record(&payload).event_id
        };
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let ids: std::collections::BTreeSet<String> = ["{}", "[]", "null", "\"x\"", "12", &deep]
            .into_iter()
            .map(read)
            .collect();
        assert_eq!(ids.len(), 6);
        assert!(ids.iter().all(|id| id.starts_with("sha256-")));
        assert_eq!(read(r#"{"detail":{"eventID":"e-1"}}"#), "e-1");
        assert_eq!(read("{}"), read("{}"), "the same for every delivery");
    }

    #[tokio::test]
    async fn time_that_runs_out_is_said() {
        let context = Context::default();
        let work = Box::pin(std::future::pending::<Result<(), std::fmt::Error>>());
        let error = with_deadline(&context, work).await.unwrap_err();
        assert!(error.to_string().contains("ran out"), "{error}");
    }
}
