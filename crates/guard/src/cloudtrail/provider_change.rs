//! What a record says of an identity provider, or of what lends roles to machines and people like one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::omitted;
use super::meaning::{ProviderMove, ProviderType};
use super::record::Record;
use super::row::{Places, Row};
use crate::model::sha256_hex;

/// An identity provider was created, changed or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderChange {
    /// What it is.
    pub provider: ProviderType,
    /// What happened to it.
    pub done: ProviderMove,
    /// Its ARN, or the name or id that the record has.
    pub name: String,
    /// ARNs or names of the roles that the record names.
    pub roles: Vec<String>,
    /// What the record says of it.
    pub metadata: Metadata,
    /// CloudTrail cut the request away for its size.
    pub cut: bool,
    /// IAM Identity Center did it, to a provider of its own.
    pub by_identity_center: bool,
}

/// What an identity provider is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// A SAML entity id, an OIDC issuer's URL, or the ARN of a private authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The audiences, which OIDC calls client ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// Fingerprints: SHA-256 of each certificate, an OIDC provider's thumbprints (SHA-1) as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// The metadata document, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

impl Metadata {
    /// What a SAML provider is known by, from its metadata document.
    pub fn of_saml(document: String) -> Self {
        Self {
            issuer: entity_id(&document).map(str::to_owned),
            certificates: fingerprints(&document),
            document: Some(document),
            ..Self::default()
        }
        .in_order()
    }

    fn in_order(mut self) -> Self {
        self.audiences.sort();
        self.certificates.sort();
        self.certificates.dedup();
        self
    }
}

impl Record {
    /// `None`: the record does not say which provider it is about.
    pub(super) fn provider_change(
        &self,
        row: &Row,
        provider: ProviderType,
        done: ProviderMove,
    ) -> Option<ProviderChange> {
        let name = self.first(row.subject)?.to_owned();
        let invoked_by = self.identity.invoked_by.as_deref();
        let by_identity_center = invoked_by == Some("sso.amazonaws.com")
            && (name.starts_with("AWSSSO_") || name.contains(":saml-provider/AWSSSO_"));
        Some(ProviderChange {
            provider,
            done,
            name,
            roles: self.texts(row.what),
            metadata: self.metadata(row.content),
            cut: omitted(&self.request),
            by_identity_center,
        })
    }

    /// The texts at these places, in lists or not.
    fn texts(&self, places: &[&str]) -> Vec<String> {
        let values = places.iter().filter_map(|place| self.at(place));
        let texts = values.flat_map(|value| match value {
            Value::Array(list) => list.iter().collect(),
            one => vec![one],
        });
        let texts = texts.filter_map(|value| value.as_str());
        texts.map(str::to_owned).collect()
    }

    /// What stands under a key tells what it is.
    fn metadata(&self, places: Places) -> Metadata {
        let mut found = Metadata::default();
        for place in places {
            let texts = self.texts(std::slice::from_ref(place));
            let first = texts.first().cloned();
            match place.rsplit('.').next().unwrap_or_default() {
                "clientIDList" | "clientID" => found.audiences.extend(texts),
                "thumbprintList" => found.certificates.extend(texts),
                "x509CertificateData" | "crlData" => {
                    found
                        .certificates
                        .extend(texts.iter().flat_map(|text| fingerprints(text)));
                    found.document = first;
                }
                "sAMLMetadataDocument" => {
                    let said = first.map(Metadata::of_saml).unwrap_or_default();
                    found.certificates.extend(said.certificates);
                    (found.issuer, found.document) = (said.issuer, said.document);
                }
                _ => found.issuer = first.or(found.issuer),
            }
        }
        found.in_order()
    }
}

/// The entity id of SAML metadata.
fn entity_id(document: &str) -> Option<&str> {
    let (_, rest) = document.split_once("entityID=")?;
    let quote = rest
        .chars()
        .next()
        .filter(|quote| ['"', '\''].contains(quote))?;
    rest.get(1..)?.split(quote).next()
}

/// SHA-256 of the certificates in SAML metadata or PEM. What is no base64 has that of its text: it is
/// never taken for no certificate.
fn fingerprints(text: &str) -> Vec<String> {
    let (begins, ends) = match text.contains("-----BEGIN ") {
        true => ("-----BEGIN ", "-----END "),
        false => ("X509Certificate>", "<"),
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(begins) {
        let Some((body, next)) = after.split_once(ends) else {
            break;
        };
        rest = next;
        let body = match begins {
            "-----BEGIN " => body.split_once("-----").map_or("", |(_, body)| body),
            // A closing tag ends so, too.
            _ => body,
        };
        let body: String = body.split_whitespace().collect();
        if !body.is_empty() {
            let decoded = STANDARD.decode(&body);
            found.push(sha256_hex(decoded.as_deref().unwrap_or(body.as_bytes())));
        }
    }
    found
}
