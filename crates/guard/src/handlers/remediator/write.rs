//! The one way by which anything is written to IAM: the intent recorded, what is live compared, the
//! write, its record, and the look back. Each attempt finds out by itself what was done before.

use std::future::Future;

use crate::ports::{IamError, IamErrorKind, StateError};
use crate::state::history::WriteProgress;

/// Something in IAM that an order may write, and what is remembered of that.
pub(super) trait Target<W: Sync>: Send {
    /// Records how far the write is, where that is remembered.
    fn record(
        &mut self,
        world: &W,
        progress: WriteProgress,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Records that the answer to the write was lost, where that is remembered.
    fn record_lost_answer(
        &mut self,
        _world: &W,
    ) -> impl Future<Output = Result<(), StateError>> + Send {
        async { Ok(()) }
    }

    /// What is live is still what the write was decided from.
    fn is_unchanged(&self, _world: &W) -> impl Future<Output = bool> + Send {
        async { true }
    }

    /// The call that writes.
    fn apply(&self, world: &W) -> impl Future<Output = Result<(), IamError>> + Send;

    /// What is live is what was written.
    fn stands(&mut self, _world: &W) -> impl Future<Output = bool> + Send {
        async { true }
    }
}

/// What came of a write.
#[derive(Debug)]
pub(super) enum Written {
    /// It was done, and read back.
    Stands,
    /// It was done, and is not to be seen: a stale read, or it was changed again. The next look
    /// tells.
    Unseen,
    /// Nothing was done: somebody changed it meanwhile, and it is decided anew.
    Changed,
    /// IAM did not take it, or its answer was lost.
    Refused(IamError),
}

/// Writes a target.
pub(super) async fn write<W: Sync, T: Target<W>>(
    world: &W,
    target: &mut T,
) -> Result<Written, StateError> {
    target.record(world, WriteProgress::Intended).await?;
    if !target.is_unchanged(world).await && !skip!("compare-live") {
        target.record(world, WriteProgress::Refused).await?;
        return Ok(Written::Changed);
    }
    let Err(error) = target.apply(world).await else {
        target.record(world, WriteProgress::Written).await?;
        return Ok(match target.stands(world).await {
            true => Written::Stands,
            false => Written::Unseen,
        });
    };
    if error.kind != IamErrorKind::Other || skip!("doubt-lost-answer") {
        target.record(world, WriteProgress::Refused).await?;
    } else {
        // It may have happened: what is live will show it.
        target.record_lost_answer(world).await?;
    }
    Ok(Written::Refused(error))
}
