//! What the guard remembers, sends and publishes, as one invocation meets it.

use std::future::Future;

use guard::alert::Alert;
use guard::order::Order;
use guard::ports::memory::MemoryStore;
use guard::ports::{
    Alerts, Faults, IamError, IamErrorKind, Keys, Orders, PublishError, SendOrderError, StateError,
    World,
};

use super::{Fault, FaultyPorts};
use crate::counts::Coverage;
use crate::state::{Scheduled, at_once};

impl Faults for FaultyPorts {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.shared.store
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
            .effect(name, |state| {
                if state.outage {
                    state.coverage.insert(Coverage::StateUnavailable);
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

impl Keys for FaultyPorts {
    async fn key_created(&self, _: &str, _: &str) -> Result<Option<jiff::Timestamp>, IamError> {
        Ok(None)
    }

    async fn deactivate_key(&self, user: &str, key_id: &str) -> Result<(), IamError> {
        // No history holds access keys: their order is one idempotent call.
        Err(IamError::new(
            "deactivate",
            format!("access key {key_id} of user {user}"),
            IamErrorKind::NoSuchEntity,
            "NoSuchEntity",
        ))
    }
}

impl Orders for FaultyPorts {
    async fn send_order(&self, order: &Order) -> Result<(), SendOrderError> {
        let body = serde_json::to_string(order).unwrap_or_default();
        self.effect("send order", |state| {
            let now = state.now;
            state.queue.send(&order.group(), &order.id(), body, now);
            state.schedule(now, Scheduled::Poll);
        })
        .await
        .map_err(|_| SendOrderError {
            order: order.id(),
            source: "the queue does not answer".into(),
        })
    }
}

impl Alerts for FaultyPorts {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        self.effect("publish alert", |state| {
            let now = state.now;
            state.log(|| {
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
            state.published.push((alert.clone(), now));
        })
        .await
        .map_err(|_| PublishError {
            incident: alert.incident.clone(),
            source: "the topic does not answer".into(),
        })
    }
}

impl World for FaultyPorts {
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
