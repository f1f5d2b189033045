//! Serves a folder of repositories over the Hugging Face Hub's own protocol.
//!
//! Air-gapped clusters and the demo point `HF_ENDPOINT` at it, and so can Python's `huggingface_hub` and
//! `datasets`: there is no second protocol to keep alive. The folder is `datasets/{owner}/{name}/…` and
//! `models/{owner}/{name}/…` (an owner is optional), read only and read live: its commit is a function of
//! its content, so a changed file is a new commit. Large files take the LFS route with its redirect and its
//! `X-Linked-…` headers, small ones the git route, because clients treat the two differently.

mod answer;
mod digest;
mod files;
mod metadata;
mod range;
mod refusal;
mod route;
mod snapshot;

use std::{future::IntoFuture, io, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long open downloads may go on after the shutdown was asked for.
const DRAIN: Duration = Duration::from_secs(5);

/// What is served and how it is cut up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that holds `datasets/` and `models/`.
    pub root: PathBuf,
    /// Entries on one page of a tree; the Hub uses 1000.
    pub page_size: usize,
    /// Files of at least so many bytes are LFS files, and so is every `*.parquet`. Default 1 MiB.
    pub lfs_threshold: u64,
}

impl Options {
    /// The Hub's own figures over the folder `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), page_size: 1000, lfs_threshold: 1 << 20 }
    }
}

/// The routes, to be served as they are or wrapped with something that misbehaves.
pub fn router(options: Options) -> Router {
    let store = Arc::new(snapshot::Store::new(options));
    Router::new().fallback(answer::answer).with_state(store)
}

/// Serves `root` until `shutdown` is cancelled, then lets open downloads end for a few seconds.
pub async fn serve(listener: TcpListener, root: PathBuf, shutdown: CancellationToken) -> io::Result<()> {
    let asked = shutdown.clone();
    let drained = async move {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    let server = axum::serve(listener, router(Options::new(root)))
        .with_graceful_shutdown(async move { asked.cancelled().await })
        .into_future();
    tokio::select! {
        ended = server => ended,
        () = drained => Ok(()),
    }
}
