//! What the guard remembers, over a [`Store`]: which item stands where, which write needs which
//! state of things, what a lease is. Account ids are part of every key.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::digest_window::{FoldMember, FoldWindow, Folded, TURNS};
use super::history::{KeptDocument, RoleHistory};
use super::incident::{AlertKey, Incident, IncidentLine, SCHEMA, Stage};
use super::keys::{self, ALONE, FOLDS_KEPT, INCIDENTS_KEPT, MEMBER, PROGRESS_KEPT};
use crate::permissions::PermissionsHistory;
use crate::ports::{Condition, Item, Key, Put, StateError, Store, Test, Update, moment};

/// Who may publish an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// The caller, until the moment they named.
    Acquired,
    /// Another holder, who may have crashed: after this moment it can be acquired.
    InProgress {
        /// When their lease runs out.
        until: Timestamp,
    },
    /// Nobody: it is out.
    Done,
}

/// How far an order came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderProgress {
    /// How often it was begun, this time included.
    pub attempts: u32,
    /// When it was begun first.
    pub first_at: Timestamp,
    /// It was finished: a duplicate.
    pub done: bool,
}

/// What the guard remembers. Each method fails with [`StateError`].
#[derive(Debug)]
pub struct Ledger<'s, S>(pub(super) &'s S);

pub(super) fn item() -> Item {
    Item::default().with("schema", SCHEMA)
}

/// The time-to-live attribute's value, in epoch seconds.
pub(super) fn expiry(at: Timestamp, kept: i64) -> i64 {
    at.as_second().saturating_add(kept)
}

pub(super) fn unreadable(what: &str, why: &'static str) -> StateError {
    StateError::Unreadable {
        what: what.to_owned(),
        source: why.into(),
    }
}

/// Somebody's item whose version is the one that was read (0: none was there).
fn follows(read: u64) -> Condition {
    match read {
        0 => Condition::Absent,
        read => Condition::All(vec![Test::Is("version", read.into())]),
    }
}

