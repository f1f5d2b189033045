//! Rows into Flight messages: stored batches as they lie in the file wherever that is possible, gathered ones otherwise.
//!
//! A batch that is wanted whole goes out as two slices of the memory map; one that a row range cuts, or that is over
//! 4 MiB, is sliced and gets a header of its own. When a message is made is decided in [`crate::turns`].

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use bytes::Bytes;
use shard_store::{ShardReader, StoreError};

use crate::descriptor::Target;
use crate::error::ReadError;
use crate::gather::Gatherer;
use crate::message::{Encoder, Message};
use crate::plan::Walk;
use crate::sources::OpenPlan;
use crate::withheld::Lender;

/// A stored batch above this is cut: gRPC clients commonly refuse larger messages.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// What a batch is cut into.
const CUT_BYTES: usize = 2 << 20;
/// Batches between the one that is sent and the one that the volume is asked for.
const READ_AHEAD: usize = 4;
/// Slices of the map cost no memory: many at a time spare changes of threads, each of which costs as much as
/// sending tens of kilobytes.
const STORED_PER_TURN: usize = 32;
/// Gathered ones are memory of their own, at most 4 MiB each.
const GATHERED_PER_TURN: usize = 2;

/// Messages in their order; each is made when it is asked for, which blocks.
pub(crate) struct Messages {
    pub(crate) each: Box<dyn Iterator<Item = Result<Message, ReadError>> + Send>,
    /// How many are made at a time.
    pub(crate) per_turn: usize,
}

/// Rows of one open shard, counted from its first.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) ordinal: usize,
    pub(crate) reader: ShardReader,
    pub(crate) rows: Range<u64>,
}

/// The rows of parts, in their order.
pub(crate) fn stored(target: Target, parts: impl Iterator<Item = Part> + Send + 'static) -> Messages {
    let each = Stored { target, parts, part: None, cut: VecDeque::new(), encoder: Encoder::default() };
    Messages { each: Box::new(each), per_turn: STORED_PER_TURN }
}

/// The rows of one rank of a plan.
pub(crate) fn planned(open: Arc<OpenPlan>, rank: u32) -> Messages {
    let target = open.sources[0].target.clone();
    if let Some(runs) = open.plan.stored_runs() {
        let source = Arc::clone(&open.sources[0]);
        let parts = runs.flat_map(move |run| {
            let of_shard = |part: crate::manifest::ShardRows| {
                let reader = source.readers[part.ordinal].clone();
                Part { ordinal: part.ordinal, reader, rows: part.rows }
            };
            source.manifest.cut(run.start, Some(run.end - run.start)).into_iter().map(of_shard).collect::<Vec<_>>()
        });
        return stored(target, parts);
    }
    let rows = Walk::new(Arc::clone(&open.plan)).of_rank(rank);
    let mut encoder = Encoder::default();
    let each = Gatherer::new(open, rows).map(move |batch| {
        let on_encode = |source| ReadError::Encode { target: target.clone(), source };
        encoder.encode(&batch?).map_err(on_encode)
    });
    Messages { each: Box::new(each), per_turn: GATHERED_PER_TURN }
}

/// See [`stored`].
struct Stored<P> {
    target: Target,
    parts: P,
    /// The current part and its batches that are still to come.
    part: Option<(Part, Range<usize>)>,
    /// What is left of a batch that had to be cut.
    cut: VecDeque<Message>,
    encoder: Encoder,
}

impl<P: Iterator<Item = Part>> Iterator for Stored<P> {
    type Item = Result<Message, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(piece) = self.cut.pop_front() {
                return Some(Ok(piece));
            }
            let Some((part, batches)) = &mut self.part else {
                let part = self.parts.next()?;
                let batches = part.batches();
                self.part = Some((part, batches));
                continue;
            };
            let Some(batch) = batches.next() else {
                self.part = None;
                continue;
            };
            let lender = Lender { target: self.target.clone(), ordinal: part.ordinal, reader: part.reader.clone() };
            match part.read(batch) {
                Ok(Read::AsStored(message)) => return Some(Ok(Message { lender: Some(lender), ..message })),
                Ok(Read::Rows(rows)) => {
                    let lend = |message| Message { lender: Some(lender.clone()), ..message };
                    let cut = rows.iter().flat_map(pieces).map(|piece| self.encoder.encode(&piece).map(lend));
                    match cut.collect::<Result<VecDeque<_>, _>>() {
                        Ok(cut) => self.cut = cut,
                        Err(source) => return Some(Err(ReadError::Encode { target: self.target.clone(), source })),
                    }
                    // Small pieces were copied: they are what was stored if the file is the same still.
                    if let Err(error) = lender.check() {
                        self.cut.clear();
                        return Some(Err(error));
                    }
                }
                Err(source) => return Some(Err(lender.failed(source))),
            }
        }
    }
}

enum Read {
    AsStored(Message),
    /// To be cut and encoded.
    Rows(Vec<RecordBatch>),
}

impl Part {
    /// The stored batches that hold its rows.
    fn batches(&self) -> Range<usize> {
        let Some(first) = self.reader.batch_of_row(self.rows.start) else { return 0..0 };
        let last = self.reader.batch_of_row(self.rows.end.saturating_sub(1));
        first..last.map_or(self.reader.batch_count(), |last| last + 1)
    }

    fn read(&self, batch: usize) -> Result<Read, StoreError> {
        self.reader.fetch_ahead(batch + READ_AHEAD);
        let stored = self.reader.batch_rows(batch);
        let (from, to) = (stored.start.max(self.rows.start), stored.end.min(self.rows.end));
        if (from..to) == stored
            && let Some(message) = as_stored(&self.reader, batch)?
        {
            return Ok(Read::AsStored(message));
        }
        self.reader.read_rows(from, to - from, None).map(Read::Rows)
    }
}

/// The stored message, None when it is too large to be sent as it is.
fn as_stored(reader: &ShardReader, batch: usize) -> Result<Option<Message>, StoreError> {
    let message = reader.message(batch)?;
    let fits =
        message.metadata.len() + message.body.len() <= MAX_MESSAGE_BYTES || reader.batch_rows(batch).count() == 1;
    // The header is read again when it is framed; the body goes from the map to the socket.
    let header = Bytes::copy_from_slice(&message.metadata);
    reader.check_unchanged()?;
    Ok(fits.then(|| Message { header, body: vec![message.body], lender: None }))
}

/// Cuts a batch into pieces of about [`CUT_BYTES`], by rows: a row is never divided.
fn pieces(batch: &RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let bytes: usize = batch.columns().iter().map(|c| c.to_data().get_slice_memory_size().unwrap_or(0)).sum();
    let wanted = bytes.div_ceil(CUT_BYTES).max(1);
    let step = batch.num_rows().div_ceil(wanted).max(1);
    let starts = (0..batch.num_rows()).step_by(step);
    starts.map(move |start| batch.slice(start, step.min(batch.num_rows() - start)))
}
