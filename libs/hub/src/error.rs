//! Everything that can go wrong with the Hub, in one enum that the reasons on the wire are made from.
//!
//! Variants name what happened. No variant carries a token, a signed URL or a local path.

use std::{io, time::Duration};

use crate::digest::Digest;

/// Why the Hub did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The configured endpoint is not an http or https address.
    #[error("`{endpoint}` is not the address of a hub")]
    InvalidEndpoint { endpoint: String },
    /// The HTTP client could not be made, for example because there are no CA certificates.
    #[error("could not make an http client")]
    Client(#[source] reqwest::Error),
    /// Not `name` or `owner/name`.
    #[error("`{repo}` is not a repository id")]
    InvalidRepoId { repo: String },
    /// A path in a listing that could lead out of its repository.
    #[error("the repository lists the unsafe path `{path}`")]
    InvalidPath { path: String },
    /// Missing, or private and invisible to this token: the Hub does not tell these apart.
    #[error("there is no repository `{repo}`, or it is private")]
    RepoNotFound { repo: String },
    /// No such branch, tag or commit.
    #[error("`{repo}` has no revision `{revision}`")]
    RevisionNotFound { repo: String, revision: String },
    /// No such file at this commit.
    #[error("`{repo}` has no file `{path}`")]
    EntryNotFound { repo: String, path: String },
    /// Its owner must grant access first; `url` is the page to ask at.
    #[error("access to `{repo}` is restricted: ask for it at `{url}`")]
    Gated { repo: String, url: String },
    /// The token is malformed, unknown or expired.
    #[error("the hub refused the token")]
    TokenRejected,
    /// The token is fine but does not allow this.
    #[error("access to `{repo}` is forbidden")]
    Forbidden { repo: String },
    /// Taken down by the Hub.
    #[error("`{repo}` is disabled")]
    Disabled { repo: String },
    /// The quota is used up for so long that waiting here would only block others.
    #[error("the hub's rate limit is reached for another {} s", retry_after.as_secs())]
    RateLimited { retry_after: Duration },
    /// 408 or 5xx, still so after all tries.
    #[error("the hub answered with status {status}")]
    ServerError { status: u16 },
    /// A status that the protocol does not know here.
    #[error("the hub answered with the unexpected status {status}")]
    UnexpectedStatus { status: u16 },
    /// The storage behind the Hub refused a signed address, as it does when that has expired.
    #[error("the hub's storage answered with status {status}")]
    StorageRefused { status: u16 },
    /// No connection, or it broke.
    #[error("the hub could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// Silence, or fewer bytes than the configured minimum.
    #[error("the hub sent {bytes} bytes in {} s", window.as_secs())]
    Stalled { bytes: u64, window: Duration },
    /// The answer is not as long as the listing says.
    #[error("the answer for `{path}` ends at byte {actual} instead of {expected}")]
    WrongLength { path: String, expected: u64, actual: u64 },
    /// A range was asked for and another one came, or none.
    #[error("the answer for `{path}` is not the range that was asked for")]
    WrongRange { path: String },
    /// Fetched again and again, and never with the declared content.
    #[error("`{path}` should have the digest `{expected}`, but has `{actual}`")]
    ChecksumMismatch { path: String, expected: Digest, actual: Digest },
    /// Larger than the caller's limit for this kind of file.
    #[error("`{path}` has {size} bytes; the limit is {limit}")]
    TooLarge { path: String, size: u64, limit: u64 },
    /// More files than a listing may have.
    #[error("`{repo}` has more than {limit} files")]
    TooManyFiles { repo: String, limit: usize },
    /// No space, or no quota, left in the staging directory.
    #[error("no space left for `{path}`")]
    DiskFull {
        path: String,
        #[source]
        source: io::Error,
    },
    /// Another failure of the local disk.
    #[error("could not read or write `{path}` locally")]
    Disk {
        path: String,
        #[source]
        source: io::Error,
    },
    /// Whatever answers there, it does not speak the Hub's protocol; a captive portal, perhaps.
    #[error("what answers at `{host}` is not a hub: {why}")]
    NotAHub { host: String, why: &'static str },
    /// A redirect to a private address, to another scheme, or one too many.
    #[error("refused to follow a redirect to `{host}`: {why}")]
    RedirectRefused { host: String, why: &'static str },
    /// Offline, and not on disk.
    #[error("`{what}` is not on disk, and the hub is offline by configuration")]
    Offline { what: String },
    /// The caller's token was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl HubError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::ServerError { .. }
            | Self::StorageRefused { .. }
            | Self::Unreachable(_)
            | Self::Stalled { .. }
            | Self::WrongLength { .. }
            | Self::WrongRange { .. } => true,
            Self::InvalidEndpoint { .. }
            | Self::Client(_)
            | Self::InvalidRepoId { .. }
            | Self::InvalidPath { .. }
            | Self::RepoNotFound { .. }
            | Self::RevisionNotFound { .. }
            | Self::EntryNotFound { .. }
            | Self::Gated { .. }
            | Self::TokenRejected
            | Self::Forbidden { .. }
            | Self::Disabled { .. }
            | Self::UnexpectedStatus { .. }
            | Self::ChecksumMismatch { .. }
            | Self::TooLarge { .. }
            | Self::TooManyFiles { .. }
            | Self::DiskFull { .. }
            | Self::Disk { .. }
            | Self::NotAHub { .. }
            | Self::RedirectRefused { .. }
            | Self::Offline { .. }
            | Self::Cancelled => false,
        }
    }

    /// A network failure, without the address: a signed one is a secret of its own.
    pub(crate) fn unreachable(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url())
    }

    /// A failure of the local disk while working on the file `path` of a repository.
    pub(crate) fn disk(path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            _ => Self::Disk { path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_trouble() {
        let of = |errno| HubError::disk("a.txt", io::Error::from_raw_os_error(errno));
        // ENOSPC, EDQUOT, EIO
        assert!(matches!(of(28), HubError::DiskFull { .. }));
        assert!(matches!(of(122), HubError::DiskFull { .. }));
        assert!(matches!(of(5), HubError::Disk { .. }));
    }
}
