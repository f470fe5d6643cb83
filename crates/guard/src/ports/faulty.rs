//! A world whose every call somebody else may delay, refuse or make the last one: for the
//! histories and the tests.

use std::future::Future;

use jiff::Timestamp;

use super::errors::{IamError, IamErrorKind, PublishError, SendOrderError, Source, StateError};
use super::iam_permissions::{HoldersPage, ListOf, ReadPermissions, WritePermissions};
use super::store::{Condition, Item, Key, Put, Store, Update};
use super::sweeping::{ListRoles, RolesPage};
use super::{Alerts, Clock, Keys, Orders, Roles, World, WriteRoles};
use crate::alert::Alert;
use crate::model::{HeldPolicy, HolderKind, LivePermissions, LiveRole};
use crate::order::Order;
use crate::permissions::Undo;

/// What becomes of the calls to a world. Whatever says so is a [`World`] with these faults.
pub trait Faults: Sync {
    /// The world that the calls reach.
    type Inner: World<Roles: WritePermissions + ListRoles>;

    /// The world that the calls reach.
    fn inner(&self) -> &Self::Inner;

    /// Makes a call, or fails: the call was not made, or its answer is lost.
    fn call<T: Send, E: Send>(
        &self,
        call: Call<'_>,
        effect: impl Future<Output = Result<T, E>> + Send,
    ) -> impl Future<Output = Result<Result<T, E>, Fault>> + Send;
}

/// A call to the world.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The service that it asks.
    pub port: Port,
    /// `read role`, `save history`, `begin order`, …
    pub name: &'static str,
    /// The role, user, group or policy that IAM is asked about.
    pub on: &'a str,
    /// What it writes.
    pub sent: Sent<'a>,
}

/// A service of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// IAM.
    Iam,
    /// The table.
    Store,
    /// The queue of orders.
    Orders,
    /// The topic of alerts.
    Alerts,
}

