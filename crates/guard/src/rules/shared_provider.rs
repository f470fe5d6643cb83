//! Issuers that serve many tenants, besides those that the analyzer knows.

use std::borrow::Cow;

use policy::providers::{Pin, Provider};
use serde::{Deserialize, Serialize};

/// An OIDC issuer that issues tokens for many tenants, and how a token tells whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SharedProvider {
    /// As people call it. None: the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The issuer without `https://`, as in the ARN of IAM's provider; after the host, `*` fits any
    /// text.
    pub issuer: String,
    /// Each of these alone ties a token to one tenant. A trust policy that fixes none of them is
    /// open to all.
    #[serde(default)]
    pub tenant_claims: Vec<TenantClaim>,
    /// Where this is documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A claim that ties a token to one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TenantClaim {
    /// The claim, as `sub`.
    pub claim: String,
    /// How its value begins, `{}` standing for the tenant and a delimiter after it, as `org:{}:`.
    /// None: the whole value names the tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<String>,
}

impl SharedProvider {
    /// As the analyzer takes it.
    pub(super) fn row(&self) -> Provider {
        Provider {
            name: Cow::Owned(self.name.clone().unwrap_or_else(|| self.issuer.clone())),
            issuer: Cow::Owned(self.issuer.clone()),
            claims: None,
            pins: self.tenant_claims.iter().map(TenantClaim::pin).collect(),
            guests: None,
            source: Cow::Owned(
                self.source
                    .clone()
                    .unwrap_or_else(|| "the rules".to_owned()),
            ),
        }
    }
}

impl TenantClaim {
    pub(super) fn pin(&self) -> Pin {
        Pin {
            claim: Cow::Owned(self.claim.clone()),
            prefixes: self.prefixes.iter().cloned().map(Cow::Owned).collect(),
        }
    }
}
