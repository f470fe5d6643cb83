//! The world in memory, for tests. It keeps every promise of the traits; it never fails and its
//! reads are never stale. Its table serves the histories, too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::account::CredentialReport;
use crate::alert::Alert;
use crate::model::{HeldPolicy, LivePermissions, LiveRole};
use crate::order::Order;
use crate::ports::{
    Alerts, Clock, IamError, IamErrorKind, Keys, LiveProvider, Orders, PublishError, Roles,
    SendOrderError, World, WriteRoles,
};
use crate::state::history::RoleHistory;
use crate::state::incident::{AlertKey, Incident};

mod permissions;
mod store;
mod sweeping;

pub use store::MemoryStore;

/// An account, its guard's state, its queue and its inbox.
#[derive(Debug, Default)]
pub struct InMemory {
    inside: Mutex<Inside>,
    store: MemoryStore,
}

#[derive(Debug, Default)]
struct Inside {
    now: Timestamp,
    providers: BTreeMap<String, LiveProvider>,
    roles: BTreeMap<String, LiveRole>,
    denied_before: BTreeMap<String, Timestamp>,
    /// Whether each is active, and since when it is there.
    keys: BTreeMap<(String, String), (bool, Timestamp)>,
    sent: BTreeSet<(String, String)>,
    queue: VecDeque<Order>,
    alerts: Vec<Alert>,
    unheard: bool,
    waits: Vec<Timestamp>,
    role_permissions: BTreeMap<String, LivePermissions>,
    user_permissions: BTreeMap<String, LivePermissions>,
    managed: BTreeMap<(String, String), HeldPolicy>,
    default_versions: BTreeMap<String, String>,
    groups: BTreeMap<String, Vec<String>>,
    /// The credential report.
    credentials: Option<CredentialReport>,
    /// How many roles stand on a page of the list.
    page: Option<usize>,
}

impl InMemory {
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

    /// How many roles stand on a page of the list, at most.
    pub fn set_page(&self, roles: usize) {
        self.inside().page = Some(roles);
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
        let mut inside = self.inside();
        let created = inside.now;
        inside
            .keys
            .insert((user.to_owned(), key_id.to_owned()), (true, created));
    }

    /// Whether an access key is active; `None` where there is none.
    pub fn key_active(&self, user: &str, key_id: &str) -> Option<bool> {
        self.inside()
            .keys
            .get(&(user.to_owned(), key_id.to_owned()))
            .map(|(active, _)| *active)
    }

    /// The moment before which a role's sessions are denied.
    pub fn sessions_denied_before(&self, role: &str) -> Option<Timestamp> {
        self.inside()
            .denied_before
            .get(&role.to_ascii_lowercase())
            .copied()
    }

    /// The moments that were waited for since it was asked last, in order.
    pub fn take_waits(&self) -> Vec<Timestamp> {
        std::mem::take(&mut self.inside().waits)
    }

    /// Whether somebody has subscribed to the alerts; at first, somebody has.
    pub fn set_heard(&self, heard: bool) {
        self.inside().unheard = !heard;
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
        self.store.history(account, role_id)
    }

    /// What is recorded of an alert that is out.
    pub fn incident(&self, key: &AlertKey) -> Option<Incident> {
        self.store.incident(key)
    }
}

impl Clock for InMemory {
    fn now(&self) -> Timestamp {
        self.inside().now
    }

    /// Told, not passed: it is only written down.
    async fn wait_until(&self, moment: Timestamp) {
        self.inside().waits.push(moment);
    }
}

impl Roles for InMemory {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, IamError> {
        Ok(self.role(name))
    }
}

impl WriteRoles for InMemory {
    async fn write_trust_policy(&self, role: &str, document: &str) -> Result<(), IamError> {
        match self.inside().roles.get_mut(&role.to_ascii_lowercase()) {
            Some(live) => {
                live.document = document.to_owned();
                Ok(())
            }
            None => Err(IamError::new(
                "write the trust policy of",
                format!("role {role}"),
                IamErrorKind::NoSuchEntity,
                "no such role",
            )),
        }
    }

    async fn deny_sessions_before(&self, role: &str, before: Timestamp) -> Result<(), IamError> {
        self.inside()
            .denied_before
            .insert(role.to_ascii_lowercase(), before);
        Ok(())
    }

    async fn lift_session_denial(&self, role: &str) -> Result<(), IamError> {
        self.inside()
            .denied_before
            .remove(&role.to_ascii_lowercase());
        Ok(())
    }
}

impl Keys for InMemory {
    async fn key_created(&self, user: &str, key_id: &str) -> Result<Option<Timestamp>, IamError> {
        let key = (user.to_owned(), key_id.to_owned());
        let inside = self.inside();
        Ok(inside.keys.get(&key).map(|(_, created)| *created))
    }

    async fn deactivate_key(&self, user: &str, key_id: &str) -> Result<(), IamError> {
        match self
            .inside()
            .keys
            .get_mut(&(user.to_owned(), key_id.to_owned()))
        {
            Some((active, _)) => {
                *active = false;
                Ok(())
            }
            None => Err(IamError::new(
                "deactivate",
                format!("access key {key_id} of user {user}"),
                IamErrorKind::NoSuchEntity,
                "no such key",
            )),
        }
    }
}

impl Orders for InMemory {
    async fn send_order(&self, order: &Order) -> Result<(), SendOrderError> {
        let mut inside = self.inside();
        if inside.sent.insert((order.group(), order.id())) {
            inside.queue.push_back(order.clone());
        }
        Ok(())
    }
}

impl Alerts for InMemory {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        self.inside().alerts.push(alert.clone());
        Ok(())
    }

    async fn is_heard(&self) -> bool {
        !self.inside().unheard
    }
}

impl World for InMemory {
    type Roles = Self;
    type Store = MemoryStore;
    type Orders = Self;
    type Alerts = Self;
    type Clock = Self;

    fn roles(&self) -> &Self {
        self
    }

    fn store(&self) -> &MemoryStore {
        &self.store
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
