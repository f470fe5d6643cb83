//! Which principals a trust policy may name.

use super::problem::{Path, Problems, shorten};
use super::reader::{Fault, Kind, Text};
use super::statement::Parser;
use crate::arn::{Arn, is_account};
use crate::document::{Principal, PrincipalKind};
use crate::glob::has_wildcard;

/// The keys a trust policy may name principals under.
const KINDS: [&str; 3] = ["AWS", "Service", "Federated"];

impl<'a> Parser<'a> {
    /// A `Principal` or `NotPrincipal`.
    pub(super) fn principals(&mut self, path: &Path<'_>) -> Result<Vec<Principal<'a>>, Fault> {
        let kind = self.reader.peek()?;
        let start = self.reader.at();
        if kind == Kind::Text {
            return Ok(vec![self.bare_principal(path)?]);
        }
        if kind != Kind::Object {
            self.wrong(path, "a principal", "an object, as {\"AWS\": \"…\"}", kind)?;
            return Ok(Vec::new());
        }
        let mut principals = Vec::new();
        let mut seen = 0;
        self.reader.open_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            let path = path.key(&key.value);
            let kind = match key.value.as_ref() {
                "AWS" => PrincipalKind::Aws,
                "Service" => PrincipalKind::Service,
                "Federated" => PrincipalKind::Federated,
                _ => PrincipalKind::Unknown,
            };
            let place = KINDS.iter().position(|known| *known == key.value);
            self.once(&mut seen, place, &key, &path);
            if kind == PrincipalKind::Unknown {
                self.unknown_principal_type(&key, &path);
            } else {
                // Of equal keys the last counts; unknown ones mean nothing anyway.
                principals.retain(|principal: &Principal<'_>| principal.kind != kind);
            }
            let before = principals.len();
            self.each_text(&path, "a principal", |problems, path, text| {
                principals.push(principal(kind, text, path, problems));
            })?;
            if principals.len() == before {
                self.problems
                    .error(key.span.start, &path, "no principal is named here");
            }
        }
        if principals.is_empty() {
            self.problems
                .error(start, path, "at least one principal must be named");
        }
        Ok(principals)
    }

    fn unknown_principal_type(&mut self, key: &Text<'a>, path: &Path<'_>) {
        let message = if key.value == "CanonicalUser" {
            "\"CanonicalUser\" is for bucket policies; a trust policy names the account under \
             \"AWS\""
                .to_owned()
        } else {
            let meant = self.problems.meant(&key.value, KINDS);
            format!(
                "there is no principal type \"{}\"{meant}",
                shorten(&key.value)
            )
        };
        self.problems.error(key.span.start, path, message);
    }

    /// A string where an object belongs. IAM refuses all of them, and `"*"` is clear all the same.
    fn bare_principal(&mut self, path: &Path<'_>) -> Result<Principal<'a>, Fault> {
        let text = self.reader.string()?;
        let everyone = text.value == "*";
        let kind = if everyone {
            PrincipalKind::Everyone
        } else {
            PrincipalKind::Unknown
        };
        self.problems.error(
            text.span.start,
            path,
            if everyone {
                "a trust policy may not hold the bare \"*\": everyone is {\"AWS\": \"*\"}"
            } else {
                "a principal must be an object, as {\"AWS\": \"…\"}"
            },
        );
        Ok(Principal {
            kind,
            value: text.value,
            meaningless: !everyone,
            span: text.span,
        })
    }
}

/// Reads one principal's value; `meaningless` where nobody can be meant.
fn principal<'a>(
    kind: PrincipalKind,
    text: Text<'a>,
    path: &Path<'_>,
    problems: &mut Problems,
) -> Principal<'a> {
    let impossible = match kind {
        PrincipalKind::Everyone => None,
        // Said once, at the key.
        PrincipalKind::Unknown => {
            return Principal {
                kind,
                value: text.value,
                meaningless: true,
                span: text.span,
            };
        }
        PrincipalKind::Aws => aws(&text.value),
        PrincipalKind::Service => service(&text.value),
        PrincipalKind::Federated => federated(&text.value),
    };
    let meaningless = impossible.is_some();
    if let Some(message) = impossible {
        problems.error(text.span.start, path, message);
    }
    Principal {
        kind,
        value: text.value,
        meaningless,
        span: text.span,
    }
}

const FORMS: &str =
    "name an account id, a user, role, session or federated user ARN, or \"*\" for everyone";

/// Why this cannot stand under `AWS`.
fn aws(value: &str) -> Option<String> {
    if value == "*" || is_account(value) || is_unique_id(value) {
        return None;
    }
    if let Some(arn) = value.strip_prefix("arn:") {
        return aws_arn(arn);
    }
    let digits: String = value.chars().filter(|c| *c != '-' && *c != ' ').collect();
    Some(if is_account(&digits) {
        format!("an account id is written without hyphens or spaces: \"{digits}\"")
    } else if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("an account id has 12 digits, this has {}", value.len())
    } else if has_wildcard(value) {
        wildcard()
    } else if service(value).is_none() {
        "this is a service: it stands under \"Service\", not under \"AWS\"".to_owned()
    } else {
        format!("this is not an AWS principal; {FORMS}")
    })
}

fn wildcard() -> String {
    "a wildcard inside a principal matches nobody; name each one, or use \"*\" with a condition \
     on aws:PrincipalArn"
        .to_owned()
}

