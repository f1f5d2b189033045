//! Registering what was uploaded: dataset, job and files in one transaction, so that there is all of it or nothing.

use super::ingest;
use crate::{
    domain::{
        ingest::{Origin, of_upload},
        upload as rules,
    },
    error::{Failure, not_found},
    store::{datasets, files, jobs},
};
use dataset_model::{DatasetId, DatasetStatus, JobId, OnBadRows, RepoId, Upload};
use sqlx::PgConnection;

/// What is registered.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Chosen by the caller, whose files lie in the folder of this id already.
    pub id: DatasetId,
    pub name: String,
    pub upload: Upload,
    pub on_bad_rows: OnBadRows,
}

/// Whether the name is free, before anything is sent.
pub async fn check(db: &mut PgConnection, registration: &Registration) -> Result<(), Failure> {
    let taken = datasets::names_like(db, &registration.name).await?;
    if taken.contains(&registration.name) {
        return Err(ingest::name_is_taken(&registration.name).into());
    }
    Ok(())
}

/// Registers the dataset and starts its ingest; the same call again is answered with the same job.
pub async fn register(db: &mut PgConnection, registration: Registration, traceparent: &str) -> Result<JobId, Failure> {
    let Registration { id, name, upload, on_bad_rows } = registration;
    rules::check(id, &upload)?;
    datasets::lock_names(db).await?;
    if let Some(known) = datasets::lock(db, id).await? {
        let (_, newest) = jobs::ingests(db, id).await?;
        let newest = newest.filter(|_| known.source.status != DatasetStatus::Deleting);
        return newest.ok_or_else(|| not_found("dataset", id));
    }
    let repo_id = RepoId::upload();
    let new = datasets::NewDataset { id, name, repo_id, origin: Origin::Upload, revision: None, config: None };
    ingest::insert(db, &new).await?;
    datasets::lock(db, id).await?.ok_or_else(|| not_found("dataset", id))?;
    let spec = of_upload(upload.clone(), on_bad_rows);
    let job = ingest::begin(db, id, &spec, traceparent).await?;
    files::add_sources(db, id, job, &upload.files).await?;
    Ok(job)
}
