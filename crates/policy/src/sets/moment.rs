//! Moments in time as conditions write them.

use jiff::Timestamp;
use jiff::civil;

/// A moment in whole seconds, as requests tell it: `2026-11-21T00:00:00Z`.
pub(crate) type Text = [u8; 20];

/// The last moment that has such a text.
pub(crate) const LAST: Text = *b"9999-12-31T23:59:59Z";

/// The text of a whole second; `None` before the year 0 and for parts of one.
pub(crate) fn text(at: Timestamp) -> Option<Text> {
    at.to_string().into_bytes().try_into().ok()
}

/// One character further along the text of a moment between two others: which of the two it still
/// equals, and a digit of tens to remember, stand in `part`. The calendar is not known: a month
/// may have 31 days.
pub(crate) fn step(first: &Text, last: &Text, part: u8, offset: u16, c: char) -> Option<u8> {
    let place = usize::from(offset);
    let (low, high) = (*first.get(place)?, *last.get(place)?);
    let byte = u8::try_from(c).ok()?;
    let (on_low, on_high, tens) = (part & 1 == 1, part & 2 == 2, part >> 2);
    let fits = match place {
        4 | 7 | 10 | 13 | 16 | 19 => byte == low,
        // Tens of months, days, hours, minutes and seconds; then what may follow them.
        5 => byte.is_ascii_digit() && byte <= b'1',
        8 => byte.is_ascii_digit() && byte <= b'3',
        11 => byte.is_ascii_digit() && byte <= b'2',
        14 | 17 => byte.is_ascii_digit() && byte <= b'5',
        6 if tens == 1 => matches!(byte, b'0'..=b'2'),
        9 if tens == 3 => matches!(byte, b'0' | b'1'),
        6 | 9 if tens == 0 => matches!(byte, b'1'..=b'9'),
        12 if tens == 2 => matches!(byte, b'0'..=b'3'),
        _ => byte.is_ascii_digit(),
    };
    if !fits || (on_low && byte < low) || (on_high && byte > high) {
        return None;
    }
    let tens = match place {
        5 | 8 | 11 => byte - b'0',
        _ => 0,
    };
    Some(tens << 2 | u8::from(on_high && byte == high) << 1 | u8::from(on_low && byte == low))
}

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
