//! A worker between a Hub and an empty volume, and the tasks of a whole ingest.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use catalog_client::TaskError;
use dataset_model::Problem;
use hub::{HubClient, HubConfig};
use ingestion::{LimitSettings, worker::Worker};
use job_bus::Work;
use serde_json::{Value, json};
use shard_store::ShardStore;
use tempfile::TempDir;
use test_kit::fake_hub::{Control, FakeHub};

use super::Catalog;

/// A Hub, an empty volume and a worker between them.
pub(crate) struct Setup {
    pub(crate) hub: FakeHub,
    pub(crate) control: Control,
    pub(crate) worker: Worker,
    pub(crate) volume: TempDir,
}

impl Setup {
    pub(crate) async fn new(repositories: &Path) -> Self {
        Self::with(repositories, HubConfig::default()).await
    }

    /// One with these settings, but for the Hub's address and the pauses.
    pub(crate) async fn with(repositories: &Path, config: HubConfig) -> Self {
        let (hub, control) = FakeHub::start(repositories).await.unwrap();
        let volume = tempfile::tempdir().unwrap();
        let worker = Worker {
            hub: client(&hub, config),
            store: ShardStore::open(volume.path()).unwrap(),
            limits: LimitSettings { free_space_bytes: 0, ..LimitSettings::default() },
        };
        Self { hub, control, worker, volume }
    }

    /// Another process on the same volume.
    pub(crate) fn start_again(&mut self) {
        self.worker.hub = client(&self.hub, HubConfig::default());
    }

    /// Runs all tasks of a job; the first error ends it.
    pub(crate) async fn ingest(&self, spec: Value) -> (Catalog, Result<(), TaskError>) {
        let catalog = Catalog::start(spec["repo_id"].as_str().unwrap(), spec.clone()).await;
        let result = self.run_all(&catalog).await;
        (catalog, result)
    }

    pub(crate) async fn run_all(&self, catalog: &Catalog) -> Result<(), TaskError> {
        while let Some(claim) = catalog.claim().await {
            self.worker.run(&claim).await?;
        }
        Ok(())
    }

    pub(crate) async fn problem(&self, spec: Value) -> Problem {
        problem(self.ingest(spec).await.1)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.worker.store.list_raw().unwrap().into_iter().map(|file| file.key).collect()
    }

    pub(crate) fn manifest(&self, catalog: &Catalog) -> Value {
        let key = catalog.told().finish.clone().unwrap().metadata.unwrap().key;
        serde_json::from_slice(&self.worker.store.read_file(&key).unwrap()).unwrap()
    }
}

fn client(hub: &FakeHub, config: HubConfig) -> HubClient {
    HubClient::new(HubConfig { endpoint: hub.endpoint(), backoff_base: Duration::from_millis(5), ..config }).unwrap()
}

pub(crate) fn problem(result: Result<(), TaskError>) -> Problem {
    match result {
        Err(TaskError::Problem(problem)) => problem,
        other => panic!("expected a problem, got {other:?}"),
    }
}

pub(crate) fn spec(repo: &str) -> Value {
    json!({"repo_id": repo, "revision": null, "config": null, "split": null})
}

/// JSON lines with a number and a value.
pub(crate) fn lines(rows: usize, value: &str) -> String {
    (0..rows).map(|n| format!("{{\"n\": {n}, \"v\": {value}}}\n")).collect::<Vec<_>>().concat()
}

/// Holds the shards of a split against its source files, in Python, and counts the rows.
pub(crate) fn compare(volume: &Path, split: &Value, sources: &[PathBuf]) -> u64 {
    let shards = split["shards"].as_array().unwrap().iter().map(|shard| volume.join(shard["key"].as_str().unwrap()));
    let shards = shards.map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(",");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/compare.py");
    let output = Command::new(test_kit::python()).arg(script).arg(shards).args(sources).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}
