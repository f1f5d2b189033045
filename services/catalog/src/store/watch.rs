//! What watchers read: numbered events, the counters of running jobs, one-line summaries.

use super::{StoreError, text};
use chrono::{DateTime, Utc};
use dataset_model::{DatasetEvent, DatasetId, DatasetStatus, JobId, Progress, TokenizationId};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

/// An event with its place in the dataset's sequence.
#[derive(Debug)]
pub(crate) struct Numbered {
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub event: DatasetEvent,
}

/// The last event number of a dataset that is not deleted.
pub(crate) async fn last_seq(conn: &mut PgConnection, id: DatasetId) -> Result<Option<u64>, StoreError> {
    let seq = sqlx::query_scalar!("SELECT event_seq FROM datasets WHERE id = $1 AND status <> 'deleting'", id.0)
        .fetch_optional(conn)
        .await?;
    Ok(seq.map(i64::cast_unsigned))
}

/// At most `limit` events after `seq`, in order.
pub(crate) async fn events_after(
    conn: &mut PgConnection,
    id: DatasetId,
    seq: u64,
    limit: u32,
) -> Result<Vec<Numbered>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT seq, at, body AS "body: Json<DatasetEvent>" FROM events
           WHERE dataset_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"#,
        id.0,
        seq.cast_signed(),
        i64::from(limit)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| Numbered { seq: r.seq.cast_unsigned(), at: r.at, event: r.body.0 }).collect())
}

/// The last event that ended a job.
pub(crate) async fn last_terminal(conn: &mut PgConnection, id: DatasetId) -> Result<Option<Numbered>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT seq, at, body AS "body: Json<DatasetEvent>" FROM events
           WHERE dataset_id = $1 AND type IN ('download_completed', 'download_failed', 'download_cancelled',
               'tokenization_completed', 'tokenization_failed', 'tokenization_cancelled')
           ORDER BY seq DESC LIMIT 1"#,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|r| Numbered { seq: r.seq.cast_unsigned(), at: r.at, event: r.body.0 }))
}

/// The counters of a running job, summed over its tasks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunningJob {
    pub id: JobId,
    /// None: an ingest.
    pub tokenization_id: Option<TokenizationId>,
    pub attempt: u64,
    /// The most of one task.
    pub failures: u32,
    pub progress: Progress,
}

/// Of each of these datasets, at one moment: the number of its last event and its running jobs. A task that is done
/// counts in full.
pub(crate) async fn standing(
    conn: &mut PgConnection,
    datasets: &[Uuid],
) -> Result<Vec<(DatasetId, u64, Vec<RunningJob>)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT d.id AS dataset_id, d.event_seq, j.id AS "job_id?", j.tokenization_id, t.attempt AS "attempt?",
               t.failures AS "failures?", t.state AS "state?", t.total AS "total?", t.progress AS "progress?: Json<Progress>"
           FROM datasets d
           LEFT JOIN (jobs j JOIN tasks t ON t.job_id = j.id)
               ON j.dataset_id = d.id AND j.state = 'running' AND j.kind <> 'gc'
           WHERE d.id = ANY($1)
           ORDER BY d.id, j.id, t.ordinal"#,
        datasets
    )
    .fetch_all(conn)
    .await?;
    let mut found: Vec<(DatasetId, u64, Vec<RunningJob>)> = Vec::new();
    for row in rows {
        let id = DatasetId(row.dataset_id);
        if found.last().is_none_or(|(last, ..)| *last != id) {
            found.push((id, row.event_seq.cast_unsigned(), Vec::new()));
        }
        let (Some((.., jobs)), Some(job)) = (found.last_mut(), row.job_id) else { continue };
        if jobs.last().is_none_or(|last| last.id.0 != job) {
            let tokenization_id = row.tokenization_id.map(TokenizationId);
            let progress = Progress::default();
            jobs.push(RunningJob { id: JobId(job), tokenization_id, attempt: 0, failures: 0, progress });
        }
        if let (Some(job), Some(progress)) = (jobs.last_mut(), row.progress) {
            job.attempt = job.attempt.max(row.attempt.unwrap_or_default().cast_unsigned());
            job.failures = job.failures.max(row.failures.unwrap_or_default().cast_unsigned());
            let total = row.total.unwrap_or_default().cast_unsigned();
            add(&mut job.progress, progress.0, total, row.state.as_deref().unwrap_or_default());
        }
    }
    Ok(found)
}

fn add(sum: &mut Progress, task: Progress, total: u64, state: &str) {
    sum.total += total;
    sum.done += if state == "done" { total } else { task.done.min(total) };
    sum.bytes += task.bytes;
    sum.rows += task.rows;
    sum.tokens += task.tokens;
    sum.sequences += task.sequences;
    if state == "running" {
        // The phase of the first task that runs stands for the job.
        if sum.phase.is_empty() {
            sum.phase = task.phase;
        }
        sum.files.extend(task.files);
    }
}

/// One line of the panel.
#[derive(Debug)]
pub(crate) struct Summary {
    pub id: DatasetId,
    pub name: String,
    pub repo_id: String,
    pub status: DatasetStatus,
    /// Percent, while something runs whose size is known.
    pub progress: Option<f64>,
    pub row_count: Option<u64>,
    pub size_bytes: Option<u64>,
    pub tokenization_count: u32,
    pub seq: u64,
    pub version: u64,
}

/// The summaries of these datasets, or of all that follow `after`, at most `limit`, by id. Deleted ones are absent.
pub(crate) async fn summaries(
    conn: &mut PgConnection,
    only: Option<&[Uuid]>,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Summary>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT d.id, d.name, d.repo_id, d.status, d.row_count, d.size_bytes, d.event_seq, d.version,
               (SELECT count(*) FROM tokenizations k WHERE k.dataset_id = d.id AND k.status <> 'deleting')
                   AS "tokenizations!",
               (SELECT 100.0::float8 * sum(CASE WHEN t.state = 'done' THEN t.total
                           ELSE least(coalesce((t.progress->>'done')::bigint, 0), t.total) END)
                       / nullif(sum(t.total), 0)
                   FROM jobs j JOIN tasks t ON t.job_id = j.id
                   WHERE j.dataset_id = d.id AND j.state = 'running' AND j.kind <> 'gc') AS progress
           FROM datasets d
           WHERE d.status <> 'deleting' AND d.id > $2 AND ($1::uuid[] IS NULL OR d.id = ANY($1))
           ORDER BY d.id LIMIT $3"#,
        only,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Summary {
                id: DatasetId(r.id),
                name: r.name,
                repo_id: r.repo_id,
                status: text("datasets.status", &r.status)?,
                progress: r.progress,
                row_count: r.row_count.map(i64::cast_unsigned),
                size_bytes: r.size_bytes.map(i64::cast_unsigned),
                tokenization_count: u32::try_from(r.tokenizations).unwrap_or(u32::MAX),
                seq: r.event_seq.cast_unsigned(),
                version: r.version.cast_unsigned(),
            })
        })
        .collect()
}

/// The datasets with a running job.
pub(crate) async fn active(conn: &mut PgConnection) -> Result<Vec<Uuid>, StoreError> {
    let ids = sqlx::query_scalar!("SELECT DISTINCT dataset_id FROM jobs WHERE state = 'running' AND kind <> 'gc'")
        .fetch_all(conn)
        .await?;
    Ok(ids)
}
