//! Answers operators about incidents, and records what they decide: a request comes over a URL that IAM guards.

use aws::lambda::{Failed, answering, start_log, with_deadline};
use guard::handlers::incidents;
use guard::incidents::{answered, asked};
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::Value;
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let (guard, world) = &answering()?;
    let handle = async |event: LambdaEvent<Box<RawValue>>| -> Result<Value, Failed> {
        let (caller, request) = match asked(event.payload.get()) {
            Ok(asked) => asked,
            Err(refused) => {
                tracing::warn!(outcome = "refused", why = %refused, "request not answered");
                return Ok(answered(&Err(refused)));
            }
        };
        let (by, what, incident) = (&caller.arn, request.name(), request.incident());
        let work = Box::pin(incidents(world, guard, &caller, &request));
        let answer = with_deadline(&event.context, work).await;
        match &answer {
            Ok(Ok(_)) => tracing::info!(incident, by, what, outcome = "done", "request answered"),
            Ok(Err(why)) => {
                tracing::warn!(incident, by, what, outcome = "refused", %why, "request refused");
            }
            Err(why) => {
                tracing::error!(incident, by, what, outcome = "failed", %why, "request not answered");
            }
        }
        Ok(answered(&answer?))
    };
    run(service_fn(handle)).await
}
