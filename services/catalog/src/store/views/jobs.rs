//! Jobs with progress, counts and phases summed over their tasks.

use crate::{
    domain::{
        page::Page,
        progress::{self, KindSum, summary},
        task::RetryPolicy,
    },
    store::{StoreError, json, stored, tasks::task_kind, text},
};
use dataset_model::{
    DatasetId, FileProgress, Job, JobId, JobKind, JobState, Progress, TaskCounts, TaskKind, TokenizationId,
};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Which jobs are listed.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    pub dataset_id: Option<DatasetId>,
    pub state: Option<JobState>,
    pub kind: Option<JobKind>,
    pub page: Page,
}

/// A job; none when it is unknown, or its dataset is being deleted.
pub async fn get(db: &mut PgConnection, id: JobId, retry: RetryPolicy) -> Result<Option<Job>, StoreError> {
    Ok(by_ids(db, &[id.0], retry).await?.pop())
}

/// A page of jobs, newest first, and how many there are.
pub async fn list(db: &mut PgConnection, filter: Filter, retry: RetryPolicy) -> Result<(Vec<Job>, u64), StoreError> {
    let (dataset, state, kind) =
        (filter.dataset_id.map(|id| id.0), filter.state.map(JobState::as_str), filter.kind.map(JobKind::as_str));
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM jobs j JOIN datasets d ON d.id = j.dataset_id
         WHERE j.kind <> 'gc' AND d.status <> 'deleting' AND ($1::uuid IS NULL OR j.dataset_id = $1)
             AND ($2::text IS NULL OR j.state = $2) AND ($3::text IS NULL OR j.kind = $3)"#,
        dataset,
        state,
        kind
    )
    .fetch_one(&mut *db)
    .await?;
    let ids = sqlx::query_scalar!(
        "SELECT j.id FROM jobs j JOIN datasets d ON d.id = j.dataset_id
         WHERE j.kind <> 'gc' AND d.status <> 'deleting' AND ($1::uuid IS NULL OR j.dataset_id = $1)
             AND ($2::text IS NULL OR j.state = $2) AND ($3::text IS NULL OR j.kind = $3)
         ORDER BY j.created_at DESC, j.id DESC OFFSET $4 LIMIT $5",
        dataset,
        state,
        kind,
        stored(filter.page.offset()),
        i64::from(filter.page.size),
    )
    .fetch_all(&mut *db)
    .await?;
    Ok((by_ids(db, &ids, retry).await?, total.cast_unsigned()))
}

/// Of each of these datasets its active job, else its newest ingest.
pub async fn current(
    db: &mut PgConnection,
    datasets: &[Uuid],
    retry: RetryPolicy,
) -> Result<HashMap<DatasetId, Job>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT DISTINCT ON (dataset_id) id FROM jobs
         WHERE dataset_id = ANY($1) AND kind <> 'gc' AND (kind = 'ingest' OR state IN ('queued', 'running'))
         ORDER BY dataset_id, state IN ('queued', 'running') DESC, created_at DESC, id DESC",
        datasets
    )
    .fetch_all(&mut *db)
    .await?;
    Ok(by_ids(db, &ids, retry).await?.into_iter().map(|job| (job.dataset_id, job)).collect())
}

/// The jobs of these ids, in this order.
async fn by_ids(db: &mut PgConnection, ids: &[Uuid], retry: RetryPolicy) -> Result<Vec<Job>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "SELECT j.id, j.kind, j.dataset_id, j.tokenization_id, j.state, j.error, j.created_at, j.finished_at
         FROM jobs j JOIN datasets d ON d.id = j.dataset_id
         WHERE j.id = ANY($1) AND j.kind <> 'gc' AND d.status <> 'deleting' ORDER BY array_position($1, j.id)",
        ids
    )
    .fetch_all(&mut *db)
    .await?;
    let mut sums = sums(db, ids).await?;
    rows.into_iter()
        .map(|row| {
            let id = JobId(row.id);
            let state = text("jobs.state", &row.state)?;
            let summary = summary(state, &sums.remove(&id).unwrap_or_default(), retry);
            Ok(Job {
                id,
                kind: if row.kind == "tokenize" { JobKind::Tokenize } else { JobKind::Ingest },
                dataset_id: DatasetId(row.dataset_id),
                tokenization_id: row.tokenization_id.map(TokenizationId),
                state,
                progress: summary.progress,
                tasks: summary.tasks,
                attempt: summary.attempt,
                tries: summary.tries,
                max_tries: retry.max_tries,
                next_run_at: summary.next_run_at,
                phases: summary.phases,
                error: row.error.map(|error| json("jobs.error", error)).transpose()?,
                created_at: row.created_at,
                finished_at: row.finished_at,
            })
        })
        .collect()
}

