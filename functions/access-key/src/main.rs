//! Judges access keys and console passwords: an EventBridge event comes in, an alert and an order go out.

use aws::lambda::run_detecting;
use guard::handlers::access_key;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_detecting("access-key", access_key).await
}
