//! Asking the function for operators, over its URL: signed with the person's own credentials, so that
//! AWS names them to the function.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningError, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use guard::incidents::Request;
use serde_json::Value;

use crate::cloud::SdkContext;

/// The function's own time-out, and the way there and back.
const PATIENCE: Duration = Duration::from_secs(40);
/// Lambda answers no more.
const ANSWER_BYTES: usize = 7 * 1024 * 1024;

/// The function was not asked, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is nobody to sign as.
    #[error("there are no credentials to sign with")]
    NoCredentials,
    /// The credentials could not be had.
    #[error("the credentials cannot be read")]
    Credentials(#[source] CredentialsError),
    /// The request could not be signed.
    #[error("the request cannot be signed")]
    Sign(#[source] SigningError),
    /// The stack's output is no URL.
    #[error("the stack's IncidentsUrl is no address: {0}")]
    Address(String),
    /// No answer came.
    #[error("the function for incidents does not answer: {0}")]
    Unreachable(&'static str),
    /// The function, or IAM before it, refused.
    #[error("{why}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// In words.
        why: String,
    },
}

/// Asks the function at this URL.
///
/// # Errors
/// [`AskError`].
pub async fn ask(cloud: &SdkContext, url: &str, request: &Request) -> Result<Value, AskError> {
    let body = serde_json::to_string(request).unwrap_or_default();
    let signed = signed(cloud, url, &body).await?;
    let sent = tokio::time::timeout(PATIENCE, cloud.network().send(signed)).await;
    let mut response = sent
        .map_err(|_| AskError::Unreachable("it took too long"))?
        .map_err(|_| AskError::Unreachable("the connection failed"))?;
    let status = response.status().as_u16();
    let mut body = ByteStream::new(response.take_body());
    let mut text = Vec::new();
    while let Some(chunk) = body.next().await {
        text.extend_from_slice(&chunk.map_err(|_| AskError::Unreachable("it broke off"))?);
        if text.len() > ANSWER_BYTES {
            return Err(AskError::Unreachable("its answer does not end"));
        }
    }
    let answer: Value = serde_json::from_slice(&text).unwrap_or_default();
    if status == 200 {
        return Ok(answer);
    }
    // The function says `error`; the URL itself says `Message`.
    let said = answer.get("error").or_else(|| answer.get("Message"));
    let why = said.and_then(Value::as_str).map(str::to_owned);
    let why = why.unwrap_or_else(|| match status {
        502 => {
            "the function failed; ask again, and see docs/runbooks/function-errors.md".to_owned()
        }
        _ => format!("the function answered with status {status}"),
    });
    Err(AskError::Refused { status, why })
}

async fn signed(cloud: &SdkContext, url: &str, body: &str) -> Result<HttpRequest, AskError> {
    let sdk = cloud.sdk();
    let provider = sdk.credentials_provider().ok_or(AskError::NoCredentials)?;
    let credentials = provider.provide_credentials().await;
    let identity = credentials.map_err(AskError::Credentials)?.into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let region = sdk.region().map_or("us-east-1", |region| region.as_ref());
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("lambda")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .map_err(|_| AskError::NoCredentials)?
        .into();
    let address = || AskError::Address(url.to_owned());
    // A session's token goes along: in plain http to nobody but this machine.
    if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1:") {
        return Err(address());
    }
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST").map_err(|_| address())?;
    request.set_uri(url).map_err(|_| address())?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/json");
    let typed = std::iter::once(("content-type", "application/json"));
    let signable = SignableRequest::new("POST", url, typed, SignableBody::Bytes(body.as_bytes()))
        .map_err(AskError::Sign)?;
    let (instructions, _) = sign(signable, &parameters)
        .map_err(AskError::Sign)?
        .into_parts();
    for (name, value) in instructions.headers() {
        let (name, value) = (name.to_owned(), value.to_owned());
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}
