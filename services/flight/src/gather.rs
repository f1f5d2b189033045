//! Rows from anywhere into messages: the picks of a shuffled plan, copied column by column.
//!
//! A message takes rows until it holds 2 MiB, in the order of the plan; what steps they belong to is the client's to
//! count. Stored batches are decoded once and remembered, as pointers into the map; which of them a message needs is
//! known before any is touched, so that the volume can fetch them side by side.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{ArrowError, DataType};

use crate::error::ReadError;
use crate::interleave::interleave;
use crate::plan::Row;
use crate::sources::{OpenPlan, OpenSource};

/// Rows are added until a message holds so many bytes …
const FULL_BYTES: usize = 2 << 20;
/// … and never more than this, but for a single row: gRPC clients commonly refuse 4 MiB.
const MAX_BYTES: usize = (4 << 20) - (64 << 10);
/// Decoded batches that a stream remembers: about 4 KB each.
const MAX_DECODED: usize = 4096;
/// Rows that are looked at together, so that their batches are fetched together.
const LOOK_AHEAD: usize = 1024;

/// A stored batch: source, shard, batch.
type Place = (usize, usize, usize);

/// A stored batch's columns, and what tells the size of its rows, in memory of its own: every pick asks for it.
#[derive(Debug, Clone)]
struct Decoded {
    columns: Vec<Arc<dyn Array>>,
    fixed_bytes: usize,
    /// Offsets and width of a value.
    lists: Vec<(Arc<[i32]>, usize)>,
    /// Of other types: measured row by row.
    others: Vec<usize>,
}

/// Where a row lies.
#[derive(Debug, Clone, Copy)]
struct Pick {
    place: Place,
    row: usize,
}

/// Makes batches of a plan's rows, each for one message.
pub(crate) struct Gatherer<R> {
    open: Arc<OpenPlan>,
    rows: R,
    decoded: HashMap<Place, Decoded>,
    ahead: std::collections::VecDeque<Pick>,
}

impl<R: Iterator<Item = Row>> Iterator for Gatherer<R> {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.gather().transpose()
    }
}

impl<R: Iterator<Item = Row>> Gatherer<R> {
    pub(crate) fn new(open: Arc<OpenPlan>, rows: R) -> Self {
        Self { open, rows, decoded: HashMap::new(), ahead: std::collections::VecDeque::new() }
    }

    fn gather(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        if self.decoded.len() > MAX_DECODED {
            self.decoded.clear();
        }
        let mut picks = Picks::default();
        let mut bytes = 0;
        loop {
            if self.ahead.is_empty() {
                self.look_ahead()?;
            }
            let Some(pick) = self.ahead.front().copied() else { break };
            let batch = self.decoded(pick.place)?;
            let size = batch.row_bytes(pick.row);
            if bytes > 0 && bytes + size > MAX_BYTES {
                break;
            }
            picks.add(pick, batch);
            bytes += size;
            self.ahead.pop_front();
            if bytes >= FULL_BYTES || picks.batches.len() >= MAX_DECODED {
                break;
            }
        }
        if picks.rows.is_empty() {
            return Ok(None);
        }
        let on_encode = |source| ReadError::Encode { target: self.open.sources[0].target.clone(), source };
        let batch = picks.batch(&self.open);
        // Only now: what was copied is what was stored if the files are the same still.
        for (source, shard) in picks.shards() {
            let open = &self.open.sources[source];
            open.readers[shard].check_unchanged().map_err(|error| on_shard(open, shard, error))?;
        }
        batch.map(Some).map_err(on_encode)
    }

