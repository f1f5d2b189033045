//! `work`: one raw shard becomes one token shard and a table of its counts.

use std::sync::Arc;

use arrow_array::types::{Int32Type, UInt16Type};
use catalog_client::{Claim, Commit, FileKind, TaskError};
use dataset_model::{Shard, TokenizeSpec};
use rayon::ThreadPool;
use shard_store::{SealedShard, ShardReader, ShardStore, StoreError, layout};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Summary, TokenizeWork, Worker};
use crate::engine::format::{self, IdType};
use crate::engine::shard::{Progress, Resources, Source, Watch, tokenize};
use crate::engine::stats::table;
use crate::engine::{Counts, Recipe};
use crate::failure;

pub(super) async fn run(worker: &Worker, claim: &Claim) -> Result<(), TaskError> {
    let work: TokenizeWork = claim.spec()?;
    let spec = &work.tokenize;
    claim.progress(|progress| {
        "tokenizing".clone_into(&mut progress.phase);
        progress.total = work.row_count;
    });
    let (name, commit) = (&spec.config.tokenizer_name, &spec.tokenizer_commit);
    let tokenizer = worker.tokenizers.pinned(name, commit, &spec.tokenizer_sha256).await.map_err(failure::task)?;
    let recipe = super::recipe(tokenizer, spec)?;
    let engine = recipe.encoder().name().to_owned();

    let (folder, attempt) = (super::folder(claim)?, claim.task.attempt_id);
    let key = layout::token_shard(&folder, claim.task.ordinal, attempt);
    let counts_key = layout::task_counts(&folder, claim.task.ordinal, attempt);
    claim.stage_file(&key, FileKind::Shard).await?;
    claim.stage_file(&counts_key, FileKind::Side).await?;

    let (tell, mut told) = watch::channel(Progress::default());
    let split = spec.split.clone();
    let job = Encoding {
        store: worker.store.clone(),
        pool: Arc::clone(&worker.pool),
        memory_bytes: worker.memory_bytes,
        batch_rows: if claim.task.batch_rows == 0 { spec.config.batch_size } else { claim.task.batch_rows },
        recipe,
        work,
        key,
        counts_key,
    };
    let encoding = super::blocking(claim, move |stop| job.run(&stop, &tell));
    tokio::pin!(encoding);
    let written = loop {
        tokio::select! {
            written = &mut encoding => break written?,
            Ok(()) = told.changed() => {
                let told = *told.borrow_and_update();
                claim.progress(|progress| {
                    (progress.done, progress.bytes) = (told.documents, told.text_bytes);
                    (progress.tokens, progress.sequences) = (told.tokens, told.sequences);
                });
            }
        }
    };
    let summary = Summary { totals: written.counts.totals, engine };
    let commit = Commit {
        files: vec![super::staged_shard(&written.table)],
        shards: vec![committed(written.tokens, split)],
        summary: serde_json::to_value(summary).map_err(|error| failure::internal(&error))?,
        pin: None,
    };
    claim.commit(commit).await
}

pub(super) fn committed(sealed: SealedShard, split: String) -> Shard {
    Shard {
        key: sealed.key,
        split,
        n: 0,
        row_count: sealed.row_count,
        size_bytes: sealed.size_bytes,
        sha256: sealed.sha256,
        batch_digests: sealed.batch_digests,
        sources: Vec::new(),
        ordinal: None,
        row_start: None,
    }
}

/// Everything that the blocking part needs.
pub(super) struct Encoding {
    pub(super) store: ShardStore,
    pub(super) pool: Arc<ThreadPool>,
    pub(super) memory_bytes: u64,
    pub(super) batch_rows: u32,
    pub(super) recipe: Recipe,
    pub(super) work: TokenizeWork,
    pub(super) key: String,
    pub(super) counts_key: String,
}

pub(super) struct Written {
    pub(super) tokens: SealedShard,
    pub(super) table: SealedShard,
    pub(super) counts: Counts,
}

impl Encoding {
    pub(super) fn run(self, stop: &CancellationToken, tell: &watch::Sender<Progress>) -> Result<Written, TaskError> {
        let on_store = |error: StoreError| TaskError::from(failure::store(&error));
        let (tokens, counts) = self.encode(stop, tell)?;
        let table = self.write_table(&counts).inspect_err(|_| {
            // Half a result is none, and a full disk needs the space.
            drop(self.store.remove(&tokens.key));
        });
        Ok(Written { tokens, table: table.map_err(on_store)?, counts })
    }

    fn encode(
        &self,
        stop: &CancellationToken,
        tell: &watch::Sender<Progress>,
    ) -> Result<(SealedShard, Counts), TaskError> {
        let on_store = |error: StoreError| TaskError::from(failure::store(&error));
        let spec: &TokenizeSpec = &self.work.tokenize;
        let reader = self.open().map_err(on_store)?;
        let source =
            Source { reader: &reader, row_start: self.work.row_start, text_column: super::plan::asked_column(spec)? };
        let resources =
            Resources { pool: &self.pool, batch_rows: self.batch_rows as usize, memory_bytes: self.memory_bytes };
        let mut progress = |progress| {
            // Nobody listens any more when the task was dropped.
            let _ = tell.send(progress);
        };
        let mut watch = Watch { stop: &|| stop.is_cancelled(), progress: &mut progress };

        let tokenizer = self.recipe.tokenizer();
        let schema = format::schema(&self.recipe, spec);
        let mut writer = self.store.create(&self.key, schema.clone()).map_err(on_store)?;
        let counts = match tokenizer.id_type() {
            IdType::U16 => tokenize::<UInt16Type>(&self.recipe, &source, &resources, &mut watch, &mut writer, &schema),
            IdType::I32 => tokenize::<Int32Type>(&self.recipe, &source, &resources, &mut watch, &mut writer, &schema),
        };
        let counts = counts.map_err(|error| failure::shard(&error))?;
        Ok((writer.finish().map_err(on_store)?, counts))
    }

    /// The raw shard, if it is the one that the catalog knows; each batch is compared with its digest when it is read.
    fn open(&self) -> Result<ShardReader, StoreError> {
        let work = &self.work;
        let reader = self.store.open_verified(&work.raw_key, digests(&work.raw_batch_digests))?;
        if reader.size_bytes() != work.raw_size_bytes {
            let (expected, actual) = (work.raw_size_bytes, reader.size_bytes());
            return Err(StoreError::SizeMismatch { key: work.raw_key.clone(), expected, actual });
        }
        if reader.row_count() != work.row_count {
            let problem = "it does not have the rows that its manifest promises";
            return Err(StoreError::NotAShard { key: work.raw_key.clone(), problem });
        }
        Ok(reader)
    }

    fn write_table(&self, counts: &Counts) -> Result<SealedShard, StoreError> {
        let arrow = |source| StoreError::Arrow { key: self.counts_key.clone(), source };
        let table = table::task_table(counts).map_err(arrow)?;
        let mut writer = self.store.create(&self.counts_key, table.schema())?;
        writer.write(&table)?;
        writer.finish()
    }
}

/// Of a text that is no digests, none: then the shard is not the one that was meant.
fn digests(hex: &str) -> Vec<u64> {
    let bytes = hex::decode(hex).unwrap_or_default();
    bytes.as_chunks().0.iter().map(|digest| u64::from_le_bytes(*digest)).collect()
}
