//! Which of two patterns covers the other, and whether they meet.
//!
//! Walked with two pointers, never by recursion: one side may be written by attackers.

/// Whether every text that fits one pattern fits the other. `false` also where that could not be
/// shown: with a question mark over a variable.
pub fn covers(general: &str, specific: &str) -> bool {
    if general == specific || general == "*" {
        return true;
    }
    if specific.contains("${") && general.contains('?') {
        return false;
    }
    // As the matcher walks, but a star of the specific pattern is swallowed by a star only: it may
    // stand for nothing, or for much.
    let mut pattern = general.chars();
    let mut text = specific.chars();
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let before = text.clone();
        match (pattern.next(), text.next()) {
            (Some('*'), _) => {
                text = before;
                retry = Some((pattern.clone(), text.clone()));
            }
            (None, None) => return true,
            (Some('?'), Some(found)) if found != '*' => {}
            (Some(wanted), Some(found)) if wanted == found && wanted != '*' => {}
            _ => {
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

/// Longest pair of patterns, as the product of their lengths, of which it is worked out whether
/// they meet; longer ones are taken to.
const MOST: usize = 1 << 16;

/// Whether some text fits both patterns. A policy variable is taken for a star.
pub fn meet(left: &str, right: &str) -> bool {
    if left == "*" || right == "*" || left == right {
        return true;
    }
    if left.len().saturating_mul(right.len()) > MOST {
        return true;
    }
    let left = open_variables(left);
    let right = open_variables(right);
    // Row by row: `met[j]` says whether what was read of the left meets the first j of the right.
    let mut met: Vec<bool> = vec![true];
    for found in &right {
        let all_stars = met.last() == Some(&true) && *found == '*';
        met.push(all_stars);
    }
    for wanted in &left {
        let mut row: Vec<bool> = vec![*wanted == '*' && met.first() == Some(&true)];
        let mut pairs = met.windows(2);
        for found in &right {
            let Some([diagonal, above]) = pairs.next() else {
                break;
            };
            let before = row.last() == Some(&true);
            // A star swallows what stands against it, or nothing, or both end here.
            let here = if *wanted == '*' || *found == '*' {
                *diagonal || *above || before
            } else {
                *diagonal && (wanted == found || *wanted == '?' || *found == '?')
            };
            row.push(here);
        }
        met = row;
    }
    met.last() == Some(&true)
}

fn open_variables(pattern: &str) -> Vec<char> {
    let mut open = Vec::new();
    let mut rest = pattern;
    while let Some((before, variable)) = rest.split_once("${") {
        open.extend(before.chars());
        open.push('*');
        match variable.split_once('}') {
            Some((_, after)) => rest = after,
            None => return open,
        }
    }
    open.extend(rest.chars());
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glob;
    use crate::glob::tests::words;

    /// Against the definition, on every pair of short patterns and every short text.
    #[test]
    fn covering_and_meeting_are_what_they_say() {
        let patterns = words(&['a', 'b', '*', '?'], 3);
        let texts = words(&['a', 'b'], 6);
        let fitting: Vec<Vec<bool>> = patterns
            .iter()
            .map(|pattern| {
                texts
                    .iter()
                    .map(|text| glob::matches(pattern, text))
                    .collect()
            })
            .collect();
        let mut shown = 0;
        for (left, fits_left) in patterns.iter().zip(&fitting) {
            for (right, fits_right) in patterns.iter().zip(&fitting) {
                let mut pairs = fits_left.iter().zip(fits_right);
                let within = pairs.clone().all(|(left, right)| *left || !right);
                if covers(left, right) {
                    assert!(within, "{left} covers {right}");
                    shown += 1;
                }
                let shared = pairs.any(|(left, right)| *left && *right);
                assert_eq!(meet(left, right), shared, "{left} and {right}");
            }
        }
        assert!(shown > 500, "{shown}");
    }

    #[test]
    fn usual_patterns_cover_each_other() {
        for (general, specific, yes) in [
            ("arn:aws:s3:::*", "arn:aws:s3:::a/*", true),
            ("arn:aws:s3:::a/*", "arn:aws:s3:::a/b/*", true),
            ("arn:aws:s3:::a/*", "arn:aws:s3:::*", false),
            ("arn:aws:s3:::a?", "arn:aws:s3:::a*", false),
            ("arn:aws:s3:::a?", "arn:aws:s3:::a${aws:username}", false),
            ("arn:aws:s3:::a*", "arn:aws:s3:::a${aws:username}", true),
            ("*", "arn:aws:s3:::a", true),
            (
                "repo:acme/*:ref:refs/heads/main",
                "repo:acme/app:ref:refs/heads/main",
                true,
            ),
            ("repo:acme/*", "repo:acme/*:ref:refs/heads/main", true),
            ("repo:acme/*:ref:refs/heads/main", "repo:acme/*", false),
            ("repo:acme/*", "repo:acme*", false),
            ("repo:acme/*", "repo:*", false),
            ("a*", "a?", true),
            ("a?", "a?", true),
            ("A", "a", false),
            ("*", "**", true),
            ("abc", "a?c", false),
        ] {
            assert_eq!(covers(general, specific), yes, "{general} {specific}");
        }
        assert!(meet("arn:aws:s3:::a*", "arn:aws:s3:::*b"));
        assert!(!meet("arn:aws:s3:::a/*", "arn:aws:s3:::b/*"));
        assert!(meet("arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::b/*"));
    }

    #[test]
    fn hostile_patterns_take_no_time() {
        let pattern = "a*".repeat(2_000) + "b";
        let text = "a".repeat(8_000);
        assert!(!covers(&pattern, &text));
        assert!(meet(&pattern, &text), "too long to be worked out");
    }
}
