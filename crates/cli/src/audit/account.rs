//! Everything that is known of the accounts, role by role, and what is wrong with them.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::HashSet;
use guard::Finding;
use guard::account::{
    Access, AccountFinding, AuditedRole, Credentials, Held as InAccount, LastUsed, PolicyHolder,
    RuleOfParty, SeenByRules, Trusting, Way, accesses, judge_chains, judge_credentials,
    judge_external_ids, judge_policy_holder, judge_rules, judge_use,
};
use guard::detect::Judging;
use guard::model::RoleRef;
use guard::permissions::{LastAccessed, PermissionJudging, judge_unused, judge_user_permissions};
use guard::rules::{Rules, UserVendor};
use jiff::Timestamp;
use permissions::{Effective, Reason, Unreadable};

use super::audited::{Audited, Entry};
use super::export::{Element, ElementError, Held, Holder, Place};
use super::interned::Interned;
use super::pages::Pages;
use super::permitted::{Permitted, Permitting};
use crate::findings::{self, About, Found};

/// Takes up roles, users and policies, in any order, and says at the end what they come to.
pub(crate) struct Account<'a> {
    rules: &'a Rules,
    now: Timestamp,
    judging: Judging<'a>,
    seen: SeenByRules,
    entries: Vec<Entry>,
    /// Beside `entries`: the role's policies, and what findings about it are about.
    rows: Vec<(Arc<Held>, Arc<About>)>,
    /// Managed policies by ARN: the text of the default version. They may come after the roles.
    policies: HashMap<String, String>,
    /// Roles and users by account and lower-case name, and what they were first seen with: a page that
    /// is given twice must not look like two of each.
    known: HashMap<u64, u64>,
    /// Something was seen twice, and not with the same content.
    any_changed: bool,
    /// Pages, and whether all were given.
    pages: Pages,
    /// By a role's name in lower case: which of its permissions it used.
    used: HashMap<String, LastAccessed>,
    /// Of the digests in `known`.
    seed: foldhash::quality::RandomState,
    /// Values that many roles share.
    common: Common,
    /// Users whose keys a vendor holds, and what each of them holds.
    users: Vec<OfVendor>,
    /// Groups, by account and name. They may come after the users.
    groups: HashMap<(String, String), Held>,
    /// Roles that name principals of their own account.
    trusting: Vec<NamesOwn>,
    audited: Audited,
}

/// What is seen again may be the same page, or the role as it was at another time.
enum Sighting {
    First,
    Same,
    Changed,
}

impl Sighting {
    /// How many more there are; `None`: there is nothing new.
    fn count(self) -> Option<usize> {
        match self {
            Self::First => Some(1),
            Self::Changed => Some(0),
            Self::Same => None,
        }
    }
}

/// A role that names principals of its own account, and which.
struct NamesOwn {
    account: Arc<str>,
    name: Box<str>,
    principals: Box<str>,
    at: Where,
}

/// A user whose keys a vendor holds.
struct OfVendor {
    account: String,
    name: String,
    vendors: Vec<UserVendor>,
    held: Held,
    groups: Vec<String>,
    at: Where,
}

/// Values that many roles share, kept once.
#[derive(Debug, Default)]
struct Common {
    findings: Interned<Finding>,
    accounts: Interned<str>,
    rules: Interned<RuleOfParty>,
    ways: Interned<[Way]>,
    attached: Interned<[Box<str>]>,
    nothing: Arc<Permitted>,
}

/// Where something was read.
#[derive(Debug, Clone)]
pub(crate) struct Where {
    /// The file's name.
    pub(crate) file: Arc<str>,
    /// The line, from 1, where lines are counted.
    pub(crate) line: Option<u32>,
}

impl Where {
    /// An element's place in a file.
    pub(crate) fn new(file: &Arc<str>, place: Place) -> Self {
        Self {
            file: Arc::clone(file),
            line: place.line.and_then(|line| u32::try_from(line).ok()),
        }
    }
}

/// Something of the input that could not be read, though the rest could.
pub(crate) type Trouble = Option<ElementError>;

impl<'a> Account<'a> {
    /// Nothing is known yet.
    pub(crate) fn new(rules: &'a Rules, now: Timestamp) -> Self {
        Self {
            rules,
            now,
            judging: Judging::new(rules, now),
            seen: SeenByRules::default(),
            entries: Vec::new(),
            rows: Vec::new(),
            policies: HashMap::new(),
            known: HashMap::new(),
            any_changed: false,
            pages: Pages::default(),
            used: HashMap::new(),
            seed: foldhash::quality::RandomState::default(),
            common: Common::default(),
            users: Vec::new(),
            groups: HashMap::new(),
            trusting: Vec::new(),
            audited: Audited::default(),
        }
    }

