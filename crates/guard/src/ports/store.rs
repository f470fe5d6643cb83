//! The one table in which everything is remembered, as five calls: DynamoDB and memory implement
//! them. What is kept under which key, and when it may be written, is said once, by
//! [`Ledger`](crate::state::Ledger).

use std::collections::BTreeMap;
use std::future::Future;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::errors::StateError;

/// A partition key and a sort key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Begins with the account.
    pub pk: String,
    /// What of the partition.
    pub sk: String,
}

/// An item's attributes, without its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item(pub BTreeMap<String, Value>);

/// What has to hold of the stored item, at the moment of the write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is none.
    Absent,
    /// There is one, and all of these hold.
    All(Vec<Test>),
    /// There is none, or all of these hold.
    AbsentOr(Vec<Test>),
}

/// What has to hold of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is not there, nor need the item be.
    Lacks(&'static str),
    /// It has this value.
    Is(&'static str, Value),
    /// It is a number, at most this one.
    AtMost(&'static str, i64),
}

/// A whole item to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    /// Where.
    pub key: Key,
    /// What.
    pub item: Item,
    /// When.
    pub condition: Condition,
}

/// Attributes to be written; the others of the item stay.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    /// Set.
    pub set: Vec<(&'static str, Value)>,
    /// Set where they are not there.
    pub set_if_absent: Vec<(&'static str, Value)>,
    /// Added to a number, 0 where there is none.
    pub add: Vec<(&'static str, u32)>,
}

/// The table. Every read is a consistent one; every write happens whole or not at all. Each call
/// fails with [`StateError::Unavailable`], and then may have happened.
pub trait Store: Sync {
    /// The item, if there is one.
    ///
    /// # Errors
    /// `Unavailable`.
    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, StateError>> + Send;

    /// Writes an item in place of the one that was there. `false`: its condition did not hold.
    ///
    /// # Errors
    /// `Unavailable`.
    fn put_if(&self, put: Put) -> impl Future<Output = Result<bool, StateError>> + Send;

    /// Writes attributes, and gives the whole item as it is then. `None`: the condition did not
    /// hold.
    ///
    /// # Errors
    /// `Unavailable`.
    fn update_if(
        &self,
        key: &Key,
        update: Update,
        condition: Condition,
    ) -> impl Future<Output = Result<Option<Item>, StateError>> + Send;

    /// All items of a partition whose sort key begins with a text, in the order of their sort keys;
    /// or the first of them: at most so many, and fewer where they are large.
    ///
    /// # Errors
    /// `Unavailable`.
    fn query(
        &self,
        pk: &str,
        sk_begins_with: &str,
        first: Option<u16>,
    ) -> impl Future<Output = Result<Vec<Item>, StateError>> + Send;

    /// Writes several items, or none. `false`: a condition did not hold, or somebody else is
    /// writing one of them.
    ///
    /// # Errors
    /// `Unavailable`.
    fn transact(&self, puts: Vec<Put>) -> impl Future<Output = Result<bool, StateError>> + Send;
}

impl Item {
    /// With one more attribute.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// With what the item is about, whole.
    ///
    /// # Errors
    /// `Unreadable`, where it is nothing that JSON can hold.
    pub fn holding<T: Serialize>(self, what: &str, data: &T) -> Result<Self, StateError> {
        let data = serde_json::to_value(data).map_err(|error| StateError::Unreadable {
            what: what.to_owned(),
            source: error.into(),
        })?;
        Ok(self.with("data", data))
    }

    /// What the item is about. A schema that this build does not know is refused by the types
    /// themselves.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn held<T: DeserializeOwned>(&self, what: &str) -> Result<T, StateError> {
        let unreadable = |source| StateError::Unreadable {
            what: what.to_owned(),
            source,
        };
        let data = self.0.get("data").cloned();
        let data = data.ok_or_else(|| unreadable("the item holds no data".into()))?;
        serde_json::from_value(data).map_err(|error| unreadable(error.into()))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A whole number from 0.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// A moment as [`moment`] wrote it.
    pub fn moment(&self, name: &str) -> Option<Timestamp> {
        Timestamp::from_nanosecond(self.0.get(name)?.as_i64()?.into()).ok()
    }
}

/// A moment as a number of nanoseconds: comparable in conditions, exact for equality until the
/// year 2262.
pub fn moment(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

impl Condition {
    /// Whether it holds of what is stored.
    pub fn holds(&self, stored: Option<&Item>) -> bool {
        let all = |tests: &[Test]| tests.iter().all(|test| test.holds(stored));
        match self {
            Self::Always => true,
            Self::Absent => stored.is_none(),
            Self::All(tests) => all(tests),
            Self::AbsentOr(tests) => stored.is_none() || all(tests),
        }
    }
}

impl Test {
    fn holds(&self, stored: Option<&Item>) -> bool {
        let value = |name: &str| stored.and_then(|item| item.0.get(name));
        match self {
            Self::Lacks(name) => value(name).is_none(),
            Self::Is(name, wanted) => value(name) == Some(wanted),
            Self::AtMost(name, most) => value(name)
                .and_then(Value::as_i64)
                .is_some_and(|is| is <= *most),
        }
    }
}

impl Update {
    /// What becomes of an item.
    pub fn applied(&self, stored: Option<&Item>) -> Item {
        let mut item = stored.cloned().unwrap_or_default();
        for (name, value) in &self.set {
            item.0.insert((*name).to_owned(), value.clone());
        }
        for (name, value) in &self.set_if_absent {
            let kept = item.0.entry((*name).to_owned());
            kept.or_insert_with(|| value.clone());
        }
        for (name, add) in &self.add {
            let sum = item.number(name).unwrap_or(0) + u64::from(*add);
            item.0.insert((*name).to_owned(), sum.into());
        }
        item
    }
}
