//! Removes files that the catalog does not know: what a crash left before its announcement could be cleaned up, or what
//! a worker wrote that woke up after its dataset was deleted.
//!
//! It lists the volume itself, not what anybody remembers. A file is announced before its first byte, so an unknown one
//! belongs to nobody; its age keeps the sweep away from what is being made right now all the same.

use catalog_client::CatalogClient;
use dataset_model::Problem;
use shard_store::{RawFile, ShardStore, StoreError};
use std::time::{Duration, SystemTime};

/// Keys in one question to the catalog.
const PAGE: usize = 500;
/// Copies of tokenizers, kept by content: known by no row, and wanted offline.
const KEPT: &str = "staging/tokenizers/";

/// Sweeps every `age`: files that are older and unknown go. Never returns.
pub(crate) async fn run(store: ShardStore, catalog: CatalogClient, age: Duration) {
    loop {
        tokio::time::sleep(age).await;
        match pass(&store, &catalog, age).await {
            Ok(0) => {}
            Ok(removed) => tracing::warn!(removed, "removed {removed} files that nothing knew"),
            Err(error) => tracing::warn!(%error, "the sweep was not finished; it comes again"),
        }
    }
}

/// What kept a sweep from its end.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error("the volume cannot be listed or changed")]
    Store(#[from] StoreError),
    #[error("the catalog did not answer: {0}")]
    Catalog(#[from] Problem),
    #[error("the sweep panicked")]
    Panicked(#[from] tokio::task::JoinError),
}

/// One sweep; returns how many files went.
async fn pass(store: &ShardStore, catalog: &CatalogClient, age: Duration) -> Result<usize, SweepError> {
    let listing = store.clone();
    let files = tokio::task::spawn_blocking(move || listing.list_raw()).await??;
    let Some(before) = SystemTime::now().checked_sub(age) else { return Ok(0) };
    let candidates: Vec<String> = files.into_iter().filter(|file| is_candidate(file, before)).map(|f| f.key).collect();
    let mut removed = 0;
    for page in candidates.chunks(PAGE) {
        let unknown = catalog.list_unknown_files(page.iter().map(|key| announced(key).to_owned()).collect()).await?;
        let doomed: Vec<String> =
            page.iter().filter(|key| unknown.iter().any(|other| other == announced(key))).cloned().collect();
        let store = store.clone();
        removed += tokio::task::spawn_blocking(move || remove(&store, &doomed)).await??;
    }
    Ok(removed)
}

fn remove(store: &ShardStore, keys: &[String]) -> Result<usize, StoreError> {
    let mut removed = 0;
    for key in keys {
        removed += usize::from(store.remove(key)?);
    }
    Ok(removed)
}

/// Only what this system writes: a data directory may hold a database as well.
fn is_candidate(file: &RawFile, before: SystemTime) -> bool {
    let ours = file.key.starts_with("datasets/") || file.key.starts_with("staging/");
    ours && !file.key.starts_with(KEPT) && file.modified < before
}

/// The key that was announced for a file: what lies beside a partial download goes and stays with it.
fn announced(key: &str) -> &str {
    key.strip_suffix(".etag").unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &str, modified: SystemTime) -> RawFile {
        RawFile { key: key.to_owned(), size_bytes: 1, modified }
    }

    #[test]
    fn only_old_files_of_ours_are_candidates() {
        let now = SystemTime::now();
        let old = now - Duration::from_secs(10);
        assert!(is_candidate(&file("datasets/a/b/raw/0-0-0.01234567.arrow", old), now));
        assert!(is_candidate(&file("staging/0a.part", old), now));
        assert!(!is_candidate(&file("staging/0a.part", now), old), "younger than the age");
        assert!(!is_candidate(&file("staging/tokenizers/content/0a", old), now), "a copy to keep");
        assert!(!is_candidate(&file("postgres/base/1", old), now), "not ours");
        assert_eq!(announced("staging/0a.part.etag"), "staging/0a.part");
    }
}
