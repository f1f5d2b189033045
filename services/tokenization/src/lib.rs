//! Tokenization: raw shards become token shards, and questions about tokenizers are answered.
//!
//! The engine is pure; the worker gives it shards and commits what comes out; the service answers questions through
//! the same tokenizers.

mod config;
mod desk;
pub mod engine;
mod failure;
mod service;
mod tokenizer;
mod worker;

use std::sync::Arc;

use catalog_client::CatalogClient;
use dataset_model::JobKind;
use dataset_proto::tokenization::tokenization_query_service_server::TokenizationQueryServiceServer;
use hub::HubClient;
use job_bus::{JobBus, WorkerConfig};
use service_kit::{Lifecycle, Listeners, Readiness, ServeError};
use shard_store::ShardStore;
use tonic::service::Routes;

pub use config::{
    Config, HubSettings, JobsSettings, StorageSettings, TokenizationSettings, TokenizeEngine, TokenizeSettings,
};

/// Serves questions and works on tasks until the lifecycle ends.
pub async fn serve(config: Config, listeners: Listeners, lifecycle: Lifecycle) -> Result<(), ServeError> {
    let store = ShardStore::open(&config.storage.data_dir)
        .map_err(|e| ServeError::new("the data directory cannot be opened", e))?;
    let hub = HubClient::new(config.hub()).map_err(|e| ServeError::new("the Hub's settings cannot work", e))?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(config.tokenize.threads)
        .thread_name(|n| format!("tokenize-{n}"))
        .build()
        .map_err(|e| ServeError::new("no threads to tokenize with", e))?;
    let tokenizers = Arc::new(tokenizer::Tokenizers::new(hub, store.clone(), config.tokenize.engine.choice()));
    let catalog = CatalogClient::new(service_kit::channel(&config.catalog.url(50051))?);
    let bus = match &config.nats.url {
        Some(url) => Some(JobBus::connect(url.expose()).await.map_err(|e| ServeError::new("NATS cannot be used", e))?),
        None => None,
    };

    let desk = desk::Desk::new(pool.current_num_threads());
    let queries = service::Queries { tokenizers: Arc::clone(&tokenizers), desk };
    let routes = Routes::new(TokenizationQueryServiceServer::new(queries));
    let worker = worker::Worker {
        catalog: catalog.clone(),
        tokenizers,
        store,
        pool: Arc::new(pool),
        memory_bytes: config.tokenize.memory_bytes,
    };
    let settings = WorkerConfig {
        kind: JobKind::Tokenize,
        name: format!("tokenization-{}", std::process::id()),
        // A task uses all threads by itself.
        slots: 1,
        heartbeat: config.heartbeat(),
        poll: config.poll(),
    };
    let work = job_bus::work(settings, bus, catalog, Arc::new(worker), lifecycle.soft().clone());
    lifecycle.spawn("worker", work);

    let readiness = Readiness::new();
    readiness.flag("storage").set(true);
    tokio::try_join!(
        service_kit::serve_internal(listeners.internal, readiness, &lifecycle),
        service_kit::serve_grpc(listeners.api, routes, dataset_proto::DESCRIPTORS, &lifecycle),
    )?;
    Ok(())
}
