//! The gateway: REST, live feeds and their documentation in front of the gRPC services. It only translates.
//!
//! It has no state of its own: any number of gateways can stand side by side, and a restart loses nothing, as a feed
//! goes on from its last number.

mod allowance;
mod assets;
mod config;
mod connections;
mod docs;
mod error;
mod etag;
mod limits;
mod live;
mod openapi;
mod origin;
mod rest;
mod rows;
mod server;

pub use config::{AuthMode, Config, Gateway as GatewaySettings};

use catalog_client::{CatalogClient, TraceContext, Traced};
use dataset_proto::{
    ingestion::ingestion_service_client::IngestionServiceClient,
    tokenization::tokenization_query_service_client::TokenizationQueryServiceClient,
};
use live::{Channels, Feeds};
use rest::about::About;
use rows::Rows;
use service_kit::{Lifecycle, Listeners, Readiness, ReadyFlag, ServeError, channel, serve_internal};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic_health::pb::health_client::HealthClient;

/// Largest answer of the tokenization service: pieces of a page of long rows.
const MAX_DECODED: usize = 64 << 20;
const READY_PERIOD: Duration = Duration::from_secs(2);
/// How long a feed may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(12);

/// What a handler needs: the services behind, and the limits. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    catalog: CatalogClient,
    health: HealthClient<Channel>,
    rows: Rows,
    ingestion: IngestionServiceClient<Traced>,
    tokenizer: TokenizationQueryServiceClient<Traced>,
    feeds: Feeds,
    settings: Arc<config::Gateway>,
    about: Arc<About>,
}

impl Gateway {
    fn new(config: &Config, lifecycle: &Lifecycle) -> Result<Self, ServeError> {
        let catalog = channel(&config.catalog.url(50051))?;
        let ingestion = channel(&config.ingestion.url(50052))?;
        let tokenization = channel(&config.tokenization.url(50053))?;
        let replays = CatalogClient::new(channel(&config.catalog.url(50051))?);
        let channels = Channels::new(CatalogClient::new(catalog.clone()), replays, lifecycle.clone());
        Ok(Self {
            catalog: CatalogClient::new(catalog.clone()),
            health: HealthClient::new(catalog),
            rows: Rows::new(channel(&config.flight.url(8815))?),
            ingestion: IngestionServiceClient::with_interceptor(ingestion, TraceContext),
            tokenizer: TokenizationQueryServiceClient::with_interceptor(tokenization, TraceContext)
                .max_decoding_message_size(MAX_DECODED),
            feeds: Feeds::new(channels, &config.gateway, lifecycle),
            settings: Arc::new(config.gateway.clone()),
            about: Arc::new(About::new(&config.flight_url(), config.catalog_url())),
        })
    }
}

/// Serves until the lifecycle ends; feeds are told that the gateway is going, and requests are answered.
pub async fn serve(config: Config, listeners: Listeners, lifecycle: Lifecycle) -> Result<(), ServeError> {
    if !config.gateway.listen.ip().is_loopback() {
        tracing::warn!(listen = %config.gateway.listen, "other machines reach the gateway, which asks nobody for credentials");
    }
    let gateway = Gateway::new(&config, &lifecycle)?;
    let app = server::app(gateway.clone()).map_err(|e| ServeError::new("the OpenAPI document is broken", e))?;
    let readiness = Readiness::new();
    lifecycle.spawn("readiness", watch_catalog(gateway.clone(), readiness.flag("catalog"), lifecycle.soft().clone()));
    let stall = config::seconds(config.gateway.stall_seconds);
    let public = async {
        connections::serve(listeners.api, app, stall, &lifecycle).await;
        // Sockets outlive the connections that made them.
        let _ = tokio::time::timeout(FAREWELL, gateway.feeds.closed()).await;
        Ok(())
    };
    tokio::try_join!(public, serve_internal(listeners.internal, readiness, &lifecycle))?;
    Ok(())
}

async fn watch_catalog(gateway: Gateway, flag: ReadyFlag, draining: CancellationToken) {
    let watch = async {
        loop {
            flag.set(gateway.is_ready().await);
            tokio::time::sleep(READY_PERIOD).await;
        }
    };
    draining.run_until_cancelled(watch).await;
}

/// The OpenAPI document as JSON, for clients that are generated.
pub fn openapi() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&server::routes(&config::Gateway::default()).1)
}
