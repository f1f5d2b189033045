//! Numbered events of datasets.

use super::StoreError;
use dataset_model::{DatasetEvent, DatasetId};
use sqlx::{PgConnection, types::Json};

/// LISTEN on this channel: the payload is the dataset's id.
pub const CHANNEL: &str = "tokenmill_dataset_changed";

/// Appends an event under the dataset's row lock, so that the numbers are dense, and wakes the watchers at commit.
pub async fn append(db: &mut PgConnection, id: DatasetId, event: &DatasetEvent) -> Result<u64, StoreError> {
    let seq = sqlx::query_scalar!(
        r#"WITH numbered AS (
             UPDATE datasets SET event_seq = event_seq + 1, version = version + 1, updated_at = clock_timestamp()
             WHERE id = $1 RETURNING event_seq
         ), woken AS (SELECT pg_notify($4, $1::uuid::text))
         INSERT INTO events (dataset_id, seq, type, body)
         SELECT $1, event_seq, $2, $3 FROM numbered, woken RETURNING seq"#,
        id.0,
        event.name(),
        Json(event) as _,
        CHANNEL,
    )
    .fetch_one(db)
    .await?;
    Ok(seq.cast_unsigned())
}
