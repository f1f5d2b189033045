//! Writes shards anew whose task found narrower types or fewer columns than other tasks of their split.
//!
//! Each keeps its rows, their order and their sources, and one shard stays one shard. A new one has the name of this
//! attempt, and counts once `Finish` has named it: whoever finishes after a crash starts from the old files and writes
//! the same bytes. The old files are removed afterwards, so this needs room for both.

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use catalog_client::{Claim, FileKind, TaskError};
use dataset_model::{Problem, Reason, ReplacedShard, Shard, SourceRange, StagedFile};
use shard_store::{SealedShard, ShardReader, ShardStore, layout};
use tokio_util::sync::CancellationToken;

use super::splits::{Done, Split};
use crate::{
    convert::{
        BOMB_BYTES, BOMB_RATIO, ConvertError, Misfit,
        batches::{BATCH_BYTES, BatchError, Batcher, ROW_BYTES, null_row_bytes},
        conform, misfit,
    },
    worker::{Worker, blocking, shards::ShardError},
};

/// `Finish` names all of them in one message, of which the server takes 4 MiB.
const MESSAGE_BYTES: usize = 3 << 20;
/// Of a message, for each shard: its digest, and what is around it.
const SHARD_MESSAGE_BYTES: usize = 64;
/// Rows that are widened at once, at most.
const ROWS: u64 = 1 << 16;

/// Brings all shards of the splits into the splits' schemas; gives those that lie in other files now.
pub(super) async fn widen(
    worker: &Worker,
    claim: &Claim,
    splits: &mut [Split],
) -> Result<Vec<ReplacedShard>, TaskError> {
    // Also cancelled when this future is dropped, so that no blocking thread goes on unseen.
    let stop = claim.stop().child_token();
    let _ends_with_us = stop.clone().drop_guard();
    let mut widening = Widening { worker, claim, stop, replaced: Vec::new(), message_bytes: 0 };
    for split in splits {
        let Split { number, schema, tasks, .. } = split;
        for task in tasks.iter_mut().filter(|task| task.schema.as_ref().is_some_and(|own| own != schema)) {
            if let Err(error) = widening.task(*number, schema, task).await {
                widening.discard().await?;
                return Err(error);
            }
        }
    }
    Ok(widening.replaced)
}

struct Widening<'a> {
    worker: &'a Worker,
    claim: &'a Claim,
    stop: CancellationToken,
    replaced: Vec<ReplacedShard>,
    message_bytes: usize,
}

impl Widening<'_> {
    async fn task(&mut self, split: u32, schema: &SchemaRef, task: &mut Done) -> Result<(), TaskError> {
        let claimed = &self.claim.task;
        let folder = layout::dataset_dir(&claimed.repo_id, claimed.dataset_id);
        let size = task.summary.files.iter().map(|file| file.size).sum::<u64>();
        let file = task.first_file().to_owned();
        let mut room = BOMB_BYTES.max(size.saturating_mul(BOMB_RATIO));
        for shard in &mut task.shards {
            let key = layout::raw_shard(&folder, split, task.ordinal, shard.n, claimed.attempt_id);
            self.claim.stage_file(&key, FileKind::Shard).await?;
            let (store, stop) = (self.worker.store.clone(), self.stop.clone());
            let rewrite = Rewrite { shard: shard.clone(), key, schema: schema.clone(), file: file.clone(), size, room };
            let SealedShard { key, size_bytes, sha256, batch_digests, .. } =
                blocking(move || rewrite.run(&store, &stop)).await??;
            room = room.saturating_sub(size_bytes);
            let old_key = std::mem::replace(&mut shard.key, key.clone());
            (shard.size_bytes, shard.sha256, shard.batch_digests) = (size_bytes, sha256, batch_digests.clone());
            let file = StagedFile { key, size_bytes, sha256 };
            self.add(ReplacedShard { old_key, file, batch_digests })?;
        }
        Ok(())
    }

    fn add(&mut self, shard: ReplacedShard) -> Result<(), Problem> {
        let keys = shard.old_key.len() + shard.file.key.len();
        self.message_bytes += keys + shard.batch_digests.len() * size_of::<u64>() + SHARD_MESSAGE_BYTES;
        self.replaced.push(shard);
        if self.message_bytes <= MESSAGE_BYTES {
            return Ok(());
        }
        let detail = "the files of a split have so many different columns that bringing them together is too much work";
        Err(Problem::new(Reason::SourceLimitExceeded, detail).next_step("choose a split or config whose files agree"))
    }

    /// Removes what was written, after a failure: nobody else knows it.
    async fn discard(self) -> Result<(), TaskError> {
        let store = self.worker.store.clone();
        blocking(move || {
            for ReplacedShard { file, .. } in self.replaced {
                if let Err(error) = store.remove(&file.key) {
                    tracing::warn!(%error, key = file.key, "a shard of a failed task stays behind");
                }
            }
        })
        .await
    }
}

