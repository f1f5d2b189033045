//! Claiming a task, keeping it, and what a worker announces meanwhile.

use super::hold;
use crate::{
    domain::task::{Caller, DURABLE_BYTES},
    error::Failure,
    store::{files, jobs, leases, plans, tasks, tokenizations},
};
use dataset_model::{
    AttemptId, JobKind, JobState, Problem, Progress, Reason, TaskKind, TaskState, state::JobTransition,
};
use sqlx::PgConnection;
use std::time::Duration;

/// Tasks looked at for one claim: enough that many workers at once each find one.
const CANDIDATES: i64 = 32;

/// How long a worker waits for the removal of a file whose name it needs.
const REMOVAL: Duration = Duration::from_millis(200);

/// What a heartbeat is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Continue,
    Cancelled,
    Stale,
}

/// Claims the next due task for an attempt; the same attempt again gets the same task.
///
/// A candidate is chosen without a lock, then locked in order and looked at again, passing over what others hold: it
/// never waits, so that it cannot be part of a deadlock.
pub async fn claim_any(
    db: &mut PgConnection,
    queue: JobKind,
    attempt: AttemptId,
    worker: &str,
    lease: Duration,
) -> Result<Option<tasks::Claimed>, Failure> {
    if let Some(claimed) = tasks::claimed(db, attempt).await? {
        return Ok(Some(claimed));
    }
    for candidate in tasks::candidates(db, queue, CANDIDATES).await? {
        // Only a job's first claim changes the job, and only that one locks it.
        if candidate.job_state == JobState::Queued && !begin_job(db, queue, &candidate).await? {
            continue;
        }
        if let Some(number) = tasks::claim(db, candidate.id, attempt, worker).await? {
            leases::grant(db, candidate.id, number, lease).await?;
            if candidate.kind == TaskKind::Gc {
                files::narrow_gc(db, candidate.id).await?;
            }
            return Ok(tasks::claimed(db, attempt).await?);
        }
    }
    Ok(None)
}

/// Takes a job, and the tokenization that it makes, from queued to running; false when somebody else is at it.
async fn begin_job(db: &mut PgConnection, queue: JobKind, candidate: &tasks::Candidate) -> Result<bool, Failure> {
    if queue == JobKind::Tokenize
        && let Some(id) = candidate.tokenization_id
        && !tokenizations::set_running(db, id).await?
    {
        return Ok(false);
    }
    let Some(state) = tasks::lock_claimable_job(db, candidate.job_id).await? else { return Ok(false) };
    let next = state.apply(JobTransition::Claim)?;
    Ok(state == next || jobs::set_state(db, candidate.job_id, state, next, None).await?)
}

/// Stores progress, renews the lease, and says whether the attempt still counts.
pub async fn heartbeat(
    db: &mut PgConnection,
    caller: Caller,
    progress: &Progress,
    lease: Duration,
) -> Result<Verdict, Failure> {
    let Some(state) = tasks::beat(db, caller, progress, DURABLE_BYTES).await? else {
        return Ok(Verdict::Stale);
    };
    Ok(match state {
        TaskState::Running => {
            leases::renew(db, caller.task_id, caller.attempt, lease).await?;
            Verdict::Continue
        }
        TaskState::Cancelled => Verdict::Cancelled,
        TaskState::Queued | TaskState::Done | TaskState::Failed => Verdict::Stale,
    })
}

/// Adds tasks to a plan's job; they start when the plan commits.
pub async fn add_tasks(db: &mut PgConnection, caller: Caller, new: &[plans::NewTask]) -> Result<(), Failure> {
    let held = hold(db, caller).await?;
    if held.task.kind != TaskKind::Plan {
        return Err(Problem::field("task", "only a plan adds tasks").into());
    }
    // A plan that has committed has no more to add: its call was answered before.
    if held.is_open(TaskState::Done)? {
        plans::add_held(db, held.job.id, held.job.kind.queue(), held.task.attempt, new).await?;
    }
    Ok(())
}

/// Announces a file before its first byte.
pub async fn stage_file(db: &mut PgConnection, caller: Caller, key: &str, kind: files::Kind) -> Result<(), Failure> {
    let held = hold(db, caller).await?;
    if held.is_open(TaskState::Done)? {
        files::stage(db, held.writer(), key, kind).await?;
        if files::is_being_removed(db, key).await? {
            let problem = Problem::new(Reason::Overloaded, "an earlier file of this name is being removed");
            return Err(problem.retry_after(REMOVAL).into());
        }
    }
    Ok(())
}
