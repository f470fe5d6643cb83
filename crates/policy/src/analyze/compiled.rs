//! The statements of a document, read for the decision.

use std::borrow::Cow;

use super::literal::{Demand, Literal, demand};
use crate::arn::{self, Arn, is_account};
use crate::document::{Effect, Origin, Principal, PrincipalKind, Statement, TrustPolicy, Version};
use crate::glob::{has_wildcard, matches_ignoring_case};
use crate::keys::{self, Role, SESSION_NAME};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;

/// The actions that a trust policy decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actions(u8);

/// Names and bits. The first three are ways in; the others a call may need besides.
const ACTIONS: [(&str, Actions); 6] = [
    ("sts:AssumeRole", Actions::ASSUME_ROLE),
    ("sts:AssumeRoleWithSAML", Actions::WITH_SAML),
    ("sts:AssumeRoleWithWebIdentity", Actions::WITH_WEB_IDENTITY),
    ("sts:SetContext", Actions::SET_CONTEXT),
    ("sts:SetSourceIdentity", Actions::SET_SOURCE_IDENTITY),
    ("sts:TagSession", Actions::TAG_SESSION),
];

impl Actions {
    pub(crate) const ASSUME_ROLE: Self = Self(1);
    pub(crate) const WITH_SAML: Self = Self(2);
    pub(crate) const WITH_WEB_IDENTITY: Self = Self(4);
    pub(crate) const TAG_SESSION: Self = Self(8);
    pub(crate) const SET_SOURCE_IDENTITY: Self = Self(16);
    pub(crate) const SET_CONTEXT: Self = Self(32);
    const ALL: u8 = 63;

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The name of a single action.
    pub(crate) fn name(self) -> &'static str {
        ACTIONS
            .iter()
            .find(|(_, bit)| *bit == self)
            .map_or("", |(name, _)| name)
    }

    /// Those that one of some patterns names.
    fn named(patterns: &[Cow<'_, str>]) -> Self {
        let mut bits = 0;
        for pattern in patterns {
            // Most often it is one of them in AWS's own spelling.
            if let Some((_, bit)) = ACTIONS.iter().find(|(name, _)| pattern == name) {
                bits |= bit.0;
                continue;
            }
            let wild = has_wildcard(pattern);
            for (name, bit) in ACTIONS {
                if pattern.eq_ignore_ascii_case(name)
                    || (wild && matches_ignoring_case(pattern, name))
                {
                    bits |= bit.0;
                }
            }
        }
        Self(bits)
    }

    fn of(statement: &Statement<'_>) -> Self {
        let wanted = statement.action.as_deref().map(Self::named);
        let spared = statement.not_action.as_deref().map(Self::named);
        match (wanted, spared) {
            (None, None) => Self(0),
            (Some(wanted), None) => wanted,
            (wanted, Some(spared)) => Self(wanted.map_or(Self::ALL, |wanted| wanted.0) & !spared.0),
        }
    }
}

