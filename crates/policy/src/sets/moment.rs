//! Moments in time as conditions write them.

use jiff::Timestamp;
use jiff::civil;

/// Reads ISO 8601 in the forms that IAM documents (a date, a time to the minute, second or
/// fraction, `Z` or an offset), or epoch seconds.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && text.len() != 4 {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    // Without a sign a year has four digits, which most texts that are no moment do not begin with.
    let unsigned = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if unsigned && !text.bytes().take(4).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let utc = jiff::tz::TimeZone::UTC;
    if let Ok(date_time) = text.trim_end_matches(['Z', 'z']).parse::<civil::DateTime>() {
        return date_time.to_zoned(utc).ok().map(|zoned| zoned.timestamp());
    }
    let (year, month) = match text.split_once('-') {
        Some((year, month)) => (year, month.parse().ok()?),
        None => (text, 1),
    };
    if year.len() != 4 {
        return None;
    }
    let date = civil::Date::new(year.parse().ok()?, month, 1).ok()?;
    date.to_zoned(utc).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_iam_documents() {
        let new_year = "2027-01-01T00:00:00Z".parse::<Timestamp>().ok();
        for text in [
            "2027-01-01T00:00:00Z",
            "2027-01-01T00:00Z",
            "2027-01-01T01:00:00+01:00",
            "2027-01-01",
            "2027-01",
            "2027",
            "1798761600",
        ] {
            assert_eq!(parse(text), new_year, "{text}");
        }
        for text in ["tomorrow", "", "2027-13-01", "2027-01-01T25:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