    /// Takes up one element of an export.
    pub(crate) fn element(&mut self, element: Element<'_>, at: &Where) -> Trouble {
        if let Element::Role(holder) | Element::User(holder) | Element::Group(holder) = &element {
            self.pages.account(holder.account());
        }
        match element {
            Element::PageEnd(page) => self.pages.end(page, &at.file),
            Element::Role(role) => return self.role(&role, at),
            Element::User(user) => return self.user(&user, at).err(),
            Element::Group(group) => match group.held(&mut self.common.attached) {
                Ok(held) => {
                    let name = (group.account().to_owned(), group.name.into_owned());
                    self.groups.insert(name, held);
                }
                Err(error) => return Some(error),
            },
            Element::Policy(policy) => {
                let account = policy.arn.split(':').nth(4).unwrap_or_default();
                if guard::rules::is_account_id(account) {
                    self.pages.account(account);
                }
                self.policies.insert(policy.arn, policy.document);
            }
            Element::Unreadable(error) => return Some(error),
        }
        None
    }

    /// Takes up one row of a credential report.
    pub(crate) fn credentials(&mut self, credentials: &Credentials, at: &Where) {
        self.audited.counts.credentials += 1;
        if let Some(user) = &credentials.user {
            self.seen.user(self.rules.vendors_of_user(user));
        }
        let found = judge_credentials(self.rules, credentials, self.now);
        self.add(found, at);
    }

    /// Takes up which of its permissions a role used.
    pub(crate) fn used(&mut self, role: &str, accessed: LastAccessed) {
        self.used.insert(role.to_lowercase(), accessed);
    }

    fn user(&mut self, user: &Holder<'_>, at: &Where) -> Result<(), ElementError> {
        let held = user.held(&mut self.common.attached)?;
        let groups = user.groups()?;
        let name = ("user", user.account(), user.name.to_lowercase());
        match self.sighting(&name, &(&held, &groups)) {
            Sighting::First => self.audited.counts.users += 1,
            Sighting::Changed => {}
            Sighting::Same => return Ok(()),
        }
        self.seen.user(self.rules.vendors_of_user(&user.name));
        let holder = PolicyHolder {
            policies: held.names().map(str::to_owned).collect(),
            account: user.account().to_owned(),
            user: user.name.to_string(),
        };
        let found = judge_policy_holder(self.rules, &holder, self.now);
        self.add(found, at);
        let vendors = self.rules.user_vendors(&holder.user);
        if !vendors.is_empty() {
            self.users.push(OfVendor {
                account: holder.account,
                name: holder.user,
                vendors,
                held,
                groups,
                at: at.clone(),
            });
        }
        Ok(())
    }

    fn role(&mut self, role: &Holder<'_>, at: &Where) -> Trouble {
        let account = role.account();
        if !guard::rules::is_account_id(account) {
            return Some(ElementError::Missing {
                what: format!("the Arn of role {}", role.name),
                field: "account",
            });
        }
        let text = match role.document() {
            Ok(text) => text,
            Err(error) => return Some(error),
        };
        let name = ("role", account, role.name.to_lowercase());
        let sighting = self.sighting(&name, &(&text, role.tells_policies()));
        let first = sighting.count()?;
        self.audited.counts.roles += first;
        let document = self.judging.read(account, &text);
        let principals = document.own_principals(account);
        if !principals.is_empty() {
            self.trusting.push(NamesOwn {
                account: self.common.accounts.of(account),
                name: role.name.as_ref().into(),
                principals,
                at: at.clone(),
            });
        }
        if let Some(findings) = document.of_any_role() {
            self.audited.counts.approved += first;
            self.seen.role(account, &[]);
            if !findings.is_empty() {
                let about = self.about(Some(account), format!("role/{}", role.name), at);
                self.found(findings.iter().cloned(), &about);
            }
            return None;
        }
        let mut trouble = None;
        let mut note = |error: ElementError| trouble = Some(error);
        let reference = RoleRef {
            account: account.to_owned(),
            name: Some(role.name.to_string()),
            path: role.path().map_err(&mut note).unwrap_or_default(),
        };
        let judgement = self.judging.judge(&reference, &document, &text);
        self.audited.counts.judged(judgement.verdict, first);
        let audited = Arc::new(AuditedRole {
            role: reference,
            arn: Some(role.arn.as_ref().into()),
            created: role.created().map_err(&mut note).unwrap_or_default(),
            last_used: role
                .last_used()
                .map_err(&mut note)
                .unwrap_or(LastUsed::Unknown),
        });
        let about = self.about(Some(account), audited.subject(), at);
        let mut third_parties = accesses(self.rules, &audited, &judgement);
        self.seen.role(account, &third_parties);
        if !third_parties.is_empty() {
            let held = role.held(&mut self.common.attached);
            let held = Arc::new(held.map_err(&mut note).unwrap_or_default());
            for access in &mut third_parties {
                access.ways = self.common.ways.of(Arc::clone(&access.ways));
                access.rule = access.rule.take().map(|rule| self.common.rules.of(rule));
                self.rows.push((Arc::clone(&held), Arc::clone(&about)));
            }
            let unused = judge_use(self.rules, &third_parties, self.now);
            self.found(unused.into_iter().map(|found| found.finding), &about);
            // What they permit is worked out when all policies are known.
            let permitted = &self.common.nothing;
            for access in third_parties {
                self.entries.push(Entry {
                    access,
                    permitted: Arc::clone(permitted),
                });
            }
        }
        self.found(judgement.findings, &about);
        trouble
    }

