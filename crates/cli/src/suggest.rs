//! "Did you mean": the known word nearest to one that is not known.

/// The candidate that takes the fewest edits, if that is few enough to be what was meant.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (edits(&word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= candidate.chars().count().max(3) / 3 || part_of(&word, candidate)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// `external-id` is not far from `missing-external-id`, however many letters are missing.
fn part_of(word: &str, candidate: &str) -> bool {
    word.len() >= 5 && candidate.contains(word)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `from` to `to`.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    // A command line may hold megabytes; nothing that long is near a word of ours.
    for (done, letter) in from.chars().take(100).enumerate() {
        let mut next = vec![done + 1];
        let mut previous_to = None;
        for (index, wanted) in to.iter().copied().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX);
            let mut best = (at(&row, index) + usize::from(letter != wanted))
                .min(at(&row, index + 1) + 1)
                .min(at(&next, index) + 1);
            if Some(letter) == previous_to && Some(wanted) == previous && index > 0 {
                best = best.min(at(&before, index - 1).saturating_add(1));
            }
            next.push(best);
            previous_to = Some(wanted);
        }
        before = std::mem::replace(&mut row, next);
        previous = Some(letter);
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_what_a_typist_does() {
        for (from, to, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("vendros", "vendors", 1),
            ("vendor", "vendors", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(edits(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn only_near_words_are_meant() {
        let words = [
            "public-trust",
            "missing-external-id",
            "root-sign-in",
            "root-activity",
        ];
        assert_eq!(nearest("publik-trust", words), Some("public-trust"));
        assert_eq!(nearest("PUBLIC-TRUST", words), Some("public-trust"));
        assert_eq!(nearest("external-id", words), Some("missing-external-id"));
        assert_eq!(nearest("root-sing-in", words), Some("root-sign-in"));
        assert_eq!(nearest("banana", words), None);
        assert_eq!(nearest("", words), None);
    }
}
