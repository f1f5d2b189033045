//! Deleting: from its commit on every read answers `NOT_FOUND`; the bytes follow through a `gc` task.

use super::{close, close::Closed, gc};
use crate::{
    domain::gc::{GcSpec, dataset_folder, tokenization_folder},
    error::{Failure, not_found},
    store::{datasets, events, files, tokenizations},
};
use dataset_model::{
    DatasetEvent, DatasetId, DatasetStatus, TokenizationId, TokenizationStatus,
    state::{DatasetTransition, TokenizationTransition},
};
use sqlx::PgConnection;
use std::time::Duration;

/// Deletes a dataset with all that hangs on it. `grace` is how long open streams keep the files at most.
pub async fn dataset(db: &mut PgConnection, id: DatasetId, grace: Duration) -> Result<Closed, Failure> {
    let gone = || not_found("dataset", id);
    let locked = datasets::lock(db, id).await?.filter(|d| d.source.status != DatasetStatus::Deleting);
    let locked = locked.ok_or_else(gone)?;
    let closed = close::cancel_all(db, &locked, None, None).await?;
    // Cancelling an ingest has moved the status, so it is read again.
    let now = datasets::lock(db, id).await?.ok_or_else(gone)?.source.status;
    datasets::set_status(db, id, now, now.apply(DatasetTransition::Delete)?, None).await?;
    files::mark_deleting(db, id, None).await?;
    events::append(db, id, &DatasetEvent::DatasetDeleted {}).await?;
    let spec = GcSpec {
        keys: files::partials(db, id).await?,
        prefix: Some(format!("{}/", dataset_folder(&locked.source.repo_id, id))),
    };
    let wait = wait(db, id, grace).await?;
    gc::queue(db, id, None, &spec, wait).await?;
    Ok(closed)
}

/// Deletes a tokenization.
pub async fn tokenization(db: &mut PgConnection, id: TokenizationId, grace: Duration) -> Result<Closed, Failure> {
    let gone = || not_found("tokenization", id);
    let dataset_id = tokenizations::dataset_of(db, id).await?.ok_or_else(gone)?;
    let dataset = datasets::lock(db, dataset_id).await?.filter(|d| d.source.status != DatasetStatus::Deleting);
    let dataset = dataset.ok_or_else(gone)?;
    let closed = close::cancel_all(db, &dataset, Some(id), None).await?;
    let locked = tokenizations::lock(db, id).await?.filter(|t| t.status != TokenizationStatus::Deleting);
    let status = locked.ok_or_else(gone)?.status;
    tokenizations::set_status(db, id, status, status.apply(TokenizationTransition::Delete)?, None).await?;
    files::mark_deleting(db, dataset_id, Some(id)).await?;
    events::append(db, dataset_id, &DatasetEvent::DatasetUpdated { status: dataset.source.status }).await?;
    let prefix = format!("{}/", tokenization_folder(&dataset.source.repo_id, dataset_id, id));
    let spec = GcSpec { keys: Vec::new(), prefix: Some(prefix) };
    let wait = wait(db, dataset_id, grace).await?;
    gc::queue(db, dataset_id, Some(id), &spec, wait).await?;
    Ok(closed)
}

/// Files wait only while somebody reads them.
async fn wait(db: &mut PgConnection, id: DatasetId, grace: Duration) -> Result<Duration, Failure> {
    Ok(if datasets::is_pinned(db, id).await? { grace } else { Duration::ZERO })
}
