//! One of each.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use foldhash::{HashSet, HashSetExt};

/// Values of which many are equal, each kept once: what the roles of an account have in common is
/// most of what there is to say about them.
#[derive(Debug)]
pub(crate) struct Interned<T: ?Sized>(HashSet<Arc<T>>);

impl<T: ?Sized> Default for Interned<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Eq + Hash + ?Sized> Interned<T> {
    /// The one that equals it.
    pub(crate) fn of<Q>(&mut self, value: Q) -> Arc<T>
    where
        Q: Borrow<T> + Into<Arc<T>>,
    {
        if let Some(known) = self.0.get(value.borrow()) {
            return Arc::clone(known);
        }
        let value = value.into();
        self.0.insert(Arc::clone(&value));
        value
    }
}
