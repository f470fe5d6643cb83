//! The one way out: a single HTTPS client that every service client and the Slack post share,
//! and the SDK configuration that carries it.
//!
//! Nothing here costs anything before the first request. Loading the operating system's root
//! certificates and building a TLS configuration are most of a cold start's work, and an event
//! that turns out to be irrelevant must not pay for them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::SharedCredentialsProvider;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// A connection that takes longer than this will not come.
const CONNECT: Duration = Duration::from_secs(2);
/// A request's first byte of answer, at most: what a try may take is each policy's to say.
const READ: Duration = Duration::from_secs(20);

/// How long one kind of call may take, retries included. The sums stay below the shortest
/// function time-out of the template (30 s), so that a failing service leaves time to say so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    attempts: u32,
    attempt: Duration,
    operation: Duration,
}

impl RetryPolicy {
    /// IAM throttles per account and answers slowly under load: worth waiting for.
    pub(crate) const IAM: Self = Self {
        attempts: 5,
        attempt: Duration::from_secs(5),
        operation: Duration::from_secs(12),
    };
    /// A page of a hundred roles with all their policies is slow work for IAM in a large account. The
    /// sweep alone asks for it, has five minutes, and keeps half a one to hand over.
    pub(crate) const LISTING: Self = Self {
        attempts: 3,
        attempt: READ,
        operation: Duration::from_secs(25),
    };
    /// State is wanted, but an alert must not wait for a table that is gone.
    pub(crate) const STATE: Self = Self {
        attempts: 3,
        attempt: Duration::from_secs(2),
        operation: Duration::from_secs(5),
    };
    /// Alerts and orders: the point of it all.
    pub(crate) const MESSAGE: Self = Self {
        attempts: 4,
        attempt: Duration::from_secs(4),
        operation: Duration::from_secs(10),
    };

    pub(crate) fn retries(self) -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(Duration::from_millis(200))
            .with_max_backoff(Duration::from_secs(3))
    }

    pub(crate) fn timeouts(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }
}

/// The HTTPS client: rustls with ring, the operating system's root certificates, HTTP/2 where the
/// server offers it. One connection pool, whoever asks.
///
/// The SDK's own builder loads and checks the root certificates again for every service client;
/// this one does it once, at the first request.
#[derive(Debug, Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tls: TlsContext,
    connector: OnceLock<SharedHttpConnector>,
}

impl Network {
    /// Trusts whom the operating system trusts (`SSL_CERT_FILE` is honoured).
    pub fn new() -> Self {
        Self::trusting(TlsContext::default())
    }

    /// Trusts whom the context says, as for a company's own certificate authority.
    pub fn trusting(tls: TlsContext) -> Self {
        Self {
            shared: Arc::new(Shared {
                tls,
                connector: OnceLock::new(),
            }),
        }
    }

    /// Whether anything has been asked of the network yet.
    pub fn is_untouched(&self) -> bool {
        self.shared.connector.get().is_none()
    }

    fn connector(&self) -> SharedHttpConnector {
        self.shared
            .connector
            .get_or_init(|| {
                let settings = HttpConnectorSettings::builder()
                    .connect_timeout(CONNECT)
                    .read_timeout(READ)
                    .build();
                SharedHttpConnector::new(
                    Connector::builder()
                        .connector_settings(settings)
                        .tls_provider(Provider::Rustls(CryptoMode::Ring))
                        .tls_context(self.shared.tls.clone())
                        .build(),
                )
            })
            .clone()
    }

    /// Sends one request. For the few calls that are not AWS's.
    pub(crate) fn send(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.connector().call(request)
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpClient for Network {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        // One set of time-outs for all, so the settings asked for are the settings it has.
        self.connector()
    }
}

/// What a Lambda function knows of its place: nothing is looked up, no file is read, no metadata
/// service is asked. The region and the credentials are in the environment.
pub(crate) fn configuration(
    network: SharedHttpClient,
    variable: impl Fn(&str) -> Option<String>,
) -> SdkConfig {
    let flag = |name| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(
            variable("AWS_REGION")
                .or_else(|| variable("AWS_DEFAULT_REGION"))
                .map(Region::new),
        )
        .credentials_provider(SharedCredentialsProvider::new(
            EnvironmentVariableCredentialsProvider::new(),
        ))
        .use_fips(flag("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(flag("AWS_USE_DUALSTACK_ENDPOINT"));
    builder.set_http_client(Some(network));
    builder.set_endpoint_url(variable("AWS_ENDPOINT_URL").filter(|url| !url.is_empty()));
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(variables: &[(&str, &str)]) -> SdkConfig {
        configuration(SharedHttpClient::new(Network::new()), |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_place_is_read_from_lambdas_own_variables() {
        let plain = configured(&[("AWS_REGION", "us-gov-west-1"), ("AWS_ENDPOINT_URL", "")]);
        assert_eq!(plain.region().map(AsRef::as_ref), Some("us-gov-west-1"));
        assert_eq!(plain.endpoint_url(), None);
        assert_eq!(
            (plain.use_fips(), plain.use_dual_stack()),
            (Some(false), Some(false))
        );
        let special = configured(&[
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000"),
            ("AWS_USE_FIPS_ENDPOINT", "true"),
            ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE"),
        ]);
        assert_eq!(special.region().map(AsRef::as_ref), Some("us-east-1"));
        assert_eq!(special.endpoint_url(), Some("http://127.0.0.1:5000"));
        assert_eq!(
            (special.use_fips(), special.use_dual_stack()),
            (Some(true), Some(true))
        );
    }

    #[test]
    fn no_call_outlives_the_shortest_function() {
        for patience in [
            RetryPolicy::IAM,
            RetryPolicy::LISTING,
            RetryPolicy::STATE,
            RetryPolicy::MESSAGE,
        ] {
            assert!(patience.attempt < patience.operation);
            assert!(patience.operation < Duration::from_secs(30));
        }
        // The handler's usual path: two looks into state, the alert, the order.
        let path = RetryPolicy::STATE.operation * 2 + RetryPolicy::MESSAGE.operation * 2;
        assert!(path <= Duration::from_secs(30));
    }
}
