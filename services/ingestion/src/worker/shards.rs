//! Writes the rows of a task into raw shards, in the order of the source.
//!
//! A shard is closed at the first batch after 256 MiB. Each knows which rows of which source files it holds, and which of
//! them were skipped, so that every token leads back to a file and a row.

mod sources;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use catalog_client::TaskError;
use dataset_model::{AttemptId, Shard};
use shard_store::{SealedShard, ShardStore, ShardWriter, StoreError, layout};

use self::sources::{Sources, Waiting};
use crate::{
    convert::{
        ConvertError, Gap,
        batches::{BatchError, Batcher},
    },
    failure,
};

/// A fixed rule, so that sharding is a function of the source alone.
const SHARD_BYTES: u64 = 256 << 20;
/// A shard is closed as well, and rows that wait for one are written, when so many gaps lie between them.
const MOST_GAPS: usize = 256 << 10;

/// What the names of a task's shards are made of.
#[derive(Debug, Clone)]
pub(super) struct ShardNames {
    /// The dataset's folder.
    pub folder: String,
    pub split: String,
    pub split_number: u32,
    pub task: u32,
    pub attempt: AttemptId,
    /// Shards that the task has in other splits already.
    pub first_shard: u32,
}

impl ShardNames {
    fn number(&self, sealed: usize) -> u32 {
        self.first_shard + number(sealed)
    }
}

/// Why a task's shards could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShardError {
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("rows could not be put together")]
    Arrow(#[source] arrow_schema::ArrowError),
    /// The catalog did not take the announcement of a file, and says itself why.
    #[error("a file could not be announced")]
    NotAnnounced,
    #[error("the summary of a task cannot be read")]
    Summary(#[source] serde_json::Error),
}

impl From<ShardError> for TaskError {
    fn from(error: ShardError) -> Self {
        match error {
            ShardError::NotAnnounced => Self::Stopped,
            ShardError::Convert(error) => failure::convert(&error),
            ShardError::Store(error) => Self::Problem(failure::store(&error)),
            ShardError::Arrow(_) | ShardError::Summary(_) => Self::Problem(failure::internal(&error)),
        }
    }
}

/// The shards of one task in the making. `announce` is called with each key before its first byte.
pub(super) struct RawShards<A> {
    store: ShardStore,
    names: ShardNames,
    schema: SchemaRef,
    announce: A,
    shard_bytes: u64,
    most_gaps: usize,
    batcher: Batcher,
    waiting: Waiting,
    open: Option<OpenShard>,
    sealed: Vec<Shard>,
    row_count: u64,
}

struct OpenShard {
    writer: ShardWriter,
    sources: Sources,
}

impl<A: FnMut(&str) -> Result<(), ShardError>> RawShards<A> {
    pub(super) fn new(store: ShardStore, names: ShardNames, schema: SchemaRef, announce: A) -> Self {
        let batcher = Batcher::new(schema.clone());
        Self {
            store,
            names,
            schema,
            announce,
            shard_bytes: SHARD_BYTES,
            most_gaps: MOST_GAPS,
            batcher,
            waiting: Waiting::default(),
            open: None,
            sealed: Vec::new(),
            row_count: 0,
        }
    }

    /// Rows in closed batches so far.
    pub(super) fn row_count(&self) -> u64 {
        self.row_count
    }

    /// Takes the next rows of `file`, of which the first is row `row_start`, and the gaps between them.
    pub(super) fn push(
        &mut self,
        file: &str,
        row_start: u64,
        rows: &RecordBatch,
        gaps: &[Gap],
    ) -> Result<(), ShardError> {
        self.waiting.push(file, row_start, rows.num_rows(), gaps);
        let complete = self.batcher.push(rows).map_err(|error| batch_error(file, row_start, gaps, error))?;
        complete.iter().try_for_each(|batch| self.write(batch))?;
        if self.waiting.len() >= self.most_gaps { self.flush() } else { Ok(()) }
    }

    /// Writes what is left and seals the last shard.
    pub(super) fn finish(&mut self) -> Result<Vec<Shard>, ShardError> {
        self.flush()?;
        if let Some(open) = &mut self.open {
            open.sources.take_rest(&mut self.waiting);
        }
        self.seal()?;
        Ok(std::mem::take(&mut self.sealed))
    }

    /// Removes the sealed shards again, after a failure: nobody else knows them.
    pub(super) fn discard(&mut self) {
        self.open = None;
        for shard in self.sealed.drain(..) {
            if let Err(error) = self.store.remove(&shard.key) {
                tracing::warn!(%error, key = shard.key, "a shard of a failed task stays behind");
            }
        }
    }

    fn flush(&mut self) -> Result<(), ShardError> {
        let last = self.batcher.finish().map_err(|error| batch_error("", 0, &[], error))?;
        last.iter().try_for_each(|batch| self.write(batch))
    }

    /// A full shard stays open until more rows come: what is skipped behind its last one may belong to it.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ShardError> {
        let is_full =
            |open: &OpenShard| open.writer.bytes_written() >= self.shard_bytes || open.sources.gaps() >= self.most_gaps;
        if self.open.as_ref().is_some_and(is_full) {
            self.seal()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            closed => {
                closed.insert(start(&self.store, &self.names, &self.schema, self.sealed.len(), &mut self.announce)?)
            }
        };
        open.writer.write(batch)?;
        open.sources.take(&mut self.waiting, batch.num_rows() as u64);
        self.row_count += batch.num_rows() as u64;
        Ok(())
    }

    fn seal(&mut self) -> Result<(), ShardError> {
        let Some(OpenShard { mut writer, sources }) = self.open.take() else { return Ok(()) };
        let (sources, skipped) = sources.into_parts();
        writer.set_skipped(skipped);
        let SealedShard { key, row_count, size_bytes, sha256, batch_digests, .. } = writer.finish()?;
        self.sealed.push(Shard {
            key,
            split: self.names.split.clone(),
            n: self.names.number(self.sealed.len()),
            row_count,
            size_bytes,
            sha256,
            batch_digests,
            sources,
            ordinal: None,
            row_start: None,
        });
        Ok(())
    }
}

