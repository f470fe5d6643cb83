//! Posts the topic's alerts to a Slack channel.

use aws::Channel;
use aws::lambda::{Failed, posting, start_log, with_deadline};
use aws_lambda_events::event::sns::{SnsEvent, SnsMessage};
use guard::alert::{Alert, slack};
use guard::story::{About, outcome_of};
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
    let alert = serde_json::from_str::<Alert>(&message.message).ok();
    let posted = channel.post(&shown(message, alert.as_ref())).await;
    let About {
        incident,
        event,
        subject,
    } = alert.as_ref().map(About::alert).unwrap_or_default();
    let outcome = alert.as_ref().map(outcome_of);
    let message_id = &message.message_id;
    match &posted {
        Ok(()) => tracing::info!(incident, event, subject, outcome, message_id, "posted"),
        Err(error) => {
            let why = Failed::of(error);
            tracing::error!(incident, event, subject, outcome, message_id, %why, "not posted");
        }
    }
    posted
}

/// An alert as Slack shows it. Anything else that came over the topic (an alarm's notice, an alert
/// of another schema) is told as the text that it is.
fn shown(message: &SnsMessage, alert: Option<&Alert>) -> Value {
    match alert {
        Some(alert) => slack::message(alert),
        None => slack::plain_message(message.subject.as_deref(), &message.message),
    }
}
