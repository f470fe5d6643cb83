//! The topic of alerts, and the one that takes what it refuses.

use std::sync::OnceLock;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::types::MessageAttributeValue;
use guard::alert::Alert;
use guard::ports::{Alerts, PublishError, Source};

use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::network::RetryPolicy;

/// The topic.
#[derive(Debug)]
pub struct Topic {
    cloud: SdkContext,
    arn: String,
    other: Option<String>,
    client: OnceLock<Client>,
}

impl Topic {
    /// The topic of this ARN; nothing is asked before the first call.
    pub fn new(cloud: &SdkContext, arn: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            arn: arn.to_owned(),
            other: None,
            client: OnceLock::new(),
        }
    }

    /// What this topic refuses (its key is disabled, its policy broken) goes to the topic of this
    /// ARN, if anyone hears it there.
    #[must_use]
    pub fn or(self, arn: &str) -> Self {
        Self {
            other: Some(arn.to_owned()),
            ..self
        }
    }

    pub(crate) fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let configuration = Builder::from(self.cloud.sdk())
                .retry_config(RetryPolicy::MESSAGE.retries())
                .timeout_config(RetryPolicy::MESSAGE.timeouts());
            Client::from_conf(configuration.build())
        })
    }

    /// Whether a topic has a confirmed subscription: SNS keeps nothing for others.
    ///
    /// # Errors
    /// SNS refuses or cannot be reached.
    async fn has_subscribers(&self, arn: &str) -> Result<bool, Source> {
        let call = self.client().get_topic_attributes().topic_arn(arn);
        let answer = call
            .send()
            .await
            .map_err(|error| Failure::of("sns:GetTopicAttributes", &error).source())?;
        let confirmed = answer
            .attributes
            .and_then(|mut attributes| attributes.remove("SubscriptionsConfirmed"));
        Ok(confirmed.is_some_and(|count| count != "0"))
    }

    /// Publishes to the other topic; whether it could, and somebody hears it.
    async fn went_by_the_other(&self, alert: &Alert) -> bool {
        let Some(other) = self.other.as_deref() else {
            return false;
        };
        matches!(self.has_subscribers(other).await, Ok(true))
            && self.publish(other, alert).await.is_ok()
    }

    async fn publish(&self, arn: &str, alert: &Alert) -> Result<(), Source> {
        let bundle = alert.bundle();
        let mut call = self
            .client()
            .publish()
            .topic_arn(arn)
            .subject(bundle.subject)
            .message(bundle.message)
            .message_structure("json");
        for (name, value) in bundle.attributes {
            let text = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value);
            call = call.message_attributes(name, text.build()?);
        }
        match call.send().await {
            Ok(_) => {
                #[cfg(feature = "lambda")]
                crate::story::alert_published(alert);
                Ok(())
            }
            Err(error) => Err(Failure::of("sns:Publish", &error).source()),
        }
    }
}

impl Alerts for Topic {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        let Err(source) = self.publish(&self.arn, alert).await else {
            return Ok(());
        };
        if self.went_by_the_other(alert).await {
            // The alarm ErrorsLogged counts this line.
            #[cfg(feature = "lambda")]
            lambda_runtime::tracing::error!(
                incident = alert.incident,
                "the alert went by the operations topic: the alert topic refuses it: {source}"
            );
            return Ok(());
        }
        Err(PublishError {
            incident: alert.incident.clone(),
            source,
        })
    }

    async fn is_heard(&self) -> bool {
        // What SNS does not say withholds nothing.
        self.has_subscribers(&self.arn).await.unwrap_or(true)
    }
}
