//! Takes one order at a time per role, keeps its approved history, and alone writes to IAM.

use std::time::Duration;

use aws::lambda::{Failed, Remediating, remediating, start_log, with_deadline};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use guard::GuardConfig;
use guard::handlers::carry_out;
use guard::order::{Ack, Order};
use guard::ports::{Clock, World};
use guard::story::About;
use lambda_runtime::{Context, Error, LambdaEvent, run, service_fn, tracing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let (guard, world) = &remediating()?;
    let handle = async |event: LambdaEvent<SqsEvent>| -> Result<SqsBatchResponse, Error> {
        let mut response = SqsBatchResponse::default();
        for message in event.payload.records {
            let id = message.message_id.as_deref().unwrap_or_default();
            let order = order_in(&message);
            let about = order.as_ref().map(About::order).unwrap_or_default();
            let About {
                incident,
                event: of,
                subject,
            } = &about;
            let (incident, of) = (incident.as_deref(), of.as_deref());
            let taken = match &order {
                Ok(order) => take(world, guard, &event.context, order, &about).await,
                Err(error) => Err(Failed::of(error)),
            };
            let after = match taken {
                Ok(Ack::Done) => {
                    tracing::info!(
                        incident,
                        event = of,
                        subject,
                        outcome = "done",
                        "order done"
                    );
                    continue;
                }
                Ok(Ack::LookAgain { after }) => {
                    let after_seconds = after.as_secs();
                    tracing::info!(
                        incident,
                        event = of,
                        subject,
                        outcome = "again",
                        after_seconds,
                        "order comes again"
                    );
                    after
                }
                Err(why) => {
                    tracing::error!(
                        incident,
                        event = of,
                        subject,
                        outcome = "failed",
                        message_id = id,
                        %why,
                        "order not carried out"
                    );
                    pause_after_failure(&message)
                }
            };
            let receipt = message.receipt_handle.as_deref().unwrap_or_default();
            // Not put off, it comes again when its visibility time-out ends: later, no more.
            if let Err(error) = world.orders.delay(receipt, after).await {
                let why = Failed::of(&error);
                tracing::warn!(incident, event = of, subject, %why, "order not put off");
            }
            response.add_failure(id);
        }
        Ok(response)
    };
    run(service_fn(handle)).await
}

/// What is no order fails like any other and ends in the dead-letter queue, not nowhere.
fn order_in(message: &SqsMessage) -> Result<Order, serde_json::Error> {
    serde_json::from_str(message.body.as_deref().unwrap_or_default())
}

async fn take(
    world: &Remediating,
    guard: &GuardConfig,
    context: &Context,
    order: &Order,
    about: &About,
) -> Result<Ack, Failed> {
    let age_seconds = order.age(world.clock().now()).as_secs();
    let About {
        incident,
        event,
        subject,
    } = about;
    let (incident, event, order_id) = (incident.as_deref(), event.as_deref(), order.id());
    // The alarms OutcomeMissing and OrdersStuck read this line.
    tracing::info!(
        incident,
        event,
        subject,
        order_id,
        age_seconds,
        "order taken"
    );
    with_deadline(context, Box::pin(carry_out(world, guard, order))).await
}

/// From 15 seconds to 5 minutes: a door must not stay open because the table was busy once.
fn pause_after_failure(message: &SqsMessage) -> Duration {
    let received = message.attributes.get("ApproximateReceiveCount");
    let received: u32 = received.and_then(|count| count.parse().ok()).unwrap_or(1);
    Duration::from_secs(15 << received.saturating_sub(1).min(5)).min(Duration::from_secs(300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let pauses = ["1", "2", "3", "4", "5", "6", "30", "", "-1"].map(|count| {
            let mut message = SqsMessage::default();
            message
                .attributes
                .insert("ApproximateReceiveCount".to_owned(), count.to_owned());
            pause_after_failure(&message).as_secs()
        });
        assert_eq!(pauses, [15, 30, 60, 120, 240, 300, 300, 15, 15]);
    }
}