/// Whom a value under `Principal` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named<'p> {
    /// `*` under `AWS`: everyone.
    Everyone,
    /// `*` alone, which IAM refuses: everyone, also in a Deny.
    Bare,
    /// Every principal of an account; the partition where its root's ARN stands there.
    Account {
        account: &'p str,
        partition: Option<&'p str>,
    },
    /// A role, a user or a federated user.
    Arn { account: &'p str, arn: &'p str },
    /// One session of a role.
    Session {
        account: &'p str,
        arn: &'p str,
        partition: &'p str,
        role: &'p str,
        session: &'p str,
    },
    /// A service.
    Service(&'p str),
    /// A provider.
    Federated(&'p str),
    /// A role or a user, by a unique id. As IAM shows it: one that was deleted.
    UniqueId(&'p str),
}

impl<'p> Named<'p> {
    pub(crate) fn read(principal: &'p Principal<'p>) -> Option<Self> {
        if principal.meaningless {
            return None;
        }
        let value: &'p str = &principal.value;
        match principal.kind {
            PrincipalKind::Everyone => Some(Self::Bare),
            PrincipalKind::Service => Some(Self::Service(value)),
            PrincipalKind::Federated => Some(Self::Federated(value)),
            PrincipalKind::Unknown => None,
            PrincipalKind::Aws => Some(match value {
                "*" => Self::Everyone,
                _ if is_account(value) => Self::Account {
                    account: value,
                    partition: None,
                },
                _ => match value.strip_prefix("arn:") {
                    Some(rest) => Self::read_arn(value, rest)?,
                    None => Self::UniqueId(value),
                },
            }),
        }
    }

    /// Whose principal it is, where that is a principal of AWS.
    pub(crate) fn account(self) -> Option<&'p str> {
        match self {
            Self::Account { account, .. }
            | Self::Arn { account, .. }
            | Self::Session { account, .. } => Some(account),
            _ => None,
        }
    }

    /// The partition that an ARN tells.
    pub(crate) fn partition(self) -> Option<&'p str> {
        match self {
            Self::Account { partition, .. } => partition,
            Self::Session { partition, .. } => Some(partition),
            Self::Arn { arn, .. } | Self::Federated(arn) => arn::part(arn.strip_prefix("arn:")?, 0),
            _ => None,
        }
    }

    /// No caller whom an Allow admits is both, as their names alone tell.
    pub(crate) fn is_apart(self, other: Self) -> bool {
        use Named::{Arn, Bare, Everyone, Federated, Service};
        match (self, other) {
            (Everyone | Bare, _) | (_, Everyone | Bare) => false,
            (Arn { .. }, Arn { .. })
            | (Service(_) | Federated(_), _)
            | (_, Service(_) | Federated(_)) => self != other,
            _ => self
                .account()
                .zip(other.account())
                .is_some_and(|(one, other)| one != other),
        }
    }

    fn read_arn(arn: &'p str, rest: &'p str) -> Option<Self> {
        let Arn {
            partition,
            service,
            account,
            resource,
            ..
        } = Arn::read(rest)?;
        if service == "iam" && resource == "root" {
            return Some(Self::Account {
                account,
                partition: Some(partition),
            });
        }
        if let Some(session) = resource.strip_prefix("assumed-role/")
            && service == "sts"
        {
            let (role, session) = session.split_once('/')?;
            return Some(Self::Session {
                account,
                arn,
                partition,
                role,
                session,
            });
        }
        Some(Self::Arn { account, arn })
    }
}

/// One statement, read.
#[derive(Debug)]
pub(crate) struct Compiled<'p> {
    /// Its place in the document.
    pub(crate) index: usize,
    pub(crate) sid: Option<&'p str>,
    pub(crate) effect: Effect,
    pub(crate) actions: Actions,
    /// `None`: no `Principal` stands there.
    pub(crate) principals: Option<Vec<Named<'p>>>,
    /// `None`: no `NotPrincipal` stands there.
    pub(crate) not_principals: Option<Vec<Named<'p>>>,
    pub(crate) conditions: Vec<Literal<'p>>,
}

/// The statements that can have any effect.
pub(crate) fn compile<'p>(policy: &'p TrustPolicy<'p>, origin: Origin) -> Vec<Compiled<'p>> {
    if policy.version == Version::Unknown {
        return Vec::new();
    }
    policy
        .statements
        .iter()
        .filter_map(|statement| statement_of(statement, policy.version, origin))
        .collect()
}

fn statement_of<'p>(
    statement: &'p Statement<'p>,
    version: Version,
    origin: Origin,
) -> Option<Compiled<'p>> {
    let effect = statement.effect?;
    let actions = Actions::of(statement);
    if actions.0 == 0 || (statement.principal.is_none() && statement.not_principal.is_none()) {
        return None;
    }
    let mut conditions = Vec::with_capacity(statement.conditions.len());
    for condition in &statement.conditions {
        match demand(condition, version) {
            Demand::Always => {}
            Demand::Never => return None,
            Demand::Literal(literal) => conditions.push(literal),
        }
    }
    // An id that IAM shows is left from a principal that was deleted: nobody.
    let is_dead = |one: &Named<'p>| origin == Origin::Shown && matches!(one, Named::UniqueId(_));
    let read = |list: &'p Option<Vec<Principal<'p>>>| {
        let named = |list: &'p Vec<Principal<'p>>| {
            let read = list.iter().filter_map(Named::read);
            read.filter(|one| !is_dead(one)).collect()
        };
        list.as_ref().map(named)
    };
    Some(Compiled {
        index: statement.index,
        sid: statement.sid.as_deref(),
        effect,
        actions,
        principals: read(&statement.principal),
        not_principals: read(&statement.not_principal),
        conditions,
    })
}

