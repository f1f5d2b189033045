//! One raw shard → one token shard.
//!
//! Documents are encoded side by side in chunks and written in the order of the rows. A stored batch ends before the
//! row that would take it beyond 1 MiB: a rule over the content alone, so that the bytes are the same whatever the
//! threads and the chunks were.

use std::sync::{Mutex, PoisonError};

use arrow_array::Array;
use rayon::ThreadPool;
use shard_store::{ShardReader, ShardWriter, StoreError};

use super::chat::ChatError;
use super::documents::Documents;
use super::format::TokenId;
use super::pipeline::{Bounds, OverBudget, in_order};
use super::text_column::{self, NotText, Texts};
use super::{Counts, EncodeError, Recipe, Tally};

mod batch;
mod mask;
mod packed;
mod rows;
use mask::{mask_list, mask_rows};
use rows::Rows;

/// Text in one chunk, unless a single document is longer.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks in flight for each thread: while one is slow, a long document, the others go on without it.
const CHUNKS: usize = 4;
/// Documents in one chunk: progress is told at least so often.
const CHUNK_ROWS: usize = 1000;
/// Ids for which buffers are kept from chunk to chunk: a token of prose has some four bytes. One long document needs more,
/// and is not to leave all buffers as large as itself.
const KEPT_IDS: usize = CHUNK_BYTES / 2;
/// Text between two looks at the stop flag.
const STOP_BYTES: usize = 64 * 1024;

/// A raw shard did not become a token shard.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Column(#[from] NotText),
    /// A document that the tokenizer cannot encode.
    #[error("row {row} cannot be tokenized")]
    Encode {
        row: u64,
        #[source]
        source: EncodeError,
    },
    /// A conversation of which the template makes no text.
    #[error("row {row} cannot be rendered")]
    Chat {
        row: u64,
        #[source]
        source: ChatError,
    },
    /// The next batch of so many documents does not fit the memory budget.
    #[error("{documents} documents do not fit the memory budget")]
    OutOfMemory {
        documents: usize,
        #[source]
        source: OverBudget,
    },
    #[error("could not build a record batch")]
    Batch(#[from] arrow_schema::ArrowError),
    /// The stop flag was raised.
    #[error("stopped")]
    Stopped,
}

/// What is read.
pub struct Source<'a> {
    pub reader: &'a ShardReader,
    /// Row in the split of the shard's first.
    pub row_start: u64,
    pub text_column: &'a str,
}

/// How much is done at once; no influence on the result.
pub struct Resources<'a> {
    pub pool: &'a ThreadPool,
    /// Documents per batch of work.
    pub batch_rows: usize,
    /// Estimated bytes of work in flight.
    pub memory_bytes: u64,
}

/// The outside, while it runs.
pub struct Watch<'a> {
    /// Whether to stop; asked at least every 64 KiB of text between documents.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Told what was written so far, at least every 1,000 documents.
    pub progress: &'a mut dyn FnMut(Progress),
}

/// What was written so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub documents: u64,
    pub text_bytes: u64,
    pub tokens: u64,
    pub sequences: u64,
}

/// Encodes every row of the source into `writer`, whose schema must be [`super::format::schema`] with ids of type `T`.
pub fn tokenize<T: TokenId>(
    recipe: &Recipe,
    source: &Source<'_>,
    resources: &Resources<'_>,
    watch: &mut Watch<'_>,
    writer: &mut ShardWriter,
    schema: &arrow_schema::SchemaRef,
) -> Result<Counts, ShardError> {
    let column = text_column::find(&source.reader.schema(), source.text_column, recipe.chat().is_some())?;
    let chunks = Chunks::new(source, recipe, column, resources.batch_rows.clamp(1, CHUNK_ROWS));
    let bounds = Bounds { items: CHUNKS * resources.pool.current_num_threads(), cost: resources.memory_bytes };

    let workshop = Workshop { recipe, stop: watch.stop, scratch: Mutex::default(), spare: Mutex::default() };
    let mut rows = Rows::<T>::new(recipe, writer, schema);
    in_order(
        resources.pool,
        bounds,
        chunks,
        |chunk| chunk.memory,
        |chunk, source| ShardError::OutOfMemory { documents: chunk.rows.len(), source },
        |chunk| workshop.encode(&chunk),
        |encoded: Encoded<T>| {
            rows.push(&encoded)?;
            workshop.recycle(encoded);
            (watch.progress)(rows.progress);
            if (watch.stop)() { Err(ShardError::Stopped) } else { Ok(()) }
        },
    )?;
    let mut counts = workshop.into_counts();
    rows.finish(&mut counts)?;
    Ok(counts)
}

/// Consecutive rows of one batch.
struct Chunk<'a> {
    texts: Texts<'a>,
    rows: std::ops::Range<usize>,
    /// Row in the split of the first.
    first_doc: u64,
    /// Estimated bytes of working memory.
    memory: u64,
}

