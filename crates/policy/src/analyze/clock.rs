//! When a request comes: `aws:CurrentTime` and `aws:EpochTime` are faces of one fact, the moment.
//!
//! Time runs on, so a demand on it is met if some moment from now on meets it. Temporary credentials
//! are issued before they are used: where `aws:TokenIssueTime` has to be late, the moment has, too.
//! Moments are whole
//! seconds, as requests tell them, and now itself.

use jiff::{SignedDuration, Timestamp};
use smallvec::SmallVec;

use super::literal::Literal;
use super::solver::{Ready, Solver};
use super::way::Way;
use crate::keys::{self, Presence, Role, Row};
use crate::sets::Found;
use crate::sets::language::{Demand, find};
use crate::sets::moment;
use crate::sets::test::{Relation, Test};
use crate::sets::universe::{Universe, View};

/// When the demands on the clock hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Never again.
    Never,
    /// At this moment, perhaps at others.
    At(Timestamp),
    /// Too costly to tell.
    Unknown,
}

/// When a way closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closes {
    At(Timestamp),
    Never,
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// What a key says of a moment.
pub(super) fn face(row: &Row, at: Timestamp) -> String {
    if row.name == "aws:EpochTime" {
        at.as_second().to_string()
    } else {
        at.to_string()
    }
}

/// Whether a demand on a key of the clock holds at a moment.
fn holds(literal: &Literal<'_>, test: &Test<'_>, at: Timestamp) -> bool {
    let passes = match test {
        Test::Moment(relation, constants) => constants.iter().any(|one| relation.holds(&at, one)),
        other => other.passes(&face(literal.row, at)),
    };
    passes == literal.passes
}

/// At a moment or after it.
fn since(at: Timestamp) -> Test<'static> {
    Test::Moment(Relation::GreaterOrEqual, vec![at])
}

/// At a moment or before it.
pub(super) fn until(at: Timestamp) -> Test<'static> {
    Test::Moment(Relation::LessOrEqual, vec![at])
}

/// The whole second that a moment lies in, or that it is.
fn floor(at: Timestamp) -> Option<Timestamp> {
    // Before 1970 a part of a second counts backwards.
    let back = i64::from(at.subsec_nanosecond() < 0);
    Timestamp::from_second(at.as_second() - back).ok()
}

/// So many moments are kept for other ways.
const MOST_MOMENTS: usize = 8;

/// A stretch of whole seconds throughout which tests of order give one answer; without an end, to
/// the end of time.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    first: Timestamp,
    last: Option<Timestamp>,
}

