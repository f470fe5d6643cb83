//! ARNs and other texts whose parts are divided by colons.
//!
//! Every principal is read so, often several times over, and the parts are a few letters long: a
//! plain loop over the bytes is several times faster there than a search made for long texts.

/// What precedes the first colon, and what follows it.
pub(crate) fn cut(text: &str) -> Option<(&str, &str)> {
    let colon = text.bytes().position(|byte| byte == b':')?;
    Some((text.get(..colon)?, text.get(colon + 1..)?))
}

/// What precedes the last colon, and what follows it: in a claim's key the issuer and the claim.
pub(crate) fn cut_last(text: &str) -> Option<(&str, &str)> {
    let colon = text.bytes().rposition(|byte| byte == b':')?;
    Some((text.get(..colon)?, text.get(colon + 1..)?))
}

/// The part behind so many colons, up to the next one.
pub(crate) fn part(text: &str, colons: usize) -> Option<&str> {
    let mut rest = text;
    for _ in 0..colons {
        (_, rest) = cut(rest)?;
    }
    Some(cut(rest).map_or(rest, |(part, _)| part))
}

/// 12 digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An ARN in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arn<'t> {
    pub(crate) partition: &'t str,
    pub(crate) service: &'t str,
    pub(crate) region: &'t str,
    pub(crate) account: &'t str,
    /// All the rest, colons among it.
    pub(crate) resource: &'t str,
}

impl<'t> Arn<'t> {
    /// Reads what follows `arn:`; `None` where parts are missing.
    pub(crate) fn read(rest: &'t str) -> Option<Self> {
        let (partition, rest) = cut(rest)?;
        let (service, rest) = cut(rest)?;
        let (region, rest) = cut(rest)?;
        let (account, resource) = cut(rest)?;
        Some(Self {
            partition,
            service,
            region,
            account,
            resource,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_between_colons() {
        for text in ["", ":", "a", "a:b", "é:b:", "::", "arn:aws:iam::1:root:x"] {
            assert_eq!(cut(text), text.split_once(':'), "{text}");
            assert_eq!(cut_last(text), text.rsplit_once(':'), "{text}");
            for colons in 0..8 {
                assert_eq!(part(text, colons), text.split(':').nth(colons), "{text}");
            }
        }
    }

    #[test]
    fn an_arn_has_five_parts_behind_its_first_colon() {
        let arn = Arn::read("aws:sns:eu-west-1:464622532012:a:b").unwrap();
        assert_eq!(
            (arn.partition, arn.service, arn.region),
            ("aws", "sns", "eu-west-1")
        );
        assert_eq!((arn.account, arn.resource), ("464622532012", "a:b"));
        assert_eq!(Arn::read("aws:iam::464622532012"), None);
    }
}
