//! The relay: publishes doorbells that transactions queued, and marks them.
//!
//! It registers for the wake-up before it reads the table, so that nothing queued in between waits for the timer; the
//! timer finds what other replicas queued and did not publish. A ring that cannot be published costs nothing but time:
//! workers also ask by themselves.

use crate::{catalog::Catalog, error::Failure, store::outbox};
use futures::future::join_all;
use job_bus::JobBus;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Rings published in one transaction.
const BATCH: i64 = 64;
const POLL: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Relays until `stop`. A batch that is dropped is published again, under the same ids.
pub async fn relay(catalog: Catalog, stop: CancellationToken) {
    tokio::select! {
        () = relay_for_ever(&catalog) => {}
        () = stop.cancelled() => {}
    }
}

async fn relay_for_ever(catalog: &Catalog) {
    loop {
        let woken = catalog.wake().notified();
        match pass(catalog).await {
            Ok(count) if count == BATCH.unsigned_abs() => continue,
            Ok(_) => {}
            Err(failure) => {
                let _ = failure.into_problem();
            }
        }
        // What was queued since is known to `woken`, although nobody waited.
        let _ = tokio::time::timeout(POLL, woken).await;
    }
}

/// Publishes one batch of what is due; returns how many were tried.
pub async fn pass(catalog: &Catalog) -> Result<u64, Failure> {
    let mut tx = catalog.begin().await?;
    let due = outbox::take_due(&mut tx, BATCH).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let rung = join_all(due.iter().map(|ring| publish(catalog.bus(), ring))).await;
    let ids = |wanted: bool| -> Vec<i64> {
        due.iter().zip(&rung).filter(|(_, rung)| **rung == wanted).map(|(ring, _)| ring.id).collect()
    };
    let (published, failed) = (ids(true), ids(false));
    outbox::published(&mut tx, &published).await?;
    if !failed.is_empty() {
        let tries = due.iter().map(|ring| ring.tries).max().unwrap_or_default();
        let pause = Duration::from_secs(1 << tries.min(4)).min(LONGEST_PAUSE);
        outbox::postpone(&mut tx, &failed, pause).await?;
    }
    tx.commit().await?;
    metrics::counter!("tokenmill_outbox_published_total").increment(published.len() as u64);
    metrics::counter!("tokenmill_outbox_failed_total").increment(failed.len() as u64);
    Ok(due.len() as u64)
}

/// Without a bus there is nobody to tell, and the ring counts as heard.
async fn publish(bus: Option<&JobBus>, ring: &outbox::Due) -> bool {
    let Some(bus) = bus else { return true };
    match bus.ring(ring.queue, &ring.ring_id.to_string(), &ring.traceparent).await {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(error = %crate::error::chain(&error), "a doorbell was not rung");
            false
        }
    }
}
