//! Writes the rows of a task into raw shards, in the order of the source.
//!
//! A shard is closed at the first batch after 256 MiB. Each knows which rows of which source files it holds, so that
//! every token leads back to a file and a row.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use dataset_model::{AttemptId, Shard, SourceRange};
use shard_store::{SealedShard, ShardStore, ShardWriter, StoreError, layout};

use crate::convert::{
    ConvertError,
    batches::{BatchError, Batcher},
};

/// A fixed rule, so that sharding is a function of the source alone.
const SHARD_BYTES: u64 = 256 << 20;

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
}

/// The shards of one task in the making. `announce` is called with each key before its first byte.
pub(super) struct RawShards<A> {
    store: ShardStore,
    names: ShardNames,
    schema: SchemaRef,
    announce: A,
    shard_bytes: u64,
    batcher: Batcher,
    /// Where the rows come from that are not in a shard yet.
    waiting: VecDeque<SourceRange>,
    open: Option<OpenShard>,
    sealed: Vec<Shard>,
    row_count: u64,
}

struct OpenShard {
    writer: ShardWriter,
    sources: Vec<SourceRange>,
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
            batcher,
            waiting: VecDeque::new(),
            open: None,
            sealed: Vec::new(),
            row_count: 0,
        }
    }

    /// Rows in closed batches so far.
    pub(super) fn row_count(&self) -> u64 {
        self.row_count
    }

    /// Takes the next rows of `file`, of which the first is row `row_start`.
    pub(super) fn push(&mut self, file: &str, row_start: u64, rows: &RecordBatch) -> Result<(), ShardError> {
        let row_count = rows.num_rows() as u64;
        if row_count == 0 {
            return Ok(());
        }
        match self.waiting.back_mut() {
            Some(last) if last.source_file == file && last.row_start + last.row_count == row_start => {
                last.row_count += row_count;
            }
            _ => self.waiting.push_back(SourceRange { source_file: file.to_owned(), row_start, row_count }),
        }
        let complete = self.batcher.push(rows).map_err(|error| batch_error(file, row_start, error))?;
        complete.iter().try_for_each(|batch| self.write(batch))
    }

    /// Writes what is left and seals the last shard.
    pub(super) fn finish(&mut self) -> Result<Vec<Shard>, ShardError> {
        let last = self.batcher.finish().map_err(|error| batch_error("", 0, error))?;
        last.iter().try_for_each(|batch| self.write(batch))?;
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

    fn write(&mut self, batch: &RecordBatch) -> Result<(), ShardError> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => {
                closed.insert(start(&self.store, &self.names, &self.schema, self.sealed.len(), &mut self.announce)?)
            }
        };
        open.writer.write(batch)?;
        take_rows(&mut self.waiting, batch.num_rows() as u64, &mut open.sources);
        self.row_count += batch.num_rows() as u64;
        if open.writer.bytes_written() >= self.shard_bytes { self.seal() } else { Ok(()) }
    }

    fn seal(&mut self) -> Result<(), ShardError> {
        let Some(OpenShard { writer, sources }) = self.open.take() else { return Ok(()) };
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
    Ok(OpenShard { writer: store.create(&key, schema.clone())?, sources: Vec::new() })
}

/// A task has at most a few hundred shards.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn batch_error(file: &str, row_start: u64, error: BatchError) -> ShardError {
    match error {
        BatchError::RowTooLarge(row) => ShardError::Convert(ConvertError::RowTooLarge {
            file: file.to_owned(),
            place: format!("row {}", row_start + row as u64 + 1),
            limit: crate::convert::batches::ROW_BYTES,
        }),
        BatchError::Arrow(error) => ShardError::Arrow(error),
    }
}

/// Moves the first `rows` rows from one list of ranges to the end of another.
fn take_rows(from: &mut VecDeque<SourceRange>, mut rows: u64, to: &mut Vec<SourceRange>) {
    while rows > 0
        && let Some(first) = from.front_mut()
    {
        let count = first.row_count.min(rows);
        match to.last_mut() {
            Some(last)
                if last.source_file == first.source_file && last.row_start + last.row_count == first.row_start =>
            {
                last.row_count += count;
            }
            _ => to.push(SourceRange { row_count: count, ..first.clone() }),
        }
        rows -= count;
        first.row_start += count;
        first.row_count -= count;
        if first.row_count == 0 {
            from.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, StringArray};
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
        shards.push("x", 0, &rows.slice(0, 600)).unwrap();
        shards.push("x", 600, &rows.slice(600, 400)).unwrap();
        shards.push("y", 0, &rows.slice(0, 0)).unwrap();
        shards.push("z", 0, &rows.slice(0, 300)).unwrap();
        let sealed = shards.finish().unwrap();
        assert_eq!(sealed.iter().map(|s| s.key.clone()).collect::<Vec<_>>(), announced.into_inner());
        assert!(sealed[0].key.contains("/raw/0-3-0."), "{}", sealed[0].key);
        // Batches of 209 rows (2 MiB), shards of three of them.
        let counts: Vec<u64> = sealed.iter().map(|s| s.row_count).collect();
        assert_eq!(counts, [627, 627, 46]);
        let range = |file: &str, row_start, row_count| SourceRange { source_file: file.into(), row_start, row_count };
        assert_eq!(sealed[0].sources, [range("x", 0, 627)]);
        assert_eq!(sealed[1].sources, [range("x", 627, 373), range("z", 0, 254)]);
        assert_eq!(sealed[2].sources, [range("z", 254, 46)]);
        assert_eq!(sealed.iter().map(|s| s.n).collect::<Vec<_>>(), [0, 1, 2]);
        for shard in &sealed {
            store.verify_shard(&shard.key, &shard.sha256, shard.size_bytes).unwrap();
        }
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
        assert!(matches!(shards.push("x", 0, &rows), Err(ShardError::NotAnnounced)));
        shards.discard();
        assert_eq!(store.list_raw().unwrap(), []);
    }
}
