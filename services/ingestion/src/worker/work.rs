//! The work task: fetches a group of source files, converts them into raw shards, and commits those.
//!
//! Peak disk is the raw shards plus the files of the task. Files go as soon as their rows are committed.

use std::{
    fs::{self, File},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use catalog_client::{Claim, Commit, FileKind, TaskError};
use dataset_model::{FileProgress, Problem};
use futures::{StreamExt, TryStreamExt, stream};
use hub::{Digest, Fetch, RemoteFile, RepoKind};
use serde_json::json;
use shard_store::layout;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Worker, blocking, first_rows, hub_token,
    shards::{ShardError, ShardNames},
    spec::{IngestWork, WorkFile, WorkSummary},
    write::{self, Converted, Event},
};
use crate::failure;

/// Files of one task that are asked for at once; the hub client has the limit over all tasks.
const FETCHES: usize = 8;
/// Slowest files shown in the progress.
const SHOWN_FILES: usize = 5;

pub(super) async fn run(worker: &Worker, claim: &Claim) -> Result<(), TaskError> {
    let mut work: IngestWork = claim.spec()?;
    if let Some(first) = work.first_rows.take() {
        return first_rows::run(worker, claim, work, first).await;
    }
    // Also cancelled when this future is dropped, so that no blocking thread goes on unseen.
    let stop = claim.stop().child_token();
    let _ends_with_us = stop.clone().drop_guard();

    let fetched = fetch_all(worker, claim, &work, &stop).await?;
    let mut paths = Vec::with_capacity(fetched.len());
    let mut inputs = Vec::with_capacity(fetched.len());
    for (file, fetched) in work.files.iter().zip(fetched) {
        paths.extend(fetched.path);
        inputs.push((file.clone(), fetched.file));
    }
    let converted = match convert(worker, claim, &work, inputs, Piece::default(), &stop).await {
        Ok(converted) => converted,
        Err(error) => {
            // Space is what is needed now; otherwise the next try goes on with the files.
            if matches!(&error, TaskError::Problem(p) if p.reason == dataset_model::Reason::DiskFull) {
                blocking(move || remove(&paths)).await?;
            }
            return Err(error);
        }
    };
    let summary = WorkSummary::new(work, &converted);
    claim.commit(Commit { shards: converted.shards, summary: json!(summary), ..Commit::default() }).await?;
    blocking(move || remove(&paths)).await
}

pub(super) fn remove(paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a source file stays behind until it is swept");
        }
    }
}

async fn fetch_all(
    worker: &Worker,
    claim: &Claim,
    work: &IngestWork,
    stop: &CancellationToken,
) -> Result<Vec<Fetched>, TaskError> {
    let download = Download::new(claim, &work.files);
    let fetches: Vec<_> = (0..work.files.len()).map(|n| fetch(worker, &download, work, n, stop)).collect();
    stream::iter(fetches).buffered(FETCHES).try_collect().await
}

/// A verified source file.
pub(super) struct Fetched {
    pub file: File,
    /// What is removed once its rows are committed; what was uploaded stays until all are.
    pub path: Option<PathBuf>,
}

pub(super) async fn fetch(
    worker: &Worker,
    download: &Download<'_>,
    work: &IngestWork,
    n: usize,
    stop: &CancellationToken,
) -> Result<Fetched, TaskError> {
    let WorkFile { source, key, .. } = &work.files[n];
    let digest = Digest::from_hex(&source.digest).ok_or_else(|| {
        tracing::error!(path = source.path, "the task's specification holds no digest");
        Problem::internal()
    })?;
    if let (Some(key), Digest::Sha256(sha256)) = (key, digest) {
        let (store, key, size) = (worker.store.clone(), key.clone(), source.size);
        let opened = blocking(move || store.open_source(&key, &sha256, size)).await?;
        download.report(n, size);
        return Ok(Fetched { file: opened.map_err(|error| failure::store(&error))?, path: None });
    }
    // Known to the catalog, so that the part outlives sweeps and a later job goes on with it.
    let part = format!("{}/{}.part", layout::STAGING, digest.to_hex());
    download.claim.stage_file(&part, FileKind::Partial).await?;
    let file = RemoteFile { path: source.path.clone(), size: source.size, digest };
    let staging = worker.store.staging_dir();
    let progress = |bytes| download.report(n, bytes);
    let token = hub_token(download.claim);
    let fetched = worker.hub.fetch(Fetch {
        kind: RepoKind::Dataset,
        repo: &work.repo_id,
        commit: &work.commit,
        file: &file,
        staging: &staging,
        token: token.as_ref(),
        cancel: stop,
        progress: &progress,
    });
    let fetched = fetched.await.map_err(|error| failure::hub(&error))?;
    Ok(Fetched { file: fetched.file, path: Some(fetched.path) })
}

