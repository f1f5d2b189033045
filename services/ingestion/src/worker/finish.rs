//! The finish task: brings all shards of a split into one schema, writes the manifest, and ends the job.
//!
//! All of it is a function of what was committed: a finish that is done twice writes the same rows in the same bytes,
//! under names of its own where it had to widen a shard.

mod splits;
mod widen;

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use catalog_client::{Claim, FileKind, Finish, TaskError};
use dataset_model::{LeftOutMembers, SkippedRows, StagedFile};
use serde_json::{Value, json};
use shard_store::{SealedFile, layout};

use self::{
    splits::{Done, Split, splits},
    widen::widen,
};
use super::{Worker, blocking, spec::WorkSummary};
use crate::{
    convert::schema::{Conflict, merge},
    failure,
};

const FORMAT_VERSION: u32 = 1;

pub(super) async fn run(worker: &Worker, claim: &Claim) -> Result<(), TaskError> {
    claim.progress(|progress| "finishing".clone_into(&mut progress.phase));
    let committed = claim.list_committed().await?;
    let store = worker.store.clone();
    let mut splits = blocking(move || splits(&store, committed)).await??;
    let replaced = widen(worker, claim, &mut splits).await?;
    let schema = dataset_schema(&splits);
    let (skipped, left_out_members) = left_out(splits.iter().flat_map(|split| &split.tasks));
    let task = &claim.task;
    let mut manifest = json!({
        "format_version": FORMAT_VERSION,
        "dataset_id": task.dataset_id,
        "repo_id": task.repo_id,
        "commit_sha": splits.first().map(|split| &split.commit),
        "config": splits.first().map(|split| &split.config),
        "schema": schema,
        "splits": splits.iter().map(Split::manifest).collect::<Vec<_>>(),
    });
    if !skipped.is_empty() {
        manifest["skipped_rows"] = json!(skipped);
    }
    if !left_out_members.is_empty() {
        manifest["left_out_members"] = json!(left_out_members);
    }
    let key = layout::metadata(&layout::dataset_dir(&task.repo_id, task.dataset_id));
    claim.stage_file(&key, FileKind::Side).await?;
    if claim.stop().is_cancelled() {
        return Err(TaskError::Stopped);
    }
    let store = worker.store.clone();
    let bytes = format!("{manifest:#}\n").into_bytes();
    let written = blocking(move || store.write_file(&key, &bytes)).await?;
    let SealedFile { key, size_bytes, sha256 } = written.map_err(|error| failure::store(&error))?;
    let metadata = Some(StagedFile { key, size_bytes, sha256 });
    let schema = Some(json!(schema));
    claim.finish(Finish { schema, metadata, skipped, left_out_members, replaced, ..Finish::default() }).await
}

/// The bad rows, and the members of archives, that were left out: in the order of the source.
fn left_out<'a>(tasks: impl Iterator<Item = &'a Done>) -> (SkippedRows, LeftOutMembers) {
    let (mut rows, mut members) = (SkippedRows::default(), LeftOutMembers::default());
    for Done { summary: WorkSummary { skipped, left_out_members, .. }, .. } in tasks {
        rows.extend(skipped.count, skipped.first.iter().cloned());
        members.extend(left_out_members.count, left_out_members.first.iter().cloned());
    }
    (rows, members)
}

/// One schema for the record: that of all splits together, or of the first one if they have nothing in common.
fn dataset_schema(splits: &[Split]) -> SchemaRef {
    let Some((first, rest)) = splits.split_first() else { return Arc::new(Schema::empty()) };
    let merged = rest.iter().try_fold(first.schema.as_ref().clone(), |merged, split| merge(&merged, &split.schema));
    merged.map_or_else(|Conflict { .. }| Arc::clone(&first.schema), Arc::new)
}

impl Split {
    fn manifest(&self) -> Value {
        let (mut row_start, mut size_bytes) = (0, 0);
        let mut shards = Vec::new();
        for shard in self.tasks.iter().flat_map(|task| &task.shards) {
            shards.push(json!({
                "key": shard.key,
                "ordinal": shards.len(),
                "row_start": row_start,
                "row_count": shard.row_count,
                "size_bytes": shard.size_bytes,
                "sha256": hex::encode(shard.sha256),
                // As text: JSON's numbers end at 2^53.
                "batch_digests": shard.batch_digests.iter().map(|d| format!("{d:016x}")).collect::<Vec<_>>(),
                "sources": shard.sources,
            }));
            row_start += shard.row_count;
            size_bytes += shard.size_bytes;
        }
        let skipped_count: u64 = self.tasks.iter().map(|task| task.summary.skipped.count).sum();
        let files = self.tasks.iter().flat_map(|task| &task.summary.files);
        let files = files.map(|file| json!({"path": file.path, "size_bytes": file.size, "digest": file.digest}));
        let mut manifest = json!({
            "name": self.name,
            "row_count": row_start,
            "size_bytes": size_bytes,
            "schema": self.schema,
            "shards": shards,
            "source_files": files.collect::<Vec<_>>(),
        });
        if skipped_count > 0 {
            manifest["skipped_count"] = json!(skipped_count);
        }
        manifest
    }
}
