//! Rows from anywhere into messages: the picks of a shuffled plan, copied column by column.
//!
//! A message takes rows until it holds 1 MiB, in the order of the plan; what steps they belong to is the client's to
//! count. Stored batches have numbers, so that nothing is hashed for a row; they are decoded once and remembered, as
//! pointers into the map. Which of them a message needs is known before any is touched, so that the volume can fetch
//! them side by side.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use crate::column::Column;
use crate::error::ReadError;
use crate::plan::Row;
use crate::sources::{OpenPlan, OpenSource};
use crate::withheld::Lender;

/// Rows are added until a message holds so many bytes …
const FULL_BYTES: usize = 1 << 20;
/// … and never more than this, but for a single row: gRPC clients commonly refuse 4 MiB.
const MAX_BYTES: usize = (4 << 20) - (64 << 10);
/// Decoded batches that a stream remembers: about 4 KB each.
const MAX_DECODED: usize = 4096;
/// Rows that are looked at together, so that their batches are fetched together.
const LOOK_AHEAD: usize = 1024;

/// A stored batch's columns, and what tells the size of its rows.
#[derive(Debug)]
struct Decoded {
    columns: Vec<Column>,
    fixed_bytes: usize,
    /// Columns whose rows differ in size.
    varying: Vec<usize>,
}

/// What a stream knows of a stored batch.
#[derive(Debug, Clone, Default)]
struct Slot {
    decoded: Option<Arc<Decoded>>,
    used: Used,
}

/// The last message that took rows of a batch, counted from 1, and the batch's place among those of the message.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    message: u64,
    place: usize,
}

/// Where a row lies: the number of its stored batch among those of all sources, and its place there.
#[derive(Debug, Clone, Copy)]
struct Pick {
    batch: usize,
    row: usize,
}

/// Makes batches of a plan's rows, each for one message.
pub(crate) struct Gatherer<R> {
    open: Arc<OpenPlan>,
    rows: R,
    /// The number of each source's first batch.
    firsts: Vec<usize>,
    slots: Vec<Slot>,
    decoded_count: usize,
    message: u64,
    ahead: VecDeque<Pick>,
}

impl<R: Iterator<Item = Row>> Iterator for Gatherer<R> {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.gather().transpose()
    }
}

impl<R: Iterator<Item = Row>> Gatherer<R> {
    pub(crate) fn new(open: Arc<OpenPlan>, rows: R) -> Self {
        let mut count = 0;
        let mut first = |source: &Arc<OpenSource>| {
            count += source.batches.count();
            count - source.batches.count()
        };
        let firsts = open.sources.iter().map(&mut first).collect();
        let slots = vec![Slot::default(); count];
        Self { open, rows, firsts, slots, decoded_count: 0, message: 0, ahead: VecDeque::with_capacity(LOOK_AHEAD) }
    }

