//! Rows of tokenizations.

use super::{StoreError, json, stored, text};
use dataset_model::{DatasetId, JobId, Problem, Statistics, TokenizationId, TokenizationStatus, TokenizeConfig};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

/// What a new tokenization has.
#[derive(Debug, Clone)]
pub struct NewTokenization<'a> {
    pub id: TokenizationId,
    pub dataset_id: DatasetId,
    pub identity: [u8; 32],
    pub identity_fields: &'a Value,
    pub config: &'a TokenizeConfig,
    pub tokenizer_commit: &'a str,
    pub tokenizer_sha256: &'a str,
    pub vocab_size: u64,
    pub job_id: JobId,
}

/// A tokenization whose row is locked until the transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    pub id: TokenizationId,
    pub dataset_id: DatasetId,
    pub status: TokenizationStatus,
    pub job_id: JobId,
}

/// What a finished tokenization adds.
#[derive(Debug, Clone)]
pub struct Finished<'a> {
    pub token_file_path: &'a str,
    pub statistics: &'a Statistics,
    pub engine: Option<&'a str>,
}

struct Row {
    id: uuid::Uuid,
    dataset_id: uuid::Uuid,
    status: String,
    job_id: uuid::Uuid,
}

impl TryFrom<Row> for Locked {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: TokenizationId(row.id),
            dataset_id: DatasetId(row.dataset_id),
            status: text("tokenizations.status", &row.status)?,
            job_id: JobId(row.job_id),
        })
    }
}

pub async fn insert(db: &mut PgConnection, new: &NewTokenization<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO tokenizations (id, dataset_id, identity, identity_fields, tokenizer_name, tokenizer_revision,
             tokenizer_sha256, config, vocab_size, job_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        new.id.0,
        new.dataset_id.0,
        new.identity.as_slice(),
        new.identity_fields,
        new.config.tokenizer_name,
        new.tokenizer_commit,
        new.tokenizer_sha256,
        Json(new.config) as _,
        stored(new.vocab_size),
        new.job_id.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The dataset that a tokenization belongs to: what to lock first. None for one that is being deleted.
pub async fn dataset_of(db: &mut PgConnection, id: TokenizationId) -> Result<Option<DatasetId>, StoreError> {
    let dataset = sqlx::query_scalar!(
        "SELECT t.dataset_id FROM tokenizations t JOIN datasets d ON d.id = t.dataset_id
         WHERE t.id = $1 AND t.status <> 'deleting' AND d.status <> 'deleting'",
        id.0
    );
    Ok(dataset.fetch_optional(db).await?.map(DatasetId))
}

pub async fn lock(db: &mut PgConnection, id: TokenizationId) -> Result<Option<Locked>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, dataset_id, status, job_id FROM tokenizations WHERE id = $1 FOR NO KEY UPDATE",
        id.0
    )
    .fetch_optional(db)
    .await?;
    row.map(Locked::try_from).transpose()
}

/// Locks the tokenization of an identity, unless it is being deleted.
pub async fn lock_identity(
    db: &mut PgConnection,
    dataset: DatasetId,
    identity: [u8; 32],
) -> Result<Option<Locked>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, dataset_id, status, job_id FROM tokenizations
         WHERE dataset_id = $1 AND identity = $2 AND status <> 'deleting' FOR NO KEY UPDATE",
        dataset.0,
        identity.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Locked::try_from).transpose()
}

/// Locks the tokenizations of a dataset in one order, before any of its jobs.
pub async fn lock_all(db: &mut PgConnection, dataset: DatasetId) -> Result<Vec<Locked>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, dataset_id, status, job_id FROM tokenizations WHERE dataset_id = $1 ORDER BY id FOR NO KEY UPDATE",
        dataset.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Locked::try_from).collect()
}

pub async fn set_status(
    db: &mut PgConnection,
    id: TokenizationId,
    from: TokenizationStatus,
    to: TokenizationStatus,
    error: Option<&Problem>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE tokenizations SET status = $3, error = $4, version = version + 1, updated_at = clock_timestamp()
         WHERE id = $1 AND status = $2",
        id.0,
        from.as_str(),
        to.as_str(),
        error.map(Json) as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A first task is claimed; false when somebody else holds the row, or it is over. Never waits.
pub async fn set_running(db: &mut PgConnection, id: TokenizationId) -> Result<bool, StoreError> {
    let updated = sqlx::query!(
        "UPDATE tokenizations SET status = 'running', version = version + 1, updated_at = clock_timestamp()
         WHERE id = (
             SELECT id FROM tokenizations WHERE id = $1 AND status IN ('pending', 'running')
             FOR NO KEY UPDATE SKIP LOCKED
         )",
        id.0
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Started again in the same row, by a new job.
pub async fn restart(db: &mut PgConnection, id: TokenizationId, job: JobId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE tokenizations SET status = 'pending', error = NULL, job_id = $2, version = version + 1,
             updated_at = clock_timestamp()
         WHERE id = $1 AND status IN ('failed', 'cancelled')",
        id.0,
        job.0
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn finish(db: &mut PgConnection, id: TokenizationId, finished: &Finished<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE tokenizations SET status = 'ready', error = NULL, token_file_path = $2, num_tokens = $3,
             num_sequences = $4, vocab_size = $5, statistics = $6, engine = $7, version = version + 1,
             updated_at = clock_timestamp()
         WHERE id = $1 AND status = 'running'",
        id.0,
        finished.token_file_path,
        stored(finished.statistics.total_tokens),
        stored(finished.statistics.total_sequences),
        stored(finished.statistics.vocab_size),
        Json(finished.statistics) as _,
        finished.engine,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The statistics of a ready tokenization of a dataset: the one asked for, else the newest.
pub async fn statistics(
    db: &mut PgConnection,
    dataset: DatasetId,
    asked: Option<TokenizationId>,
) -> Result<Option<(TokenizationId, Statistics)>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT id, statistics AS "statistics!" FROM tokenizations
         WHERE dataset_id = $1 AND status = 'ready' AND ($2::uuid IS NULL OR id = $2)
         ORDER BY updated_at DESC, id DESC LIMIT 1"#,
        dataset.0,
        asked.map(|id| id.0),
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok((TokenizationId(row.id), json("tokenizations.statistics", row.statistics)?))).transpose()
}

/// Removes the tokenization with everything that refers to it.
pub async fn remove(db: &mut PgConnection, id: TokenizationId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM tokenizations WHERE id = $1 AND status = 'deleting'", id.0).execute(db).await?;
    Ok(())
}
