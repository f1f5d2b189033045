//! Doorbells are only doorbells: too many, none at all, and lost ones change nothing.

use crate::{SLOW, THREE, bert, halfway, run};
use anyhow::{Result, ensure};
use dataset_model::{AttemptId, JobKind};
use e2e::{Options, Rig, repos};
use job_bus::JobBus;
use serde_json::json;

#[test]
fn rings_without_end_are_harmless() {
    run(async {
        let rig = Rig::small(THREE).await?;
        let bus = JobBus::connect(&rig.nats.url()).await?;
        // The services make the stream as well, but the rig is up before they have.
        bus.ensure_streams().await?;
        let ring_often = async || -> Result<()> {
            for kind in [JobKind::Ingest, JobKind::Tokenize].repeat(25) {
                bus.ring(kind, &AttemptId::new().to_string(), "").await?;
            }
            Ok(())
        };
        ring_often().await?;
        let dataset = rig.create(repos::ENGLISH).await?;
        let job = rig.download(dataset).await?;
        ring_often().await?;
        let job = rig.succeeded(dataset, job).await?;
        ensure!(job.attempt == 1, "each task was done once: {job:?}");
        let (_, job) = rig.tokenize(dataset, &bert("test")).await?;
        ring_often().await?;
        let job = rig.succeeded(dataset, job).await?;
        ensure!(job.attempt == 1, "each task was done once: {job:?}");
        rig.equals_the_source(dataset).await?;
        rig.done().await
    });
}

#[test]
fn without_nats_everything_still_finishes() {
    run(async {
        // A port that was free a moment ago: nobody answers there.
        let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let settings = json!({ "nats": { "url": format!("nats://{closed}") } });
        let mut rig = Rig::unstarted(Options { settings, ..Options::default() }, Some(THREE)).await?;
        rig.no_doorbells();
        rig.resume().await?;
        let dataset = rig.ingest(repos::ENGLISH).await?.id;
        let (_, job) = rig.tokenize(dataset, &bert("test")).await?;
        rig.succeeded(dataset, job).await?;
        rig.equals_the_source(dataset).await?;
        rig.done().await
    });
}

#[test]
fn nats_dies_and_comes_back_empty() {
    run(async {
        let mut rig = Rig::small(THREE).await?;
        rig.control.throttle(Some(SLOW));
        let dataset = rig.create(repos::ENGLISH).await?;
        let job = rig.download(dataset).await?;
        halfway(&rig, 128 << 10).await?;
        rig.nats.kill().await;
        rig.control.throttle(None);
        rig.succeeded(dataset, job).await?;
        // Acknowledged while no doorbell can ring; the one that waits must ring in a store that knows nothing.
        let (_, job) = rig.tokenize(dataset, &bert("test")).await?;
        rig.nats.wipe().await?;
        rig.succeeded(dataset, job).await?;
        rig.equals_the_source(dataset).await?;
        rig.done().await
    });
}
