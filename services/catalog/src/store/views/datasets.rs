//! Datasets with their tokenizations and their job.

use super::{jobs, tokenizations};
use crate::{
    domain::{page::Page, task::RetryPolicy},
    store::{StoreError, json, stored, text},
};
use dataset_model::{Dataset, DatasetId, DatasetStatus, RepoId};
use sqlx::PgConnection;
use uuid::Uuid;

/// How datasets are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// One of [`Sort::COLUMNS`].
    pub by: &'static str,
    pub descending: bool,
}

impl Sort {
    pub const COLUMNS: [&'static str; 5] = ["created_at", "updated_at", "name", "size_bytes", "row_count"];
}

/// Which datasets are listed.
#[derive(Debug, Clone)]
pub struct Filter {
    pub status: Option<DatasetStatus>,
    /// Part of the name or repository id, any case.
    pub query: String,
    pub sort: Sort,
    pub page: Page,
}

/// A dataset; none when it is unknown or being deleted.
pub async fn get(db: &mut PgConnection, id: DatasetId, retry: RetryPolicy) -> Result<Option<Dataset>, StoreError> {
    Ok(by_ids(db, &[id.0], retry).await?.pop())
}

/// Whether a dataset is there.
pub async fn exists(db: &mut PgConnection, id: DatasetId) -> Result<bool, StoreError> {
    let there = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM datasets WHERE id = $1 AND status <> 'deleting') AS "there!""#,
        id.0
    );
    Ok(there.fetch_one(db).await?)
}

/// A page of datasets, and how many there are.
#[derive(Debug)]
pub struct Listed {
    pub datasets: Vec<Dataset>,
    /// In all pages.
    pub total: u64,
    /// Of each status, whatever status the filter asks for.
    pub counts: Vec<(DatasetStatus, u64)>,
}

pub async fn list(db: &mut PgConnection, filter: &Filter, retry: RetryPolicy) -> Result<Listed, StoreError> {
    let counts = counts(db, &filter.query).await?;
    let listed = counts.iter().filter(|(status, _)| filter.status.is_none_or(|only| only == *status));
    let total = listed.map(|(_, count)| count).sum();
    let ids = sqlx::query_scalar!(
        "SELECT id FROM datasets
         WHERE status <> 'deleting' AND ($1::text IS NULL OR status = $1)
             AND position(lower($2) IN lower(name || ' ' || repo_id)) > 0
         ORDER BY
             CASE WHEN NOT $4::bool THEN CASE $3::text WHEN 'created_at' THEN created_at WHEN 'updated_at' THEN updated_at END END,
             CASE WHEN $4 THEN CASE $3 WHEN 'created_at' THEN created_at WHEN 'updated_at' THEN updated_at END END DESC,
             CASE WHEN NOT $4 THEN CASE $3 WHEN 'size_bytes' THEN size_bytes WHEN 'row_count' THEN row_count END END,
             CASE WHEN $4 THEN CASE $3 WHEN 'size_bytes' THEN size_bytes WHEN 'row_count' THEN row_count END END DESC NULLS LAST,
             CASE WHEN NOT $4 AND $3 = 'name' THEN name END,
             CASE WHEN $4 AND $3 = 'name' THEN name END DESC,
             id DESC
         OFFSET $5 LIMIT $6",
        filter.status.map(DatasetStatus::as_str),
        filter.query,
        filter.sort.by,
        filter.sort.descending,
        stored(filter.page.offset()),
        i64::from(filter.page.size),
    )
    .fetch_all(&mut *db)
    .await?;
    Ok(Listed { datasets: by_ids(db, &ids, retry).await?, total, counts })
}

/// How many datasets of each status have `query` in their name or repository id.
async fn counts(db: &mut PgConnection, query: &str) -> Result<Vec<(DatasetStatus, u64)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT status, count(*) AS "count!" FROM datasets
         WHERE status <> 'deleting' AND position(lower($1) IN lower(name || ' ' || repo_id)) > 0
         GROUP BY status"#,
        query,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((text("datasets.status", &row.status)?, row.count.cast_unsigned()))).collect()
}

/// The datasets of these ids, in this order.
async fn by_ids(db: &mut PgConnection, ids: &[Uuid], retry: RetryPolicy) -> Result<Vec<Dataset>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, name, repo_id, source, revision, coalesce(config, requested_config) AS config, commit_sha, status,
             version, file_path, row_count, size_bytes, schema, splits, metadata, error, event_seq, created_at, updated_at
         FROM datasets WHERE id = ANY($1) AND status <> 'deleting' ORDER BY array_position($1, id)"#,
        ids
    )
    .fetch_all(&mut *db)
    .await?;
    let mut tokenizations = tokenizations::of_datasets(db, ids).await?;
    let mut jobs = jobs::current(db, ids, retry).await?;
    rows.into_iter()
        .map(|row| {
            let id = DatasetId(row.id);
            Ok(Dataset {
                id,
                name: row.name,
                repo_id: RepoId::parse(&row.repo_id)
                    .map_err(|error| StoreError::Corrupt { column: "datasets.repo_id", value: error.0 })?,
                source: row.source,
                status: text("datasets.status", &row.status)?,
                revision: row.revision,
                commit_sha: row.commit_sha,
                config: row.config,
                splits: json("datasets.splits", row.splits)?,
                file_path: row.file_path,
                row_count: row.row_count.map(i64::cast_unsigned),
                size_bytes: row.size_bytes.map(i64::cast_unsigned),
                schema: row.schema,
                metadata: row.metadata,
                error: row.error.map(|error| json("datasets.error", error)).transpose()?,
                tokenizations: tokenizations.remove(&id).unwrap_or_default(),
                job: jobs.remove(&id),
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version.cast_unsigned(),
                event_seq: row.event_seq.cast_unsigned(),
            })
        })
        .collect()
}
