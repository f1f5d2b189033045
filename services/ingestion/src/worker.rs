//! Does the tasks that the catalog hands out: plan, work, finish, gc. Each of them may be done again at any point.
//!
//! Everything watches the claim's stop token: a worker that was cancelled or overtaken writes nothing more.

mod finish;
mod first_rows;
mod gc;
mod plan;
mod shards;
mod spec;
mod work;
mod write;

use catalog_client::{Claim, TaskError};
use dataset_model::TaskKind;
use hub::{HubClient, Token};
use job_bus::Work;
use shard_store::ShardStore;
use tokio::task::JoinError;

use crate::{LimitSettings, failure};

/// What the tasks of this process share.
#[derive(Debug)]
pub struct Worker {
    pub hub: HubClient,
    pub store: ShardStore,
    pub limits: LimitSettings,
}

impl Work for Worker {
    async fn run(&self, claim: &Claim) -> Result<(), TaskError> {
        match claim.task.kind {
            TaskKind::Plan => plan::run(self, claim).await,
            TaskKind::Work => work::run(self, claim).await,
            TaskKind::Finish => finish::run(self, claim).await,
            TaskKind::Gc => gc::run(self, claim).await,
        }
    }
}

/// The Hub token of the claim; none = the process's own.
fn hub_token(claim: &Claim) -> Option<Token> {
    claim.task.hf_token.as_ref().map(|token| Token::new(token.expose()))
}

/// Runs what blocks on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, TaskError> {
    let panicked = |error: JoinError| TaskError::Problem(failure::internal(&error));
    tokio::task::spawn_blocking(work).await.map_err(panicked)
}
