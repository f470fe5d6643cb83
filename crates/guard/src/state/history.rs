//! What the guard remembers of a role: the trust documents that were approved, and its own
//! writes. One item a role, saved whole under an optimistic version, so that an intent, the
//! hourly budget and the baselines never disagree after a crash.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{document_digest, names_unique_id, same_but_for_the_dead};
use crate::state::incident::Schema;

/// How many approved documents are kept.
pub const BASELINES_KEPT: usize = 10;
/// How many bytes of documents are kept in one history at most, the newest document always: a
/// DynamoDB item holds 400 KB, and IAM's API takes documents of 131,072 characters.
pub const BASELINE_BYTES_KEPT: usize = 256 * 1024;
/// How many own writes are remembered: events may be a day late.
pub const WRITES_KEPT: usize = 100;

/// Within so many seconds of its intent a write has happened, if at all: an invocation lasts no longer.
/// Clocks differ by less than two.
const WRITE_TAKES: std::ops::RangeInclusive<i64> = -2..=90;

/// A write that was intended at a moment may be what an event tells of.
pub(crate) fn written_about(intended: Timestamp, event_time: Timestamp) -> bool {
    let after = event_time.as_second().saturating_sub(intended.as_second());
    WRITE_TAKES.contains(&after)
}

/// Of how many own writes the documents are kept: what did not get there does not make the guard
/// forget what stands.
pub const WRITTEN_KEPT: usize = 4;
/// Up to how many bytes each of them is kept: IAM stores trust policies of at most 4,096 characters,
/// white space not counted.
pub const WRITTEN_BYTES_KEPT: usize = 16 * 1024;

/// A role's history, keyed by account and RoleId.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleHistory {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// `AROA…`: a role deleted and created again under its name has another one.
    pub role_id: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// When IAM created it, if known: tells an older incarnation from a newer one.
    pub created: Option<Timestamp>,
    /// The guard knew another role of this name before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recreated: bool,
    /// When it was seen to be gone.
    pub closed: Option<Timestamp>,
    /// The last approved documents, oldest first by [`Baseline::as_of`]; the newest that still
    /// complies is what `revert` restores.
    pub approved: Vec<Baseline>,
    /// Own writes, oldest first, each from its intent on.
    pub writes: Vec<OwnWrite>,
    /// The documents of the newest of them, each once, oldest first, by which they are known again
    /// when principals of them have died; those longer than [`WRITTEN_BYTES_KEPT`] are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<String>,
    /// When the guard last denied the role's older sessions; the sweep takes the denial away.
    pub sessions_denied_at: Option<Timestamp>,
    /// Optimistic version: 0 for a history that was never saved. [`crate::ports::State`] raises
    /// it with each save.
    pub version: u64,
}

/// An approved trust document of a role, byte for byte as it was sent (or as IAM returned it,
/// where no event carried it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// The document.
    pub document: String,
    /// [`document_digest`] of it.
    pub digest: String,
    /// ARN of who wrote it, if known.
    pub actor: Option<String>,
    /// The write's eventTime (whole seconds), if its event is known.
    pub written_at: Option<Timestamp>,
    /// When the guard last saw it; first, while its event is not known.
    pub seen_at: Timestamp,
    /// By how many seconds the read that showed it may have been stale: 0 where an event carried it, and
    /// no more than since the change where an event reported that without its document.
    #[serde(default)]
    pub stale_by: i64,
    /// It was the live document when it was stored. `false`: by the time of its event another
    /// document had taken its place, so only the event tells of it.
    pub seen_live: bool,
    /// When it was last seen live although another was thought to be newer, and no event told of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_again_at: Option<Timestamp>,
}

impl Baseline {
    /// Since when it stands in the role's history: when it was written, or else seen.
    pub fn as_of(&self) -> Timestamp {
        self.written_at.unwrap_or(self.seen_at)
    }

    /// Its place among the others: what may have been replaced before it was seen is older than what
    /// an event tells of meanwhile.
    fn rank(&self) -> (Timestamp, bool) {
        let stale_by = SignedDuration::from_secs(self.stale_by);
        let seen = self.seen_at.checked_sub(stale_by).unwrap_or(self.seen_at);
        (self.written_at.unwrap_or(seen), self.seen_live)
    }

    /// Its place if it is as new as it can be.
    fn last_rank(&self) -> (Timestamp, bool) {
        let last = self.live_again_at.max(Some(self.as_of()));
        (last.unwrap_or(self.seen_at), self.seen_live)
    }
}

