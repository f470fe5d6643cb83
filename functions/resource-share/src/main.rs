//! Reports what is shared with accounts that no rule names, without a role: an EventBridge event in, an alert
//! out.

use aws::lambda::run_detecting;
use guard::handlers::resource_share;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_detecting("resource-share", resource_share).await
}
