//! What the reconciler looks for: rings that nobody heard, and rows that are too old.

use super::{StoreError, text};
use crate::domain::job::Kind;
use dataset_model::{DatasetId, JobKind};
use sqlx::PgConnection;

/// Takes tasks that have been due for 30 s without being claimed or rung for, and notes that they are rung for again.
pub async fn take_unheard(db: &mut PgConnection) -> Result<Vec<(JobKind, u32)>, StoreError> {
    let rows = sqlx::query!(
        r#"WITH unheard AS (
             SELECT id FROM tasks
             WHERE state = 'queued' AND held_by IS NULL AND next_run_at < clock_timestamp() - interval '30 s'
                 AND rung_at < clock_timestamp() - interval '30 s'
             LIMIT 1000 FOR UPDATE SKIP LOCKED
         ), rung AS (
             UPDATE tasks SET rung_at = clock_timestamp() FROM unheard WHERE tasks.id = unheard.id RETURNING queue
         ) SELECT queue, count(*) AS "count!" FROM rung GROUP BY queue"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let queue = text::<Kind>("tasks.queue", &row.queue)?.queue();
            Ok((queue, u32::try_from(row.count).unwrap_or(u32::MAX)))
        })
        .collect()
}

/// Removes what is remembered for a time only: idempotency keys and events of deleted datasets for a day, published
/// rings (and those that could not be) for an hour, pins until they expire.
pub async fn forget_old(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM idempotency WHERE created_at < clock_timestamp() - interval '24 h'")
        .execute(&mut *db)
        .await?;
    sqlx::query!("DELETE FROM outbox WHERE published_at < clock_timestamp() - interval '1 h'")
        .execute(&mut *db)
        .await?;
    sqlx::query!("DELETE FROM read_pins WHERE expires_at < clock_timestamp()").execute(&mut *db).await?;
    sqlx::query!(
        "DELETE FROM events USING events gone
         WHERE gone.type = 'dataset_deleted' AND gone.at < clock_timestamp() - interval '24 h'
             AND events.dataset_id = gone.dataset_id"
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes partial downloads of ended jobs that nobody went on with for 7 days.
pub async fn take_old_partials(db: &mut PgConnection) -> Result<Vec<(DatasetId, String)>, StoreError> {
    let rows = sqlx::query!(
        "UPDATE files SET state = 'deleting' FROM (
             SELECT f.key FROM files f JOIN jobs j ON j.id = f.job_id
             WHERE f.kind = 'partial' AND f.state = 'staged' AND f.staged_at < clock_timestamp() - interval '7 days'
                 AND j.state NOT IN ('queued', 'running')
             LIMIT 500 FOR UPDATE OF f SKIP LOCKED
         ) old WHERE files.key = old.key RETURNING files.dataset_id, files.key"
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (DatasetId(row.dataset_id), row.key)).collect())
}
