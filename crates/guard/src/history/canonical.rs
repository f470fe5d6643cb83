//! What a trust document says, whatever its bytes: documents as IAM stores them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::sha256_hex;

/// SHA-256 of what a trust document says, in hexadecimal: equal for texts that IAM stores alike.
///
/// IAM does not keep a document's bytes: it drops white space, writes a lone element for a list
/// of one and an account's root ARN for its bare id. So texts are compared in that form. A text
/// that is no JSON, or that names a key twice, is compared byte for byte.
pub fn document_digest(document: &str) -> String {
    match serde_json::from_str::<Canonical>(document) {
        Ok(canonical) => sha256_hex(canonical.text("", &BTreeSet::new()).as_bytes()),
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
    let dead: BTreeSet<String> = shown.difference(&named).cloned().collect();
    let gone: BTreeSet<String> = named.difference(&shown).cloned().collect();
    let can_die = |principal: &String| {
        principal.starts_with("arn:")
            && (principal.contains(":role/") || principal.contains(":user/"))
    };
    !dead.is_empty()
        && dead.len() == gone.len()
        && dead.iter().all(|principal| is_unique_id(principal))
        && gone.iter().all(can_die)
        && live.text("", &dead) == sent.text("", &gone)
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
enum Canonical {
    Object(BTreeMap<String, Canonical>),
    List(Vec<Canonical>),
    Text(String),
    Other(String),
}

impl Canonical {
    /// Equal for documents that say the same; AWS principals of `without` are left out.
    fn text(&self, under: &str, without: &BTreeSet<String>) -> String {
        match self {
            Self::Object(map) => {
                let inside: Vec<String> = map
                    .iter()
                    .map(|(key, value)| format!("{}:{}", quoted(key), value.text(key, without)))
                    .collect();
                format!("{{{}}}", inside.join(","))
            }
            Self::List(list) => {
                let mut inside: Vec<String> = list
                    .iter()
                    .map(|value| value.text(under, without))
                    .filter(|text| !text.is_empty())
                    .collect();
                // The order of values says nothing; that of statements is kept.
                if under != "Statement" {
                    inside.sort();
                }
                match inside.as_slice() {
                    [single] => single.clone(),
                    _ => format!("[{}]", inside.join(",")),
                }
            }
            Self::Text(text) if under == "AWS" => {
                let principal = account_of_root(text).unwrap_or(text);
                if without.contains(principal) {
                    String::new()
                } else {
                    quoted(principal)
                }
            }
            Self::Text(text) | Self::Other(text) => quoted(text),
        }
    }

    fn principals(&self, under: &str, found: &mut BTreeSet<String>) {
        match self {
            Self::Object(map) => map
                .iter()
                .for_each(|(key, value)| value.principals(key, found)),
            Self::List(list) => list.iter().for_each(|value| value.principals(under, found)),
            Self::Text(text) if under == "AWS" => {
                found.insert(account_of_root(text).unwrap_or(text).to_owned());
            }
            Self::Text(_) | Self::Other(_) => {}
        }
    }
}

/// The account of `arn:aws:iam::111122223333:root`, in any partition.
fn account_of_root(text: &str) -> Option<&str> {
    let (head, account) = text.strip_suffix(":root")?.split_once(":iam::")?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && head.starts_with("arn:aws")).then_some(account)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de> Deserialize<'de> for Canonical {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Canonical;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Canonical, E> {
                // IAM reads `true` and `"true"` alike.
                Ok(Canonical::Other(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Canonical, E> {
                Ok(Canonical::Other(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Canonical, E> {
                Ok(Canonical::Other(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Canonical, E> {
                Ok(Canonical::Other(value.to_string()))
            }

            fn visit_unit<E>(self) -> Result<Canonical, E> {
                Ok(Canonical::Other("null".to_owned()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Canonical, E> {
                Ok(Canonical::Text(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Canonical, E> {
                Ok(Canonical::Text(value))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Canonical, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = seq.next_element()? {
                    list.push(value);
                }
                Ok(Canonical::List(list))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Canonical, A::Error> {
                let mut found = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Canonical>()? {
                    if found.insert(key, value).is_some() {
                        return Err(serde::de::Error::custom("a key stands twice"));
                    }
                }
                Ok(Canonical::Object(found))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
