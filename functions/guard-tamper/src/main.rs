//! Reports what changes the guard itself, by a queue and a topic of its own, and whether the guard sees.

use aws::lambda::{Failed, WatchingTheGuard, heartbeat, start_log, with_deadline};
use aws_lambda_events::event::sqs::SqsEvent;
use guard::cloudtrail::Record;
use guard::detect::OwnStack;
use guard::handlers::{HandleError, Surroundings, guard_tamper, watch};
use guard::ports::PublishError;
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
            // What fails here comes with the next tick, and must not bring back the calls of this batch.
            let work = Box::pin(look(world));
            if let Err(why) = with_deadline(&event.context, work).await {
                tracing::error!(%why, "the watch over the guard failed");
            }
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

/// Whether the guard sees, and is what was deployed.
async fn look(world: &WatchingTheGuard) -> Result<(), HandleError> {
    let now = Timestamp::now();
    let own = world.own.read(now).await;
    let around = Surroundings {
        store: &world.table,
        topic: &world.topic,
        heartbeats: &world.heartbeats,
        deployed: &world.deployed,
        deploying: own.is_ok_and(|own| own.deploying),
    };
    let watched = watch(&around, &world.guard, now).await?;
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
    Ok(())
}