/// How far these jobs are that have not ended.
pub async fn progress(db: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<JobId, Progress>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(sums(db, ids).await?.into_iter().map(|(id, sums)| (id, progress::progress(&sums))).collect())
}

type Sums = HashMap<JobId, Vec<(TaskKind, KindSum)>>;

/// Sums over tasks, by job and kind, in the order of the phases. Counters are added as numeric and cut off, so that no
/// number from a worker makes the query fail.
async fn sums(db: &mut PgConnection, jobs: &[Uuid]) -> Result<Sums, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT job_id, kind, count(*) AS "total!",
             count(*) FILTER (WHERE state = 'done') AS "done!",
             count(*) FILTER (WHERE state = 'running') AS "running!",
             count(*) FILTER (WHERE state = 'failed') AS "failed!",
             count(*) FILTER (WHERE state = 'queued') AS "queued!",
             max(attempt) AS "attempt!", max(failures) AS "failures!", min(started_at) AS started_at, max(finished_at) AS finished_at,
             min(next_run_at) FILTER (WHERE state = 'queued' AND next_run_at > clock_timestamp()) AS next_run_at,
             max(progress->>'phase') FILTER (WHERE state = 'running') AS phase,
             least(coalesce(sum((progress->>'done')::numeric), 0), 9e18)::bigint AS progress_done,
             least(sum(greatest((progress->>'total')::numeric, total)), 9e18)::bigint AS progress_total,
             least(coalesce(sum((progress->>'bytes')::numeric), 0), 9e18)::bigint AS bytes,
             least(coalesce(sum((progress->>'rows')::numeric), 0), 9e18)::bigint AS rows,
             least(coalesce(sum((progress->>'tokens')::numeric), 0), 9e18)::bigint AS tokens,
             least(coalesce(sum((progress->>'sequences')::numeric), 0), 9e18)::bigint AS sequences,
             coalesce(jsonb_agg(progress->'files') FILTER (WHERE state = 'running' AND progress ? 'files'), '[]')
                 AS "files!"
         FROM tasks WHERE job_id = ANY($1) AND held_by IS NULL
         GROUP BY job_id, kind ORDER BY array_position(ARRAY['plan', 'work', 'finish', 'gc'], kind)"#,
        jobs
    )
    .fetch_all(db)
    .await?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    let sum = |n: Option<i64>| n.unwrap_or_default().cast_unsigned();
    let mut sums = Sums::new();
    for row in rows {
        let files: Vec<Vec<FileProgress>> = json("tasks.progress", row.files)?;
        let kind_sum = KindSum {
            counts: TaskCounts {
                total: count(row.total),
                done: count(row.done),
                running: count(row.running),
                failed: count(row.failed),
            },
            queued: count(row.queued),
            attempt: row.attempt.cast_unsigned(),
            failures: row.failures.cast_unsigned(),
            progress: Progress {
                phase: row.phase.unwrap_or_default(),
                done: sum(row.progress_done),
                total: sum(row.progress_total),
                bytes: sum(row.bytes),
                rows: sum(row.rows),
                tokens: sum(row.tokens),
                sequences: sum(row.sequences),
                files: files.into_iter().flatten().collect(),
            },
            started_at: row.started_at,
            finished_at: row.finished_at,
            next_run_at: row.next_run_at,
        };
        sums.entry(JobId(row.job_id)).or_default().push((task_kind(&row.kind)?, kind_sum));
    }
    Ok(sums)
}