/// Why an ARN (without its `arn:`) names no principal.
fn aws_arn(arn: &str) -> Option<String> {
    if has_wildcard(arn) {
        return Some(wildcard());
    }
    if arn.bytes().any(|c| c == b'$') && arn.contains("${") {
        return Some("policy variables have no meaning in a principal".to_owned());
    }
    let Some(Arn {
        partition,
        service,
        region,
        account,
        resource,
    }) = Arn::read(arn)
    else {
        return Some("an ARN has six parts: arn:aws:iam::ACCOUNT:role/NAME".to_owned());
    };
    if !is_partition(partition) {
        return Some(format!("there is no partition \"{partition}\""));
    }
    if !region.is_empty() {
        return Some("the ARN of a principal names no region".to_owned());
    }
    if !is_account(account) {
        return Some("the ARN's account id must have 12 digits".to_owned());
    }
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    match (service, kind) {
        ("iam", "root") if !resource.contains('/') => None,
        ("iam", "user" | "role") => {
            let (path, name) = name.rsplit_once('/').unwrap_or(("", name));
            (!is_name(name, 1, 64) || !is_path(path))
                .then(|| format!("this ARN names no {kind}: arn:aws:iam::ACCOUNT:{kind}/NAME"))
        }
        ("sts", "assumed-role") => {
            let fits = name
                .split_once('/')
                .is_some_and(|(role, session)| is_name(role, 1, 64) && is_name(session, 2, 64));
            (!fits).then(|| {
                "the ARN of a role's session is arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION"
                    .to_owned()
            })
        }
        ("sts", "federated-user") => (!is_name(name, 2, 64)).then(|| {
            "the ARN of a federated user is arn:aws:sts::ACCOUNT:federated-user/NAME".to_owned()
        }),
        ("iam", "group") => Some("a group cannot be a principal; name its users".to_owned()),
        ("iam", "saml-provider" | "oidc-provider") => {
            Some("an identity provider stands under \"Federated\", not under \"AWS\"".to_owned())
        }
        _ => Some(format!("this ARN names no principal; {FORMS}")),
    }
}

/// Domains under which AWS names its services, in its several partitions.
const SERVICE_DOMAINS: [&str; 8] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".amazon.com",
    ".aws.internal",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
];

/// Why this cannot stand under `Service`.
fn service(value: &str) -> Option<String> {
    if has_wildcard(value) {
        return Some("a service cannot be a wildcard; name each service".to_owned());
    }
    let name = SERVICE_DOMAINS
        .iter()
        .find_map(|domain| value.strip_suffix(domain));
    let known = name.is_some_and(|name| {
        name.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        })
    });
    (!known).then(|| {
        let short = value
            .split('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let plain = !short.is_empty() && short.bytes().all(|c| c.is_ascii_alphanumeric());
        let meant = if plain && value.len() < 64 {
            format!("; did you mean \"{short}.amazonaws.com\"?")
        } else {
            String::new()
        };
        format!("a service is named like \"ec2.amazonaws.com\"{meant}")
    })
}

/// Why this cannot stand under `Federated`.
fn federated(value: &str) -> Option<String> {
    if has_wildcard(value) {
        return Some("an identity provider cannot be a wildcard; name each provider".to_owned());
    }
    let Some(arn) = value.strip_prefix("arn:") else {
        // IAM: "Federated principals must be valid domain names or SAML metadata ARNs".
        return (!is_domain(value)).then(|| {
            "an identity provider is named by its ARN \
             (arn:aws:iam::ACCOUNT:oidc-provider/HOST, …:saml-provider/NAME) or by its domain"
                .to_owned()
        });
    };
    let fits = Arn::read(arn).is_some_and(|arn| {
        is_partition(arn.partition)
            && arn.service == "iam"
            && arn.region.is_empty()
            && is_account(arn.account)
            && is_provider(arn.resource)
    });
    (!fits).then(|| {
        "the ARN of an identity provider is arn:aws:iam::ACCOUNT:saml-provider/NAME or \
         arn:aws:iam::ACCOUNT:oidc-provider/HOST"
            .to_owned()
    })
}

fn is_provider(resource: &str) -> bool {
    match resource.split_once('/') {
        Some(("saml-provider", name)) => is_name(name, 1, 128),
        Some(("oidc-provider", host)) => {
            let (host, path) = host.split_once('/').unwrap_or((host, ""));
            is_host(host) && path.bytes().all(|c| c.is_ascii_graphic())
        }
        _ => false,
    }
}

/// A host, with a port where one is given.
fn is_host(host: &str) -> bool {
    let (host, port) = host.split_once(':').unwrap_or((host, "443"));
    is_domain(host) && port.bytes().all(|c| c.is_ascii_digit()) && (1..=5).contains(&port.len())
}

fn is_domain(value: &str) -> bool {
    value.len() <= 255
        && value.contains('.')
        && value.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
        })
}

/// The id that a stored document shows in place of a deleted role or user.
/// Source: IAM user guide, "IAM identifiers", unique identifiers.
fn is_unique_id(value: &str) -> bool {
    (16..=128).contains(&value.len())
        && (value.starts_with("AROA") || value.starts_with("AIDA"))
        && value
            .bytes()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_partition(value: &str) -> bool {
    value.strip_prefix("aws").is_some_and(|rest| {
        rest.is_empty()
            || (rest.len() > 1
                && rest.starts_with('-')
                && rest.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'))
    })
}

/// Source: IAM's API reference: names match `[\w+=,.@-]+`.
fn is_name(value: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&value.len())
        && value.bytes().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
        })
}

/// Source: IAM's API reference: a path is printable and at most 512 characters.
fn is_path(value: &str) -> bool {
    value.len() <= 512 && value.bytes().all(|c| c.is_ascii_graphic())
}
