//! The access that a third party shall get: checked before anything is written.

use guard::rules::{
    ExternalIdOwner, ExternalIdRule, Level, Permissions, RoleEntry, RulesFile, Vendor, expiry,
};
use jiff::Timestamp;
use policy::external_id::quality;
use policy::glob::matches_ignoring_case;

use crate::least::Need;
use crate::rules::load::Read;
use crate::terminal_escape::{escaped, is_hidden};

/// How long a session may last unless something else is asked for.
const SESSION_SECONDS: u32 = 3_600;

/// A complete request.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) accounts: Vec<String>,
    pub(super) principals: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) needs: Vec<Need>,
    pub(super) owner: String,
    pub(super) ticket: Option<String>,
    pub(super) expires: String,
    pub(super) session_seconds: u32,
    /// Made by the vendor; none: random ones are made.
    pub(super) external_ids: Vec<String>,
}

/// The access of a third party.
#[derive(Debug, Clone)]
pub(super) struct Access {
    /// The entry in the rules.
    pub(super) vendor: Vendor,
    /// The actions it needs.
    pub(super) needs: Vec<Need>,
    /// The first moment at which it may no longer assume the role; none: it may for good.
    pub(super) expires_at: Option<Timestamp>,
    /// How long a session may last.
    pub(super) session_seconds: u32,
    /// Remarks for the reader, before they trust it.
    pub(super) warnings: Vec<String>,
    /// For each role of the entry, those that are admitted.
    external_ids: Vec<Vec<String>>,
}

/// Access that a third party cannot get.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccessError {
    /// A text that people would read as another.
    #[error("the {what} `{}` has characters that cannot be seen", escaped(text))]
    Hidden {
        /// The text.
        what: &'static str,
        /// As given.
        text: String,
    },
    /// Nothing to be read.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// The account needs no vendor's rule.
    #[error("account {0} is yours by the rules, so it is not a third party")]
    Own(String),
    /// A role's name is not a pattern here.
    #[error(
        "`{}` is not a role name: 1 to 64 letters, digits and `+=,.@_-`", escaped(.0)
    )]
    RoleName(String),
    /// Two roles of one name.
    #[error("role {0} stands here twice")]
    RoleTwice(String),
    /// Another vendor has it.
    #[error(
        "role {role} already trusts vendor `{}` by the rules: name another",
        escaped(vendor)
    )]
    RoleTaken {
        /// Ours.
        role: String,
        /// Whose it is.
        vendor: String,
    },
    /// Not one for each role.
    #[error(
        "{ids} external ids for {roles} roles: roles that share an id share their access; give \
         --external-id once for each --role"
    )]
    IdsPerRole {
        /// How many ids there are.
        ids: usize,
        /// How many roles there are.
        roles: usize,
    },
    /// A weak id.
    #[error(
        "the external id `{}` can be guessed: {weakness}; ask the vendor for a random one, or \
         leave --external-id out and give it yours",
        escaped(id)
    )]
    Guessable {
        /// As given.
        id: String,
        /// The reason.
        weakness: policy::external_id::Weakness,
    },
    /// An id that is in use.
    #[error(
        "the external id `{}` is already used by vendor `{}`: anyone who knows it there could \
         assume this role",
        escaped(id),
        escaped(vendor)
    )]
    IdUsed {
        /// As given.
        id: String,
        /// Whose it is.
        vendor: String,
    },
    /// An id twice.
    #[error("the external id `{}` stands here twice: each role needs its own", escaped(.0))]
    IdTwice(String),
    /// Not a date, or one that is over.
    #[error("`{}` is not a future date: write it as 2027-03-31", escaped(.0))]
    Expires(String),
    /// The system gives no random numbers.
    #[error("the system's generator gives no random numbers")]
    NoRandom(#[source] getrandom::Error),
    /// The rules say this against the entry.
    #[error("{0}")]
    Rule(String),
}

