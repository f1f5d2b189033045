//! `plan`: checks what can be checked before any work, and makes one task of each raw shard.

use catalog_client::{Claim, Commit, NewTask, ShardOwner, TaskError};
use dataset_model::{Problem, Shard, TokenizeSpec};

use super::{TokenizeWork, Worker};
use crate::engine::text_column;
use crate::failure;

/// JSON of the tasks of one call: control messages stay under 1 MiB.
const CALL_BYTES: usize = 512 * 1024;

pub(super) async fn run(worker: &Worker, claim: &Claim) -> Result<(), TaskError> {
    claim.progress(|progress| "resolving".clone_into(&mut progress.phase));
    let spec: TokenizeSpec = claim.spec()?;
    let tokenizer =
        worker.tokenizers.pinned(&spec.config.tokenizer_name, &spec.tokenizer_commit, &spec.tokenizer_sha256).await;
    super::recipe(tokenizer.map_err(failure::task)?, &spec)?;

    let shards = worker.catalog.list_shards(ShardOwner::Dataset(claim.task.dataset_id), Some(&spec.split)).await?;
    if let Some(first) = shards.first() {
        let (store, key, column) = (worker.store.clone(), first.key.clone(), asked_column(&spec)?.to_owned());
        let is_chat = spec.chat.is_some();
        super::blocking(claim, move |_| {
            let reader = store.open_shard(&key).map_err(|error| failure::store(&error))?;
            text_column::find(&reader.schema(), &column, is_chat).map_err(|error| failure::text_column(&error))?;
            Ok(())
        })
        .await?;
    }
    let tasks = shards.iter().map(|shard| new_task(shard, &spec)).collect::<Result<Vec<_>, _>>()?;
    for call in calls(tasks) {
        claim.add_tasks(call).await?;
    }
    claim.commit(Commit::default()).await
}

/// The column that the catalog resolved.
pub(super) fn asked_column(spec: &TokenizeSpec) -> Result<&str, Problem> {
    spec.config.text_column.as_deref().ok_or_else(|| {
        tracing::error!("a specification names no text column");
        Problem::internal()
    })
}

fn new_task(shard: &Shard, spec: &TokenizeSpec) -> Result<NewTask, Problem> {
    let (Some(ordinal), Some(row_start)) = (shard.ordinal, shard.row_start) else {
        tracing::error!(key = %shard.key, "a raw shard of a ready dataset has no place");
        return Err(Problem::internal());
    };
    let digests: Vec<u8> = shard.batch_digests.iter().flat_map(|digest| digest.to_le_bytes()).collect();
    let work = TokenizeWork {
        raw_key: shard.key.clone(),
        raw_size_bytes: shard.size_bytes,
        raw_batch_digests: hex::encode(digests),
        row_start,
        row_count: shard.row_count,
        tokenize: spec.clone(),
    };
    let spec = serde_json::to_value(work).map_err(|error| failure::internal(&error))?;
    Ok(NewTask { ordinal, spec, total: shard.row_count })
}

/// Cuts the tasks into calls of a bounded size.
fn calls(tasks: Vec<NewTask>) -> Vec<Vec<NewTask>> {
    let mut calls: Vec<Vec<NewTask>> = Vec::new();
    let mut bytes = usize::MAX;
    for task in tasks {
        let size = task.spec.to_string().len();
        if bytes.saturating_add(size) > CALL_BYTES {
            calls.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        calls.last_mut().into_iter().for_each(|call| call.push(task.clone()));
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_bounded_and_lose_nothing() {
        let task = |ordinal| NewTask { ordinal, spec: serde_json::json!("x".repeat(200_000)), total: 1 };
        let calls = calls((0..5).map(task).collect());
        assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(calls.concat().iter().map(|task| task.ordinal).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(super::calls(Vec::new()).is_empty());
    }
}
