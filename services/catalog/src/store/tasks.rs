//! Rows of tasks.

use super::{StoreError, json, small, stored, text};
use crate::domain::task::{Caller, TaskRow, Tries};
use dataset_model::{
    AttemptId, DatasetId, JobId, JobKind, JobState, Progress, RepoId, TaskId, TaskKind, TaskState, TokenizationId,
};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use std::time::Duration;

/// Where a task belongs, known before anything is locked: none of it ever changes.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub job_id: JobId,
    pub dataset_id: DatasetId,
    pub tokenization_id: Option<TokenizationId>,
}

/// A task that may be claimed.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    pub id: TaskId,
    pub job_id: JobId,
    pub tokenization_id: Option<TokenizationId>,
    pub kind: TaskKind,
    pub job_state: JobState,
}

/// A claimed task with what its worker needs.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub id: TaskId,
    pub attempt: u64,
    pub job_id: JobId,
    pub queue: JobKind,
    pub kind: TaskKind,
    pub ordinal: u32,
    pub dataset_id: DatasetId,
    pub tokenization_id: Option<TokenizationId>,
    pub repo_id: RepoId,
    pub spec: Value,
    pub tries: Tries,
    pub traceparent: String,
}

/// Inserts a queued task that the catalog itself makes: plan, finish or gc.
pub async fn insert(
    db: &mut PgConnection,
    job: JobId,
    kind: TaskKind,
    queue: JobKind,
    spec: &Value,
    wait: Duration,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO tasks (id, job_id, kind, queue, ordinal, spec, next_run_at)
         VALUES ($1, $2, $3, $4, 0, $5, clock_timestamp() + make_interval(secs => $6))",
        TaskId::new().0,
        job.0,
        kind.as_str(),
        queue.as_str(),
        spec,
        wait.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where a task belongs.
pub async fn place(db: &mut PgConnection, id: TaskId) -> Result<Option<Place>, StoreError> {
    let row = sqlx::query!(
        "SELECT t.job_id, j.dataset_id, j.tokenization_id FROM tasks t JOIN jobs j ON j.id = t.job_id WHERE t.id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Place {
        job_id: JobId(row.job_id),
        dataset_id: DatasetId(row.dataset_id),
        tokenization_id: row.tokenization_id.map(TokenizationId),
    }))
}

pub async fn lock(db: &mut PgConnection, id: TaskId) -> Result<Option<TaskRow>, StoreError> {
    let row = sqlx::query!(
        "SELECT job_id, kind, ordinal, state, attempt, attempt_uuid, crashes, failures, oom_count, batch_rows, total,
             progress
         FROM tasks WHERE id = $1 FOR UPDATE",
        id.0
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(TaskRow {
        id,
        job_id: JobId(row.job_id),
        kind: task_kind(&row.kind)?,
        ordinal: row.ordinal.cast_unsigned(),
        state: text("tasks.state", &row.state)?,
        attempt: row.attempt.cast_unsigned(),
        attempt_id: row.attempt_uuid.map(AttemptId),
        tries: Tries {
            crashes: row.crashes.cast_unsigned(),
            failures: row.failures.cast_unsigned(),
            oom_count: row.oom_count.cast_unsigned(),
            batch_rows: row.batch_rows.cast_unsigned(),
        },
        total: row.total.cast_unsigned(),
        progress: json("tasks.progress", row.progress)?,
    }))
}

pub(super) fn task_kind(value: &str) -> Result<TaskKind, StoreError> {
    let kinds = [TaskKind::Plan, TaskKind::Work, TaskKind::Finish, TaskKind::Gc];
    kinds
        .into_iter()
        .find(|kind| kind.as_str() == value)
        .ok_or_else(|| StoreError::Corrupt { column: "tasks.kind", value: value.to_owned() })
}

