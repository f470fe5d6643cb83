//! The world in memory: for `replay`, which judges a log as the deployed guard would have, and
//! for tests. It keeps every promise of the traits; it never fails and its reads are never stale.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::alert::Alert;
use crate::model::{HeldPolicy, LivePermissions, LiveRole};
use crate::order::Order;
use crate::permissions::PermissionsHistory;
use crate::ports::{
    Alerts, Clock, DeactivateKeyError, DenySessionsError, Keys, Lease, OrderProgress, Orders,
    PublishError, ReadRoleError, Roles, SendOrderError, State, StateError, World, WriteRoles,
    WriteTrustPolicyError,
};
use crate::state::digest_window::{Counted, FoldMember, FoldWindow};
use crate::state::history::{KeptDocument, RoleHistory};
use crate::state::incident::{AlertKey, Incident};
use crate::state::sweep_state::{SweepProgress, SweptRole, ToldDocument};

mod permissions;
mod sweeping;

/// An account, its guard's state, its queue and its inbox.
#[derive(Debug, Default)]
pub struct MemoryWorld {
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    now: Timestamp,
    roles: BTreeMap<String, LiveRole>,
    denied_before: BTreeMap<String, Timestamp>,
    keys: BTreeMap<(String, String), bool>,
    histories: BTreeMap<(String, String), RoleHistory>,
    names: BTreeMap<(String, String), String>,
    kept: BTreeMap<(String, String), KeptDocument>,
    progress: BTreeMap<(String, String), OrderProgress>,
    leases: BTreeMap<AlertKey, Held>,
    windows: BTreeMap<FoldWindow, Window>,
    sent: BTreeSet<(String, String)>,
    queue: VecDeque<Order>,
    alerts: Vec<Alert>,
    sweeps: BTreeMap<String, SweepProgress>,
    swept: BTreeMap<(String, String), SweptRole>,
    told: BTreeMap<(String, String, String), ToldDocument>,
    requests: BTreeMap<String, Timestamp>,
    role_permissions: BTreeMap<String, LivePermissions>,
    user_permissions: BTreeMap<String, LivePermissions>,
    managed: BTreeMap<(String, String), HeldPolicy>,
    default_versions: BTreeMap<String, String>,
    groups: BTreeMap<String, Vec<String>>,
    permissions_histories: BTreeMap<(String, String), PermissionsHistory>,
}

#[derive(Debug)]
enum Held {
    Until(Timestamp),
    Done(Incident),
}

#[derive(Debug, Default)]
struct Window {
    members: Vec<FoldMember>,
    digest_ordered: bool,
}

