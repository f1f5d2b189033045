//! Enums, timestamps, problems, progress, shards' small parts.

use super::{BadMessage, Required, parse};
use crate::catalog as proto;
use chrono::{DateTime, Utc};
use dataset_model::{
    DatasetStatus, FieldViolation, FileProgress, JobKind, JobState, OnBadRows, Packing, Problem, Progress, Split,
    TaskKind, TokenizationStatus,
};

macro_rules! enums {
    ($($name:ident { $($variant:ident),* })*) => {
        $(
            impl From<$name> for proto::$name {
                fn from(value: $name) -> Self {
                    match value { $($name::$variant => Self::$variant),* }
                }
            }

            impl TryFrom<proto::$name> for $name {
                type Error = BadMessage;

                fn try_from(value: proto::$name) -> Result<Self, Self::Error> {
                    match value {
                        $(proto::$name::$variant => Ok(Self::$variant),)*
                        proto::$name::Unspecified => Err(BadMessage::new(stringify!($name), "is unspecified")),
                    }
                }
            }
        )*
    };
}

enums! {
    DatasetStatus { Pending, Downloading, Ready, Failed, Deleting }
    TokenizationStatus { Pending, Running, Ready, Failed, Cancelled, Deleting }
    JobState { Queued, Running, Succeeded, Failed, Cancelled }
    JobKind { Ingest, Tokenize }
    TaskKind { Plan, Work, Finish, Gc }
    Packing { None, Concat }
}

impl From<OnBadRows> for proto::OnBadRows {
    fn from(asked: OnBadRows) -> Self {
        match asked {
            OnBadRows::Fail => Self::Fail,
            OnBadRows::Skip => Self::Skip,
        }
    }
}

impl From<proto::OnBadRows> for OnBadRows {
    fn from(asked: proto::OnBadRows) -> Self {
        match asked {
            proto::OnBadRows::Unspecified | proto::OnBadRows::Fail => Self::Fail,
            proto::OnBadRows::Skip => Self::Skip,
        }
    }
}

/// A time on the wire.
pub fn timestamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.timestamp(), nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or(0) }
}

pub(crate) fn time(at: Option<prost_types::Timestamp>, field: &'static str) -> Result<DateTime<Utc>, BadMessage> {
    optional_time(at, field)?.required(field)
}

pub(crate) fn optional_time(
    at: Option<prost_types::Timestamp>,
    field: &'static str,
) -> Result<Option<DateTime<Utc>>, BadMessage> {
    let Some(at) = at else { return Ok(None) };
    let nanos = u32::try_from(at.nanos).map_err(|e| BadMessage::new(field, e.to_string()))?;
    DateTime::from_timestamp(at.seconds, nanos).required(field).map(Some)
}

impl From<Problem> for proto::Problem {
    fn from(problem: Problem) -> Self {
        let violation = |v: FieldViolation| proto::FieldViolation { field: v.field, description: v.description };
        Self {
            reason: problem.reason.as_str().to_owned(),
            detail: problem.detail,
            retryable: problem.retryable,
            retry_after_ms: problem.retry_after_ms,
            next_step: problem.next_step,
            errors: problem.errors.into_iter().map(violation).collect(),
        }
    }
}

impl TryFrom<proto::Problem> for Problem {
    type Error = BadMessage;

    fn try_from(problem: proto::Problem) -> Result<Self, Self::Error> {
        let violation = |v: proto::FieldViolation| FieldViolation { field: v.field, description: v.description };
        Ok(Self {
            reason: parse(&problem.reason, "reason")?,
            detail: problem.detail,
            retryable: problem.retryable,
            retry_after_ms: problem.retry_after_ms,
            next_step: problem.next_step,
            errors: problem.errors.into_iter().map(violation).collect(),
        })
    }
}

impl From<FileProgress> for proto::FileProgress {
    fn from(file: FileProgress) -> Self {
        Self { path: file.path, done: file.done, total: file.total }
    }
}

impl From<proto::FileProgress> for FileProgress {
    fn from(file: proto::FileProgress) -> Self {
        Self { path: file.path, done: file.done, total: file.total }
    }
}

impl From<Progress> for proto::Progress {
    fn from(p: Progress) -> Self {
        Self {
            phase: p.phase,
            done: p.done,
            total: p.total,
            bytes: p.bytes,
            rows: p.rows,
            tokens: p.tokens,
            sequences: p.sequences,
            files: p.files.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<proto::Progress> for Progress {
    fn from(p: proto::Progress) -> Self {
        Self {
            phase: p.phase,
            done: p.done,
            total: p.total,
            bytes: p.bytes,
            rows: p.rows,
            tokens: p.tokens,
            sequences: p.sequences,
            files: p.files.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Split> for proto::Split {
    fn from(split: Split) -> Self {
        Self { name: split.name, row_count: split.row_count, size_bytes: split.size_bytes }
    }
}

impl From<proto::Split> for Split {
    fn from(split: proto::Split) -> Self {
        Self { name: split.name, row_count: split.row_count, size_bytes: split.size_bytes }
    }
}
