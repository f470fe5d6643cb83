//! What a role may do, in a few classes for people.

use std::fmt;
use std::sync::LazyLock;

use crate::action::{Action, Level, Service};
use crate::amount::Effective;
use crate::data_reads::data_reads;
use crate::expand::expand;
use crate::resource::Scope;
use crate::set::ActionSet;

/// What a role may do, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nearly everything on everything, or all of IAM's permissions.
    Administrator,
    /// Who may enter and do what: IAM, STS, Organizations, IAM Identity Center, policies of KMS
    /// keys.
    IamWrite,
    /// Who may do what, in other services: policies of buckets, queues, functions.
    PermissionsManagement,
    /// Makes, changes or deletes anything else.
    Write,
    /// Reads what is stored: objects, items, secrets, messages.
    DataRead,
    /// Reads what there is and how it is set up.
    MetadataRead,
    /// Actions that the table does not know.
    Unknown,
}

impl Class {
    /// All, worst first.
    pub const ALL: [Class; 7] = [
        Class::Administrator,
        Class::IamWrite,
        Class::PermissionsManagement,
        Class::Write,
        Class::DataRead,
        Class::MetadataRead,
        Class::Unknown,
    ];

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Class::Administrator => "administrator",
            Class::IamWrite => "IAM write",
            Class::PermissionsManagement => "permissions management",
            Class::Write => "write",
            Class::DataRead => "data read",
            Class::MetadataRead => "metadata read",
            Class::Unknown => "unknown actions",
        }
    }

    /// For machines: kebab-case.
    pub fn code(self) -> &'static str {
        match self {
            Class::Administrator => "administrator",
            Class::IamWrite => "iam-write",
            Class::PermissionsManagement => "permissions-management",
            Class::Write => "write",
            Class::DataRead => "data-read",
            Class::MetadataRead => "metadata-read",
            Class::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// A class of which a role holds something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Held {
    /// Which.
    pub class: Class,
    /// How many actions of it.
    pub count: usize,
    /// One of them, as written in a policy where the table does not know it.
    pub example: String,
    /// On how much, at most.
    pub scope: Scope,
    /// Whatever it holds of this class, on whatever, is under conditions.
    pub conditional: bool,
}

/// The classes of which a role holds something, worst first. An administrator holds the others as
/// well, and they are listed.
pub fn classes(effective: &Effective) -> Vec<Held> {
    let mut held = Vec::new();
    let all = effective.actions();
    for class in Class::ALL {
        match class {
            Class::Administrator => {
                if let Some(administrator) = administrator(effective) {
                    held.push(Held {
                        class,
                        count: all.len(),
                        example: administrator.example.to_string(),
                        scope: administrator.scope,
                        conditional: administrator.conditional,
                    });
                }
            }
            Class::Unknown => {
                let permits = effective.permits.iter();
                let with: Vec<_> = permits
                    .filter(|permit| !permit.unknown.is_empty())
                    .collect();
                let mut unknown = with.iter().flat_map(|permit| &permit.unknown);
                if let Some(example) = unknown.next() {
                    held.push(Held {
                        class,
                        count: 1 + unknown.count(),
                        example: example.clone(),
                        scope: with
                            .iter()
                            .map(|permit| permit.scope)
                            .max()
                            .unwrap_or(Scope::Named),
                        conditional: with.iter().all(|permit| !permit.caveats.is_empty()),
                    });
                }
            }
            _ => held.extend(of_actions(effective, class, &all)),
        }
    }
    held
}

fn of_actions(effective: &Effective, class: Class, all: &ActionSet) -> Option<Held> {
    let mut actions = all.clone();
    actions &= of_class(class);
    let permits = effective.permits.iter();
    let with: Vec<_> = permits
        .filter(|permit| permit.actions.meets(&actions))
        .collect();
    // The example is of the widest permit, and of those that have no condition if there are any.
    let best = with
        .iter()
        .max_by_key(|permit| (permit.scope, permit.caveats.is_empty()))?;
    let mut examples = best.actions.clone();
    examples &= &actions;
    Some(Held {
        class,
        count: actions.len(),
        example: telling(&examples)?.to_string(),
        scope: best.scope,
        conditional: with.iter().all(|permit| !permit.caveats.is_empty()),
    })
}

/// The action of a set that says most to people: one that everybody knows, else the first.
pub fn telling(actions: &ActionSet) -> Option<Action> {
    const KNOWN: &[&str] = &[
        "iam:AttachRolePolicy",
        "iam:PutRolePolicy",
        "iam:CreateAccessKey",
        "iam:PassRole",
        "sts:AssumeRole",
        "kms:PutKeyPolicy",
        "s3:PutBucketPolicy",
        "secretsmanager:GetSecretValue",
        "s3:GetObject",
        "s3:DeleteObject",
        "s3:PutObject",
        "dynamodb:Scan",
        "kms:Decrypt",
        "ssm:GetParameter",
        "ec2:TerminateInstances",
        "ec2:RunInstances",
        "lambda:UpdateFunctionCode",
        "ec2:DescribeInstances",
        "s3:ListAllMyBuckets",
    ];
    static FOUND: LazyLock<Vec<Action>> =
        LazyLock::new(|| KNOWN.iter().filter_map(|name| Action::find(name)).collect());
    FOUND
        .iter()
        .copied()
        .find(|action| actions.contains(*action))
        .or_else(|| actions.iter().next())
}

