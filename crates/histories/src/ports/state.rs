//! What the guard sends and publishes.

use guard::alert::Alert;
use guard::order::Order;
use guard::ports::{Alerts, IamError, IamErrorKind, Keys, Orders, PublishError, SendOrderError};

use super::Ports;
use crate::state::Scheduled;

impl Keys for Ports {
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

impl Orders for Ports {
    async fn send_order(&self, order: &Order) -> Result<(), SendOrderError> {
        let body = serde_json::to_string(order).unwrap_or_default();
        let state = &mut *self.shared.lock();
        let now = state.now;
        state.queue.send(&order.group(), &order.id(), body, now);
        state.schedule(now, Scheduled::Poll);
        Ok(())
    }
}

impl Alerts for Ports {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        let state = &mut *self.shared.lock();
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
        Ok(())
    }

    async fn is_heard(&self) -> bool {
        true
    }
}
