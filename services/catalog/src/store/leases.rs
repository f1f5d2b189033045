//! Leases: hot rows, compared to the database's clock only.

use super::{StoreError, stored};
use crate::domain::silence::Lease;
use dataset_model::TaskId;
use sqlx::PgConnection;
use std::time::Duration;

/// Gives a task's lease to an attempt.
pub async fn grant(db: &mut PgConnection, task: TaskId, attempt: u64, length: Duration) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO leases (task_id, attempt, expires_at)
         VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
         ON CONFLICT (task_id) DO UPDATE
         SET attempt = excluded.attempt, heartbeat_count = 0, expires_at = excluded.expires_at",
        task.0,
        stored(attempt),
        length.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Renews a lease once a quarter of it is gone, so that not every heartbeat writes; at least half is always left.
pub async fn renew(db: &mut PgConnection, task: TaskId, attempt: u64, length: Duration) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE leases SET heartbeat_count = heartbeat_count + 1,
             expires_at = clock_timestamp() + make_interval(secs => $3::float8)
         WHERE task_id = $1 AND attempt = $2 AND expires_at < clock_timestamp() + make_interval(secs => $3::float8 * 0.75)",
        task.0,
        stored(attempt),
        length.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn end(db: &mut PgConnection, task: TaskId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM leases WHERE task_id = $1", task.0).execute(db).await?;
    Ok(())
}

/// Every lease there is: as many as tasks run.
pub async fn all(db: &mut PgConnection) -> Result<Vec<Lease>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT task_id, attempt, heartbeat_count, expires_at <= clock_timestamp() AS "expired!" FROM leases"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lease {
            task_id: TaskId(row.task_id),
            attempt: row.attempt.cast_unsigned(),
            heartbeat_count: row.heartbeat_count.cast_unsigned(),
            expired: row.expired,
        })
        .collect())
}

/// Locks a lease and reads it again.
pub async fn lock(db: &mut PgConnection, task: TaskId) -> Result<Option<Lease>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT attempt, heartbeat_count, expires_at <= clock_timestamp() AS "expired!"
         FROM leases WHERE task_id = $1 FOR UPDATE"#,
        task.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Lease {
        task_id: task,
        attempt: row.attempt.cast_unsigned(),
        heartbeat_count: row.heartbeat_count.cast_unsigned(),
        expired: row.expired,
    }))
}
