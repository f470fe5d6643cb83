//! Patterns with `*` (any run of characters) and `?` (any one character).
//!
//! Documents are written by attackers, so a pattern is matched with two pointers and one place to
//! go back to, in time that grows with pattern × text and never with their exponential; there is
//! no recursion and no compiled automaton.

use std::borrow::Cow;

/// Whether the text holds a wildcard.
pub(crate) fn has_wildcard(text: &str) -> bool {
    text.bytes().any(is_wildcard)
}

/// `*` or `?`.
pub(crate) fn is_wildcard(byte: u8) -> bool {
    matches!(byte, b'*' | b'?')
}

/// A text that fits the pattern: each `*` and each `?` replaced.
pub(crate) fn filled<'p>(pattern: &'p str, many: &str, one: &str) -> Cow<'p, str> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(place) = rest.bytes().position(is_wildcard) {
        let (before, wild) = rest.split_at(place);
        let Some((wild, after)) = wild.split_at_checked(1) else {
            break;
        };
        if text.is_empty() {
            text.reserve_exact(pattern.len() + many.len());
        }
        text.push_str(before);
        text.push_str(if wild == "*" { many } else { one });
        rest = after;
    }
    if rest.len() == pattern.len() {
        return Cow::Borrowed(pattern);
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Whether the text fits the pattern, letter by letter.
pub fn matches(pattern: &str, text: &str) -> bool {
    walk(
        pattern,
        text,
        |left, right| left == right,
        |left, right| left == right,
    )
}

/// Whether the text fits the pattern, ASCII letters compared without case.
pub fn matches_ignoring_case(pattern: &str, text: &str) -> bool {
    walk(
        pattern,
        text,
        |left, right| left.eq_ignore_ascii_case(right),
        |left, right| left.eq_ignore_ascii_case(&right),
    )
}

/// `None`: the text cannot fit. Else both behind what they begin with alike, up to the first wildcard:
/// compared byte by byte, since most patterns are told from most texts by their first letters, and
/// characters are the same where all of their bytes are.
fn behind_same<'p, 't>(
    pattern: &'p str,
    text: &'t str,
    same: impl Fn(&u8, &u8) -> bool,
) -> Option<(&'p str, &'t str)> {
    let mut length = 0;
    for (wanted, found) in pattern.bytes().zip(text.bytes()) {
        if is_wildcard(wanted) {
            break;
        }
        if !same(&wanted, &found) {
            return None;
        }
        length += 1;
    }
    Some((pattern.get(length..)?, text.get(length..)?))
}

fn walk(
    pattern: &str,
    text: &str,
    same_byte: impl Fn(&u8, &u8) -> bool,
    same: impl Fn(char, char) -> bool,
) -> bool {
    let Some((pattern, text)) = behind_same(pattern, text, same_byte) else {
        return false;
    };
    let mut pattern = pattern.chars();
    let mut text = text.chars();
    // After the last `*`: the pattern behind it, and the text that it has not swallowed yet.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let before = text.clone();
        match (pattern.next(), text.next()) {
            (Some('*'), _) => {
                if pattern.as_str().is_empty() {
                    return true;
                }
                text = before;
                retry = Some((pattern.clone(), text.clone()));
            }
            (None, None) => return true,
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if same(wanted, found) => {}
            _ => {
                // The star swallows one character more.
                let Some((rest, unread)) = &mut retry else {
                    return false;
                };
                if unread.next().is_none() {
                    return false;
                }
                pattern = rest.clone();
                text = unread.clone();
            }
        }
    }
}

/// Whether an ARN fits a pattern as `ArnLike` and `ArnEquals` match: both are cut at their first
/// five colons, and each of the six parts is a pattern of its own, so that no `*` reaches over a
/// colon into the next part. What has fewer parts is no ARN and fits nothing; the lone pattern `*`
/// is every ARN.
pub fn matches_arn(pattern: &str, arn: &str) -> bool {
    let mut wanted = pattern.splitn(6, ':');
    let mut found = arn.splitn(6, ':');
    let every = pattern == "*";
    (0..6).all(|_| match (wanted.next(), found.next()) {
        (_, Some(_)) if every => true,
        (Some(wanted), Some(found)) => matches(wanted, found),
        _ => false,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The definition, exponential and obviously right.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|cut| by_definition(rest, &text[cut..])),
            Some((wanted, rest)) => text.split_first().is_some_and(|(found, left)| {
                (*wanted == '?' || wanted == found) && by_definition(rest, left)
            }),
        }
    }

    /// Every text of these letters, up to so many.
    pub(crate) fn words(alphabet: &[char], longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            last = last
                .iter()
                .flat_map(|word| alphabet.iter().map(move |letter| format!("{word}{letter}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn equals_the_definition_on_every_short_pattern_and_text() {
        let texts = words(&['a', 'b'], 5);
        for pattern in words(&['a', 'b', '*', '?'], 5) {
            let letters: Vec<char> = pattern.chars().collect();
            for text in &texts {
                let expected = by_definition(&letters, &text.chars().collect::<Vec<_>>());
                assert_eq!(matches(&pattern, text), expected, "{pattern} on {text}");
            }
        }
    }

    #[test]
    fn case_counts_unless_it_is_to_be_ignored() {
        assert!(!matches("Acme-*", "acme-1"));
        assert!(matches_ignoring_case("Acme-*", "aCME-1"));
        assert!(!matches_ignoring_case("É", "é"), "ASCII letters only");
    }

    #[test]
    fn wildcards_are_filled_in() {
        for (pattern, text) in [
            ("", ""),
            ("abc", "abc"),
            ("*", "many"),
            ("a?*é?", "a1manyé1"),
            ("**b", "manymanyb"),
        ] {
            assert_eq!(filled(pattern, "many", "1"), text, "{pattern}");
        }
    }

    #[test]
    fn a_question_mark_is_one_character_not_one_byte() {
        assert!(matches("a?c", "aéc"));
        assert!(!matches("a?c", "ac"));
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_not() {
        let text = "a".repeat(4096);
        let pattern = format!("{}b", "*a".repeat(64));
        assert!(!matches(&pattern, &text));
    }

    #[test]
    fn arns_match_by_segment() {
        for (pattern, arn, fits) in [
            ("arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a/b", true),
            ("arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", true),
            ("arn:aws:*", "arn:aws:iam::1:role/x", false),
            ("*", "arn:aws:iam::1:role/x", true),
            ("*", "arn:aws:iam::1", false),
            ("arn:*:role/x", "arn:aws:iam::1:role/x", false),
            ("arn:aws:iam::*", "arn:aws:iam::1:role/x", false),
            ("arn:aws:sns:*:1:a:*", "arn:aws:sns:eu:1:a:b:c", true),
            ("arn:aws:iam::1:role/x", "arn:aws:iam::1", false),
            ("*:*:*:*:*:*", "arn:aws:iam::1:role/x", true),
            ("ARN:aws:iam::1:role/x", "arn:aws:iam::1:role/x", false),
            ("arn:a?s:iam::1:r*", "arn:aws:iam::1:root", true),
        ] {
            assert_eq!(matches_arn(pattern, arn), fits, "{pattern} on {arn}");
        }
    }
}
