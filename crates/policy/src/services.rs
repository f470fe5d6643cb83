//! AWS services by their names.

use std::borrow::Cow;

/// Lends its roles to whoever holds a certificate of a trust anchor.
pub const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";

/// The name of a service without the region that it may carry: `logs.eu-west-1.amazonaws.com` is
/// `logs.amazonaws.com`, and so is `logs.cn-north-1.amazonaws.com.cn`.
///
/// # Example
/// ```
/// use trustwarden_policy::services::region_apart;
/// assert_eq!(region_apart("logs.eu-west-1.amazonaws.com"), "logs.amazonaws.com");
/// assert_eq!(region_apart("delivery.logs.amazonaws.com"), "delivery.logs.amazonaws.com");
/// ```
pub fn region_apart(service: &str) -> Cow<'_, str> {
    let Some(stem) = ["", ".cn"].into_iter().find_map(|end| {
        let stem = service.strip_suffix(end)?;
        stem.strip_suffix(".amazonaws.com")
    }) else {
        return service.into();
    };
    match stem.rsplit_once('.') {
        Some((name, region)) if is_region(region) => format!("{name}.amazonaws.com").into(),
        _ if service.ends_with(".cn") => format!("{stem}.amazonaws.com").into(),
        _ => service.into(),
    }
}

/// As `eu-west-1` or `us-gov-east-1`: letters, one or more words, a number.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let begins = parts.next().is_some_and(|first| {
        first.len() == 2 && first.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    let ends = parts
        .next_back()
        .is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
    let words: Vec<&str> = parts.collect();
    let is_word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    begins && ends && !words.is_empty() && words.iter().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::region_apart;

    #[test]
    fn only_a_region_is_taken_from_a_name() {
        for (name, service) in [
            ("states.us-gov-east-1.amazonaws.com", "states.amazonaws.com"),
            ("logs.cn-north-1.amazonaws.com.cn", "logs.amazonaws.com"),
            ("ec2.amazonaws.com.cn", "ec2.amazonaws.com"),
            ("ec2.amazonaws.com", "ec2.amazonaws.com"),
            (
                "credentials.iot.amazonaws.com",
                "credentials.iot.amazonaws.com",
            ),
            (
                "monitoring.rds.amazonaws.com",
                "monitoring.rds.amazonaws.com",
            ),
            (
                "account-access.amazonaws.com",
                "account-access.amazonaws.com",
            ),
            (
                "a.bedrock-agentcore.amazonaws.com",
                "a.bedrock-agentcore.amazonaws.com",
            ),
            ("logs.eu-west-1.evil.example", "logs.eu-west-1.evil.example"),
            ("eu-west-1.amazonaws.com", "eu-west-1.amazonaws.com"),
        ] {
            assert_eq!(region_apart(name), service, "{name}");
        }
    }
}
