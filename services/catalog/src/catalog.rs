//! What the services share: the pool, the policies, and who is woken after a commit.

use crate::{
    config::Config,
    error::Failure,
    steps::{close::Closed, fail::Policy},
    store,
    vault::Vault,
};
use job_bus::JobBus;
use sqlx::{PgPool, Postgres, Transaction, pool::PoolConnection};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// One replica of the catalog. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    pool: PgPool,
    bus: Option<JobBus>,
    policy: Policy,
    grace: Duration,
    vault: Vault,
    wake: Arc<Notify>,
}

impl Catalog {
    pub fn new(pool: PgPool, bus: Option<JobBus>, config: &Config) -> Self {
        let policy = Policy { retry: config.jobs.retry_policy(), lease: config.jobs.lease() };
        let grace = Duration::from_secs_f64(config.storage.delete_grace_seconds);
        Self { pool, bus, policy, grace, vault: Vault::new(config), wake: Arc::default() }
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<PoolConnection<Postgres>, Failure> {
        Ok(self.pool.acquire().await?)
    }

    /// A transaction; dropped without [`Self::commit`] it never happened.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, Failure> {
        Ok(self.pool.begin().await?)
    }

    /// Commits, and wakes the relay for what the transaction queued.
    pub async fn commit(&self, tx: Transaction<'static, Postgres>) -> Result<(), Failure> {
        tx.commit().await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Tells the workers of ended jobs at once; their heartbeats would find out anyway.
    pub async fn hint(&self, closed: &Closed) {
        if let Some(bus) = &self.bus {
            for task in &closed.running {
                bus.hint_cancel(*task).await;
            }
        }
    }

    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// How long the files of something deleted wait for its readers at most.
    pub const fn grace(&self) -> Duration {
        self.grace
    }

    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    pub const fn bus(&self) -> Option<&JobBus> {
        self.bus.as_ref()
    }

    /// Rung after each commit; one ring is kept for a relay that is busy.
    pub fn wake(&self) -> &Notify {
        &self.wake
    }

    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// The pool of a configuration; connects when it is first used.
pub fn pool(config: &Config) -> Result<PgPool, store::StoreError> {
    store::connect(config.database.url.expose(), config.database.max_connections)
}
