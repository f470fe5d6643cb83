//! The FIFO queue of orders.

use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use guard::order::Order;
use guard::ports::{Orders, SendOrderError, Source};

use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::network::RetryPolicy;

/// The queue.
#[derive(Debug)]
pub struct Queue {
    cloud: SdkContext,
    url: String,
    client: OnceLock<Client>,
}

/// A message could not be put off; it comes back when its visibility time-out ends.
#[derive(Debug, thiserror::Error)]
#[error("the order's message could not be delayed")]
pub struct DelayError {
    /// What happened.
    #[source]
    pub source: Source,
}

impl Queue {
    /// The queue at this URL; nothing is asked before the first call.
    pub fn new(cloud: &SdkContext, url: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            url: url.to_owned(),
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let configuration = Builder::from(self.cloud.sdk())
                .retry_config(RetryPolicy::MESSAGE.retries())
                .timeout_config(RetryPolicy::MESSAGE.timeouts());
            Client::from_conf(configuration.build())
        })
    }

    /// Lets a received message come back after a time (ChangeMessageVisibility: a FIFO queue has
    /// no delay for a single message). Until then its group waits.
    ///
    /// # Errors
    /// [`DelayError`].
    pub async fn delay(&self, receipt: &str, after: Duration) -> Result<(), DelayError> {
        let seconds = i32::try_from(after.as_secs()).unwrap_or(i32::MAX);
        let call = self
            .client()
            .change_message_visibility()
            .queue_url(&self.url);
        match call
            .receipt_handle(receipt)
            .visibility_timeout(seconds)
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(DelayError {
                source: Failure::of("sqs:ChangeMessageVisibility", &error).source(),
            }),
        }
    }
}

impl Orders for Queue {
    async fn send_order(&self, order: &Order) -> Result<(), SendOrderError> {
        let failed = |source| SendOrderError {
            order: order.id(),
            source,
        };
        let body = serde_json::to_string(order).map_err(|error| failed(error.into()))?;
        let call = self
            .client()
            .send_message()
            .queue_url(&self.url)
            .message_body(body);
        let call = call
            .message_group_id(order.group())
            .message_deduplication_id(order.id());
        match call.send().await {
            Ok(_) => {
                #[cfg(feature = "lambda")]
                crate::story::order_sent(order);
                Ok(())
            }
            Err(error) => Err(failed(Failure::of("sqs:SendMessage", &error).source())),
        }
    }
}
