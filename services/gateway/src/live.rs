//! Live feeds: the catalog's watch streams as WebSocket channels and as server-sent events.
//!
//! The catalog decides what a watcher gets and in which order (numbered events it missed, a snapshot, then what
//! happens); the gateway translates, once for all who watch the same, and bounds what a slow reader may cost.

mod channels;
mod message;
mod outbox;
mod panel;
pub(crate) mod sse;
mod upstream;
pub(crate) mod websocket;
pub(crate) mod wire;

pub(crate) use channels::Channels;

use crate::{config::Gateway as Settings, error::ApiError};
use dataset_model::Reason;
use service_kit::Lifecycle;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// What all feeds share: how many there are, and when they must end.
#[derive(Debug, Clone)]
pub(crate) struct Feeds {
    pub channels: Channels,
    places: Arc<Semaphore>,
    open: TaskTracker,
    draining: CancellationToken,
}

/// One open feed; it is counted until this is dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _token: TaskTrackerToken,
}

impl Feeds {
    pub(crate) fn new(channels: Channels, settings: &Settings, lifecycle: &Lifecycle) -> Self {
        let places = Arc::new(Semaphore::new(settings.max_feeds));
        Self { channels, places, open: TaskTracker::new(), draining: lifecycle.soft().clone() }
    }

    fn enter(&self) -> Result<Place, ApiError> {
        if self.draining.is_cancelled() {
            return Err(ApiError::new(Reason::Draining, "the gateway is shutting down"));
        }
        let permit = Arc::clone(&self.places).try_acquire_owned();
        let permit = permit.map_err(|_| ApiError::new(Reason::Overloaded, "too many feeds are open"))?;
        Ok(Place { _permit: permit, _token: self.open.token() })
    }

    /// Waits until the last feed is closed.
    pub(crate) async fn closed(&self) {
        self.open.close();
        self.open.wait().await;
    }
}