    /// Was it seen before, with the same content? Of a hundred thousand roles only digests are kept;
    /// their seed is of this run, so that nobody can write a role that looks like another.
    fn sighting(&mut self, name: &impl Hash, content: &impl Hash) -> Sighting {
        let content = self.seed.hash_one(content);
        match self.known.insert(self.seed.hash_one(name), content) {
            None => Sighting::First,
            Some(before) if before == content => Sighting::Same,
            Some(_) => {
                self.any_changed = true;
                Sighting::Changed
            }
        }
    }

    /// Of accesses that are the same, whatever the white space of their documents was, keeps one.
    fn keep_different(&mut self) {
        let mut seen = HashSet::default();
        let pairs = std::mem::take(&mut self.entries).into_iter();
        let pairs = pairs.zip(std::mem::take(&mut self.rows));
        (self.entries, self.rows) = pairs
            .filter(|(entry, (held, _))| seen.insert(format!("{:?} {}", entry.access, held.told)))
            .unzip();
    }

    /// The files whose last page says that another one follows, which no file has.
    pub(crate) fn unfinished(&self) -> Vec<Arc<str>> {
        self.pages.unfinished()
    }

    /// Takes up what was found.
    fn found(&mut self, findings: impl IntoIterator<Item = Finding>, about: &Arc<About>) {
        for mut finding in findings {
            self.audited.found.push(Found {
                witness: findings::take_witness(&mut finding),
                finding: self.common.findings.of(finding),
                about: Arc::clone(about),
            });
        }
    }

    fn about(&mut self, account: Option<&str>, subject: String, at: &Where) -> Arc<About> {
        Arc::new(About {
            account: account.map(|account| self.common.accounts.of(account)),
            subject: subject.into(),
            file: Arc::clone(&at.file),
            line: at.line,
            in_template: None,
        })
    }

    fn add(&mut self, findings: impl IntoIterator<Item = AccountFinding>, at: &Where) {
        for found in findings {
            let about = self.about(found.account.as_deref(), found.subject, at);
            self.found([found.finding], &about);
        }
    }

    /// The result. `whole` says that all of the input was read: only then it can be
    /// said that something is nowhere. `rules_file` is where rules stand.
    pub(crate) fn finish(mut self, whole: bool, rules_file: &Arc<str>) -> Audited {
        // What is known by now is not asked for any more.
        (self.known, self.judging) = (HashMap::new(), Judging::new(self.rules, self.now));
        self.keep_held_policies();
        if self.any_changed {
            self.keep_different();
        }
        let entries = std::mem::take(&mut self.entries);
        let accesses: Vec<&Access> = entries.iter().map(|entry| &entry.access).collect();
        judge_external_ids(self.rules, &accesses, self.now, &mut |index, found| {
            if let Some((_, about)) = self.rows.get(index) {
                let about = Arc::clone(about);
                self.found([found.finding], &about);
            }
        });
        drop(accesses);
        self.entries = entries;
        self.chains();
        self.permissions_of_users();
        self.permissions();
        // Last, when everything that may need a rule was judged.
        let users_seen = self.pages.users || self.audited.counts.credentials > 0;
        if whole && users_seen && self.audited.counts.roles > 0 {
            let at = Where {
                file: Arc::clone(rules_file),
                line: None,
            };
            let found = judge_rules(self.rules, &self.seen, self.now);
            self.add(found, &at);
        }
        let mut audited = self.audited;
        audited.accounts = self.seen.accounts().clone();
        audited.complete(self.entries);
        audited
    }

