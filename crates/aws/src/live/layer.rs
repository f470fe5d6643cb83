//! The layer that the functions load the rules from.

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{LayerVersionContentInput, Runtime};

use super::CallError;
use crate::cloud::SdkContext;
use crate::failure::Failure;

/// A version of a layer as Lambda has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerVersion {
    /// The version's ARN.
    pub arn: String,
    /// SHA-256 of its zip, as Base64.
    pub sha256: String,
}

/// Publishes a version of a layer (PublishLayerVersion), and says what Lambda has of it.
///
/// # Errors
/// [`CallError`].
pub async fn publish_layer(
    cloud: &SdkContext,
    name: &str,
    description: &str,
    zip: &[u8],
) -> Result<LayerVersion, CallError> {
    let content = LayerVersionContentInput::builder().zip_file(Blob::new(zip));
    let answer = aws_sdk_lambda::Client::new(cloud.sdk())
        .publish_layer_version()
        .layer_name(name)
        .description(description)
        .compatible_runtimes(Runtime::Providedal2023)
        .content(content.build())
        .send()
        .await
        .map_err(|error| Failure::of("lambda:PublishLayerVersion", &error))?;
    let sha256 = answer.content.and_then(|content| content.code_sha256);
    Ok(LayerVersion {
        arn: answer.layer_version_arn.unwrap_or_default(),
        sha256: sha256.unwrap_or_default(),
    })
}
