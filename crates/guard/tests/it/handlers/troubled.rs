//! A world in memory whose calls can be made to fail, whose reads can be made stale, and in which
//! a handler can be stopped before and after each effect.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use trustwarden_guard::alert::Alert;
use trustwarden_guard::model::{HeldPolicy, HolderKind, LivePermissions, LiveRole};
use trustwarden_guard::order::Order;
use trustwarden_guard::permissions::Undo;
use trustwarden_guard::ports::memory::{InMemory, MemoryStore};
use trustwarden_guard::ports::{
    Alerts, Clock, Faults, HoldersPage, IamError, IamErrorKind, Keys, ListOf, ListRoles, Orders,
    PublishError, ReadPermissions, Roles, RolesPage, SendOrderError, StateError, World,
    WritePermissions, WriteRoles,
};

type Hook = Box<dyn FnOnce(&InMemory) + Send>;

/// See the module.
#[derive(Default)]
pub(crate) struct Troubled {
    pub(crate) inside: InMemory,
    /// How many gates the handlers have passed: two a call, before and after the effect.
    pub(crate) gates: AtomicUsize,
    /// The gate at which a handler stops for ever.
    pub(crate) stop_at: Mutex<Option<usize>>,
    /// How many further calls of a method fail.
    pub(crate) failing: Mutex<BTreeMap<&'static str, usize>>,
    /// What the next reads of a role show instead of the truth.
    pub(crate) stale: Mutex<VecDeque<Option<LiveRole>>>,
    /// What the next writes of a trust policy fail with.
    pub(crate) refusing: Mutex<VecDeque<IamError>>,
    /// What happens just before the next write of a trust policy.
    pub(crate) before_write: Mutex<Option<Hook>>,
    /// What happens just before the n-th next read of a role.
    pub(crate) before_read: Mutex<Option<(usize, Hook)>>,
    /// After so many further pages of the list, what the next one fails with.
    pub(crate) list_stops_at: Mutex<Option<(usize, IamError)>>,
    /// How many roles stand on a page of the list.
    pub(crate) page: Mutex<Option<usize>>,
    /// Every trust policy that was written, in order.
    pub(crate) written: Mutex<Vec<(String, String)>>,
    /// What happens just before the next undoing of a change of permissions.
    pub(crate) before_undo: Mutex<Option<Hook>>,
    /// What the next of them fail with.
    pub(crate) undo_refused: Mutex<VecDeque<IamError>>,
    /// What was undone, in order.
    pub(crate) undone: Mutex<Vec<Undo>>,
    /// Every call, in order.
    pub(crate) calls: Mutex<Vec<&'static str>>,
}

/// Runs a handler until it is done or stopped (`None`): nothing in this world ever waits.
pub(crate) fn run<F: Future>(handler: F) -> Option<F::Output> {
    let mut handler = pin!(handler);
    match handler
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

impl Troubled {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            inside: InMemory::at(now),
            ..Self::default()
        }
    }

    pub(crate) fn fail(&self, method: &'static str, times: usize) {
        self.failing.lock().unwrap().insert(method, times);
    }

    pub(crate) fn state_fails(&self, times: usize) {
        for method in STATE {
            self.fail(method, times);
        }
    }

    pub(crate) fn called(&self, method: &str) -> usize {
        self.calls
            .lock()
            .unwrap()
            .iter()
            .filter(|call| **call == method)
            .count()
    }

    async fn gate(&self) {
        let at = self.gates.fetch_add(1, Ordering::SeqCst);
        if *self.stop_at.lock().unwrap() == Some(at) {
            std::future::pending::<()>().await;
        }
    }

    async fn enter(&self, method: &'static str) -> Result<(), String> {
        self.calls.lock().unwrap().push(method);
        self.gate().await;
        let mut failing = self.failing.lock().unwrap();
        match failing.get_mut(method) {
            Some(0) | None => Ok(()),
            Some(left) => {
                *left -= 1;
                Err(format!("{method} was made to fail"))
            }
        }
    }
}

