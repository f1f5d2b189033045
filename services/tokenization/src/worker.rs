//! The tasks of a tokenization: `plan` cuts it, one `work` task encodes one raw shard, `finish` merges and publishes.
//!
//! Blocking work runs on its own thread with a stop token that is cancelled when the task ends for any reason, so
//! that nothing goes on writing for a task that is no longer ours.

mod encode;
mod finish;
mod plan;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use catalog_client::{CatalogClient, Claim, TaskError};
use dataset_model::{Problem, StagedFile, TaskKind, TokenizeSpec};
use job_bus::Work;
use rayon::ThreadPool;
use serde::{Deserialize, Serialize};
use shard_store::{SealedFile, SealedShard, ShardStore, layout};
use tokio_util::sync::CancellationToken;

use crate::engine::stats::Totals;
use crate::engine::{Recipe, Tokenizer};
use crate::failure;
use crate::tokenizer::Tokenizers;

/// What a worker works with; shared by its tasks.
pub(crate) struct Worker {
    pub(crate) catalog: CatalogClient,
    pub(crate) tokenizers: Arc<Tokenizers>,
    pub(crate) store: ShardStore,
    pub(crate) pool: Arc<ThreadPool>,
    pub(crate) memory_bytes: u64,
}

/// The specification of a work task: one raw shard.
#[derive(Debug, Serialize, Deserialize)]
struct TokenizeWork {
    raw_key: String,
    raw_size_bytes: u64,
    /// xxh3-64 of each batch, little endian, in hexadecimal.
    raw_batch_digests: String,
    /// Row in the split of the shard's first.
    row_start: u64,
    row_count: u64,
    tokenize: dataset_model::TokenizeSpec,
}

/// What a work task tells `finish`.
#[derive(Debug, Serialize, Deserialize)]
struct Summary {
    totals: Totals,
    engine: String,
}

impl Work for Worker {
    async fn run(&self, claim: &Claim) -> Result<(), TaskError> {
        let ended = match claim.task.kind {
            TaskKind::Plan => plan::run(self, claim).await,
            TaskKind::Work => encode::run(self, claim).await,
            TaskKind::Finish => finish::run(self, claim).await,
            TaskKind::Gc => Err(Problem::internal().into()),
        };
        // Whatever failed while the task was being taken away failed because of that.
        if claim.stop().is_cancelled() { ended.map_err(|_| TaskError::Stopped) } else { ended }
    }
}

/// The recipe of a specification, for texts or for conversations.
fn recipe(tokenizer: Arc<Tokenizer>, spec: &TokenizeSpec) -> Result<Recipe, Problem> {
    let made = match &spec.chat {
        None => Recipe::new(tokenizer, &spec.config),
        Some(chat) => Recipe::for_chat(tokenizer, &spec.config, chat.today),
    };
    made.map_err(|error| failure::recipe(&error))
}

/// The folder of the claimed task's tokenization.
fn folder(claim: &Claim) -> Result<String, TaskError> {
    let task = &claim.task;
    let id = task.tokenization_id.ok_or_else(|| {
        tracing::error!(task.id = %task.task_id, "a task to tokenize belongs to no tokenization");
        Problem::internal()
    })?;
    Ok(layout::tokenization_dir(&layout::dataset_dir(&task.repo_id, task.dataset_id), id))
}

/// Runs blocking work whose stop token is cancelled when the claim stops, and when nobody waits for it any more.
async fn blocking<T: Send + 'static>(
    claim: &Claim,
    work: impl FnOnce(CancellationToken) -> Result<T, TaskError> + Send + 'static,
) -> Result<T, TaskError> {
    let stop = claim.stop().child_token();
    let _guard = stop.clone().drop_guard();
    let ended = tokio::task::spawn_blocking(move || work(stop)).await;
    ended.unwrap_or_else(|error| Err(failure::internal(&error).into()))
}

fn staged(file: SealedFile) -> StagedFile {
    StagedFile { key: file.key, size_bytes: file.size_bytes, sha256: file.sha256 }
}

fn staged_shard(shard: &SealedShard) -> StagedFile {
    StagedFile { key: shard.key.clone(), size_bytes: shard.size_bytes, sha256: shard.sha256 }
}
