//! The account a function runs in: the network and the SDK's configuration, which every service
//! client shares. Clients are made at their first use, so an irrelevant event makes none.

use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;
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
