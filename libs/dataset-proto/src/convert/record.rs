//! Datasets and tokenizations.

use super::{BadMessage, Required, json, parse, simple};
use crate::catalog as proto;
use dataset_model::{Dataset, RepoId, Tokenization};

impl From<Dataset> for proto::Dataset {
    fn from(dataset: Dataset) -> Self {
        Self {
            id: dataset.id.to_string(),
            name: dataset.name,
            repo_id: dataset.repo_id.into(),
            source: dataset.source,
            status: proto::DatasetStatus::from(dataset.status).into(),
            revision: dataset.revision,
            commit_sha: dataset.commit_sha,
            config: dataset.config,
            splits: dataset.splits.into_iter().map(Into::into).collect(),
            file_path: dataset.file_path,
            row_count: dataset.row_count,
            size_bytes: dataset.size_bytes,
            schema_json: dataset.schema.map(|schema| schema.to_string()),
            metadata_json: dataset.metadata.to_string(),
            error: dataset.error.map(Into::into),
            tokenizations: dataset.tokenizations.into_iter().map(Into::into).collect(),
            job: dataset.job.map(Into::into),
            created_at: Some(simple::timestamp(dataset.created_at)),
            updated_at: Some(simple::timestamp(dataset.updated_at)),
            version: dataset.version,
            event_seq: dataset.event_seq,
        }
    }
}

impl TryFrom<proto::Dataset> for Dataset {
    type Error = BadMessage;

    fn try_from(dataset: proto::Dataset) -> Result<Self, Self::Error> {
        Ok(Self {
            status: dataset.status().try_into()?,
            id: parse(&dataset.id, "id")?,
            name: dataset.name,
            repo_id: RepoId::parse(&dataset.repo_id).map_err(|e| BadMessage::new("repo_id", e.to_string()))?,
            source: dataset.source,
            revision: dataset.revision,
            commit_sha: dataset.commit_sha,
            config: dataset.config,
            splits: dataset.splits.into_iter().map(Into::into).collect(),
            file_path: dataset.file_path,
            row_count: dataset.row_count,
            size_bytes: dataset.size_bytes,
            schema: dataset.schema_json.map(|text| json(&text, "schema_json")).transpose()?,
            metadata: json(&dataset.metadata_json, "metadata_json")?,
            error: dataset.error.map(TryInto::try_into).transpose()?,
            tokenizations: dataset.tokenizations.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            job: dataset.job.map(TryInto::try_into).transpose()?,
            created_at: simple::time(dataset.created_at, "created_at")?,
            updated_at: simple::time(dataset.updated_at, "updated_at")?,
            version: dataset.version,
            event_seq: dataset.event_seq,
        })
    }
}

impl From<Tokenization> for proto::Tokenization {
    fn from(t: Tokenization) -> Self {
        Self {
            id: t.id.to_string(),
            dataset_id: t.dataset_id.to_string(),
            status: proto::TokenizationStatus::from(t.status).into(),
            config: Some(t.config.into()),
            tokenizer_revision: t.tokenizer_revision,
            tokenizer_sha256: t.tokenizer_sha256,
            engine: t.engine,
            identity: t.identity,
            identity_json: t.identity_fields.to_string(),
            num_tokens: t.num_tokens,
            num_sequences: t.num_sequences,
            vocab_size: t.vocab_size,
            token_file_path: t.token_file_path,
            progress: t.progress.map(Into::into),
            error: t.error.map(Into::into),
            job_id: t.job_id.to_string(),
            created_at: Some(simple::timestamp(t.created_at)),
            updated_at: Some(simple::timestamp(t.updated_at)),
            version: t.version,
        }
    }
}

impl TryFrom<proto::Tokenization> for Tokenization {
    type Error = BadMessage;

    fn try_from(t: proto::Tokenization) -> Result<Self, Self::Error> {
        let status = t.status().try_into()?;
        let config: dataset_model::TokenizeConfig = t.config.required("config")?.try_into()?;
        Ok(Self {
            id: parse(&t.id, "id")?,
            dataset_id: parse(&t.dataset_id, "dataset_id")?,
            status,
            tokenizer_name: config.tokenizer_name.clone(),
            tokenizer_revision: t.tokenizer_revision,
            tokenizer_sha256: t.tokenizer_sha256,
            engine: t.engine,
            identity: t.identity,
            identity_fields: json(&t.identity_json, "identity_json")?,
            max_length: config.max_length,
            stride: config.stride,
            config,
            num_tokens: t.num_tokens,
            num_sequences: t.num_sequences,
            vocab_size: t.vocab_size,
            token_file_path: t.token_file_path,
            progress: t.progress.map(Into::into),
            error: t.error.map(TryInto::try_into).transpose()?,
            job_id: parse(&t.job_id, "job_id")?,
            created_at: simple::time(t.created_at, "created_at")?,
            updated_at: simple::time(t.updated_at, "updated_at")?,
            version: t.version,
        })
    }
}
