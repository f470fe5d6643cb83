//! Moments as programs write them that store or query CloudTrail's records.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A moment: RFC 3339, with a blank for its `T` or without a zone, which then is UTC, as CloudTrail
/// knows no other; or `/Date(1767603600000)/`, as Windows PowerShell writes it.
pub fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let milliseconds = text
        .strip_prefix("/Date(")
        .and_then(|text| text.strip_suffix(")/"));
    if let Some(milliseconds) = milliseconds {
        // What stands behind the number is the zone of whoever wrote it.
        let end = milliseconds.rfind(['+', '-']).filter(|at| *at > 0);
        let number = milliseconds.get(..end.unwrap_or(milliseconds.len()))?;
        let since_1970 = SignedDuration::from_millis(number.parse().ok()?);
        return Timestamp::from_duration(since_1970).ok();
    }
    let civil = text.strip_suffix("UTC").map_or(text, str::trim_end);
    let civil: DateTime = civil.parse().ok()?;
    let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_zone_is_utc() {
        for (text, expected) in [
            ("2026-03-10T10:00:00Z", Some("2026-03-10T10:00:00Z")),
            ("2026-03-10T10:00:00+02:00", Some("2026-03-10T08:00:00Z")),
            ("2026-03-10 10:00:00+00:00", Some("2026-03-10T10:00:00Z")),
            ("2026-03-10 10:00:00", Some("2026-03-10T10:00:00Z")),
            ("2026-03-10 10:00:00.000", Some("2026-03-10T10:00:00Z")),
            ("2026-03-10T10:00:00", Some("2026-03-10T10:00:00Z")),
            ("2026-03-10 10:00:00 UTC", Some("2026-03-10T10:00:00Z")),
            (
                "2026-03-10 10:00:00.123456 UTC",
                Some("2026-03-10T10:00:00.123456Z"),
            ),
            ("/Date(1773136800000)/", Some("2026-03-10T10:00:00Z")),
            ("/Date(1773136800000+0100)/", Some("2026-03-10T10:00:00Z")),
            ("/Date(-1000)/", Some("1969-12-31T23:59:59Z")),
            ("yesterday", None),
            ("", None),
        ] {
            let read = moment(text).map(|moment| moment.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
