//! A worker between a Hub and an empty volume, and the tasks of a whole ingest.

use std::{path::Path, time::Duration};

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
        let (hub, control) = FakeHub::start(repositories).await.unwrap();
        let volume = tempfile::tempdir().unwrap();
        let client =
            HubConfig { endpoint: hub.endpoint(), backoff_base: Duration::from_millis(5), ..HubConfig::default() };
        let worker = Worker {
            hub: HubClient::new(client).unwrap(),
            store: ShardStore::open(volume.path()).unwrap(),
            limits: LimitSettings { free_space_bytes: 0, ..LimitSettings::default() },
        };
        Self { hub, control, worker, volume }
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

pub(crate) fn problem(result: Result<(), TaskError>) -> Problem {
    match result {
        Err(TaskError::Problem(problem)) => problem,
        other => panic!("expected a problem, got {other:?}"),
    }
}

pub(crate) fn spec(repo: &str) -> Value {
    json!({"repo_id": repo, "revision": null, "config": null, "split": null})
}
