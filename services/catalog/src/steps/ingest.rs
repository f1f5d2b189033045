//! Registering a dataset, and starting its ingest.

use super::queue_job;
use crate::{
    domain::{
        ingest::{Asked, Origin, Start, start as decide, start_upload},
        job::Kind,
        names,
    },
    error::{Failure, not_found},
    store::{
        StoreError, datasets, events,
        idempotency::{self, Key},
        jobs, secrets,
    },
};
use dataset_model::{DatasetEvent, DatasetId, DatasetStatus, IngestSpec, JobId, Problem, Reason, RepoId, Upload};
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
    let new = datasets::NewDataset { id, name, repo_id, origin: Origin::Hub, revision, config };
    insert(db, &new).await?;
    remember(db, "create", keyed, id.0).await?;
    Ok(id)
}

/// A new dataset, and the event of its birth.
pub(super) async fn insert(db: &mut PgConnection, new: &datasets::NewDataset) -> Result<(), Failure> {
    datasets::insert(db, new).await.map_err(|error| name_taken(error, &new.name))?;
    events::append(db, new.id, &DatasetEvent::DatasetUpdated { status: DatasetStatus::Pending }).await?;
    Ok(())
}

fn name_taken(error: StoreError, name: &str) -> Failure {
    if error.violates("datasets_name_key") { name_is_taken(name).into() } else { error.into() }
}

pub(super) fn name_is_taken(name: &str) -> Problem {
    Problem::new(Reason::NameTaken, format!("another dataset has the name `{name}`")).next_step("choose another name")
}

/// Starts an ingest, or finds the one that runs already. `seal` gives what a new job is to know.
pub async fn start(
    db: &mut PgConnection,
    id: DatasetId,
    asked: Asked,
    keyed: Option<&Keyed>,
    traceparent: &str,
    seal: Option<impl FnOnce(JobId) -> Result<Vec<u8>, Problem> + Send>,
) -> Result<JobId, Failure> {
    if let Some(job) = answered(db, "ingest", keyed).await? {
        return Ok(JobId(job));
    }
    let dataset = datasets::lock(db, id).await?.filter(|d| d.source.status != DatasetStatus::Deleting);
    let dataset = dataset.ok_or_else(|| not_found("dataset", id))?;
    let (active, newest) = jobs::ingests(db, id).await?;
    let decided = match dataset.source.origin {
        Origin::Hub => decide(&dataset.source, asked, active, newest).map_err(Problem::from)?,
        Origin::Upload => {
            let upload = uploaded(db, newest).await?;
            Start::New(start_upload(&dataset.source, &asked, active, upload).map_err(Problem::from)?)
        }
    };
    let job = match decided {
        Start::Existing(job) => job,
        Start::New(spec) => {
            let job = begin(db, id, &spec, traceparent).await?;
            if let Some(seal) = seal {
                secrets::keep(db, job, &seal(job)?).await?;
            }
            job
        }
    };
    remember(db, "ingest", keyed, job.0).await?;
    Ok(job)
}

/// Queues the ingest of a locked dataset.
pub(super) async fn begin(
    db: &mut PgConnection,
    id: DatasetId,
    spec: &IngestSpec,
    traceparent: &str,
) -> Result<JobId, Failure> {
    let job = JobId::new();
    datasets::start(db, id, spec).await?;
    let spec = &json!(spec);
    let new = jobs::NewJob { id: job, kind: Kind::Ingest, dataset_id: id, tokenization_id: None, spec, traceparent };
    if !queue_job(db, &new, Duration::ZERO).await? {
        return Err(Problem::new(Reason::JobAlreadyActive, "another ingest was started").into());
    }
    events::append(db, id, &DatasetEvent::DatasetUpdated { status: DatasetStatus::Downloading }).await?;
    Ok(job)
}

/// What the last job of an uploaded dataset was about: the same files again.
async fn uploaded(db: &mut PgConnection, newest: Option<JobId>) -> Result<Option<Upload>, Failure> {
    let Some(job) = newest else { return Ok(None) };
    let spec: IngestSpec = jobs::spec(db, job).await?;
    Ok(spec.upload)
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
