//! A task that ended well: a plan gives its job the work, a work task its shards, a `gc` task its rows.

use super::{Held, gc, hold, queue_task};
use crate::{
    domain::{
        job::Kind,
        task::{Caller, stale},
    },
    error::Failure,
    store::{datasets, files, jobs, leases, outbox, plans, shards, tasks},
};
use dataset_model::{Problem, Progress, Shard, StagedFile, TaskKind, TaskState};
use serde_json::Value;
use sqlx::PgConnection;
use std::time::Duration;

/// What a task leaves.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub shards: Vec<Shard>,
    /// Files beside the shards.
    pub files: Vec<StagedFile>,
    pub summary: Value,
    /// Of an ingest's plan.
    pub pin: Option<datasets::Pin>,
}

/// Commits a plan, work or gc task; the same call again is answered and changes nothing.
pub async fn commit(db: &mut PgConnection, caller: Caller, outcome: Outcome) -> Result<(), Failure> {
    let held = hold(db, caller).await?;
    if !held.is_open(TaskState::Done)? {
        return Ok(());
    }
    match held.task.kind {
        TaskKind::Plan => plan(db, &held, &outcome).await,
        TaskKind::Work => work(db, &held, &outcome).await,
        TaskKind::Gc => gc::done(db, &held).await,
        TaskKind::Finish => Err(Problem::field("task", "a finish task ends with Finish").into()),
    }
}

/// The plan's tasks may be claimed from now on, except those that an earlier job did already.
async fn plan(db: &mut PgConnection, held: &Held, outcome: &Outcome) -> Result<(), Failure> {
    let job = &held.job;
    if job.kind == Kind::Ingest {
        let pin = outcome.pin.as_ref().ok_or_else(|| Problem::field("pin", "an ingest's plan pins the source"))?;
        datasets::pin(db, job.dataset_id, pin).await?;
        jobs::set_pin(db, job.id, &pin.commit_sha).await?;
    }
    let (count, dense) = plans::release_held(db, job.id, held.task.attempt).await?;
    if !dense {
        return Err(Problem::field("tasks", "ordinals are not dense from 0").into());
    }
    let open = count - plans::adopt(db, job.id).await?;
    jobs::set_open(db, job.id, open).await?;
    done(db, held, outcome).await?;
    if open == 0 {
        return begin_finish(db, held).await;
    }
    outbox::ring(db, job.kind.queue(), open, Duration::ZERO, Some(job.id)).await?;
    Ok(())
}

async fn work(db: &mut PgConnection, held: &Held, outcome: &Outcome) -> Result<(), Failure> {
    for shard in &outcome.shards {
        // Another shard in this place is another attempt's: the caller is not the one it believes to be.
        if !shards::insert(db, held.owner(), held.task.id, shard).await? {
            return Err(stale(held.task.id).into());
        }
        let file = StagedFile { key: shard.key.clone(), size_bytes: shard.size_bytes, sha256: shard.sha256 };
        files::commit(db, held.writer(), &file, files::Kind::Shard).await?;
    }
    for file in &outcome.files {
        files::commit(db, held.writer(), file, files::Kind::Side).await?;
    }
    done(db, held, outcome).await?;
    if jobs::close_one(db, held.job.id).await? == 0 {
        begin_finish(db, held).await?;
    }
    Ok(())
}

async fn done(db: &mut PgConnection, held: &Held, outcome: &Outcome) -> Result<(), Failure> {
    let last = &held.task.progress;
    let total = last.total.max(held.task.total);
    // The last heartbeat may have been before the last row; a finished task shows all of its work.
    let progress =
        Progress { done: last.done.max(total), total, phase: String::new(), files: Vec::new(), ..last.clone() };
    tasks::finish(db, held.task.id, Some(&outcome.summary), &progress).await?;
    leases::end(db, held.task.id).await?;
    Ok(())
}

async fn begin_finish(db: &mut PgConnection, held: &Held) -> Result<(), Failure> {
    let spec = jobs::spec(db, held.job.id).await?;
    queue_task(db, held.job.id, held.job.kind, TaskKind::Finish, &spec, Duration::ZERO).await
}
