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

impl Serialize for RoleEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.external_id {
            None => serializer.serialize_str(&self.name),
            Some(external_id) => {
                let mut entry = serializer.serialize_struct("RoleEntry", 2)?;
                entry.serialize_field("name", &self.name)?;
                entry.serialize_field("external_id", external_id)?;
                entry.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for RoleEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = RoleEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a role name or pattern, as \"Datadog*\", or {name, external_id}")
    }

    fn visit_str<E>(self, name: &str) -> Result<RoleEntry, E> {
        Ok(RoleEntry {
            name: name.to_owned(),
            external_id: None,
        })
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<RoleEntry, E> {
        Err(quote_it(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<RoleEntry, E> {
        Err(quote_it(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<RoleEntry, E> {
        Err(quote_it(number))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<RoleEntry, E> {
        Err(quote_it(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RoleEntry, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full {
            name: String,
            #[serde(default)]
            external_id: Option<String>,
        }

        let full = Full::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(RoleEntry {
            name: full.name,
            external_id: full.external_id,
        })
    }
}

fn quote_it<E: de::Error>(value: impl fmt::Display) -> E {
    E::custom(format_args!(
        "`{value}` is not read as a role name; write it in quotes"
    ))
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RoleEntry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RoleEntry".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "One of our roles that a vendor may assume: a name or pattern, or one \
                 with its own external id.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": {
                        "name": { "type": "string" },
                        "external_id": { "type": "string" }
                    },
                    "required": ["name"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
