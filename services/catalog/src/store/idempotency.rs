//! Requests with a key, remembered for a day.

use super::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// First use; the transaction that claimed it records the result.
    Fresh,
    /// The same request was answered with this.
    Answered(Uuid),
    /// Another request used it.
    Reused,
}

/// Claims a key. Two transactions with one key wait for each other here, before they lock anything else.
pub async fn claim(db: &mut PgConnection, principal: &str, key: &str, hash: &[u8]) -> Result<Key, StoreError> {
    let inserted = sqlx::query!(
        "INSERT INTO idempotency (principal, key, request_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        principal,
        key,
        hash
    )
    .execute(&mut *db)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Key::Fresh);
    }
    let row = sqlx::query!(
        "SELECT request_hash, result_id FROM idempotency WHERE principal = $1 AND key = $2",
        principal,
        key
    )
    .fetch_one(db)
    .await?;
    Ok(match row.result_id {
        Some(id) if row.request_hash == hash => Key::Answered(id),
        _ => Key::Reused,
    })
}

pub async fn record(db: &mut PgConnection, principal: &str, key: &str, result: Uuid) -> Result<(), StoreError> {
    sqlx::query!("UPDATE idempotency SET result_id = $3 WHERE principal = $1 AND key = $2", principal, key, result)
        .execute(db)
        .await?;
    Ok(())
}
