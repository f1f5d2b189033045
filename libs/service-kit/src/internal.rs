//! The pages for orchestrators and Prometheus: `/livez`, `/readyz`, `/metrics`.

use crate::{Lifecycle, ServeError};
use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::net::TcpListener;

/// What must hold before a service takes work: named flags, all of them up.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<Vec<Condition>>>);

#[derive(Debug)]
struct Condition {
    name: &'static str,
    up: Arc<AtomicBool>,
}

/// One condition of readiness; down at first.
#[derive(Debug, Clone)]
pub struct ReadyFlag(Arc<AtomicBool>);

impl ReadyFlag {
    pub fn set(&self, up: bool) {
        self.0.store(up, Ordering::Relaxed);
    }
}

impl Readiness {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition.
    pub fn flag(&self, name: &'static str) -> ReadyFlag {
        let flag = Arc::new(AtomicBool::new(false));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Condition { name, up: Arc::clone(&flag) });
        ReadyFlag(flag)
    }

    /// The conditions that do not hold.
    pub fn missing(&self) -> Vec<&'static str> {
        let flags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flags.iter().filter(|c| !c.up.load(Ordering::Relaxed)).map(|c| c.name).collect()
    }
}

/// The process's metrics; installed once, shared by all services in it.
fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // Another recorder (a test's) may be there first; then the pages stay empty, and nothing breaks.
        let _ = metrics::set_global_recorder(recorder);
        handle
    })
}

/// Serves the pages until the process drops what is left: they must answer while it drains.
pub async fn serve_internal(
    listener: TcpListener,
    readiness: Readiness,
    lifecycle: &Lifecycle,
) -> Result<(), ServeError> {
    metrics();
    let draining = lifecycle.soft().clone();
    let ready = move |State(readiness): State<Readiness>| async move {
        let missing = readiness.missing();
        if draining.is_cancelled() {
            (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned())
        } else if missing.is_empty() {
            (StatusCode::OK, "ready\n".to_owned())
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for: {}\n", missing.join(", ")))
        }
    };
    let pages = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|| async { metrics().render() }))
        .with_state(readiness);
    let soft = lifecycle.soft().clone();
    axum::serve(listener, pages)
        .with_graceful_shutdown(async move { soft.cancelled().await })
        .await
        .map_err(|e| ServeError::new("health pages stopped", e))
}
