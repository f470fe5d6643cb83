//! Reports changes of identity providers, and which roles they open: an EventBridge event comes in, an alert goes out.

use aws::lambda::run_listing;
use guard::handlers::identity_provider;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_listing("identity-provider", identity_provider).await
}
