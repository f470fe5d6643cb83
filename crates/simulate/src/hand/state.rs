//! What the guard remembers, sends and publishes, as one invocation meets it.

use std::future::Future;

use guard::alert::Alert;
use guard::order::Order;
use guard::ports::memory::MemoryStore;
use guard::ports::{
    Alerts, DeactivateKeyError, Faults, Keys, Orders, PublishError, SendOrderError, StateError,
    World,
};

use super::{Fault, Hand};
use crate::counts::Happened;
use crate::scene::{Happening, at_once};

impl Faults for Hand {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.scene.state
    }

    /// An effect on state, which the world in memory keeps.
    async fn call<T: Send>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, StateError>> + Send,
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
                at_once(call)
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