/// Cuts the source into chunks, one batch in hand at a time.
struct Chunks<'a> {
    source: &'a Source<'a>,
    recipe: &'a Recipe,
    column: usize,
    max_rows: usize,
    next_batch: usize,
    /// Row in the split of the current batch's first row.
    first_doc: u64,
    /// The current batch and its next row.
    current: Option<(Texts<'a>, usize)>,
}

impl<'a> Chunks<'a> {
    fn new(source: &'a Source<'a>, recipe: &'a Recipe, column: usize, max_rows: usize) -> Self {
        Self { source, recipe, column, max_rows, next_batch: 0, first_doc: source.row_start, current: None }
    }

    fn open(&self, batch: usize) -> Result<Texts<'a>, ShardError> {
        let batch = self.source.reader.batch(batch)?;
        let column = batch.column(self.column);
        Ok(Texts::new(column, self.recipe.chat()).ok_or_else(|| {
            let columns = vec![column.data_type().to_string()];
            NotText { asked: self.source.text_column.to_owned(), columns }
        })?)
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, ShardError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.current.as_ref().is_none_or(|(texts, row)| *row == texts.len()) {
            if let Some((texts, _)) = self.current.take() {
                self.first_doc += texts.len() as u64;
            }
            if self.next_batch == self.source.reader.batch_count() {
                return None;
            }
            let opened = self.open(self.next_batch);
            self.next_batch += 1;
            match opened {
                Ok(texts) => self.current = Some((texts, 0)),
                Err(error) => return Some(Err(error)),
            }
        }
        let (texts, row) = self.current.as_mut()?;
        let start = *row;
        let (mut text_bytes, mut memory) = (0, 0_u64);
        while *row < texts.len() && *row - start < self.max_rows {
            let (next, next_memory) = self.recipe.size(texts, *row);
            if *row > start && text_bytes + next > CHUNK_BYTES {
                break;
            }
            text_bytes += next;
            memory = memory.saturating_add(next_memory);
            *row += 1;
        }
        let first_doc = self.first_doc + start as u64;
        Some(Ok(Chunk { texts: texts.clone(), rows: start..*row, first_doc, memory }))
    }
}

/// A chunk's documents, as rows store them.
struct Encoded<T: TokenId> {
    documents: Documents<T::Native>,
    first_doc: u64,
    text_bytes: u64,
}

/// What one thread works with.
struct Scratch {
    documents: Documents,
    tally: Tally,
}

/// What the pool's threads share.
struct Workshop<'a, T: TokenId> {
    recipe: &'a Recipe,
    stop: &'a (dyn Fn() -> bool + Sync),
    /// One for each chunk that is being encoded at the same time.
    scratch: Mutex<Vec<Scratch>>,
    /// Buffers of consumed chunks.
    spare: Mutex<Vec<Documents<T::Native>>>,
}

impl<T: TokenId> Workshop<'_, T> {
    fn encode(&self, chunk: &Chunk<'_>) -> Result<Encoded<T>, ShardError> {
        let taken = lock(&self.scratch).pop();
        let new = || Scratch { documents: Documents::default(), tally: self.recipe.tally() };
        let mut scratch = taken.unwrap_or_else(new);
        let Scratch { documents, tally } = &mut scratch;
        documents.clear();

        let (mut unwatched, mut text_bytes) = (STOP_BYTES, 0);
        for (row, doc) in chunk.rows.clone().zip(chunk.first_doc..) {
            // A template may take long for a short text.
            if unwatched >= STOP_BYTES || self.recipe.chat().is_some() {
                unwatched = 0;
                if (self.stop)() {
                    return Err(ShardError::Stopped);
                }
            }
            let document = chunk.texts.document(row).map_err(|source| ShardError::Chat { row: doc, source })?;
            let encoded = self.recipe.encode(&document, self.stop, documents, tally);
            encoded.map_err(|source| match source {
                EncodeError::Stopped => ShardError::Stopped,
                source => ShardError::Encode { row: doc, source },
            })?;
            unwatched += document.text.len();
            text_bytes += document.text.len() as u64;
        }
        let mut settled = lock(&self.spare).pop().unwrap_or_default();
        self.recipe.settle::<T>(documents, &mut settled, tally);
        if documents.ids.capacity() > KEPT_IDS {
            *documents = Documents::default();
        }
        lock(&self.scratch).push(scratch);
        Ok(Encoded { documents: settled, first_doc: chunk.first_doc, text_bytes })
    }

    fn recycle(&self, encoded: Encoded<T>) {
        if encoded.documents.ids.capacity() <= KEPT_IDS {
            lock(&self.spare).push(encoded.documents);
        }
    }

    fn into_counts(self) -> Counts {
        let scratch = self.scratch.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.recipe.sum(scratch.into_iter().map(|scratch| scratch.tally))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
