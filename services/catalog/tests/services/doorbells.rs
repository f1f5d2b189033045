//! Doorbells against a real nats-server: rung, rung again, and not needed.

use crate::support::Rig;
use catalog::{catalog::Catalog, domain::silence::Silence, outbox, reconciler};
use dataset_model::JobKind;
use job_bus::JobBus;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(5);

async fn with_bus(rig: &Rig, url: &str) -> (Catalog, JobBus) {
    let bus = JobBus::connect(url).await.unwrap();
    let config = catalog::Config::default();
    (Catalog::new(rig.pool.clone(), Some(bus.clone()), &config), bus)
}

#[tokio::test]
async fn a_start_rings_and_a_lost_ring_is_rung_again() {
    let (rig, nats) = (Rig::new().await, test_kit::nats().await);
    let (catalog, bus) = with_bus(&rig, &nats.url()).await;
    bus.ensure_streams().await.unwrap();
    let id = rig.create("a").await;
    rig.start(&id).await.unwrap();
    assert_eq!(outbox::pass(&catalog).await.unwrap(), 1);
    assert_eq!(outbox::pass(&catalog).await.unwrap(), 0);
    bus.next_ring(JobKind::Ingest, SOON).await.unwrap().unwrap().answered().await;
    // Nobody claimed for half a minute.
    rig.run("UPDATE tasks SET next_run_at = next_run_at - interval '31 s', rung_at = rung_at - interval '31 s'").await;
    for _ in 0..2 {
        reconciler::pass(&catalog, &mut Silence::default(), Instant::now()).await;
    }
    assert_eq!(outbox::pass(&catalog).await.unwrap(), 1, "once, and not at every round");
    assert!(bus.next_ring(JobKind::Ingest, SOON).await.unwrap().is_some());
}

#[tokio::test]
async fn rings_wait_while_nats_is_down_and_the_work_does_not() {
    let (rig, mut nats) = (Rig::new().await, test_kit::nats().await);
    let (catalog, bus) = with_bus(&rig, &nats.url()).await;
    bus.ensure_streams().await.unwrap();
    nats.kill().await;
    let (id, _) = rig.ready("a", &[4]).await;
    assert_eq!(rig.get(&id).await.unwrap().row_count, Some(4));
    let queued = outbox::pass(&catalog).await.unwrap();
    assert_eq!(
        rig.count("SELECT count(*) FROM outbox WHERE published_at IS NULL AND tries = 1").await.unsigned_abs(),
        queued
    );
    nats.start_again().await.unwrap();
    rig.run("UPDATE outbox SET next_try_at = clock_timestamp()").await;
    let drained = async || {
        rig.run("UPDATE outbox SET next_try_at = clock_timestamp() WHERE published_at IS NULL").await;
        outbox::pass(&catalog).await.unwrap();
        rig.count("SELECT count(*) FROM outbox WHERE published_at IS NULL").await == 0
    };
    test_kit::wait_until(Duration::from_secs(15), "the outbox drains", drained).await;
    assert!(bus.next_ring(JobKind::Ingest, SOON).await.unwrap().is_some());
}

#[tokio::test]
async fn a_commit_wakes_the_relay() {
    let (rig, nats) = (Rig::new().await, test_kit::nats().await);
    let (catalog, bus) = with_bus(&rig, &nats.url()).await;
    bus.ensure_streams().await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let relay = outbox::relay(catalog.clone(), stop.clone());
    let start = async {
        let rig = Rig { catalog: catalog.clone(), ..rig };
        let id = rig.create("a").await;
        rig.start(&id).await.unwrap();
        let heard = bus.next_ring(JobKind::Ingest, SOON).await.unwrap();
        stop.cancel();
        heard
    };
    let (heard, ()) = tokio::join!(start, relay);
    assert!(heard.is_some());
}