/// What being this AWS principal comes down to; `None` if nobody is.
pub(crate) fn being_one<'p>(named: Named<'p>) -> Option<Vec<Literal<'p>>> {
    match named {
        Named::Everyone | Named::Bare => Some(Vec::new()),
        Named::Account { account, .. } => Some(vec![one_of(
            Role::PrincipalAccount,
            vec![Pattern::exact(account)],
        )]),
        Named::Arn { arn, .. } => Some(vec![one_of(Role::PrincipalArn, vec![Pattern::exact(arn)])]),
        Named::Session { .. } => session(&named),
        Named::UniqueId(id) => Some(vec![one_of(Role::UserId, having(id).into())]),
        Named::Service(_) | Named::Federated(_) => None,
    }
}

/// What being one of some AWS principals comes down to: any of these lists of demands.
///
/// `None` if everyone is.
pub(crate) fn being<'p>(named: &[Named<'p>]) -> Option<Vec<Vec<Literal<'p>>>> {
    let mut accounts = Vec::new();
    let mut arns = Vec::new();
    let mut ids = Vec::new();
    let mut ways = Vec::new();
    for one in named {
        match *one {
            Named::Everyone | Named::Bare => return None,
            Named::Account { account, .. } => accounts.push(Pattern::exact(account)),
            Named::Arn { arn, .. } => arns.push(Pattern::exact(arn)),
            Named::Session { .. } => ways.extend(session(one)),
            Named::UniqueId(id) => ids.extend(having(id)),
            Named::Service(_) | Named::Federated(_) => {}
        }
    }
    for (patterns, role) in [
        (accounts, Role::PrincipalAccount),
        (arns, Role::PrincipalArn),
        (ids, Role::UserId),
    ] {
        if !patterns.is_empty() {
            ways.push(vec![one_of(role, patterns)]);
        }
    }
    Some(ways)
}

/// The user ids of who has a unique id: a user's is that, a role's sessions add their names.
fn having(id: &str) -> [Pattern<'_>; 2] {
    [Pattern::exact(id), Pattern::wild(format!("{id}:*"))]
}

fn one_of(role: Role, patterns: Vec<Pattern<'_>>) -> Literal<'_> {
    let row = keys::by_role(role);
    Literal::passing(row, row.name, Test::Text(patterns))
}

/// A session is its role (whose path its ARN does not tell) and its own name.
fn session<'p>(named: &Named<'p>) -> Option<Vec<Literal<'p>>> {
    let Named::Session {
        account,
        partition,
        role,
        session,
        ..
    } = *named
    else {
        return None;
    };
    let forms = ["", "*/"]
        .map(|path| Pattern::wild(format!("arn:{partition}:iam::{account}:role/{path}{role}")));
    Some(vec![
        one_of(Role::PrincipalArn, forms.into()),
        Literal::passing(&SESSION_NAME, "", Test::Text(vec![Pattern::exact(session)])),
    ])
}

/// The lists of demands of which being none of some principals needs one from each.
pub(crate) fn not_being<'p>(being: &[Vec<Literal<'p>>]) -> Vec<Vec<Literal<'p>>> {
    // De Morgan: not (a and b) or not (c): one denied demand of each list.
    being.iter().fold(vec![Vec::new()], |sofar, list| {
        sofar
            .iter()
            .flat_map(|before: &Vec<Literal<'p>>| {
                list.iter().map(move |literal| {
                    let mut with = before.clone();
                    with.push(literal.denied());
                    with
                })
            })
            .collect()
    })
}

impl<'p> Compiled<'p> {
    /// The key test of a statement without its conditions on external ids, for asking who would get
    /// in were it not for them.
    pub(crate) fn mentions_external_id(&self) -> bool {
        self.conditions
            .iter()
            .any(|literal| literal.row.role == Role::ExternalId)
    }

    /// The same statement without conditions on external ids.
    pub(crate) fn without_external_id(&self) -> Self {
        Self {
            index: self.index,
            sid: self.sid,
            effect: self.effect,
            actions: self.actions,
            principals: self.principals.clone(),
            not_principals: self.not_principals.clone(),
            conditions: self
                .conditions
                .iter()
                .filter(|literal| literal.row.role != Role::ExternalId)
                .cloned()
                .collect(),
        }
    }
}
