//! Is somebody exposed? What a subject begins with, and what a pager filters by.

use super::Alert;
use crate::state::incident::Stage;

/// How things stand when the alert goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Exposed, and nothing that the guard does will close it.
    Exposed,
    /// An order to remediate it is on its way; another message says how that ended.
    Remediating,
    /// Not exposed any more.
    Closed,
    /// Nothing that can be open or closed, as a sign-in.
    Reported,
}

impl Standing {
    /// The value of the message attribute `access`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exposed => "exposed",
            Self::Remediating => "remediating",
            Self::Closed => "closed",
            Self::Reported => "reported",
        }
    }
}

impl Alert {
    /// How things stand. A test counts as exposed: it goes wherever the worst would go.
    pub fn standing(&self) -> Standing {
        match (self.stage, &self.outcome, &self.digest) {
            (Stage::Test, _, _) => Standing::Exposed,
            (Stage::Digest, _, Some(digest)) => match digest.open {
                0 if digest.class.ends_with("/outcome") => Standing::Closed,
                0 => Standing::Reported,
                _ => Standing::Exposed,
            },
            (_, Some(_), _) if self.is_open() => Standing::Exposed,
            (_, Some(outcome), _) if outcome.open => Standing::Remediating,
            // Nobody is exposed, and yet a person has to act: a pager must not skip it.
            (Stage::Outcome, Some(_), _) if self.needs_person() => Standing::Exposed,
            (Stage::Outcome, Some(_), _) => Standing::Closed,
            _ => Standing::Reported,
        }
    }

    /// The first words of a subject.
    pub(crate) fn standing_in_words(&self) -> &'static str {
        let overwritten = self.outcome.as_ref().is_some_and(|outcome| !outcome.open);
        match (self.stage, self.standing()) {
            (Stage::Test, _) => "TEST",
            (Stage::Outcome, Standing::Exposed) if overwritten => "ACT",
            (Stage::Outcome | Stage::Digest, Standing::Exposed) => "STILL EXPOSED",
            (_, Standing::Exposed) => "EXPOSED",
            (_, Standing::Remediating) => "REMEDIATING",
            (_, Standing::Closed) => "CLOSED",
            (_, Standing::Reported) => "REPORTED",
        }
    }
}
