//! Files that workers announced.

use super::{StoreError, stored};
use dataset_model::{DatasetId, JobId, StagedFile, TaskId, TokenizationId, UploadedFile};
use sqlx::PgConnection;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Shard,
    /// Metadata, counts, partial statistics.
    Side,
    /// A partial download.
    Partial,
    /// A file that a user sent.
    Source,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Shard => "shard",
            Self::Side => "side",
            Self::Partial => "partial",
            Self::Source => "source",
        }
    }
}

/// Who writes a file.
#[derive(Debug, Clone, Copy)]
pub struct Writer {
    pub dataset_id: DatasetId,
    pub tokenization_id: Option<TokenizationId>,
    pub job_id: JobId,
    pub task_id: TaskId,
    pub attempt: u64,
}

/// Announces a file before its first byte. A key that was used before, by a partial download or under a fixed name such
/// as the manifest's, passes to the new attempt, also when it was about to be removed.
pub async fn stage(db: &mut PgConnection, writer: Writer, key: &str, kind: Kind) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO files (key, dataset_id, tokenization_id, job_id, task_id, attempt, kind)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (key) DO UPDATE SET dataset_id = excluded.dataset_id, tokenization_id = excluded.tokenization_id,
             job_id = excluded.job_id, task_id = excluded.task_id, attempt = excluded.attempt,
             state = 'staged', staged_at = clock_timestamp()
         WHERE files.state <> 'committed'",
        key,
        writer.dataset_id.0,
        writer.tokenization_id.map(|id| id.0),
        writer.job_id.0,
        writer.task_id.0,
        stored(writer.attempt),
        kind.as_str(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records what a user sent, as files of the job's plan: they stay until a job has made shards of them.
pub async fn add_sources(
    db: &mut PgConnection,
    dataset: DatasetId,
    job: JobId,
    files: &[UploadedFile],
) -> Result<(), StoreError> {
    let keys: Vec<_> = files.iter().map(|file| file.key.clone()).collect();
    let sizes: Vec<_> = files.iter().map(|file| stored(file.size_bytes)).collect();
    let digests: Vec<_> = files.iter().map(|file| file.sha256.clone()).collect();
    sqlx::query!(
        "INSERT INTO files (key, dataset_id, job_id, task_id, attempt, kind, state, size_bytes, sha256)
         SELECT new.key, $1, $2, tasks.id, 0, $3, 'committed', new.size_bytes, decode(new.sha256, 'hex')
         FROM tasks, unnest($4::text[], $5::bigint[], $6::text[]) AS new (key, size_bytes, sha256)
         WHERE tasks.job_id = $2 AND tasks.kind = 'plan'",
        dataset.0,
        job.0,
        Kind::Source.as_str(),
        &keys,
        &sizes,
        &digests,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The keys that no row has.
pub async fn unknown(db: &mut PgConnection, keys: &[String]) -> Result<Vec<String>, StoreError> {
    let keys = sqlx::query_scalar!(
        r#"SELECT asked.key AS "key!" FROM unnest($1::text[]) AS asked(key)
           WHERE NOT EXISTS (SELECT FROM files WHERE files.key = asked.key) ORDER BY asked.key"#,
        keys
    )
    .fetch_all(db)
    .await?;
    Ok(keys)
}

/// Whether a worker is removing this file now. Asked after [`stage`] has locked the row.
pub async fn is_being_removed(db: &mut PgConnection, key: &str) -> Result<bool, StoreError> {
    let removed = sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM leases l JOIN tasks t ON t.id = l.task_id WHERE t.kind = 'gc' AND t.spec->'keys' ? $1
         ) AS "removed!""#,
        key
    );
    Ok(removed.fetch_one(db).await?)
}

/// Takes those keys out of a claimed `gc` task that are in use again; the rows stay locked, so that nobody can take one
/// back until the claim is known.
pub async fn narrow_gc(db: &mut PgConnection, task: TaskId) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH wanted AS (
             SELECT f.key FROM files f, tasks t
             WHERE t.id = $1 AND t.spec->'keys' ? f.key AND f.state = 'deleting' FOR UPDATE OF f
         )
         UPDATE tasks SET spec = jsonb_set(spec, '{keys}', (SELECT coalesce(jsonb_agg(key), '[]') FROM wanted))
         WHERE id = $1 AND spec ? 'keys'",
        task.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A file lies durable under its key, and belongs to what the job makes.
pub async fn commit(db: &mut PgConnection, writer: Writer, file: &StagedFile, kind: Kind) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO files (key, dataset_id, tokenization_id, job_id, task_id, attempt, kind, state, size_bytes, sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'committed', $8, $9)
         ON CONFLICT (key) DO UPDATE SET state = 'committed', size_bytes = excluded.size_bytes,
             sha256 = excluded.sha256, job_id = excluded.job_id, task_id = excluded.task_id",
        file.key,
        writer.dataset_id.0,
        writer.tokenization_id.map(|id| id.0),
        writer.job_id.0,
        writer.task_id.0,
        stored(writer.attempt),
        kind.as_str(),
        stored(file.size_bytes),
        file.sha256.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The side files that a task committed, for its successors.
pub async fn side_files(db: &mut PgConnection, tasks: &[uuid::Uuid]) -> Result<Vec<(TaskId, StagedFile)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT task_id, key, size_bytes AS "size_bytes!", sha256 AS "sha256!" FROM files
         WHERE task_id = ANY($1) AND kind = 'side' AND state = 'committed' ORDER BY key"#,
        tasks
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let sha256 = super::shards::digest("files.sha256", &row.sha256)?;
            Ok((TaskId(row.task_id), StagedFile { key: row.key, size_bytes: row.size_bytes.cast_unsigned(), sha256 }))
        })
        .collect()
}