/// The calls of state, as [`Faults`] names them.
const STATE: [&str; 21] = [
    "read history",
    "save history",
    "read permissions history",
    "save permissions history",
    "keep document",
    "read kept document",
    "begin order",
    "finish order",
    "acquire lease",
    "release lease",
    "finish alert",
    "count alert",
    "read window",
    "read the sweep's progress",
    "save the sweep's progress",
    "read swept roles",
    "save swept role",
    "save told document",
    "read told document",
    "request sweep",
    "read request for a sweep",
];

fn no(operation: &'static str, subject: &str, kind: IamErrorKind, source: String) -> IamError {
    IamError::new(operation, subject, kind, source)
}

fn down(source: String) -> StateError {
    StateError::Unavailable {
        source: source.into(),
    }
}

impl Faults for Troubled {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        self.inside.store()
    }

    async fn call<T: Send>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, StateError>> + Send,
    ) -> Result<T, StateError> {
        self.enter(name).await.map_err(down)?;
        let done = call.await;
        self.gate().await;
        done
    }
}

impl Clock for Troubled {
    fn now(&self) -> Timestamp {
        self.inside.now()
    }
}

impl Roles for Troubled {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, IamError> {
        self.enter("read_role")
            .await
            .map_err(|source| no("read", name, IamErrorKind::Other, source))?;
        let hook = {
            let mut before = self.before_read.lock().unwrap();
            match before.as_mut() {
                Some((0, _)) => before.take(),
                Some((left, _)) => {
                    *left -= 1;
                    None
                }
                None => None,
            }
        };
        if let Some((_, hook)) = hook {
            hook(&self.inside);
        }
        let stale = self.stale.lock().unwrap().pop_front();
        let live = match stale {
            Some(stale) => stale,
            None => self.inside.read_role(name).await?,
        };
        self.gate().await;
        Ok(live)
    }
}

macro_rules! permissions {
    ($self:ident.$method:ident($($argument:expr),*)) => {{
        $self.enter(stringify!($method)).await.map_err(|source| {
            no("read", "something", IamErrorKind::Other, source)
        })?;
        let read = $self.inside.$method($($argument),*).await;
        $self.gate().await;
        read
    }};
}

impl ReadPermissions for Troubled {
    async fn role_permissions(&self, role: &str) -> Result<Option<LivePermissions>, IamError> {
        permissions!(self.role_permissions(role))
    }

    async fn user_permissions(&self, user: &str) -> Result<Option<LivePermissions>, IamError> {
        permissions!(self.user_permissions(user))
    }

    async fn managed_policy(
        &self,
        arn: &str,
        version: Option<&str>,
    ) -> Result<Option<HeldPolicy>, IamError> {
        permissions!(self.managed_policy(arn, version))
    }

    async fn holders(&self, of: ListOf<'_>, marker: Option<&str>) -> Result<HoldersPage, IamError> {
        permissions!(self.holders(of, marker))
    }
}

impl WritePermissions for Troubled {
    async fn undo(&self, kind: HolderKind, name: &str, undo: &Undo) -> Result<(), IamError> {
        let hook = self.before_undo.lock().unwrap().take();
        if let Some(hook) = hook {
            hook(&self.inside);
        }
        if let Some(refused) = self.undo_refused.lock().unwrap().pop_front() {
            return Err(refused);
        }
        self.enter("undo")
            .await
            .map_err(|source| no("change the policies of", name, IamErrorKind::Other, source))?;
        let done = self.inside.undo(kind, name, undo).await;
        self.undone.lock().unwrap().push(undo.clone());
        self.gate().await;
        done
    }
}

