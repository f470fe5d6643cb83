//! What an external id is worth: whether someone who knows the vendor and the customer could guess
//! it.

use serde::{Deserialize, Serialize};

/// Why an external id can be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weakness {
    /// Twelve digits, with or without hyphens: an account id.
    AccountId,
    /// A name of the context, of a known vendor, or of a company, with little around it.
    Name,
    /// A date.
    Date,
    /// A phone number.
    PhoneNumber,
    /// Fewer than eight characters.
    Short,
    /// An everyday word, digits that run on, or few different characters.
    LowEntropy,
}

impl std::fmt::Display for Weakness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AccountId => "it is an account id",
            Self::Name => "it is made of the vendor's or a company's name",
            Self::Date => "it is a date",
            Self::PhoneNumber => "it is a phone number",
            Self::Short => "it is shorter than 8 characters",
            Self::LowEntropy => "it is an everyday word, or of few different characters",
        })
    }
}

/// Names that stand in many external ids and make none of them secret. Lower case, letters only.
const VENDORS: &[&str] = &[
    "aws",
    "amazon",
    "datadog",
    "newrelic",
    "snowflake",
    "databricks",
    "splunk",
    "wiz",
    "lacework",
    "orca",
    "prismacloud",
    "paloalto",
    "crowdstrike",
    "vanta",
    "drata",
    "secureframe",
    "cloudhealth",
    "cloudability",
    "cloudzero",
    "vantage",
    "spot",
    "spotinst",
    "dynatrace",
    "elastic",
    "grafana",
    "pagerduty",
    "sumologic",
    "logzio",
    "rapid",
    "qualys",
    "tenable",
    "snyk",
    "terraform",
    "hashicorp",
    "github",
    "gitlab",
    "okta",
    "segment",
    "fivetran",
    "stitch",
    "mongodb",
    "confluent",
    "trendmicro",
    "checkpoint",
    "dome",
    "fortinet",
    "sophos",
    "turbot",
    "cloudcheckr",
    "densify",
    "kubecost",
    "harness",
    "spacelift",
    "pulumi",
    "zscaler",
    "netskope",
    "rubrik",
    "veeam",
    "druva",
    "cohesity",
    "aviatrix",
    "alertlogic",
    "armor",
    "expel",
    "arcticwolf",
    "sentinelone",
    "acme",
];

/// Words that people use where a secret was asked for. Lower case, letters only.
const WORDS: &[&str] = &[
    "external",
    "externalid",
    "id",
    "secret",
    "password",
    "passw",
    "test",
    "testing",
    "example",
    "sample",
    "demo",
    "default",
    "changeme",
    "change",
    "me",
    "role",
    "assume",
    "assumerole",
    "access",
    "admin",
    "administrator",
    "root",
    "user",
    "account",
    "prod",
    "production",
    "dev",
    "development",
    "stage",
    "staging",
    "qa",
    "uat",
    "shared",
    "key",
    "token",
    "value",
    "my",
    "your",
    "the",
    "company",
    "corp",
    "corporation",
    "inc",
    "llc",
    "ltd",
    "gmbh",
    "customer",
    "client",
    "vendor",
    "partner",
    "integration",
    "monitoring",
    "security",
    "audit",
    "auditor",
    "backup",
    "readonly",
    "read",
    "only",
    "cross",
    "crossaccount",
    "trust",
    "trusted",
    "unique",
    "string",
    "some",
    "any",
    "cloud",
    "service",
    "team",
    "org",
    "organization",
    "tenant",
    "placeholder",
    "todo",
    "foo",
    "bar",
    "baz",
    "hello",
    "world",
    "welcome",
    "letmein",
    "qwerty",
    "abc",
    "xyz",
    "old",
    "new",
    "for",
    "and",
    "of",
    "to",
];

