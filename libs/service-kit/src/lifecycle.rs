//! How a process ends: softly first, then at once.
//!
//! `soft` asks to stop accepting and to hand back; after the grace time, or at a second signal, `hard` drops what is
//! left. Every spawned future belongs to a lifecycle, so that nothing outlives it unseen.

use crate::ServeError;
use std::{
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

/// How long a graceful stop may take. `tokenmill up` stops in two steps, and orchestrators kill after 30 s.
const GRACE: Duration = Duration::from_secs(10);

/// Shared by all parts of a process.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tracker: TaskTracker,
    /// Names of what runs, to say what a stop waits for.
    running: Arc<Mutex<Vec<&'static str>>>,
}

impl Lifecycle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the process should stop accepting and hand its work back.
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when what is left is dropped.
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Spawns a future that ends at the latest when `hard` is cancelled.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let (hard, running) = (self.hard.clone(), Arc::clone(&self.running));
        lock(&running).push(name);
        let bounded = async move {
            tokio::select! {
                () = future => {}
                () = hard.cancelled() => {}
            }
            let mut names = lock(&running);
            if let Some(at) = names.iter().position(|one| *one == name) {
                names.swap_remove(at);
            }
        };
        tokio::spawn(self.tracker.track_future(bounded.instrument(tracing::info_span!("task", name))));
    }

    /// Stops softly, waits for everything spawned, and stops hard after the grace time.
    pub async fn shutdown(&self) {
        self.soft.cancel();
        self.tracker.close();
        if tokio::time::timeout(GRACE, self.tracker.wait()).await.is_err() {
            tracing::warn!(left = ?lock(&self.running), "grace time of {} s is over: dropping what is left", GRACE.as_secs());
        }
        self.hard.cancel();
        self.tracker.wait().await;
    }
}

fn lock<'a>(names: &'a Mutex<Vec<&'static str>>) -> MutexGuard<'a, Vec<&'static str>> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bound sockets of a service: bound before any work, so that a clash of ports fails first, and on port 0 in tests.
#[derive(Debug)]
pub struct Listeners {
    /// gRPC, Flight or HTTP: what the service is for.
    pub api: TcpListener,
    /// `/livez`, `/readyz`, `/metrics`.
    pub internal: TcpListener,
}

impl Listeners {
    pub async fn bind(api: SocketAddr, internal: SocketAddr) -> Result<Self, ServeError> {
        Ok(Self { api: bind(api).await?, internal: bind(internal).await? })
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|e| ServeError::new(format!("cannot listen on {address}"), e))
}
