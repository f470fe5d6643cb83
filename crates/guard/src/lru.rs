//! What was worked out lately.

use std::borrow::Borrow;
use std::hash::Hash;

use foldhash::{HashMap, HashMapExt};

/// A map that forgets: it keeps whatever was asked for or put in among the last `most` entries,
/// and at most twice as many. Its hash is keyed at random, so that nobody can choose keys that make
/// it slow.
#[derive(Debug, Clone)]
pub struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// An empty one.
    pub fn new(most: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most,
        }
    }

    /// What is known by this key, if it is remembered.
    pub fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.insert(key, value.clone());
        Some(value)
    }

    /// Remembers it.
    pub fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.most {
            // The older half is what nobody asked for since the younger one was begun.
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut recent = Recent::new(10);
        recent.insert("kept".to_owned(), 0);
        recent.insert("left".to_owned(), 0);
        for number in 1..100 {
            recent.insert(number.to_string(), number);
            assert_eq!(recent.get(number.to_string().as_str()), Some(number));
            assert_eq!(recent.get("kept"), Some(0), "{number}");
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert_eq!(recent.get("left"), None);
        assert_eq!(recent.get("50"), None);
        recent.clear();
        assert_eq!(recent.get("kept"), None);
    }

    #[test]
    fn a_younger_value_hides_an_older_one() {
        let mut recent = Recent::new(1);
        recent.insert("a", 1);
        recent.insert("b", 2);
        recent.insert("a", 3);
        assert_eq!(recent.get("a"), Some(3));
        assert_eq!(recent.get("b"), Some(2));
    }
}
