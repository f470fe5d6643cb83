//! Judges what third parties may do once they are in: an EventBridge event comes in, an alert and an order go out.

use aws::lambda::run_detecting;
use guard::handlers::role_permissions;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_detecting("role-permissions", role_permissions).await
}