fn start(
    store: &ShardStore,
    names: &ShardNames,
    schema: &SchemaRef,
    sealed: usize,
    announce: &mut impl FnMut(&str) -> Result<(), ShardError>,
) -> Result<OpenShard, ShardError> {
    let ShardNames { folder, split_number, task, attempt, .. } = names;
    let key = layout::raw_shard(folder, *split_number, *task, names.number(sealed), *attempt);
    announce(&key)?;
    let writer = store.create(&key, schema.clone())?;
    Ok(OpenShard { writer, sources: Sources::default() })
}

/// A task has at most a few hundred shards.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn batch_error(file: &str, row_start: u64, gaps: &[Gap], error: BatchError) -> ShardError {
    match error {
        BatchError::RowTooLarge(row) => {
            let skipped: u64 = gaps.iter().take_while(|gap| gap.at <= row).map(|gap| gap.count).sum();
            ShardError::Convert(ConvertError::RowTooLarge {
                file: file.to_owned(),
                place: format!("row {}", row_start + row as u64 + skipped + 1),
                limit: crate::convert::batches::ROW_BYTES,
            })
        }
        BatchError::Arrow(error) => ShardError::Arrow(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, StringArray, cast::AsArray};
    use dataset_model::SourceRange;
    use std::sync::Arc;

    fn batch(rows: usize, bytes: usize) -> RecordBatch {
        let texts = StringArray::from_iter_values((0..rows).map(|n| format!("{n:0bytes$}")));
        RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap()
    }

    fn names() -> ShardNames {
        ShardNames {
            folder: "datasets/a__b/D".into(),
            split: "train".into(),
            split_number: 0,
            task: 3,
            attempt: AttemptId::new(),
            first_shard: 0,
        }
    }

    #[test]
    fn shards_are_announced_closed_and_know_their_sources() {
        let root = tempfile::tempdir().unwrap();
        let store = ShardStore::open(root.path()).unwrap();
        let announced = std::cell::RefCell::new(Vec::new());
        let rows = batch(1000, 10_000);
        let announce = |key: &str| {
            assert!(store.list_raw().unwrap().iter().all(|file| file.key != key), "announced before its first byte");
            announced.borrow_mut().push(key.to_owned());
            Ok(())
        };
        let mut shards = RawShards::new(store.clone(), names(), rows.schema(), announce);
        shards.shard_bytes = 5 << 20;
        shards.push("x", 0, &rows.slice(0, 600), &[]).unwrap();
        shards.push("x", 600, &rows.slice(600, 400), &[]).unwrap();
        shards.push("y", 0, &rows.slice(0, 0), &[]).unwrap();
        shards.push("z", 0, &rows.slice(0, 300), &[]).unwrap();
        let sealed = shards.finish().unwrap();
        assert_eq!(sealed.iter().map(|s| s.key.clone()).collect::<Vec<_>>(), announced.into_inner());
        assert!(sealed[0].key.contains("/raw/0-3-0."), "{}", sealed[0].key);
        // Batches of 209 rows (2 MiB), shards of three of them.
        let counts: Vec<u64> = sealed.iter().map(|s| s.row_count).collect();
        assert_eq!(counts, [627, 627, 46]);
        let range = |file: &str, row_start, row_count| SourceRange {
            source_file: file.into(),
            row_start,
            row_count,
            skipped_count: 0,
        };
        assert_eq!(sealed[0].sources, [range("x", 0, 627)]);
        assert_eq!(sealed[1].sources, [range("x", 627, 373), range("z", 0, 254)]);
        assert_eq!(sealed[2].sources, [range("z", 254, 46)]);
        assert_eq!(sealed.iter().map(|s| s.n).collect::<Vec<_>>(), [0, 1, 2]);
        for shard in &sealed {
            store.verify_shard(&shard.key, &shard.sha256, shard.size_bytes).unwrap();
        }
    }

    /// Rows of a file in pieces, each row with its place in the file as its text; those where `is_bad` are left out.
    fn push_with_gaps(
        shards: &mut RawShards<impl FnMut(&str) -> Result<(), ShardError>>,
        (file, rows, piece): (&str, u64, usize),
        is_bad: impl Fn(u64) -> bool,
    ) {
        let all: Vec<u64> = (0..rows).collect();
        for of_piece in all.chunks(piece) {
            let mut gaps: Vec<Gap> = Vec::new();
            let mut kept = Vec::new();
            for row in of_piece {
                match gaps.last_mut() {
                    _ if !is_bad(*row) => kept.push(format!("{file}:{row:01000}")),
                    Some(gap) if gap.at == kept.len() => gap.count += 1,
                    _ => gaps.push(Gap { at: kept.len(), count: 1, first: Vec::new() }),
                }
            }
            let texts: ArrayRef = Arc::new(StringArray::from(kept));
            shards.push(file, of_piece[0], &RecordBatch::try_from_iter([("text", texts)]).unwrap(), &gaps).unwrap();
        }
    }

    #[test]
    fn rows_between_gaps_lead_back_to_their_places() {
        let root = tempfile::tempdir().unwrap();
        let store = ShardStore::open(root.path()).unwrap();
        let mut shards = RawShards::new(store.clone(), names(), batch(1, 1).schema(), |_: &str| Ok(()));
        (shards.shard_bytes, shards.most_gaps) = (5 << 20, 1200);
        push_with_gaps(&mut shards, ("bad", 50, 7), |_| true);
        push_with_gaps(&mut shards, ("good", 3000, 1000), |_| false);
        push_with_gaps(&mut shards, ("every", 9000, 700), |row| row % 2 == 0);
        push_with_gaps(&mut shards, ("worse", 300, 300), |_| true);
        push_with_gaps(&mut shards, ("ends", 6000, 1024), |row| row < 10 || row % 1000 > 200 || row > 5500);
        let sealed = shards.finish().unwrap();
        assert!(sealed.len() >= 3, "{}", sealed.len());

        let (mut rows, mut spanned, mut skipped) = (0, 0, 0);
        for shard in &sealed {
            let reader = store.open_shard(&shard.key).unwrap();
            let missing = shard.sources.iter().map(|range| range.skipped_count).sum();
            let numbers: Vec<u64> = (0..shard.row_count).collect();
            let before = reader.skipped_before(&numbers, missing).unwrap();
            let places: Vec<String> = shard
                .sources
                .iter()
                .flat_map(|r| (r.row_start..r.row_start + r.row_count + r.skipped_count).map(move |n| (r, n)))
                .map(|(range, row)| format!("{}:{row:01000}", range.source_file))
                .collect();
            let stored = reader.read_rows(0, shard.row_count, None).unwrap();
            let texts = stored.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten());
            for ((text, row), before) in texts.zip(&numbers).zip(before) {
                assert_eq!(text, places[usize::try_from(row + before).unwrap()]);
            }
            rows += shard.row_count;
            spanned += places.len() as u64;
            skipped += missing;
            assert!(reader.skipped_before(&[0], missing + 1).is_err());
        }
        assert_eq!((spanned, rows + skipped), (50 + 3000 + 9000 + 300 + 6000, spanned));
        assert_eq!(sealed.iter().map(|shard| shard.sources.len()).max(), Some(3), "gaps cut no range");
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let store = ShardStore::open(root.path()).unwrap();
        let rows = batch(1000, 10_000);
        let mut left = 2;
        let announce = |_: &str| {
            left -= 1;
            if left == 0 { Err(ShardError::NotAnnounced) } else { Ok(()) }
        };
        let mut shards = RawShards::new(store.clone(), names(), rows.schema(), announce);
        shards.shard_bytes = 5 << 20;
        assert!(matches!(shards.push("x", 0, &rows, &[]), Err(ShardError::NotAnnounced)));
        shards.discard();
        assert_eq!(store.list_raw().unwrap(), []);
    }
}
