//! Judging the roles of a whole account.
//!
//! Most trust documents of an account stand in many of its roles word for word: a service's, a
//! vendor's. Who can get in by a document does not depend on the role, so that is worked out once.

use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use policy::Analysis;

use super::cover::Coverage;
use super::trust::{Judgement, RoleRef, Verdict, analysis, judge_analysis, unreadable};
use crate::check::{Finding, Remedy};
use crate::recent::Recent;
use crate::rules::Rules;

/// So many documents are remembered, twice at most, with some kilobytes each.
const MOST: usize = 512;

/// Of so many documents, twice at most, it is remembered that they were met.
const MOST_MET: usize = 8 * MOST;

/// Longer documents are rare: IAM's quota is 2,048 characters, and white space.
const LONGEST: usize = 8192;

/// Judges one role after the other, as [`judge_trust`](super::judge_trust) does, and remembers what
/// it found in the documents.
#[derive(Debug)]
pub struct Judging<'r> {
    rules: &'r Rules,
    now: Timestamp,
    /// Whose documents are remembered.
    account: String,
    known: Recent<Box<str>, Arc<TrustDocument>>,
    /// By a keyed hash: the documents that were met. One that is met again is remembered; most that
    /// only one role has are never met again, and would only push the others out.
    met: Recent<u64, ()>,
    hashes: foldhash::fast::RandomState,
}

/// A trust document of an account, read.
#[derive(Debug)]
pub struct TrustDocument {
    /// Who can get in, without witnesses; or why it cannot be read.
    read: Result<Arc<Analysis>, String>,
    /// The same with witnesses, once a role needed them.
    proved: OnceLock<Arc<Analysis>>,
    /// The findings, where they are the same for every role.
    of_any_role: Option<Arc<[Finding]>>,
}

impl<'r> Judging<'r> {
    /// By these rules; `now` decides what has expired.
    pub fn new(rules: &'r Rules, now: Timestamp) -> Self {
        Self {
            rules,
            now,
            account: String::new(),
            known: Recent::new(MOST),
            met: Recent::new(MOST_MET),
            hashes: foldhash::fast::RandomState::default(),
        }
    }

    /// The trust document of a role of this account, read.
    pub fn read(&mut self, account: &str, text: &str) -> Arc<TrustDocument> {
        if self.account != account {
            self.known.clear();
            account.clone_into(&mut self.account);
        }
        if let Some(known) = self.known.get(text) {
            return known;
        }
        let role = RoleRef {
            account: account.to_owned(),
            name: None,
            path: None,
        };
        let mut document = TrustDocument::read(self.rules, account, text, self.now);
        if let Ok(analysis) = &document.read
            && !lets_outsiders_in(self.rules, account, analysis)
        {
            let judgement = judge_analysis(self.rules, &role, Arc::clone(analysis), self.now);
            document.of_any_role =
                is_of_any_role(&judgement).then(|| Arc::from(judgement.findings));
        }
        let document = Arc::new(document);
        let hash = self.hashes.hash_one(text);
        if self.met.get(&hash).is_none() {
            self.met.insert(hash, ());
        } else if text.len() <= LONGEST {
            self.known.insert(text.into(), Arc::clone(&document));
        }
        document
    }

    /// Judges the trust document, `text`, of a role.
    pub fn judge(&self, role: &RoleRef, document: &TrustDocument, text: &str) -> Judgement {
        document.judge(self.rules, role, text, self.now)
    }
}

impl TrustDocument {
    /// The document of a role of this account.
    pub(super) fn read(rules: &Rules, account: &str, text: &str, now: Timestamp) -> Self {
        Self {
            read: analysis(rules, account, text, now, false).map(Arc::new),
            proved: OnceLock::new(),
            of_any_role: None,
        }
    }

    /// What was found, if the rules approve it in every role of the account, whatever its name, and
    /// it lets nobody outside in.
    pub fn of_any_role(&self) -> Option<&[Finding]> {
        self.of_any_role.as_deref()
    }

    /// Judges it, as that of this role.
    pub(super) fn judge(
        &self,
        rules: &Rules,
        role: &RoleRef,
        text: &str,
        now: Timestamp,
    ) -> Judgement {
        let quick = self.judge_quickly(rules, role, now);
        let read = match &self.read {
            Ok(read) if quick.verdict != Verdict::Approved => Arc::clone(read),
            _ => return quick,
        };
        // A witness costs ten times the answer, and only a violation needs one.
        let proved = self
            .proved
            .get_or_init(|| analysis(rules, &role.account, text, now, true).map_or(read, Arc::new));
        judge_analysis(rules, role, Arc::clone(proved), now)
    }

    /// The same without witnesses.
    pub(super) fn judge_quickly(&self, rules: &Rules, role: &RoleRef, now: Timestamp) -> Judgement {
        match &self.read {
            Ok(read) => judge_analysis(rules, role, Arc::clone(read), now),
            Err(why) => unreadable(rules, why.clone()),
        }
    }
}

/// Somebody gets in whom only a rule can allow, and rules go by the role's name: there is no need to
/// judge the document as that of any role.
fn lets_outsiders_in(rules: &Rules, account: &str, analysis: &Analysis) -> bool {
    let ours = |other: &String| other == account || rules.account(other).ours.is_some();
    analysis.public
        || !analysis.federated.is_empty()
        || !analysis.external_accounts.iter().all(ours)
}

/// Nothing in it depends on the role's name or path: each way in is covered by what is true of the
/// account.
fn is_of_any_role(judgement: &Judgement) -> bool {
    let by_account = |by: &Option<Coverage>| {
        matches!(
            by,
            Some(
                Coverage::OwnAccount
                    | Coverage::OurAccount { .. }
                    | Coverage::OwnOrganization
                    | Coverage::Service { .. }
            )
        )
    };
    judgement.verdict == Verdict::Approved
        && judgement.coverage.iter().all(by_account)
        // Those weigh more in a protected role.
        && judgement
            .findings
            .iter()
            .all(|found| found.code.remedy() != Remedy::TrustPolicy)
}
