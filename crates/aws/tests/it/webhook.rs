//! The Slack post against a server that misbehaves as Slack does, and the product's HTTPS client
//! against a certificate of our own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test ends at its first surprise"
)]

use std::sync::Arc;

use crate::support::{Response, Server};
use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use trustwarden_aws::{Network, PostError, WebhookUrl, post};

const PATH: &str = "/services/T000/B000/verysecret";

fn webhook(server: &Server) -> WebhookUrl {
    WebhookUrl::from_secret(&format!("{}{PATH}", server.url())).unwrap()
}

#[tokio::test]
async fn waits_as_long_as_slack_asks_and_posts_again() {
    let server = Server::answering(|_, number| match number {
        0 => Response::new(429, "rate_limited").header("retry-after", "1"),
        _ => Response::new(200, "ok"),
    })
    .await;
    let start = std::time::Instant::now();
    post(&Network::new(), &webhook(&server), r#"{"text":"hello"}"#)
        .await
        .unwrap();
    assert!(
        start.elapsed().as_millis() >= 1000,
        "came back after {:?}",
        start.elapsed()
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", PATH)
        );
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.body, r#"{"text":"hello"}"#);
    }
}

#[tokio::test]
async fn a_longer_pause_than_we_have_is_left_to_the_next_invocation() {
    let server =
        Server::answering(|_, _| Response::new(429, "").header("retry-after", "600")).await;
    let error = post(&Network::new(), &webhook(&server), "{}")
        .await
        .unwrap_err();
    assert_eq!(error, PostError::TooManyRequests { seconds: 600 });
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_failing_slack_is_asked_four_times() {
    let server = Server::answering(|_, number| {
        Response::new(if number == 0 { 429 } else { 503 }, "secret-looking text")
    })
    .await;
    let error = post(&Network::new(), &webhook(&server), "{}")
        .await
        .unwrap_err();
    assert_eq!(
        error,
        PostError::Failing {
            attempts: 4,
            status: 503
        }
    );
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_refusal_is_not_repeated_and_is_explained_in_one_line() {
    let server = Server::answering(|_, _| {
        Response::new(400, format!("invalid_blocks\r\n{}", "x".repeat(5000)))
    })
    .await;
    let error = post(&Network::new(), &webhook(&server), "{}")
        .await
        .unwrap_err();
    let PostError::Refused {
        status: 400,
        explanation,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert!(
        explanation.starts_with("invalid_blocksxxx"),
        "{explanation}"
    );
    assert_eq!(explanation.len(), 120);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn no_error_shows_the_address() {
    // A port that nobody listens on: bound and let go.
    let free = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let url = WebhookUrl::from_secret(&format!("http://{address}{PATH}")).unwrap();
    let error = post(&Network::new(), &url, "{}").await.unwrap_err();
    assert_eq!(
        error,
        PostError::Unreachable {
            attempts: 4,
            reason: "the connection failed"
        }
    );
    let shown = format!("{error} {error:?} {url:?}");
    assert!(
        !shown.contains("secret") && !shown.contains("127.0.0.1"),
        "{shown}"
    );
}

#[test]
fn secrets_as_people_store_them() {
    let good = [
        "https://hooks.slack.com/services/T/B/x",
        "  https://hooks.slack.com/services/T/B/x\n",
        r#"{"url": "https://hooks.slack.com/services/T/B/x"}"#,
        r#""https://hooks.slack.com/services/T/B/x""#,
        "https://hooks.slack-gov.com/services/T/B/x",
        "http://127.0.0.1:8080/x",
    ];
    for secret in good {
        assert!(WebhookUrl::from_secret(secret).is_ok(), "{secret}");
    }
    let bad = [
        "",
        "hooks.slack.com/services/T/B/x",
        "http://hooks.slack.com/services/T/B/x",
        "http://127.0.0.1:80@evil.example/x",
        "http://127.0.0.1.evil.example/x",
        "https://user@hooks.slack.com/x",
        "https:///x",
        "https://hooks.slack.com/a b",
        "ftp://hooks.slack.com/x",
        r#"{"webhook": "https://hooks.slack.com/services/T/B/x"}"#,
        "[]",
        "12",
    ];
    for secret in bad {
        assert!(WebhookUrl::from_secret(secret).is_err(), "{secret}");
    }
}

/// The test certificate for `localhost` and 127.0.0.1, and a server that has it.
async fn server_with_certificate() -> (Server, String) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(
        certified.signing_key.serialize_der(),
    ));
    let configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&tokio_rustls::rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let server = Server::with_tls(TlsAcceptor::from(Arc::new(configuration)), |_, _| {
        Response::new(200, "ok")
    })
    .await;
    (server, certified.cert.pem())
}

#[tokio::test]
async fn a_real_handshake_with_a_server_we_trust() {
    let (server, certificate) = server_with_certificate().await;
    let trust = TrustStore::empty().with_pem_certificate(certificate);
    let network = Network::trusting(
        TlsContext::builder()
            .with_trust_store(trust)
            .build()
            .unwrap(),
    );
    assert!(network.is_untouched());
    let url = format!("https://127.0.0.1:{}{PATH}", server.address.port());
    let url = WebhookUrl::from_secret(&url).unwrap();
    post(&network, &url, r#"{"text":"hello"}"#).await.unwrap();
    assert!(!network.is_untouched());
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].path, PATH);
}

#[tokio::test]
async fn a_server_we_do_not_trust_hears_nothing() {
    let (server, _) = server_with_certificate().await;
    let (_, another) = server_with_certificate().await;
    let trust = TrustStore::empty().with_pem_certificate(another);
    let network = Network::trusting(
        TlsContext::builder()
            .with_trust_store(trust)
            .build()
            .unwrap(),
    );
    let url = format!("https://127.0.0.1:{}{PATH}", server.address.port());
    let url = WebhookUrl::from_secret(&url).unwrap();
    let error = post(&network, &url, "{}").await.unwrap_err();
    assert!(
        matches!(error, PostError::Unreachable { attempts: 4, .. }),
        "{error}"
    );
    assert!(server.requests().is_empty());
}
