//! Looking before downloading: the configs of a repository by the rules of a plan, and the first rows of one split.
//!
//! Of a file only so much is read as its first rows need, within a bound; nothing is kept, and nothing is changed.

use std::sync::Arc;

use dataset_model::{Problem, Reason};
use hub::{Digest, Excerpt, HubClient, HubError, RemoteFile, RepoKind, Token};
use serde_json::Value;
use shard_store::ShardStore;
use tokio::{runtime::Handle, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    LimitSettings,
    convert::{
        Format, Reading,
        head::{self, Beginning, Head},
    },
    failure,
    listing::Listing,
    plan::{self, ConfigOverview, Options, Overview, PlanError, SourceFile, SplitOverview, format},
    ranged::{Failure, Ranged},
    worker::blocking,
};

/// Of one file at most so many bytes are read.
const MOST_BYTES: u64 = 32 << 20;
/// What is no Parquet is read in larger and larger pieces until a row is whole.
const STEPS: [u64; 3] = [1 << 20, 8 << 20, MOST_BYTES];
/// Previews at once: each may hold what it read several times over.
const TURNS: usize = 4;
/// JSON of the rows of an answer; later rows are left out.
const ROWS_BYTES: usize = 768 << 10;

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) repo: String,
    /// None = the default branch.
    pub(crate) revision: Option<String>,
    /// None = the default config, else the first that can be read.
    pub(crate) config: Option<String>,
    /// None = the first split.
    pub(crate) split: Option<String>,
    pub(crate) rows: usize,
    /// None = the process's own.
    pub(crate) token: Option<Token>,
}

/// A repository at its commit.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) commit: String,
    pub(crate) gated: bool,
    pub(crate) overview: Overview,
}

/// The first rows of a split.
#[derive(Debug, Default)]
pub(crate) struct FirstRows {
    /// Arrow schema.
    pub(crate) schema: Value,
    /// Names and types.
    pub(crate) columns: Vec<(String, String)>,
    /// Each as JSON.
    pub(crate) rows: Vec<String>,
}

/// Answers questions about repositories.
#[derive(Debug)]
pub(crate) struct Previews {
    hub: HubClient,
    store: ShardStore,
    limits: LimitSettings,
    turns: Semaphore,
}

impl Previews {
    pub(crate) fn new(hub: HubClient, store: ShardStore, limits: LimitSettings) -> Self {
        Self { hub, store, limits, turns: Semaphore::new(TURNS) }
    }

    /// What the volume must have free to download a config, and what it has.
    pub(crate) fn disk(&self, config: &ConfigOverview) -> (u64, u64) {
        let needed = plan::disk_needed(config.source_bytes(), self.limits.free_space_bytes);
        (needed, self.store.free_space())
    }

    /// All configs of the repository.
    pub(crate) async fn repository(&self, question: &Question) -> Result<Repository, Problem> {
        let Question { repo, revision, token, .. } = question;
        let token = token.as_ref();
        let info = self.hub.dataset_info(repo, revision.as_deref(), token).await.map_err(|e| asked(&e))?;
        let listing = Listing::read(&self.hub, repo, info.sha, token).await.map_err(|e| asked(&e))?;
        let looked = blocking(move || plan::overview(&listing.repository()).map(|overview| (listing.commit, overview)));
        let (commit, overview) = looked.await.map_err(failure::question)?.map_err(Problem::from)?;
        Ok(Repository { commit, gated: info.gated, overview })
    }

    /// The first rows of a split.
    pub(crate) async fn first_rows(
        &self,
        question: &Question,
        commit: &str,
        split: &SplitOverview,
    ) -> Result<FirstRows, Problem> {
        let rows = question.rows;
        let Some(file) = split.first_file() else { return Ok(FirstRows::default()) };
        let format = Format::named(format::of_file(&file.path, split.split.format).converter().as_str());
        let format = format.ok_or_else(Problem::internal)?;
        let reading = Reading { options: Arc::clone(&split.split.options), ..format.into() };
        let file = ListedFile::new(&self.hub, question, commit, file)?;
        let _turn = self.turns.acquire().await.map_err(|error| failure::internal(&error))?;
        // Ends the threads too when nobody waits for the answer any more.
        let stop = CancellationToken::new();
        let _ends_with_us = stop.clone().drop_guard();
        let head = match format {
            Format::Parquet => parquet(file, reading.options, rows, &stop).await?,
            _ => self.beginning(file, reading, rows, &stop).await?,
        };
        blocking(move || shown(&head)).await.map_err(failure::question)?
    }

    async fn beginning(
        &self,
        file: ListedFile,
        reading: Reading,
        rows: usize,
        stop: &CancellationToken,
    ) -> Result<Head, Problem> {
        let mut bytes = Vec::new();
        for step in STEPS {
            let have = bytes.len() as u64;
            bytes.extend(file.read(have, step - have).await.map_err(|e| asked(&e))?);
            let is_whole = bytes.len() as u64 == file.file.size;
            let (path, scratch, stop) = (file.file.path.clone(), self.store.staging_dir(), stop.clone());
            let reading = reading.clone();
            let read = blocking(move || {
                let beginning = Beginning { path: &path, reading: &reading, bytes: &bytes, is_whole };
                let head = head::of_beginning(beginning, rows, &scratch, &stop);
                (bytes, head)
            });
            let (back, head) = read.await.map_err(failure::question)?;
            bytes = back;
            if let Some(head) = head.map_err(|error| failure::question(failure::convert(&error)))? {
                return Ok(head);
            }
        }
        Err(too_much(&file.file.path))
    }
}

