//! What is wrong with an identity provider's rule.

use super::{Level, PathSegment, Problems, at};
use crate::rules::file::{IdentityProvider, ProviderKind};
use crate::rules::names::{arn_parts, is_account_id, is_pattern};

impl IdentityProvider {
    pub(super) fn problems(&self, index: usize, problems: &mut Problems) {
        let here = || at!["identity_providers", index];
        let at = |key: &str| at!["identity_providers", index, key];
        if self.kind == Some(ProviderKind::Eks) {
            if self.clusters.is_empty() {
                problems.error(here(), "`kind: eks` needs the OIDC ids of its `clusters`");
            }
            if self.provider.is_some() {
                let message = "with `kind: eks` the clusters name the provider";
                problems.error(at("provider"), message);
            }
        } else {
            match self.provider.as_deref() {
                None | Some("") => {
                    problems.error(here(), "the identity provider has no `provider`")
                }
                Some(provider) => self.provider_problems(at("provider"), provider, problems),
            }
            if !self.clusters.is_empty() {
                let hint = Some("write `kind: eks`".to_owned());
                let message = "only EKS has clusters".to_owned();
                problems.add(Level::Error, at("clusters"), message, hint);
            }
        }
        for (entry, cluster) in self.clusters.iter().enumerate() {
            let path = at!["identity_providers", index, "clusters", entry];
            if is_pattern(cluster) {
                let message = "a cluster's id is never a pattern: anyone can have a cluster";
                problems.error(path, message);
            } else if cluster.len() != 32
                || !cluster
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            {
                let message = format!(
                    "`{cluster}` is not a cluster's OIDC id: one has 32 capital letters and digits"
                );
                let hint = "it is the end of the cluster's OIDC issuer URL";
                problems.add(Level::Error, path, message, Some(hint.to_owned()));
            }
        }
        for (entry, role) in self.roles.iter().enumerate() {
            problems.name_pattern(
                at!["identity_providers", index, "roles", entry],
                "role",
                role,
            );
        }
        for (claim, values) in &self.claims {
            let path = at!["identity_providers", index, "claims", claim.as_str()];
            let section = match claim.as_str() {
                "sub" => Some("subjects"),
                "aud" => Some("audiences"),
                _ => None,
            };
            if let Some(section) = section {
                let hint = Some(format!("write them under `{section}`"));
                let message = format!("`{claim}` has a key of its own");
                problems.add(Level::Error, path, message, hint);
            } else if claim.is_empty() || claim.contains([':', '/']) {
                let hint =
                    Some("write what follows the issuer and the colon, as org_id".to_owned());
                let message = format!("`{claim}` is not a claim");
                problems.add(Level::Error, path, message, hint);
            } else if values.is_empty() || values.iter().any(String::is_empty) {
                problems.error(path, format!("no value of `{claim}` is named"));
            }
        }
        self.tenant_problems(index, problems);
    }

    fn provider_problems(&self, path: Vec<PathSegment>, provider: &str, problems: &mut Problems) {
        if let Some(host) = provider.strip_prefix("https://") {
            let message = "IAM names a provider without https://".to_owned();
            problems.add(
                Level::Error,
                path,
                message,
                Some(format!("write \"{host}\"")),
            );
        } else if is_pattern(provider) {
            problems.error(path, "a provider is never a pattern");
        } else if provider.contains("oidc.eks.") {
            let message = "clusters are named by their ids".to_owned();
            let hint = "write `kind: eks` and the id under `clusters`";
            problems.add(Level::Error, path, message, Some(hint.to_owned()));
        } else if provider.starts_with("arn:") {
            let known = arn_parts(provider).is_some_and(|(service, account, resource)| {
                service == "iam"
                    && is_account_id(account)
                    && (resource.starts_with("saml-provider/")
                        || resource.starts_with("oidc-provider/"))
            });
            let kind = match self.kind {
                Some(ProviderKind::Oidc) => ":oidc-provider/",
                Some(ProviderKind::Saml) => ":saml-provider/",
                _ => "-provider/",
            };
            if !known {
                let message = format!("`{provider}` is not an identity provider's ARN");
                problems.error(path, message);
            } else if !provider.contains(kind) {
                problems.error(path, format!("`{provider}` is of another `kind`"));
            }
        }
    }

    /// Providers that serve everyone tell their tenants apart by the subject alone.
    fn tenant_problems(&self, index: usize, problems: &mut Problems) {
        let provider = self.provider.as_deref().unwrap_or_default();
        let github = provider.ends_with("token.actions.githubusercontent.com");
        let shared = github
            || [
                "gitlab.com",
                "app.terraform.io",
                "agent.buildkite.com",
                "oidc.vercel.com",
            ]
            .iter()
            .any(|host| provider.ends_with(host));
        if shared && self.subjects.is_empty() {
            let path = at!["identity_providers", index];
            let message = format!("every customer of {provider} could assume the role");
            let hint = "name yours under `subjects`".to_owned();
            problems.add(Level::Error, path, message, Some(hint));
        }
        for (entry, subject) in self.subjects.iter().enumerate() {
            let path = at!["identity_providers", index, "subjects", entry];
            let fixed = subject.split(['*', '?']).next().unwrap_or_default();
            let owner = fixed
                .strip_prefix("repo:")
                .and_then(|rest| rest.split_once(['/', '@']));
            if subject.is_empty() {
                problems.error(path, "an empty subject is nobody's");
            } else if github && owner.is_none_or(|(owner, _)| owner.is_empty()) {
                let message = "this allows repositories of every owner".to_owned();
                let hint = "begin with your owner, as repo:acme/*".to_owned();
                problems.add(Level::Error, path, message, Some(hint));
            } else if shared && fixed.is_empty() {
                let message = format!("this allows every customer of {provider}");
                problems.error(path, message);
            }
        }
    }
}