/// What a call writes to IAM.
#[derive(Debug, Clone, Copy)]
pub enum Sent<'a> {
    /// Nothing, or what the name says.
    Nothing,
    /// A trust policy.
    Document(&'a str),
    /// A change of policies.
    Undo(&'a Undo),
}

/// Why a call has no answer.
#[derive(Debug)]
pub struct Fault {
    /// What follows from it, where IAM was asked; the other ports know one error.
    pub kind: IamErrorKind,
    /// What happened.
    pub source: Source,
}

impl<'a> Call<'a> {
    fn to(port: Port, name: &'static str) -> Self {
        let (on, sent) = ("", Sent::Nothing);
        Self {
            port,
            name,
            on,
            sent,
        }
    }

    fn iam(name: &'static str, on: &'a str) -> Self {
        let port = Self::to(Port::Iam, name);
        Self { on, ..port }
    }

    fn sending(self, sent: Sent<'a>) -> Self {
        Self { sent, ..self }
    }
}

/// A call to IAM; `failing`: what it does, and to what, in an error.
async fn iam<T: Send>(
    faults: &impl Faults,
    call: Call<'_>,
    [operation, subject]: [&'static str; 2],
    effect: impl Future<Output = Result<T, IamError>> + Send,
) -> Result<T, IamError> {
    let done = faults.call(call, effect).await;
    done.unwrap_or_else(|Fault { kind, source }| {
        let subject = format!("{subject} {}", call.on);
        Err(IamError::new(operation, subject.trim_end(), kind, source))
    })
}

impl<F: Faults> Roles for F {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, IamError> {
        let call = Call::iam("read role", name);
        let effect = self.inner().roles().read_role(name);
        iam(self, call, ["read", "role"], effect).await
    }
}

impl<F: Faults> ListRoles for F {
    async fn list_roles(&self, marker: Option<&str>) -> Result<RolesPage, IamError> {
        let call = Call::iam("list roles", "");
        let effect = self.inner().roles().list_roles(marker);
        iam(self, call, ["list", "the account's roles"], effect).await
    }
}

impl<F: Faults> WriteRoles for F {
    async fn write_trust_policy(&self, role: &str, document: &str) -> Result<(), IamError> {
        let call = Call::iam("write trust policy", role);
        let call = call.sending(Sent::Document(document));
        let effect = self.inner().roles().write_trust_policy(role, document);
        iam(self, call, ["write the trust policy of", "role"], effect).await
    }

    async fn deny_sessions_before(&self, role: &str, before: Timestamp) -> Result<(), IamError> {
        let call = Call::iam("deny sessions", role);
        let effect = self.inner().roles().deny_sessions_before(role, before);
        iam(self, call, CHANGE_INLINE, effect).await
    }

    async fn lift_session_denial(&self, role: &str) -> Result<(), IamError> {
        let call = Call::iam("lift session denial", role);
        let effect = self.inner().roles().lift_session_denial(role);
        iam(self, call, CHANGE_INLINE, effect).await
    }
}

const CHANGE_INLINE: [&str; 2] = ["change the inline policies of", "role"];

impl<F: Faults> Keys for F {
    async fn key_created(&self, user: &str, key_id: &str) -> Result<Option<Timestamp>, IamError> {
        let call = Call::iam("read key", user);
        let effect = self.inner().roles().key_created(user, key_id);
        iam(self, call, ["read a key of", "user"], effect).await
    }

    async fn deactivate_key(&self, user: &str, key_id: &str) -> Result<(), IamError> {
        let call = Call::iam("deactivate key", user);
        let effect = self.inner().roles().deactivate_key(user, key_id);
        iam(self, call, ["deactivate a key of", "user"], effect).await
    }
}

impl<F: Faults> ReadPermissions for F {
    async fn role_permissions(&self, role: &str) -> Result<Option<LivePermissions>, IamError> {
        let call = Call::iam("read role permissions", role);
        let effect = self.inner().roles().role_permissions(role);
        iam(self, call, ["read the policies of", "role"], effect).await
    }

    async fn user_permissions(&self, user: &str) -> Result<Option<LivePermissions>, IamError> {
        let call = Call::iam("read user permissions", user);
        let effect = self.inner().roles().user_permissions(user);
        iam(self, call, ["read the policies of", "user"], effect).await
    }

    async fn managed_policy(
        &self,
        arn: &str,
        version: Option<&str>,
    ) -> Result<Option<HeldPolicy>, IamError> {
        let call = Call::iam("read managed policy", arn);
        let effect = self.inner().roles().managed_policy(arn, version);
        iam(self, call, ["read", "policy"], effect).await
    }

    async fn holders(&self, of: ListOf<'_>, marker: Option<&str>) -> Result<HoldersPage, IamError> {
        let on = match of {
            ListOf::HoldersOf(arn) => arn,
            ListOf::UsersIn(group) => group,
        };
        let call = Call::iam("list holders", on);
        let effect = self.inner().roles().holders(of, marker);
        iam(self, call, ["list the holders of", ""], effect).await
    }
}

impl<F: Faults> WritePermissions for F {
    async fn undo(&self, kind: HolderKind, name: &str, undo: &Undo) -> Result<(), IamError> {
        let call = Call::iam("undo permissions", name).sending(Sent::Undo(undo));
        let effect = self.inner().roles().undo(kind, name, undo);
        iam(self, call, ["change the policies of", ""], effect).await
    }
}

impl<F: Faults> Orders for F {
    async fn send_order(&self, order: &Order) -> Result<(), SendOrderError> {
        let call = Call::to(Port::Orders, "send order");
        let done = self.call(call, self.inner().orders().send_order(order));
        done.await.unwrap_or_else(|Fault { source, .. }| {
            let order = order.id();
            Err(SendOrderError { order, source })
        })
    }
}

impl<F: Faults> Alerts for F {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        let call = Call::to(Port::Alerts, "publish alert");
        let done = self.call(call, self.inner().alerts().publish_alert(alert));
        done.await.unwrap_or_else(|Fault { source, .. }| {
            let incident = alert.incident.clone();
            Err(PublishError { incident, source })
        })
    }

    async fn is_heard(&self) -> bool {
        self.inner().alerts().is_heard().await
    }
}

impl<F: Faults> Clock for F {
    fn now(&self) -> Timestamp {
        self.inner().clock().now()
    }

    async fn wait_until(&self, moment: Timestamp) {
        self.inner().clock().wait_until(moment).await;
    }
}

/// A call to the table.
async fn table<T: Send>(
    faults: &impl Faults,
    name: &'static str,
    effect: impl Future<Output = Result<T, StateError>> + Send,
) -> Result<T, StateError> {
    let done = faults.call(Call::to(Port::Store, name), effect).await;
    done.unwrap_or_else(|Fault { source, .. }| Err(StateError::Unavailable { source }))
}

/// The names of calls by what they are about: reading, putting, updating.
const NAMES: [(&str, [&str; 3]); 16] = [
    ("pointer", ["read history", "save history", ""]),
    ("history", ["read history", "save history", ""]),
    (
        "permissions",
        ["read permissions history", "save permissions history", ""],
    ),
    ("document", ["read kept document", "keep document", ""]),
    ("alert/", ["acquire lease", "finish alert", "acquire lease"]),
    ("alone/", ["", "count alert", ""]),
    ("slot/", ["", "count message", ""]),
    ("member/", ["", "count alert", ""]),
    ("request", ["read request for a sweep", "", "request sweep"]),
    ("naming/", ["", "", "save chain link"]),
    ("party/", ["", "", "save chain link"]),
    ("change", ["read user change", "save user change", ""]),
    ("credential/", ["", "save credential event", ""]),
    ("key", ["read user key", "save user key", ""]),
    ("metadata/", ["", "save provider", ""]),
    ("told/", ["read told document", "save told document", ""]),
];

/// A call's name. Two items share the sort key `progress`, and some updates differ by what they
/// set.
fn name(key: &Key, column: usize) -> &'static str {
    if key.sk == "progress" {
        let sweep = key.pk.ends_with("/sweep");
        return match (sweep, column) {
            (true, 0) => "read the sweep's progress",
            (true, _) => "save the sweep's progress",
            (false, _) => "begin order",
        };
    }
    if key.sk.starts_with("role/") {
        return match column {
            0 => "read swept role",
            _ => "save swept role",
        };
    }
    NAMES
        .iter()
        .find(|(sk, _)| key.sk.starts_with(sk))
        .and_then(|(_, names)| names.get(column))
        .copied()
        .unwrap_or("state")
}

