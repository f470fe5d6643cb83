//! The record that cannot matter, told from the others without keeping any of it.
//!
//! All but a few records of a log are calls that no function acts on. To know that, a few of a
//! record's own keys are enough, if nothing about the record is unusual. They are read by
//! `serde_json`, borrowed from the text; everything else is only looked at to be JSON.
//!
//! *No answer is always right*: whatever is not beyond doubt (a key that is there twice, a value of
//! another type or with an escape, a number out of range, anything that is no JSON) goes the long
//! way, through the parser. What this accepts, the parser accepts, and finds the same in it: a
//! property test and a fuzz target hold the two equal.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What an ordinary record says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ordinary<'a> {
    /// Bytes, from brace to brace.
    pub(crate) length: usize,
    /// `eventID`.
    pub(crate) id: &'a str,
    /// `eventName`.
    pub(crate) name: &'a str,
    /// `eventSource`.
    pub(crate) source: &'a str,
    /// `userIdentity.type`.
    pub(crate) caller: &'a str,
    /// `eventTime`; empty if it was not asked for and is not there.
    pub(crate) time: &'a str,
    /// `awsRegion`; empty if it was not asked for and is not there.
    pub(crate) region: &'a str,
}

/// The record that `text` begins with, if it is an ordinary one: JSON beyond doubt, each key that
/// counts there once, and its value a plain text.
pub(crate) fn ordinary(text: &[u8], placed: bool) -> Option<Ordinary<'_>> {
    if text.first() != Some(&b'{') {
        return None;
    }
    let mut records = serde_json::Deserializer::from_slice(text).into_iter::<Own<'_>>();
    let own = records.next()?.ok()?;
    if placed && (own.time.is_none() || own.region.is_none()) {
        return None;
    }
    Some(Ordinary {
        length: records.byte_offset(),
        id: own.id.filter(|id| !id.is_empty())?,
        name: own.name?,
        source: own.source?,
        caller: own.caller?.0?,
        time: own.time.unwrap_or_default(),
        region: own.region.unwrap_or_default(),
    })
}

/// The keys of a record that count.
#[derive(Default)]
struct Own<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
    source: Option<&'a str>,
    time: Option<&'a str>,
    region: Option<&'a str>,
    caller: Option<Caller<'a>>,
}

/// `type` of `userIdentity`.
#[derive(Default)]
struct Caller<'a>(Option<&'a str>);

/// A type that is made of an object, key by key.
trait Object<'de>: Default {
    fn take<A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error>;
}

/// What a key may mean, wherever it stands.
enum Key {
    Id,
    Name,
    Source,
    Time,
    Region,
    Identity,
    Type,
    /// An event around a record, or a file of them.
    Wrapper,
    Other,
}

impl<'de> Object<'de> for Own<'de> {
    #[inline]
    fn take<A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
        match key {
            Key::Id => once(&mut self.id, map),
            Key::Name => once(&mut self.name, map),
            Key::Source => once(&mut self.source, map),
            Key::Time => once(&mut self.time, map),
            Key::Region => once(&mut self.region, map),
            Key::Identity => once(&mut self.caller, map),
            Key::Wrapper => Err(A::Error::custom("no plain record")),
            Key::Type | Key::Other => map.next_value::<Json>().map(|Json| ()),
        }
    }
}

impl<'de> Object<'de> for Caller<'de> {
    #[inline]
    fn take<A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
        match key {
            Key::Type => once(&mut self.0, map),
            _ => map.next_value::<Json>().map(|Json| ()),
        }
    }
}

/// Reads a value whose key must not come twice.
#[inline]
fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    place: &mut Option<T>,
    map: &mut A,
) -> Result<(), A::Error> {
    match place.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("a key is there twice")),
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut object = T::default();
        while let Some(key) = map.next_key()? {
            object.take(key, &mut map)?;
        }
        Ok(object)
    }
}

impl<'de> Deserialize<'de> for Own<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Caller<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Key {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            #[inline]
            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "eventID" => Key::Id,
                    "eventName" => Key::Name,
                    "eventSource" => Key::Source,
                    "eventTime" => Key::Time,
                    "awsRegion" => Key::Region,
                    "userIdentity" => Key::Identity,
                    "type" => Key::Type,
                    "detail" | "Records" => Key::Wrapper,
                    _ => Key::Other,
                })
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Any value, read as strictly as one that is kept, and not kept: `IgnoredAny` would let pass what
/// the parser does not, as half a character or a number out of range.
struct Json;

impl<'de> Deserialize<'de> for Json {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Json {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    #[inline]
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while let Some(Self) = list.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while let Some((Self, Self)) = map.next_entry()? {}
        Ok(self)
    }
}

#[cfg(test)]
pub(super) mod tests;
