//! What every function does around its handler: a log as Lambda's settings say, a start that
//! fails in words, an end before Lambda's.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use guard::handle::Guard;
use guard::world::Assembled;
use lambda_runtime::tracing::subscriber::filter::LevelFilter;
use lambda_runtime::tracing::{error, subscriber};
use lambda_runtime::{Context, Diagnostic};

use crate::failure::chain;
use crate::{
    Channel, Cloud, Iam, IamWriter, Queue, Settings, SlackSettings, SystemClock, Table, Topic,
};

/// What is kept of an invocation's time to say that it ran out.
const LAST_WORDS: Duration = Duration::from_millis(800);

/// The world of a detecting function: it reads roles.
pub type Detecting = Assembled<Iam, Table, Queue, Topic, SystemClock>;
/// The world of the remediator: it writes them, too.
pub type Remediating = Assembled<IamWriter, Table, Queue, Topic, SystemClock>;

/// The function cannot do its work as it was deployed. `Debug`, which the standard library prints
/// when `main` returns it, is the sentence.
pub struct NotStarted(String);

impl fmt::Debug for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NotStarted {}

fn not_started(cause: impl Error + 'static) -> NotStarted {
    let told = chain(&cause);
    error!("the function does not start: {told}");
    NotStarted(told)
}

/// Logs to standard output: JSON or text as `AWS_LAMBDA_LOG_FORMAT` says, from the level that
/// `AWS_LAMBDA_LOG_LEVEL` names (else INFO) on. Below DEBUG nothing is logged whatever is asked:
/// there, libraries write whole events and requests.
///
/// The runtime's own subscriber reads a filter language that nobody here uses; compiling its
/// expressions would be most of the start.
pub fn start_log() {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let level = variable("AWS_LAMBDA_LOG_LEVEL")
        .parse()
        .unwrap_or(LevelFilter::INFO);
    let log = subscriber::fmt()
        .with_max_level(level.min(LevelFilter::DEBUG))
        .with_target(false)
        .with_ansi(false)
        .without_time();
    if variable("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") {
        log.json().flatten_event(true).init();
    } else {
        log.init();
    }
}

/// What a detecting function starts with.
///
/// # Errors
/// [`NotStarted`]: a setting or the rules are missing or make no sense.
pub fn detecting() -> Result<(Guard, Detecting), NotStarted> {
    let settings = Settings::from_environment().map_err(not_started)?;
    let cloud = Cloud::from_environment();
    let world = assembled(&settings, &cloud, Iam::new(&cloud));
    Ok((settings.guard().map_err(not_started)?, world))
}

/// What the remediator starts with.
///
/// # Errors
/// [`NotStarted`]: a setting or the rules are missing or make no sense.
pub fn remediating() -> Result<(Guard, Remediating), NotStarted> {
    let settings = Settings::from_environment().map_err(not_started)?;
    let cloud = Cloud::from_environment();
    let world = assembled(&settings, &cloud, IamWriter::new(&cloud));
    Ok((settings.guard().map_err(not_started)?, world))
}

/// What `slack` starts with.
///
/// # Errors
/// [`NotStarted`]: the secret is not named.
pub fn posting() -> Result<Channel, NotStarted> {
    let settings = SlackSettings::from_environment().map_err(not_started)?;
    Ok(Channel::new(&Cloud::from_environment(), &settings.secret))
}

fn assembled<R>(
    settings: &Settings,
    cloud: &Cloud,
    roles: R,
) -> Assembled<R, Table, Queue, Topic, SystemClock> {
    Assembled {
        roles,
        state: Table::new(cloud, &settings.table),
        orders: Queue::new(cloud, &settings.orders),
        alerts: Topic::new(cloud, &settings.topic),
        clock: SystemClock,
    }
}

/// The work's result, or an error before Lambda ends the process without a word. The error holds
/// all causes in one line. The work comes in a box: a handler's future, with all calls inside it,
/// is kilobytes of state that nobody should move around.
///
/// # Errors
/// The work's own, or that the time ran out: what was not done comes with the next delivery.
pub async fn before_the_end<T, E: Error + 'static>(
    context: &Context,
    work: Pin<Box<impl Future<Output = Result<T, E>>>>,
) -> Result<T, Diagnostic> {
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    match tokio::time::timeout(left.saturating_sub(LAST_WORDS), work).await {
        Ok(result) => result.map_err(|error| failed(&error)),
        Err(_) => Err(Diagnostic {
            error_type: "OutOfTime".to_owned(),
            error_message: "the invocation's time ran out; the event comes again".to_owned(),
        }),
    }
}

/// An error as Lambda reports it.
pub fn failed(error: &(dyn Error + 'static)) -> Diagnostic {
    Diagnostic {
        error_type: "HandlerFailed".to_owned(),
        error_message: chain(error),
    }
}
