//! The work tasks that a plan adds: held back until it commits, then released, or taken over from an earlier job.

use super::{StoreError, small, stored};
use dataset_model::{JobId, JobKind, TaskId};
use serde_json::Value;
use sqlx::PgConnection;

/// A task that a plan adds.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    pub ordinal: u32,
    pub spec: Value,
    pub total: u64,
}

/// Adds work tasks, held back until the plan's attempt commits; a later attempt of the plan takes them over by ordinal.
pub async fn add_held(
    db: &mut PgConnection,
    job: JobId,
    queue: JobKind,
    attempt: u64,
    tasks: &[NewTask],
) -> Result<(), StoreError> {
    let ids: Vec<_> = tasks.iter().map(|_| TaskId::new().0).collect();
    let ordinals: Vec<_> = tasks.iter().map(|task| small(task.ordinal)).collect();
    let specs: Vec<_> = tasks.iter().map(|task| task.spec.clone()).collect();
    let totals: Vec<_> = tasks.iter().map(|task| stored(task.total)).collect();
    sqlx::query!(
        "INSERT INTO tasks (id, job_id, kind, queue, held_by, ordinal, spec, total)
         SELECT new.id, $1, 'work', $2, $3, new.ordinal, new.spec, new.total
         FROM unnest($4::uuid[], $5::int[], $6::jsonb[], $7::bigint[]) AS new (id, ordinal, spec, total)
         ON CONFLICT (job_id, kind, ordinal) DO UPDATE
         SET held_by = excluded.held_by, spec = excluded.spec, total = excluded.total
         WHERE tasks.held_by IS NOT NULL",
        job.0,
        queue.as_str(),
        stored(attempt),
        &ids,
        &ordinals,
        &specs,
        &totals,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The plan committed: what its attempt added may be claimed, what an earlier attempt left over goes.
/// Returns how many tasks there are, and whether their ordinals are dense from 0.
pub async fn release_held(db: &mut PgConnection, job: JobId, attempt: u64) -> Result<(u32, bool), StoreError> {
    sqlx::query!("DELETE FROM tasks WHERE job_id = $1 AND held_by <> $2", job.0, stored(attempt))
        .execute(&mut *db)
        .await?;
    let row = sqlx::query!(
        r#"WITH released AS (
             UPDATE tasks SET held_by = NULL, next_run_at = clock_timestamp(), rung_at = clock_timestamp()
             WHERE job_id = $1 AND held_by = $2 RETURNING ordinal
         ) SELECT count(*) AS "count!", coalesce(max(ordinal) + 1, 0) AS "next!" FROM released"#,
        job.0,
        stored(attempt)
    )
    .fetch_one(db)
    .await?;
    Ok((u32::try_from(row.count).unwrap_or(u32::MAX), i64::from(row.next) == row.count))
}

/// Takes over what an earlier job of the same owner finished: a task with the same specification is done, and its
/// shards and files are this job's. Returns how many tasks need no work.
pub async fn adopt(db: &mut PgConnection, job: JobId) -> Result<u32, StoreError> {
    let row = sqlx::query!(
        r#"WITH twins AS (
             SELECT DISTINCT ON (mine.id) mine.id AS mine, theirs.id AS theirs, theirs.summary, theirs.progress,
                 theirs.started_at, theirs.finished_at
             FROM jobs j
             JOIN tasks mine ON mine.job_id = j.id AND mine.kind = 'work'
             JOIN jobs earlier ON earlier.dataset_id = j.dataset_id AND earlier.kind = j.kind AND earlier.id <> j.id
                 AND earlier.tokenization_id IS NOT DISTINCT FROM j.tokenization_id
                 AND earlier.pin = j.pin AND earlier.spec - 'commit_sha' = j.spec - 'commit_sha'
                 AND earlier.state IN ('failed', 'cancelled')
             JOIN tasks theirs ON theirs.job_id = earlier.id AND theirs.kind = 'work' AND theirs.state = 'done'
                 AND theirs.ordinal = mine.ordinal AND theirs.spec = mine.spec
             WHERE j.id = $1
             ORDER BY mine.id, earlier.created_at DESC
         ), done AS (
             UPDATE tasks SET state = 'done', summary = twins.summary, progress = twins.progress,
                 started_at = twins.started_at, finished_at = twins.finished_at
             FROM twins WHERE tasks.id = twins.mine RETURNING tasks.id
         ), emptied AS (
             UPDATE tasks SET state = 'cancelled' FROM twins WHERE tasks.id = twins.theirs RETURNING tasks.id
         ), moved AS (
             UPDATE shards SET task_id = twins.mine FROM twins WHERE shards.task_id = twins.theirs RETURNING shards.n
         ), kept AS (
             UPDATE files SET task_id = twins.mine, job_id = $1 FROM twins
             WHERE files.task_id = twins.theirs AND files.state = 'committed' RETURNING files.key
         ) SELECT count(*) AS "count!" FROM done"#,
        job.0
    )
    .fetch_one(db)
    .await?;
    Ok(u32::try_from(row.count).unwrap_or(u32::MAX))
}
