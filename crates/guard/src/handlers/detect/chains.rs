//! What a changed trust policy has to do with chains: who reaches the role through roles and users
//! that it names, and which roles can be reached through it from now on.
//!
//! Which roles are concerned is known from what earlier events and the sweep remembered; what they
//! say is read from IAM, for so many of them. More than that is the sweep's: it is asked for at once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::GuardConfig;
use crate::account::{ChainLink, judge_links};
use crate::check::Finding;
use crate::cloudtrail::TrustChange;
use crate::detect::Judgement;
use crate::model::RoleRef;
use crate::ports::{Roles, World};
use crate::remediate::judged::judge;
use crate::state::{ChainReport, KnownLink};

/// So many roles are read for one event.
const MOST_READ: usize = 25;

/// So much of what is remembered is read for one event, however much somebody wrote there.
const MOST_LINKS: u16 = 1_000;

/// What was found of chains.
#[derive(Default)]
pub(super) struct Chains {
    /// About the role that changed, and about others that are reachable through it.
    pub(super) findings: Vec<Finding>,
    /// To be recorded once people have been told.
    told: BTreeMap<String, (ChainLink, ChainReport)>,
    /// What remains to be looked at, in words.
    pub(super) note: Option<String>,
}

/// In lower case: of which role.
type Links = BTreeMap<String, KnownLink>;

/// Looks at what stands behind the roles that a change names, and what stands behind the changed
/// role. A change that names nothing of its own account and lets nobody outside in costs nothing.
pub(super) async fn chains_of_change<W: World>(
    world: &W,
    guard: &GuardConfig,
    change: &TrustChange,
    judgement: &Judgement,
    now: Timestamp,
) -> Chains {
    let role = RoleRef::named(guard.account.clone(), change.role.clone());
    let link = ChainLink::new(&guard.rules, &role, change.role_id.as_deref(), judgement);
    if link.is_empty() || skip!("follow-chains") {
        return Chains::default();
    }
    // Before anything is read: of two changes at once, one sees the other.
    let saved = world.state().save_chain_link(&link).await.is_ok();
    let (state, most) = (world.state(), Some(MOST_LINKS));
    let mut known = state.naming_links(&guard.account, most).await;
    let by_pattern = |known: &KnownLink| known.link.names_by_pattern();
    if link.names_by_pattern() || known.iter().flatten().any(by_pattern) {
        known = state.chain_links(&guard.account, most).await;
    }
    let all = known
        .as_ref()
        .is_ok_and(|known| known.len() < usize::from(MOST_LINKS));
    let mut unsure = !saved || !all;
    let mut links: Links = known
        .unwrap_or_default()
        .into_iter()
        .map(|known| (known.link.role.to_lowercase(), known))
        .collect();
    let own = link.role.to_lowercase();
    let report = links.remove(&own).map(|known| known.report);
    let report = report.filter(|_| !change.created).unwrap_or_default();
    links.insert(own.clone(), KnownLink { link, report });
    let behind = read_all(world, guard, &own, &mut links, now).await;
    unsure |= behind.unsure;
    let mut found = judged(guard, &own, &links, &behind.through, now);
    if unsure {
        found.note = Some(
            "not all roles that it is connected with were read; the sweep looks at all of them"
                .to_owned(),
        );
        // Without state, the next one comes within the hour.
        let _ = world.state().request_sweep(&guard.account, now).await;
    }
    found
}

/// The roles that a walk from the changed role has come by.
struct Walked {
    /// Those that can be reached through it.
    through: BTreeSet<String>,
    /// Some role was not read.
    unsure: bool,
}

