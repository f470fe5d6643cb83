//! Callers: their kinds and accounts.

use crate::arn;
use crate::sets::pattern::Pattern;
use crate::sets::universe::Universe;
pub(crate) use crate::sets::universe::{account_of, name_of};

/// Which accounts are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account<'a> {
    Any,
    Is(&'a str),
    NoneOf(&'a [&'a str]),
}

/// A caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) kind: Kind,
    /// `aws:PrincipalArn`.
    pub(crate) arn: String,
    /// `aws:userid`.
    pub(crate) user_id: String,
}

/// Kinds of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    RoleSession,
    User,
    FederatedUser,
}

/// Kinds that can have long-term keys.
pub(crate) const LONG_TERM: [Kind; 1] = [Kind::User];

/// All kinds, likeliest first.
pub(crate) const KINDS: [Kind; 3] = [Kind::RoleSession, Kind::User, Kind::FederatedUser];

impl Kind {
    /// The value of `aws:PrincipalType`.
    pub(crate) fn principal_type(self) -> &'static str {
        match self {
            Self::RoleSession => "AssumedRole",
            Self::User => "User",
            Self::FederatedUser => "FederatedUser",
        }
    }

    pub(super) fn universe(self, partition: &'static str) -> Universe {
        match self {
            Self::RoleSession => Universe::RoleArn(partition),
            Self::User => Universe::UserArn(partition),
            Self::FederatedUser => Universe::FederatedUserArn(partition),
        }
    }

    pub(crate) fn usual_arn(self, partition: &str, account: &str) -> String {
        match self {
            Self::RoleSession => ["arn:", partition, ":iam::", account, ":role/any-role"].concat(),
            Self::User => ["arn:", partition, ":iam::", account, ":user/any-user"].concat(),
            Self::FederatedUser => {
                let rest = ":federated-user/any-user";
                ["arn:", partition, ":sts::", account, rest].concat()
            }
        }
    }
}

impl<'a> Account<'a> {
    pub(super) fn fits(self, account: &str) -> bool {
        match self {
            Account::Any => true,
            Account::Is(one) => account == one,
            Account::NoneOf(list) => !list.contains(&account),
        }
    }

    /// Those that are left out.
    pub(super) fn left_out(self) -> &'a [&'a str] {
        match self {
            Account::NoneOf(list) => list,
            Account::Any | Account::Is(_) => &[],
        }
    }
}

/// The account of every ARN that fits, where the pattern fixes it.
pub(crate) fn fixed_account<'t>(pattern: &'t Pattern<'_>) -> Option<&'t str> {
    match &pattern.tokens {
        None => arn::part(&pattern.source, 4),
        Some(_) => {
            let open = |byte: u8| matches!(byte, b'*' | b'?' | b'$');
            let end = pattern.source.bytes().position(open)?;
            let fixed = pattern.source.get(..end)?;
            arn::part(fixed, 5).and(arn::part(fixed, 4))
        }
    }
}