impl<'s, S: Store> Ledger<'s, S> {
    /// Over a store.
    pub fn new(store: &'s S) -> Self {
        Self(store)
    }

    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        key: Key,
        what: &str,
    ) -> Result<Option<T>, StateError> {
        let item = self.0.get(&key).await?;
        item.map(|item| item.held(what)).transpose()
    }

    pub(super) async fn put(&self, key: Key, item: Item) -> Result<(), StateError> {
        let condition = Condition::Always;
        let put = Put {
            key,
            item,
            condition,
        };
        self.0.put_if(put).await.map(drop)
    }

    async fn put_new(&self, key: Key, item: Item) -> Result<bool, StateError> {
        let condition = Condition::Absent;
        self.0
            .put_if(Put {
                key,
                item,
                condition,
            })
            .await
    }

    /// Puts an item whose version follows `read`, unless somebody else did so first. Gives its
    /// version.
    pub(super) async fn put_next(
        &self,
        key: Key,
        item: Item,
        read: u64,
        what: String,
    ) -> Result<u64, StateError> {
        let version = read + 1;
        let put = Put {
            key,
            item: item.with("version", version),
            condition: follows(read),
        };
        match self.0.put_if(put).await? {
            true => Ok(version),
            false => Err(StateError::Conflict { what }),
        }
    }

    pub(super) async fn update(
        &self,
        key: &Key,
        mut update: Update,
        condition: Condition,
    ) -> Result<Option<Item>, StateError> {
        update.set.push(("schema", SCHEMA.into()));
        self.0.update_if(key, update, condition).await
    }

    /// The history that the role's name (case ignored) points to: that of the incarnation saved
    /// last, closed or not.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn role_history(
        &self,
        account: &str,
        role: &str,
    ) -> Result<Option<RoleHistory>, StateError> {
        let Some(pointer) = self.0.get(&keys::pointer(account, role)).await? else {
            return Ok(None);
        };
        let Some(role_id) = pointer.text("role_id") else {
            return Ok(None);
        };
        let what = format!("the history of {role}");
        match self.read(keys::history(account, role_id), &what).await? {
            Some(history) => Ok(Some(history)),
            // Both are written in one transaction and never deleted.
            None => Err(unreadable(
                &what,
                "the name points to a history that is not there",
            )),
        }
    }

    /// Saves a history whose `version` is the one that was read (0: it must not exist), as
    /// version + 1, and in the same step points the role's name to it. Returns the new version.
    ///
    /// # Errors
    /// `Conflict` when another version is stored; `Unavailable`.
    pub async fn save_role_history(&self, history: &RoleHistory) -> Result<u64, StateError> {
        let what = format!("the history of {}", history.name);
        let version = history.version + 1;
        let saved = RoleHistory {
            version,
            ..history.clone()
        };
        let history_put = Put {
            key: keys::history(&history.account, &history.role_id),
            item: item()
                .with("version", version)
                .with("role", history.name.as_str())
                .with("arn", history.arn.as_str())
                .holding(&what, &saved)?,
            condition: follows(history.version),
        };
        let pointer = Put {
            key: keys::pointer(&history.account, &history.name),
            item: item().with("role_id", history.role_id.as_str()),
            condition: Condition::Always,
        };
        match self.0.transact(vec![history_put, pointer]).await? {
            true => Ok(version),
            false => Err(StateError::Conflict { what }),
        }
    }

    /// Keeps a document that is about to be overwritten. The first one of an incident stays.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn keep_document(&self, kept: &KeptDocument) -> Result<(), StateError> {
        let what = format!("the document kept for {}", kept.incident);
        let item = item()
            .with("role", kept.role.as_str())
            .with(
                "written",
                serde_json::to_value(kept.kind).unwrap_or_default(),
            )
            .holding(&what, kept)?;
        // Whether it was there before makes no difference: the first one stays.
        let key = keys::kept(&kept.account, &kept.incident);
        self.put_new(key, item).await.map(drop)
    }

    /// The document that was overwritten in an incident.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn kept_document(
        &self,
        account: &str,
        incident: &str,
    ) -> Result<Option<KeptDocument>, StateError> {
        let what = format!("the document kept for {incident}");
        self.read(keys::kept(account, incident), &what).await
    }

    /// What is remembered of the permissions of a role or user, by its unique id.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn permissions_history(
        &self,
        account: &str,
        id: &str,
    ) -> Result<Option<PermissionsHistory>, StateError> {
        let what = format!("the permissions of {id}");
        self.read(keys::permissions(account, id), &what).await
    }

    /// Saves it, if its `version` is the one that was read (0: it must not exist), as version + 1.
    /// Returns the new version.
    ///
    /// # Errors
    /// `Conflict` when another version is stored; `Unavailable`.
    pub async fn save_permissions_history(
        &self,
        history: &PermissionsHistory,
    ) -> Result<u64, StateError> {
        let what = format!("the permissions of {}", history.name);
        let saved = PermissionsHistory {
            version: history.version + 1,
            ..history.clone()
        };
        let key = keys::permissions(&history.account, &history.id);
        let item = item()
            .with("name", history.name.as_str())
            .holding(&what, &saved)?;
        self.put_next(key, item, history.version, what).await
    }

    /// Counts one more attempt at an order (unless it is done) and says how far it came.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn begin_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<OrderProgress, StateError> {
        let key = keys::order(account, order);
        let update = Update {
            set: vec![("expires_at", expiry(now, PROGRESS_KEPT).into())],
            set_if_absent: vec![("first_at", moment(now).into())],
            add: vec![("attempts", 1)],
        };
        let unless_done = Condition::All(vec![Test::Lacks("done")]);
        let item = match self.update(&key, update, unless_done).await? {
            Some(item) => Some(item),
            None => self.0.get(&key).await?,
        };
        let what = || format!("the progress of order {order}");
        let item = item.ok_or_else(|| unreadable(&what(), "it is gone"))?;
        // A finish without a beginning leaves none: it was done in no attempt of ours.
        let attempts = item.number("attempts").unwrap_or(0);
        Ok(OrderProgress {
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            first_at: item
                .moment("first_at")
                .ok_or_else(|| unreadable(&what(), "no time"))?,
            done: item.flag("done"),
        })
    }

    /// Marks an order done: duplicates of it do nothing.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn finish_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let update = Update {
            set: vec![
                ("done", true.into()),
                ("expires_at", expiry(now, PROGRESS_KEPT).into()),
            ],
            set_if_absent: vec![("first_at", moment(now).into())],
            ..Update::default()
        };
        let key = keys::order(account, order);
        self.update(&key, update, Condition::Always).await.map(drop)
    }

    /// Asks for the right to publish an alert, until a moment. An expired lease can be taken.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn acquire_alert(
        &self,
        alert: &AlertKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StateError> {
        let key = keys::alert(alert);
        let update = Update {
            set: vec![
                ("lease_until", moment(until).into()),
                ("done", false.into()),
                ("expires_at", expiry(now, INCIDENTS_KEPT).into()),
            ],
            ..Update::default()
        };
        let free = Condition::AbsentOr(vec![
            Test::Is("done", false.into()),
            Test::AtMost("lease_until", moment(now)),
        ]);
        if self.update(&key, update, free).await?.is_some() {
            return Ok(Lease::Acquired);
        }
        let item = self.0.get(&key).await?.unwrap_or_default();
        if item.flag("done") {
            return Ok(Lease::Done);
        }
        match item.moment("lease_until") {
            // Our own: the store took it, its answer was lost, and the call was repeated.
            Some(held) if held == until => Ok(Lease::Acquired),
            Some(held) => Ok(Lease::InProgress { until: held }),
            None => Err(unreadable(
                &format!("the alert {}", alert.incident),
                "no lease in it",
            )),
        }
    }

    /// Gives the right back after a failed publish, so that a retry need not wait; never turns
    /// `Done` back.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn release_alert(&self, alert: &AlertKey) -> Result<(), StateError> {
        let update = Update {
            set: vec![("lease_until", 0.into())],
            ..Update::default()
        };
        let held = Condition::All(vec![Test::Is("done", false.into())]);
        self.update(&keys::alert(alert), update, held)
            .await
            .map(drop)
    }

    /// Marks an alert as out, keeps what it was about, and puts a line about it in its day's list.
    ///
    /// # Errors
    /// `Unavailable`; `Conflict`, where another invocation writes it in this moment.
    pub async fn finish_alert(&self, incident: &Incident) -> Result<(), StateError> {
        let what = format!("the alert {}", incident.key.incident);
        let at = incident.published_at;
        let kept = item().with("expires_at", expiry(at, INCIDENTS_KEPT));
        let put = |key, item| Put {
            key,
            item,
            condition: Condition::Always,
        };
        let alert = kept.clone().with("done", true).holding(&what, incident)?;
        let mut puts = vec![put(keys::alert(&incident.key), alert)];
        // A digest and a test are no incidents, nor is a call or a page beside one.
        let listed = matches!(incident.key.stage, Stage::Detected | Stage::Outcome)
            && !incident.key.incident.contains("-meanwhile");
        if listed {
            let line = kept.holding(&what, &IncidentLine::of(incident))?;
            puts.push(put(keys::incident_line(&incident.key, at), line));
        }
        match self.0.transact(puts).await? {
            true => Ok(()),
            false => Err(StateError::Conflict { what }),
        }
    }

    /// The alerts of the day (in UTC) of a moment, oldest first. What cannot be read is left out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn incidents_of_day(
        &self,
        account: &str,
        day: Timestamp,
    ) -> Result<Vec<IncidentLine>, StateError> {
        let items = self
            .0
            .query(&keys::incidents(account, day), keys::LINE, None)
            .await?;
        let lines = items
            .iter()
            .filter_map(|item| item.held("an incident").ok());
        Ok(lines.collect())
    }

    /// What is kept of an alert that is out.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn published(&self, alert: &AlertKey) -> Result<Option<Incident>, StateError> {
        let what = format!("the alert {}", alert.incident);
        self.read(keys::alert(alert), &what).await
    }

    /// The alerts of a window that went out by themselves. What cannot be read is none of them, and
    /// what somebody else wrote there in great number is not read.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn gone_out_alone(&self, window: &FoldWindow) -> Result<Vec<FoldMember>, StateError> {
        let items = self
            .0
            .query(&window.partition(), ALONE, Some(TURNS))
            .await?;
        Ok(members(&items).collect())
    }

    /// Takes the turn of this number, from 0, to go out by itself. `false`: another alert has it.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn take_turn(
        &self,
        window: &FoldWindow,
        turn: usize,
        member: &FoldMember,
    ) -> Result<bool, StateError> {
        let item = folded_item(window, member)?;
        self.put_new(keys::alone(window, turn), item).await
    }

    /// Takes one of the messages that may go out within a second, in seconds since the epoch.
    /// `false`: another message is that one.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn take_slot(
        &self,
        account: &str,
        second: i64,
        slot: u16,
    ) -> Result<bool, StateError> {
        let at = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let item = item().with("expires_at", expiry(at, FOLDS_KEPT));
        self.put_new(keys::slot(account, second, slot), item).await
    }

    /// Keeps an alert for the digest of its window. Doing so again changes nothing.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn keep_for_digest(
        &self,
        window: &FoldWindow,
        member: &FoldMember,
    ) -> Result<(), StateError> {
        let item = folded_item(window, member)?;
        let key = keys::member(window, &member.incident);
        self.put_new(key, item).await.map(drop)
    }

    /// All alerts of a window. What cannot be read is counted: it keeps nothing else from being
    /// reported.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn folded(&self, window: &FoldWindow) -> Result<Folded, StateError> {
        let alone = self.gone_out_alone(window).await?;
        let items = self.0.query(&window.partition(), MEMBER, None).await?;
        let together: Vec<FoldMember> = members(&items).collect();
        let unreadable = items.len().saturating_sub(together.len()) as u64;
        Ok(Folded {
            alone,
            together,
            unreadable,
        })
    }
}

fn folded_item(window: &FoldWindow, member: &FoldMember) -> Result<Item, StateError> {
    let what = format!("the alert {} in {}", member.incident, window.id());
    let ends = Timestamp::from_second(window.end()).unwrap_or(member.at);
    item()
        .with("expires_at", expiry(ends, FOLDS_KEPT))
        .holding(&what, member)
}

fn members(items: &[Item]) -> impl Iterator<Item = FoldMember> + '_ {
    items.iter().filter_map(|item| item.held("an alert").ok())
}
