//! A Slack channel: the webhook whose address is in a secret, read once and again after a
//! refusal that a new address may end.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::cloud::SdkContext;
use crate::secret::{ReadSecretError, read_webhook_url};
use crate::webhook::{PostError, WebhookUrl, post};

/// The channel.
#[derive(Debug)]
pub struct Channel {
    cloud: SdkContext,
    secret: String,
    address: Mutex<Option<WebhookUrl>>,
}

/// Why a message did not reach the channel.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The webhook's address could not be had.
    #[error(transparent)]
    Secret(#[from] ReadSecretError),
    /// Slack did not take the message.
    #[error(transparent)]
    Post(#[from] PostError),
}

impl Channel {
    /// The channel behind the secret of this ARN; nothing is asked before the first message.
    pub fn new(cloud: &SdkContext, secret: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            secret: secret.to_owned(),
            address: Mutex::new(None),
        }
    }

    /// Posts a message: an object with `text` and perhaps `blocks`. Where Slack refuses the blocks
    /// the text goes alone, so that a rule of Slack's which we do not know costs the layout and
    /// not the alert.
    ///
    /// # Errors
    /// [`ChannelError`]; neither variant shows the address.
    pub async fn post(&self, message: &Value) -> Result<(), ChannelError> {
        let known = self.known();
        let address = match known.clone() {
            Some(address) => address,
            None => self.look_up().await?,
        };
        let result = self.post_to(&address, message).await;
        match (result, known) {
            // The address was good once: the webhook was replaced, and the secret with it.
            (
                Err(PostError::Refused {
                    status: status @ (403 | 404 | 410),
                    explanation,
                }),
                Some(old),
            ) => {
                let address = self.look_up().await?;
                let refused = PostError::Refused {
                    status,
                    explanation,
                };
                let result = if address == old {
                    Err(refused)
                } else {
                    self.post_to(&address, message).await
                };
                Ok(result?)
            }
            (result, _) => Ok(result?),
        }
    }

    async fn post_to(&self, address: &WebhookUrl, message: &Value) -> Result<(), PostError> {
        let network = self.cloud.network();
        match (
            post(network, address, &message.to_string()).await,
            message.get("text"),
        ) {
            (Err(PostError::Refused { status: 400, .. }), Some(text))
                if message.get("blocks").is_some() =>
            {
                post(network, address, &json!({ "text": text }).to_string()).await
            }
            (result, _) => result,
        }
    }

    fn known(&self) -> Option<WebhookUrl> {
        self.address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn look_up(&self) -> Result<WebhookUrl, ReadSecretError> {
        let address = read_webhook_url(&self.cloud, &self.secret).await?;
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address.clone());
        Ok(address)
    }
}
