//! A condition, or the denial of one, as a demand on the values of one key.
//!
//! Every operator with its qualifier comes down to: the key may be absent or not, and if it is
//! present, one of its values (or each) passes a test (or fails it). This form is closed under
//! denial, so that a Deny can be subtracted without ever leaving it.

use std::borrow::Cow;
use std::rc::Rc;

use crate::document::{Comparison, Condition, Operator, Qualifier, Version};
use crate::keys::{self, Role, Row};
use crate::sets::moment;
use crate::sets::network::Network;
use crate::sets::pattern::{Pattern, Reading};
use crate::sets::test::{Relation, Test, number};
use crate::sets::universe::Universe;
use crate::sets::value::Domain;

/// A demand on the values of one key.
#[derive(Debug, Clone)]
pub(crate) struct Literal<'p> {
    /// What is known of the key.
    pub(crate) row: &'static Row,
    /// The key as the document writes it.
    pub(crate) key: Cow<'p, str>,
    /// What a value must pass or fail.
    pub(crate) test: Rc<Test<'p>>,
    /// `true`: each value; `false`: at least one.
    pub(crate) each: bool,
    /// `true`: must pass; `false`: must fail.
    pub(crate) passes: bool,
    /// A request without the key meets the demand.
    pub(crate) absent: bool,
}

/// What a condition comes down to.
#[derive(Debug, Clone)]
pub(crate) enum Demand<'p> {
    /// Every request meets it.
    Always,
    /// None does.
    Never,
    /// Those that meet this do.
    Literal(Literal<'p>),
}

impl<'p> Literal<'p> {
    /// At least one value passes, and the key is present.
    pub(crate) fn passing(row: &'static Row, key: impl Into<Cow<'p, str>>, test: Test<'p>) -> Self {
        Self {
            row,
            key: key.into(),
            test: Rc::new(test),
            each: false,
            passes: true,
            absent: false,
        }
    }

    /// What holds exactly where this does not.
    pub(crate) fn denied(&self) -> Self {
        Self {
            row: self.row,
            key: self.key.clone(),
            test: Rc::clone(&self.test),
            each: !self.each,
            passes: !self.passes,
            absent: !self.absent,
        }
    }

    /// Both speak of the same key.
    pub(crate) fn same_key(&self, other: &Self) -> bool {
        std::ptr::eq(self.row, other.row)
            && ((!self.row.name.is_empty() && !self.row.name.ends_with('/'))
                || self.key == other.key
                || self.key.eq_ignore_ascii_case(&other.key))
    }

    /// Whether the key can have this value at all.
    pub(crate) fn admits(&self, value: &str) -> bool {
        match self.row.domain {
            Domain::Text(universe)
                if !matches!(
                    self.row.role,
                    Role::OrganizationId | Role::SourceOrganizationId
                ) =>
            {
                universe.admits(value)
            }
            _ => true,
        }
    }

    /// Both say the same.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.same_key(other)
            && self.each == other.each
            && self.passes == other.passes
            && self.absent == other.absent
            && (Rc::ptr_eq(&self.test, &other.test) || self.test == other.test)
    }
}

/// What each comparison reads its values as, and whether it is the negation of another.
fn comparison_parts(comparison: Comparison) -> (Kind, bool) {
    use Comparison as C;
    use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    match comparison {
        C::StringEquals | C::BinaryEquals => (Kind::EXACT, false),
        C::StringNotEquals => (Kind::EXACT, true),
        C::StringEqualsIgnoreCase => (Kind::ANY_CASE, false),
        C::StringNotEqualsIgnoreCase => (Kind::ANY_CASE, true),
        C::StringLike => (Kind::LIKE, false),
        C::StringNotLike => (Kind::LIKE, true),
        // IAM: ArnEquals and ArnLike behave identically.
        C::ArnEquals | C::ArnLike => (Kind::ARN_LIKE, false),
        C::ArnNotEquals | C::ArnNotLike => (Kind::ARN_LIKE, true),
        C::NumericEquals => (Kind::Number(Equal), false),
        C::NumericNotEquals => (Kind::Number(Equal), true),
        C::NumericLessThan => (Kind::Number(Less), false),
        C::NumericLessThanEquals => (Kind::Number(LessOrEqual), false),
        C::NumericGreaterThan => (Kind::Number(Greater), false),
        C::NumericGreaterThanEquals => (Kind::Number(GreaterOrEqual), false),
        C::DateEquals => (Kind::Moment(Equal), false),
        C::DateNotEquals => (Kind::Moment(Equal), true),
        C::DateLessThan => (Kind::Moment(Less), false),
        C::DateLessThanEquals => (Kind::Moment(LessOrEqual), false),
        C::DateGreaterThan => (Kind::Moment(Greater), false),
        C::DateGreaterThanEquals => (Kind::Moment(GreaterOrEqual), false),
        C::Bool => (Kind::Truth, false),
        C::IpAddress => (Kind::Network, false),
        C::NotIpAddress => (Kind::Network, true),
        C::Null => (Kind::Null, false),
    }
}

