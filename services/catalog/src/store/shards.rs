//! Shards: committed by tasks, put in their place by `finish`, read in order.

use super::{StoreError, json, small, stored};
use dataset_model::{DatasetId, JobId, ReplacedShard, Shard, Split, TaskId, TokenizationId};
use sqlx::{PgConnection, types::Json};

/// Whose shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub dataset_id: DatasetId,
    /// None: raw shards.
    pub tokenization_id: Option<TokenizationId>,
}

pub(super) fn digest(column: &'static str, bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Corrupt { column, value: hex::encode(bytes) })
}

fn digest_bytes(digests: &[u64]) -> Vec<u8> {
    digests.iter().flat_map(|digest| digest.to_le_bytes()).collect()
}

/// Inserts a shard; the same one again is fine. Returns whether the row now holds this shard's bytes.
pub async fn insert(db: &mut PgConnection, owner: Owner, task: TaskId, shard: &Shard) -> Result<bool, StoreError> {
    let digests = digest_bytes(&shard.batch_digests);
    sqlx::query!(
        "INSERT INTO shards (task_id, n, dataset_id, tokenization_id, split, key, row_count, size_bytes, sha256,
             batch_digests, sources)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (task_id, n) DO NOTHING",
        task.0,
        small(shard.n),
        owner.dataset_id.0,
        owner.tokenization_id.map(|id| id.0),
        shard.split,
        shard.key,
        stored(shard.row_count),
        stored(shard.size_bytes),
        shard.sha256.as_slice(),
        digests,
        Json(&shard.sources) as _,
    )
    .execute(&mut *db)
    .await?;
    let same = sqlx::query_scalar!(
        r#"SELECT sha256 = $3 AND key = $4 AS "same!" FROM shards WHERE task_id = $1 AND n = $2"#,
        task.0,
        small(shard.n),
        shard.sha256.as_slice(),
        shard.key,
    );
    Ok(same.fetch_one(db).await?)
}

/// Leads a shard of a job to the file that has its rows now. Returns whether there is such a shard.
pub async fn replace(db: &mut PgConnection, job: JobId, new: &ReplacedShard) -> Result<bool, StoreError> {
    let replaced = sqlx::query!(
        "UPDATE shards SET key = $3, size_bytes = $4, sha256 = $5, batch_digests = $6
         FROM tasks t WHERE t.id = shards.task_id AND t.job_id = $1 AND shards.key = $2",
        job.0,
        new.old_key,
        new.file.key,
        stored(new.file.size_bytes),
        new.file.sha256.as_slice(),
        digest_bytes(&new.batch_digests),
    );
    Ok(replaced.execute(db).await?.rows_affected() == 1)
}

/// Gives every shard of a job its place: by the order of its task, then of the shard in it, within each split.
pub async fn place(db: &mut PgConnection, job: JobId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE shards SET ordinal = placed.ordinal, row_start = placed.row_start
         FROM (
             SELECT s.task_id, s.n, row_number() OVER sorted - 1 AS ordinal,
                    sum(s.row_count) OVER sorted - s.row_count AS row_start
             FROM shards s JOIN tasks t ON t.id = s.task_id WHERE t.job_id = $1
             WINDOW sorted AS (PARTITION BY s.split ORDER BY t.ordinal, s.n ROWS UNBOUNDED PRECEDING)
         ) placed
         WHERE shards.task_id = placed.task_id AND shards.n = placed.n",
        job.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the shards of earlier jobs of an owner; their files are discarded by the caller.
pub async fn forget_unplaced(db: &mut PgConnection, owner: Owner) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM shards
         WHERE dataset_id = $1 AND tokenization_id IS NOT DISTINCT FROM $2 AND ordinal IS NULL",
        owner.dataset_id.0,
        owner.tokenization_id.map(|id| id.0),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Rows and bytes of each split that has placed shards, by name.
pub async fn totals(db: &mut PgConnection, owner: Owner) -> Result<Vec<Split>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT split, sum(row_count)::bigint AS "row_count!", sum(size_bytes)::bigint AS "size_bytes!" FROM shards
         WHERE dataset_id = $1 AND tokenization_id IS NOT DISTINCT FROM $2 AND ordinal IS NOT NULL
         GROUP BY split ORDER BY split"#,
        owner.dataset_id.0,
        owner.tokenization_id.map(|id| id.0),
    )
    .fetch_all(db)
    .await?;
    let split = |name, rows: i64, bytes: i64| Split {
        name,
        row_count: rows.cast_unsigned(),
        size_bytes: bytes.cast_unsigned(),
    };
    Ok(rows.into_iter().map(|row| split(row.split, row.row_count, row.size_bytes)).collect())
}

/// Digests of the placed shards of one split, in order.
pub async fn digests(db: &mut PgConnection, dataset: DatasetId, split: &str) -> Result<Vec<[u8; 32]>, StoreError> {
    let rows = sqlx::query_scalar!(
        "SELECT sha256 FROM shards
         WHERE dataset_id = $1 AND tokenization_id IS NULL AND split = $2 AND ordinal IS NOT NULL ORDER BY ordinal",
        dataset.0,
        split
    )
    .fetch_all(db)
    .await?;
    rows.iter().map(|bytes| digest("shards.sha256", bytes)).collect()
}

/// One more than `limit` placed shards, by the order of `splits`, then ordinal.
pub async fn list(
    db: &mut PgConnection,
    owner: Owner,
    splits: &[String],
    offset: u64,
    limit: u32,
) -> Result<Vec<Shard>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT task_id, n, split, key, row_count, size_bytes, sha256, batch_digests, sources, ordinal, row_start
         FROM shards
         WHERE dataset_id = $1 AND tokenization_id IS NOT DISTINCT FROM $2 AND ordinal IS NOT NULL
             AND split = ANY($3)
         ORDER BY array_position($3, split), ordinal OFFSET $4 LIMIT $5",
        owner.dataset_id.0,
        owner.tokenization_id.map(|id| id.0),
        splits,
        stored(offset),
        i64::from(limit) + 1,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Shard::try_from).collect()
}

/// What these tasks committed, by task and n.
pub async fn of_tasks(db: &mut PgConnection, tasks: &[uuid::Uuid]) -> Result<Vec<(TaskId, Shard)>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT task_id, n, split, key, row_count, size_bytes, sha256, batch_digests, sources, ordinal, row_start
         FROM shards WHERE task_id = ANY($1) ORDER BY task_id, n",
        tasks
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((TaskId(row.task_id), Shard::try_from(row)?))).collect()
}

#[expect(clippy::struct_field_names, reason = "the columns' names")]
struct Row {
    task_id: uuid::Uuid,
    n: i32,
    split: String,
    key: String,
    row_count: i64,
    size_bytes: i64,
    sha256: Vec<u8>,
    batch_digests: Vec<u8>,
    sources: serde_json::Value,
    ordinal: Option<i32>,
    row_start: Option<i64>,
}

impl TryFrom<Row> for Shard {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        Ok(Self {
            sha256: digest("shards.sha256", &row.sha256)?,
            batch_digests: row
                .batch_digests
                .as_chunks::<8>()
                .0
                .iter()
                .map(|bytes| u64::from_le_bytes(*bytes))
                .collect(),
            sources: json("shards.sources", row.sources)?,
            key: row.key,
            split: row.split,
            n: row.n.cast_unsigned(),
            row_count: row.row_count.cast_unsigned(),
            size_bytes: row.size_bytes.cast_unsigned(),
            ordinal: row.ordinal.map(i32::cast_unsigned),
            row_start: row.row_start.map(i64::cast_unsigned),
        })
    }
}