impl MemoryWorld {
    /// An empty world at a moment.
    pub fn at(now: Timestamp) -> Self {
        let world = Self::default();
        world.set_now(now);
        world
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the clock.
    pub fn set_now(&self, now: Timestamp) {
        self.inside().now = now;
    }

    /// Creates a role, or replaces it.
    pub fn put_role(&self, role: LiveRole) {
        self.inside()
            .roles
            .insert(role.name.to_ascii_lowercase(), role);
    }

    /// Deletes a role.
    pub fn remove_role(&self, name: &str) -> Option<LiveRole> {
        self.inside().roles.remove(&name.to_ascii_lowercase())
    }

    /// A role as it is.
    pub fn role(&self, name: &str) -> Option<LiveRole> {
        self.inside().roles.get(&name.to_ascii_lowercase()).cloned()
    }

    /// Creates an active access key.
    pub fn put_key(&self, user: &str, key_id: &str) {
        self.inside()
            .keys
            .insert((user.to_owned(), key_id.to_owned()), true);
    }

    /// Whether an access key is active; `None` where there is none.
    pub fn key_active(&self, user: &str, key_id: &str) -> Option<bool> {
        self.inside()
            .keys
            .get(&(user.to_owned(), key_id.to_owned()))
            .copied()
    }

    /// The moment before which a role's sessions are denied.
    pub fn sessions_denied_before(&self, role: &str) -> Option<Timestamp> {
        self.inside()
            .denied_before
            .get(&role.to_ascii_lowercase())
            .copied()
    }

    /// The alerts published since it was asked last, in order.
    pub fn take_alerts(&self) -> Vec<Alert> {
        std::mem::take(&mut self.inside().alerts)
    }

    /// The next order of the queue.
    pub fn take_order(&self) -> Option<Order> {
        self.inside().queue.pop_front()
    }

    /// A stored history, by RoleId.
    pub fn history(&self, account: &str, role_id: &str) -> Option<RoleHistory> {
        self.inside()
            .histories
            .get(&(account.to_owned(), role_id.to_owned()))
            .cloned()
    }

    /// What is recorded of an alert that is out.
    pub fn incident(&self, key: &AlertKey) -> Option<Incident> {
        match self.inside().leases.get(key) {
            Some(Held::Done(incident)) => Some(incident.clone()),
            _ => None,
        }
    }
}

fn name_key(account: &str, role: &str) -> (String, String) {
    (account.to_owned(), role.to_ascii_lowercase())
}

impl Clock for MemoryWorld {
    fn now(&self) -> Timestamp {
        self.inside().now
    }
}

impl Roles for MemoryWorld {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, ReadRoleError> {
        Ok(self.role(name))
    }
}

impl WriteRoles for MemoryWorld {
    async fn write_trust_policy(
        &self,
        role: &str,
        document: &str,
    ) -> Result<(), WriteTrustPolicyError> {
        match self.inside().roles.get_mut(&role.to_ascii_lowercase()) {
            Some(live) => {
                live.document = document.to_owned();
                Ok(())
            }
            None => Err(WriteTrustPolicyError::NoSuchRole {
                role: role.to_owned(),
                source: "no such role".into(),
            }),
        }
    }

    async fn deny_sessions_before(
        &self,
        role: &str,
        before: Timestamp,
    ) -> Result<(), DenySessionsError> {
        self.inside()
            .denied_before
            .insert(role.to_ascii_lowercase(), before);
        Ok(())
    }

    async fn lift_session_denial(&self, role: &str) -> Result<(), DenySessionsError> {
        self.inside()
            .denied_before
            .remove(&role.to_ascii_lowercase());
        Ok(())
    }
}

impl Keys for MemoryWorld {
    async fn deactivate_key(&self, user: &str, key_id: &str) -> Result<(), DeactivateKeyError> {
        match self
            .inside()
            .keys
            .get_mut(&(user.to_owned(), key_id.to_owned()))
        {
            Some(active) => {
                *active = false;
                Ok(())
            }
            None => Err(DeactivateKeyError::NoSuchKey {
                user: user.to_owned(),
                key_id: key_id.to_owned(),
                source: "no such key".into(),
            }),
        }
    }
}

impl State for MemoryWorld {
    async fn role_history(
        &self,
        account: &str,
        role: &str,
    ) -> Result<Option<RoleHistory>, StateError> {
        let inside = self.inside();
        let Some(role_id) = inside.names.get(&name_key(account, role)) else {
            return Ok(None);
        };
        Ok(inside
            .histories
            .get(&(account.to_owned(), role_id.clone()))
            .cloned())
    }

    async fn save_role_history(&self, history: &RoleHistory) -> Result<u64, StateError> {
        let mut inside = self.inside();
        let key = (history.account.clone(), history.role_id.clone());
        let stored = inside
            .histories
            .get(&key)
            .map_or(0, |stored| stored.version);
        if stored != history.version {
            return Err(StateError::Conflict {
                what: format!("the history of {}", history.name),
            });
        }
        let version = stored + 1;
        let name = name_key(&history.account, &history.name);
        inside.names.insert(name, history.role_id.clone());
        inside.histories.insert(
            key,
            RoleHistory {
                version,
                ..history.clone()
            },
        );
        Ok(version)
    }