/// How the guard changed a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteKind {
    /// An older approved document was restored.
    Revert,
    /// What violates was taken out.
    Repair,
    /// Everyone was denied.
    Quarantine,
    /// An approved document that a write of the guard overwrote was restored.
    PutBack,
}

/// One write of the guard, recorded before it happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnWrite {
    /// Of the order that asked for it.
    pub order: String,
    /// RoleId of the role it was meant for: a role that was created again under its name begins
    /// with the writes of the one before. `None` in histories of before this was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,
    /// The incident it belongs to, if any.
    pub incident: Option<String>,
    /// What was done.
    pub kind: WriteKind,
    /// [`document_digest`] of what is written.
    pub digest: String,
    /// [`document_digest`] of what it replaces.
    pub replaced: String,
    /// When the intent was recorded; the hourly budget counts from here.
    pub at: Timestamp,
    /// When IAM had taken it, or the guard had found it there; where its answer was lost, by when it
    /// had happened if at all. `None` while that is not known.
    #[serde(default)]
    pub done_at: Option<Timestamp>,
    /// The eventTime of the change that it undoes.
    pub undoes: Timestamp,
    /// How far it came.
    pub progress: WriteProgress,
    /// What is said of it: what was taken out, of when the restored document is.
    #[serde(default)]
    pub details: String,
    /// Principals that IAM refused as dead and that were left out.
    #[serde(default)]
    pub dropped: Vec<String>,
    /// Why the plan is not the one the rules name first, if so.
    #[serde(default)]
    pub fallback: Option<String>,
}

/// How far an own write came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteProgress {
    /// About to happen, or happened and not yet recorded.
    Intended,
    /// IAM accepted it.
    Written,
    /// IAM refused it: nothing changed.
    Refused,
}

/// A document that the guard is about to overwrite, kept so that people can restore it, and for the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDocument {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// `AROA…`.
    pub role_id: String,
    /// Its name.
    pub role: String,
    /// The incident for which it was overwritten; with the account, the key.
    pub incident: String,
    /// The document, as IAM returned it.
    pub document: String,
    /// [`document_digest`] of it.
    pub digest: String,
    /// What took its place.
    pub kind: WriteKind,
    /// When.
    pub at: Timestamp,
}

impl RoleHistory {
    /// An empty history for a role.
    pub fn new(account: &str, role: &crate::model::LiveRole) -> Self {
        Self {
            schema: Schema,
            account: account.to_owned(),
            role_id: role.role_id.clone(),
            name: role.name.clone(),
            arn: role.arn.clone(),
            created: role.created,
            recreated: false,
            closed: None,
            approved: Vec::new(),
            writes: Vec::new(),
            written: Vec::new(),
            sessions_denied_at: None,
            version: 0,
        }
    }

    /// The guard wrote (or was about to write) this content.
    pub fn wrote(&self, digest: &str) -> bool {
        self.own_write(digest).is_some()
    }

    /// The guard wrote this content at about the time of an event: whoever has the guard's role may
    /// have written the same before, or after.
    pub fn wrote_about(&self, digest: &str, event_time: Timestamp) -> bool {
        self.writes.iter().any(|write| {
            write.digest == digest
                && write.progress != WriteProgress::Refused
                && written_about(write.at, event_time)
        })
    }

    /// The newest own write of this content that was not refused.
    pub fn own_write(&self, digest: &str) -> Option<&OwnWrite> {
        self.writes
            .iter()
            .rev()
            .find(|write| write.digest == digest && write.progress != WriteProgress::Refused)
    }

    /// The newest own write of what is live: of this content, or of one that shows deleted
    /// principals by now.
    pub fn own_write_of(&self, live: &str) -> Option<&OwnWrite> {
        self.own_write(&document_digest(live)).or_else(|| {
            let baselines = self.approved.iter().rev();
            let baselines = baselines.map(|kept| &kept.document);
            self.written
                .iter()
                .rev()
                .chain(baselines)
                .filter(|document| same_but_for_the_dead(live, document))
                .find_map(|document| self.own_write(&document_digest(document)))
        })
    }

    /// The eventTime of the first change that an own write undoes: where it replaced another own
    /// write, as a quarantine a repair, of what that one had undone.
    pub fn first_undone(&self, own: &OwnWrite) -> Timestamp {
        let mut undone = own.undoes;
        let mut replaced = &own.replaced;
        let older = self
            .writes
            .iter()
            .rev()
            .skip_while(|write| *write != own)
            .skip(1);
        for write in older.filter(|write| write.progress != WriteProgress::Refused) {
            if write.digest == *replaced {
                undone = undone.min(write.undoes);
                replaced = &write.replaced;
            }
        }
        undone
    }

