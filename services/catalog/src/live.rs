//! Which datasets changed, and how their running jobs stand: what wakes the watchers.
//!
//! However many watch, the database is asked once: notifications say at once that a dataset may have new events, and one
//! poll reads the counters of all watched datasets together with the number of their last event. So a notification that
//! was lost while the connection broke costs one period of the poll and nothing else.

mod dataset;
mod panel;

pub(crate) use dataset::{DatasetWatcher, Item};
pub(crate) use panel::{PanelItem, PanelWatcher};

use crate::store::{StoreError, watch::RunningJob};
use dataset_model::DatasetId;
use sqlx::{PgPool, postgres::PgListener};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{broadcast, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Enough for a burst; a panel that lags behind simply reads everything it watches.
const BACKLOG: usize = 1024;
/// Progress is told at most this often.
pub(crate) const PERIOD: Duration = Duration::from_millis(500);

/// What the watchers of one dataset wait for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct News {
    /// Raised by each notification: there may be events that nobody told yet.
    pub heard: u64,
    /// The last event when the poll looked.
    pub seq: u64,
    /// The jobs that ran then.
    pub running: Arc<Vec<RunningJob>>,
}

/// Spreads what is heard to the watchers of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    changed: broadcast::Sender<DatasetId>,
    topics: Arc<Mutex<HashMap<Uuid, watch::Sender<News>>>>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self { changed: broadcast::Sender::new(BACKLOG), topics: Arc::default() }
    }

    /// The datasets that change from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<DatasetId> {
        self.changed.subscribe()
    }

    /// The news of one dataset from now on.
    pub(crate) fn news(&self, id: DatasetId) -> watch::Receiver<News> {
        self.topics().entry(id.0).or_default().subscribe()
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<News>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens until `stop`, over broken connections.
    pub(crate) async fn listen(self, pool: PgPool, stop: CancellationToken) {
        let forward = async {
            loop {
                if let Err(error) = self.forward(&pool).await {
                    tracing::debug!(%error, "not listening for changes; watchers hear from the poll");
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
            if let Ok(id) = listener.recv().await?.payload().parse::<DatasetId>() {
                if let Some(topic) = self.topics().get(&id.0) {
                    topic.send_modify(|news| news.heard += 1);
                }
                // No receiver: nobody watches the panel.
                let _ = self.changed.send(id);
            }
        }
    }

    /// Looks at all watched datasets again and again, until `stop`.
    pub(crate) async fn poll(self, pool: PgPool, stop: CancellationToken) {
        let mut tick = interval(PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let rounds = async {
            loop {
                tick.tick().await;
                if let Err(error) = self.look(&pool).await {
                    tracing::debug!(%error, "watched datasets cannot be looked at");
                }
            }
        };
        stop.run_until_cancelled(rounds).await;
    }

    async fn look(&self, pool: &PgPool) -> Result<(), StoreError> {
        let watched: Vec<Uuid> = {
            let mut topics = self.topics();
            topics.retain(|_, topic| topic.receiver_count() > 0);
            topics.keys().copied().collect()
        };
        if watched.is_empty() {
            return Ok(());
        }
        let standing = crate::store::watch::standing(&mut *pool.acquire().await?, &watched).await?;
        let topics = self.topics();
        for (id, seq, running) in standing {
            let Some(topic) = topics.get(&id.0) else { continue };
            topic.send_if_modified(|news| {
                let moved = news.seq != seq || *news.running != running;
                if moved {
                    (news.seq, news.running) = (seq, Arc::new(running));
                }
                moved
            });
        }
        Ok(())
    }
}
