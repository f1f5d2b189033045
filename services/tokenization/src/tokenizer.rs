//! Tokenizers by name and revision: fetched, verified, kept on disk by content, shared in memory among tasks. One that
//! has no `tokenizer.json` is kept as that which was [made](convert) of its files.
//!
//! A revision is resolved to a commit once per question; a commit never changes, so what is known of one needs no
//! Hub. The disk copy lies in staging: it may vanish at any time, and offline it is all there is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use dataset_model::{Problem, Reason, RepoId};
use hub::{HubClient, HubError, RemoteFile, RepoKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shard_store::{ShardStore, layout};

use crate::engine::convert::{self, ConvertError, Converted};
use crate::engine::{EngineChoice, SpecialNames, Tokenizer};
use crate::failure;

const TOKENIZER_JSON: &str = "tokenizer.json";
const SPECIAL_TOKENS_MAP: &str = "special_tokens_map.json";
/// What is read of a repository, each with its upper limit in bytes.
const FILES: [(&str, u64); 5] = [
    (TOKENIZER_JSON, 64 << 20),
    ("tokenizer_config.json", 8 << 20),
    (SPECIAL_TOKENS_MAP, 8 << 20),
    ("chat_template.jinja", 8 << 20),
    ("config.json", 8 << 20),
];
/// What is read beside these of one that has no [`TOKENIZER_JSON`].
const SOURCES: [(&str, u64); 4] = [
    (convert::VOCAB_JSON, 64 << 20),
    (convert::MERGES, 64 << 20),
    (convert::VOCAB_TEXT, 64 << 20),
    (convert::ADDED_TOKENS, 8 << 20),
];
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
struct Kept {
    /// Of each file by its path, hexadecimal; also the name of the copy.
    sha256: BTreeMap<String, String>,
}

/// The bytes of a tokenizer's files by their path; the first of [`FILES`] is there.
struct Files(BTreeMap<&'static str, Vec<u8>>);

impl Files {
    fn take_tokenizer_json(&mut self) -> Vec<u8> {
        self.0.remove(TOKENIZER_JSON).unwrap_or_default()
    }

    /// With a [`TOKENIZER_JSON`] that is made of the others.
    fn converted(mut self) -> Result<Self, ConvertError> {
        let Converted { tokenizer_json, special_tokens_map } = convert::convert(|path| self.get(path))?;
        self.0.retain(|path, _| FILES.iter().any(|(kept, _)| kept == path));
        self.0.extend([(TOKENIZER_JSON, tokenizer_json), (SPECIAL_TOKENS_MAP, special_tokens_map)]);
        Ok(self)
    }

    fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// A `chat_template.jinja` stands for what `tokenizer_config.json` says, as in `transformers`; of the other files each
    /// says what those before it do not.
    fn names(&self) -> SpecialNames {
        let read = |path: &str, read: fn(&[u8]) -> SpecialNames| self.get(path).map(read).unwrap_or_default();
        let mut names = read("tokenizer_config.json", SpecialNames::from_config)
            .or(read("special_tokens_map.json", SpecialNames::from_config))
            .or(read("config.json", SpecialNames::from_model_config));
        if let Some(own) = self.get("chat_template.jinja") {
            names.chat_template = Some(String::from_utf8_lossy(own).into_owned());
        }
        names
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
        let mut files = match self.on_disk(repo, commit).await {
            Some(files) => files,
            None => self.fetched(repo, commit).await?,
        };
        let (name, choice) = (repo.as_str().to_owned(), self.choice);
        let parse = move || {
            Tokenizer::parse(files.take_tokenizer_json(), &files.names(), choice)
                .map_err(|error| failure::tokenizer(&name, &error))
        };
        let tokenizer = Arc::new(on_its_own(parse).await??);
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
        let is_whole = find(TOKENIZER_JSON).is_some();
        let mut files = BTreeMap::new();
        for (path, limit) in FILES.into_iter().chain(SOURCES.into_iter().filter(|_| !is_whole)) {
            if let Some(file) = find(path) {
                files.insert(path, self.fetch(repo, commit, file, limit).await?);
            }
        }
        let mut files = Files(files);
        if !is_whole {
            let shown: Vec<String> = tree.iter().take(FILES_SHOWN).map(|file| file.path.clone()).collect();
            let converted = on_its_own(|| files.converted()).await?;
            files = converted.map_err(|error| failure::no_tokenizer_json(name, &shown, &error))?;
        }
        self.keep_files(repo, commit, files).await
    }

    async fn fetch(&self, repo: &RepoId, commit: &str, file: &RemoteFile, limit: u64) -> Result<Vec<u8>, Problem> {
        let content = self.hub.read_small(RepoKind::Model, repo.as_str(), commit, file, limit, None).await;
        content.map_err(|error| failure::hub(&error))
    }

    async fn on_disk(&self, repo: &RepoId, commit: &str) -> Option<Files> {
        let kept: Kept = self.read(&entry(repo, commit)).await?;
        let mut files = BTreeMap::new();
        for (path, _) in FILES {
            if let Some(sha256) = kept.sha256.get(path) {
                files.insert(path, self.content(sha256).await?);
            }
        }
        files.contains_key(TOKENIZER_JSON).then_some(Files(files))
    }

    /// A copy, None when it is gone or damaged.
    async fn content(&self, sha256: &str) -> Option<Vec<u8>> {
        let bytes = self.read_bytes(content(sha256)).await?;
        (hex::encode(Sha256::digest(&bytes)) == sha256).then_some(bytes)
    }

    /// The same files again, of which there are copies now.
    async fn keep_files(&self, repo: &RepoId, commit: &str, files: Files) -> Result<Files, Problem> {
        let store = self.store.clone();
        let copies = on_its_own(move || {
            let copy = |(path, bytes): (&&str, &Vec<u8>)| {
                let sha256 = hex::encode(Sha256::digest(bytes));
                write(&store, &content(&sha256), bytes);
                ((*path).to_owned(), sha256)
            };
            (Kept { sha256: files.0.iter().map(copy).collect() }, files)
        });
        let (kept, files) = copies.await?;
        self.keep(entry(repo, commit), &kept).await;
        Ok(files)
    }

    async fn keep(&self, key: String, value: &impl Serialize) {
        if let Ok(json) = serde_json::to_vec(value)
            && self.read_bytes(key.clone()).await.as_ref() != Some(&json)
        {
            let store = self.store.clone();
            // It warns where it fails.
            let _ = tokio::task::spawn_blocking(move || write(&store, &key, &json)).await;
        }
    }

    async fn read<T: for<'de> Deserialize<'de>>(&self, key: &str) -> Option<T> {
        serde_json::from_slice(&self.read_bytes(key.to_owned()).await?).ok()
    }

    async fn read_bytes(&self, key: String) -> Option<Vec<u8>> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.read_file(&key).ok()).await.ok().flatten()
    }
}

/// Best effort: without the copy the Hub is asked again.
fn write(store: &ShardStore, key: &str, bytes: &[u8]) {
    if let Err(error) = store.write_file(key, bytes) {
        tracing::warn!(%error, "a tokenizer could not be kept on disk");
    }
}

/// Runs on a thread that ends with the work: what this took from the allocator and does not need any more, often more
/// than what it keeps, is then free for others.
async fn on_its_own<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let (sender, ended) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("load".to_owned()).spawn(move || _ = sender.send(work()));
    thread.map_err(|error| failure::internal(&error))?;
    ended.await.map_err(|error| failure::internal(&error))
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
