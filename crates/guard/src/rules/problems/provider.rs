//! What is wrong with an identity provider's rule.

use super::{Level, PathSegment, Problems, at};
use crate::rules::file::{IdentityProvider, ProviderKind};
use crate::rules::names::{arn_parts, is_account_id, is_pattern};

impl IdentityProvider {
    pub(super) fn problems(&self, index: usize, problems: &mut Problems) {
        let at = |key: &str| at!["identity_providers", index, key];
        self.kind_problems(index, problems);
        for (entry, cluster) in self.clusters.iter().enumerate() {
            cluster_problems(
                at!["identity_providers", index, "clusters", entry],
                cluster,
                problems,
            );
        }
        for (entry, anchor) in self.trust_anchors.iter().enumerate() {
            let path = at!["identity_providers", index, "trust_anchors", entry];
            trust_anchor_problems(path, anchor, problems);
        }
        for (entry, account) in self.accounts.iter().enumerate() {
            problems.account(at!["identity_providers", index, "accounts", entry], account);
        }
        for (entry, role) in self.roles.iter().enumerate() {
            let path = at!["identity_providers", index, "roles", entry];
            problems.name_pattern(path.clone(), "role", role);
            // Those of the own clusters are many, and their own.
            if self.kind != Some(ProviderKind::Eks) {
                problems.roles_of(path, "provider", role, &[]);
            }
        }
        if self.roles.is_empty() && self.kind != Some(ProviderKind::Eks) {
            let hint = "name the roles that were made for it under `roles`";
            let path = at!["identity_providers", index];
            problems.warn(path, "every role may trust this provider", hint);
        }
        for (entry, subject) in self.subjects.iter().enumerate() {
            if subject.is_empty() {
                let path = at!["identity_providers", index, "subjects", entry];
                problems.error(path, "an empty subject is nobody's");
            }
        }
        self.claim_problems(index, problems);
        let github = self.issuer() == "token.actions.githubusercontent.com"
            || self.issuer().starts_with("token.actions.");
        for (key, named) in [("owner", &self.owner), ("owner_id", &self.owner_id)] {
            let Some(named) = named else { continue };
            if !github {
                problems.error(at(key), "only GitHub's repositories have an owner here");
            } else if named.is_empty() || named.contains(|one: char| !is_owner_char(one)) {
                problems.error(at(key), format!("`{named}` is no owner of repositories"));
            }
        }
        if self.owner_id.is_some() && self.owner.is_none() {
            let message = "an id alone does not say how subjects begin".to_owned();
            let hint = Some("name the `owner`, too".to_owned());
            problems.add(Level::Error, at("owner_id"), message, hint);
        }
    }

    /// What a kind needs, and what others alone have.
    fn kind_problems(&self, index: usize, problems: &mut Problems) {
        use ProviderKind::{AccountAccess, Eks, Iot, Oidc, RolesAnywhere, Saml, SsmHybrid};
        let here = || at!["identity_providers", index];
        let at = |key: &str| at!["identity_providers", index, key];
        let tokens = matches!(self.kind, None | Some(Oidc | Saml));
        match (self.kind, self.provider.as_deref()) {
            (None | Some(Oidc | Saml), None | Some("")) => {
                problems.error(here(), "the identity provider has no `provider`");
            }
            (None | Some(Oidc | Saml), Some(provider)) => {
                self.provider_problems(at("provider"), provider, problems);
            }
            (Some(Eks), Some(_)) => {
                let message = "with `kind: eks` the clusters name the provider";
                problems.error(at("provider"), message);
            }
            (Some(_), Some(_)) => {
                problems.error(at("provider"), "this kind is one service of AWS");
            }
            (Some(Eks), None) if self.clusters.is_empty() => {
                problems.error(here(), "`kind: eks` needs the OIDC ids of its `clusters`");
            }
            (Some(RolesAnywhere), None) if self.trust_anchors.is_empty() => {
                let message = "`kind: roles-anywhere` needs the ARNs of its `trust_anchors`";
                problems.error(here(), message);
            }
            (Some(Eks | RolesAnywhere | Iot | SsmHybrid | AccountAccess), None) => {}
        }
        let of_tokens = tokens || self.kind == Some(Eks);
        let asked = [
            (
                "clusters",
                "eks",
                self.clusters.is_empty() || self.kind == Some(Eks),
            ),
            (
                "trust_anchors",
                "roles-anywhere",
                self.trust_anchors.is_empty() || self.kind == Some(RolesAnywhere),
            ),
            (
                "accounts",
                "account-access",
                self.accounts.is_empty() || self.kind == Some(AccountAccess),
            ),
            ("subjects", "oidc", of_tokens || self.subjects.is_empty()),
            ("audiences", "oidc", of_tokens || self.audiences.is_empty()),
            ("claims", "oidc", of_tokens || self.claims.is_empty()),
        ];
        for (key, kind, fits) in asked {
            if !fits {
                let hint = Some(format!("write `kind: {kind}`, or take it out"));
                let message = format!("this kind of provider has no `{key}`");
                problems.add(Level::Error, at(key), message, hint);
            }
        }
    }

    fn claim_problems(&self, index: usize, problems: &mut Problems) {
        for (claim, values) in &self.claims {
            let path = at!["identity_providers", index, "claims", claim.as_str()];
            let bare = self.bare(claim);
            let section = match bare {
                "sub" => Some("subjects"),
                "aud" => Some("audiences"),
                _ => None,
            };
            let a_key = bare
                .split_once(':')
                .is_none_or(|(space, name)| space == "sts" && !name.is_empty());
            if let Some(section) = section {
                let hint = Some(format!("write them under `{section}`"));
                let message = format!("`{claim}` has a key of its own");
                problems.add(Level::Error, path, message, hint);
            } else if bare.is_empty() || !a_key {
                let hint =
                    Some("write what follows the issuer and the colon, as org_id".to_owned());
                let message = format!("`{claim}` is not a claim");
                problems.add(Level::Error, path, message, hint);
            } else if values.is_empty() || values.iter().any(String::is_empty) {
                problems.error(path, format!("no value of `{claim}` is named"));
            }
        }
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
}

fn is_owner_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || "-_.".contains(char)
}

fn cluster_problems(path: Vec<PathSegment>, cluster: &str, problems: &mut Problems) {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    if is_pattern(cluster) {
        let message = "a cluster's id is never a pattern: anyone can have a cluster";
        problems.error(path, message);
    } else if cluster.len() != 32 || !cluster.bytes().all(plain) {
        let message = format!(
            "`{cluster}` is not a cluster's OIDC id: one has 32 capital letters and digits"
        );
        let hint = "it is the end of the cluster's OIDC issuer URL";
        problems.add(Level::Error, path, message, Some(hint.to_owned()));
    }
}

fn trust_anchor_problems(path: Vec<PathSegment>, anchor: &str, problems: &mut Problems) {
    let known = arn_parts(anchor).is_some_and(|(service, account, resource)| {
        service == "rolesanywhere"
            && is_account_id(account)
            && resource.starts_with("trust-anchor/")
    });
    if is_pattern(anchor) {
        let message = "a trust anchor is never a pattern: whoever creates one has its certificates";
        problems.error(path, message);
    } else if !known {
        let message = format!("`{anchor}` is not a trust anchor's ARN");
        problems.error(path, message);
    }
}
