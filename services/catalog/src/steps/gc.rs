//! Asking the workers to remove files, and what goes from the database afterwards.

use super::{Held, queue_job};
use crate::{
    domain::{
        gc::{GcSpec, Remains, remains},
        job::Kind,
    },
    error::Failure,
    store::{StoreError, datasets, files, jobs, leases, tasks, tokenizations},
};
use dataset_model::{DatasetId, JobId, Progress, TokenizationId, state::JobTransition};
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;

/// Keys in one task: its specification stays far below the limit of a control message.
const KEYS: usize = 1000;

/// Queues the removal of single files after `wait`, in which a worker that has just been told to stop does so.
pub async fn collect(
    db: &mut PgConnection,
    dataset: DatasetId,
    tokenization: Option<TokenizationId>,
    keys: &[String],
    wait: Duration,
) -> Result<(), Failure> {
    for keys in keys.chunks(KEYS) {
        queue(db, dataset, tokenization, &GcSpec { keys: keys.to_vec(), prefix: None }, wait).await?;
    }
    Ok(())
}

/// Queues one removal.
pub async fn queue(
    db: &mut PgConnection,
    dataset_id: DatasetId,
    tokenization_id: Option<TokenizationId>,
    spec: &GcSpec,
    wait: Duration,
) -> Result<(), Failure> {
    let spec = json!(spec);
    let new =
        jobs::NewJob { id: JobId::new(), kind: Kind::Gc, dataset_id, tokenization_id, spec: &spec, traceparent: "" };
    queue_job(db, &new, wait).await?;
    Ok(())
}

/// The bytes are gone: so are the rows. Those of a dataset or tokenization take this task with them.
pub async fn done(db: &mut PgConnection, held: &Held) -> Result<(), Failure> {
    let job = &held.job;
    let spec = jobs::spec(db, job.id).await?;
    let spec: GcSpec = serde_json::from_value(spec)
        .map_err(|error| StoreError::Corrupt { column: "jobs.spec", value: error.to_string() })?;
    tasks::finish(db, held.task.id, None, &Progress::default()).await?;
    leases::end(db, held.task.id).await?;
    jobs::set_state(db, job.id, job.state, job.state.apply(JobTransition::Finish)?, None).await?;
    files::forget(db, &spec.keys).await?;
    match remains(&spec, job.dataset_id, job.tokenization_id) {
        Remains::Dataset(id) => datasets::remove(db, id).await?,
        Remains::Tokenization(id) => tokenizations::remove(db, id).await?,
        Remains::Files => {}
    }
    Ok(())
}
