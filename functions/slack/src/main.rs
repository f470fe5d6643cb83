//! Posts the topic's alerts to a Slack channel.

use aws::Channel;
use aws::lambda::{Failed, posting, start_log, with_deadline};
use aws_lambda_events::event::sns::{SnsEvent, SnsMessage};
use guard::alert::{Alert, slack};
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_log();
    let channel = &posting()?;
    let handle = async |event: LambdaEvent<SnsEvent>| -> Result<(), Failed> {
        for record in &event.payload.records {
            with_deadline(&event.context, Box::pin(tell(channel, &record.sns))).await?;
        }
        Ok(())
    };
    run(service_fn(handle)).await
}

async fn tell(channel: &Channel, message: &SnsMessage) -> Result<(), aws::ChannelError> {
    channel.post(&shown(message)).await?;
    tracing::info!(id = message.message_id, "posted");
    Ok(())
}

/// An alert as Slack shows it. Anything else that came over the topic (an alarm's notice, an alert
/// of another schema) is told as the text that it is.
fn shown(message: &SnsMessage) -> Value {
    match serde_json::from_str::<Alert>(&message.message) {
        Ok(alert) => slack::message(&alert),
        Err(_) => slack::plain_message(message.subject.as_deref(), &message.message),
    }
}
