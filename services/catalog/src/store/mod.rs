//! SQL in, domain types out. Functions take a connection, never a pool: the caller opens the transaction.
//!
//! Locks are taken in one order everywhere, dataset → tokenization → job → task → lease → files, and every transaction
//! that writes an event of a dataset holds its row, so that the events' numbers are dense.

mod error;

pub mod datasets;
pub mod events;
pub mod files;
pub mod idempotency;
pub mod jobs;
pub mod leases;
pub mod outbox;
pub mod plans;
pub mod secrets;
pub mod shards;
pub mod sweep;
pub mod tasks;
pub mod tokenizations;
pub mod views;
pub(crate) mod watch;

pub use error::StoreError;

use serde::de::DeserializeOwned;
use sqlx::{
    PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

static MIGRATOR: Migrator = sqlx::migrate!();

/// Brings the schema up to date; replicas that start together wait for one another.
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    MIGRATOR.run(pool).await.map_err(|error| match error {
        MigrateError::Execute(error) => error.into(),
        error => StoreError::Query(error.into()),
    })
}

/// A pool that gives up early: a caller is told `DB_UNAVAILABLE` and asks again, instead of queueing.
pub fn connect(url: &str, max_connections: u32) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("tokenmill-catalog").options([
        ("statement_timeout", "8000"),
        ("lock_timeout", "5000"),
        ("idle_in_transaction_session_timeout", "15000"),
        // An acknowledged change survives a crash, whatever the server's default is.
        ("synchronous_commit", "on"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(3))
        .connect_lazy_with(options);
    Ok(pool)
}

/// Reads a state or kind.
fn text<T: FromStr>(column: &'static str, value: &str) -> Result<T, StoreError> {
    value.parse().map_err(|_| StoreError::Corrupt { column, value: value.to_owned() })
}

/// Reads a JSON column.
fn json<T: DeserializeOwned>(column: &'static str, value: serde_json::Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| StoreError::Corrupt { column, value: error.to_string() })
}

/// A count for a `bigint`; what is beyond is no count of anything.
fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A number for an `int`.
fn small(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
