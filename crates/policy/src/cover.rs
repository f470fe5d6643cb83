//! Whether patterns leave out nothing of a kind of texts: `a*`, `b*` … `9*` together may be all there is.

use crate::sets::language::{self, Demand};
use crate::sets::pattern::Pattern;
use crate::sets::universe::{Universe, View};
use crate::sets::{Found, Fuel};

/// What one question may cost, see [`Fuel::new`].
const MOST: u64 = 2_000_000;

/// Whether each text that fits the pattern `all` fits one of `patterns`; `*` is any run of characters
/// and `?` any one. `true` also where that is too costly to tell.
pub fn covers_all(patterns: &[&str], all: &str) -> bool {
    let read = |text: &&str| Pattern::wild((*text).to_owned());
    let patterns: Vec<Pattern<'_>> = patterns.iter().map(read).collect();
    let all = [Pattern::wild(all)];
    let demand = |patterns, fits| Demand {
        patterns,
        fits,
        view: View::Whole,
    };
    let demands = [demand(&all, true), demand(&patterns, false)];
    let left_out = language::find(Universe::Plain, &demands, &mut Fuel::new(MOST));
    !matches!(left_out, Found::Value(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_patterns_together_leave_nothing_out() {
        for (patterns, expected) in [
            (&["*"][..], true),
            (&["a*", "b*"], true),
            (&["*a*"], true),
            (&["?*"], true),
            (&["b*"], false),
            (&["a?*"], false),
            (&["??*", "a"], true),
            (&["a", "a*z", "a*y"], false),
            (&[], false),
        ] {
            assert_eq!(covers_all(patterns, "a*"), expected, "{patterns:?}");
        }
        assert!(covers_all(&["s:*-??????"], "s:?*-??????"));
        assert!(!covers_all(&["s:*-?????"], "s:?*"));
        assert!(!covers_all(&["s:*x-??????"], "s:?*-??????"));
    }
}
