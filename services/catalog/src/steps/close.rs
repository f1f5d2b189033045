//! The end of a job that does not succeed: failed or cancelled, on the same rows as its success, so that the first
//! commit wins.

use super::gc;
use crate::{
    domain::job::{Ending, JobRow, Kind, ending_event},
    error::{Failure, not_found},
    store::{datasets, events, files, jobs, tasks, tokenizations},
};
use dataset_model::{
    DatasetId, DatasetStatus, JobId, Problem, Reason, TaskId, TokenizationId,
    state::{DatasetTransition, TokenizationTransition},
};
use sqlx::PgConnection;
use std::time::Duration;

/// Jobs that a step ended, and the tasks that were running: their workers can be told at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closed {
    pub jobs: Vec<JobId>,
    pub running: Vec<TaskId>,
}

/// Ends a locked job with its tasks, and moves what it was making.
pub async fn close(
    db: &mut PgConnection,
    dataset: &datasets::Locked,
    tokenization: Option<&tokenizations::Locked>,
    job: &JobRow,
    ending: &Ending,
) -> Result<Vec<TaskId>, Failure> {
    let error = ending.problem();
    jobs::set_state(db, job.id, job.state, job.state.apply(ending.transition())?, error).await?;
    let running = tasks::cancel_open(db, job.id).await?;
    match (job.kind, tokenization) {
        (Kind::Ingest, _) => {
            let event = if error.is_some() { DatasetTransition::Fail } else { DatasetTransition::Cancel };
            let status = dataset.source.status;
            datasets::set_status(db, dataset.id, status, status.apply(event)?, error).await?;
        }
        (Kind::Tokenize, Some(tokenization)) => {
            let event = if error.is_some() { TokenizationTransition::Fail } else { TokenizationTransition::Cancel };
            let status = tokenization.status;
            tokenizations::set_status(db, tokenization.id, status, status.apply(event)?, error).await?;
        }
        (Kind::Tokenize, None) | (Kind::Gc, _) => {}
    }
    if let Some(event) = ending_event(job, ending) {
        events::append(db, dataset.id, &event).await?;
    }
    Ok(running)
}

/// Has the files removed that a closed job's attempts left unfinished. What its tasks committed stays for the next job
/// of the same selection, and so do partial downloads.
pub async fn discard(db: &mut PgConnection, job: &JobRow, wait: Duration) -> Result<(), Failure> {
    let keys = files::discard_unfinished(db, job.id).await?;
    gc::collect(db, job.dataset_id, job.tokenization_id, &keys, wait).await
}

/// Cancels the active jobs of a dataset, or those of one tokenization; refused when there are none.
pub async fn cancel(
    db: &mut PgConnection,
    id: DatasetId,
    only: Option<TokenizationId>,
    wait: Duration,
) -> Result<Closed, Failure> {
    let dataset = datasets::lock(db, id).await?.filter(|d| d.source.status != DatasetStatus::Deleting);
    let dataset = dataset.ok_or_else(|| not_found("dataset", id))?;
    let closed = cancel_all(db, &dataset, only, Some(wait)).await?;
    if closed.jobs.is_empty() {
        let what = if only.is_some() { "tokenization" } else { "dataset" };
        return Err(Problem::new(Reason::JobTerminal, format!("no job of this {what} is active")).into());
    }
    Ok(closed)
}

/// Cancels a job by its own id.
pub async fn cancel_job(db: &mut PgConnection, id: JobId, wait: Duration) -> Result<Closed, Failure> {
    let job = jobs::find(db, id).await?.ok_or_else(|| not_found("job", id))?;
    let gone = || not_found("job", id);
    let dataset = datasets::lock(db, job.dataset_id).await?.ok_or_else(gone)?;
    let tokenization = match job.tokenization_id {
        Some(id) => tokenizations::lock(db, id).await?,
        None => None,
    };
    let job = jobs::lock(db, id).await?.ok_or_else(gone)?;
    if job.state.is_terminal() {
        return Err(Problem::new(Reason::JobTerminal, format!("the job is already {}", job.state)).into());
    }
    let running = close(db, &dataset, tokenization.as_ref(), &job, &Ending::Cancelled).await?;
    discard(db, &job, wait).await?;
    Ok(Closed { jobs: vec![id], running })
}

/// Cancels what is active under a locked dataset. `wait` none: the caller removes all files anyway.
pub async fn cancel_all(
    db: &mut PgConnection,
    dataset: &datasets::Locked,
    only: Option<TokenizationId>,
    wait: Option<Duration>,
) -> Result<Closed, Failure> {
    let tokenizations = tokenizations::lock_all(db, dataset.id).await?;
    let mut closed = Closed::default();
    for job in jobs::lock_active(db, dataset.id, only).await? {
        let tokenization = tokenizations.iter().find(|t| Some(t.id) == job.tokenization_id);
        closed.running.extend(close(db, dataset, tokenization, &job, &Ending::Cancelled).await?);
        if let Some(wait) = wait {
            discard(db, &job, wait).await?;
        }
        closed.jobs.push(job.id);
    }
    Ok(closed)
}
