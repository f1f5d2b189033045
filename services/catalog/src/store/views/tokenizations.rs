//! Tokenizations with the progress of their active job.

use super::jobs;
use crate::store::{StoreError, json, text};
use dataset_model::{DatasetId, JobId, Tokenization, TokenizationId, TokenizationStatus, TokenizeConfig};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A tokenization; none when it or its dataset is unknown or being deleted.
pub async fn get(db: &mut PgConnection, id: TokenizationId) -> Result<Option<Tokenization>, StoreError> {
    Ok(select(db, None, Some(id.0)).await?.pop())
}

/// The tokenizations of these datasets, newest first.
pub async fn of_datasets(
    db: &mut PgConnection,
    datasets: &[Uuid],
) -> Result<HashMap<DatasetId, Vec<Tokenization>>, StoreError> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for tokenization in select(db, Some(datasets), None).await? {
        found.entry(tokenization.dataset_id).or_default().push(tokenization);
    }
    Ok(found)
}

async fn select(
    db: &mut PgConnection,
    datasets: Option<&[Uuid]>,
    id: Option<Uuid>,
) -> Result<Vec<Tokenization>, StoreError> {
    let rows = sqlx::query!(
        "SELECT t.id, t.dataset_id, t.identity, t.identity_fields, t.tokenizer_name, t.tokenizer_revision,
             t.tokenizer_sha256, t.engine, t.config, t.status, t.version, t.num_tokens, t.num_sequences, t.vocab_size,
             t.token_file_path, t.error, t.job_id, t.created_at, t.updated_at
         FROM tokenizations t JOIN datasets d ON d.id = t.dataset_id
         WHERE ($1::uuid[] IS NULL OR t.dataset_id = ANY($1)) AND ($2::uuid IS NULL OR t.id = $2)
             AND t.status <> 'deleting' AND d.status <> 'deleting'
         ORDER BY t.created_at DESC, t.id DESC",
        datasets,
        id
    )
    .fetch_all(&mut *db)
    .await?;
    let active = |status: &str| ["pending", "running"].contains(&status);
    let ids: Vec<Uuid> = rows.iter().filter(|row| active(&row.status)).map(|row| row.job_id).collect();
    let mut progress = jobs::progress(db, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let config: TokenizeConfig = json("tokenizations.config", row.config)?;
            let job_id = JobId(row.job_id);
            let status: TokenizationStatus = text("tokenizations.status", &row.status)?;
            Ok(Tokenization {
                id: TokenizationId(row.id),
                dataset_id: DatasetId(row.dataset_id),
                status,
                tokenizer_name: row.tokenizer_name,
                tokenizer_revision: Some(row.tokenizer_revision),
                tokenizer_sha256: row.tokenizer_sha256,
                engine: row.engine,
                identity: hex::encode(row.identity),
                identity_fields: row.identity_fields,
                max_length: config.max_length,
                stride: config.stride,
                config,
                num_tokens: row.num_tokens.map(i64::cast_unsigned),
                num_sequences: row.num_sequences.map(i64::cast_unsigned),
                vocab_size: row.vocab_size.map(i64::cast_unsigned),
                token_file_path: row.token_file_path,
                progress: progress.remove(&job_id),
                error: row.error.map(|error| json("tokenizations.error", error)).transpose()?,
                job_id,
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version.cast_unsigned(),
            })
        })
        .collect()
}