impl WriteRoles for Troubled {
    async fn write_trust_policy(&self, role: &str, document: &str) -> Result<(), IamError> {
        self.enter("write_trust_policy").await.map_err(|source| {
            no(
                "write the trust policy of",
                role,
                IamErrorKind::Other,
                source,
            )
        })?;
        let hook = self.before_write.lock().unwrap().take();
        if let Some(hook) = hook {
            hook(&self.inside);
        }
        let refused = self.refusing.lock().unwrap().pop_front();
        if let Some(refused) = refused {
            return Err(refused);
        }
        self.written
            .lock()
            .unwrap()
            .push((role.to_owned(), document.to_owned()));
        let done = self.inside.write_trust_policy(role, document).await;
        self.gate().await;
        done
    }

    async fn deny_sessions_before(&self, role: &str, before: Timestamp) -> Result<(), IamError> {
        self.enter("deny_sessions_before").await.map_err(|source| {
            no(
                "change the inline policies of",
                &format!("role {role}"),
                IamErrorKind::LimitExceeded,
                source,
            )
        })?;
        let done = self.inside.deny_sessions_before(role, before).await;
        self.gate().await;
        done
    }

    async fn lift_session_denial(&self, role: &str) -> Result<(), IamError> {
        self.enter("lift_session_denial").await.map_err(|source| {
            no(
                "change the inline policies of",
                role,
                IamErrorKind::AccessDenied,
                source,
            )
        })?;
        self.inside.lift_session_denial(role).await
    }
}

impl Keys for Troubled {
    async fn key_created(&self, user: &str, key_id: &str) -> Result<Option<Timestamp>, IamError> {
        self.enter("key_created")
            .await
            .map_err(|source| no("read a key of", user, IamErrorKind::Other, source))?;
        let created = self.inside.key_created(user, key_id).await;
        self.gate().await;
        created
    }

    async fn deactivate_key(&self, user: &str, key_id: &str) -> Result<(), IamError> {
        self.enter("deactivate_key").await.map_err(|source| {
            no(
                "deactivate a key of",
                user,
                IamErrorKind::AccessDenied,
                source,
            )
        })?;
        let done = self.inside.deactivate_key(user, key_id).await;
        self.gate().await;
        done
    }
}

impl ListRoles for Troubled {
    async fn list_roles(&self, marker: Option<&str>) -> Result<RolesPage, IamError> {
        self.enter("list_roles")
            .await
            .map_err(|source| no("list", "roles", IamErrorKind::Throttled, source))?;
        let refused = {
            let mut stops = self.list_stops_at.lock().unwrap();
            match stops.as_mut() {
                Some((0, _)) => stops.take().map(|(_, error)| error),
                Some((left, _)) => {
                    *left -= 1;
                    None
                }
                None => None,
            }
        };
        if let Some(error) = refused {
            return Err(error);
        }
        let mut page = self.inside.list_roles(marker).await?;
        if let Some(most) = *self.page.lock().unwrap()
            && page.roles.len() > most
        {
            page.roles.truncate(most);
            page.next = page
                .roles
                .last()
                .map(|listed| listed.role.name.to_ascii_lowercase());
        }
        self.gate().await;
        Ok(page)
    }
}

impl Orders for Troubled {
    async fn send_order(&self, order: &Order) -> Result<(), SendOrderError> {
        self.enter("send_order")
            .await
            .map_err(|source| SendOrderError {
                order: order.id(),
                source: source.into(),
            })?;
        let done = self.inside.send_order(order).await;
        self.gate().await;
        done
    }
}

impl Alerts for Troubled {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        self.enter("publish_alert")
            .await
            .map_err(|source| PublishError {
                incident: alert.incident.clone(),
                source: source.into(),
            })?;
        let done = self.inside.publish_alert(alert).await;
        self.gate().await;
        done
    }
}

impl World for Troubled {
    type Roles = Self;
    type Store = Self;
    type Orders = Self;
    type Alerts = Self;
    type Clock = Self;

    fn roles(&self) -> &Self {
        self
    }

    fn store(&self) -> &Self {
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
