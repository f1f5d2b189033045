//! Removes files that the catalog no longer wants. Doing it twice is as good as once.

use catalog_client::{Claim, Commit, TaskError};
use dataset_model::Problem;
use serde::Deserialize;
use shard_store::{ShardStore, StoreError};

use super::{Worker, blocking};
use crate::failure;

/// Single files, or everything below a folder, or both.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GcSpec {
    #[serde(default)]
    keys: Vec<String>,
    /// With its final `/`.
    #[serde(default)]
    prefix: Option<String>,
}

pub(super) async fn run(worker: &Worker, claim: &Claim) -> Result<(), TaskError> {
    let spec: GcSpec = claim.spec()?;
    let (store, stop) = (worker.store.clone(), claim.stop().clone());
    let removed = blocking(move || remove(&store, &spec, || stop.is_cancelled())).await?;
    if claim.stop().is_cancelled() {
        return Err(TaskError::Stopped);
    }
    removed?;
    claim.commit(Commit::default()).await
}

fn remove(store: &ShardStore, spec: &GcSpec, stopped: impl Fn() -> bool) -> Result<(), Problem> {
    let failed = |error: StoreError| Problem { retryable: true, ..failure::store(&error) };
    for key in spec.keys.iter().take_while(|_| !stopped()) {
        store.remove(key).map_err(failed)?;
    }
    match spec.prefix.as_deref().map(|prefix| prefix.trim_end_matches('/')) {
        // At least `datasets/{repo}/{id}`: a shorter folder would hold what belongs to others.
        Some(folder) if folder.starts_with("datasets/") && folder.split('/').count() >= 3 => {
            store.remove_dir(folder).map_err(failed)?;
        }
        Some(folder) => {
            tracing::error!(folder, "a gc task names a folder that is not a dataset's");
            return Err(Problem::internal());
        }
        None => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_keys_and_folders_but_never_more_than_a_dataset() {
        let root = tempfile::tempdir().unwrap();
        let store = ShardStore::open(root.path()).unwrap();
        for key in ["datasets/r/1/raw/a", "datasets/r/1/b", "datasets/r/2/c", "staging/d.part"] {
            store.write_file(key, b"x").unwrap();
        }
        let run = |json: &str| remove(&store, &serde_json::from_str(json).unwrap(), || false);
        let keys = || store.list_raw().unwrap().into_iter().map(|file| file.key).collect::<Vec<_>>();
        for _ in 0..2 {
            run(r#"{"keys": ["staging/d.part"], "prefix": "datasets/r/1/"}"#).unwrap();
            assert_eq!(keys(), ["datasets/r/2/c"]);
        }
        for prefix in ["datasets/", "datasets/r/", "staging/", "", "/", "datasets/r/../"] {
            assert!(run(&format!(r#"{{"prefix": "{prefix}"}}"#)).is_err(), "{prefix}");
        }
        assert_eq!(keys(), ["datasets/r/2/c"]);
    }
}
