//! What a job may know as long as it runs, sealed.

use super::{StoreError, stored};
use dataset_model::{JobId, TaskId};
use sqlx::PgConnection;

pub async fn keep(db: &mut PgConnection, job: JobId, sealed: &[u8]) -> Result<(), StoreError> {
    sqlx::query!("INSERT INTO job_secrets (job_id, sealed) VALUES ($1, $2)", job.0, sealed).execute(db).await?;
    Ok(())
}

/// The secret of a task's job, for an attempt that holds the task now.
pub async fn of_claim(db: &mut PgConnection, task: TaskId, attempt: u64) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT s.sealed FROM tasks t JOIN leases l ON l.task_id = t.id AND l.attempt = t.attempt
             JOIN job_secrets s ON s.job_id = t.job_id
         WHERE t.id = $1 AND t.attempt = $2 AND t.state = 'running' AND l.expires_at > clock_timestamp()",
        task.0,
        stored(attempt),
    )
    .fetch_optional(db)
    .await?)
}

/// The job has ended.
pub async fn wipe(db: &mut PgConnection, job: JobId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM job_secrets WHERE job_id = $1", job.0).execute(db).await?;
    Ok(())
}
