//! What went wrong, as a user is told: the one place where this service's errors become problems with a next step.
//!
//! Causes that a user cannot act on are logged here, once, and shown as `INTERNAL`.

use catalog_client::TaskError;
use dataset_model::{Problem, Reason};
use hub::HubError;
use shard_store::StoreError;

use crate::{convert::ConvertError, plan::PlanError};

/// The Hub did not give what was asked for. A rate limit is waited out without counting a try.
pub(crate) fn hub(error: &HubError) -> TaskError {
    match error {
        HubError::Cancelled => TaskError::Stopped,
        HubError::RateLimited { retry_after } => TaskError::Wait(*retry_after),
        error => TaskError::Problem(refused(error)),
    }
}

/// The same for a question whose answer somebody waits for.
pub(crate) fn question(error: TaskError) -> Problem {
    match error {
        TaskError::Problem(problem) | TaskError::OutOfMemory(problem, _) => problem,
        TaskError::Wait(time) => {
            Problem::new(Reason::HubRateLimited, "the Hub's rate limit is reached").retry_after(time)
        }
        TaskError::Stopped => Problem::new(Reason::Draining, "the service is shutting down"),
    }
}

fn refused(error: &HubError) -> Problem {
    let (reason, step) = match error {
        HubError::InvalidRepoId { .. } => (Reason::InvalidRepoId, None),
        HubError::RepoNotFound { .. } => {
            (Reason::HubRepoNotFound, Some("check the name; for a private repository set HF_TOKEN".to_owned()))
        }
        HubError::Disabled { .. } => (Reason::HubRepoNotFound, None),
        HubError::RevisionNotFound { .. } => {
            (Reason::HubRevisionNotFound, Some("use a branch, a tag or a commit of the repository".to_owned()))
        }
        HubError::Gated { url, .. } => (Reason::HubGated, Some(format!("ask for access at {url} and set HF_TOKEN"))),
        HubError::TokenRejected => (Reason::HubTokenRejected, Some("set HF_TOKEN to a valid token".to_owned())),
        HubError::Forbidden { .. } => (Reason::HubGated, Some("use a token that may read the repository".to_owned())),
        HubError::ChecksumMismatch { .. } => {
            (Reason::ChecksumMismatch, Some("try again later; the Hub serves a damaged file".to_owned()))
        }
        HubError::DiskFull { .. } => (Reason::DiskFull, Some(FREE_SPACE.to_owned())),
        HubError::TooLarge { .. } | HubError::TooManyFiles { .. } => (Reason::SourceLimitExceeded, None),
        HubError::InvalidPath { .. } => {
            (Reason::SourceCorrupt, Some("ask the repository's owner to rename the file".to_owned()))
        }
        HubError::Offline { .. } => (Reason::DownloadFailed, Some("unset HF_HUB_OFFLINE".to_owned())),
        HubError::InvalidEndpoint { .. } | HubError::NotAHub { .. } => {
            (Reason::DownloadFailed, Some("check HF_ENDPOINT and the network".to_owned()))
        }
        HubError::Client(_)
        | HubError::EntryNotFound { .. }
        | HubError::ServerError { .. }
        | HubError::UnexpectedStatus { .. }
        | HubError::StorageRefused { .. }
        | HubError::Unreachable(_)
        | HubError::Stalled { .. }
        | HubError::WrongLength { .. }
        | HubError::WrongRange { .. }
        | HubError::Disk { .. }
        | HubError::RedirectRefused { .. }
        | HubError::RateLimited { .. }
        | HubError::Cancelled => (Reason::DownloadFailed, None),
    };
    tracing::info!(error = %chain(error), "the hub did not give what was asked for");
    let retryable = error.is_retryable() || reason == Reason::DiskFull;
    Problem { retryable, next_step: step, ..Problem::new(reason, error.to_string()) }
}

