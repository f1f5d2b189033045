//! What happens to a dataset, as its watchers hear it. `serde` gives the `event` and `data` of the feeds.

use crate::{DatasetStatus, FileProgress, JobId, Problem, Statistics, TokenizationId};
use serde::{Deserialize, Serialize};

/// The two progress events are latest-wins; all others are numbered and never lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum DatasetEvent {
    DownloadProgress(DownloadProgress),
    DownloadCompleted { job_id: JobId, file_path: String, row_count: u64, size_bytes: u64 },
    DownloadFailed { job_id: JobId, error: Problem },
    DownloadCancelled { job_id: JobId },
    TokenizationProgress(TokenizationProgress),
    TokenizationCompleted { job_id: JobId, tokenization_id: TokenizationId, statistics: Box<Statistics> },
    TokenizationFailed { job_id: JobId, tokenization_id: TokenizationId, error: Problem },
    TokenizationCancelled { job_id: JobId, tokenization_id: TokenizationId },
    DatasetUpdated { status: DatasetStatus },
    DatasetDeleted {},
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadProgress {
    pub job_id: JobId,
    /// Percent, 0–100.
    pub progress: f64,
    /// Bytes.
    pub downloaded: u64,
    pub total: u64,
    pub phase: String,
    pub bytes_per_second: f64,
    pub eta_seconds: Option<f64>,
    pub attempt: u64,
    /// As of the job.
    pub tries: u32,
    pub max_tries: u32,
    /// Converted so far; while a large file is, nothing else moves.
    pub rows: u64,
    /// The slowest five.
    pub files: Vec<FileProgress>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenizationProgress {
    pub job_id: JobId,
    pub tokenization_id: TokenizationId,
    /// Percent, 0–100.
    pub progress: f64,
    pub tokens: u64,
    pub sequences: u64,
    pub samples: u64,
    pub total_samples: u64,
    pub samples_per_second: f64,
    pub eta_seconds: Option<f64>,
    /// As of the job.
    pub tries: u32,
    pub max_tries: u32,
}

impl DatasetEvent {
    /// Whether this ends a job.
    pub const fn is_terminal(&self) -> bool {
        match self {
            Self::DownloadCompleted { .. }
            | Self::DownloadFailed { .. }
            | Self::DownloadCancelled { .. }
            | Self::TokenizationCompleted { .. }
            | Self::TokenizationFailed { .. }
            | Self::TokenizationCancelled { .. } => true,
            Self::DownloadProgress(_)
            | Self::TokenizationProgress(_)
            | Self::DatasetUpdated { .. }
            | Self::DatasetDeleted {} => false,
        }
    }

    /// The name on the feeds.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DownloadProgress(_) => "download_progress",
            Self::DownloadCompleted { .. } => "download_completed",
            Self::DownloadFailed { .. } => "download_failed",
            Self::DownloadCancelled { .. } => "download_cancelled",
            Self::TokenizationProgress(_) => "tokenization_progress",
            Self::TokenizationCompleted { .. } => "tokenization_completed",
            Self::TokenizationFailed { .. } => "tokenization_failed",
            Self::TokenizationCancelled { .. } => "tokenization_cancelled",
            Self::DatasetUpdated { .. } => "dataset_updated",
            Self::DatasetDeleted {} => "dataset_deleted",
        }
    }
}
