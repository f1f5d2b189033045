//! A Hub with one dataset, a client that is not patient with it, and a folder to fetch into.
#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, but not in what these share")]

use std::{io::Read, path::Path, time::Duration};

use hub::{Fetch, FetchedFile, HubClient, HubConfig, HubError, RemoteFile, RepoKind};
use tempfile::TempDir;
use test_kit::fake_hub::{Control, FakeHub, RepoFiles};
use tokio_util::sync::CancellationToken;

pub(crate) const REPO: &str = "acme/corpus";

/// The path of the large file.
pub(crate) const LARGE: &str = "data/train-00000-of-00001.parquet";

pub(crate) struct Bench {
    pub(crate) hub: FakeHub,
    pub(crate) control: Control,
    /// Served; what is written below it is seen at once.
    pub(crate) root: TempDir,
    pub(crate) staging: TempDir,
    pub(crate) client: HubClient,
}

/// So many bytes that look random, the same each time.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Short pauses between the tries; silence is allowed for as long as a busy machine may need.
pub(crate) fn impatient(endpoint: String) -> HubConfig {
    HubConfig { endpoint, backoff_base: Duration::from_millis(10), ..HubConfig::default() }
}

impl Bench {
    /// A dataset whose large file has so many bytes, and a README.
    pub(crate) async fn new(large: usize) -> Self {
        let files =
            |repo: RepoFiles| repo.file(LARGE, noise(large)).file("README.md", "---\nlicense: mit\n---\n# Corpus\n");
        Self::with(files).await
    }

    pub(crate) async fn with(files: impl FnOnce(RepoFiles) -> RepoFiles) -> Self {
        let root = tempfile::tempdir().unwrap();
        files(FakeHub::repo(root.path(), &format!("datasets/{REPO}"))).write().unwrap();
        let (hub, control) = FakeHub::start(root.path()).await.unwrap();
        let client = HubClient::new(impatient(hub.endpoint())).unwrap();
        Self { hub, control, root, staging: tempfile::tempdir().unwrap(), client }
    }

    /// The commit and the listing of the file `path`.
    pub(crate) async fn listed(&self, path: &str) -> (String, RemoteFile) {
        let info = self.client.dataset_info(REPO, None, None).await.unwrap();
        let files = self.client.tree(RepoKind::Dataset, REPO, &info.sha, None).await.unwrap();
        (info.sha, files.into_iter().find(|file| file.path == path).unwrap())
    }

    pub(crate) async fn fetch(&self, path: &str) -> Result<FetchedFile, HubError> {
        let (commit, file) = self.listed(path).await;
        self.fetch_listed(&commit, &file, &CancellationToken::new(), &|_| ()).await
    }

    pub(crate) async fn fetch_listed(
        &self,
        commit: &str,
        file: &RemoteFile,
        cancel: &CancellationToken,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<FetchedFile, HubError> {
        fetch_with(&self.client, commit, file, self.staging.path(), cancel, progress).await
    }

    /// The ranges that file bodies were asked for, in order.
    pub(crate) fn body_ranges(&self) -> Vec<Option<String>> {
        let is_body = |path: &str| path.starts_with("/lfs/") || path.starts_with("/api/resolve-cache/");
        self.control.requests().into_iter().filter(|one| is_body(&one.path)).map(|one| one.range).collect()
    }

    pub(crate) fn staged(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.staging.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

pub(crate) async fn fetch_with(
    client: &HubClient,
    commit: &str,
    file: &RemoteFile,
    staging: &Path,
    cancel: &CancellationToken,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<FetchedFile, HubError> {
    let request = Fetch { kind: RepoKind::Dataset, repo: REPO, commit, file, staging, token: None, cancel, progress };
    client.fetch(request).await
}

pub(crate) fn content(fetched: &mut FetchedFile) -> Vec<u8> {
    let mut content = Vec::new();
    fetched.file.read_to_end(&mut content).unwrap();
    content
}

/// Cancels as soon as so many bytes have come.
pub(crate) fn cancel_at(cancel: &CancellationToken, bytes: u64) -> impl Fn(u64) + Sync + use<> {
    let cancel = cancel.clone();
    move |at| {
        if at >= bytes {
            cancel.cancel();
        }
    }
}
