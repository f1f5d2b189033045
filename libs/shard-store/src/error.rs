//! What can go wrong between a shard and its bytes on the volume.
//!
//! Variants name what happened; callers map the few that users act on (`DiskFull`, the damage variants) to reasons.

use std::io;

use arrow_schema::ArrowError;

/// An error of the shard store. Keys are relative to the store's root: no message carries an absolute path.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The key is absolute, empty, escapes the root, or uses characters outside `[A-Za-z0-9._-]`.
    #[error("`{key}` is not a valid storage key")]
    InvalidKey { key: String },
    /// No file lies under the key.
    #[error("`{key}` does not exist in the shard store")]
    NotFound { key: String },
    /// The volume has no space left. `needed` is the size of the write that failed, when it is known.
    #[error("no space left for `{key}`: {free} bytes are free")]
    DiskFull { key: String, needed: Option<u64>, free: u64 },
    /// The operating system refused an operation.
    #[error("could not {action} `{key}`")]
    Io {
        action: &'static str,
        key: String,
        #[source]
        source: io::Error,
    },
    /// Arrow could not encode or decode.
    #[error("`{key}` could not be encoded or decoded as Arrow")]
    Arrow {
        key: String,
        #[source]
        source: ArrowError,
    },
    /// Shards hold no dictionaries: a batch could not be sent without the one before it.
    #[error("column `{column}` of `{key}` is dictionary-encoded: decode it before it is written")]
    DictionaryColumn { key: String, column: String },
    /// A batch has other columns than the shard was opened with.
    #[error("a batch for `{key}` does not have the shard's columns")]
    SchemaMismatch { key: String },
    /// The writer failed earlier and its temporary file is gone; nothing more can be written to it.
    #[error("the writer of `{key}` failed before: start a new one")]
    WriterFailed { key: String },
    /// The file is not a whole Arrow IPC file as this store writes it.
    #[error("`{key}` is not a readable shard: {problem}")]
    NotAShard { key: String, problem: &'static str },
    /// The file is shorter or longer than it must be.
    #[error("`{key}` has {actual} bytes instead of {expected}")]
    SizeMismatch { key: String, expected: u64, actual: u64 },
    /// The file was modified after it was opened.
    #[error("`{key}` was modified while it was read")]
    Changed { key: String },
    /// The whole file does not have the digest that its manifest promises (hexadecimal sha256).
    #[error("`{key}` has sha256 `{actual}` instead of `{expected}`")]
    DigestMismatch { key: String, expected: String, actual: String },
    /// One batch does not have the digest that the manifest promises.
    #[error("batch {batch} of `{key}` does not match its digest")]
    BatchDigestMismatch { key: String, batch: usize },
    /// The shard has no such batch.
    #[error("`{key}` has {batch_count} batches, there is no batch {batch}")]
    NoSuchBatch { key: String, batch: usize, batch_count: usize },
    /// The rows asked for do not all exist.
    #[error("`{key}` has {row_count} rows, {count} rows from row {start} are not all there")]
    RowsOutOfRange { key: String, start: u64, count: u64, row_count: u64 },
    /// A column was asked for that the shard does not have.
    #[error("`{key}` has no column `{column}`")]
    NoSuchColumn { key: String, column: String },
}

impl StoreError {
    /// Whether stored bytes are damaged or gone although the manifest names them: a reader reports data loss.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::NotAShard { .. }
            | Self::SizeMismatch { .. }
            | Self::Changed { .. }
            | Self::DigestMismatch { .. }
            | Self::BatchDigestMismatch { .. }
            | Self::Arrow { .. } => true,
            Self::InvalidKey { .. }
            | Self::DiskFull { .. }
            | Self::Io { .. }
            | Self::DictionaryColumn { .. }
            | Self::SchemaMismatch { .. }
            | Self::WriterFailed { .. }
            | Self::NoSuchBatch { .. }
            | Self::RowsOutOfRange { .. }
            | Self::NoSuchColumn { .. } => false,
        }
    }

    /// Maps an I/O error of a read: a missing file is an answer, everything else is a failure.
    pub(crate) fn on_read(action: &'static str, key: &str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { key: key.to_owned() },
            _ => Self::Io { action, key: key.to_owned(), source },
        }
    }
}

/// Whether the volume, or the user's quota on it, is exhausted.
pub(crate) fn is_out_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