/// Adds up what the transfers of a task have fetched.
pub(super) struct Download<'a> {
    claim: &'a Claim,
    files: &'a [WorkFile],
    done: Vec<AtomicU64>,
    total: u64,
}

impl<'a> Download<'a> {
    pub(super) fn new(claim: &'a Claim, files: &'a [WorkFile]) -> Self {
        let total = files.iter().map(|file| file.source.size).sum();
        claim.progress(|progress| {
            "downloading".clone_into(&mut progress.phase);
            progress.total = total;
        });
        Self { claim, files, done: files.iter().map(|_| AtomicU64::new(0)).collect(), total }
    }

    fn report(&self, n: usize, bytes: u64) {
        self.done[n].store(bytes, Ordering::Relaxed);
        let done: Vec<u64> = self.done.iter().map(|bytes| bytes.load(Ordering::Relaxed)).collect();
        let unfinished = self.files.iter().zip(&done).filter(|(file, done)| **done > 0 && **done < file.source.size);
        let shown = unfinished.take(SHOWN_FILES).map(|(file, done)| FileProgress {
            path: file.source.path.clone(),
            done: *done,
            total: file.source.size,
        });
        let (sum, shown) = (done.iter().sum(), shown.collect());
        self.claim.progress(|progress| {
            (progress.done, progress.bytes, progress.total, progress.files) = (sum, sum, self.total, shown);
        });
    }
}

/// Of a task that does not convert all of its files at once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Piece {
    /// None = all.
    pub max_rows: Option<u64>,
    pub first_shard: u32,
}

pub(super) async fn convert(
    worker: &Worker,
    claim: &Claim,
    work: &IngestWork,
    inputs: Vec<(WorkFile, File)>,
    piece: Piece,
    stop: &CancellationToken,
) -> Result<Converted, TaskError> {
    claim.progress(|progress| "converting".clone_into(&mut progress.phase));
    let names = ShardNames {
        folder: layout::dataset_dir(&claim.task.repo_id, claim.task.dataset_id),
        split: work.split.clone(),
        split_number: work.split_number,
        task: claim.task.ordinal,
        attempt: claim.task.attempt_id,
        first_shard: piece.first_shard,
    };
    let (events, mut heard) = mpsc::channel(16);
    let (store, own_stop) = (worker.store.clone(), stop.clone());
    let wanted = write::Wanted {
        on_bad_rows: work.on_bad_rows,
        options: Arc::new(work.options.clone()),
        text_column: work.text_column.clone(),
        most: piece.max_rows.unwrap_or(u64::MAX),
    };
    let converting = blocking(move || write::shards((store, names), &inputs, &wanted, &events, &own_stop));
    let mut refused = None;
    let listening = async {
        while let Some(event) = heard.recv().await {
            match event {
                Event::Rows(rows) => claim.progress(|progress| progress.rows = rows),
                // An answer that is dropped ends the thread.
                Event::Announce { key, answer } => match claim.stage_file(&key, FileKind::Shard).await {
                    Ok(()) => drop(answer.send(())),
                    Err(error) => refused = Some(error),
                },
            }
        }
    };
    let (converted, ()) = tokio::join!(converting, listening);
    converted?.map_err(|error| match (error, refused) {
        (ShardError::NotAnnounced, Some(refused)) => refused,
        (error, _) => error.into(),
    })
}
