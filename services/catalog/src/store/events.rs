//! Numbered events of datasets.

use super::{StoreError, json};
use chrono::{DateTime, Utc};
use dataset_model::{DatasetEvent, DatasetId};
use sqlx::{PgConnection, types::Json};

/// LISTEN on this channel: the payload is the dataset's id.
pub const CHANNEL: &str = "tokenmill_dataset";

/// An event as it happened.
#[derive(Debug, Clone)]
pub struct Numbered {
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub event: DatasetEvent,
}

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

/// The events after `seq`, in order.
pub async fn since(db: &mut PgConnection, id: DatasetId, seq: u64, limit: u32) -> Result<Vec<Numbered>, StoreError> {
    let rows = sqlx::query!(
        "SELECT seq, at, body FROM events WHERE dataset_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        id.0,
        super::stored(seq),
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Numbered { seq: row.seq.cast_unsigned(), at: row.at, event: json("events.body", row.body)? }))
        .collect()
}

/// The last event that ended a job.
pub async fn last_terminal(db: &mut PgConnection, id: DatasetId) -> Result<Option<Numbered>, StoreError> {
    let row = sqlx::query!(
        "SELECT seq, at, body FROM events
         WHERE dataset_id = $1 AND type NOT IN ('dataset_updated', 'dataset_deleted') ORDER BY seq DESC LIMIT 1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok(Numbered { seq: row.seq.cast_unsigned(), at: row.at, event: json("events.body", row.body)? }))
        .transpose()
}
