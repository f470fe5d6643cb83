//! Reports what changes the guard itself, by a queue and a topic of its own, and whether the guard sees.

use aws::lambda::{Failed, WatchingTheGuard, heartbeat, start_log, with_deadline};
use aws_lambda_events::event::sqs::SqsEvent;
use guard::cloudtrail::Record;
use guard::detect::OwnStack;
use guard::handlers::{guard_tamper, watch};
use guard::ports::{PublishError, chain};
use guard::watch::is_tick;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let world = &WatchingTheGuard::from_environment()?;
    let handle = async |event: LambdaEvent<SqsEvent>| -> Result<(), Failed> {
        let bodies = event.payload.records.iter();
        let bodies = bodies.filter_map(|message| message.body.as_deref());
        let (ticks, calls): (Vec<&str>, Vec<&str>) = bodies.partition(|body| is_tick(body));
        if !calls.is_empty() {
            let work = Box::pin(report(world, &calls));
            let reported = with_deadline(&event.context, work).await?;
            tracing::info!(events = calls.len(), reported, "handled");
        }
        if !ticks.is_empty() {
            let work = Box::pin(look(world));
            with_deadline(&event.context, work).await?;
        }
        Ok(())
    };
    run(service_fn(handle)).await
}

async fn report(world: &WatchingTheGuard, events: &[&str]) -> Result<usize, PublishError> {
    let now = Timestamp::now();
    let WatchingTheGuard { guard, topic, .. } = world;
    let own = world.own.read(now).await.unwrap_or_else(|error| {
        // Somebody may keep the guard from knowing what is its own.
        tracing::error!("{}", Failed::of(&error));
        OwnStack::unlisted(&guard.stack)
    });
    let reported = guard_tamper(topic, guard, &own, events, now).await?;
    for event in events {
        let record = Record::from_text(event).unwrap_or_default();
        heartbeat(&world.table, guard, "guard-tamper", &record, event).await;
    }
    Ok(reported)
}

/// What fails here comes with the next tick, and must not bring back the calls that came with this one.
async fn look(world: &WatchingTheGuard) -> Result<(), std::convert::Infallible> {
    let WatchingTheGuard { guard, topic, .. } = world;
    let now = Timestamp::now();
    match watch(&world.table, topic, &world.heartbeats, guard, now).await {
        Ok(watched) => {
            for why in &watched.unsent {
                tracing::error!(why, "heartbeat not sent");
            }
            for why in &watched.reported {
                tracing::warn!(why, "reported as guard-blind");
            }
            if watched.sent {
                // The alarm HeartbeatMissing counts this line.
                tracing::info!("heartbeat sent");
            }
        }
        Err(error) => tracing::error!(why = chain(&error), "the watch over the guard failed"),
    }
    Ok(())
}
