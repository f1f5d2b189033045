//! Doorbells to ring: written with the rows they speak of, published afterwards.

use super::{StoreError, text};
use crate::domain::job::Kind;
use dataset_model::{JobId, JobKind};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// Rings at once for a burst of tasks: each worker that hears one goes on until there is nothing left.
const RINGS: u32 = 64;

/// A ring that is due.
#[derive(Debug, Clone)]
pub struct Due {
    pub id: i64,
    pub queue: JobKind,
    pub ring_id: Uuid,
    pub tries: u32,
    /// W3C traceparent of the request behind it; empty when there is none.
    pub traceparent: String,
}

/// Queues rings for `tasks` new tasks, to be published after `wait`. They carry the trace of the request behind `job`.
pub async fn ring(
    db: &mut PgConnection,
    queue: JobKind,
    tasks: u32,
    wait: Duration,
    job: Option<JobId>,
) -> Result<(), StoreError> {
    // `gen_random_uuid()`: a ring is an event of the database, not a thing with an id of ours.
    sqlx::query!(
        "INSERT INTO outbox (queue, ring_id, next_try_at, traceparent)
         SELECT $1, gen_random_uuid(), clock_timestamp() + make_interval(secs => $3),
             coalesce((SELECT traceparent FROM jobs WHERE id = $4), '')
         FROM generate_series(1, $2)",
        queue.as_str(),
        super::small(tasks.min(RINGS)),
        wait.as_secs_f64(),
        job.map(|id| id.0),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes due rings for the length of the transaction; other relays pass over them.
pub async fn take_due(db: &mut PgConnection, limit: i64) -> Result<Vec<Due>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, queue, ring_id, tries, traceparent FROM outbox
         WHERE published_at IS NULL AND next_try_at <= clock_timestamp()
         ORDER BY next_try_at, id LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let queue = text::<Kind>("outbox.queue", &row.queue)?.queue();
            let tries = row.tries.cast_unsigned();
            Ok(Due { id: row.id, queue, ring_id: row.ring_id, tries, traceparent: row.traceparent })
        })
        .collect()
}

pub async fn published(db: &mut PgConnection, ids: &[i64]) -> Result<(), StoreError> {
    sqlx::query!("UPDATE outbox SET published_at = clock_timestamp() WHERE id = ANY($1)", ids).execute(db).await?;
    Ok(())
}

/// The publish failed: later again.
pub async fn postpone(db: &mut PgConnection, ids: &[i64], wait: Duration) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE outbox SET tries = tries + 1, next_try_at = clock_timestamp() + make_interval(secs => $2)
         WHERE id = ANY($1)",
        ids,
        wait.as_secs_f64()
    )
    .execute(db)
    .await?;
    Ok(())
}