    /// Own writes within the hour before `now`, refused ones not counted.
    pub fn writes_within_the_hour(&self, now: Timestamp) -> usize {
        self.within_the_hour(now).count()
    }

    fn within_the_hour(&self, now: Timestamp) -> impl Iterator<Item = &OwnWrite> {
        let from = now.checked_sub(SignedDuration::from_hours(1));
        let from = from.unwrap_or(Timestamp::MIN);
        self.writes
            .iter()
            .filter(move |write| write.progress != WriteProgress::Refused && write.at > from)
    }

    /// When no more than so many writes will be counted within the hour.
    pub(crate) fn budget_free_at(&self, most: usize, now: Timestamp) -> Option<Timestamp> {
        let hour = SignedDuration::from_hours(1);
        let counted = self.writes_within_the_hour(now);
        let leaves = counted.checked_sub(most)?.checked_sub(1)?;
        // A second more, for moments are compared to the millisecond and orders count seconds.
        let free = hour.checked_add(SignedDuration::from_secs(1))?;
        let first = self.within_the_hour(now).nth(leaves)?;
        first.at.checked_add(free).ok()
    }

    /// Those of the baselines of which each may be the newest: reads are stale, events have whole
    /// seconds, and what somebody wrote again may be seen before its event.
    pub fn perhaps_newest(&self) -> impl Iterator<Item = &Baseline> {
        let newest = self.newest().map(Baseline::rank);
        self.approved
            .iter()
            .filter(move |kept| Some(kept.last_rank()) >= newest)
    }

    /// The newest baseline.
    pub fn newest(&self) -> Option<&Baseline> {
        self.approved.last()
    }

    /// Adds an approved document in its place by time, or moves it there if it is known; among
    /// those of one second the one that was seen live comes last, else the one added last. What
    /// exceeds the limits goes, oldest first.
    ///
    /// A document with a unique id is never one: IAM would read the id anew, and what it names then
    /// nobody approved.
    pub fn remember(&mut self, mut baseline: Baseline) {
        if names_unique_id(&baseline.document) {
            return;
        }
        if let Some(at) = self
            .approved
            .iter()
            .position(|old| old.digest == baseline.digest)
        {
            let old = self.approved.remove(at);
            if baseline.written_at.is_none() || baseline.rank().0 < old.rank().0 {
                // Seen again without its event, or an older event of the same content: who wrote
                // it last, and their bytes, stay known.
                baseline = Baseline {
                    // Where no event tells when it was written, it keeps its place by when it was
                    // seen first: seen again, it may be the guard that put it there.
                    seen_at: match old.written_at {
                        Some(_) => baseline.seen_at.max(old.seen_at),
                        None => old.seen_at,
                    },
                    seen_live: baseline.seen_live || old.seen_live,
                    ..old
                };
            } else {
                baseline.seen_live |= old.seen_live;
                baseline.live_again_at = old.live_again_at;
            }
        }
        let place = self
            .approved
            .partition_point(|kept| kept.rank() <= baseline.rank());
        self.approved.insert(place, baseline);
        while self.approved.len() > BASELINES_KEPT
            || (self.approved.len() > 1 && self.bytes_of_documents() > BASELINE_BYTES_KEPT)
        {
            self.approved.remove(0);
        }
    }

    /// A baseline that was thought to be older is live, and no event told of that.
    pub fn live_again(&mut self, digest: &str, now: Timestamp) {
        if self.newest().is_some_and(|newest| newest.digest == digest) {
            return;
        }
        let mut kept = self.approved.iter_mut();
        if let Some(kept) = kept.find(|kept| kept.digest == digest) {
            kept.live_again_at = Some(now);
        }
    }

    fn bytes_of_documents(&self) -> usize {
        self.approved
            .iter()
            .map(|baseline| baseline.document.len())
            .sum()
    }

    /// Records the intent to write a document. Beyond [`WRITES_KEPT`] refused ones go first, then
    /// the oldest: no number of refusals makes the guard forget what it wrote.
    pub fn record_write(&mut self, write: OwnWrite, document: &str) {
        self.written.retain(|kept| kept != document);
        if document.len() <= WRITTEN_BYTES_KEPT {
            self.written.push(document.to_owned());
        }
        if self.written.len() > WRITTEN_KEPT {
            self.written.remove(0);
        }
        self.writes.push(write);
        while self.writes.len() > WRITES_KEPT {
            let refused = |write: &OwnWrite| write.progress == WriteProgress::Refused;
            let at = self.writes.iter().position(refused);
            self.writes.remove(at.unwrap_or(0));
        }
    }
}
