//! Takes one order at a time per role, keeps its approved history, and alone writes to IAM.

use aws::lambda::{Failed, Remediating, before_the_end, remediating, start_log};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use guard::handle::{Guard, carry_out};
use guard::order::{Disposition, Order};
use lambda_runtime::{Context, Error, LambdaEvent, run, service_fn, tracing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let (guard, world) = &remediating()?;
    let handle = async |event: LambdaEvent<SqsEvent>| -> Result<SqsBatchResponse, Error> {
        let mut response = SqsBatchResponse::default();
        for message in event.payload.records {
            let id = message.message_id.clone().unwrap_or_default();
            match take(world, guard, &event.context, &message).await {
                Ok(Disposition::Done) => tracing::info!(id, "done"),
                Ok(Disposition::LookAgain { after }) => {
                    tracing::info!(id, ?after, "comes again");
                    let receipt = message.receipt_handle.as_deref().unwrap_or_default();
                    // Not put off, it comes again when its visibility time-out ends: later, no more.
                    if let Err(error) = world.orders.put_off(receipt, after).await {
                        tracing::warn!(id, "{}", Failed::of(&error));
                    }
                    response.add_failure(id);
                }
                Err(error) => {
                    tracing::error!(id, "{error}");
                    response.add_failure(id);
                }
            }
        }
        Ok(response)
    };
    run(service_fn(handle)).await
}

/// One order. What is no order of this schema fails like any other failure, so that it ends in
/// the dead-letter queue, with its alarm, and not nowhere.
async fn take(
    world: &Remediating,
    guard: &Guard,
    context: &Context,
    message: &SqsMessage,
) -> Result<Disposition, Failed> {
    let body = message.body.as_deref().unwrap_or_default();
    let order: Order = serde_json::from_str(body).map_err(|error| Failed::of(&error))?;
    before_the_end(context, Box::pin(carry_out(world, guard, &order))).await
}
