//! Judging the roles of a whole account.
//!
//! Most trust documents of an account stand in many of its roles word for word: a service's, a
//! vendor's. Who can assume a role by a document does not depend on the role, so that is worked out once.

use std::hash::BuildHasher;
use std::sync::Arc;

use jiff::Timestamp;

use super::trust_document::TrustDocument;
use super::verdict::Judgement;
use crate::lru::Recent;
use crate::model::RoleRef;
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
        let document = TrustDocument::read_for_many(self.rules, account, text, self.now);
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