/// The config that is shown: the one asked for, else the default one, else the first that can be downloaded.
pub(crate) fn chosen_config<'a>(overview: &'a Overview, asked: Option<&str>) -> Result<&'a ConfigOverview, PlanError> {
    let configs = &overview.configs;
    let available = || configs.iter().map(|config| config.name.clone()).collect();
    if let Some(name) = asked {
        let found = configs.iter().find(|config| config.name == name);
        return found.ok_or_else(|| PlanError::ConfigNotFound { config: name.to_owned(), available: available() });
    }
    let usable = || configs.iter().filter(|config| config.splits.is_ok());
    let chosen = usable().find(|config| config.is_default).or_else(|| usable().next());
    chosen.ok_or_else(|| PlanError::ConfigRequired { available: available() })
}

/// The split that is shown: the one asked for, else the first.
pub(crate) fn chosen_split<'a>(
    config: &'a ConfigOverview,
    asked: Option<&str>,
) -> Result<&'a SplitOverview, PlanError> {
    let splits = config.splits.as_ref().map_err(Clone::clone)?;
    let found = splits.iter().find(|one| asked.is_none_or(|name| one.split.name == name));
    found.ok_or_else(|| PlanError::SplitNotFound {
        split: asked.unwrap_or_default().to_owned(),
        available: splits.iter().map(|one| one.split.name.clone()).collect(),
    })
}

/// A file, and all that reading a part of it takes.
#[derive(Debug, Clone)]
struct ListedFile {
    hub: HubClient,
    repo: Arc<str>,
    commit: Arc<str>,
    file: RemoteFile,
    token: Option<Token>,
}

impl ListedFile {
    fn new(hub: &HubClient, question: &Question, commit: &str, file: &SourceFile) -> Result<Self, Problem> {
        let digest = Digest::from_hex(&file.digest).ok_or_else(Problem::internal)?;
        let file = RemoteFile { path: file.path.clone(), size: file.size, digest };
        let (repo, token) = (question.repo.as_str().into(), question.token.clone());
        Ok(Self { hub: hub.clone(), repo, commit: commit.into(), file, token })
    }

    async fn read(&self, first: u64, length: u64) -> Result<Vec<u8>, HubError> {
        let Self { hub, repo, commit, file, token } = self;
        let token = token.as_ref();
        hub.read_part(Excerpt { kind: RepoKind::Dataset, repo, commit, file, first, length, token }).await
    }
}

async fn parquet(
    file: ListedFile,
    options: Arc<Options>,
    rows: usize,
    stop: &CancellationToken,
) -> Result<Head, Problem> {
    let (path, runtime, stop) = (file.file.path.clone(), Handle::current(), stop.clone());
    let name = path.clone();
    let ranged = Ranged::new(file.file.size, MOST_BYTES, move |first, length| {
        let read = runtime.block_on(stop.run_until_cancelled(file.read(first, length)));
        read.unwrap_or(Err(HubError::Cancelled))
    });
    let read = blocking(move || {
        let head = head::of_parquet(&ranged, &name, &options, rows);
        head.map_err(|error| match ranged.failure() {
            Some(Failure::Hub(error)) => asked(&error),
            Some(Failure::Budget) => too_much(&name),
            None => failure::question(failure::convert(&error)),
        })
    });
    read.await.map_err(failure::question)?
}

fn asked(error: &HubError) -> Problem {
    failure::question(failure::hub(error))
}

fn too_much(path: &str) -> Problem {
    let detail = format!("the first row of `{path}` is not within what a preview reads, {} MiB", MOST_BYTES >> 20);
    Problem::new(Reason::SourceLimitExceeded, detail).next_step("download the dataset to see its rows")
}

/// What a person sees of the rows.
fn shown(head: &Head) -> Result<FirstRows, Problem> {
    let schema = serde_json::to_value(head.schema.as_ref()).map_err(|error| failure::internal(&error))?;
    let column = |field: &arrow_schema::FieldRef| (field.name().clone(), field.data_type().to_string());
    let columns = head.schema.fields().iter().map(column).collect();
    let table = arrow_array::StructArray::from(head.rows.clone());
    let (mut rows, mut bytes) = (Vec::new(), 0);
    for row in 0..head.rows.num_rows() {
        let row = Value::Object(row_json::row(&table, row)).to_string();
        bytes += row.len();
        if bytes > ROWS_BYTES {
            break;
        }
        rows.push(row);
    }
    Ok(FirstRows { schema, columns, rows })
}

/// Whether this is about the file that is shown, so that the rest of the answer stands.
pub(crate) fn is_of_rows(problem: &Problem) -> bool {
    matches!(problem.reason, Reason::SourceCorrupt | Reason::SourceLimitExceeded | Reason::SchemaMismatch)
}