/// A UUID in its usual form, in any case.
pub fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Why `value` can be guessed, if it can. `context` holds words an attacker knows: the names of
/// the vendor, of the own company, of the role; account ids. Case and punctuation do not count.
///
/// # Example
/// ```
/// use trustwarden_policy::external_id::{Weakness, quality};
/// assert_eq!(quality("464622532012", &[]), Some(Weakness::AccountId));
/// assert_eq!(quality("globex-2024", &["Globex"]), Some(Weakness::Name));
/// assert_eq!(quality("0f2d6c1e-6a55-4d2b-9c63-7a1d6c7f1b21", &[]), None);
/// ```
pub fn quality(value: &str, context: &[&str]) -> Option<Weakness> {
    // What most external ids are, and should be, costs no text.
    if is_uuid(value) {
        let digits = value.bytes().filter(|byte| *byte != b'-');
        let digits = digits.map(|byte| byte.to_ascii_lowercase());
        let guessable = !has_different(digits.clone(), 6) || runs_on(digits);
        return guessable.then_some(Weakness::LowEntropy);
    }
    let plain: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let letters: String = plain.chars().filter(char::is_ascii_alphabetic).collect();
    let phone_marks = value
        .chars()
        .all(|c| c.is_ascii_digit() || "+-.:/= ".contains(c));
    if letters.is_empty() {
        if is_date(value, &digits) {
            return Some(Weakness::Date);
        }
        if digits.len() == 12 {
            return Some(Weakness::AccountId);
        }
        if phone_marks && (7..=15).contains(&digits.len()) {
            return Some(Weakness::PhoneNumber);
        }
    }
    // Names first, so that the reason given is the one to act on.
    let mut known: Vec<String> = context
        .iter()
        .map(|word| {
            word.chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
        })
        .map(|word| word.to_ascii_lowercase())
        .filter(|word| word.len() >= 3)
        .collect();
    known.sort_by_key(|word| std::cmp::Reverse(word.len()));
    if known
        .iter()
        .any(|word| plain.contains(word.as_str()) && secret_part(&plain, word) < 8)
    {
        return Some(if twelve_digits(&digits) {
            Weakness::AccountId
        } else {
            Weakness::Name
        });
    }
    // An account id within words, as `datadog-111122223333`. Of a hundred random texts of 32
    // hexadecimal digits one holds such a run too.
    if let Some(run) = longest_digits(value)
        && run.len() == 12
        && letters.len() < 16
        && !is_random(&value.replacen(run, "", 1))
    {
        return Some(Weakness::AccountId);
    }
    // Digits beside words are years, counters, environments, until they are long.
    if digits.len() < 8 {
        let words = words_of(value);
        let is_vendor = |word: &String| VENDORS.contains(&word.as_str());
        let is_known = |word: &String| is_vendor(word) || WORDS.contains(&word.as_str());
        if !words.is_empty() && words.iter().all(is_known) {
            return Some(if words.iter().any(is_vendor) {
                Weakness::Name
            } else {
                short_or(value, Weakness::LowEntropy)
            });
        }
    }
    if value.chars().count() < 8 {
        return Some(Weakness::Short);
    }
    if !has_different(plain.bytes(), 5) || runs_on(plain.bytes()) {
        return Some(Weakness::LowEntropy);
    }
    // Letters alone, short, in one case and easy to say: a name that stands in no list.
    let one_case = value
        .chars()
        .filter(|c| c.is_ascii_alphabetic())
        .all(|c| c.is_ascii_lowercase())
        || letters.len() == value.len() && value.chars().skip(1).all(|c| c.is_ascii_lowercase());
    if digits.is_empty() && one_case && plain.len() <= 12 && sayable(&letters) {
        return Some(Weakness::Name);
    }
    None
}

fn short_or(value: &str, other: Weakness) -> Weakness {
    if value.chars().count() < 8 {
        Weakness::Short
    } else {
        other
    }
}

fn twelve_digits(digits: &str) -> bool {
    digits.len() == 12
}

/// How many characters remain that a known word does not explain.
fn secret_part(plain: &str, word: &str) -> usize {
    let rest = plain.replacen(word, "", 1);
    let mut unknown = rest.clone();
    for common in WORDS.iter().chain(VENDORS) {
        if common.len() >= 4 {
            unknown = unknown.replace(common, "");
        }
    }
    unknown.len()
}

/// So many different ones, of ASCII letters and digits.
fn has_different(mut text: impl Iterator<Item = u8>, least: u32) -> bool {
    let mut seen = 0_u128;
    text.any(|byte| {
        seen |= 1 << (byte & 127);
        seen.count_ones() >= least
    })
}

/// Most neighbours are the same, or one up or down: `12345678`, `abcdefgh`, `aaaa1111`.
fn runs_on(mut text: impl Iterator<Item = u8>) -> bool {
    let Some(mut before) = text.next() else {
        return false;
    };
    let (mut pairs, mut steps) = (0_usize, 0_usize);
    for byte in text {
        pairs += 1;
        steps += usize::from(byte.abs_diff(before) <= 1);
        before = byte;
    }
    pairs >= 3 && steps * 4 >= pairs * 3
}

fn longest_digits(value: &str) -> Option<&str> {
    value
        .split(|c: char| !c.is_ascii_digit())
        .max_by_key(|run| run.len())
}

/// A stretch of ten letters and digits or more, mixed.
fn is_random(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|stretch| {
            stretch.len() >= 10
                && stretch.bytes().any(|byte| byte.is_ascii_digit())
                && stretch.bytes().any(|byte| byte.is_ascii_alphabetic())
        })
}

