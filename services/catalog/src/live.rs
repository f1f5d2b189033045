//! Which datasets changed, as Postgres tells: the wake-up of the watchers.
//!
//! Only a wake-up. Watchers read the tables, and read them again every second without having heard anything, so a
//! notification that was lost while the connection broke costs that second and nothing else.

mod dataset;
mod panel;

pub(crate) use dataset::{DatasetWatcher, Item};
pub(crate) use panel::{PanelItem, PanelWatcher};

use dataset_model::DatasetId;
use sqlx::{PgPool, postgres::PgListener};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Enough for a burst; a watcher that lags behind simply reads everything it watches.
const BACKLOG: usize = 1024;

/// Spreads the notifications to the watchers of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    changed: broadcast::Sender<DatasetId>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self { changed: broadcast::Sender::new(BACKLOG) }
    }

    /// The datasets that change from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<DatasetId> {
        self.changed.subscribe()
    }

    /// Waits until a dataset that `matches` changed, or until `limit`.
    pub(crate) async fn wait(
        changes: &mut broadcast::Receiver<DatasetId>,
        limit: Duration,
        matches: impl Fn(DatasetId) -> bool,
    ) {
        let heard = async {
            loop {
                match changes.recv().await {
                    Ok(id) if matches(id) => return,
                    Ok(_) => {}
                    // Too much to tell: what is watched may be among it.
                    Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let _ = tokio::time::timeout(limit, heard).await;
    }

    /// Listens until `stop`, over broken connections.
    pub(crate) async fn listen(self, pool: PgPool, stop: CancellationToken) {
        let forward = async {
            loop {
                if let Err(error) = self.forward(&pool).await {
                    tracing::debug!(%error, "not listening for changes; watchers poll");
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        stop.run_until_cancelled(forward).await;
    }

    async fn forward(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(crate::store::events::CHANNEL).await?;
        loop {
            if let Ok(id) = listener.recv().await?.payload().parse() {
                // No receiver: nobody watches.
                let _ = self.changed.send(id);
            }
        }
    }
}