const FREE_SPACE: &str = "free space on the volume of the data directory, then start again";

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        let (reason, step) = match &error {
            PlanError::BadCard { .. } => (Reason::SourceCorrupt, "ask the repository's owner to correct it"),
            PlanError::BadSplitName { .. } => (Reason::SourceCorrupt, "ask the repository's owner to rename the file"),
            PlanError::ConfigNotFound { .. } => (Reason::HubConfigNotFound, "name one of them as `config`"),
            PlanError::ConfigRequired { .. } => (Reason::HubConfigRequired, "name one of them as `config`"),
            PlanError::SplitNotFound { .. } => (Reason::HubSplitNotFound, "name one of them as `split`"),
            PlanError::NoDataFiles => {
                (Reason::NoDataFiles, "choose a repository with parquet, json, csv, text, arrow, tar or zip files")
            }
            PlanError::NothingMatches { .. } | PlanError::EmptySplit { .. } => {
                (Reason::NoDataFiles, "ask the repository's owner to correct `configs` in README.md")
            }
            PlanError::Script { .. } => (
                Reason::ScriptDataset,
                "use the revision `refs/convert/parquet`, where the Hub keeps many such datasets as files",
            ),
            PlanError::FormatsDiffer { .. } => {
                (Reason::SchemaMismatch, "ask the repository's owner to declare a config for each format")
            }
            PlanError::Unsupported { .. } => (
                Reason::NoDataFiles,
                "use the revision `refs/convert/parquet`, where the Hub keeps many datasets as parquet",
            ),
            PlanError::UnsupportedOption { .. } => (
                Reason::NotImplemented,
                "use the revision `refs/convert/parquet`, where the Hub keeps many datasets as they are read with it",
            ),
            PlanError::TooLarge { .. } => {
                (Reason::DatasetTooLarge, "choose one split or config, or raise `limits.max_dataset_bytes`")
            }
            PlanError::DiskFull { .. } => (Reason::DiskFull, FREE_SPACE),
        };
        // Nothing here changes by itself within the pause of a retry.
        Self { retryable: false, ..Self::new(reason, error.to_string()).next_step(step) }
    }
}

/// A source file gave no rows.
pub(crate) fn convert(error: &ConvertError) -> TaskError {
    let (reason, step) = match error {
        ConvertError::Stopped => return TaskError::Stopped,
        // Whoever looks at the head only looks again.
        ConvertError::Unforeseen { .. } => return TaskError::Problem(internal(error)),
        ConvertError::Disk { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
            return TaskError::Problem(Problem::new(Reason::DiskFull, error.to_string()).next_step(FREE_SPACE));
        }
        ConvertError::Disk { .. } => {
            tracing::error!(error = %chain(error), "a source file cannot be read locally");
            return TaskError::Problem(Problem { retryable: true, ..Problem::internal() });
        }
        ConvertError::BadLine { .. } => (
            Reason::SourceCorrupt,
            "leave bad rows out with `on_bad_rows: skip`, or choose a revision in which the file is whole",
        ),
        ConvertError::Unparted { .. }
        | ConvertError::NoText { .. }
        | ConvertError::BadParquet { .. }
        | ConvertError::BadRowGroup { .. }
        | ConvertError::BadArrow { .. }
        | ConvertError::BadBatch { .. }
        | ConvertError::BadCompression { .. }
        | ConvertError::BadMember { .. }
        | ConvertError::NoColumns { .. }
        | ConvertError::DuplicateColumn { .. }
        | ConvertError::Cast { .. } => {
            (Reason::SourceCorrupt, "choose a revision in which the file is whole, or ask the repository's owner")
        }
        ConvertError::NoMembers { .. } => (
            Reason::NoDataFiles,
            "choose a split or config whose archives hold parquet, json, csv, text or arrow files",
        ),
        ConvertError::UnsupportedCompression { .. } => {
            (Reason::SourceCorrupt, "use files that are plain or packed with gzip, zstd, bzip2, xz or lz4")
        }
        ConvertError::RowTooLarge { .. }
        | ConvertError::TooMuchMemory { .. }
        | ConvertError::Bomb { .. }
        | ConvertError::TooComplex { .. } => {
            (Reason::SourceLimitExceeded, "choose a split or config without this file")
        }
        ConvertError::NoTextColumn { .. } => (Reason::NoTextColumn, "name one of them as `text_column`, or none"),
        ConvertError::MissingColumn { .. }
        | ConvertError::NotAsDeclared { .. }
        | ConvertError::Undeclared { .. }
        | ConvertError::MixedTypes { .. }
        | ConvertError::SchemasDiffer { .. }
        | ConvertError::DoesNotFit { .. } => {
            (Reason::SchemaMismatch, "choose a split or config whose files agree, or ask the repository's owner")
        }
    };
    tracing::info!(error = %chain(error), "a source file cannot be converted");
    let detail = with_cause(error);
    TaskError::Problem(Problem::new(reason, detail).next_step(step))
}

/// The volume failed.
pub(crate) fn store(error: &StoreError) -> Problem {
    match error {
        StoreError::DiskFull { .. } => Problem::new(Reason::DiskFull, error.to_string()).next_step(FREE_SPACE),
        _ if error.is_damage() => Problem::new(Reason::ShardCorrupt, error.to_string()),
        _ => internal(error),
    }
}

/// Logs the cause with its chain, and tells nobody.
pub(crate) fn internal(error: &dyn std::error::Error) -> Problem {
    tracing::error!(error = %chain(error), "internal error");
    Problem::internal()
}

/// What a decoder said about a stranger's file helps its owner; it holds no path and no secret of ours.
fn with_cause(error: &ConvertError) -> String {
    const LONGEST: usize = 300;
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {}", cause.to_string().chars().take(LONGEST).collect::<String>()),
        None => error.to_string(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
