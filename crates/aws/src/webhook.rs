//! Posting to a Slack channel's incoming webhook. The address is the credential: whoever has it
//! can write to the channel, so it appears in no log line and in no error.

use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::time::Instant;

use crate::network::Network;

/// How often a post is tried. The rest is left to Lambda, which invokes again a minute later.
const ATTEMPTS: u32 = 4;
/// For all attempts and the pauses between them.
const PATIENCE: Duration = Duration::from_secs(20);
/// The first pause; each further one doubles.
const PAUSE: Duration = Duration::from_millis(300);
/// Slack explains a refusal in a word (`invalid_blocks`, `no_service`).
const EXPLANATION: usize = 120;

/// The address of an incoming webhook. Neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(String);

/// A text that is no webhook's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret holds no https address, nor a JSON object with one under `url`")]
pub struct NoWebhookUrl;

impl WebhookUrl {
    /// Reads the secret's text: the address itself, or a JSON object with the key `url`, as the
    /// Secrets Manager console makes it. Plain http is for this machine alone.
    pub fn from_secret(secret: &str) -> Result<Self, NoWebhookUrl> {
        let secret = secret.trim();
        let url = match serde_json::from_str::<serde_json::Value>(secret) {
            Ok(value) => match value
                .get("url")
                .or(Some(&value))
                .and_then(|url| url.as_str())
            {
                Some(url) => url.trim().to_owned(),
                None => return Err(NoWebhookUrl),
            },
            Err(_) => secret.to_owned(),
        };
        let (scheme, rest) = url.split_once("://").ok_or(NoWebhookUrl)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.split(':').next().unwrap_or_default();
        let reachable = match scheme {
            "https" => !host.is_empty(),
            "http" => host == "127.0.0.1",
            _ => false,
        };
        // `user@host` would make the host another one than it seems.
        let plain = url.bytes().all(|byte| byte.is_ascii_graphic()) && !authority.contains('@');
        if reachable && plain {
            Ok(Self(url))
        } else {
            Err(NoWebhookUrl)
        }
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(…)")
    }
}

/// Why a post did not arrive. Nothing below keeps its cause: the client's own errors may name the
/// address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// Slack will not take this message, however often it is sent.
    #[error("slack refused the message with status {status}: {explanation}")]
    Refused {
        /// The HTTP status, 3xx or 4xx.
        status: u16,
        /// The first characters of Slack's answer.
        explanation: String,
    },
    /// Slack asked for a longer pause than this invocation has.
    #[error("slack asks to wait {seconds} s")]
    TooManyRequests {
        /// As `Retry-After` says.
        seconds: u64,
    },
    /// Slack answered, but with a failure of its own each time.
    #[error("slack failed {attempts} times, the last time with status {status}")]
    Failing {
        /// Tries made.
        attempts: u32,
        /// The last HTTP status, 429 or 5xx.
        status: u16,
    },
    /// No answer came.
    #[error("slack could not be reached in {attempts} tries: {reason}")]
    Unreachable {
        /// Tries made.
        attempts: u32,
        /// The kind of failure.
        reason: &'static str,
    },
}

enum Answer {
    Taken,
    Refused(PostError),
    Later {
        status: u16,
        pause: Option<Duration>,
    },
    Nothing(&'static str),
}

/// Posts one message, a JSON document. Tries again where Slack is busy (429, as long as it asks),
/// fails (5xx) or does not answer; the same message may then arrive twice, which is better than
/// not at all.
pub async fn post(network: &Network, to: &WebhookUrl, message: &str) -> Result<(), PostError> {
    let until = Instant::now() + PATIENCE;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let answer = tokio::time::timeout_at(until, post_once(network, to, message))
            .await
            .unwrap_or(Answer::Nothing("it took too long"));
        let (failure, asked) = match answer {
            Answer::Taken => return Ok(()),
            Answer::Refused(error) => return Err(error),
            Answer::Later {
                status: 429,
                pause: Some(pause),
            } => (
                PostError::TooManyRequests {
                    seconds: pause.as_secs(),
                },
                Some(pause),
            ),
            Answer::Later { status, pause } => (PostError::Failing { attempts, status }, pause),
            Answer::Nothing(reason) => (PostError::Unreachable { attempts, reason }, None),
        };
        let pause = asked.unwrap_or(PAUSE * 2_u32.saturating_pow(attempts - 1));
        if attempts == ATTEMPTS || Instant::now() + pause >= until {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
    }
}

async fn post_once(network: &Network, to: &WebhookUrl, message: &str) -> Answer {
    let mut request = HttpRequest::new(SdkBody::from(message));
    if request.set_method("POST").is_err() || request.set_uri(to.0.as_str()).is_err() {
        return Answer::Nothing("the secret holds no usable address");
    }
    request
        .headers_mut()
        .insert("content-type", "application/json");
    let response = match network.send(request).await {
        Ok(response) => response,
        Err(error) => return Answer::Nothing(reason(&error)),
    };
    let status = response.status().as_u16();
    match status {
        200..=299 => Answer::Taken,
        429 | 500..=599 => Answer::Later {
            status,
            pause: retry_after(&response),
        },
        _ => {
            let explanation = explanation(response).await;
            Answer::Refused(PostError::Refused {
                status,
                explanation,
            })
        }
    }
}

fn reason(error: &ConnectorError) -> &'static str {
    if error.is_timeout() {
        "it took too long"
    } else if error.is_io() {
        "the connection failed"
    } else {
        "the request failed"
    }
}

/// Slack sends whole seconds. At least one: a zero would be asked again at once.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let seconds: u64 = response.headers().get("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.max(1)))
}

async fn explanation(mut response: HttpResponse) -> String {
    let mut body = ByteStream::new(response.take_body());
    let mut text = Vec::new();
    while let Some(Ok(chunk)) = body.next().await {
        text.extend_from_slice(&chunk);
        if text.len() >= EXPLANATION {
            break;
        }
    }
    let mut text = String::from_utf8_lossy(&text).into_owned();
    text.retain(|letter| !letter.is_control());
    text.chars().take(EXPLANATION).collect()
}