/// The next due tasks, without a lock; other workers may be after the same ones.
pub async fn candidates(db: &mut PgConnection, queue: JobKind, limit: i64) -> Result<Vec<Candidate>, StoreError> {
    let rows = sqlx::query!(
        "SELECT t.id, t.job_id, t.kind, j.tokenization_id, j.state FROM tasks t JOIN jobs j ON j.id = t.job_id
         WHERE t.queue = $1 AND t.state = 'queued' AND t.held_by IS NULL AND t.next_run_at <= clock_timestamp()
         ORDER BY t.next_run_at, t.id LIMIT $2",
        queue.as_str(),
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Candidate {
                id: TaskId(row.id),
                job_id: JobId(row.job_id),
                tokenization_id: row.tokenization_id.map(TokenizationId),
                kind: task_kind(&row.kind)?,
                job_state: text("jobs.state", &row.state)?,
            })
        })
        .collect()
}

/// Locks a job for a first claim unless somebody else holds it, and sees that it can still run.
pub async fn lock_claimable_job(db: &mut PgConnection, job: JobId) -> Result<Option<JobState>, StoreError> {
    let state = sqlx::query_scalar!(
        "SELECT state FROM jobs WHERE id = $1 AND state IN ('queued', 'running') FOR NO KEY UPDATE SKIP LOCKED",
        job.0
    )
    .fetch_optional(db)
    .await?;
    state.map(|state| text("jobs.state", &state)).transpose()
}

/// Takes a candidate for an attempt; none when it is not due any more, or somebody else is at it.
pub async fn claim(
    db: &mut PgConnection,
    id: TaskId,
    attempt: AttemptId,
    worker: &str,
) -> Result<Option<u64>, StoreError> {
    let attempt = sqlx::query_scalar!(
        "UPDATE tasks SET state = 'running', attempt = attempt + 1, attempt_uuid = $2, worker = $3,
             started_at = coalesce(started_at, clock_timestamp())
         WHERE id = (
             SELECT id FROM tasks
             WHERE id = $1 AND state = 'queued' AND held_by IS NULL AND next_run_at <= clock_timestamp()
             FOR UPDATE SKIP LOCKED
         ) RETURNING attempt",
        id.0,
        attempt.0,
        worker
    )
    .fetch_optional(db)
    .await?;
    Ok(attempt.map(i64::cast_unsigned))
}

/// The running task of an attempt, with all that its worker needs.
pub async fn claimed(db: &mut PgConnection, attempt: AttemptId) -> Result<Option<Claimed>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT t.id, t.attempt, t.job_id, t.queue, t.kind, t.ordinal, j.dataset_id, j.tokenization_id, d.repo_id,
             t.spec, t.crashes, t.failures, t.oom_count, t.batch_rows, j.traceparent
         FROM tasks t JOIN jobs j ON j.id = t.job_id JOIN datasets d ON d.id = j.dataset_id
         WHERE t.attempt_uuid = $1 AND t.state = 'running'"#,
        attempt.0
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Claimed {
        id: TaskId(row.id),
        attempt: row.attempt.cast_unsigned(),
        job_id: JobId(row.job_id),
        queue: text::<crate::domain::job::Kind>("tasks.queue", &row.queue)?.queue(),
        kind: task_kind(&row.kind)?,
        ordinal: row.ordinal.cast_unsigned(),
        dataset_id: DatasetId(row.dataset_id),
        tokenization_id: row.tokenization_id.map(TokenizationId),
        repo_id: RepoId::parse(&row.repo_id)
            .map_err(|error| StoreError::Corrupt { column: "datasets.repo_id", value: error.0 })?,
        spec: row.spec,
        tries: Tries {
            crashes: row.crashes.cast_unsigned(),
            failures: row.failures.cast_unsigned(),
            oom_count: row.oom_count.cast_unsigned(),
            batch_rows: row.batch_rows.cast_unsigned(),
        },
        traceparent: row.traceparent,
    }))
}