/// One shard, and what becomes of it.
struct Rewrite {
    shard: Shard,
    key: String,
    schema: SchemaRef,
    /// The first source file of its task, and the size of all.
    file: String,
    size: u64,
    /// Bytes that it may have.
    room: u64,
}

impl Rewrite {
    /// Blocking. Holds a few batches, whatever the shard's size.
    fn run(&self, store: &ShardStore, stop: &CancellationToken) -> Result<SealedShard, ShardError> {
        let Self { shard, key, schema, file, size, room } = self;
        let reader = store.open_verified(&shard.key, shard.batch_digests.clone())?;
        // No digest of a batch covers the list of skipped rows: it is counted before it is copied.
        reader.skipped_before(&[], shard.sources.iter().map(|range| range.skipped_count).sum())?;
        let mut writer = store.create(key, schema.clone())?;
        writer.copy_skipped(&reader)?;
        let (at_once, mut batcher) = (self.rows_at_once()?, Batcher::new(schema.clone()));
        let mut passed = 0;
        for number in 0..reader.batch_count() {
            let batch = reader.batch(number)?;
            for start in (0..batch.num_rows()).step_by(at_once) {
                if stop.is_cancelled() {
                    return Err(ConvertError::Stopped.into());
                }
                let narrow = batch.slice(start, at_once.min(batch.num_rows() - start));
                let wide = match conform(&narrow, schema) {
                    Ok(wide) => wide,
                    Err(source) => return Err(self.unfit(&reader, passed, &narrow, source)?.into()),
                };
                passed += narrow.num_rows() as u64;
                for full in batcher.push(&wide).map_err(|error| self.batch_error(error))? {
                    writer.write(&full)?;
                }
                if writer.bytes_written() > *room {
                    return Err(ConvertError::Bomb { file: file.clone(), size: *size, ratio: BOMB_RATIO }.into());
                }
            }
        }
        if let Some(last) = batcher.finish().map_err(|error| self.batch_error(error))? {
            writer.write(&last)?;
        }
        Ok(writer.finish()?)
    }

    /// Which value of which file does not fit the wider schema; `passed` rows of the shard are before the batch.
    fn unfit(
        &self,
        reader: &ShardReader,
        passed: u64,
        batch: &RecordBatch,
        source: ArrowError,
    ) -> Result<ConvertError, ShardError> {
        let Some(Misfit { column, row, wanted }) = misfit(batch, &self.schema) else {
            return Ok(ConvertError::Cast { file: self.file.clone(), source });
        };
        let sources = &self.shard.sources;
        let row = passed + row as u64;
        let skipped = reader.skipped_before(&[row], sources.iter().map(|range| range.skipped_count).sum())?;
        // Counted from the beginning of its range on.
        let mut row = row + skipped.first().copied().unwrap_or_default();
        for SourceRange { source_file, row_start, row_count, skipped_count } in sources {
            if row < row_count + skipped_count {
                return Ok(ConvertError::DoesNotFit {
                    file: source_file.clone(),
                    row: row_start + row + 1,
                    column,
                    wanted,
                });
            }
            row -= row_count + skipped_count;
        }
        Ok(ConvertError::Cast { file: self.file.clone(), source })
    }

    /// So few that columns which are new to them do not fill the memory.
    fn rows_at_once(&self) -> Result<usize, ShardError> {
        let width = null_row_bytes(&self.schema);
        if width > ROW_BYTES {
            return Err(self.batch_error(BatchError::RowTooLarge(0)));
        }
        let rows = (BATCH_BYTES / width.max(1)).clamp(1, ROWS);
        Ok(usize::try_from(rows).unwrap_or(1))
    }

    fn batch_error(&self, error: BatchError) -> ShardError {
        match error {
            BatchError::RowTooLarge(_) => ShardError::Convert(ConvertError::RowTooLarge {
                file: self.file.clone(),
                place: "a row with the columns of all files".to_owned(),
                limit: ROW_BYTES,
            }),
            BatchError::Arrow(error) => ShardError::Arrow(error),
        }
    }
}
