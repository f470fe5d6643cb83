//! Reports what changes the guard itself, by a queue and a topic of its own.

use aws::lambda::{Failed, start_log, watching_the_guard, with_deadline};
use aws::{OwnStackReader, Topic};
use aws_lambda_events::event::sqs::SqsEvent;
use guard::GuardConfig;
use guard::detect::OwnStack;
use guard::handlers::guard_tamper;
use guard::ports::PublishError;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let (guard, topic, own) = &watching_the_guard()?;
    let handle = async |event: LambdaEvent<SqsEvent>| -> Result<(), Failed> {
        let bodies = event.payload.records.iter();
        let bodies: Vec<&str> = bodies
            .filter_map(|message| message.body.as_deref())
            .collect();
        let work = Box::pin(report(guard, topic, own, &bodies));
        let reported = with_deadline(&event.context, work).await?;
        tracing::info!(events = bodies.len(), reported, "handled");
        Ok(())
    };
    run(service_fn(handle)).await
}

async fn report(
    guard: &GuardConfig,
    topic: &Topic,
    own: &OwnStackReader,
    events: &[&str],
) -> Result<usize, PublishError> {
    let now = Timestamp::now();
    let own = own.read(now).await.unwrap_or_else(|error| {
        // Somebody may keep the guard from knowing what is its own.
        tracing::error!("{}", Failed::of(&error));
        OwnStack::unlisted(&guard.stack)
    });
    guard_tamper(topic, guard, &own, events, now).await
}
