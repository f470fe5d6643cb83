//! What a condition asks of one value, and whether a value passes.

use std::iter::{empty, once};

use jiff::Timestamp;

use super::network::{Network, address};
use super::pattern::Pattern;
use super::{moment, network};

/// What a condition asks of one value. Several values in a condition mean: one of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test<'d> {
    /// Any value passes.
    Present,
    /// Text that fits one of these.
    Text(Vec<Pattern<'d>>),
    /// A number in this relation to one of these.
    Number(Relation, Vec<f64>),
    /// A moment in this relation to one of these.
    Moment(Relation, Vec<Timestamp>),
    /// One of these truth values.
    Truth {
        /// `true` passes.
        yes: bool,
        /// `false` passes.
        no: bool,
    },
    /// An address in one of these networks.
    Networks(Vec<Network>),
}

/// How a value stands to a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    pub(crate) fn holds<T: PartialOrd>(self, value: &T, constant: &T) -> bool {
        match self {
            Self::Equal => value == constant,
            Self::Less => value < constant,
            Self::LessOrEqual => value <= constant,
            Self::Greater => value > constant,
            Self::GreaterOrEqual => value >= constant,
        }
    }

    /// Those of some constants that decide: to be before one of several moments is to be before the
    /// last.
    pub(crate) fn decisive<T>(
        self,
        mut constants: Vec<T>,
        order: impl Fn(&T, &T) -> std::cmp::Ordering,
    ) -> Vec<T> {
        constants.sort_by(order);
        match self {
            Self::Equal => constants,
            Self::Less | Self::LessOrEqual => constants.pop().into_iter().collect(),
            Self::Greater | Self::GreaterOrEqual => constants.into_iter().take(1).collect(),
        }
    }

    /// As people say it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Equal => "equal to",
            Self::Less => "below",
            Self::LessOrEqual => "at most",
            Self::Greater => "above",
            Self::GreaterOrEqual => "at least",
        }
    }

    /// As people say it of time.
    pub(crate) fn words_of_time(self) -> &'static str {
        match self {
            Self::Equal => "at",
            Self::Less => "before",
            Self::LessOrEqual => "until",
            Self::Greater => "after",
            Self::GreaterOrEqual => "from",
        }
    }
}

/// Reads a number as IAM does; words such as `inf` are none.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !plain {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

impl Test<'_> {
    /// Whether the value passes.
    pub(crate) fn passes(&self, value: &str) -> bool {
        match self {
            Self::Present => true,
            Self::Text(patterns) => patterns.iter().any(|pattern| pattern.matches(value)),
            Self::Number(relation, constants) => number(value).is_some_and(|value| {
                constants
                    .iter()
                    .any(|constant| relation.holds(&value, constant))
            }),
            Self::Moment(relation, constants) => moment::parse(value)
                .is_some_and(|value| constants.iter().any(|one| relation.holds(&value, one))),
            Self::Truth { yes, no } => {
                (*yes && value.eq_ignore_ascii_case("true"))
                    || (*no && value.eq_ignore_ascii_case("false"))
            }
            Self::Networks(networks) => address(value).is_some_and(|(six, number)| {
                networks.iter().any(|network| network.contains(six, number))
            }),
        }
    }

    /// A test of text whose answer is the same for all spellings of it.
    pub(crate) fn ignores_case(&self) -> bool {
        matches!(self, Self::Text(patterns) if patterns.iter().all(|pattern| pattern.fold))
    }

    /// The moments at which a test of time changes its answer.
    pub(crate) fn turns(&self, into: &mut Vec<Timestamp>) {
        match self {
            Self::Moment(_, constants) => into.extend(constants),
            Self::Number(_, constants) => into.extend(constants.iter().filter_map(|constant| {
                #[expect(clippy::cast_possible_truncation, reason = "out of range is no moment")]
                Timestamp::from_second(*constant as i64).ok()
            })),
            _ => {}
        }
    }

    /// Whether a policy variable waits to be filled in.
    pub(crate) fn has_variables(&self) -> bool {
        matches!(self, Self::Text(patterns) if patterns.iter().any(Pattern::has_variables))
    }

    /// The fixed texts, if it asks for one of a list of them.
    pub(crate) fn fixed(&self) -> Option<&[Pattern<'_>]> {
        match self {
            Self::Text(patterns) if patterns.iter().all(|pattern| pattern.fixed().is_some()) => {
                Some(patterns)
            }
            _ => None,
        }
    }

    /// The values at which an ordered test changes its answer, and those next to them: with what lies
    /// between two of them, one of each kind.
    pub(crate) fn turning_points(&self) -> Box<dyn Iterator<Item = String> + '_> {
        match self {
            Self::Present => Box::new(once("1".to_owned())),
            Self::Text(_) => Box::new(empty()),
            Self::Number(_, constants) => Box::new(constants.iter().flat_map(|constant| {
                // Whole neighbours, for keys that count.
                let values = [*constant, constant.ceil() - 1.0, constant.floor() + 1.0];
                values.into_iter().map(|value| value.to_string())
            })),
            Self::Moment(_, constants) => {
                let second = jiff::SignedDuration::from_secs(1);
                Box::new(constants.iter().flat_map(move |constant| {
                    let before = constant.checked_sub(second).ok();
                    let after = constant.checked_add(second).ok();
                    let moments = [Some(*constant), before, after].into_iter().flatten();
                    moments.map(|at| at.to_string())
                }))
            }
            Self::Truth { .. } => Box::new(["true", "false"].into_iter().map(str::to_owned)),
            Self::Networks(networks) => Box::new(networks.iter().flat_map(|found| {
                let top = if found.six {
                    u128::MAX
                } else {
                    u128::from(u32::MAX)
                };
                // Where one begins, and before and after it, where there is anything.
                let after = found.last.checked_add(1).filter(|next| *next <= top);
                let ends = [Some(found.first), found.first.checked_sub(1), after];
                let ends = ends.into_iter().flatten();
                ends.map(|end| network::address_of(found.six, end).to_string())
            })),
        }
    }
}