/// Which actions are of a class; [`Class::Administrator`] and [`Class::Unknown`] have none of their
/// own.
pub fn of_class(class: Class) -> &'static ActionSet {
    static SETS: LazyLock<[ActionSet; 6]> = LazyLock::new(|| {
        let mut changing = ActionSet::new();
        for level in Level::ALL.into_iter().filter(|level| level.changes()) {
            changing |= ActionSet::of_level(level);
        }
        changing -= data_reads();
        changing -= &of_other_level("read");
        let mut iam = ActionSet::new();
        for prefix in WHO_MAY_ENTER {
            if let Some(service) = Service::find(prefix) {
                iam |= &ActionSet::of_service(service);
            }
        }
        iam &= &changing;
        let mut keys = expand("kms:*");
        keys &= ActionSet::of_level(Level::PermissionsManagement);
        iam |= &keys;
        iam -= &of_other_level("write");
        let mut permissions = ActionSet::of_level(Level::PermissionsManagement).clone();
        permissions &= &changing;
        permissions -= &iam;
        let mut write = changing;
        write -= &iam;
        write -= &permissions;
        let data = data_reads().clone();
        let mut metadata = ActionSet::all();
        for other in [&iam, &permissions, &write, &data] {
            metadata -= other;
        }
        [iam, permissions, write, data, metadata, ActionSet::new()]
    });
    let [iam, permissions, write, data, metadata, none] = &*SETS;
    match class {
        Class::IamWrite => iam,
        Class::PermissionsManagement => permissions,
        Class::Write => write,
        Class::DataRead => data,
        Class::MetadataRead => metadata,
        Class::Administrator | Class::Unknown => none,
    }
}

/// What the table `data/levels.tsv` says of actions to which AWS gives another level.
fn of_other_level(is: &str) -> ActionSet {
    let rows = include_str!("../data/levels.tsv").lines().skip(1);
    let rows = rows.filter_map(|row| {
        let (action, rest) = row.split_once('\t')?;
        let (what, _why) = rest.split_once('\t')?;
        Action::find(action).filter(|_| what == is)
    });
    rows.collect()
}

/// Services whose every change is one to who may enter or what they may do.
const WHO_MAY_ENTER: &[&str] = &[
    "iam",
    "sts",
    "organizations",
    "sso",
    "sso-directory",
    "identitystore",
    "rolesanywhere",
    "account",
];

/// Why a role counts as administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administrator {
    /// How many of AWS's actions that change something it may do on everything.
    pub changing: usize,
    /// How many there are.
    pub of: usize,
    /// One of its actions.
    pub example: Action,
    /// On how much.
    pub scope: Scope,
    /// Under conditions only.
    pub conditional: bool,
}

/// Whether a role may do nearly everything, however its policies spell that: more than half of all
/// actions that change something, on everything; or all of IAM's permissions management of roles or of
/// users, with which it can give itself the rest.
pub fn administrator(effective: &Effective) -> Option<Administrator> {
    /// All that changes something, and IAM's permissions management of roles, and of users: with
    /// either a role or user can be given everything.
    static SETS: LazyLock<(ActionSet, [ActionSet; 2])> = LazyLock::new(|| {
        let mut changing = ActionSet::new();
        for class in [Class::IamWrite, Class::PermissionsManagement, Class::Write] {
            changing |= of_class(class);
        }
        let managing = |kind: &str| {
            let acts_on = |action: &Action| {
                let mut types = action.resource_types();
                types.any(|acts_on| acts_on.resource_type.name() == kind)
            };
            let mut iam: ActionSet = expand("iam:*").iter().filter(acts_on).collect();
            iam &= ActionSet::of_level(Level::PermissionsManagement);
            iam
        };
        (changing, ["role", "user"].map(managing))
    });
    let (changing, of_iam) = &*SETS;
    let of = changing.len();
    let judge = |conditional: bool| {
        let mut widest = ActionSet::new();
        let mut service_wide = ActionSet::new();
        for permit in &effective.permits {
            if conditional || permit.caveats.is_empty() {
                if permit.scope == Scope::Everything {
                    widest |= &permit.actions;
                }
                if permit.scope >= Scope::Service {
                    service_wide |= &permit.actions;
                }
            }
        }
        let managed = of_iam.iter().find(|iam| iam.is_subset(&service_wide));
        widest &= changing;
        let everything = widest.len() * 2 > of;
        let telling_of = if everything { &widest } else { managed? };
        Some(Administrator {
            changing: widest.len(),
            of,
            example: telling(telling_of)?,
            scope: if everything {
                Scope::Everything
            } else {
                Scope::Service
            },
            conditional,
        })
    };
    judge(false).or_else(|| judge(true))
}
