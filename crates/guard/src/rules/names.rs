//! The forms of the names that rules are made of.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// An account id: 12 digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Characters that IAM admits in the names of roles and users.
pub(super) fn is_iam_name_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || "_+=,.@-".contains(char)
}

/// A pattern of names of roles or users.
pub(super) fn is_name_pattern(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|char| is_iam_name_char(char) || "*?".contains(char))
}

/// Whether a text holds a wildcard.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// A pattern that every name fits.
pub(super) fn fits_everybody(pattern: &str) -> bool {
    pattern.contains('*') && pattern.chars().all(|char| "*?".contains(char))
}

/// The moment from which on something with this `expires` no longer holds: a day counts to its
/// end in UTC. `None` where the text is neither a day nor a moment.
pub fn expiry(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    // `Date` reads a moment as well; only a bare day may come to here.
    if text.len() != "2027-03-31".len() {
        return None;
    }
    let day: Date = text.parse().ok()?;
    day.tomorrow()
        .ok()?
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|end| end.timestamp())
}

/// An external id as STS admits it: 2 to 1,224 of its characters.
pub(super) fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len())
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "+=,.@:/\\-_".contains(char))
}

/// The service, account and resource of `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
pub(crate) fn arn_parts(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.splitn(6, ':');
    let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let known = arn == "arn" && matches!(partition, "aws" | "aws-cn" | "aws-us-gov");
    (known && !resource.is_empty()).then_some((service, account, resource))
}

/// The word of a list that was most likely meant, if one is near enough.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::levenshtein(&word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .map(|(_, candidate)| candidate)
}

/// A principal's unique id, as AWS writes it in place of an ARN.
pub(super) fn is_unique_id(text: &str) -> bool {
    (16..=128).contains(&text.len())
        && (text.starts_with("AROA") || text.starts_with("AIDA"))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
