//! The finish task: checks that all shards of a split have one schema, writes the manifest, and ends the job.
//!
//! The manifest is a function of what was committed, so that a finish that is done twice writes the same bytes.

use std::{collections::BTreeMap, sync::Arc};

use arrow_schema::{Schema, SchemaRef};
use catalog_client::{Claim, CommittedTask, FileKind, Finish, TaskError};
use dataset_model::{Problem, Reason, Shard, SkippedRows, StagedFile};
use serde_json::{Value, json};
use shard_store::{SealedFile, ShardStore, layout};

use super::{Worker, blocking, spec::WorkSummary};
use crate::{
    convert::schema::{Conflict, merge},
    failure,
};

const FORMAT_VERSION: u32 = 1;

pub(super) async fn run(worker: &Worker, claim: &Claim) -> Result<(), TaskError> {
    claim.progress(|progress| "finishing".clone_into(&mut progress.phase));
    let committed = claim.list_committed().await?;
    let tasks = committed.into_iter().map(Done::read).collect::<Result<Vec<_>, Problem>>()?;
    let tasks = tasks.into_iter().flatten().collect();
    let store = worker.store.clone();
    let splits = blocking(move || splits(&store, tasks)).await??;
    let schema = dataset_schema(&splits);
    let skipped = skipped(splits.iter().flat_map(|split| &split.tasks));
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
    claim.finish(Finish { schema: Some(json!(schema)), metadata, skipped, ..Finish::default() }).await
}

/// What was left out, in the order of the source.
fn skipped<'a>(tasks: impl Iterator<Item = &'a Done>) -> SkippedRows {
    let mut skipped = SkippedRows::default();
    for Done { summary, .. } in tasks {
        skipped.extend(summary.skipped.count, summary.skipped.first.iter().cloned());
    }
    skipped
}

/// A work task that is done, or what it did of one split.
struct Done {
    summary: WorkSummary,
    shards: Vec<Shard>,
}

impl Done {
    fn read(task: CommittedTask) -> Result<Vec<Self>, Problem> {
        let read = serde_json::from_value(task.summary);
        let mut first: WorkSummary = read.map_err(|error| failure::internal(&error))?;
        let then = std::mem::take(&mut first.then);
        let mut shards = task.shards;
        shards.sort_by_key(|shard| shard.n);
        let of = |summary: WorkSummary| {
            let own = shards.iter().filter(|shard| shard.split == summary.split).cloned().collect();
            Self { summary, shards: own }
        };
        Ok(std::iter::once(first).chain(then).map(of).collect())
    }

    /// What this task's shards have. Tasks without rows constrain nothing: their files may not even show columns.
    fn schema(&self, store: &ShardStore) -> Result<Option<SchemaRef>, Problem> {
        let Some(first) = self.shards.first() else { return Ok(None) };
        if let Some(schema) = &self.summary.schema {
            return Ok(Some(Arc::new(schema.clone())));
        }
        let reader = store.open_shard(&first.key).map_err(|error| failure::store(&error))?;
        Ok(Some(reader.schema()))
    }

    fn first_file(&self) -> &str {
        self.summary.files.first().map_or("", |file| &file.path)
    }
}

/// A split with everything that makes it up, in order.
struct Split {
    name: String,
    commit: String,
    config: String,
    schema: SchemaRef,
    tasks: Vec<Done>,
}

fn splits(store: &ShardStore, tasks: Vec<Done>) -> Result<Vec<Split>, Problem> {
    // By number; tasks come by ordinal, which is the order of the source.
    let mut by_number: BTreeMap<u32, Vec<Done>> = BTreeMap::new();
    for task in tasks {
        by_number.entry(task.summary.split_number).or_default().push(task);
    }
    by_number.into_values().map(|tasks| split(store, tasks)).collect()
}

fn split(store: &ShardStore, tasks: Vec<Done>) -> Result<Split, Problem> {
    let mut common: Option<(SchemaRef, &str)> = None;
    for task in &tasks {
        match (task.schema(store)?, &common) {
            (Some(schema), None) => common = Some((schema, task.first_file())),
            (Some(schema), Some((expected, first))) if schema != *expected => {
                return Err(mismatch(expected, first, &schema, task.first_file()));
            }
            (Some(_), Some(_)) | (None, _) => {}
        }
    }
    let declared = || tasks.iter().find_map(|task| task.summary.schema.clone()).map_or_else(no_columns, Arc::new);
    let schema = common.map_or_else(declared, |(schema, _)| schema);
    let first = &tasks[0].summary;
    let (name, commit, config) = (first.split.clone(), first.commit.clone(), first.config.clone());
    Ok(Split { name, commit, config, schema, tasks })
}

/// Names the first column that differs.
fn mismatch(expected: &Schema, first: &str, found: &Schema, file: &str) -> Problem {
    let conflict = expected.fields().iter().find_map(|field| match found.column_with_name(field.name()) {
        None => Some(format!("column `{}` of `{first}` is missing in `{file}`", field.name())),
        Some((_, other)) if other.data_type() != field.data_type() => {
            let (name, left, right) = (field.name(), field.data_type(), other.data_type());
            Some(format!("column `{name}` is {left} in `{first}` and {right} in `{file}`"))
        }
        Some(_) => None,
    });
    let added = || {
        let new = found.fields().iter().find(|field| expected.column_with_name(field.name()).is_none());
        new.map(|field| format!("column `{}` of `{file}` is missing in `{first}`", field.name()))
    };
    let order = || format!("the columns of `{file}` stand in another order than those of `{first}`");
    Problem::new(Reason::SchemaMismatch, conflict.or_else(added).unwrap_or_else(order))
        .next_step("choose a split or config whose files agree, or ask the repository's owner")
}

/// One schema for the record: that of all splits together, or of the first one if they have nothing in common.
fn dataset_schema(splits: &[Split]) -> SchemaRef {
    let Some((first, rest)) = splits.split_first() else { return no_columns() };
    let merged = rest.iter().try_fold(first.schema.as_ref().clone(), |merged, split| merge(&merged, &split.schema));
    merged.map_or_else(|Conflict { .. }| Arc::clone(&first.schema), Arc::new)
}

fn no_columns() -> SchemaRef {
    Arc::new(Schema::empty())
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
