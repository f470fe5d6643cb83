//! The ways of [`crate::escalations`]: `data/ways.tsv`, a row a way. Names stay, rows may be added.
//!
//! The columns: name; the actions, all of which are needed; the services that take the role which is
//! passed, any of which will do; whether it counts on any resource or on every one of a kind alone;
//! what the holder does; a page that tells of it or of its like; the year since which it is known.

use std::sync::LazyLock;

use crate::action::Action;
use crate::resource::Scope;

const WAYS: &str = include_str!("../data/ways.tsv");

/// A combination of permissions by which its holder gains others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Its name, which stays.
    pub name: &'static str,
    /// All of these are needed.
    pub actions: Vec<Action>,
    /// The services that take the role which is passed, any of which will do; none: it passes no role.
    pub passes_to: Vec<&'static str>,
    /// On less it is a delegation that somebody meant.
    pub on_at_least: Scope,
    /// What its holder does, to follow "the role".
    pub how: &'static str,
    /// A page that tells of it or of its like.
    pub source: &'static str,
}

impl Way {
    /// The actions, as `iam:PassRole and ec2:RunInstances`.
    pub fn with(&self) -> String {
        let actions: Vec<String> = self.actions.iter().map(Action::to_string).collect();
        actions.join(" and ")
    }

    /// Of a row; `None` where it is damaged, or names an action that AWS took away, which nobody
    /// holds.
    fn read(row: &'static str) -> Option<Self> {
        let mut columns = row.split('\t');
        let name = columns.next()?;
        let actions = columns.next()?.split(' ').map(Action::find);
        let actions = actions.collect::<Option<Vec<Action>>>()?;
        let passes_to = columns.next()?.split(' ');
        Some(Self {
            name,
            actions,
            passes_to: passes_to.filter(|service| *service != "-").collect(),
            on_at_least: match columns.next()? {
                "kind" => Scope::Service,
                _ => Scope::Named,
            },
            how: columns.next()?,
            source: columns.next()?,
        })
    }

    /// Whether it gives what the other gives, for less: the other needs all that this needs, and
    /// more. A way that passes a role reaches other roles than one that takes what is there.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.passes_to.is_empty() == other.passes_to.is_empty()
            && self.actions.len() < other.actions.len()
            && self
                .actions
                .iter()
                .all(|action| other.actions.contains(action))
    }
}

/// All known ways.
pub fn ways() -> &'static [Way] {
    static ALL: LazyLock<Vec<Way>> =
        LazyLock::new(|| WAYS.lines().skip(1).filter_map(Way::read).collect());
    &ALL
}
