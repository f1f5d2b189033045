//! Events of a dataset.

use super::{BadMessage, Required, parse};
use crate::catalog::{self as proto, dataset_event::Body};
use dataset_model::{
    DatasetEvent, Problem,
    event::{DownloadProgress, TokenizationProgress},
};

impl From<DatasetEvent> for Body {
    fn from(event: DatasetEvent) -> Self {
        match event {
            DatasetEvent::DownloadProgress(p) => Self::DownloadProgress(proto::DownloadProgress {
                job_id: p.job_id.to_string(),
                progress: p.progress,
                downloaded: p.downloaded,
                total: p.total,
                phase: p.phase,
                bytes_per_second: p.bytes_per_second,
                eta_seconds: p.eta_seconds,
                attempt: p.attempt,
                tries: p.tries,
                max_tries: p.max_tries,
                rows: p.rows,
                files: p.files.into_iter().map(Into::into).collect(),
            }),
            DatasetEvent::DownloadCompleted { job_id, file_path, row_count, size_bytes } => {
                let job_id = job_id.to_string();
                Self::DownloadCompleted(proto::DownloadCompleted { job_id, file_path, row_count, size_bytes })
            }
            DatasetEvent::DownloadFailed { job_id, error } => {
                Self::DownloadFailed(proto::DownloadFailed { job_id: job_id.to_string(), error: Some(error.into()) })
            }
            DatasetEvent::DownloadCancelled { job_id } => {
                Self::DownloadCancelled(proto::DownloadCancelled { job_id: job_id.to_string() })
            }
            DatasetEvent::TokenizationProgress(p) => Self::TokenizationProgress(proto::TokenizationProgress {
                job_id: p.job_id.to_string(),
                tokenization_id: p.tokenization_id.to_string(),
                progress: p.progress,
                tokens: p.tokens,
                sequences: p.sequences,
                samples: p.samples,
                total_samples: p.total_samples,
                samples_per_second: p.samples_per_second,
                eta_seconds: p.eta_seconds,
                tries: p.tries,
                max_tries: p.max_tries,
            }),
            DatasetEvent::TokenizationCompleted { job_id, tokenization_id, statistics } => {
                Self::TokenizationCompleted(proto::TokenizationCompleted {
                    job_id: job_id.to_string(),
                    tokenization_id: tokenization_id.to_string(),
                    statistics: Some((*statistics).into()),
                })
            }
            DatasetEvent::TokenizationFailed { job_id, tokenization_id, error } => {
                Self::TokenizationFailed(proto::TokenizationFailed {
                    job_id: job_id.to_string(),
                    tokenization_id: tokenization_id.to_string(),
                    error: Some(error.into()),
                })
            }
            DatasetEvent::TokenizationCancelled { job_id, tokenization_id } => {
                Self::TokenizationCancelled(proto::TokenizationCancelled {
                    job_id: job_id.to_string(),
                    tokenization_id: tokenization_id.to_string(),
                })
            }
            DatasetEvent::DatasetUpdated { status } => {
                Self::DatasetUpdated(proto::DatasetUpdated { status: proto::DatasetStatus::from(status).into() })
            }
            DatasetEvent::DatasetDeleted {} => Self::DatasetDeleted(proto::DatasetDeleted {}),
        }
    }
}

impl TryFrom<Body> for DatasetEvent {
    type Error = BadMessage;

    fn try_from(body: Body) -> Result<Self, Self::Error> {
        let problem =
            |error: Option<proto::Problem>| -> Result<Problem, BadMessage> { error.required("error")?.try_into() };
        Ok(match body {
            Body::DownloadProgress(p) => Self::DownloadProgress(DownloadProgress {
                job_id: parse(&p.job_id, "job_id")?,
                progress: p.progress,
                downloaded: p.downloaded,
                total: p.total,
                phase: p.phase,
                bytes_per_second: p.bytes_per_second,
                eta_seconds: p.eta_seconds,
                attempt: p.attempt,
                tries: p.tries,
                max_tries: p.max_tries,
                rows: p.rows,
                files: p.files.into_iter().map(Into::into).collect(),
            }),
            Body::DownloadCompleted(e) => Self::DownloadCompleted {
                job_id: parse(&e.job_id, "job_id")?,
                file_path: e.file_path,
                row_count: e.row_count,
                size_bytes: e.size_bytes,
            },
            Body::DownloadFailed(e) => {
                Self::DownloadFailed { job_id: parse(&e.job_id, "job_id")?, error: problem(e.error)? }
            }
            Body::DownloadCancelled(e) => Self::DownloadCancelled { job_id: parse(&e.job_id, "job_id")? },
            Body::TokenizationProgress(p) => Self::TokenizationProgress(TokenizationProgress {
                job_id: parse(&p.job_id, "job_id")?,
                tokenization_id: parse(&p.tokenization_id, "tokenization_id")?,
                progress: p.progress,
                tokens: p.tokens,
                sequences: p.sequences,
                samples: p.samples,
                total_samples: p.total_samples,
                samples_per_second: p.samples_per_second,
                eta_seconds: p.eta_seconds,
                tries: p.tries,
                max_tries: p.max_tries,
            }),
            Body::TokenizationCompleted(e) => Self::TokenizationCompleted {
                job_id: parse(&e.job_id, "job_id")?,
                tokenization_id: parse(&e.tokenization_id, "tokenization_id")?,
                statistics: Box::new(e.statistics.required("statistics")?.try_into()?),
            },
            Body::TokenizationFailed(e) => Self::TokenizationFailed {
                job_id: parse(&e.job_id, "job_id")?,
                tokenization_id: parse(&e.tokenization_id, "tokenization_id")?,
                error: problem(e.error)?,
            },
            Body::TokenizationCancelled(e) => Self::TokenizationCancelled {
                job_id: parse(&e.job_id, "job_id")?,
                tokenization_id: parse(&e.tokenization_id, "tokenization_id")?,
            },
            Body::DatasetUpdated(e) => Self::DatasetUpdated { status: e.status().try_into()? },
            Body::DatasetDeleted(_) => Self::DatasetDeleted {},
        })
    }
}