impl Solver<'_> {
    /// A moment from now on at which all demands of the way on the clock hold, and whose face by
    /// the key `row` passes and fails further tests as asked.
    pub(crate) fn moment(
        &mut self,
        way: &Way<'_>,
        row: Option<&'static Row>,
        further: &[(&Test<'_>, bool)],
    ) -> When {
        let now = self.context.now;
        let ready = self.ready(way, |literal| literal.row.role == Role::Now);
        let issued = self.issued(way).map(|at| {
            let row = keys::by_role(Role::Now);
            Literal::passing(row, row.name, since(at))
        });
        let more: Vec<Literal<'_>> = (row.into_iter())
            .flat_map(|row| {
                further
                    .iter()
                    .map(move |(test, passes)| (row, test, *passes))
            })
            .map(|(row, test, passes)| Literal {
                passes,
                ..Literal::passing(row, row.name, (*test).clone())
            })
            .chain(issued)
            .collect();
        let mut asked: SmallVec<[(&Literal<'_>, &Test<'_>); 4]> = ready
            .iter()
            .map(|one: &Ready<'_, '_>| (one.literal, &*one.test))
            .collect();
        asked.extend(more.iter().map(|one| (one, &*one.test)));
        let all = |at: Timestamp| asked.iter().all(|(one, test)| holds(one, test, at));
        if all(now) {
            return When::At(now);
        }
        if self.fuel.may_guess()
            && let Some(at) = self.moments.iter().rev().find(|at| all(**at))
        {
            return When::At(*at);
        }
        let is_text = |test: &Test<'_>| matches!(test, Test::Text(_));
        let ordered = |at: Timestamp| {
            let mut tests = asked.iter().filter(|(_, test)| !is_text(test));
            tests.all(|(one, test)| holds(one, test, at))
        };
        let texts: Vec<_> = asked.iter().filter(|(_, test)| is_text(test)).collect();
        let mut turns = Vec::new();
        for (_, test) in &asked {
            test.turns(&mut turns);
        }
        let mut unknown = false;
        for stretch in stretches(now, turns) {
            if !self.fuel.spend(64 * asked.len() as u64) {
                return When::Unknown;
            }
            if !ordered(stretch.first) {
                continue;
            }
            if all(stretch.first) {
                return When::At(stretch.first);
            }
            match self.text_within(stretch, &texts) {
                Some(Some(at)) => {
                    self.moments.truncate(MOST_MOMENTS);
                    self.moments.push(at);
                    return When::At(at);
                }
                Some(None) => {}
                None => unknown = true,
            }
        }
        if unknown { When::Unknown } else { When::Never }
    }

    /// The first moment at which credentials as the way demands them can have been issued; `None`
    /// where it demands no first one. Demands on their time as text do not count.
    fn issued(&self, way: &Way<'_>) -> Option<Timestamp> {
        let ready = self.ready(way, |literal| literal.row.role == Role::Issued);
        let like = ready.first()?.literal;
        let always = self.presence(way, like) == Presence::Always;
        if !always && ready.iter().all(|one| one.literal.absent) {
            return None;
        }
        let mut turns = Vec::new();
        for one in &ready {
            one.test.turns(&mut turns);
        }
        let ordered = |at: &Timestamp| {
            let mut tests = (ready.iter()).filter(|one| !matches!(&*one.test, Test::Text(_)));
            tests.all(|one| holds(one.literal, &one.test, *at))
        };
        let mut cuts = stretches(Timestamp::UNIX_EPOCH, turns).map(|stretch| stretch.first);
        cuts.find(ordered).filter(|at| *at > Timestamp::UNIX_EPOCH)
    }

    /// A moment of a stretch whose text fits; `None`: not to be told.
    fn text_within(
        &mut self,
        stretch: Stretch,
        texts: &[&(&Literal<'_>, &Test<'_>)],
    ) -> Option<Option<Timestamp>> {
        let mut demands = Vec::with_capacity(texts.len());
        for (literal, test) in texts {
            let Test::Text(patterns) = test else { continue };
            // Seconds since 1970 are not written in the order of a date.
            if literal.row.name == "aws:EpochTime" {
                return None;
            }
            demands.push(Demand {
                patterns,
                fits: literal.passes,
                view: View::Whole,
            });
        }
        let last = match stretch.last {
            Some(last) => moment::text(last)?,
            None => moment::LAST,
        };
        let universe = Universe::Moment(moment::text(stretch.first)?, last);
        match find(universe, &demands, &mut self.fuel) {
            Found::Nothing => Some(None),
            // The walk knows no calendar: it may have found the 31st of June.
            Found::Value(text) => moment::parse(&text).map(Some),
            Found::Unknown => None,
        }
    }

    /// When a way is open for the last time: demands on the clock as text do not count.
    pub(crate) fn closes(&mut self, way: &Way<'_>) -> Closes {
        let now = self.context.now;
        let ready = self.ready(way, |literal| literal.row.role == Role::Now);
        let mut turns = Vec::new();
        for one in &ready {
            one.test.turns(&mut turns);
        }
        turns.retain(|turn| *turn >= now);
        turns.sort_unstable();
        turns.dedup();
        let open = |at: Timestamp| {
            let mut tests = (ready.iter()).filter(|one| !matches!(&*one.test, Test::Text(_)));
            tests.all(|one| holds(one.literal, &one.test, at))
        };
        let after = turns.last().map(|last| last.checked_add(SECOND).ok());
        let Some(Some(after)) = after else {
            return Closes::Never;
        };
        let cost = 64 * (turns.len() * ready.len()) as u64;
        if open(after) || !self.fuel.spend(cost) {
            return Closes::Never;
        }
        let last = turns.iter().rev().find(|turn| {
            // Open until just before: but not where that is itself a turn, which comes next.
            let before = turn.checked_sub(SECOND).ok();
            open(**turn) || before.is_some_and(|at| turns.binary_search(&at).is_err() && open(at))
        });
        Closes::At(last.copied().unwrap_or(now))
    }
}

/// The stretches of time from now on, cut where a test of order may change its answer.
fn stretches(now: Timestamp, turns: Vec<Timestamp>) -> impl Iterator<Item = Stretch> {
    let next = |at: Timestamp| at.checked_add(SECOND).ok();
    let mut cuts: Vec<Timestamp> = Vec::with_capacity(2 * turns.len() + 1);
    for turn in turns.into_iter().filter_map(floor) {
        cuts.push(turn);
        cuts.extend(next(turn));
    }
    cuts.retain(|cut| *cut >= now);
    cuts.extend(
        floor(now)
            .filter(|whole| *whole == now)
            .or_else(|| next(floor(now)?)),
    );
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.clone().into_iter().skip(1);
    let ends = ends.map(|cut| cut.checked_sub(SECOND).ok()).chain([None]);
    cuts.into_iter()
        .zip(ends)
        .map(|(first, last)| Stretch { first, last })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn time_is_cut_where_a_test_turns() {
        let shown = |now: &str, turns: &[&str]| -> Vec<String> {
            let turns = turns.iter().map(|turn| at(turn)).collect();
            let show = |one: Stretch| {
                let last = one
                    .last
                    .map_or_else(|| "…".to_owned(), |last| last.to_string());
                format!("{} {last}", one.first)
            };
            stretches(at(now), turns).map(show).collect()
        };
        assert_eq!(
            shown("2026-11-21T00:00:00Z", &[]),
            ["2026-11-21T00:00:00Z …"]
        );
        assert_eq!(
            shown(
                "2026-11-21T00:00:00.5Z",
                &["2026-11-20T00:00:00Z", "2026-11-21T00:00:09.2Z"]
            ),
            [
                "2026-11-21T00:00:01Z 2026-11-21T00:00:08Z",
                "2026-11-21T00:00:09Z 2026-11-21T00:00:09Z",
                "2026-11-21T00:00:10Z …"
            ]
        );
    }

    #[test]
    fn a_moment_lies_in_its_second_on_both_sides_of_1970() {
        for (moment, second) in [
            ("2026-11-21T00:00:00.5Z", "2026-11-21T00:00:00Z"),
            ("1969-12-31T23:59:58.5Z", "1969-12-31T23:59:58Z"),
            ("1969-12-31T23:59:58Z", "1969-12-31T23:59:58Z"),
        ] {
            assert_eq!(floor(at(moment)), Some(at(second)), "{moment}");
        }
    }
}
