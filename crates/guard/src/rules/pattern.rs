//! Patterns with `*` and `?`, as rules write them.
//!
//! Matched with two pointers, never by recursion: the other side of the comparison is written by
//! attackers.

/// Whether everything that fits `inner` fits `outer`; case matters. It may say no where the
/// answer is yes (two patterns that need each other's `?` and `*` to be split), never yes where it
/// is no.
pub(crate) fn pattern_within(inner: &str, outer: &str) -> bool {
    let outer: Vec<char> = outer.chars().collect();
    let inner: Vec<char> = inner.chars().collect();
    // The inner pattern is read as text: its `*` stands for any text, so only the outer one's `*`
    // can swallow it, and its `?` for any character, so nothing narrower fits.
    within(&outer, &inner, |wanted, given| match wanted {
        '?' => given != '*',
        wanted => wanted == given && given != '*',
    })
}

fn within(pattern: &[char], text: &[char], fits: impl Fn(char, char) -> bool) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on when a guess for the latest `*` was too short.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&given) = text.get(at_text) {
        match pattern.get(at_pattern) {
            Some('*') => {
                retry = Some((at_pattern + 1, at_text));
                at_pattern += 1;
            }
            Some(&wanted) if fits(wanted, given) => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match retry {
                Some((after_star, taken)) => {
                    retry = Some((after_star, taken + 1));
                    at_pattern = after_star;
                    at_text = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(at_pattern..)
        .is_some_and(|rest| rest.iter().all(|&left| left == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts over an alphabet of at most so many characters.
    fn short_texts(alphabet: &[char], most: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..most {
            let longer = |text: &String| {
                alphabet
                    .iter()
                    .map(move |&next| format!("{text}{next}"))
                    .collect::<Vec<_>>()
            };
            last = last.iter().flat_map(longer).collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    /// An attacker's pattern lies within ours only if every text that fits theirs fits ours.
    #[test]
    fn what_is_within_admits_nothing_more() {
        let texts = short_texts(&['a', 'b', 'c'], 4);
        let patterns = short_texts(&['a', 'b', '*', '?'], 3);
        let admitted: Vec<Vec<bool>> = patterns
            .iter()
            .map(|pattern| {
                texts
                    .iter()
                    .map(|text| policy::glob::matches(pattern, text))
                    .collect()
            })
            .collect();
        let mut within = 0;
        for (inner, by_inner) in patterns.iter().zip(&admitted) {
            for (outer, by_outer) in patterns.iter().zip(&admitted) {
                if pattern_within(inner, outer) {
                    within += 1;
                    for ((text, inside), outside) in texts.iter().zip(by_inner).zip(by_outer) {
                        assert!(!inside || *outside, "{text} fits {inner}, not {outer}");
                    }
                }
            }
        }
        assert!(within > 500, "only {within} pairs were compared");
    }

    #[test]
    fn a_pattern_is_within_another_only_if_all_it_admits_is() {
        for (inner, outer, is_within) in [
            (
                "repo:acme/app:ref:refs/heads/main",
                "repo:acme/*:ref:refs/heads/main",
                true,
            ),
            ("repo:acme/*:ref:refs/heads/main", "repo:acme/*", true),
            ("repo:acme/*", "repo:acme/*:ref:refs/heads/main", false),
            ("repo:acme*", "repo:acme/*", false),
            ("repo:*", "repo:acme/*", false),
            ("a?", "a*", true),
            ("a?", "a?", true),
            ("a*", "a?", false),
            ("a", "A", false),
            ("*", "*", true),
            ("**", "*", true),
            ("a?c", "abc", false),
        ] {
            assert_eq!(
                pattern_within(inner, outer),
                is_within,
                "{inner} within {outer}"
            );
        }
    }

    #[test]
    fn hostile_patterns_take_no_time() {
        let pattern = "a*".repeat(2_000) + "b";
        let text = "a".repeat(8_000);
        assert!(!pattern_within(&text, &pattern));
    }
}
