//! Tokenizers by name and revision: fetched, verified, kept on disk by content, shared in memory among tasks.
//!
//! A revision is resolved to a commit once per question; a commit never changes, so what is known of one needs no
//! Hub. The disk copy lies in staging: it may vanish at any time, and offline it is all there is.

use std::sync::{Arc, Mutex, PoisonError};

use dataset_model::{Problem, Reason, RepoId};
use hub::{HubClient, HubError, RemoteFile, RepoKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shard_store::{ShardStore, layout};

use crate::engine::{EngineChoice, SpecialNames, Tokenizer};
use crate::failure;

/// Upper limit of a `tokenizer.json`, in bytes.
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
/// Upper limit of a `tokenizer_config.json` and of a `chat_template.jinja`, in bytes.
const MAX_CONFIG_BYTES: u64 = 8 << 20;
/// Tokenizers in memory; the largest take 400 MB.
const LOADED: usize = 3;
/// File names shown of a repository that has no tokenizer.
const FILES_SHOWN: usize = 20;

/// Finds and keeps tokenizers. Shared among the service's calls and tasks.
pub(crate) struct Tokenizers {
    hub: HubClient,
    store: ShardStore,
    choice: EngineChoice,
    /// Most recently used last.
    loaded: Mutex<Vec<Loaded>>,
    /// Loading takes seconds and memory: one at a time.
    loading: tokio::sync::Mutex<()>,
}

struct Loaded {
    name: String,
    commit: String,
    tokenizer: Arc<Tokenizer>,
}

/// A tokenizer at the commit that a revision stood for.
#[derive(Clone)]
pub(crate) struct Pinned {
    pub(crate) commit: String,
    pub(crate) tokenizer: Arc<Tokenizer>,
}

/// What the disk knows of a commit. A version before kept other fields: such an entry is as none.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names on the disk, which say what they are")]
struct Kept {
    /// Hexadecimal; also the name of the copy.
    tokenizer_sha256: String,
    tokenizer_config_sha256: Option<String>,
    chat_template_sha256: Option<String>,
}

/// The bytes of a tokenizer's files.
struct Files {
    tokenizer_json: Vec<u8>,
    tokenizer_config: Option<Vec<u8>>,
    chat_template: Option<Vec<u8>>,
}

impl Files {
    /// A `chat_template.jinja` stands for what `tokenizer_config.json` says, as in `transformers`.
    fn names(&self) -> SpecialNames {
        let names = self.tokenizer_config.as_deref().map(SpecialNames::from_config).unwrap_or_default();
        let own = self.chat_template.as_deref().map(|text| String::from_utf8_lossy(text).into_owned());
        SpecialNames { chat_template: own.or(names.chat_template), ..names }
    }
}

impl Tokenizers {
    pub(crate) fn new(hub: HubClient, store: ShardStore, choice: EngineChoice) -> Self {
        Self { hub, store, choice, loaded: Mutex::default(), loading: tokio::sync::Mutex::default() }
    }

    /// The tokenizer at `revision`, the default branch when None.
    pub(crate) async fn at_revision(&self, name: &str, revision: Option<&str>) -> Result<Pinned, Problem> {
        let repo = RepoId::parse(name).map_err(|error| Problem::field("tokenizer_name", error.to_string()))?;
        if let Some(commit) = revision.filter(|revision| is_commit(revision)) {
            return Ok(Pinned { commit: commit.to_owned(), tokenizer: self.at_commit(&repo, commit).await? });
        }
        let commit = match self.hub.model_info(name, revision, None).await {
            Ok(info) => info.sha,
            Err(error @ HubError::Offline { .. }) => {
                self.read::<String>(&reference(&repo, revision)).await.ok_or_else(|| failure::hub(&error))?
            }
            Err(error) => return Err(failure::hub(&error)),
        };
        let tokenizer = self.at_commit(&repo, &commit).await?;
        self.keep(reference(&repo, revision), &commit).await;
        Ok(Pinned { commit, tokenizer })
    }

    /// The tokenizer of a task's specification: whatever its name stands for now, it has this content.
    pub(crate) async fn pinned(&self, name: &str, commit: &str, sha256: &str) -> Result<Arc<Tokenizer>, Problem> {
        let repo = RepoId::parse(name).map_err(|error| Problem::field("tokenizer_name", error.to_string()))?;
        let tokenizer = self.at_commit(&repo, commit).await?;
        let actual = hex::encode(tokenizer.sha256());
        if actual != sha256 {
            let detail = format!("tokenizer.json of `{name}` has sha256 {actual} instead of {sha256}");
            return Err(Problem::new(Reason::ChecksumMismatch, detail));
        }
        Ok(tokenizer)
    }

    async fn at_commit(&self, repo: &RepoId, commit: &str) -> Result<Arc<Tokenizer>, Problem> {
        if let Some(tokenizer) = self.in_memory(repo, commit) {
            return Ok(tokenizer);
        }
        let _turn = self.loading.lock().await;
        if let Some(tokenizer) = self.in_memory(repo, commit) {
            return Ok(tokenizer);
        }
        let files = match self.on_disk(repo, commit).await {
            Some(files) => files,
            None => self.fetched(repo, commit).await?,
        };
        let (name, choice) = (repo.as_str().to_owned(), self.choice);
        let parsing = tokio::task::spawn_blocking(move || {
            Tokenizer::parse(&files.tokenizer_json, &files.names(), choice)
                .map_err(|error| failure::tokenizer(&name, &error))
        });
        let tokenizer = Arc::new(parsing.await.map_err(|error| failure::internal(&error))??);
        let mut loaded = self.lock();
        if loaded.len() == LOADED {
            loaded.remove(0);
        }
        let (name, commit) = (repo.as_str().to_owned(), commit.to_owned());
        loaded.push(Loaded { name, commit, tokenizer: Arc::clone(&tokenizer) });
        Ok(tokenizer)
    }

    fn in_memory(&self, repo: &RepoId, commit: &str) -> Option<Arc<Tokenizer>> {
        let mut loaded = self.lock();
        let at = loaded.iter().position(|entry| entry.name == repo.as_str() && entry.commit == commit)?;
        let entry = loaded.remove(at);
        let tokenizer = Arc::clone(&entry.tokenizer);
        loaded.push(entry);
        Some(tokenizer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Loaded>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetched(&self, repo: &RepoId, commit: &str) -> Result<Files, Problem> {
        let name = repo.as_str();
        let tree = self.hub.tree(RepoKind::Model, name, commit, None).await.map_err(|error| failure::hub(&error))?;
        let find = |path: &str| tree.iter().find(|file| file.path == path);
        let Some(json) = find("tokenizer.json") else {
            let shown: Vec<String> = tree.iter().take(FILES_SHOWN).map(|file| file.path.clone()).collect();
            return Err(failure::no_tokenizer_json(name, &shown));
        };
        let tokenizer_json = self.fetch(repo, commit, json, MAX_TOKENIZER_BYTES).await?;
        let mut beside = [None, None];
        for (found, path) in beside.iter_mut().zip(["tokenizer_config.json", "chat_template.jinja"]) {
            if let Some(file) = find(path) {
                *found = Some(self.fetch(repo, commit, file, MAX_CONFIG_BYTES).await?);
            }
        }
        let [tokenizer_config, chat_template] = beside;
        let files = Files { tokenizer_json, tokenizer_config, chat_template };
        self.keep_files(repo, commit, &files).await;
        Ok(files)
    }

    async fn fetch(&self, repo: &RepoId, commit: &str, file: &RemoteFile, limit: u64) -> Result<Vec<u8>, Problem> {
        let content = self.hub.read_small(RepoKind::Model, repo.as_str(), commit, file, limit, None).await;
        content.map_err(|error| failure::hub(&error))
    }

    async fn on_disk(&self, repo: &RepoId, commit: &str) -> Option<Files> {
        let kept: Kept = self.read(&entry(repo, commit)).await?;
        let tokenizer_json = self.content(&kept.tokenizer_sha256).await?;
        let mut beside = [None, None];
        for (found, sha256) in beside.iter_mut().zip([&kept.tokenizer_config_sha256, &kept.chat_template_sha256]) {
            if let Some(sha256) = sha256 {
                *found = Some(self.content(sha256).await?);
            }
        }
        let [tokenizer_config, chat_template] = beside;
        Some(Files { tokenizer_json, tokenizer_config, chat_template })
    }

    /// A copy, None when it is gone or damaged.
    async fn content(&self, sha256: &str) -> Option<Vec<u8>> {
        let bytes = self.read_bytes(content(sha256)).await?;
        (hex::encode(Sha256::digest(&bytes)) == sha256).then_some(bytes)
    }

    async fn keep_files(&self, repo: &RepoId, commit: &str, files: &Files) {
        let sha256 = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        let kept = Kept {
            tokenizer_sha256: sha256(&files.tokenizer_json),
            tokenizer_config_sha256: files.tokenizer_config.as_deref().map(sha256),
            chat_template_sha256: files.chat_template.as_deref().map(sha256),
        };
        self.write(content(&kept.tokenizer_sha256), files.tokenizer_json.clone()).await;
        let beside = [
            (&kept.tokenizer_config_sha256, &files.tokenizer_config),
            (&kept.chat_template_sha256, &files.chat_template),
        ];
        for (sha256, bytes) in beside {
            if let (Some(sha256), Some(bytes)) = (sha256, bytes) {
                self.write(content(sha256), bytes.clone()).await;
            }
        }
        self.keep(entry(repo, commit), &kept).await;
    }

    async fn keep(&self, key: String, value: &impl Serialize) {
        if let Ok(json) = serde_json::to_vec(value)
            && self.read_bytes(key.clone()).await.as_ref() != Some(&json)
        {
            self.write(key, json).await;
        }
    }

    async fn read<T: for<'de> Deserialize<'de>>(&self, key: &str) -> Option<T> {
        serde_json::from_slice(&self.read_bytes(key.to_owned()).await?).ok()
    }

    async fn read_bytes(&self, key: String) -> Option<Vec<u8>> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.read_file(&key).ok()).await.ok().flatten()
    }

    /// Best effort: without the copy the Hub is asked again.
    async fn write(&self, key: String, bytes: Vec<u8>) {
        let store = self.store.clone();
        let written = tokio::task::spawn_blocking(move || store.write_file(&key, &bytes)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "a tokenizer could not be kept on disk");
        }
    }
}

/// A whole commit id stands for itself: what is known of it needs no Hub.
fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn folder() -> String {
    format!("{}/tokenizers", layout::STAGING)
}

fn content(sha256: &str) -> String {
    format!("{}/{sha256}", folder())
}

fn entry(repo: &RepoId, commit: &str) -> String {
    format!("{}/{}/{commit}.json", folder(), repo.folder())
}

/// A revision is a stranger's text: its digest stands for it.
fn reference(repo: &RepoId, revision: Option<&str>) -> String {
    let digest = hex::encode(Sha256::digest(revision.unwrap_or("main")));
    format!("{}/{}/revision-{}.json", folder(), repo.folder(), &digest[..16])
}
