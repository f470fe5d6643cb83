//! "Did you mean": the known word nearest to one that is not known.

/// The candidate that takes the fewest edits, if that is few enough to be what was meant.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A command line may hold megabytes; nothing that long is near a word of ours.
    let word: String = word.to_lowercase().chars().take(100).collect();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, candidate), candidate))
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

#[cfg(test)]
mod tests {
    use super::*;

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