impl Access {
    /// The access that was asked for, if the rules can take it and it grants no more than it must.
    pub(super) fn new(asked: Asked, read: &Read, now: Timestamp) -> Result<Self, AccessError> {
        let texts = [
            ("name", Some(&asked.name)),
            ("owner", Some(&asked.owner)),
            ("ticket", asked.ticket.as_ref()),
        ];
        for (what, text) in texts {
            let Some(text) = text else { continue };
            if text.trim().is_empty() {
                return Err(AccessError::Empty(what));
            }
            if text.chars().any(is_hidden) {
                let text = text.clone();
                return Err(AccessError::Hidden { what, text });
            }
        }
        let expires_at = expiry(&asked.expires)
            .filter(|end| *end > now)
            .ok_or_else(|| AccessError::Expires(asked.expires.clone()))?;
        let accounts = accounts(&asked);
        if let Some(own) = accounts.iter().find(|account| is_own(read, account)) {
            return Err(AccessError::Own(own.clone()));
        }
        let warnings = role_names(&asked.roles, &read.file)?;
        let owner = if asked.external_ids.is_empty() {
            ExternalIdOwner::Us
        } else {
            ExternalIdOwner::Vendor
        };
        let external_ids = external_ids(&asked, &accounts, &read.file)?;

        let (roles, values) = match (asked.roles.as_slice(), external_ids.as_slice()) {
            ([_], [_]) => (None, external_ids.clone()),
            _ => (Some(&external_ids), Vec::new()),
        };
        let roles = asked.roles.iter().enumerate().map(|(index, name)| {
            let own = roles.and_then(|ids| ids.get(index));
            RoleEntry {
                name: name.clone(),
                external_id: own.cloned(),
            }
        });
        let mut allow: Vec<String> = asked
            .needs
            .iter()
            .flat_map(|need| need.actions.iter().cloned())
            .collect();
        allow.sort();
        allow.dedup();
        let vendor = Vendor {
            name: asked.name,
            accounts,
            roles: roles.collect(),
            principals: asked.principals,
            external_id: ExternalIdRule {
                required: true,
                values,
                owner: Some(owner),
            },
            permissions: Some(Permissions { allow }),
            users: Vec::new(),
            owner: Some(asked.owner),
            ticket: asked.ticket,
            expires: Some(asked.expires),
            mode: None,
            accepted: None,
            accounts_of_ours: Vec::new(),
        };
        entry_problem(&vendor, &read.file, now)?;
        Ok(Self {
            vendor,
            needs: asked.needs,
            expires_at: Some(expires_at),
            session_seconds: asked.session_seconds,
            warnings,
            external_ids: external_ids.into_iter().map(|id| vec![id]).collect(),
        })
    }

    /// The access that a registered vendor has by its entry, in one role of the entry's.
    pub(super) fn registered(vendor: &Vendor, entry: &RoleEntry, role: &str) -> Self {
        let ids = match &entry.external_id {
            Some(id) => vec![id.clone()],
            None => vendor.external_id.values.clone(),
        };
        let permissions = vendor.permissions.iter();
        let needs = permissions.map(|permissions| Need {
            actions: permissions.allow.clone(),
            resources: Vec::new(),
        });
        let role = RoleEntry {
            name: role.to_owned(),
            external_id: None,
        };
        Self {
            needs: needs.collect(),
            expires_at: vendor.expires.as_deref().and_then(expiry),
            session_seconds: SESSION_SECONDS,
            warnings: Vec::new(),
            external_ids: vec![ids],
            vendor: Vendor {
                roles: vec![role],
                ..vendor.clone()
            },
        }
    }

    /// Its roles, and the external ids of each.
    pub(super) fn roles_with_ids(&self) -> impl Iterator<Item = (&str, &[String])> {
        let names = self.vendor.roles.iter().map(|role| role.name.as_str());
        names.zip(self.external_ids.iter().map(Vec::as_slice))
    }
}

/// Those that were named, and those of the principals.
fn accounts(asked: &Asked) -> Vec<String> {
    let of_principals = asked
        .principals
        .iter()
        .filter_map(|arn| arn.split(':').nth(4).map(str::to_owned));
    let mut accounts: Vec<String> = Vec::new();
    for account in asked.accounts.iter().cloned().chain(of_principals) {
        if !account.is_empty() && !accounts.contains(&account) {
            accounts.push(account);
        }
    }
    accounts
}