fn is_date(value: &str, digits: &str) -> bool {
    let marks = value.chars().filter(|c| "-/.:".contains(*c)).count();
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    let year = |text: Option<&str>| (1_970..=2_099).contains(&number(text));
    let month = |text: Option<&str>| (1..=12).contains(&number(text));
    let day = |text: Option<&str>| (1..=31).contains(&number(text));
    match digits.len() {
        8 => {
            let whole = marks == 0 || marks == 2;
            whole
                && ((year(digits.get(..4)) && month(digits.get(4..6)) && day(digits.get(6..)))
                    || (year(digits.get(4..))
                        && ((month(digits.get(..2)) && day(digits.get(2..4)))
                            || (day(digits.get(..2)) && month(digits.get(2..4))))))
        }
        4 => year(Some(digits)) && marks == 0,
        6 => marks <= 1 && year(digits.get(..4)) && month(digits.get(4..)),
        _ => false,
    }
}

/// Words by punctuation, digits and camel case, in lower case.
fn words_of(value: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in value.chars() {
        if c.is_ascii_alphabetic() {
            let begins = !before.is_ascii_alphabetic()
                || (c.is_ascii_uppercase() && before.is_ascii_lowercase());
            if begins {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.push(c.to_ascii_lowercase());
            }
        }
        before = c;
    }
    words
}

/// Vowels and consonants take turns as in names, with no run of four consonants.
fn sayable(letters: &str) -> bool {
    let vowels = letters.chars().filter(|c| "aeiouy".contains(*c)).count();
    let longest_run = letters
        .split(|c| "aeiouy".contains(c))
        .map(str::len)
        .max()
        .unwrap_or(0);
    vowels * 5 >= letters.len() && longest_run < 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_weakness_has_its_name() {
        for (value, expected) in [
            ("464622532012", Some(Weakness::AccountId)),
            ("4646-2253-2012", Some(Weakness::AccountId)),
            ("datadog-111122223333", Some(Weakness::AccountId)),
            ("datadog", Some(Weakness::Name)),
            ("Datadog-Integration", Some(Weakness::Name)),
            ("snowflake_prod_1", Some(Weakness::Name)),
            ("acme-2024", Some(Weakness::Name)),
            ("acmecorp", Some(Weakness::Name)),
            ("globex", Some(Weakness::Short)),
            ("initrode", Some(Weakness::Name)),
            ("2024-01-31", Some(Weakness::Date)),
            ("20240131", Some(Weakness::Date)),
            ("31.01.2024", Some(Weakness::Date)),
            ("+49-30-1234567", Some(Weakness::PhoneNumber)),
            ("5551234567", Some(Weakness::PhoneNumber)),
            ("a1b2", Some(Weakness::Short)),
            ("x9k2m7q", Some(Weakness::Short)),
            ("changeme", Some(Weakness::LowEntropy)),
            ("ExternalId", Some(Weakness::LowEntropy)),
            ("my-external-id", Some(Weakness::LowEntropy)),
            ("aaaaaaaaaaaa", Some(Weakness::LowEntropy)),
            ("abcdefghijkl", Some(Weakness::LowEntropy)),
            (
                "00000000-0000-0000-0000-000000000000",
                Some(Weakness::LowEntropy),
            ),
            ("0f2d6c1e-6a55-4d2b-9c63-7a1d6c7f1b21", None),
            ("0F2D6C1E-6A55-4D2B-9C63-7A1D6C7F1B21", None),
            ("a1b2c3d4e5f60718", None),
            ("A1B2C3D4E5F60718", None),
            ("dd_7Hq2LmX9pRt4", None),
            ("9c63f71a-prod", None),
            ("datadog-111122223333-2024", Some(Weakness::AccountId)),
            ("acme111122223333prod", Some(Weakness::AccountId)),
            ("a3f111122223333b2c9de07f4a6b1c8e", None),
        ] {
            assert_eq!(quality(value, &[]), expected, "{value}");
        }
    }

    #[test]
    fn what_is_drawn_at_random_is_not_guessed() {
        let mut state = 1_u64;
        for draw in 0..20_000 {
            let mut text = String::new();
            for _ in 0..2 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let mixed = (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                text += &format!("{:016x}", mixed ^ (mixed >> 32));
            }
            assert_eq!(
                quality(&text, &["acme", "464622532012"]),
                None,
                "{draw}: {text}"
            );
        }
    }

    #[test]
    fn what_an_attacker_knows_is_no_secret() {
        assert_eq!(quality("initech-backend", &[]), None);
        assert_eq!(
            quality("initech-backend", &["Initech"]),
            Some(Weakness::Name)
        );
        assert_eq!(
            quality("initech-role-7", &["Initech"]),
            Some(Weakness::Name)
        );
        assert_eq!(
            quality("Umbrella Corp", &["umbrella"]),
            Some(Weakness::Name)
        );
        assert_eq!(quality("umbrella-9f8e7d6c5b4a3210", &["umbrella"]), None);
    }

    #[test]
    fn uuids() {
        assert!(is_uuid("0f2d6c1e-6a55-4d2b-9c63-7a1d6c7f1b21"));
        assert!(!is_uuid("0f2d6c1e6a554d2b9c637a1d6c7f1b21"));
        assert!(!is_uuid("0f2d6c1e-6a55-4d2b-9c63-7a1d6c7f1b2g"));
    }
}
