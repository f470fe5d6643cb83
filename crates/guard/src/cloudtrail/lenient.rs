//! Reading JSON that keeps no promise about types.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A text field: a string, or a whole number where CloudTrail should have written one. Anything
/// else, and the empty string, is no text.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(if text.is_empty() {
            None
        } else {
            Some(text.to_owned())
        }))
    }

    fn visit_string<E>(self, text: String) -> Result<Text, E> {
        Ok(Text(if text.is_empty() { None } else { Some(text) }))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    // No name and no id is a fraction, and its digits would depend on who reads it.
    fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_none<E>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

/// Implements `Deserialize` for a struct that fills itself field by field from a JSON object and
/// stays at its default when it is given anything else.
macro_rules! fill_from_object {
    ($target:ident, |$this:ident, $key:ident, $map:ident| $fill:block) => {
        impl<'de> serde::de::Deserialize<'de> for $target {
            fn deserialize<D: serde::de::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                struct Fill;

                impl<'de> serde::de::Visitor<'de> for Fill {
                    type Value = $target;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("any JSON value")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut $map: A,
                    ) -> Result<$target, A::Error> {
                        let mut $this = $target::default();
                        while let Some($key) = $map.next_key()? {
                            $fill
                        }
                        Ok($this)
                    }

                    fn visit_seq<A: serde::de::SeqAccess<'de>>(
                        self,
                        mut seq: A,
                    ) -> Result<$target, A::Error> {
                        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                        Ok($target::default())
                    }

                    fn visit_str<E>(self, _: &str) -> Result<$target, E> {
                        Ok($target::default())
                    }

                    fn visit_u64<E>(self, _: u64) -> Result<$target, E> {
                        Ok($target::default())
                    }

                    fn visit_i64<E>(self, _: i64) -> Result<$target, E> {
                        Ok($target::default())
                    }

                    fn visit_f64<E>(self, _: f64) -> Result<$target, E> {
                        Ok($target::default())
                    }

                    fn visit_bool<E>(self, _: bool) -> Result<$target, E> {
                        Ok($target::default())
                    }

                    fn visit_unit<E>(self) -> Result<$target, E> {
                        Ok($target::default())
                    }
                }

                deserializer.deserialize_any(Fill)
            }
        }
    };
}

pub(super) use fill_from_object;
