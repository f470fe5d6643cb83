//! Judges access keys and console passwords: an EventBridge event comes in, an alert and an order go out.

use aws::lambda::{before_the_end, detecting, start_log};
use guard::cloudtrail::Record;
use guard::handle::access_key;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn, tracing};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let (guard, world) = &detecting()?;
    // Raw text: the record is read in one pass over it, whatever its shape, so that an event
    // which is no CloudTrail event reaches the guard and is told rather than refused here.
    let handle = async |event: LambdaEvent<Box<RawValue>>| -> Result<(), Diagnostic> {
        let record = Record::from_text(event.payload.get()).unwrap_or_default();
        let work = Box::pin(access_key(world, guard, &record));
        let handled = before_the_end(&event.context, work).await?;
        tracing::info!(event = %record.id(), name = record.event_name, ?handled);
        Ok(())
    };
    run(service_fn(handle)).await
}
