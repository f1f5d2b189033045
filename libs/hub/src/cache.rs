//! The user's own Hub cache, as Python's `huggingface_hub` and the `hf-hub` crate lay it out, read only.
//!
//! A file that lies there need not be fetched, and offline it is all there is. Blobs are named by the digest
//! that the Hub declares; the name is a claim like any other, so whoever reads one hashes it.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use hf_hub::{Cache, Repo, RepoType};
use serde_json::Value;

use crate::{
    address::validate_path,
    client::RepoKind,
    digest::Digest,
    error::HubError,
    listing::{RemoteFile, RepoInfo},
};

/// One repository in the cache.
pub(crate) struct CachedRepo<'a> {
    cache: Cache,
    kind: RepoKind,
    repo: &'a str,
}

impl<'a> CachedRepo<'a> {
    pub(crate) fn new(root: &Path, kind: RepoKind, repo: &'a str) -> Self {
        Self { cache: Cache::new(root.to_owned()), kind, repo }
    }

    /// The content with this size and name, if it is there.
    pub(crate) fn open(&self, file: &RemoteFile) -> Option<File> {
        let blob = File::open(self.folder().join("blobs").join(file.digest.to_hex())).ok()?;
        (blob.metadata().ok()?.len() == file.size).then_some(blob)
    }

    /// The commit that `revision` stood for when it was last asked for online.
    pub(crate) fn info(&self, revision: &str) -> Result<RepoInfo, HubError> {
        // A revision may be a path (`refs/convert/parquet`), and must not lead out of the folder.
        validate_path(revision)?;
        let sha = if self.snapshot(revision).is_dir() {
            revision.to_owned()
        } else {
            let written = fs::read_to_string(self.folder().join("refs").join(revision));
            written.map_err(|_| self.missing())?.trim().to_owned()
        };
        let id = self.repo.to_owned();
        Ok(RepoInfo { id, sha, gated: false, private: false, disabled: false, card_data: Value::Null })
    }

    /// The files of a commit that were fetched before: all that can be had offline.
    pub(crate) fn tree(&self, commit: &str) -> Result<Vec<RemoteFile>, HubError> {
        validate_path(commit)?;
        let snapshot = self.snapshot(commit);
        let mut files = Vec::new();
        walk(&snapshot, "", &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        if files.is_empty() { Err(self.missing()) } else { Ok(files) }
    }

    /// The whole content of a small file. The caller verifies it.
    pub(crate) fn read(&self, file: &RemoteFile) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        self.open(file)?.take(file.size).read_to_end(&mut content).ok()?;
        Some(content)
    }

    fn snapshot(&self, commit: &str) -> PathBuf {
        self.cache.repo(self.address()).pointer_path(commit)
    }

    fn folder(&self) -> PathBuf {
        self.cache.path().join(self.address().folder_name())
    }

    fn address(&self) -> Repo {
        let kind = match self.kind {
            RepoKind::Dataset => RepoType::Dataset,
            RepoKind::Model => RepoType::Model,
        };
        Repo::new(self.repo.to_owned(), kind)
    }

    fn missing(&self) -> HubError {
        HubError::Offline { what: self.repo.to_owned() }
    }
}

/// Snapshot entries are links to blobs; the blob's name is the digest.
fn walk(folder: &Path, prefix: &str, files: &mut Vec<RemoteFile>) {
    for child in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Some(name) = child.file_name().to_str().map(|name| format!("{prefix}{name}")) else { continue };
        if child.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&child.path(), &format!("{name}/"), files);
        } else if let Ok(blob) = fs::read_link(child.path())
            && let Some(digest) = blob.file_name().and_then(|name| Digest::from_hex(name.to_str()?))
            && let Ok(meta) = fs::metadata(child.path())
        {
            files.push(RemoteFile { path: name, size: meta.len(), digest });
        }
    }
}
