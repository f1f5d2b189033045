//! `finish`: adds up what the tasks counted, writes the vocabulary's table and the manifest, and publishes.
//!
//! Both files are a function of what was committed, so that a second attempt writes the same bytes under their names.

use catalog_client::{Claim, CommittedTask, FileKind, Finish, TaskError};
use dataset_model::{Problem, Shard, StagedFile, Statistics, TokenizeSpec};
use serde_json::{Value, json};
use shard_store::{ShardStore, StoreError, layout};

use super::{Summary, Worker};
use crate::engine::format::FORMAT_VERSION;
use crate::engine::stats::table;
use crate::engine::{Counts, Recipe, Tokenizer};
use crate::failure;

pub(super) async fn run(worker: &Worker, claim: &Claim) -> Result<(), TaskError> {
    claim.progress(|progress| "finishing".clone_into(&mut progress.phase));
    let spec: TokenizeSpec = claim.spec()?;
    let (name, commit) = (&spec.config.tokenizer_name, &spec.tokenizer_commit);
    let tokenizer = worker.tokenizers.pinned(name, commit, &spec.tokenizer_sha256).await.map_err(failure::task)?;
    let recipe = super::recipe(tokenizer, &spec)?;
    let committed = claim.list_committed().await?;
    let folder = super::folder(claim)?;
    claim.stage_file(&layout::vocab_counts(&folder), FileKind::Side).await?;
    claim.stage_file(&layout::metadata(&folder), FileKind::Side).await?;

    let tables: Vec<String> = committed.iter().flat_map(|task| &task.files).map(|file| file.key.clone()).collect();
    let store = worker.store.clone();
    let publication = Publication { store, spec, recipe, tasks: committed, folder, engine: String::new() };
    let finish = super::blocking(claim, move |_| publication.publish()).await?;
    claim.finish(finish).await?;

    // Published without them: what stays behind, the sweep removes.
    let store = worker.store.clone();
    super::blocking(claim, move |_| {
        for key in &tables {
            drop(store.remove(key));
        }
        Ok(())
    })
    .await
}

/// What is published, and with what.
pub(super) struct Publication {
    pub(super) store: ShardStore,
    pub(super) spec: TokenizeSpec,
    pub(super) recipe: Recipe,
    pub(super) tasks: Vec<CommittedTask>,
    pub(super) folder: String,
    pub(super) engine: String,
}

impl Publication {
    pub(super) fn publish(mut self) -> Result<Finish, TaskError> {
        let counts = self.add_up()?;
        if self.recipe.has_mask() && counts.totals.loss_tokens == 0 && counts.totals.tokens > 0 {
            return Err(failure::no_loss_tokens().into());
        }
        let statistics = counts.statistics(self.tokenizer().vocabulary(), self.recipe.filter(), service_kit::now());
        let on_store = |error: StoreError| TaskError::from(failure::store(&error));
        let vocabulary = self.write_vocabulary(&counts).map_err(on_store)?;
        let manifest = self.manifest(&statistics, &vocabulary)?;
        let bytes = serde_json::to_vec_pretty(&manifest).map_err(|error| failure::internal(&error))?;
        let metadata = self.store.write_file(&layout::metadata(&self.folder), &bytes).map_err(on_store)?;
        Ok(Finish {
            statistics: Some(serde_json::to_value(statistics).map_err(|error| failure::internal(&error))?),
            metadata: Some(super::staged(metadata)),
            files: vec![vocabulary],
            engine: Some(self.engine),
            ..Finish::default()
        })
    }

    fn tokenizer(&self) -> &Tokenizer {
        self.recipe.tokenizer()
    }

    fn add_up(&mut self) -> Result<Counts, TaskError> {
        let mut counts = self.recipe.counts();
        self.recipe.encoder().name().clone_into(&mut self.engine);
        for task in &self.tasks {
            let summary: Summary =
                serde_json::from_value(task.summary.clone()).map_err(|error| failure::internal(&error))?;
            counts.totals.merge(&summary.totals);
            self.engine = summary.engine;
            for file in &task.files {
                self.add_table(&mut counts, file)?;
            }
        }
        let counted: u64 = counts.vocabulary.iter().sum();
        if counted != counts.totals.tokens {
            tracing::error!(counted, expected = counts.totals.tokens, "the tables do not add up");
            return Err(Problem::internal().into());
        }
        Ok(counts)
    }

    fn add_table(&self, counts: &mut Counts, file: &StagedFile) -> Result<(), TaskError> {
        let on_store = |error: StoreError| TaskError::from(failure::store(&error));
        self.store.verify_shard(&file.key, &file.sha256, file.size_bytes).map_err(on_store)?;
        let reader = self.store.open_shard(&file.key).map_err(on_store)?;
        for batch in 0..reader.batch_count() {
            let batch = reader.batch(batch).map_err(on_store)?;
            table::add_table(counts, &batch).map_err(|error| failure::internal(&error))?;
        }
        Ok(())
    }

    fn write_vocabulary(&self, counts: &Counts) -> Result<StagedFile, StoreError> {
        let key = layout::vocab_counts(&self.folder);
        let table = table::vocabulary_table(counts, self.tokenizer().vocabulary());
        let table = table.map_err(|source| StoreError::Arrow { key: key.clone(), source })?;
        let mut writer = self.store.create(&key, table.schema())?;
        writer.write(&table)?;
        Ok(super::staged_shard(&writer.finish()?))
    }

    fn manifest(&self, statistics: &Statistics, vocabulary: &StagedFile) -> Result<Value, Problem> {
        let spec = &self.spec;
        let mut statistics = serde_json::to_value(statistics).map_err(|error| failure::internal(&error))?;
        // The time is no part of what was computed: with it, a second attempt would write another manifest.
        statistics.as_object_mut().into_iter().for_each(|fields| drop(fields.remove("computed_at")));
        let special = self.tokenizer().special_ids();
        Ok(json!({
            "format_version": FORMAT_VERSION,
            "identity": spec.identity,
            "config": spec.config,
            "split": spec.split,
            "engine": self.engine,
            "tokenizer": {
                "name": spec.config.tokenizer_name,
                "revision": spec.tokenizer_commit,
                "sha256": spec.tokenizer_sha256,
                "family": self.tokenizer().family(),
                "vocab_size": self.tokenizer().vocabulary().size(),
                "bos_id": special.bos, "eos_id": special.eos, "pad_id": special.pad, "unk_id": special.unk,
            },
            "statistics": statistics,
            "vocab_counts": vocabulary,
            "shards": placed(&self.tasks),
        }))
    }
}

/// The shards in order, each with its place in the whole.
fn placed(tasks: &[CommittedTask]) -> Vec<Value> {
    let mut row_start = 0;
    let place = |(ordinal, shard): (usize, &Shard)| {
        let placed = json!({
            "key": shard.key,
            "ordinal": ordinal,
            "row_start": row_start,
            "row_count": shard.row_count,
            "size_bytes": shard.size_bytes,
            "sha256": hex::encode(shard.sha256),
            "batch_digests": shard.batch_digests.iter().map(|digest| format!("{digest:016x}")).collect::<Vec<_>>(),
        });
        row_start += shard.row_count;
        placed
    };
    tasks.iter().flat_map(|task| &task.shards).enumerate().map(place).collect()
}
