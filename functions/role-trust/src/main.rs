//! Judges changes of roles' trust policies: an EventBridge event comes in, an alert and an order go out.

use aws::lambda::{Failed, before_the_end, detecting, record, start_log};
use guard::handle::role_trust;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let (guard, world) = &detecting()?;
    let handle = async |event: LambdaEvent<Box<RawValue>>| -> Result<(), Failed> {
        let record = record(&event.payload);
        let work = Box::pin(role_trust(world, guard, &record));
        let handled = before_the_end(&event.context, work).await?;
        tracing::info!(
            id = record.event_id,
            name = record.event_name,
            ?handled,
            "handled"
        );
        Ok(())
    };
    run(service_fn(handle)).await
}
