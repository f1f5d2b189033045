//! Rows of datasets.

use super::{StoreError, json, stored, text};
use crate::domain::ingest::{Origin, Source};
use dataset_model::{DatasetId, DatasetStatus, IngestSpec, Problem, RepoId, Split};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

/// A dataset whose row is locked until the transaction ends.
#[derive(Debug, Clone)]
pub struct Locked {
    pub id: DatasetId,
    pub source: Source,
    pub split_names: Vec<String>,
}

/// What a ready dataset offers to be tokenized.
#[derive(Debug, Clone)]
pub struct Offer {
    pub status: DatasetStatus,
    pub splits: Vec<Split>,
    pub schema: Option<Value>,
    /// What an upload named as its text.
    pub text_column: Option<String>,
}

/// What a new dataset has.
#[derive(Debug, Clone)]
pub struct NewDataset {
    pub id: DatasetId,
    pub name: String,
    pub repo_id: RepoId,
    pub origin: Origin,
    pub revision: Option<String>,
    pub config: Option<String>,
}

/// What a plan found out.
#[derive(Debug, Clone)]
pub struct Pin {
    pub commit_sha: String,
    pub config: String,
    pub splits: Vec<String>,
    pub source_bytes: u64,
    pub metadata: Value,
}

/// What a finished ingest adds.
#[derive(Debug, Clone)]
pub struct Finished {
    pub file_path: String,
    pub row_count: u64,
    pub size_bytes: u64,
    pub schema: Value,
    pub splits: Vec<Split>,
    /// To the metadata of the plan.
    pub metadata: Value,
}

/// Inserts a pending dataset; `datasets_name_key` says that the name is taken.
pub async fn insert(db: &mut PgConnection, new: &NewDataset) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO datasets (id, name, repo_id, source, revision, requested_config) VALUES ($1, $2, $3, $4, $5, $6)",
        new.id.0,
        new.name,
        new.repo_id.as_str(),
        new.origin.as_str(),
        new.revision,
        new.config,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets one registration at a time choose its name.
pub async fn lock_names(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('datasets.name'))").execute(db).await?;
    Ok(())
}

/// Names that begin with `base`, of datasets that are not being deleted.
pub async fn names_like(db: &mut PgConnection, base: &str) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT name FROM datasets WHERE status <> 'deleting' AND starts_with(name, $1)", base)
        .fetch_all(db)
        .await?)
}

/// Locks a dataset, also one that is being deleted. The lock leaves foreign keys usable, and is the same for everybody:
/// a weaker one first and this one later would deadlock.
pub async fn lock(db: &mut PgConnection, id: DatasetId) -> Result<Option<Locked>, StoreError> {
    let row = sqlx::query!(
        "SELECT repo_id, source, status, revision, requested_config, split_filter, max_samples, on_bad_rows,
             config, commit_sha, split_names
         FROM datasets WHERE id = $1 FOR NO KEY UPDATE",
        id.0
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let repo_id = RepoId::parse(&row.repo_id)
        .map_err(|error| StoreError::Corrupt { column: "datasets.repo_id", value: error.0 })?;
    let source = Source {
        repo_id,
        origin: text("datasets.source", &row.source)?,
        status: text("datasets.status", &row.status)?,
        revision: row.revision,
        requested_config: row.requested_config,
        split_filter: row.split_filter,
        max_samples: row.max_samples.map(i64::cast_unsigned),
        on_bad_rows: text("datasets.on_bad_rows", &row.on_bad_rows)?,
        config: row.config,
        commit_sha: row.commit_sha,
    };
    Ok(Some(Locked { id, source, split_names: row.split_names }))
}

/// What can be tokenized; none when the dataset is unknown or being deleted.
pub async fn offer(db: &mut PgConnection, id: DatasetId) -> Result<Option<Offer>, StoreError> {
    let row = sqlx::query!(
        "SELECT status, splits, schema, metadata->>'text_column' AS text_column
         FROM datasets WHERE id = $1 AND status <> 'deleting'",
        id.0
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (status, splits) = (text("datasets.status", &row.status)?, json("datasets.splits", row.splits)?);
    Ok(Some(Offer { status, splits, schema: row.schema, text_column: row.text_column }))
}

/// An ingest begins: the dataset stands for what was asked now, and keeps pins only as far as they still apply.
pub async fn start(db: &mut PgConnection, id: DatasetId, spec: &IngestSpec) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE datasets SET status = 'downloading', error = NULL, commit_sha = $2,
             config = CASE WHEN requested_config IS NOT DISTINCT FROM $4 THEN config END,
             revision = $3, requested_config = $4, split_filter = $5, max_samples = $6,
             on_bad_rows = $7
         WHERE id = $1 AND status IN ('pending', 'failed')",
        id.0,
        spec.commit_sha,
        spec.revision,
        spec.config,
        spec.split,
        spec.max_samples.map(stored),
        spec.on_bad_rows.as_str(),
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn pin(db: &mut PgConnection, id: DatasetId, pin: &Pin) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE datasets SET commit_sha = $2, config = $3, split_names = $4, source_bytes = $5, metadata = $6
         WHERE id = $1 AND status = 'downloading'",
        id.0,
        pin.commit_sha,
        pin.config,
        &pin.splits,
        stored(pin.source_bytes),
        pin.metadata,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn finish(db: &mut PgConnection, id: DatasetId, finished: &Finished) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE datasets SET status = 'ready', error = NULL, file_path = $2, row_count = $3, size_bytes = $4,
             schema = $5, splits = $6, metadata = metadata || $7
         WHERE id = $1 AND status = 'downloading'",
        id.0,
        finished.file_path,
        stored(finished.row_count),
        stored(finished.size_bytes),
        finished.schema,
        Json(&finished.splits) as _,
        finished.metadata,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The end of an ingest without success, or the beginning of a deletion; `from` repeats the precondition.
pub async fn set_status(
    db: &mut PgConnection,
    id: DatasetId,
    from: DatasetStatus,
    to: DatasetStatus,
    error: Option<&Problem>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE datasets SET status = $3, error = $4 WHERE id = $1 AND status = $2",
        id.0,
        from.as_str(),
        to.as_str(),
        error.map(Json) as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether somebody reads the dataset now.
pub async fn is_pinned(db: &mut PgConnection, id: DatasetId) -> Result<bool, StoreError> {
    let pinned = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM read_pins WHERE dataset_id = $1 AND expires_at > clock_timestamp()) AS "pinned!""#,
        id.0
    );
    Ok(pinned.fetch_one(db).await?)
}

/// Removes the dataset with everything that refers to it, except its events.
pub async fn remove(db: &mut PgConnection, id: DatasetId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM datasets WHERE id = $1 AND status = 'deleting'", id.0).execute(db).await?;
    Ok(())
}
