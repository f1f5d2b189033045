//! The end of a job that succeeds: shards in their places, totals, `ready`, and the event, all at once.

use super::{Held, gc, hold};
use crate::{
    domain::{
        gc::{dataset_folder, tokenization_folder},
        job::Kind,
        task::Caller,
    },
    error::Failure,
    store::{datasets, events, files, jobs, leases, shards, tasks, tokenizations},
};
use dataset_model::{
    DatasetEvent, LeftOutMembers, Problem, Progress, ReplacedShard, Shard, SkippedRows, Split, StagedFile, Statistics,
    TaskKind, TaskState, TokenizationId,
    state::{DatasetTransition, JobTransition, TokenizationTransition},
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::{collections::HashMap, time::Duration};

/// What a finish task merged.
#[derive(Debug, Clone)]
pub struct Merged {
    pub schema: Option<Value>,
    pub statistics: Option<Box<Statistics>>,
    pub metadata: Option<StagedFile>,
    pub files: Vec<StagedFile>,
    pub engine: Option<String>,
    pub skipped: SkippedRows,
    pub left_out_members: LeftOutMembers,
    pub replaced: Vec<ReplacedShard>,
}

/// What a work task committed.
#[derive(Debug, Clone)]
pub struct CommittedTask {
    pub ordinal: u32,
    pub shards: Vec<Shard>,
    pub files: Vec<StagedFile>,
    pub summary: Value,
}

/// One page of what the work tasks of a finish task's job committed, and whether there is more.
pub async fn list_committed(
    db: &mut PgConnection,
    caller: Caller,
    offset: u64,
    limit: u32,
) -> Result<(Vec<CommittedTask>, bool), Failure> {
    let held = hold(db, caller).await?;
    held.is_open(TaskState::Done)?;
    let mut rows = tasks::committed(db, held.job.id, offset, limit).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let ids: Vec<_> = rows.iter().map(|(id, _, _)| id.0).collect();
    let mut shards: HashMap<_, Vec<_>> = HashMap::new();
    for (task, shard) in shards::of_tasks(db, &ids).await? {
        shards.entry(task).or_default().push(shard);
    }
    let mut files: HashMap<_, Vec<_>> = HashMap::new();
    for (task, file) in files::side_files(db, &ids).await? {
        files.entry(task).or_default().push(file);
    }
    let committed = rows.into_iter().map(|(id, ordinal, summary)| CommittedTask {
        ordinal,
        shards: shards.remove(&id).unwrap_or_default(),
        files: files.remove(&id).unwrap_or_default(),
        summary,
    });
    Ok((committed.collect(), more))
}

/// Ends a finish task, and with it the job; the same call again is answered and changes nothing.
pub async fn finish(db: &mut PgConnection, caller: Caller, result: Merged) -> Result<(), Failure> {
    let held = hold(db, caller).await?;
    if held.task.kind != TaskKind::Finish {
        return Err(Problem::field("task", "only a finish task ends with Finish").into());
    }
    if !held.is_open(TaskState::Done)? {
        return Ok(());
    }
    let (job, task) = (&held.job, &held.task);
    replace(db, &held, &result.replaced).await?;
    shards::place(db, job.id).await?;
    let kept = keep(db, &held, &result).await?;
    let totals = shards::totals(db, held.owner()).await?;
    let event = match (job.kind, &held.tokenization) {
        (Kind::Tokenize, Some(tokenization)) => tokenized(db, &held, tokenization, result).await?,
        (Kind::Ingest | Kind::Tokenize | Kind::Gc, _) => ingested(db, &held, result, totals).await?,
    };
    tasks::finish(db, task.id, None, &Progress::default()).await?;
    leases::end(db, task.id).await?;
    jobs::set_state(db, job.id, job.state, job.state.apply(JobTransition::Finish)?, None).await?;
    shards::forget_unplaced(db, held.owner()).await?;
    let leftovers = files::discard_leftovers(db, job.dataset_id, job.tokenization_id, &kept).await?;
    gc::collect(db, job.dataset_id, job.tokenization_id, &leftovers, Duration::ZERO).await?;
    events::append(db, job.dataset_id, &event).await?;
    Ok(())
}

/// Shards keep their rows and places; their old files are nobody's and go with the leftovers.
async fn replace(db: &mut PgConnection, held: &Held, replaced: &[ReplacedShard]) -> Result<(), Failure> {
    for new in replaced {
        if !shards::replace(db, held.job.id, new).await? {
            let unknown = format!("the job has no shard `{}`", new.old_key);
            return Err(Problem::field("replaced_shards", unknown).into());
        }
        files::commit(db, held.writer(), &new.file, files::Kind::Shard).await?;
    }
    Ok(())
}

/// Records the manifest and the files beside it; they stay.
async fn keep(db: &mut PgConnection, held: &Held, result: &Merged) -> Result<Vec<String>, Failure> {
    let mut kept = Vec::new();
    for file in result.metadata.iter().chain(&result.files) {
        files::commit(db, held.writer(), file, files::Kind::Side).await?;
        kept.push(file.key.clone());
    }
    Ok(kept)
}

async fn ingested(
    db: &mut PgConnection,
    held: &Held,
    result: Merged,
    totals: Vec<Split>,
) -> Result<DatasetEvent, Failure> {
    let schema = result.schema.ok_or_else(|| Problem::field("schema_json", "is required of an ingest"))?;
    held.dataset.source.status.apply(DatasetTransition::Finish)?;
    let splits = in_order(&held.dataset.split_names, totals)?;
    let id = held.dataset.id;
    let finished = datasets::Finished {
        file_path: dataset_folder(&held.dataset.source.repo_id, id),
        row_count: splits.iter().map(|split| split.row_count).sum(),
        size_bytes: splits.iter().map(|split| split.size_bytes).sum(),
        schema,
        splits,
        metadata: left_out(&result.skipped, &result.left_out_members),
    };
    datasets::finish(db, id, &finished).await?;
    let datasets::Finished { file_path, row_count, size_bytes, .. } = finished;
    Ok(DatasetEvent::DownloadCompleted { job_id: held.job.id, file_path, row_count, size_bytes })
}

/// What the record says of rows and members that are in no shard, if there are any.
fn left_out(rows: &SkippedRows, members: &LeftOutMembers) -> Value {
    let mut metadata = json!({});
    if !rows.is_empty() {
        metadata["skipped_rows"] = json!(rows);
    }
    if !members.is_empty() {
        metadata["left_out_members"] = json!(members);
    }
    metadata
}

async fn tokenized(
    db: &mut PgConnection,
    held: &Held,
    tokenization: &tokenizations::Locked,
    result: Merged,
) -> Result<DatasetEvent, Failure> {
    let statistics = result.statistics.ok_or_else(|| Problem::field("statistics_json", "is required"))?;
    tokenization.status.apply(TokenizationTransition::Finish)?;
    let id: TokenizationId = tokenization.id;
    let folder = tokenization_folder(&held.dataset.source.repo_id, held.dataset.id, id);
    let finished =
        tokenizations::Finished { token_file_path: &folder, statistics: &statistics, engine: result.engine.as_deref() };
    tokenizations::finish(db, id, &finished).await?;
    Ok(DatasetEvent::TokenizationCompleted { job_id: held.job.id, tokenization_id: id, statistics })
}

/// The splits in the order of the plan; one without a shard has no rows.
fn in_order(names: &[String], mut totals: Vec<Split>) -> Result<Vec<Split>, Problem> {
    let mut take = |name: &String| {
        let found = totals.iter().position(|split| split.name == *name).map(|at| totals.swap_remove(at));
        found.unwrap_or_else(|| Split { name: name.clone(), row_count: 0, size_bytes: 0 })
    };
    let splits = names.iter().map(&mut take).collect();
    match totals.first() {
        None => Ok(splits),
        Some(split) => Err(Problem::field("shards", format!("split `{}` is not in the plan", split.name))),
    }
}