/// Marks what a job that did not succeed left unfinished, except partial downloads: the next job goes on with those.
pub async fn discard_unfinished(db: &mut PgConnection, job: JobId) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "UPDATE files SET state = 'deleting' WHERE job_id = $1 AND state = 'staged' AND kind <> 'partial' RETURNING key",
        job.0
    )
    .fetch_all(db)
    .await?)
}

/// Marks everything of a finished dataset (or tokenization) that is not part of the result: earlier attempts, earlier
/// jobs, partial downloads, statistics that were merged. `kept` are the files beside the shards that stay.
pub async fn discard_leftovers(
    db: &mut PgConnection,
    dataset: DatasetId,
    tokenization: Option<TokenizationId>,
    kept: &[String],
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "UPDATE files SET state = 'deleting'
         WHERE dataset_id = $1 AND tokenization_id IS NOT DISTINCT FROM $2 AND state <> 'deleting'
             AND key <> ALL($3)
             AND NOT EXISTS (SELECT FROM shards s WHERE s.key = files.key AND s.ordinal IS NOT NULL)
         RETURNING key",
        dataset.0,
        tokenization.map(|id| id.0),
        kept,
    )
    .fetch_all(db)
    .await?)
}

/// Partial downloads, which lie outside the dataset's folder.
pub async fn partials(db: &mut PgConnection, dataset: DatasetId) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT key FROM files WHERE dataset_id = $1 AND kind = 'partial'", dataset.0)
        .fetch_all(db)
        .await?)
}

/// Everything of a dataset, or of one tokenization, is to go.
pub async fn mark_deleting(
    db: &mut PgConnection,
    dataset: DatasetId,
    tokenization: Option<TokenizationId>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE files SET state = 'deleting' WHERE dataset_id = $1 AND ($2::uuid IS NULL OR tokenization_id = $2)",
        dataset.0,
        tokenization.map(|id| id.0),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The bytes are gone.
pub async fn forget(db: &mut PgConnection, keys: &[String]) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM files WHERE key = ANY($1) AND state = 'deleting'", keys).execute(db).await?;
    Ok(())
}