/// Stores the caller's progress, and forgives crashes after enough durable bytes. Returns how the task stands to the
/// caller: none when a newer attempt exists or the task is gone.
pub async fn beat(
    db: &mut PgConnection,
    caller: Caller,
    progress: &Progress,
    durable: u64,
) -> Result<Option<TaskState>, StoreError> {
    let state = sqlx::query_scalar!(
        "SELECT state FROM tasks WHERE id = $1 AND attempt = $2 AND attempt_uuid = $3",
        caller.task_id.0,
        stored(caller.attempt),
        caller.attempt_id.0
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(state) = state else { return Ok(None) };
    let state = text("tasks.state", &state)?;
    if state == TaskState::Running {
        sqlx::query!(
            "UPDATE tasks SET progress = $3,
                 crashes = CASE WHEN $4 >= durable_bytes + $5 THEN 0 ELSE crashes END,
                 durable_bytes = CASE WHEN $4 >= durable_bytes + $5 THEN $4 ELSE durable_bytes END
             WHERE id = $1 AND attempt = $2 AND state = 'running' AND progress <> $3",
            caller.task_id.0,
            stored(caller.attempt),
            Json(progress) as _,
            stored(progress.bytes),
            stored(durable),
        )
        .execute(db)
        .await?;
    }
    Ok(Some(state))
}

/// A running task is done.
pub async fn finish(
    db: &mut PgConnection,
    id: TaskId,
    summary: Option<&Value>,
    progress: &Progress,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE tasks SET state = 'done', crashes = 0, summary = $2, progress = $3, finished_at = clock_timestamp()
         WHERE id = $1 AND state = 'running'",
        id.0,
        summary,
        Json(progress) as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A running task is due again after `wait`.
pub async fn requeue(db: &mut PgConnection, id: TaskId, tries: Tries, wait: Duration) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE tasks SET state = 'queued', crashes = $2, failures = $3, oom_count = $4, batch_rows = $5,
             next_run_at = clock_timestamp() + make_interval(secs => $6),
             rung_at = clock_timestamp() + make_interval(secs => $6)
         WHERE id = $1 AND state = 'running'",
        id.0,
        small(tries.crashes),
        small(tries.failures),
        small(tries.oom_count),
        small(tries.batch_rows),
        wait.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The task at which its job failed.
pub async fn set_failed(db: &mut PgConnection, id: TaskId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE tasks SET state = 'failed', finished_at = clock_timestamp() WHERE id = $1 AND state = 'running'",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends every task of a job that is not over, with its lease. Returns those that were running.
pub async fn cancel_open(db: &mut PgConnection, job: JobId) -> Result<Vec<TaskId>, StoreError> {
    let rows = sqlx::query!(
        r#"WITH open AS (
             SELECT id, state FROM tasks WHERE job_id = $1 AND state IN ('queued', 'running') ORDER BY id FOR UPDATE
         ), ended AS (
             UPDATE tasks SET state = 'cancelled', finished_at = clock_timestamp() FROM open WHERE tasks.id = open.id
         ) SELECT id AS "id!", state AS "state!" FROM open"#,
        job.0
    )
    .fetch_all(&mut *db)
    .await?;
    sqlx::query!("DELETE FROM leases USING tasks t WHERE t.id = leases.task_id AND t.job_id = $1", job.0)
        .execute(db)
        .await?;
    Ok(rows.into_iter().filter(|row| row.state == "running").map(|row| TaskId(row.id)).collect())
}

/// A work task's id, ordinal and summary.
pub type Committed = (TaskId, u32, Value);

/// One more than `limit` of the work tasks that are done, by ordinal.
pub async fn committed(
    db: &mut PgConnection,
    job: JobId,
    offset: u64,
    limit: u32,
) -> Result<Vec<Committed>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, ordinal, summary FROM tasks WHERE job_id = $1 AND kind = 'work' AND state = 'done'
         ORDER BY ordinal OFFSET $2 LIMIT $3",
        job.0,
        stored(offset),
        i64::from(limit) + 1,
    )
    .fetch_all(db)
    .await?;
    let committed = |id, ordinal: i32, summary: Option<Value>| {
        (TaskId(id), ordinal.cast_unsigned(), summary.unwrap_or(Value::Null))
    };
    Ok(rows.into_iter().map(|row| committed(row.id, row.ordinal, row.summary)).collect())
}