    async fn keep_document(&self, kept: &KeptDocument) -> Result<(), StateError> {
        let key = (kept.account.clone(), kept.incident.clone());
        self.inside()
            .kept
            .entry(key)
            .or_insert_with(|| kept.clone());
        Ok(())
    }

    async fn kept_document(
        &self,
        account: &str,
        incident: &str,
    ) -> Result<Option<KeptDocument>, StateError> {
        Ok(self
            .inside()
            .kept
            .get(&(account.to_owned(), incident.to_owned()))
            .cloned())
    }

    async fn begin_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<OrderProgress, StateError> {
        let mut inside = self.inside();
        let progress = inside
            .progress
            .entry((account.to_owned(), order.to_owned()))
            .or_insert(OrderProgress {
                attempts: 0,
                first_at: now,
                done: false,
            });
        if !progress.done {
            progress.attempts += 1;
        }
        Ok(*progress)
    }

    async fn finish_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<(), StateError> {
        self.inside()
            .progress
            .entry((account.to_owned(), order.to_owned()))
            .or_insert(OrderProgress {
                attempts: 0,
                first_at: now,
                done: true,
            })
            .done = true;
        Ok(())
    }

    async fn acquire_alert(
        &self,
        key: &AlertKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StateError> {
        let mut inside = self.inside();
        match inside.leases.get(key) {
            Some(Held::Done(_)) => return Ok(Lease::Done),
            Some(Held::Until(held)) if *held > now => {
                return Ok(Lease::InProgress { until: *held });
            }
            _ => {}
        }
        inside.leases.insert(key.clone(), Held::Until(until));
        Ok(Lease::Acquired)
    }

    async fn release_alert(&self, key: &AlertKey) -> Result<(), StateError> {
        let mut inside = self.inside();
        if let Some(Held::Until(_)) = inside.leases.get(key) {
            inside.leases.remove(key);
        }
        Ok(())
    }

    async fn finish_alert(&self, incident: &Incident) -> Result<(), StateError> {
        self.inside()
            .leases
            .insert(incident.key.clone(), Held::Done(incident.clone()));
        Ok(())
    }

    async fn count_alert(
        &self,
        window: &FoldWindow,
        member: &FoldMember,
    ) -> Result<Counted, StateError> {
        let mut inside = self.inside();
        let window = inside.windows.entry(window.clone()).or_default();
        let at = window
            .members
            .iter()
            .position(|known| known.incident == member.incident);
        let at = at.unwrap_or_else(|| {
            window.members.push(member.clone());
            window.members.len() - 1
        });
        let position = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        Ok(Counted {
            position,
            digest_ordered: window.digest_ordered,
        })
    }

    async fn digest_ordered(&self, window: &FoldWindow) -> Result<(), StateError> {
        self.inside()
            .windows
            .entry(window.clone())
            .or_default()
            .digest_ordered = true;
        Ok(())
    }

    async fn folded(&self, window: &FoldWindow) -> Result<Vec<(u32, FoldMember)>, StateError> {
        let inside = self.inside();
        let members = inside
            .windows
            .get(window)
            .map(|window| window.members.as_slice());
        Ok((1..)
            .zip(members.unwrap_or_default().iter().cloned())
            .collect())
    }
}

impl Orders for MemoryWorld {
    async fn send_order(&self, order: &Order) -> Result<(), SendOrderError> {
        let mut inside = self.inside();
        if inside.sent.insert((order.group(), order.id())) {
            inside.queue.push_back(order.clone());
        }
        Ok(())
    }
}

impl Alerts for MemoryWorld {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        self.inside().alerts.push(alert.clone());
        Ok(())
    }
}

impl World for MemoryWorld {
    type Roles = Self;
    type State = Self;
    type Orders = Self;
    type Alerts = Self;
    type Clock = Self;

    fn roles(&self) -> &Self {
        self
    }

    fn state(&self) -> &Self {
        self
    }

    fn orders(&self) -> &Self {
        self
    }

    fn alerts(&self) -> &Self {
        self
    }

    fn clock(&self) -> &Self {
        self
    }
}
