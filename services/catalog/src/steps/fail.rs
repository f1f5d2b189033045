//! A try that did not succeed: reported by its worker, handed back, or found out by the reconciler.

use super::{
    Held,
    close::{self, Closed},
    hold,
};
use crate::{
    domain::{
        job::Ending,
        silence::Lease,
        task::{Caller, Next, RetryPolicy, Standing, after_crash, after_failure, after_out_of_memory, stale},
    },
    error::Failure,
    store::{datasets, jobs, leases, outbox, tasks, tokenizations},
};
use dataset_model::{Problem, TaskState};
use sqlx::PgConnection;
use std::time::Duration;

/// What a worker reports.
#[derive(Debug, Clone)]
pub struct Report {
    pub problem: Problem,
    /// That did not fit the memory, if that was it.
    pub documents_too_many: Option<u32>,
}

/// What the catalog's settings say about tries.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub retry: RetryPolicy,
    pub lease: Duration,
}

/// Reports a failure. `jitter` in 0..1.
pub async fn fail(
    db: &mut PgConnection,
    caller: Caller,
    report: Report,
    policy: Policy,
    jitter: f64,
) -> Result<Closed, Failure> {
    let held = hold(db, caller).await?;
    if !is_running(&held)? {
        return Ok(Closed::default());
    }
    let (kind, tries) = (held.task.kind, held.task.tries);
    let next = match report.documents_too_many {
        Some(documents) => after_out_of_memory(tries, &report.problem, documents),
        None => after_failure(kind, tries, report.problem, policy.retry, jitter),
    };
    apply(db, &held, next, policy.lease).await
}

/// Hands a task back without counting a try.
pub async fn release(db: &mut PgConnection, caller: Caller, wait: Duration) -> Result<(), Failure> {
    let held = hold(db, caller).await?;
    if is_running(&held)? {
        let tries = held.task.tries;
        apply(db, &held, Next::Requeue { wait, tries }, Duration::ZERO).await?;
    }
    Ok(())
}

/// Takes a task from a worker that went silent, if its lease is still the one that was seen. `frozen` is the heartbeat
/// count that stood still for too long by the caller's own clock; none: only an expired lease counts.
pub async fn expire(
    db: &mut PgConnection,
    seen: Lease,
    frozen: bool,
    policy: Policy,
) -> Result<Option<Closed>, Failure> {
    let Some(place) = tasks::place(db, seen.task_id).await? else { return Ok(None) };
    let Some(dataset) = datasets::lock(db, place.dataset_id).await? else { return Ok(None) };
    let tokenization = match place.tokenization_id {
        Some(id) => tokenizations::lock(db, id).await?,
        None => None,
    };
    let Some(job) = jobs::lock(db, place.job_id).await? else { return Ok(None) };
    let Some(task) = tasks::lock(db, seen.task_id).await? else { return Ok(None) };
    let Some(lease) = leases::lock(db, seen.task_id).await? else { return Ok(None) };
    let same = lease.attempt == seen.attempt && lease.attempt == task.attempt;
    let silent = lease.expired || (frozen && lease.heartbeat_count == seen.heartbeat_count);
    if !same || !silent || task.state != TaskState::Running {
        return Ok(None);
    }
    let next = after_crash(task.kind, task.tries);
    let held = Held { dataset, tokenization, job, task, standing: Standing::Current };
    Ok(Some(apply(db, &held, next, policy.lease).await?))
}

/// False: this attempt's end was answered before.
fn is_running(held: &Held) -> Result<bool, Problem> {
    match held.standing {
        Standing::Current => Ok(true),
        Standing::Ended(TaskState::Queued | TaskState::Failed) => Ok(false),
        Standing::Ended(TaskState::Running | TaskState::Done | TaskState::Cancelled) => Err(stale(held.task.id)),
    }
}

async fn apply(db: &mut PgConnection, held: &Held, next: Next, lease: Duration) -> Result<Closed, Failure> {
    let (job, task) = (&held.job, &held.task);
    match next {
        Next::Requeue { wait, tries } => {
            tasks::requeue(db, task.id, tries, wait).await?;
            leases::end(db, task.id).await?;
            outbox::ring(db, job.kind.queue(), 1, wait, Some(job.id)).await?;
            Ok(Closed::default())
        }
        Next::FailJob(problem) => {
            tasks::set_failed(db, task.id).await?;
            let ending = Ending::Failed(problem);
            let running = close::close(db, &held.dataset, held.tokenization.as_ref(), job, &ending).await?;
            close::discard(db, job, lease).await?;
            Ok(Closed { jobs: vec![job.id], running })
        }
    }
}
