//! The loop of a worker: wait for a doorbell, claim, work under a heartbeat, and say how it ended.
//!
//! One lease, in one place: the doorbell is acked as soon as the catalog was asked, so there is no second clock in NATS
//! that could disagree with it. With NATS gone, [`WorkerConfig::poll`] takes its place.

use crate::JobBus;
use catalog_client::{CatalogClient, Claim, TaskError};
use dataset_model::{AttemptId, JobKind, TaskId};
use futures::{StreamExt, future::join_all};
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Pause after the catalog did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What a worker does with a task. Ends it well itself (`commit` or `finish`); an error ends it as the error says.
pub trait Work: Send + Sync + 'static {
    fn run(&self, claim: &Claim) -> impl Future<Output = Result<(), TaskError>> + Send;
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    pub kind: JobKind,
    /// For display.
    pub name: String,
    /// Tasks at once.
    pub slots: usize,
    pub heartbeat: Duration,
    /// How often an idle slot asks the catalog without having heard anything.
    pub poll: Duration,
}

/// The claims that run in this process, for cancel hints.
type Running = Mutex<HashMap<TaskId, Arc<Claim>>>;

/// Works until `soft` is cancelled; what runs then is handed back.
pub async fn work<W: Work>(
    config: WorkerConfig,
    bus: Option<JobBus>,
    catalog: CatalogClient,
    work: Arc<W>,
    soft: CancellationToken,
) {
    let running = Running::default();
    let slots = (0..config.slots).map(|_| slot(&config, bus.as_ref(), &catalog, &*work, &running, &soft));
    tokio::select! {
        _ = join_all(slots) => {}
        () = listen_for_hints(bus.as_ref(), &running) => {}
    }
}

async fn slot<W: Work>(
    config: &WorkerConfig,
    bus: Option<&JobBus>,
    catalog: &CatalogClient,
    work: &W,
    running: &Running,
    soft: &CancellationToken,
) {
    let mut attempt = AttemptId::new();
    let mut rung_by = String::new();
    while !soft.is_cancelled() {
        // Its trace leads from the request across NATS to the question, also when another worker got the task.
        let asking = tracing::info_span!("claim", attempt = %attempt);
        service_kit::follow(&asking, &std::mem::take(&mut rung_by));
        match Claim::any(catalog, config.kind, attempt, &config.name).instrument(asking).await {
            Ok(Some(claim)) => {
                run_claimed(config, work, Arc::new(claim), running, soft).await;
                attempt = AttemptId::new();
            }
            Ok(None) => {
                attempt = AttemptId::new();
                tokio::select! {
                    heard = wait_for_ring(bus, config.kind, config.poll) => rung_by = heard,
                    () = soft.cancelled() => {}
                }
            }
            // Asked again under the same attempt: if the lost answer was a claim, it is given once more.
            Err(problem) => {
                tracing::debug!(%problem, "cannot claim");
                tokio::select! {
                    () = tokio::time::sleep(RETRY_PAUSE) => {}
                    () = soft.cancelled() => {}
                }
            }
        }
    }
}

/// Returns when a doorbell rang, with its traceparent, or when it is time to ask without one.
async fn wait_for_ring(bus: Option<&JobBus>, kind: JobKind, poll: Duration) -> String {
    let deadline = tokio::time::Instant::now() + poll;
    let Some(bus) = bus else {
        tokio::time::sleep_until(deadline).await;
        return String::new();
    };
    match bus.next_ring(kind, poll).await {
        Ok(Some(ring)) => {
            let traceparent = ring.traceparent().to_owned();
            ring.answered().await;
            return traceparent;
        }
        Ok(None) => {}
        Err(error) => {
            tracing::debug!(%error, "no doorbells; polling");
            // The store may have been lost: what makes the stream again is also what shows that NATS is back.
            if !matches!(tokio::time::timeout_at(deadline, bus.ensure_streams()).await, Ok(Ok(()))) {
                tokio::time::sleep_until(deadline).await;
            }
        }
    }
    String::new()
}

async fn run_claimed<W: Work>(
    config: &WorkerConfig,
    work: &W,
    claim: Arc<Claim>,
    running: &Running,
    soft: &CancellationToken,
) {
    let task = &claim.task;
    let span = tracing::info_span!(
        "task", task.id = %task.task_id, task.kind = task.kind.as_str(), task.attempt = task.attempt,
        job.id = %task.job_id, dataset.id = %task.dataset_id
    );
    service_kit::follow(&span, &task.traceparent);
    running.lock().unwrap_or_else(PoisonError::into_inner).insert(task.task_id, Arc::clone(&claim));
    let supervised = async {
        let drain = async {
            soft.cancelled().await;
            claim.stop().cancel();
            std::future::pending::<()>().await;
        };
        // The heartbeat ends when the claim must stop; the work then ends by itself, as it watches the same token.
        let beat = async {
            claim.heartbeat(config.heartbeat).await;
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            ended = work.run(&claim) => ended,
            () = beat => Ok(()),
            () = drain => Ok(()),
        };
        settle(&claim, ended, soft.is_cancelled()).await;
    };
    supervised.instrument(span).await;
    claim.stop().cancel();
    running.lock().unwrap_or_else(PoisonError::into_inner).remove(&claim.task.task_id);
}

/// Tells the catalog how a task ended that did not end itself.
async fn settle(claim: &Claim, ended: Result<(), TaskError>, draining: bool) {
    let told = match ended {
        Ok(()) => return tracing::debug!("done"),
        Err(TaskError::Stopped) if draining => claim.release(None).await,
        Err(TaskError::Stopped) => return tracing::info!("stopped"),
        Err(TaskError::Wait(wait)) => claim.release(Some(wait)).await,
        Err(TaskError::Problem(problem)) => {
            tracing::warn!(%problem, failures = claim.task.failures, "failed");
            claim.fail(problem, None).await
        }
        Err(TaskError::OutOfMemory(problem, documents)) => claim.fail(problem, Some(documents)).await,
    };
    if let Err(problem) = told {
        // The lease ends by itself, and the task is taken up again.
        tracing::info!(%problem, "the catalog did not take the end of the task");
    }
}

/// Lets a claim ask at once when a hint says that its task may be over. Never returns.
async fn listen_for_hints(bus: Option<&JobBus>, running: &Running) {
    if let Some(bus) = bus
        && let Ok(hints) = bus.cancel_hints().await
    {
        let mut hints = std::pin::pin!(hints);
        while let Some(task_id) = hints.next().await {
            if let Some(claim) = running.lock().unwrap_or_else(PoisonError::into_inner).get(&task_id) {
                claim.poke();
            }
        }
    }
    std::future::pending::<()>().await;
}
