//! The client that services hold: one HTTP client, one rate-limit governor, one limit of files at once.

use std::{fmt, sync::Arc};

use tokio::{sync::Semaphore, time::sleep};

use crate::{
    HubConfig,
    address::Address,
    body::Body,
    cache::CachedRepo,
    error::HubError,
    http::{Ask, Http},
    listing::{self, RemoteFile, RepoInfo, Tree},
    refusal::Subject,
    retry::Retry,
    token::Token,
};

/// A file that arrives damaged is fetched again so many times.
pub(crate) const REFETCHES: u32 = 3;

/// The two kinds of repository that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RepoKind {
    /// Where datasets live.
    Dataset,
    /// Where tokenizers live.
    Model,
}

impl RepoKind {
    pub(crate) fn api_segment(self) -> &'static str {
        match self {
            Self::Dataset => "datasets",
            Self::Model => "models",
        }
    }

    pub(crate) fn web_prefix(self) -> &'static str {
        match self {
            Self::Dataset => "datasets/",
            Self::Model => "",
        }
    }
}

/// Access to one Hub. Clones share the connections, the rate limit and the limit of files at once.
#[derive(Clone)]
pub struct HubClient {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: HubConfig,
    pub(crate) http: Http,
    pub(crate) files: Semaphore,
}

impl HubClient {
    /// Fails when the endpoint is no address or there is no way to make TLS connections.
    pub fn new(config: HubConfig) -> Result<Self, HubError> {
        let (http, files) = (Http::new(&config)?, Semaphore::new(config.max_files.max(1)));
        Ok(Self { inner: Arc::new(Inner { config, http, files }) })
    }

    /// What the dataset `repo` is at `revision` (its default branch if `None`), resolved to a commit.
    pub async fn dataset_info(
        &self,
        repo: &str,
        revision: Option<&str>,
        token: Option<&Token>,
    ) -> Result<RepoInfo, HubError> {
        self.info(RepoKind::Dataset, repo, revision, token).await
    }

    /// What the model `repo` is at `revision` (its default branch if `None`), resolved to a commit.
    pub async fn model_info(
        &self,
        repo: &str,
        revision: Option<&str>,
        token: Option<&Token>,
    ) -> Result<RepoInfo, HubError> {
        self.info(RepoKind::Model, repo, revision, token).await
    }

    /// [`dataset_info`](Self::dataset_info) or [`model_info`](Self::model_info).
    pub async fn info(
        &self,
        kind: RepoKind,
        repo: &str,
        revision: Option<&str>,
        token: Option<&Token>,
    ) -> Result<RepoInfo, HubError> {
        let http = &self.inner.http;
        let address = Address::new(&http.endpoint, kind, repo, revision)?;
        if self.inner.config.offline {
            return self.cached(kind, repo)?.info(revision.unwrap_or("main"));
        }
        let subject = Subject { address, path: None };
        let ask = Ask { url: address.info(), subject, token, range: None };
        let mut retry = self.retry();
        loop {
            match listing::info(http, &ask).await {
                Ok(info) => return Ok(info),
                Err(error) => sleep(retry.pause(error, rand::random())?).await,
            }
        }
    }

    /// Every file of a commit, at any depth, in the Hub's order.
    pub async fn tree(
        &self,
        kind: RepoKind,
        repo: &str,
        commit: &str,
        token: Option<&Token>,
    ) -> Result<Vec<RemoteFile>, HubError> {
        let http = &self.inner.http;
        let address = Address::new(&http.endpoint, kind, repo, Some(commit))?;
        if self.inner.config.offline {
            return self.cached(kind, repo)?.tree(commit);
        }
        let mut tree = Tree::new(address);
        let mut retry = self.retry();
        while let Some(ask) = tree.ask(token) {
            match tree.read(http, &ask).await {
                Ok(()) => retry.progressed(),
                Err(error) => sleep(retry.pause(error, rand::random())?).await,
            }
        }
        Ok(tree.into_files())
    }

    /// The verified content of a file of at most `limit` bytes, such as a README or a `tokenizer.json`.
    pub async fn read_small(
        &self,
        kind: RepoKind,
        repo: &str,
        commit: &str,
        file: &RemoteFile,
        limit: u64,
        token: Option<&Token>,
    ) -> Result<Vec<u8>, HubError> {
        let http = &self.inner.http;
        let address = Address::new(&http.endpoint, kind, repo, Some(commit))?;
        if file.size > limit {
            return Err(HubError::TooLarge { path: file.path.clone(), size: file.size, limit });
        }
        let cached = self.cached(kind, repo).ok().and_then(|cached| cached.read(file));
        if let Some(content) = cached.filter(|content| verify(file, content).is_ok()) {
            return Ok(content);
        }
        if self.inner.config.offline {
            return Err(HubError::Offline { what: file.path.clone() });
        }
        let subject = Subject { address, path: Some(&file.path) };
        let ask = Ask { url: address.resolve(&file.path)?, subject, token, range: None };
        let (mut refetches, mut retry) = (0, self.retry());
        loop {
            let content = match read_once(http, &ask, file).await {
                Ok(content) => content,
                Err(error) => {
                    sleep(retry.pause(error, rand::random())?).await;
                    continue;
                }
            };
            match verify(file, &content) {
                Ok(()) => return Ok(content),
                Err(mismatch) if refetches == REFETCHES => return Err(mismatch),
                Err(_) => (refetches, retry) = (refetches + 1, self.retry()),
            }
        }
    }

    pub(crate) fn retry(&self) -> Retry {
        Retry::new(self.inner.config.request_tries, self.inner.config.backoff_base)
    }

    pub(crate) fn cached<'a>(&self, kind: RepoKind, repo: &'a str) -> Result<CachedRepo<'a>, HubError> {
        match &self.inner.config.cache_dir {
            Some(root) => Ok(CachedRepo::new(root, kind, repo)),
            None => Err(HubError::Offline { what: repo.to_owned() }),
        }
    }
}

impl fmt::Debug for HubClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubClient").field("endpoint", &self.inner.config.endpoint).finish_non_exhaustive()
    }
}

async fn read_once(http: &Http, ask: &Ask<'_>, file: &RemoteFile) -> Result<Vec<u8>, HubError> {
    let answer = http.get(ask).await?;
    answer.require_hub(&http.endpoint)?;
    let limit = usize::try_from(file.size).unwrap_or(usize::MAX);
    let content = Body::new(answer.response, http.patience).collect(limit).await?;
    let (expected, actual) = (file.size, content.len() as u64);
    if expected == actual {
        Ok(content)
    } else {
        Err(HubError::WrongLength { path: file.path.clone(), expected, actual })
    }
}

fn verify(file: &RemoteFile, content: &[u8]) -> Result<(), HubError> {
    let mut hasher = file.digest.hasher(file.size);
    hasher.update(content);
    let (expected, actual) = (file.digest, hasher.digest());
    if expected == actual {
        Ok(())
    } else {
        Err(HubError::ChecksumMismatch { path: file.path.clone(), expected, actual })
    }
}
