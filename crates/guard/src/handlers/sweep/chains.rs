//! Chains, once all roles are known: which roles third parties reach through roles and users of the
//! account.

use std::collections::BTreeSet;

use crate::account::{ChainLink, Parties, judge_links};
use crate::alert::build::{Story, alert};
use crate::check::{Check, Finding};
use crate::detect::Judgement;
use crate::handlers::HandleError;
use crate::handlers::publish::publish_once;
use crate::handlers::sweep::{GRACE_SECONDS, Run};
use crate::model::{LiveRole, Resource, RoleRef, seconds_between};
use crate::ports::{Alerts, ListRoles, World};
use crate::remediate::task::STALE_SECONDS;
use crate::state::incident::{Stage, incident_id};
use crate::state::{ChainReport, KnownLink};

impl<W: World<Roles: ListRoles>> Run<'_, W> {
    /// What events and earlier runs remembered.
    pub(super) async fn read_links(&mut self) -> Result<(), HandleError> {
        let known = self
            .world
            .state()
            .chain_links(&self.guard.account, None)
            .await?;
        let by_name = |known: KnownLink| (known.link.role.to_lowercase(), known);
        self.links = known.into_iter().map(by_name).collect();
        Ok(())
    }

    /// What a role of the list has to do with chains.
    pub(super) async fn link(
        &mut self,
        role: &LiveRole,
        judgement: &Judgement,
    ) -> Result<(), HandleError> {
        let reference = RoleRef::named(self.guard.account.clone(), role.name.clone());
        let id = Some(role.role_id.as_str());
        self.save_link(ChainLink::new(&self.guard.rules, &reference, id, judgement))
            .await
    }

    async fn save_link(&mut self, link: ChainLink) -> Result<(), HandleError> {
        let name = link.role.to_lowercase();
        let before = self.links.get(&name);
        if before.map_or(link.is_empty(), |before| before.link == link) {
            return Ok(());
        }
        self.world.state().save_chain_link(&link).await?;
        // Another role of this name: of this one nothing has been told.
        let same = |before: &&KnownLink| {
            before.link.role_id.is_none() || before.link.role_id == link.role_id
        };
        let report = before.filter(same).map(|before| before.report.clone());
        let report = report.unwrap_or_default();
        self.links.insert(name, KnownLink { link, report });
        Ok(())
    }

    /// Tells of each role that third parties reach through others, unless people know. What is new
    /// waits for its event, as a changed trust policy does.
    pub(super) async fn judge_chains(&mut self) -> Result<(), HandleError> {
        if skip!("follow-chains") {
            return Ok(());
        }
        self.forget_who_is_gone().await?;
        let links: Vec<KnownLink> = self.links.values().cloned().collect();
        let all: Vec<&ChainLink> = links.iter().map(|known| &known.link).collect();
        let mut reached: Vec<Chain> = vec![Chain::default(); links.len()];
        for way in judge_links(&self.guard.rules, &all, self.now()) {
            if let Some(chain) = reached.get_mut(way.index) {
                chain.parties.extend(way.parties);
                chain.findings.push(way.finding);
            }
        }
        let (first, untold) = (self.progress.first, self.progress.untold);
        if first || untold {
            // SNS keeps nothing for who has not confirmed yet, and what was there is told once.
            self.progress.untold = !self.world.alerts().is_heard().await;
            let there: Vec<(String, Finding)> = links
                .iter()
                .zip(&reached)
                .filter(|(known, chain)| untold || !chain.is_known(&known.report))
                .flat_map(|(known, chain)| {
                    let findings = chain.findings.iter().cloned();
                    findings.map(|found| (known.link.role.clone(), found))
                })
                .collect();
            if !self.progress.untold {
                self.report_existing(&there).await?;
            }
        }
        for (known, chain) in links.iter().zip(reached) {
            self.chained(known, chain).await?;
        }
        Ok(())
    }

    async fn chained(&mut self, known: &KnownLink, chain: Chain) -> Result<(), HandleError> {
        let now = self.now();
        let mut report = known.report.clone();
        if chain.is_known(&report) {
            // Should one of them come back, it is news.
            report.parties = chain.parties;
            return self.save_report(&known.link, report).await;
        }
        if report.parties != chain.parties || report.reported_at.is_some() {
            report = ChainReport {
                parties: chain.parties,
                seen_at: now,
                reported_at: None,
            };
        }
        let waits = seconds_between(report.seen_at, now) < GRACE_SECONDS;
        if self.progress.first {
            // The digest has said it.
            self.progress.tally.alerts += 1;
            report.reported_at = Some(now);
        } else if waits && !self.progress.asked {
            self.look_again_in(GRACE_SECONDS);
        } else {
            match self.tell_chain(&known.link, &report, &chain.findings).await {
                Ok(()) => report.reported_at = Some(now),
                Err(HandleError::InProgress { .. }) => self.look_again_in(2 * STALE_SECONDS),
                Err(error) => return Err(error),
            }
        }
        self.save_report(&known.link, report).await
    }

    async fn tell_chain(
        &mut self,
        link: &ChainLink,
        report: &ChainReport,
        findings: &[Finding],
    ) -> Result<(), HandleError> {
        let guard = self.guard;
        let (role, second) = (&link.role, report.seen_at.as_second());
        let resource = Resource::new("role", role).known_as(None, link.role_id.clone());
        let story = Story {
            stage: Stage::Detected,
            incident: &incident_id(&guard.account, &format!("chain-{role}-{second}")),
            title: format!("role {role}: {}", Check::ReachableThroughRole.title()),
            cause: None,
            resource: Some(resource),
            findings,
            now: self.now(),
        };
        publish_once(self.world, guard, &alert(guard, story)).await?;
        self.progress.tally.alerts += 1;
        Ok(())
    }

    async fn save_report(
        &mut self,
        link: &ChainLink,
        report: ChainReport,
    ) -> Result<(), HandleError> {
        let name = link.role.to_lowercase();
        let Some(known) = self.links.get_mut(&name) else {
            return Ok(());
        };
        if known.report != report {
            self.world.state().save_chain_report(link, &report).await?;
            known.report = report;
        }
        Ok(())
    }

    /// Roles that are no longer listed are no way for anybody.
    async fn forget_who_is_gone(&mut self) -> Result<(), HandleError> {
        let there: BTreeSet<String> = self
            .known
            .values()
            .filter(|role| role.gone_at.is_none())
            .map(|role| role.name.to_lowercase())
            .collect();
        let is_there = |name: &str, link: &ChainLink| match &link.role_id {
            Some(id) => self.seen.contains(id),
            // An event did not tell.
            None => there.contains(name),
        };
        let gone: Vec<ChainLink> = self
            .links
            .iter()
            .filter(|(name, known)| !known.link.is_empty() && !is_there(name, &known.link))
            .map(|(_, known)| known.link.clone())
            .collect();
        for link in gone {
            let nothing = ChainLink {
                principals: String::new(),
                parties: Parties::default(),
                ..link
            };
            self.save_link(nothing).await?;
        }
        Ok(())
    }
}

/// Who reaches a role, and by which ways.
#[derive(Debug, Clone, Default)]
struct Chain {
    parties: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Chain {
    /// People have heard of each of them, or there is nobody.
    fn is_known(&self, report: &ChainReport) -> bool {
        self.parties.is_empty()
            || report.reported_at.is_some() && self.parties.is_subset(&report.parties)
    }
}
