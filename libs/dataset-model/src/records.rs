//! Datasets, tokenizations and jobs as the surfaces show them; their `serde` form is the JSON of the REST API.

use crate::{
    DatasetId, DatasetStatus, JobId, JobKind, JobState, Problem, RepoId, TokenizationId, TokenizationStatus,
    TokenizeConfig,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Split {
    pub name: String,
    pub row_count: u64,
    /// Bytes of the raw shards.
    pub size_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dataset {
    pub id: DatasetId,
    pub name: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub repo_id: RepoId,
    /// `hub` or `upload`.
    pub source: String,
    pub status: DatasetStatus,
    /// As asked for; none = the default branch.
    pub revision: Option<String>,
    /// What the revision was pinned to.
    pub commit_sha: Option<String>,
    pub config: Option<String>,
    pub splits: Vec<Split>,
    /// Storage key relative to the data directory.
    pub file_path: Option<String>,
    pub row_count: Option<u64>,
    pub size_bytes: Option<u64>,
    /// Arrow schema.
    pub schema: Option<Value>,
    pub metadata: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    pub tokenizations: Vec<Tokenization>,
    /// The active job, else the newest ingest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Raised by every change.
    pub version: u64,
    /// Number of the last event.
    pub event_seq: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tokenization {
    pub id: TokenizationId,
    pub dataset_id: DatasetId,
    pub status: TokenizationStatus,
    pub tokenizer_name: String,
    /// The commit that the tokenizer was pinned to.
    pub tokenizer_revision: Option<String>,
    /// Hexadecimal sha256 of tokenizer.json.
    pub tokenizer_sha256: String,
    pub engine: Option<String>,
    /// Hexadecimal sha256 of `identity_fields`.
    pub identity: String,
    pub identity_fields: Value,
    pub config: TokenizeConfig,
    pub max_length: u32,
    pub stride: u32,
    pub num_tokens: Option<u64>,
    pub num_sequences: Option<u64>,
    pub vocab_size: Option<u64>,
    /// Storage key relative to the data directory.
    pub token_file_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    pub job_id: JobId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: u64,
}

/// Counters of a task, or summed over a job's tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Progress {
    /// `resolving`, `downloading`, `converting`, `tokenizing` or `finishing`.
    pub phase: String,
    /// Bytes for an ingest, documents for a tokenization.
    pub done: u64,
    /// 0 = not known yet.
    pub total: u64,
    pub bytes: u64,
    pub rows: u64,
    pub tokens: u64,
    pub sequences: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileProgress>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileProgress {
    pub path: String,
    pub done: u64,
    pub total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskCounts {
    pub total: u32,
    pub done: u32,
    pub running: u32,
    pub failed: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobPhase {
    /// `plan`, `work` or `finish`.
    pub name: String,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// The highest attempt of the phase's tasks.
    pub attempts: u64,
    /// As of the job, for the phase's tasks alone.
    pub tries: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub dataset_id: DatasetId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenization_id: Option<TokenizationId>,
    pub state: JobState,
    pub progress: Progress,
    pub tasks: TaskCounts,
    /// The highest attempt of any task: every claim counts, also after a release or a crash of a worker.
    pub attempt: u64,
    /// The try that the job is at, or waits for: one more than the failures of the task that failed most often.
    pub tries: u32,
    /// How many tries a failure that may pass is given.
    pub max_tries: u32,
    /// Set while a failed task waits for its next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_run_at: Option<DateTime<Utc>>,
    pub phases: Vec<JobPhase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
}
