//! Entries that are a text or an object.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// One of our roles that a vendor may enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleEntry {
    /// A role name or a pattern (`*`, `?`) of names; case does not matter.
    pub name: String,
    /// The one external id for these roles, instead of the vendor's.
    pub external_id: Option<String>,
}

/// A network that may stand for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkEntry {
    /// A CIDR, `vpc-…` or `vpce-…`.
    pub network: String,
    /// Why it is as wide as it is.
    pub accepted: Option<String>,
}

/// An entry that is a text, or an object with this text and one key more.
macro_rules! text_or_object {
    ($entry:ident, $text:ident, $more:ident, $article:literal, $expected:literal, $described:literal) => {
        impl Serialize for $entry {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match &self.$more {
                    None => serializer.serialize_str(&self.$text),
                    Some(more) => {
                        let mut entry = serializer.serialize_struct(stringify!($entry), 2)?;
                        entry.serialize_field(stringify!($text), &self.$text)?;
                        entry.serialize_field(stringify!($more), more)?;
                        entry.end()
                    }
                }
            }
        }

        impl<'de> Deserialize<'de> for $entry {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct EntryVisitor;

                impl<'de> Visitor<'de> for EntryVisitor {
                    type Value = $entry;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E>(self, text: &str) -> Result<$entry, E> {
                        Ok($entry {
                            $text: text.to_owned(),
                            $more: None,
                        })
                    }

                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$entry, E> {
                        Err(quote_it(number, $article))
                    }

                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$entry, E> {
                        Err(quote_it(number, $article))
                    }

                    fn visit_f64<E: de::Error>(self, number: f64) -> Result<$entry, E> {
                        Err(quote_it(number, $article))
                    }

                    fn visit_bool<E: de::Error>(self, value: bool) -> Result<$entry, E> {
                        Err(quote_it(value, $article))
                    }

                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$entry, A::Error> {
                        #[derive(serde::Deserialize)]
                        #[serde(deny_unknown_fields)]
                        struct Full {
                            $text: String,
                            #[serde(default)]
                            $more: Option<String>,
                        }

                        let full = Full::deserialize(de::value::MapAccessDeserializer::new(map))?;
                        Ok($entry {
                            $text: full.$text,
                            $more: full.$more,
                        })
                    }
                }

                deserializer.deserialize_any(EntryVisitor)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $entry {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($entry).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": $described,
                    "anyOf": [
                        { "type": "string" },
                        {
                            "type": "object",
                            "properties": {
                                stringify!($text): { "type": "string" },
                                stringify!($more): { "type": "string" }
                            },
                            "required": [stringify!($text)],
                            "additionalProperties": false
                        }
                    ]
                })
            }
        }
    };
}

text_or_object!(
    RoleEntry,
    name,
    external_id,
    "a role name",
    "a role name or pattern, as \"Datadog*\", or {name, external_id}",
    "One of our roles that a vendor may assume: a name or pattern, or one with its own external id."
);

text_or_object!(
    NetworkEntry,
    network,
    accepted,
    "a network",
    "a network, as \"192.0.2.0/24\", or {network, accepted}",
    "A CIDR, the id of a VPC or of an endpoint; or one with the reason why it is as wide as it is."
);

fn quote_it<E: de::Error>(value: impl fmt::Display, what: &str) -> E {
    E::custom(format_args!(
        "`{value}` is not read as {what}; write it in quotes"
    ))
}
