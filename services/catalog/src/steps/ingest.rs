//! Registering a dataset, and starting its ingest.

use super::queue_job;
use crate::{
    domain::{
        ingest::{Asked, Start, start as decide},
        job::Kind,
        names,
    },
    error::{Failure, not_found},
    store::{
        StoreError, datasets, events,
        idempotency::{self, Key},
        jobs,
    },
};
use dataset_model::{DatasetEvent, DatasetId, DatasetStatus, JobId, Problem, Reason, RepoId};
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// A request under a key of its caller.
#[derive(Debug, Clone)]
pub struct Keyed {
    pub key: String,
    pub hash: [u8; 32],
}

/// What a registration asks for.
#[derive(Debug, Clone)]
pub struct Registration {
    pub repo_id: RepoId,
    /// None = the repository id, with a suffix when taken.
    pub name: Option<String>,
    pub revision: Option<String>,
    pub config: Option<String>,
}

/// Registers a dataset.
pub async fn register(
    db: &mut PgConnection,
    registration: Registration,
    keyed: Option<&Keyed>,
) -> Result<DatasetId, Failure> {
    if let Some(id) = answered(db, "create", keyed).await? {
        return Ok(DatasetId(id));
    }
    datasets::lock_names(db).await?;
    let id = DatasetId::new();
    let base = registration.repo_id.as_str();
    let name = match registration.name {
        Some(name) => name,
        None => names::free_name(base, &datasets::names_like(db, base).await?),
    };
    let Registration { repo_id, revision, config, .. } = registration;
    let new = datasets::NewDataset { id, name, repo_id, revision, config };
    datasets::insert(db, &new).await.map_err(|error| name_taken(error, &new.name))?;
    events::append(db, id, &DatasetEvent::DatasetUpdated { status: DatasetStatus::Pending }).await?;
    remember(db, "create", keyed, id.0).await?;
    Ok(id)
}

fn name_taken(error: StoreError, name: &str) -> Failure {
    if error.violates("datasets_name_key") {
        return Problem::new(Reason::NameTaken, format!("another dataset has the name `{name}`"))
            .next_step("choose another name")
            .into();
    }
    error.into()
}

/// Starts an ingest, or finds the one that runs already.
pub async fn start(
    db: &mut PgConnection,
    id: DatasetId,
    asked: Asked,
    keyed: Option<&Keyed>,
    traceparent: &str,
) -> Result<JobId, Failure> {
    if let Some(job) = answered(db, "ingest", keyed).await? {
        return Ok(JobId(job));
    }
    let dataset = datasets::lock(db, id).await?.filter(|d| d.source.status != DatasetStatus::Deleting);
    let dataset = dataset.ok_or_else(|| not_found("dataset", id))?;
    let (active, newest) = jobs::ingests(db, id).await?;
    let job = match decide(&dataset.source, asked, active, newest).map_err(Problem::from)? {
        Start::Existing(job) => job,
        Start::New(spec) => {
            let job = JobId::new();
            datasets::start(db, id, &spec).await?;
            let new = jobs::NewJob {
                id: job,
                kind: Kind::Ingest,
                dataset_id: id,
                tokenization_id: None,
                spec: &json!(spec),
                traceparent,
            };
            if !queue_job(db, &new, Duration::ZERO).await? {
                return Err(Problem::new(Reason::JobAlreadyActive, "another ingest was started").into());
            }
            events::append(db, id, &DatasetEvent::DatasetUpdated { status: DatasetStatus::Downloading }).await?;
            job
        }
    };
    remember(db, "ingest", keyed, job.0).await?;
    Ok(job)
}

/// What a repeated request was answered with.
async fn answered(db: &mut PgConnection, method: &str, keyed: Option<&Keyed>) -> Result<Option<Uuid>, Failure> {
    let Some(keyed) = keyed else { return Ok(None) };
    match idempotency::claim(db, method, &keyed.key, &keyed.hash).await? {
        Key::Fresh => Ok(None),
        Key::Answered(id) => Ok(Some(id)),
        Key::Reused => {
            let detail = "the idempotency key was used for another request in the last 24 hours";
            Err(Problem::new(Reason::IdempotencyKeyReused, detail).next_step("use a fresh key").into())
        }
    }
}

async fn remember(db: &mut PgConnection, method: &str, keyed: Option<&Keyed>, id: Uuid) -> Result<(), Failure> {
    if let Some(keyed) = keyed {
        idempotency::record(db, method, &keyed.key, id).await?;
    }
    Ok(())
}
