//! The webhook's address, kept in Secrets Manager.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use guard::ports::Source;

use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::network::RetryPolicy;
use crate::webhook::{NoWebhookUrl, WebhookUrl};

/// Why there is no address to post to. Never shows what the secret holds.
#[derive(Debug, thiserror::Error)]
pub enum ReadSecretError {
    /// Secrets Manager, or the key the secret is encrypted with, did not give it.
    #[error("the secret {secret} could not be read")]
    Unavailable {
        /// Its ARN.
        secret: String,
        /// What happened.
        #[source]
        source: Source,
    },
    /// It is there and is of no use.
    #[error("the secret {secret} cannot be used")]
    Unusable {
        /// Its ARN.
        secret: String,
        /// Why.
        #[source]
        source: NoWebhookUrl,
    },
}

/// Reads the webhook's address from the secret of this ARN.
///
/// # Errors
/// [`ReadSecretError`].
pub async fn read_webhook_url(
    cloud: &SdkContext,
    secret: &str,
) -> Result<WebhookUrl, ReadSecretError> {
    let configuration = Builder::from(cloud.sdk())
        .retry_config(RetryPolicy::MESSAGE.retries())
        .timeout_config(RetryPolicy::MESSAGE.timeouts());
    let client = Client::from_conf(configuration.build());
    let secret = secret.to_owned();
    match client.get_secret_value().secret_id(&secret).send().await {
        // A binary secret has no text, and holds no address.
        Ok(answer) => WebhookUrl::from_secret(answer.secret_string().unwrap_or_default())
            .map_err(|source| ReadSecretError::Unusable { secret, source }),
        Err(error) => {
            let source = Failure::of("secretsmanager:GetSecretValue", &error).source();
            Err(ReadSecretError::Unavailable { secret, source })
        }
    }
}
