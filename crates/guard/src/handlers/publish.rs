//! Getting an alert out: at least once, once if nothing crashes, and together with its like if
//! there are many.

use std::time::Duration;

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::pages::pages;
use crate::alert::{Alert, actor_words, one_line};
use crate::handlers::HandleError;
use crate::incidents::record;
use crate::order::{Order, Task};
use crate::ports::{Alerts, Clock, Orders, StateError, World};
use crate::state::Lease;
use crate::state::digest_window::{FoldClass, FoldMember, FoldWindow, TURNS};
use crate::state::incident::{AlertKey, Schema, Stage};

/// How long the holder of a lease has to publish. Shorter than the minute after which Lambda
/// tries an event again, so that the second try finds the lease of a crashed first one expired.
pub const LEASE: Duration = Duration::from_secs(50);

/// How many messages go out within a second, and how many seconds ahead one waits at most. The clocks
/// of functions differ by less than a second, so that two seconds' messages may meet.
const PACE: u16 = 4;
const PACE_SECONDS: i64 = 10;
/// Where all of them are taken, digests go out one by one: five remediators and the sweep send so many.
const ONE_BY_ONE: Duration = Duration::from_secs(1);

/// How an alert went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// By itself.
    Alone,
    /// It was out before.
    Before,
    /// It is one of many and will stand in the digest of its window.
    InDigest,
    /// By itself, without asking state, which is unavailable: perhaps not for the first time.
    Unleased,
}

/// Publishes an alert under its lease, or keeps it for the digest of its window. The messages of a
/// digest go out in their order, each under a lease of its own: one that is out is not published
/// again when the rest is tried again.
pub(super) async fn publish_once<W: World>(
    world: &W,
    guard: &GuardConfig,
    alert: &Alert,
) -> Result<Delivery, HandleError> {
    if alert.digest.is_none() {
        return publish_under(world, guard, alert, key_of(alert)).await;
    }
    let mut reported = Delivery::Before;
    for (number, page) in (1..).zip(pages(alert.clone())) {
        let mut key = key_of(&page);
        if number > 1 {
            key.incident += &format!("-page-{number}");
        }
        reported = publish_under(world, guard, &page, key).await?;
    }
    Ok(reported)
}

/// Calls people while an order waits, under a lease of its own: what comes of the order is reported
/// all the same, so that no ended exposure is left as open. Once that is out, nobody
/// is called.
pub(super) async fn publish_interim<W: World>(
    world: &W,
    guard: &GuardConfig,
    alert: &Alert,
) -> Result<Delivery, HandleError> {
    let (state, now) = (world.state(), world.clock().now());
    let key = key_of(alert);
    match state.acquire_alert(&key, now, after(now, LEASE)).await {
        Ok(Lease::Done) if is_out(world, alert, &key).await => return Ok(Delivery::Before),
        // Whoever has it is reporting what came of the order.
        Ok(Lease::InProgress { until }) if until <= after(now, LEASE * 2) => {
            return Err(HandleError::InProgress {
                incident: key.incident,
            });
        }
        Ok(Lease::Acquired) => {
            // If this fails, the lease runs out by itself.
            let _ = state.release_alert(&key).await;
        }
        Ok(Lease::Done | Lease::InProgress { .. }) | Err(_) => {}
    }
    let meanwhile = AlertKey {
        incident: format!("{}-meanwhile", key.incident),
        ..key
    };
    publish_under(world, guard, alert, meanwhile).await
}

fn key_of(alert: &Alert) -> AlertKey {
    AlertKey {
        account: alert.account.clone(),
        incident: alert.incident.clone(),
        stage: alert.stage,
    }
}

async fn publish_under<W: World>(
    world: &W,
    guard: &GuardConfig,
    alert: &Alert,
    key: AlertKey,
) -> Result<Delivery, HandleError> {
    let (state, clock) = (world.state(), world.clock());
    let now = clock.now();
    let lease = LEASE * if skip!("expire-lease") { 100 } else { 1 };
    match state.acquire_alert(&key, now, after(now, lease)).await {
        Ok(Lease::Acquired) => {}
        Ok(Lease::Done) if skip!("publish-once") => {}
        Ok(Lease::Done) if is_out(world, alert, &key).await => return Ok(Delivery::Before),
        Ok(Lease::InProgress { until }) if until <= after(now, lease * 2) => {
            return Err(HandleError::InProgress {
                incident: alert.incident.clone(),
            });
        }
        Ok(Lease::Done | Lease::InProgress { .. }) | Err(_) => {
            // Without state, or where somebody else wrote it: twice is better than never.
            world.alerts().publish_alert(alert).await?;
            return Ok(Delivery::Unleased);
        }
    }
    let reported = if folded(world, guard, alert, &key).await? {
        Delivery::InDigest
    } else {
        if let Err(error) = world.alerts().publish_alert(alert).await {
            // If this fails too, the lease runs out by itself.
            let _ = state.release_alert(&key).await;
            return Err(error.into());
        }
        Delivery::Alone
    };
    let incident = record(alert, key, clock.now());
    match state.finish_alert(&incident).await {
        Ok(()) => Ok(reported),
        // It is out. Should the event come again, it goes out again.
        Err(_) => Ok(Delivery::Unleased),
    }
}

