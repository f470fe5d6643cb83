//! What a finding is known by from run to run, wherever in a file it moves to.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::found::Found;

/// Its name among SARIF's `partialFingerprints`; what goes into it changes with its number.
pub(crate) const NAME: &str = "trustwarden/v1";

/// The fingerprint of a finding: 32 hexadecimal digits.
pub(crate) fn fingerprint(found: &Found) -> String {
    let about = &found.about;
    of(
        found.finding.code.code(),
        about.account.as_deref().unwrap_or_default(),
        about.address().unwrap_or(&about.subject),
        &found.finding.message,
    )
}

/// The same, by its parts.
pub(super) fn of(code: &str, account: &str, subject: &str, message: &str) -> String {
    let mut sum = Sha256::new();
    for part in [code, account, subject, &without_numbers(message)] {
        sum.update(part.as_bytes());
        sum.update([0]);
    }
    let sum = sum.finalize();
    sum.iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Days and counts change from run to run; account ids do not.
fn without_numbers(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut digits = String::new();
    for character in message.chars().chain([' ']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if digits.len() >= 12 {
            out.push_str(&digits);
        } else if !digits.is_empty() {
            out.push('#');
        }
        digits.clear();
        out.push(character);
    }
    out
}

/// Fingerprints in order; of findings that are alike the second has a number behind it.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints(HashMap<String, usize>);

impl Fingerprints {
    /// The next finding's.
    pub(crate) fn next(&mut self, found: &Found) -> String {
        let mut mark = fingerprint(found);
        let seen = self.0.entry(mark.clone()).or_default();
        *seen += 1;
        if *seen > 1 {
            mark.push_str(&format!(":{seen}"));
        }
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_by_and_the_finding_stays() {
        let mark = |message: &str| of("access-key-too-old", "111122223333", "user/a", message);
        assert_eq!(
            mark("access key 1 is 91 days old"),
            mark("access key 1 is 120 days old")
        );
        assert_ne!(mark("account 444455556666"), mark("account 777788889999"));
        assert_eq!(mark("x").len(), 32);
    }
}
