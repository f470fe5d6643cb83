//! What the sweep remembers, as one invocation meets it.

use guard::swept::{SweepProgress, SweptRole, ToldDocument};
use guard::world::{StateError, SweepState};
use jiff::Timestamp;

use super::Hand;

impl SweepState for Hand {
    async fn sweep_progress(&self, account: &str) -> Result<Option<SweepProgress>, StateError> {
        self.on_state(
            "read the sweep's progress",
            self.scene.state.sweep_progress(account),
        )
        .await
    }

    async fn save_sweep_progress(&self, progress: &SweepProgress) -> Result<u64, StateError> {
        self.on_state(
            "save the sweep's progress",
            self.scene.state.save_sweep_progress(progress),
        )
        .await
    }

    async fn swept_roles(&self, account: &str) -> Result<Vec<SweptRole>, StateError> {
        self.on_state("read swept roles", self.scene.state.swept_roles(account))
            .await
    }

    async fn save_swept_role(&self, role: &SweptRole) -> Result<(), StateError> {
        self.on_state("save swept role", self.scene.state.save_swept_role(role))
            .await
    }

    async fn save_told_document(&self, told: &ToldDocument) -> Result<(), StateError> {
        self.on_state(
            "save told document",
            self.scene.state.save_told_document(told),
        )
        .await
    }

    async fn told_document(
        &self,
        account: &str,
        role: &str,
        digest: &str,
    ) -> Result<Option<ToldDocument>, StateError> {
        self.on_state(
            "read told document",
            self.scene.state.told_document(account, role, digest),
        )
        .await
    }

    async fn request_sweep(&self, account: &str, at: Timestamp) -> Result<(), StateError> {
        self.on_state("request sweep", self.scene.state.request_sweep(account, at))
            .await
    }

    async fn sweep_requested(&self, account: &str) -> Result<Option<Timestamp>, StateError> {
        self.on_state(
            "read request for a sweep",
            self.scene.state.sweep_requested(account),
        )
        .await
    }
}