    fn gather(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        if self.decoded_count > MAX_DECODED {
            self.slots.fill(Slot::default());
            self.decoded_count = 0;
        }
        self.message += 1;
        let message = self.message;
        let mut picks = Picks { spans: vec![Vec::new(); self.open.columns.len()], ..Picks::default() };
        let mut bytes = 0;
        loop {
            if self.ahead.is_empty() {
                self.look_ahead()?;
            }
            let Some(pick) = self.ahead.front().copied() else { break };
            let (used, decoded) = self.decoded(pick.batch)?;
            // At once where they belong, as most rows fit.
            let size = decoded.measure(pick.row, &mut picks.spans);
            if bytes > 0 && bytes + size > MAX_BYTES {
                picks.spans.iter_mut().for_each(|spans| spans.truncate(picks.rows.len()));
                break;
            }
            if used.message != message {
                *used = Used { message, place: picks.batches.len() };
                picks.batches.push((pick.batch, Arc::clone(decoded)));
            }
            picks.rows.push((used.place, pick.row));
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
        let mut shards: Vec<_> = picks.batches.iter().map(|(batch, _)| self.place(*batch)).collect();
        shards.sort_unstable_by_key(|(source, shard, _)| (*source, *shard));
        shards.dedup_by_key(|(source, shard, _)| (*source, *shard));
        for (source, shard, _) in shards {
            self.lender(source, shard).check()?;
        }
        batch.map(Some).map_err(on_encode)
    }

    /// Finds the next rows and asks for those of their batches that were not touched yet.
    fn look_ahead(&mut self) -> Result<(), ReadError> {
        for row in self.rows.by_ref().take(LOOK_AHEAD) {
            let open = &self.open.sources[row.source];
            // Rows were counted when the shards were opened.
            let unlike = || ReadError::Unlike { target: open.target.clone(), ordinal: 0 };
            let (number, place) = open.batches.of_row(row.row).ok_or_else(unlike)?;
            let batch = self.firsts[row.source] + number;
            if self.slots[batch].decoded.is_none() {
                let (shard, of_shard) = open.batches.place(number);
                open.readers[shard].fetch_ahead(of_shard);
            }
            self.ahead.push_back(Pick { batch, row: place });
        }
        Ok(())
    }

    fn decoded(&mut self, number: usize) -> Result<(&mut Used, &Arc<Decoded>), ReadError> {
        let decoded = if let Some(known) = self.slots[number].decoded.take() {
            known
        } else {
            let (source, shard, batch) = self.place(number);
            let lender = self.lender(source, shard);
            let batch = lender.reader.batch(batch).map_err(|error| lender.failed(error))?;
            self.decoded_count += 1;
            Arc::new(Decoded::new(&batch, &self.open.columns))
        };
        let slot = &mut self.slots[number];
        Ok((&mut slot.used, slot.decoded.insert(decoded)))
    }

    /// The source, shard and batch of a number.
    fn place(&self, number: usize) -> (usize, usize, usize) {
        let source = self.firsts.partition_point(|first| *first <= number) - 1;
        let (shard, batch) = self.open.sources[source].batches.place(number - self.firsts[source]);
        (source, shard, batch)
    }

    fn lender(&self, source: usize, ordinal: usize) -> Lender {
        let open = &self.open.sources[source];
        Lender { target: open.target.clone(), ordinal, reader: open.readers[ordinal].clone() }
    }
}

impl Decoded {
    fn new(batch: &RecordBatch, columns: &[usize]) -> Self {
        let columns: Vec<Column> = columns.iter().map(|column| Column::new(batch.column(*column))).collect();
        let fixed_bytes = columns.iter().map(Column::fixed_bytes).sum();
        let varying = (0..columns.len()).filter(|n| columns[*n].is_varying()).collect();
        Self { columns, fixed_bytes, varying }
    }

    /// Adds where a row lies to the spans of its varying columns; gives its bytes.
    fn measure(&self, row: usize, spans: &mut [Vec<Range<usize>>]) -> usize {
        let mut bytes = self.fixed_bytes;
        for &n in &self.varying {
            let span = self.columns[n].span(row);
            bytes += span.len();
            spans[n].push(span);
        }
        bytes
    }
}

/// The rows of one message.
#[derive(Default)]
struct Picks {
    /// With their numbers.
    batches: Vec<(usize, Arc<Decoded>)>,
    /// Place in `batches`, and the row there.
    rows: Vec<(usize, usize)>,
    /// Where each of `rows` lies in each varying column; those of other columns are of no use.
    spans: Vec<Vec<Range<usize>>>,
}

impl Picks {
    fn batch(&self, open: &OpenPlan) -> Result<RecordBatch, ArrowError> {
        let column = |n: usize| {
            let columns: Vec<&Column> = self.batches.iter().map(|(_, batch)| &batch.columns[n]).collect();
            Column::gather(&columns, &self.rows, &self.spans[n])
        };
        let columns = (0..open.columns.len()).map(column).collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::clone(&open.schema), columns)
    }
}
