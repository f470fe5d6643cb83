//! Questions about the values that a grant admits.

use crate::answer::{Restriction, Values};
use crate::sets::language::{Demand, find};
use crate::sets::network::Network;
use crate::sets::pattern::Pattern;
use crate::sets::universe::{Universe, View};
use crate::sets::{Found, Fuel};

/// Steps for one question of inclusion between patterns.
const STEPS: u64 = 2_000_000;

impl Values {
    /// The admitted values, where they are a finite list. Those of
    /// [`Values::OneOfIgnoringCase`] count in any case.
    pub fn fixed(&self) -> Option<&[String]> {
        match self {
            Self::OneOf(list) | Self::OneOfIgnoringCase(list) => Some(list),
            Self::None => Some(&[]),
            _ => None,
        }
    }

    /// Whether every admitted value fits one of these patterns (`*` any text, `?` any one
    /// character; text without them fits itself). Decided by inclusion of languages; `false` where
    /// that would be too costly, and for ranges, exclusions and what is said in words.
    ///
    /// # Example
    /// ```
    /// use trustwarden_policy::Values;
    /// let admitted = Values::Like(vec!["repo:acme/app:*".to_owned()]);
    /// assert!(admitted.is_within(&["repo:acme/*"], false));
    /// assert!(!admitted.is_within(&["repo:acme/app:ref:*"], false));
    /// ```
    pub fn is_within(&self, patterns: &[&str], ignoring_case: bool) -> bool {
        let allowed: Vec<Pattern<'_>> = patterns
            .iter()
            .map(|pattern| {
                let mut pattern = Pattern::wild(*pattern);
                pattern.fold = ignoring_case;
                pattern
            })
            .collect();
        let admitted: Vec<Pattern<'_>> = match self {
            Self::None => return true,
            Self::Any => vec![Pattern::wild("*")],
            Self::OneOf(list) => {
                return list
                    .iter()
                    .all(|value| allowed.iter().any(|one| one.matches(value)));
            }
            Self::OneOfIgnoringCase(list) => list
                .iter()
                .map(|value| Pattern {
                    fold: true,
                    ..Pattern::exact(value.as_str())
                })
                .collect(),
            Self::Like(list) => list
                .iter()
                .map(|value| Pattern::wild(value.as_str()))
                .collect(),
            Self::Networks(_) | Self::Except(_) | Self::Range(_) | Self::Other(_) => return false,
        };
        admitted.iter().all(|one| {
            // The same pattern, or one that is wider in the plainest way.
            if allowed.iter().any(|other| other == one) {
                return true;
            }
            let demands = [
                Demand {
                    patterns: std::slice::from_ref(one),
                    fits: true,
                    view: View::Whole,
                },
                Demand {
                    patterns: &allowed,
                    fits: false,
                    view: View::Whole,
                },
            ];
            find(Universe::Any, &demands, &mut Fuel::new(STEPS)) == Found::Nothing
        })
    }

    /// Whether every admitted address lies in one of these networks (`203.0.113.0/24`, or one
    /// address). `false` for values that are no networks, and where a network can not be read.
    pub fn is_within_networks(&self, networks: &[&str]) -> bool {
        let (Self::Networks(admitted) | Self::OneOf(admitted)) = self else {
            return matches!(self, Self::None);
        };
        let mut allowed: Vec<Network> = networks
            .iter()
            .filter_map(|text| Network::parse(text))
            .collect();
        if allowed.len() < networks.len() {
            return false;
        }
        allowed.sort_unstable_by_key(|network| (network.six, network.first));
        admitted.iter().all(|text| {
            let Some(one) = Network::parse(text) else {
                return false;
            };
            // Side by side, several allowed networks may cover one.
            let mut reach = one.first;
            for network in allowed.iter().filter(|network| network.six == one.six) {
                if network.first <= reach && network.last >= reach {
                    if network.last >= one.last {
                        return true;
                    }
                    reach = network.last + 1;
                }
            }
            false
        })
    }
}

impl Restriction {
    /// Whether the key must be present, and every value admitted fits one of the patterns.
    pub fn requires_one_of(&self, patterns: &[&str], ignoring_case: bool) -> bool {
        !self.may_be_absent && self.values.is_within(patterns, ignoring_case)
    }
}
