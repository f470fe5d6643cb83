//! How an event shares a resource: what a row of the table says of it.

/// How an event shares a resource, in a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// As `snapshot`.
    pub kind: &'static str,
    /// The resource's ARN, in which `{partition}`, `{region}`, `{account}` and `{name}` are to be
    /// replaced.
    pub arn: &'static str,
    /// Who gets access by the call.
    pub lets: Lets,
    /// It counts only where this stands at this place.
    pub only: Option<(&'static str, &'static str)>,
    /// How sure the places are.
    pub sure: Sure,
}

/// Who gets access by a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lets {
    /// Those the record or its policy names; where it names nobody, they are not known.
    Those,
    /// The same; where it names nobody, nobody.
    ThoseIfAny,
    /// Everyone.
    Everyone,
    /// Nobody yet; what kept others out is away.
    Others,
    /// Whoever has it may do something else with it.
    More,
    /// It is another account's, which the record names, and is used here.
    In,
}

/// How sure it is that a record has what a row says where the row says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    /// Records of the call were seen.
    Seen,
    /// Others' rules and descriptions of records say it.
    Described,
    /// The call's input has it so, and records mostly bear that.
    Expected,
}

impl Share {
    /// In a few words.
    pub fn words(&self) -> &'static str {
        match self.lets {
            Lets::Those | Lets::ThoseIfAny => "a resource is shared",
            Lets::Everyone => "everyone can use a resource",
            Lets::Others => "a resource may be shared with others from now on",
            Lets::More => "those who share a resource may do something else",
            Lets::In => "a resource of another account came in",
        }
    }
}

impl Sure {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Seen => "records seen",
            Self::Described => "as others describe records",
            Self::Expected => "as the call's input has it",
        }
    }
}
