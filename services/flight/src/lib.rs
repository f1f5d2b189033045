//! Serves ready datasets and tokenizations over Arrow Flight: in stored order, or as a read plan orders them.
//!
//! The catalog says which shards a target has; the bytes come from the shard store's memory maps, each batch checked
//! against its digest the first time it is touched.

mod actions;
mod batches;
mod column;
mod config;
mod descriptor;
mod error;
mod framing;
mod gather;
mod listing;
mod lookup;
mod manifest;
mod message;
mod open;
mod plan;
mod plans;
mod readers;
mod service;
mod sources;
mod stream;
mod ticket;
mod turns;
mod withheld;

pub use config::{Config, FlightSettings, StorageSettings};

use catalog_client::CatalogClient;
use service_kit::{Lifecycle, Listeners, Readiness, ServeError};
use shard_store::ShardStore;
use tonic::service::Routes;

/// Serves until the lifecycle ends.
pub async fn serve(config: Config, listeners: Listeners, lifecycle: Lifecycle) -> Result<(), ServeError> {
    let store = ShardStore::open(&config.storage.data_dir)
        .map_err(|e| ServeError::new("the data directory cannot be opened", e))?;
    let catalog = CatalogClient::new(service_kit::channel(&config.catalog.url(50051))?);
    let flight = service::Flight::new(manifest::Manifests::new(catalog), store, config.flight.max_streams, &lifecycle);
    let routes = Routes::new(framing::WithoutCopy::new(flight));

    let readiness = Readiness::new();
    readiness.flag("storage").set(true);
    tokio::try_join!(
        service_kit::serve_internal(listeners.internal, readiness, &lifecycle),
        service_kit::serve_grpc(listeners.api, routes, dataset_proto::DESCRIPTORS, &lifecycle),
    )?;
    Ok(())
}