/// Reads the roles that the changed one names, those that these name, and so on; and those that name
/// it, and so on.
async fn read_all<W: World>(
    world: &W,
    guard: &GuardConfig,
    own: &str,
    links: &mut Links,
    now: Timestamp,
) -> Walked {
    let (mut unsure, mut read) = (false, BTreeSet::from([own.to_owned()]));
    let mut walks = Vec::new();
    for next in [named_by, naming] {
        let mut walked = BTreeSet::from([own.to_owned()]);
        let mut waiting = vec![own.to_owned()];
        while let Some(at) = waiting.pop() {
            for role in next(links, &at) {
                let name = role.to_lowercase();
                if !walked.insert(name.clone()) {
                    continue;
                }
                if read.len() > MOST_READ {
                    unsure = true;
                    continue;
                }
                if read.insert(name.clone()) {
                    unsure |= !read_link(world, guard, &role, links, now).await;
                }
                waiting.push(name);
            }
        }
        walks.push(walked);
    }
    let through = walks.pop().unwrap_or_default();
    Walked { through, unsure }
}

/// Puts what a role says now in the place of what was remembered of it. `false`: it could not be
/// read, and what was remembered stays.
async fn read_link<W: World>(
    world: &W,
    guard: &GuardConfig,
    role: &str,
    links: &mut Links,
    now: Timestamp,
) -> bool {
    let live = match world.roles().read_role(role).await {
        Ok(Some(live)) => live,
        Ok(None) => {
            links.remove(&role.to_lowercase());
            return true;
        }
        Err(_) => return false,
    };
    let judgement = judge(guard, &live, &live.document, now);
    let reference = RoleRef::named(guard.account.clone(), live.name.clone());
    let id = Some(live.role_id.as_str());
    let link = ChainLink::new(&guard.rules, &reference, id, &judgement);
    let name = role.to_lowercase();
    let report = links.remove(&name).map(|known| known.report);
    let report = report.unwrap_or_default();
    links.insert(name, KnownLink { link, report });
    true
}

/// The roles that a role names, by name, or by a pattern that fits one that is remembered; as they
/// are spelled, for IAM.
fn named_by(links: &Links, at: &str) -> Vec<String> {
    let Some(known) = links.get(at) else {
        return Vec::new();
    };
    let principals = known.link.principals.lines();
    let by_name = principals
        .filter_map(|principal| principal.strip_prefix("role/"))
        .filter(|name| !name.contains(['*', '?']))
        .map(str::to_owned);
    let fitting = spelled(links, |other| known.link.trusts(&other.role));
    by_name.chain(fitting).collect()
}

/// The roles that name a role, as far as they are remembered.
fn naming(links: &Links, at: &str) -> Vec<String> {
    spelled(links, |other| other.trusts(at))
}

fn spelled(links: &Links, is_meant: impl Fn(&ChainLink) -> bool) -> Vec<String> {
    let all = links.values().map(|known| &known.link);
    let meant = all.filter(|link| is_meant(link));
    meant.map(|link| link.role.clone()).collect()
}

fn judged(
    guard: &GuardConfig,
    own: &str,
    links: &Links,
    through: &BTreeSet<String>,
    now: Timestamp,
) -> Chains {
    let known: Vec<&KnownLink> = links.values().collect();
    let all: Vec<&ChainLink> = known.iter().map(|known| &known.link).collect();
    let mut chains = Chains::default();
    for reached in judge_links(&guard.rules, &all, now) {
        let Some(KnownLink { link, report }) = known.get(reached.index) else {
            continue;
        };
        let (name, mut found) = (link.role.to_lowercase(), reached.finding);
        if name != own {
            // Of the changed role it is part of the news who reached it before.
            if !through.contains(&name) || reached.parties.is_subset(&report.parties) {
                continue;
            }
            found.message = format!("role {}: {}", link.role, found.message);
        }
        chains.findings.push(found);
        let told = chains.told.entry(name).or_insert_with(|| {
            let told = ChainReport {
                parties: report.parties.clone(),
                seen_at: now,
                reported_at: Some(now),
            };
            ((*link).clone(), told)
        });
        told.1.parties.extend(reached.parties);
    }
    chains
}

impl Chains {
    /// People have been told: the sweep need not tell it again. Without state it does.
    pub(super) async fn told<W: World>(&self, world: &W) {
        for (link, report) in self.told.values() {
            let _ = world.state().save_chain_report(link, report).await;
        }
    }
}