    /// Finds the next rows and asks for those of their batches that were not touched yet.
    fn look_ahead(&mut self) -> Result<(), ReadError> {
        for row in self.rows.by_ref().take(LOOK_AHEAD) {
            let open = &self.open.sources[row.source];
            let (shard, row_of_shard) = open.manifest.place_of(row.row).unwrap_or((0, u64::MAX));
            let reader = &open.readers[shard];
            // Rows were counted when the shard was opened.
            let unlike = || ReadError::Unlike { target: open.target.clone(), ordinal: shard };
            let batch = reader.batch_of_row(row_of_shard).ok_or_else(unlike)?;
            let place = (row.source, shard, batch);
            let row = usize::try_from(row_of_shard - reader.batch_rows(batch).start).unwrap_or(usize::MAX);
            if !self.decoded.contains_key(&place) {
                reader.fetch_ahead(batch);
            }
            self.ahead.push_back(Pick { place, row });
        }
        Ok(())
    }

    fn decoded(&mut self, place: Place) -> Result<&Decoded, ReadError> {
        if !self.decoded.contains_key(&place) {
            let (source, shard, batch) = place;
            let open = &self.open.sources[source];
            let batch = open.readers[shard].batch(batch).map_err(|error| on_shard(open, shard, error))?;
            self.decoded.insert(place, Decoded::new(&batch, &self.open.columns));
        }
        Ok(&self.decoded[&place])
    }
}

fn on_shard(open: &OpenSource, ordinal: usize, source: shard_store::StoreError) -> ReadError {
    ReadError::Shard { target: open.target.clone(), ordinal, source }
}

impl Decoded {
    fn new(batch: &RecordBatch, columns: &[usize]) -> Self {
        let columns: Vec<_> = columns.iter().map(|column| Arc::clone(batch.column(*column))).collect();
        let mut decoded = Self { columns: Vec::new(), fixed_bytes: 0, lists: Vec::new(), others: Vec::new() };
        for (n, column) in columns.iter().enumerate() {
            match column.data_type() {
                DataType::List(item) if item.data_type().primitive_width().is_some() => {
                    let width = item.data_type().primitive_width().unwrap_or(0);
                    decoded.fixed_bytes += size_of::<i32>();
                    decoded.lists.push((Arc::from(&column.as_list::<i32>().offsets()[..]), width));
                }
                DataType::FixedSizeList(item, length) if item.data_type().primitive_width().is_some() => {
                    let width = item.data_type().primitive_width().unwrap_or(0);
                    decoded.fixed_bytes += width * usize::try_from(*length).unwrap_or(0);
                }
                other => match other.primitive_width() {
                    Some(width) => decoded.fixed_bytes += width,
                    None => decoded.others.push(n),
                },
            }
        }
        Self { columns, ..decoded }
    }

    fn row_bytes(&self, row: usize) -> usize {
        let list = |(offsets, width): &(Arc<[i32]>, usize)| {
            usize::try_from(offsets[row + 1] - offsets[row]).unwrap_or(0) * width
        };
        let other = |n: &usize| self.columns[*n].slice(row, 1).to_data().get_slice_memory_size().unwrap_or(0);
        self.fixed_bytes + self.lists.iter().map(list).sum::<usize>() + self.others.iter().map(other).sum::<usize>()
    }
}

/// The rows of one message.
#[derive(Default)]
struct Picks {
    batches: Vec<Decoded>,
    known: HashMap<Place, usize>,
    /// Place in `batches`, and the row there.
    rows: Vec<(usize, usize)>,
}

impl Picks {
    fn add(&mut self, pick: Pick, batch: &Decoded) {
        let number = *self.known.entry(pick.place).or_insert_with(|| {
            self.batches.push(batch.clone());
            self.batches.len() - 1
        });
        self.rows.push((number, pick.row));
    }

    fn shards(&self) -> impl Iterator<Item = (usize, usize)> {
        let shards = self.known.keys().map(|(source, shard, _)| (*source, *shard));
        shards.collect::<std::collections::BTreeSet<_>>().into_iter()
    }

    fn batch(&self, open: &OpenPlan) -> Result<RecordBatch, ArrowError> {
        let column = |n: usize| {
            let arrays: Vec<&dyn Array> = self.batches.iter().map(|batch| batch.columns[n].as_ref()).collect();
            interleave(&arrays, &self.rows)
        };
        let columns = (0..open.columns.len()).map(column).collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::clone(&open.schema), columns)
    }
}