enum Kind {
    Text {
        wildcards: bool,
        fold: bool,
        arn: bool,
    },
    Number(Relation),
    Moment(Relation),
    Truth,
    Network,
    Null,
}

impl Kind {
    const EXACT: Self = Self::text(false, false, false);
    const ANY_CASE: Self = Self::text(false, true, false);
    const LIKE: Self = Self::text(true, false, false);
    const ARN_LIKE: Self = Self::text(true, false, true);

    const fn text(wildcards: bool, fold: bool, arn: bool) -> Self {
        Self::Text {
            wildcards,
            fold,
            arn,
        }
    }
}

/// Reads one condition of a statement.
pub(crate) fn demand<'p>(condition: &'p Condition<'p>, version: Version) -> Demand<'p> {
    let Some(operator) = condition.operator else {
        return Demand::Never;
    };
    let row = keys::find(&condition.key);
    let key = Cow::Borrowed(&*condition.key);
    let values = condition.values.iter().map(|value| &**value);
    let (kind, negated) = comparison_parts(operator.comparison);
    let says = |word: &str| {
        condition
            .values
            .iter()
            .any(|value| value.eq_ignore_ascii_case(word))
    };
    let test = match kind {
        Kind::Null => {
            let present = |test, each, passes, absent| {
                Demand::Literal(Literal {
                    row,
                    key,
                    test: Rc::new(test),
                    each,
                    passes,
                    absent,
                })
            };
            return match (says("true"), says("false")) {
                (true, true) => Demand::Always,
                (true, false) => present(Test::Present, true, false, true),
                (false, true) => present(Test::Present, false, true, false),
                (false, false) => Demand::Never,
            };
        }
        Kind::Text {
            wildcards,
            fold,
            arn,
        } => {
            let reading = Reading {
                wildcards,
                fold,
                arn,
                variables: version == Version::V2012,
            };
            Test::Text(
                values
                    .filter_map(|value| Pattern::read(value.into(), reading))
                    .collect(),
            )
        }
        // An account's id is the number that it spells, with all its digits.
        Kind::Number(Relation::Equal) if row.domain == Domain::Text(Universe::Account) => {
            let accounts = values
                .filter_map(number)
                .map(|value| format!("{value:012}"));
            Test::Text(accounts.map(Pattern::exact).collect())
        }
        Kind::Number(relation) => {
            let numbers = values.filter_map(number).collect();
            Test::Number(relation, relation.decisive(numbers, f64::total_cmp))
        }
        Kind::Moment(relation) => {
            let moments = values.filter_map(moment::parse).collect();
            Test::Moment(relation, relation.decisive(moments, Ord::cmp))
        }
        Kind::Truth => Test::Truth {
            yes: says("true"),
            no: says("false"),
        },
        Kind::Network => Test::Networks(values.filter_map(Network::parse).collect()),
    };
    let (each, absent) = qualified(operator, negated);
    Demand::Literal(Literal {
        row,
        key,
        test: Rc::new(test),
        each,
        passes: !negated,
        absent,
    })
}

/// Whether each value is asked for, and whether a request without the key will do.
fn qualified(operator: Operator, negated: bool) -> (bool, bool) {
    match operator.qualifier {
        // Without a qualifier a negated operator asks it of every value, and a missing key is
        // unlike anything.
        None => (negated, negated || operator.if_exists),
        Some(Qualifier::ForAnyValue) => (false, operator.if_exists),
        Some(Qualifier::ForAllValues) => (true, true),
    }
}