    /// Who reaches which role through what it holds in the account.
    fn chains(&mut self) {
        let named = std::mem::take(&mut self.trusting);
        let trusting: Vec<Trusting<'_>> = named
            .iter()
            .map(|role| Trusting {
                account: &role.account,
                name: &role.name,
                principals: &role.principals,
            })
            .collect();
        let mut held = InAccount::among(&trusting);
        for entry in &self.entries {
            held.role(&entry.access);
        }
        for user in &self.users {
            for vendor in &user.vendors {
                held.user(&user.account, &user.name, &vendor.name);
            }
        }
        for (index, found) in judge_chains(self.rules, &held, self.now) {
            if let Some(role) = named.get(index) {
                let subject = format!("role/{}", role.name);
                let about = self.about(Some(&role.account), subject, &role.at);
                self.found([found], &about);
            }
        }
    }

    /// Works out the permissions of each role that external parties can assume, and judges them.
    fn permissions(&mut self) {
        let policies = std::mem::take(&mut self.policies);
        let mut entries = std::mem::take(&mut self.entries);
        let mut permitting = Permitting::new(&policies);
        let mut judging = PermissionJudging::new(self.rules, self.now);
        // What a role holds is let go as soon as it is worked out.
        let mut rows = std::mem::take(&mut self.rows).into_iter();
        // The entries of one role stand together.
        let of_one = |one: &Entry, other: &Entry| Arc::ptr_eq(&one.access.role, &other.access.role);
        for group in entries.chunk_by_mut(of_one) {
            let Some((held, about)) = rows.next() else {
                break;
            };
            // The others of the group have the same.
            rows.by_ref().take(group.len() - 1).for_each(drop);
            let amount = permitting.of(&held);
            for entry in &mut *group {
                entry.permitted = Arc::clone(&amount.permitted);
            }
            let effective = &amount.effective;
            // What is not at hand was not given; the finding says so.
            let broken = effective
                .unreadable
                .iter()
                .filter(|policy| policy.reason != Reason::Missing);
            self.audited.counts.unreadable += broken.count();
            let external_access: Vec<&Access> = group.iter().map(|entry| &entry.access).collect();
            let mut findings = judging.judge(&external_access, effective, amount.likeness);
            let Some(role) = group.first().map(|entry| &entry.access.role.role) else {
                continue;
            };
            let name = role.name.as_deref().unwrap_or_default();
            if !self.used.is_empty() {
                let used = self.used.get(&name.to_lowercase());
                findings.extend(used.and_then(|used| judge_unused(self.rules, effective, used)));
            }
            if !findings.is_empty() {
                self.found(findings, &about);
            }
        }
        self.entries = entries;
    }

    /// Works out what each user can do whose keys a vendor holds, by its groups as well, and judges
    /// it.
    fn permissions_of_users(&mut self) {
        let policies = std::mem::take(&mut self.policies);
        let mut permitting = Permitting::new(&policies);
        for user in std::mem::take(&mut self.users) {
            let mut held = user.held;
            let mut unknown = Vec::new();
            for name in user.groups {
                match self.groups.get(&(user.account.clone(), name.clone())) {
                    Some(group) => {
                        let inline = held.inline.iter().chain(&group.inline);
                        held.inline = inline.cloned().collect();
                        let attached = held.attached.iter().chain(group.attached.iter());
                        held.attached = attached.cloned().collect();
                    }
                    None => unknown.push(Unreadable {
                        policy: format!("of group {name}"),
                        reason: Reason::Missing,
                        at_most: false,
                    }),
                }
            }
            let mut amount = Effective::clone(&permitting.of(&held).effective);
            amount.unreadable.extend(unknown);
            let broken = amount
                .unreadable
                .iter()
                .filter(|policy| policy.reason != Reason::Missing);
            self.audited.counts.unreadable += broken.count();
            let findings = judge_user_permissions(self.rules, &user.vendors, &amount);
            let found = findings.into_iter().map(|finding| AccountFinding {
                account: Some(user.account.clone()),
                subject: format!("user/{}", user.name),
                finding,
            });
            self.add(found, &user.at);
        }
        self.policies = policies;
    }

    /// Drops managed policies that no role or user holds whose permissions are judged.
    fn keep_held_policies(&mut self) {
        let of_roles = self.rows.iter().map(|(held, _)| &**held);
        let of_users = self.users.iter().map(|user| &user.held);
        let all = of_roles.chain(of_users).chain(self.groups.values());
        let arns = all.flat_map(|held| held.attached.iter().chain(&held.boundary));
        let arns: HashSet<&str> = arns.map(|arn| &**arn).collect();
        self.policies.retain(|arn, _| arns.contains(arn.as_str()));
    }
}