/// Whether what stands in state as published is this alert: it names the same, went out after the
/// event, and not in the future. Anything else somebody else wrote there.
async fn is_out<W: World>(world: &W, alert: &Alert, key: &AlertKey) -> bool {
    let Ok(Some(incident)) = world.state().published(key).await else {
        return false;
    };
    let now = world.clock().now();
    let happened = alert
        .cause
        .as_ref()
        .map_or(Timestamp::MIN, |cause| cause.event_time.min(now));
    incident.subject == alert.subject
        && incident.published_at.as_second() >= happened.as_second()
        && incident.published_at <= after(now, LEASE)
}

/// `true`: the alert is one of too many, it is kept for the digest of its window, and an order that
/// will publish the digest waits in the queue.
async fn folded<W: World>(
    world: &W,
    guard: &GuardConfig,
    alert: &Alert,
    key: &AlertKey,
) -> Result<bool, HandleError> {
    let Some(worst) = alert.findings.first() else {
        return Ok(false);
    };
    if matches!(alert.stage, Stage::Digest | Stage::Test) {
        // There are few of these, and they are never put off for long, whatever stands in the table.
        if !paced(world, &alert.account).await {
            let clock = world.clock();
            clock.wait_until(after(clock.now(), ONE_BY_ONE)).await;
        }
        return Ok(false);
    }
    let class = FoldClass {
        check: worst.code,
        severity: alert.severity,
        stage: alert.stage,
        needs_person: alert.needs_person(),
    };
    let now = world.clock().now();
    let window = FoldWindow::at(&alert.account, class, now);
    let member = member(alert, key, now);
    // Without state it goes out alone: too many alerts are better than none.
    let alone = took_turn(world, &window, &member).await.unwrap_or(true);
    if alone && paced(world, &alert.account).await
        || world
            .state()
            .keep_for_digest(&window, &member)
            .await
            .is_err()
    {
        return Ok(false);
    }
    // By each of them, and the queue keeps one: no note that one was sent has to be believed.
    let order = Order::new(guard, Task::Digest(window), now);
    if !skip!("order-digest") {
        world.orders().send_order(&order).await?;
    }
    Ok(true)
}

/// What the digest says of an alert.
fn member(alert: &Alert, key: &AlertKey, now: Timestamp) -> FoldMember {
    let actor = alert.cause.as_ref().map(|cause| &cause.actor);
    let line = match actor {
        Some(actor) => format!("{}: {}", alert.title, actor_words(actor)),
        None => alert.title.clone(),
    };
    FoldMember {
        schema: Schema,
        // A line of its own for each alert.
        incident: key.incident.clone(),
        at: now,
        subject: one_line(&alert.subject, 200),
        line: one_line(&line, 400),
        third_party: alert.third_parties(),
        actor: actor.map(|actor| one_line(&actor.in_words(), 200)),
        open: alert.is_open(),
    }
}

/// Whether the alert goes out by itself. Of those that try at once, each takes a turn of its own.
async fn took_turn<W: World>(
    world: &W,
    window: &FoldWindow,
    member: &FoldMember,
) -> Result<bool, StateError> {
    let state = world.state();
    let mut turn = 0;
    while turn < usize::from(TURNS) {
        let beside = state.gone_out_alone(window).await?;
        if !window.class.goes_out_alone(&beside, member) {
            return Ok(false);
        }
        turn = turn.max(beside.len());
        let has_one = beside.iter().any(|known| known.incident == member.incident);
        if has_one || state.take_turn(window, turn, member).await? {
            return Ok(true);
        }
        turn += 1;
    }
    // Somebody else wrote what stands there.
    Ok(true)
}

/// Waits until another message may go out, so that all classes together stay below what SNS's e-mail
/// takes: above ten a second it suspends a subscription. `false`: too many wait already. Without
/// state nothing waits.
async fn paced<W: World>(world: &W, account: &str) -> bool {
    let (state, clock) = (world.state(), world.clock());
    let now = clock.now().as_second();
    for second in now..now.saturating_add(PACE_SECONDS) {
        for slot in 0..PACE {
            match state.take_slot(account, second, slot).await {
                Ok(false) => {}
                Ok(true) => {
                    let at = Timestamp::from_second(second).unwrap_or_default();
                    clock.wait_until(at).await;
                    return true;
                }
                Err(_) => return true,
            }
        }
    }
    false
}

pub(super) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
