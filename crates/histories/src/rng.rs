//! Chance, from a seed: the same seed draws the same numbers.

/// The random numbers of one history.
#[derive(Debug, Clone)]
pub struct Rng(fastrand::Rng);

impl Rng {
    /// The random numbers of a seed.
    pub fn of(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// True so many times in a thousand.
    pub fn per_mille(&mut self, chance: u32) -> bool {
        self.0.u32(0..1000) < chance
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.i64(low..=high.max(low))
    }

    /// One of several. `None` of none.
    pub fn one_of<'a, T>(&mut self, several: &'a [T]) -> Option<&'a T> {
        if several.is_empty() {
            return None;
        }
        several.get(self.0.usize(0..several.len()))
    }

    /// A moment within a stretch, in milliseconds, with short ones likelier than long ones.
    pub fn mostly_short(&mut self, low: i64, high: i64) -> i64 {
        let (a, b, c) = (
            self.between(low, high),
            self.between(low, high),
            self.between(low, high),
        );
        a.min(b).min(c)
    }
}
