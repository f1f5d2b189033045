//! Creating a tokenization: unique by identity, so that the same request never works twice.

use super::queue_job;
use crate::{
    domain::{
        job::Kind,
        tokenize::{Tokenizer, identity},
    },
    error::{Failure, not_found},
    store::{datasets, events, jobs, shards, tokenizations},
};
use dataset_model::{
    ChatSpec, DatasetEvent, DatasetId, DatasetStatus, JobId, Problem, Reason, TokenizationId, TokenizationStatus,
    TokenizeConfig, TokenizeSpec,
};
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;

/// A tokenization with its newest job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    pub id: TokenizationId,
    pub job_id: JobId,
    /// Nothing was started.
    pub reused: bool,
}

/// `DATASET_NOT_READY`, said in one place.
pub fn not_ready(id: DatasetId, status: DatasetStatus) -> Problem {
    Problem::new(Reason::DatasetNotReady, format!("dataset `{id}` is {status}, not ready"))
        .next_step("download the dataset and wait until it is ready")
}

/// What is to be made.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// With its split and text column.
    pub config: &'a TokenizeConfig,
    pub tokenizer: &'a Tokenizer,
    pub chat: Option<ChatSpec>,
}

/// Creates and starts a tokenization, starts a failed or cancelled one again, or finds the one that exists.
pub async fn create(
    db: &mut PgConnection,
    id: DatasetId,
    Wanted { config, tokenizer, chat }: &Wanted<'_>,
    traceparent: &str,
) -> Result<Created, Failure> {
    let dataset = datasets::lock(db, id).await?.filter(|d| d.source.status != DatasetStatus::Deleting);
    let status = dataset.ok_or_else(|| not_found("dataset", id))?.source.status;
    if status != DatasetStatus::Ready {
        return Err(not_ready(id, status).into());
    }
    let split = config.split.clone().unwrap_or_default();
    let identity = identity(config, tokenizer, chat.as_ref(), &shards::digests(db, id, &split).await?);
    let existing = tokenizations::lock_identity(db, id, identity.sha256).await?;
    let job_id = JobId::new();
    let created = match existing {
        Some(found) => match found.status {
            TokenizationStatus::Failed | TokenizationStatus::Cancelled => {
                tokenizations::restart(db, found.id, job_id).await?;
                Created { id: found.id, job_id, reused: false }
            }
            TokenizationStatus::Pending
            | TokenizationStatus::Running
            | TokenizationStatus::Ready
            | TokenizationStatus::Deleting => return Ok(Created { id: found.id, job_id: found.job_id, reused: true }),
        },
        None => Created { id: TokenizationId::new(), job_id, reused: false },
    };
    if existing.is_none() {
        let new = tokenizations::NewTokenization {
            id: created.id,
            dataset_id: id,
            identity: identity.sha256,
            identity_fields: &identity.fields,
            config,
            tokenizer_commit: &tokenizer.commit_sha,
            tokenizer_sha256: &tokenizer.sha256,
            vocab_size: tokenizer.vocab_size,
            job_id,
        };
        tokenizations::insert(db, &new).await?;
    }
    let spec = TokenizeSpec {
        config: (*config).clone(),
        chat: chat.clone(),
        tokenizer_commit: tokenizer.commit_sha.clone(),
        tokenizer_sha256: tokenizer.sha256.clone(),
        identity: hex::encode(identity.sha256),
        split,
    };
    let new = jobs::NewJob {
        id: job_id,
        kind: Kind::Tokenize,
        dataset_id: id,
        tokenization_id: Some(created.id),
        spec: &json!(spec),
        traceparent,
    };
    if !queue_job(db, &new, Duration::ZERO).await? {
        return Err(Problem::new(Reason::JobAlreadyActive, "another tokenization was started").into());
    }
    events::append(db, id, &DatasetEvent::DatasetUpdated { status }).await?;
    Ok(created)
}
