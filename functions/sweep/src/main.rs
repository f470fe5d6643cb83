//! Looks at all roles, hourly and after a deploy: what no event told.

use std::time::Duration;

use aws::lambda::{Failed, ends, start_log, sweeping, with_deadline};
use guard::handlers::{
    CredentialsSwept, KeysSwept, PermissionsSwept, ProvidersSwept, Swept, sweep, sweep_credentials,
    sweep_keys, sweep_permissions, sweep_providers,
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::value::RawValue;

/// What is kept of an invocation's time to deal with the role at hand and to say how far it came.
const HAND_OVER: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let (guard, world) = &sweeping()?;
    // The schedule's event says nothing that is not known without it.
    let handle = async |event: LambdaEvent<Box<RawValue>>| -> Result<(), Failed> {
        let until = ends(&event.context, HAND_OVER);
        let work = Box::pin(sweep(world, guard, until));
        match with_deadline(&event.context, work).await? {
            Swept::NotDue | Swept::Busy => {}
            Swept::Unfinished => tracing::info!("the sweep goes on with the next call"),
            Swept::Finished(finished) => {
                // The alarm SweepMissing counts this line.
                tracing::info!(
                    roles = finished.tally.roles,
                    violating = finished.tally.violating,
                    unreadable = finished.tally.unreadable,
                    orders = finished.tally.orders,
                    alerts = finished.tally.alerts,
                    gone = finished.tally.gone,
                    "sweep finished"
                );
                // One that fails must not keep the others from looking.
                let work = Box::pin(sweep_keys(world, guard, until));
                let keys = with_deadline(&event.context, work).await;
                let work = Box::pin(sweep_permissions(world, guard, until));
                let permissions = with_deadline(&event.context, work).await;
                let work = Box::pin(sweep_providers(world, guard));
                let providers = with_deadline(&event.context, work).await;
                let work = Box::pin(sweep_credentials(world, guard, until));
                let credentials = with_deadline(&event.context, work).await;
                if let Ok(KeysSwept {
                    users,
                    reported,
                    left,
                }) = keys
                {
                    tracing::info!(users, reported, left, "keys swept");
                }
                if let Ok(PermissionsSwept {
                    roles,
                    reported,
                    left,
                }) = permissions
                {
                    tracing::info!(roles, reported, left, "permissions swept");
                }
                if let Ok(ProvidersSwept {
                    providers,
                    reported,
                }) = providers
                {
                    tracing::info!(providers, reported, "identity providers swept");
                }
                if let Ok(credentials) = &credentials {
                    log(credentials);
                }
                keys?;
                permissions?;
                providers?;
                credentials?;
            }
        }
        Ok(())
    };
    run(service_fn(handle)).await
}

fn log(credentials: &CredentialsSwept) {
    match credentials {
        CredentialsSwept::NotReady => tracing::info!("the credential report is being made"),
        CredentialsSwept::Read {
            users,
            reported,
            unread,
            unfinished,
        } => {
            tracing::info!(users, reported, unfinished, "credentials swept");
            if let Some(why) = unread.first() {
                // The alarm ErrorsLogged counts this line.
                let rows = unread.len();
                tracing::error!(rows, why, "rows of the credential report not read");
            }
        }
    }
}
