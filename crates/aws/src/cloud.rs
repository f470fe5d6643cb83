//! The account a function runs in: the network and the SDK's configuration, which every service
//! client shares. Clients are made at their first use, so an irrelevant event makes none.

use std::sync::{Arc, OnceLock};

use aws_config::{AppName, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::network::{Network, configuration};

/// Where all calls go. Cheap to clone; clones share connections and configuration.
#[derive(Debug, Clone)]
pub struct SdkContext {
    network: Network,
    sdk: Arc<OnceLock<SdkConfig>>,
}

impl SdkContext {
    /// As the process's environment says (`AWS_REGION`, `AWS_ACCESS_KEY_ID` …,
    /// `AWS_ENDPOINT_URL`), read at the first call.
    pub fn from_environment() -> Self {
        Self {
            network: Network::new(),
            sdk: Arc::default(),
        }
    }

    /// As the configuration says, but over this network.
    pub fn configured(network: Network, sdk: SdkConfig) -> Self {
        let mut builder = sdk.into_builder();
        builder.set_http_client(Some(SharedHttpClient::new(network.clone())));
        Self {
            network,
            sdk: Arc::new(OnceLock::from(builder.build())),
        }
    }

    /// The same, with words in the user agent of each call, which CloudTrail records: 50 characters,
    /// and a `-` for each that has no place there.
    #[must_use]
    pub fn saying(&self, words: &str) -> Self {
        let fits =
            |letter: &char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*letter);
        let words = words
            .chars()
            .map(|letter| if fits(&letter) { letter } else { '-' });
        let mut builder = self.sdk().clone().into_builder();
        builder.set_app_name(AppName::new(words.take(50).collect::<String>()).ok());
        Self {
            network: self.network.clone(),
            sdk: Arc::new(OnceLock::from(builder.build())),
        }
    }

    /// The same, in another region of the account.
    #[must_use]
    pub(crate) fn in_region(&self, region: &str) -> Self {
        let mut builder = self.sdk().clone().into_builder();
        builder.set_region(aws_config::Region::new(region.to_owned()));
        Self {
            network: self.network.clone(),
            sdk: Arc::new(OnceLock::from(builder.build())),
        }
    }

    /// The HTTPS client, for the few calls that are not AWS's.
    pub fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn sdk(&self) -> &SdkConfig {
        self.sdk.get_or_init(|| {
            configuration(SharedHttpClient::new(self.network.clone()), |name| {
                std::env::var(name).ok()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_says_fits_a_user_agent() {
        let context = SdkContext::configured(Network::new(), SdkConfig::builder().build());
        let said = |words: &str| {
            let context = context.saying(words);
            context.sdk().app_name().map(ToString::to_string)
        };
        for (words, shown) in [
            ("trustwarden-restore", "trustwarden-restore"),
            (
                "trustwarden-restore.SEC-77, an hour",
                "trustwarden-restore.SEC-77--an-hour",
            ),
            ("a\nb é", "a-b--"),
            (
                "0123456789012345678901234567890123456789012345678901234567890",
                "01234567890123456789012345678901234567890123456789",
            ),
        ] {
            assert_eq!(said(words).as_deref(), Some(shown));
        }
    }
}
