//! The catalog: owns all state of datasets, tokenizations, jobs and tasks; the only one with a database.
//!
//! `service` decodes, `steps` are the transactions, `domain` decides, `store` is the SQL. The relay (`outbox`) and the
//! `reconciler` run beside them in every replica.

pub mod catalog;
pub mod config;
pub mod domain;
pub mod error;
mod live;
pub mod outbox;
pub mod reconciler;
pub mod service;
pub mod steps;
pub mod store;
mod vault;

pub use config::Config;

use catalog::Catalog;
use dataset_proto::catalog::{
    dataset_service_server::DatasetServiceServer, job_service_server::JobServiceServer,
    task_service_server::TaskServiceServer, tokenization_service_server::TokenizationServiceServer,
    watch_service_server::WatchServiceServer,
};
use job_bus::JobBus;
use live::Live;
use service::watch::Watches;
use service_kit::{Lifecycle, Listeners, Readiness, ServeError, channel, serve_grpc, serve_internal};
use sqlx::PgPool;
use std::time::Duration;
use tonic::{service::Routes, transport::Channel};

/// Pause between tries to reach the database at start.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// Serves until the lifecycle ends.
pub async fn serve(config: Config, listeners: Listeners, lifecycle: Lifecycle) -> Result<(), ServeError> {
    let readiness = Readiness::new();
    let database = readiness.flag("database");
    let pages = lifecycle.clone();
    lifecycle.spawn("health pages", async move {
        if let Err(error) = serve_internal(listeners.internal, readiness, &pages).await {
            tracing::error!(error = %error.chain(), "no health pages");
        }
    });
    let pool = pool(&config)?;
    if config.database.migrate {
        tokio::select! {
            migrated = migrate_when_reachable(&pool) => migrated?,
            () = lifecycle.soft().cancelled() => return Ok(()),
        }
    }
    database.set(true);
    let catalog = Catalog::new(pool, bus(&config).await?, &config);
    let (period, soft) = (config.jobs.reconcile_period(), lifecycle.soft());
    lifecycle.spawn("relay", outbox::relay(catalog.clone(), soft.clone()));
    lifecycle.spawn("reconciler", reconciler::run(catalog.clone(), period, soft.clone()));
    lifecycle.spawn("streams", reconciler::keep_streams(catalog.clone(), period, soft.clone()));
    let live = Live::new();
    lifecycle.spawn("listener", live.clone().listen(catalog.pool().clone(), lifecycle.soft().clone()));
    lifecycle.spawn("watched", live.clone().poll(catalog.pool().clone(), lifecycle.soft().clone()));
    let tokenizers = channel(&config.tokenization.url(50053))?;
    let routes = routes(&catalog, tokenizers, live, &lifecycle);
    serve_grpc(listeners.api, routes, dataset_proto::DESCRIPTORS, &lifecycle).await
}

/// All services of the catalog.
fn routes(catalog: &Catalog, tokenizers: Channel, live: Live, lifecycle: &Lifecycle) -> Routes {
    let (pool, retry) = (catalog.pool().clone(), catalog.policy().retry);
    let watches = Watches { pool, retry, live, lifecycle: lifecycle.clone() };
    let tokenizations = service::tokenizations::Tokenizations { catalog: catalog.clone(), tokenizers };
    let jobs = service::jobs::Jobs { catalog: catalog.clone(), tokenizations: tokenizations.clone() };
    Routes::new(DatasetServiceServer::new(service::datasets::Datasets(catalog.clone())))
        .add_service(TokenizationServiceServer::new(tokenizations))
        .add_service(JobServiceServer::new(jobs))
        .add_service(TaskServiceServer::new(service::tasks::Tasks(catalog.clone())))
        .add_service(WatchServiceServer::new(watches))
}

/// Brings the schema up to date and ends: `catalog migrate`.
pub async fn migrate(config: &Config) -> Result<(), ServeError> {
    migrate_when_reachable(&pool(config)?).await
}

fn pool(config: &Config) -> Result<PgPool, ServeError> {
    catalog::pool(config).map_err(|error| ServeError::new("the address of the database is not usable", error))
}

/// Waits for the database, as services start in any order.
async fn migrate_when_reachable(pool: &PgPool) -> Result<(), ServeError> {
    loop {
        match store::migrate(pool).await {
            Ok(()) => return Ok(()),
            Err(store::StoreError::Unavailable(error)) => {
                tracing::warn!(error = %error::chain(&error), "waiting for the database");
                tokio::time::sleep(DATABASE_PAUSE).await;
            }
            Err(error) => return Err(ServeError::new("the schema cannot be brought up to date", error)),
        }
    }
}

async fn bus(config: &Config) -> Result<Option<JobBus>, ServeError> {
    let Some(url) = config.nats.url.as_ref().filter(|url| !url.expose().is_empty()) else { return Ok(None) };
    let bus = JobBus::connect(url.expose()).await;
    bus.map(Some).map_err(|error| ServeError::new("the address of NATS is not usable", error))
}
