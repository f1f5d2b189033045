//! Rows of jobs.

use super::{StoreError, json, secrets, text};
use crate::domain::job::{JobRow, Kind};
use dataset_model::{DatasetId, JobId, JobState, Problem, TokenizationId};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

/// What a new job has.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    pub id: JobId,
    pub kind: Kind,
    pub dataset_id: DatasetId,
    pub tokenization_id: Option<TokenizationId>,
    pub spec: &'a Value,
    /// W3C traceparent of the request that queued it.
    pub traceparent: &'a str,
}

/// Inserts a queued job; false when another one of its kind is active.
pub async fn insert(db: &mut PgConnection, new: &NewJob<'_>) -> Result<bool, StoreError> {
    let inserted = sqlx::query!(
        "INSERT INTO jobs (id, kind, dataset_id, tokenization_id, spec, traceparent) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
        new.id.0,
        new.kind.as_str(),
        new.dataset_id.0,
        new.tokenization_id.map(|id| id.0),
        new.spec,
        new.traceparent,
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

struct Row {
    id: uuid::Uuid,
    kind: String,
    dataset_id: uuid::Uuid,
    tokenization_id: Option<uuid::Uuid>,
    state: String,
}

impl TryFrom<Row> for JobRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: JobId(row.id),
            kind: text("jobs.kind", &row.kind)?,
            dataset_id: DatasetId(row.dataset_id),
            tokenization_id: row.tokenization_id.map(TokenizationId),
            state: text("jobs.state", &row.state)?,
        })
    }
}

/// A job that users can see, without a lock.
pub async fn find(db: &mut PgConnection, id: JobId) -> Result<Option<JobRow>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT j.id, j.kind, j.dataset_id, j.tokenization_id, j.state
         FROM jobs j JOIN datasets d ON d.id = j.dataset_id
         WHERE j.id = $1 AND j.kind <> 'gc' AND d.status <> 'deleting'",
        id.0
    )
    .fetch_optional(db)
    .await?;
    row.map(JobRow::try_from).transpose()
}

pub async fn lock(db: &mut PgConnection, id: JobId) -> Result<Option<JobRow>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, kind, dataset_id, tokenization_id, state FROM jobs WHERE id = $1 FOR NO KEY UPDATE",
        id.0
    )
    .fetch_optional(db)
    .await?;
    row.map(JobRow::try_from).transpose()
}

/// Locks the active jobs of a dataset: its ingest and all its tokenizations, or those of one tokenization.
pub async fn lock_active(
    db: &mut PgConnection,
    dataset: DatasetId,
    tokenization: Option<TokenizationId>,
) -> Result<Vec<JobRow>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, kind, dataset_id, tokenization_id, state FROM jobs
         WHERE dataset_id = $1 AND ($2::uuid IS NULL OR tokenization_id = $2)
             AND kind <> 'gc' AND state IN ('queued', 'running')
         ORDER BY id FOR NO KEY UPDATE",
        dataset.0,
        tokenization.map(|id| id.0),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(JobRow::try_from).collect()
}

/// The active ingest of a dataset, and the newest of any state.
pub async fn ingests(db: &mut PgConnection, dataset: DatasetId) -> Result<(Option<JobId>, Option<JobId>), StoreError> {
    let newest = sqlx::query!(
        "SELECT id, state FROM jobs WHERE dataset_id = $1 AND kind = 'ingest' ORDER BY created_at DESC, id DESC LIMIT 1",
        dataset.0
    )
    .fetch_optional(db)
    .await?;
    let Some(newest) = newest else { return Ok((None, None)) };
    // Only the newest can be active.
    let active = !text::<JobState>("jobs.state", &newest.state)?.is_terminal();
    let id = JobId(newest.id);
    Ok((active.then_some(id), Some(id)))
}

/// Moves a job from one state to another; false when it was not there any more. One that has ended knows no secret.
pub async fn set_state(
    db: &mut PgConnection,
    id: JobId,
    from: JobState,
    to: JobState,
    error: Option<&Problem>,
) -> Result<bool, StoreError> {
    let updated = sqlx::query!(
        "UPDATE jobs SET state = $3, error = $4, finished_at = CASE WHEN $5 THEN clock_timestamp() END
         WHERE id = $1 AND state = $2",
        id.0,
        from.as_str(),
        to.as_str(),
        error.map(Json) as _,
        to.is_terminal(),
    )
    .execute(&mut *db)
    .await?;
    if to.is_terminal() {
        secrets::wipe(db, id).await?;
    }
    Ok(updated.rows_affected() == 1)
}

/// The plan pinned the source.
pub async fn set_pin(db: &mut PgConnection, id: JobId, pin: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE jobs SET pin = $2 WHERE id = $1", id.0, pin).execute(db).await?;
    Ok(())
}

/// The plan is done: so many work tasks are open.
pub async fn set_open(db: &mut PgConnection, id: JobId, open: u32) -> Result<(), StoreError> {
    sqlx::query!("UPDATE jobs SET open_tasks = $2 WHERE id = $1", id.0, super::small(open)).execute(db).await?;
    Ok(())
}

/// One work task is done; returns how many are open. One statement, so that two last commits cannot miss each other.
pub async fn close_one(db: &mut PgConnection, id: JobId) -> Result<u32, StoreError> {
    let open =
        sqlx::query_scalar!("UPDATE jobs SET open_tasks = open_tasks - 1 WHERE id = $1 RETURNING open_tasks", id.0)
            .fetch_one(db)
            .await?;
    Ok(open.cast_unsigned())
}

/// What a job is to do, as its kind reads it.
pub async fn spec<T: DeserializeOwned>(db: &mut PgConnection, id: JobId) -> Result<T, StoreError> {
    json("jobs.spec", sqlx::query_scalar!("SELECT spec FROM jobs WHERE id = $1", id.0).fetch_one(db).await?)
}
