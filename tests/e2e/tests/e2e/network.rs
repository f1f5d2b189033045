//! The wire to the database breaks, or goes silent: answers say so, and jobs go on when it is back.

use crate::{SLOW, THREE, bert, halfway, last_byte, run};
use anyhow::{Result, ensure};
use dataset_model::Reason;
use e2e::{Options, Rig, repos};
use serde_json::json;
use std::time::Duration;
use test_kit::{ChaosProxy, Target};
use tokio::time::Instant;

/// The lease of the tests: a worker that nobody answers stops within.
const LEASE: Duration = Duration::from_secs(3);

async fn wired() -> Result<(Rig, ChaosProxy)> {
    let mut rig = Rig::unstarted(Options::default(), Some(THREE)).await?;
    let wire = ChaosProxy::start(Target::Unix(rig.database.socket())).await?;
    rig.set(&json!({ "database": { "url": rig.database.url_through(wire.port()) } }));
    rig.resume().await?;
    Ok((rig, wire))
}

#[test]
fn the_database_is_cut_off_for_a_while() {
    run(async {
        let (rig, wire) = wired().await?;
        rig.control.throttle(Some(SLOW));
        let dataset = rig.create(repos::ENGLISH).await?;
        let job = rig.download(dataset).await?;
        halfway(&rig, 128 << 10).await?;
        wire.cut();
        let answer = rig.api().get(&format!("/datasets/{dataset}")).await?;
        answer.refused(Reason::DbUnavailable);
        ensure!(answer.headers.contains_key("retry-after"), "{answer:?}");
        wire.heal();
        rig.control.throttle(None);
        rig.succeeded(dataset, job).await?;
        rig.equals_the_source(dataset).await?;
        rig.done().await
    });
}

#[test]
fn the_database_goes_silent_for_longer_than_a_lease() {
    run(async {
        let (rig, wire) = wired().await?;
        rig.control.throttle(Some(SLOW / 8));
        let dataset = rig.create(repos::ENGLISH).await?;
        let job = rig.download(dataset).await?;
        halfway(&rig, 64 << 10).await?;
        let silenced = Instant::now();
        wire.silence();
        // Nobody tells the worker, and it stops by its own clock.
        let stopped = last_byte(&rig).await.saturating_duration_since(silenced);
        eprintln!("the worker stopped after {stopped:?}");
        ensure!(stopped < LEASE, "bytes came {stopped:?} after the last answer");
        rig.control.throttle(None);
        wire.heal();
        let job = rig.succeeded(dataset, job).await?;
        ensure!(job.attempt > 1, "{job:?}");
        rig.equals_the_source(dataset).await?;
        let (_, job) = rig.tokenize(dataset, &bert("test")).await?;
        rig.succeeded(dataset, job).await?;
        rig.done().await
    });
}
