//! The topic of alerts.

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
    client: OnceLock<Client>,
}

impl Topic {
    /// The topic of this ARN; nothing is asked before the first call.
    pub fn new(cloud: &SdkContext, arn: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            arn: arn.to_owned(),
            client: OnceLock::new(),
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

    async fn publish(&self, alert: &Alert) -> Result<(), Source> {
        let bundle = alert.bundle();
        let mut call = self
            .client()
            .publish()
            .topic_arn(&self.arn)
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
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::of("sns:Publish", &error).source()),
        }
    }
}

impl Alerts for Topic {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        self.publish(alert).await.map_err(|source| PublishError {
            incident: alert.incident.clone(),
            source,
        })
    }
}
