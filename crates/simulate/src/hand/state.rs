//! What the guard remembers, sends and publishes, as one invocation meets it.

use std::future::Future;

use guard::alert::Alert;
use guard::order::Order;
use guard::ports::{
    Alerts, DeactivateKeyError, Keys, Lease, OrderProgress, Orders, PublishError, SendOrderError,
    State, StateError, World,
};
use guard::state::digest_window::{Counted, FoldMember, FoldWindow};
use guard::state::history::{KeptDocument, RoleHistory};
use guard::state::incident::{AlertKey, Incident};
use jiff::Timestamp;

use super::{Fault, Hand};
use crate::counts::Happened;
use crate::scene::{Happening, at_once};

impl Hand {
    /// An effect on state, which the world in memory keeps.
    pub(super) async fn on_state<T>(
        &self,
        name: &'static str,
        act: impl Future<Output = Result<T, StateError>> + Send,
    ) -> Result<T, StateError> {
        let unavailable = || StateError::Unavailable {
            source: "the table does not answer".into(),
        };
        let done = self
            .effect(name, |inside| {
                if inside.outage {
                    inside.happened.insert(Happened::StateUnavailable);
                    return None;
                }
                at_once(act)
            })
            .await;
        match done {
            Ok(Some(result)) => result,
            Ok(None) | Err(Fault::Before | Fault::After) => Err(unavailable()),
        }
    }
}

impl Keys for Hand {
    async fn deactivate_key(&self, user: &str, key_id: &str) -> Result<(), DeactivateKeyError> {
        // No history holds access keys: their order is one idempotent call.
        Err(DeactivateKeyError::NoSuchKey {
            user: user.to_owned(),
            key_id: key_id.to_owned(),
            source: "NoSuchEntity".into(),
        })
    }
}

impl State for Hand {
    async fn role_history(
        &self,
        account: &str,
        role: &str,
    ) -> Result<Option<RoleHistory>, StateError> {
        self.on_state("read history", self.scene.state.role_history(account, role))
            .await
    }

    async fn save_role_history(&self, history: &RoleHistory) -> Result<u64, StateError> {
        self.on_state("save history", self.scene.state.save_role_history(history))
            .await
    }

    async fn keep_document(&self, kept: &KeptDocument) -> Result<(), StateError> {
        self.on_state("keep document", self.scene.state.keep_document(kept))
            .await
    }

    async fn kept_document(
        &self,
        account: &str,
        incident: &str,
    ) -> Result<Option<KeptDocument>, StateError> {
        self.on_state(
            "read kept document",
            self.scene.state.kept_document(account, incident),
        )
        .await
    }

    async fn begin_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<OrderProgress, StateError> {
        self.on_state(
            "begin order",
            self.scene.state.begin_order(account, order, now),
        )
        .await
    }

    async fn finish_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<(), StateError> {
        self.on_state(
            "finish order",
            self.scene.state.finish_order(account, order, now),
        )
        .await
    }

    async fn acquire_alert(
        &self,
        key: &AlertKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StateError> {
        self.on_state(
            "acquire lease",
            self.scene.state.acquire_alert(key, now, until),
        )
        .await
    }

    async fn release_alert(&self, key: &AlertKey) -> Result<(), StateError> {
        self.on_state("release lease", self.scene.state.release_alert(key))
            .await
    }

    async fn finish_alert(&self, incident: &Incident) -> Result<(), StateError> {
        self.on_state("finish alert", self.scene.state.finish_alert(incident))
            .await
    }

    async fn count_alert(
        &self,
        window: &FoldWindow,
        member: &FoldMember,
    ) -> Result<Counted, StateError> {
        self.on_state("count alert", self.scene.state.count_alert(window, member))
            .await
    }

    async fn digest_ordered(&self, window: &FoldWindow) -> Result<(), StateError> {
        self.on_state("note digest", self.scene.state.digest_ordered(window))
            .await
    }

    async fn folded(&self, window: &FoldWindow) -> Result<Vec<(u32, FoldMember)>, StateError> {
        self.on_state("read window", self.scene.state.folded(window))
            .await
    }
}

impl Orders for Hand {
    async fn send_order(&self, order: &Order) -> Result<(), SendOrderError> {
        let body = serde_json::to_string(order).unwrap_or_default();
        self.effect("send order", |inside| {
            let now = inside.now;
            inside.queue.send(&order.group(), &order.id(), body, now);
            inside.plan(now, Happening::Poll);
        })
        .await
        .map_err(|_| SendOrderError {
            order: order.id(),
            source: "the queue does not answer".into(),
        })
    }
}

impl Alerts for Hand {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        self.effect("publish alert", |inside| {
            let now = inside.now;
            inside.tell(|| {
                let findings: Vec<&str> = alert
                    .findings
                    .iter()
                    .map(|found| found.code.code())
                    .collect();
                format!(
                    "alert {} {}: {} ({})",
                    alert.incident,
                    alert.stage,
                    alert.title,
                    findings.join(", ")
                )
            });
            inside.published.push((alert.clone(), now));
        })
        .await
        .map_err(|_| PublishError {
            incident: alert.incident.clone(),
            source: "the topic does not answer".into(),
        })
    }
}

impl World for Hand {
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
