//! What a trust document says, whatever its bytes: documents as IAM stores them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// SHA-256 of what a trust document says, in hexadecimal: equal for texts that IAM stores alike.
///
/// IAM does not keep a document's bytes: it drops white space, writes a lone element for a list
/// of one and an account's root ARN for its bare id. So texts are compared in that form. A text
/// that is no JSON, or that names a key twice, is compared byte for byte.
pub fn document_digest(document: &str) -> String {
    match serde_json::from_str::<Canonical>(document) {
        Ok(canonical) => sha256_hex(canonical.text(&BTreeSet::new()).as_bytes()),
        Err(_) => sha256_hex(document.as_bytes()),
    }
}

/// The live document is the one that was sent, but for principals that have been deleted since:
/// IAM shows a unique id in the place of each.
pub fn same_but_for_the_dead(live: &str, sent: &str) -> bool {
    let read = serde_json::from_str::<Canonical>;
    let (Ok(live), Ok(sent)) = (read(live), read(sent)) else {
        return false;
    };
    let (mut shown, mut named) = (BTreeSet::new(), BTreeSet::new());
    live.principals("", &mut shown);
    sent.principals("", &mut named);
    let dead: BTreeSet<&str> = shown.difference(&named).copied().collect();
    let gone: BTreeSet<&str> = named.difference(&shown).copied().collect();
    let can_die = |principal: &&str| {
        principal.starts_with("arn:")
            && (principal.contains(":role/") || principal.contains(":user/"))
    };
    !dead.is_empty()
        && dead.len() == gone.len()
        && dead.iter().all(|principal| is_unique_id(principal))
        && gone.iter().all(can_die)
        && live.text(&dead) == sent.text(&gone)
}

/// A principal of the document is a unique id. As sent it stands for somebody who may be anyone, and
/// as IAM shows it for nobody: either way the document is not one to be restored.
pub(crate) fn names_unique_id(document: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Canonical>(document) else {
        return false;
    };
    let mut named = BTreeSet::new();
    document.principals("", &mut named);
    named.iter().any(|principal| is_unique_id(principal))
}

/// What IAM shows for a user or role that was deleted.
pub(crate) fn is_unique_id(principal: &str) -> bool {
    (principal.starts_with("AROA") || principal.starts_with("AIDA"))
        && principal.len() >= 16
        && principal
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// JSON without order of keys; refuses a key given twice, which readers would read differently.
enum Canonical<'d> {
    /// By key.
    Object(Vec<(Cow<'d, str>, Canonical<'d>)>),
    List(Vec<Canonical<'d>>),
    Text(Cow<'d, str>),
    Other(String),
}

impl Canonical<'_> {
    /// Equal for documents that say the same; AWS principals of `without` are left out.
    fn text(&self, without: &BTreeSet<&str>) -> String {
        let mut text = String::with_capacity(512);
        self.write("", without, &mut text);
        text
    }

    fn write(&self, under: &str, without: &BTreeSet<&str>, to: &mut String) {
        match self {
            Self::Object(map) => {
                let mut before = '{';
                for (key, value) in map {
                    to.push(before);
                    quote(key, to);
                    to.push(':');
                    value.write(key, without, to);
                    before = ',';
                }
                if map.is_empty() {
                    to.push(before);
                }
                to.push('}');
            }
            Self::List(list) => match list.as_slice() {
                [single] => single.write(under, without, to),
                _ => write_list(list, under, without, to),
            },
            Self::Text(text) if under == "AWS" => {
                let principal = account_of_root(text).unwrap_or(text);
                if !without.contains(principal) {
                    quote(principal, to);
                }
            }
            Self::Text(text) => quote(text, to),
            Self::Other(text) => quote(text, to),
        }
    }

    fn principals<'t>(&'t self, under: &str, found: &mut BTreeSet<&'t str>) {
        match self {
            Self::Object(map) => map
                .iter()
                .for_each(|(key, value)| value.principals(key, found)),
            Self::List(list) => list.iter().for_each(|value| value.principals(under, found)),
            Self::Text(text) if under == "AWS" => {
                found.insert(account_of_root(text).unwrap_or(text));
            }
            Self::Text(_) | Self::Other(_) => {}
        }
    }
}

/// A list of several, or of none: one that is left is written alone.
fn write_list(list: &[Canonical<'_>], under: &str, without: &BTreeSet<&str>, to: &mut String) {
    let written = |value: &Canonical<'_>| {
        let mut text = String::new();
        value.write(under, without, &mut text);
        text
    };
    let mut inside: Vec<String> = list
        .iter()
        .map(written)
        .filter(|text| !text.is_empty())
        .collect();
    // The order of values says nothing; that of statements is kept.
    if under != "Statement" {
        inside.sort_unstable();
    }
    if let [single] = inside.as_slice() {
        to.push_str(single);
        return;
    }
    to.push('[');
    to.push_str(&inside.join(","));
    to.push(']');
}

/// The account of `arn:aws:iam::111122223333:root`, in any partition.
fn account_of_root(text: &str) -> Option<&str> {
    let (head, account) = text.strip_suffix(":root")?.split_once(":iam::")?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && head.starts_with("arn:aws")).then_some(account)
}

/// As JSON writes it; most texts need no escape, and every digest passes here some forty times.
fn quote(text: &str, to: &mut String) {
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        to.push('"');
        to.push_str(text);
        to.push('"');
    } else {
        to.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// A key of an object, borrowed where it holds no escape.
#[derive(Deserialize)]
struct Key<'d>(#[serde(borrow)] Cow<'d, str>);

impl<'de> Deserialize<'de> for Canonical<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Canonical<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Canonical<'de>, E> {
                // IAM reads `true` and `"true"` alike.
                Ok(Canonical::Other(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Canonical<'de>, E> {
                Ok(Canonical::Other(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Canonical<'de>, E> {
                Ok(Canonical::Other(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Canonical<'de>, E> {
                Ok(Canonical::Other(value.to_string()))
            }

            fn visit_unit<E>(self) -> Result<Canonical<'de>, E> {
                Ok(Canonical::Other("null".to_owned()))
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Canonical<'de>, E> {
                Ok(Canonical::Text(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Canonical<'de>, E> {
                Ok(Canonical::Text(Cow::Owned(value.to_owned())))
            }

            fn visit_string<E>(self, value: String) -> Result<Canonical<'de>, E> {
                Ok(Canonical::Text(Cow::Owned(value)))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Canonical<'de>, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = seq.next_element()? {
                    list.push(value);
                }
                Ok(Canonical::List(list))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Canonical<'de>, A::Error> {
                let mut found: Vec<(Cow<'de, str>, Canonical<'de>)> = Vec::with_capacity(4);
                while let Some((Key(key), value)) = map.next_entry()? {
                    found.push((key, value));
                }
                found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
                let keys = found.iter().map(|(key, _)| key);
                if keys
                    .clone()
                    .zip(keys.skip(1))
                    .any(|(one, next)| one == next)
                {
                    return Err(serde::de::Error::custom("a key stands twice"));
                }
                Ok(Canonical::Object(found))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