fn is_own(read: &Read, account: &str) -> bool {
    let file = &read.file;
    let organization = file.organization.as_ref();
    file.trusted_accounts.iter().any(|own| own == account)
        || read.accounts.iter().any(|own| own.id == account)
        || organization.and_then(|own| own.management_account.as_deref()) == Some(account)
}

/// Checks the names of the roles; what is doubtful about them.
fn role_names(roles: &[String], file: &RulesFile) -> Result<Vec<String>, AccessError> {
    let mut warnings = Vec::new();
    for (index, role) in roles.iter().enumerate() {
        let right = (1..=64).contains(&role.len())
            && role
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter));
        if !right {
            return Err(AccessError::RoleName(role.clone()));
        }
        let earlier = roles.iter().take(index);
        if earlier
            .into_iter()
            .any(|other| other.eq_ignore_ascii_case(role))
        {
            return Err(AccessError::RoleTwice(role.clone()));
        }
        for vendor in &file.vendors {
            let matching = |entry: &&RoleEntry| matches_ignoring_case(&entry.name, role);
            let Some(entry) = vendor.roles.iter().find(matching) else {
                continue;
            };
            if entry.name.eq_ignore_ascii_case(role) {
                return Err(AccessError::RoleTaken {
                    role: role.clone(),
                    vendor: vendor.name.clone(),
                });
            }
            warnings.push(format!(
                "the rules let vendor `{}` assume roles like `{}`, and so {role}, too",
                escaped(&vendor.name),
                escaped(&entry.name)
            ));
        }
    }
    Ok(warnings)
}

fn external_ids(
    asked: &Asked,
    accounts: &[String],
    file: &RulesFile,
) -> Result<Vec<String>, AccessError> {
    if asked.external_ids.is_empty() {
        return asked.roles.iter().map(|_| random_id()).collect();
    }
    if asked.external_ids.len() != asked.roles.len() {
        return Err(AccessError::IdsPerRole {
            ids: asked.external_ids.len(),
            roles: asked.roles.len(),
        });
    }
    let known = [&asked.name, &asked.owner].into_iter();
    let known: Vec<&str> = known
        .chain(accounts)
        .chain(&asked.roles)
        .chain(&asked.ticket)
        .map(String::as_str)
        .collect();
    for (index, id) in asked.external_ids.iter().enumerate() {
        if let Some(weakness) = quality(id, &known) {
            let id = id.clone();
            return Err(AccessError::Guessable { id, weakness });
        }
        let same = |other: &&String| other.eq_ignore_ascii_case(id);
        if asked
            .external_ids
            .iter()
            .take(index)
            .any(|other| same(&other))
        {
            return Err(AccessError::IdTwice(id.clone()));
        }
        let user = file.vendors.iter().find(|vendor| {
            let ids = vendor.external_ids();
            ids.iter().any(|other| other.eq_ignore_ascii_case(id))
        });
        if let Some(user) = user {
            return Err(AccessError::IdUsed {
                id: id.clone(),
                vendor: user.name.clone(),
            });
        }
    }
    Ok(asked.external_ids.clone())
}

/// A UUID of version 4 from the system's generator; there is no weaker one to fall back on.
fn random_id() -> Result<String, AccessError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(AccessError::NoRandom)?;
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Ok(id.to_string())
}

/// The first thing that `rules check` would say against the file for the entry's sake, be it an
/// error or a warning: what is made new is made right.
fn entry_problem(vendor: &Vendor, file: &RulesFile, now: Timestamp) -> Result<(), AccessError> {
    let mut with = file.clone();
    with.vendors.push(vendor.clone());
    let before = file.problems(Some(now));
    let mut new = with.problems(Some(now));
    new.retain(|problem| !before.contains(problem));
    new.sort_by_key(|problem| problem.level != Level::Error);
    match new.into_iter().next() {
        None => Ok(()),
        Some(problem) => Err(AccessError::Rule(match problem.suggestion {
            Some(help) => format!("{}: {help}", problem.message),
            None => problem.message,
        })),
    }
}
