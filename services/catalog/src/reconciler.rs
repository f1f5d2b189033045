//! Repairs from the tables alone, whatever was lost: silent workers, doorbells nobody heard, streams, garbage.
//!
//! Every replica runs it; rows are taken with SKIP LOCKED or looked at again under their locks, so that two of them do
//! no harm.

use crate::{
    catalog::Catalog,
    domain::silence::{Lease, Silence},
    error::Failure,
    steps::{fail, gc},
    store::{leases, outbox, sweep},
};
use dataset_model::DatasetId;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Leases that a heartbeat count may stand still.
const SILENT_LEASES: u32 = 3;

/// Reconciles every `period` until `stop`.
pub async fn run(catalog: Catalog, period: Duration, stop: CancellationToken) {
    let mut silence = Silence::default();
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let work = async {
        loop {
            ticks.tick().await;
            pass(&catalog, &mut silence, Instant::now()).await;
        }
    };
    // A round that is dropped rolls back, and the next replica or start does it again.
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

/// Makes the stream and its consumers again whenever they are gone. Apart from the rest: NATS may take its time.
pub async fn keep_streams(catalog: Catalog, period: Duration, stop: CancellationToken) {
    let Some(bus) = catalog.bus() else { return };
    let work = async {
        loop {
            if let Err(error) = bus.ensure_streams().await {
                tracing::debug!(error = %crate::error::chain(&error), "no streams");
            }
            tokio::time::sleep(period).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

/// One round. A part that fails does not keep the others from their work.
pub async fn pass(catalog: &Catalog, silence: &mut Silence, now: Instant) {
    let parts = [
        expire_leases(catalog, silence, now).await,
        ring_again(catalog).await,
        collect_old_partials(catalog).await,
        forget_old(catalog).await,
    ];
    for failure in parts.into_iter().filter_map(Result::err) {
        let _ = failure.into_problem();
    }
}

async fn expire_leases(catalog: &Catalog, silence: &mut Silence, now: Instant) -> Result<(), Failure> {
    let leases = leases::all(&mut *catalog.read().await?).await?;
    let frozen = silence.observe(&leases, now, catalog.policy().lease * SILENT_LEASES);
    for lease in leases {
        let frozen = frozen.contains(&lease);
        if lease.expired || frozen {
            expire(catalog, lease, frozen).await?;
        }
    }
    Ok(())
}

async fn expire(catalog: &Catalog, lease: Lease, frozen: bool) -> Result<(), Failure> {
    let mut tx = catalog.begin().await?;
    let Some(closed) = fail::expire(&mut tx, lease, frozen, catalog.policy()).await? else { return Ok(()) };
    catalog.commit(tx).await?;
    tracing::warn!(task.id = %lease.task_id, task.attempt = lease.attempt, frozen, "a worker went silent");
    metrics::counter!("tokenmill_leases_expired_total").increment(1);
    catalog.hint(&closed).await;
    Ok(())
}

async fn ring_again(catalog: &Catalog) -> Result<(), Failure> {
    let mut tx = catalog.begin().await?;
    for (queue, tasks) in sweep::take_unheard(&mut tx).await? {
        tracing::info!(queue = queue.as_str(), tasks, "due tasks wait unclaimed: ringing again");
        outbox::ring(&mut tx, queue, tasks, Duration::ZERO, None).await?;
    }
    catalog.commit(tx).await
}

async fn collect_old_partials(catalog: &Catalog) -> Result<(), Failure> {
    let mut tx = catalog.begin().await?;
    let mut keys: HashMap<DatasetId, Vec<String>> = HashMap::new();
    for (dataset, key) in sweep::take_old_partials(&mut tx).await? {
        keys.entry(dataset).or_default().push(key);
    }
    for (dataset, keys) in keys {
        gc::collect(&mut tx, dataset, None, &keys, Duration::ZERO).await?;
    }
    catalog.commit(tx).await
}

async fn forget_old(catalog: &Catalog) -> Result<(), Failure> {
    Ok(sweep::forget_old(&mut *catalog.read().await?).await?)
}
