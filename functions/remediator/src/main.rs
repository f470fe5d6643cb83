//! Takes one order at a time per role, keeps its approved history, and alone writes to IAM.

use std::time::Duration;

use aws::lambda::{Failed, Remediating, remediating, start_log, with_deadline};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use guard::GuardConfig;
use guard::handlers::carry_out;
use guard::order::{Ack, Order};
use guard::ports::{Clock, World};
use lambda_runtime::{Context, Error, LambdaEvent, run, service_fn, tracing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let (guard, world) = &remediating()?;
    let handle = async |event: LambdaEvent<SqsEvent>| -> Result<SqsBatchResponse, Error> {
        let mut response = SqsBatchResponse::default();
        for message in event.payload.records {
            let id = message.message_id.as_deref().unwrap_or_default();
            let after = match take(world, guard, &event.context, &message).await {
                Ok(Ack::Done) => {
                    tracing::info!(id, "done");
                    continue;
                }
                Ok(Ack::LookAgain { after }) => {
                    tracing::info!(id, ?after, "comes again");
                    after
                }
                Err(error) => {
                    tracing::error!(id, "the order was not carried out: {error}");
                    pause_after_failure(&message)
                }
            };
            let receipt = message.receipt_handle.as_deref().unwrap_or_default();
            // Not put off, it comes again when its visibility time-out ends: later, no more.
            if let Err(error) = world.orders.delay(receipt, after).await {
                tracing::warn!(id, "{}", Failed::of(&error));
            }
            response.add_failure(id);
        }
        Ok(response)
    };
    run(service_fn(handle)).await
}

/// One order. What is no order fails like any other and ends in the dead-letter queue, not nowhere.
async fn take(
    world: &Remediating,
    guard: &GuardConfig,
    context: &Context,
    message: &SqsMessage,
) -> Result<Ack, Failed> {
    let body = message.body.as_deref().unwrap_or_default();
    let order: Order = serde_json::from_str(body).map_err(|error| Failed::of(&error))?;
    let age_seconds = order.age(world.clock().now()).as_secs();
    // The alarms OutcomeMissing and OrdersStuck read this line.
    tracing::info!(age_seconds, "order taken");
    with_deadline(context, Box::pin(carry_out(world, guard, &order))).await
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
