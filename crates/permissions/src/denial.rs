//! One Deny statement, as far as it takes something away.

use crate::amount::PassedTo;
use crate::set::ActionSet;
use policy::patterns::{covers, meet};

pub(crate) struct Denial {
    pub(crate) policy: String,
    pub(crate) statement: usize,
    pub(crate) actions: ActionSet,
    /// As written; for `NotAction`, all but these are meant.
    pub(crate) patterns: Vec<String>,
    pub(crate) all_but: bool,
    /// As written; for `NotResource`, all but these are meant.
    pub(crate) resources: Vec<String>,
    pub(crate) all_but_resources: bool,
    pub(crate) caveats: Vec<String>,
    /// To which services it leaves a role to be passed, where that is all it asks.
    pub(crate) leaves: Option<PassedTo>,
    /// A caller can make requests that it does not mean.
    pub(crate) is_avoidable: bool,
}

impl Denial {
    /// It denies always, on all but the resources that it names.
    pub(crate) fn spares(&self) -> bool {
        self.all_but_resources && self.caveats.is_empty() && !self.resources.is_empty()
    }

    /// It denies always, on the resources that it names, and not on all.
    pub(crate) fn names_resources(&self) -> bool {
        let on_all = || self.resources.iter().any(|resource| resource == "*");
        !self.all_but_resources && self.caveats.is_empty() && !on_all()
    }

    /// Whether it denies all that this pattern of unknown actions stands for.
    pub(crate) fn denies_unknown(&self, unknown: &str) -> bool {
        let lower = unknown.to_ascii_lowercase();
        let patterns = || {
            self.patterns
                .iter()
                .map(|pattern| pattern.to_ascii_lowercase())
        };
        if self.all_but {
            patterns().all(|pattern| !meet(&pattern, &lower))
        } else {
            patterns().any(|pattern| covers(&pattern, &lower))
        }
    }
}
