//! The verified, resumable transfer of one file to disk.
//!
//! A loop of attempts around a [`Part`]: each attempt asks `/resolve/` anew (signed addresses expire), for the
//! bytes that are still missing, and checks that exactly these came. The network is read on the
//! runtime; hashing and writing happen on a blocking thread behind a short channel, so that a slow disk slows
//! the sender down instead of filling memory, and the runtime's threads never wait for it.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use tokio::{
    task::{JoinError, spawn_blocking},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    HubClient,
    address::Address,
    attempt::Attempt,
    client::{REFETCHES, RepoKind},
    error::HubError,
    listing::RemoteFile,
    part::Part,
    retry::Retry,
    streams::Tally,
    token::Token,
};

/// So many new bytes forgive the failures before them. Fewer would let a server that breaks off after every
/// byte keep a transfer alive for ever.
const PROGRESS: u64 = 64 << 10;

/// One file to fetch.
pub struct Fetch<'a> {
    /// Dataset or model.
    pub kind: RepoKind,
    /// `owner/name`.
    pub repo: &'a str,
    /// The commit that `file` was listed at.
    pub commit: &'a str,
    /// As it stands in the listing.
    pub file: &'a RemoteFile,
    /// Folder for partial files; made if it is missing. Files are named by digest, `{digest}[.{random}].part`,
    /// with a small `.etag` beside them while a transfer is unfinished.
    pub staging: &'a Path,
    /// For gated and private repositories.
    pub token: Option<&'a Token>,
    /// Ends the transfer with [`HubError::Cancelled`] and keeps what is there.
    pub cancel: &'a CancellationToken,
    /// Called with the bytes so far, resumed ones included. It falls back when a damaged file is fetched again.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// A file whose size and digest are the ones that the Hub declared.
#[derive(Debug)]
pub struct FetchedFile {
    /// The descriptor that was hashed, at its first byte. It holds the lock on the file until it is dropped.
    pub file: File,
    /// Where it lies; the caller removes it after use.
    pub path: PathBuf,
    /// Bytes that came over the network for it now.
    pub downloaded: u64,
    /// Bytes that an earlier transfer had left, or that the local Hub cache held.
    pub resumed_from: u64,
}

impl HubClient {
    /// Fetches a file, or what is missing of it, and verifies it.
    pub async fn fetch(&self, request: Fetch<'_>) -> Result<FetchedFile, HubError> {
        let inner = &self.inner;
        let address = Address::new(&inner.http.endpoint, request.kind, request.repo, Some(request.commit))?;
        let turn = async { inner.files.acquire().await.map_err(|_| HubError::Cancelled) };
        let _permit = until_cancelled(request.cancel, turn).await?;
        let part = self.open_part(&request).await?;
        if inner.config.offline && !part.is_complete() {
            return Err(HubError::Offline { what: request.file.path.clone() });
        }
        let tally = Tally::default();
        let attempt = Attempt {
            http: &inner.http,
            config: &inner.config,
            files: &inner.files,
            address,
            request: &request,
            tally: &tally,
        };
        Transfer { attempt, retry: self.retry(), best: 0, refetches: 0 }.run(part).await
    }

    /// Locks and hashes what an earlier transfer left, and adds what the user's own cache holds.
    async fn open_part(&self, request: &Fetch<'_>) -> Result<Part, HubError> {
        let cached = self.cached(request.kind, request.repo).ok().and_then(|cached| cached.open(request.file));
        let (staging, file, cancel) = (request.staging.to_owned(), request.file.clone(), request.cancel.clone());
        let opening = spawn_blocking(move || {
            let mut part = Part::open(&staging, &file, &cancel)?;
            if let Some(cached) = cached {
                let copied = part.copy_from(cached, &cancel);
                // A damaged copy must not cost one of the tries: the Hub has not been asked yet.
                if copied.is_err() || part.is_complete() && part.digest() != file.digest {
                    part.restart().map_err(|source| HubError::disk(&file.path, source))?;
                }
            }
            Ok(part)
        });
        let part: Result<Part, HubError> = opening.await.unwrap_or_else(resume);
        let part = part?;
        if request.cancel.is_cancelled() { Err(HubError::Cancelled) } else { Ok(part) }
    }
}

/// The attempts at one file, and what they have in common.
struct Transfer<'a> {
    attempt: Attempt<'a>,
    retry: Retry,
    /// The furthest that any attempt came.
    best: u64,
    refetches: u32,
}

impl Transfer<'_> {
    async fn run(mut self, mut part: Part) -> Result<FetchedFile, HubError> {
        let Fetch { file: remote, progress, .. } = self.attempt.request;
        let resumed_from = part.present();
        self.best = resumed_from;
        progress(resumed_from);
        loop {
            if part.is_complete() {
                if part.digest() == remote.digest {
                    let (file, path) = part.finish().map_err(|source| HubError::disk(&remote.path, source))?;
                    return Ok(FetchedFile { file, path, downloaded: self.attempt.tally.downloaded(), resumed_from });
                }
                part = self.start_over(part)?;
            }
            let (back, outcome) = self.attempt.run(part).await;
            part = back;
            if part.present() >= self.best + PROGRESS || outcome.is_ok() {
                self.best = part.present();
                self.retry.progressed();
            }
            if let Err(error) = outcome {
                part = self.recover(part, error).await?;
            }
        }
    }

    /// Throws a damaged file away and allows another round, but not for ever.
    fn start_over(&mut self, mut part: Part) -> Result<Part, HubError> {
        let remote = self.attempt.request.file;
        let (path, expected, actual) = (remote.path.clone(), remote.digest, part.digest());
        tracing::warn!(%path, %expected, %actual, "`{path}` arrived damaged");
        if self.refetches == REFETCHES {
            part.discard();
            return Err(HubError::ChecksumMismatch { path, expected, actual });
        }
        self.refetches += 1;
        self.best = 0;
        part.restart().map_err(|source| HubError::disk(&path, source))?;
        (self.attempt.request.progress)(0);
        Ok(part)
    }

    /// Pauses after a failure that may pass; any other one ends the transfer.
    async fn recover(&mut self, mut part: Part, error: HubError) -> Result<Part, HubError> {
        let Fetch { file: remote, cancel, .. } = self.attempt.request;
        tracing::debug!(path = %remote.path, %error, at = part.present(), "a transfer broke off");
        if matches!(error, HubError::WrongRange { .. }) {
            part.restart().map_err(|source| HubError::disk(&remote.path, source))?;
        }
        let pause = match self.retry.pause(error, rand::random()) {
            Ok(pause) => pause,
            Err(error) => {
                // What lies there would only keep the disk full, or is nothing to go on with.
                if matches!(error, HubError::DiskFull { .. }) || part.present() == 0 {
                    part.discard();
                }
                return Err(error);
            }
        };
        until_cancelled(cancel, async {
            sleep(pause).await;
            Ok(part)
        })
        .await
    }
}

/// Runs `work` until it ends or the caller gives up.
pub(crate) async fn until_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, HubError>>,
) -> Result<T, HubError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(HubError::Cancelled),
        result = work => result,
    }
}

/// A blocking thread cannot be cancelled here, so it can only have panicked: go on with that.
pub(crate) fn resume<T>(failed: JoinError) -> T {
    std::panic::resume_unwind(failed.into_panic())
}