fn name_of_update(key: &Key, update: &Update) -> &'static str {
    let sets = |name| update.set.iter().any(|(set, _)| *set == name);
    match name(key, 2) {
        "begin order" if sets("done") => "finish order",
        "acquire lease" if !sets("done") => "release lease",
        other => other,
    }
}

impl<F: Faults> Store for F {
    async fn get(&self, key: &Key) -> Result<Option<Item>, StateError> {
        let effect = self.inner().store().get(key);
        table(self, name(key, 0), effect).await
    }

    async fn put_if(&self, put: Put) -> Result<bool, StateError> {
        let name = name(&put.key, 1);
        table(self, name, self.inner().store().put_if(put)).await
    }

    async fn update_if(
        &self,
        key: &Key,
        update: Update,
        condition: Condition,
    ) -> Result<Option<Item>, StateError> {
        let name = name_of_update(key, &update);
        let effect = self.inner().store().update_if(key, update, condition);
        table(self, name, effect).await
    }

    async fn query(
        &self,
        pk: &str,
        sk_begins_with: &str,
        first: Option<u16>,
    ) -> Result<Vec<Item>, StateError> {
        let name = match sk_begins_with {
            "alone/" => "count alert",
            "member/" => "read window",
            "naming/" | "party/" => "read chain links",
            "credential/" => "read credential events",
            "metadata/" => "read providers",
            "user/" => "read swept users",
            _ => "read swept roles",
        };
        let effect = self.inner().store().query(pk, sk_begins_with, first);
        table(self, name, effect).await
    }

    async fn transact(&self, puts: Vec<Put>) -> Result<bool, StateError> {
        let name = puts.first().map_or("state", |put| name(&put.key, 1));
        table(self, name, self.inner().store().transact(puts)).await
    }
}
