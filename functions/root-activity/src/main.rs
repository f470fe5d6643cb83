//! Judges what the root user does: an EventBridge event comes in, an alert and an order go out.

use aws::lambda::run_detecting;
use guard::handlers::root_activity;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_detecting("root-activity", root_activity).await
}
