//! Judges changes of roles' trust policies: an EventBridge event comes in, an alert and an order go out.

use aws::lambda::run_detecting;
use guard::handlers::role_trust;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_detecting("role-trust", role_trust).await
}
