//! One transaction each: lock in order, let the domain decide, write rows, event and doorbells together.
//!
//! The lock order, dataset → tokenization → job → task → lease → files, is kept by [`hold`] and by the steps that
//! start from a dataset. Nothing here begins or commits: the caller does, and answers only afterwards.

pub mod claim;
pub mod close;
pub mod commit;
pub mod fail;
pub mod finish;
pub mod gc;
pub mod ingest;
pub mod remove;
pub mod tokenize;
pub mod upload;

use crate::{
    domain::{
        job::{JobRow, Kind},
        task::{Caller, Standing, TaskRow, stale, standing},
    },
    error::Failure,
    store::{datasets, files, jobs, outbox, shards, tasks, tokenizations},
};
use dataset_model::{JobId, JobState, Problem, TaskKind, TaskState};
use serde_json::Value;
use sqlx::PgConnection;
use std::time::Duration;

/// A task with everything above it, locked, and the caller's standing.
#[derive(Debug)]
pub struct Held {
    pub dataset: datasets::Locked,
    pub tokenization: Option<tokenizations::Locked>,
    pub job: JobRow,
    pub task: TaskRow,
    pub standing: Standing,
}

impl Held {
    /// Refuses a caller whose attempt has ended, except with `done`: then its call was answered before.
    /// Returns whether there is something left to do.
    pub fn is_open(&self, done: TaskState) -> Result<bool, Problem> {
        match self.standing {
            Standing::Current if self.job.state == JobState::Running => Ok(true),
            Standing::Ended(state) if state == done => Ok(false),
            Standing::Current | Standing::Ended(_) => Err(stale(self.task.id)),
        }
    }

    pub fn writer(&self) -> files::Writer {
        files::Writer {
            dataset_id: self.job.dataset_id,
            tokenization_id: self.job.tokenization_id,
            job_id: self.job.id,
            task_id: self.task.id,
            attempt: self.task.attempt,
        }
    }

    pub fn owner(&self) -> shards::Owner {
        shards::Owner { dataset_id: self.job.dataset_id, tokenization_id: self.job.tokenization_id }
    }
}

/// Locks a task and all above it in order, and refuses every attempt but the last one.
pub async fn hold(db: &mut PgConnection, caller: Caller) -> Result<Held, Failure> {
    let gone = || Failure::from(stale(caller.task_id));
    let place = tasks::place(db, caller.task_id).await?.ok_or_else(gone)?;
    let dataset = datasets::lock(db, place.dataset_id).await?.ok_or_else(gone)?;
    let tokenization = match place.tokenization_id {
        Some(id) => Some(tokenizations::lock(db, id).await?.ok_or_else(gone)?),
        None => None,
    };
    let job = jobs::lock(db, place.job_id).await?.ok_or_else(gone)?;
    let task = tasks::lock(db, caller.task_id).await?.ok_or_else(gone)?;
    let standing = standing(&task, caller)?;
    Ok(Held { dataset, tokenization, job, task, standing })
}

/// Queues a job with its first task and a doorbell; false when another one of its kind is active.
pub async fn queue_job(db: &mut PgConnection, new: &jobs::NewJob<'_>, wait: Duration) -> Result<bool, Failure> {
    let inserted = jobs::insert(db, new).await?;
    if inserted {
        queue_task(db, new.id, new.kind, new.kind.first_task(), new.spec, wait).await?;
    }
    Ok(inserted)
}

/// Queues a single task with a doorbell.
async fn queue_task(
    db: &mut PgConnection,
    job: JobId,
    kind: Kind,
    task: TaskKind,
    spec: &Value,
    wait: Duration,
) -> Result<(), Failure> {
    tasks::insert(db, job, task, kind.queue(), spec, wait).await?;
    outbox::ring(db, kind.queue(), 1, wait, Some(job)).await?;
    Ok(())
}
