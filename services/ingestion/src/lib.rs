//! Brings datasets from the Hub onto the volume: plan, verified transfer, conversion to raw shards.
//!
//! `plan` thinks and does no I/O, `convert` reads source files, `worker` does the tasks that the catalog hands out,
//! `preview` looks at what has not been downloaded, and `upload` takes in what comes from elsewhere.

mod config;
pub mod convert;
mod failure;
mod listing;
pub mod plan;
mod preview;
mod ranged;
mod service;
mod sweep;
mod upload;
pub mod worker;

pub use config::{Config, HubSettings, IngestionSettings, JobsSettings, LimitSettings, StorageSettings};

use std::sync::Arc;

use catalog_client::CatalogClient;
use dataset_model::{AttemptId, JobKind};
use dataset_proto::ingestion::ingestion_service_server::IngestionServiceServer;
use hub::HubClient;
use job_bus::{JobBus, WorkerConfig};
use service_kit::{Lifecycle, Listeners, Readiness, ServeError};
use shard_store::ShardStore;
use tonic::service::Routes;
use worker::Worker;

/// Serves until the lifecycle ends.
pub async fn serve(config: Config, listeners: Listeners, lifecycle: Lifecycle) -> Result<(), ServeError> {
    let store = ShardStore::open(&config.storage.data_dir)
        .map_err(|e| ServeError::new("the data directory cannot be opened", e))?;
    let hub = HubClient::new(config.hub.client()).map_err(|e| ServeError::new("the Hub cannot be spoken to", e))?;
    let catalog = CatalogClient::new(service_kit::channel(&config.catalog.url(50051))?);
    let bus = match &config.nats.url {
        Some(url) => {
            let connected = JobBus::connect(url.expose()).await;
            Some(connected.map_err(|e| ServeError::new("`nats.url` cannot be used", e))?)
        }
        None => None,
    };

    let sweep = sweep::run(store.clone(), catalog.clone(), config.storage.orphan_age());
    let soft = lifecycle.soft().clone();
    lifecycle.spawn("orphan sweep", async move { _ = soft.run_until_cancelled_owned(sweep).await });

    let uploads = upload::Uploads {
        store: store.clone(),
        catalog: catalog.clone(),
        limits: config.limits.clone(),
        orphan_age: config.storage.orphan_age(),
        lifecycle: lifecycle.clone(),
    };
    let previews = preview::Previews::new(hub.clone(), store.clone(), config.limits.clone());
    let worker = Arc::new(Worker { hub, store, limits: config.limits.clone() });
    let worker_config = WorkerConfig {
        kind: JobKind::Ingest,
        // Told apart from other ingestion workers, for display only.
        name: format!("ingestion-{}", AttemptId::new().short()),
        slots: config.ingestion.slots,
        heartbeat: config.jobs.heartbeat(),
        poll: config.jobs.poll(),
    };
    let soft = lifecycle.soft().clone();
    lifecycle.spawn("ingestion worker", job_bus::work(worker_config, bus, catalog, worker, soft));

    let readiness = Readiness::new();
    readiness.flag("storage").set(true);
    let routes = Routes::new(IngestionServiceServer::new(service::Ingestion { previews, uploads }));
    tokio::try_join!(
        service_kit::serve_internal(listeners.internal, readiness, &lifecycle),
        service_kit::serve_grpc(listeners.api, routes, dataset_proto::DESCRIPTORS, &lifecycle),
    )?;
    Ok(())
}
