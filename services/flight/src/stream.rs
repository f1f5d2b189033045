//! Rows into Flight messages: stored batches as they lie in the file wherever that is possible, gathered ones otherwise.
//!
//! A batch that is wanted whole goes out as two slices of the memory map; one that a row range cuts, or that is over
//! 4 MiB, is sliced and encoded again. The reader is a blocking thread before a channel of two messages, so a slow
//! client costs two batches. An error is the last thing a stream says.

use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_flight::{FlightData, SchemaAsIpc};
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow_schema::{ArrowError, Schema};
use futures::stream::{BoxStream, StreamExt};
use shard_store::{ShardReader, StoreError};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::descriptor::Target;
use crate::error::ReadError;
use crate::gather::Gatherer;
use crate::sources::OpenPlan;

/// A stored batch above this is cut: gRPC clients commonly refuse larger messages.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// What a batch is cut into.
const CUT_BYTES: usize = 2 << 20;
/// Batches between the one that is sent and the one that the volume is asked for.
const READ_AHEAD: usize = 4;
/// Messages between the reader and the socket.
const CHANNEL: usize = 2;

pub(crate) type Sender = mpsc::Sender<Result<FlightData, Status>>;

/// Rows of one open shard, counted from its first.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) ordinal: usize,
    pub(crate) reader: ShardReader,
    pub(crate) rows: Range<u64>,
}

/// The message that precedes all batches, also of an empty stream.
pub(crate) fn schema_message(schema: &Schema) -> FlightData {
    SchemaAsIpc::new(schema, &IpcWriteOptions::default()).into()
}

/// Runs `send` on a thread of its own, which ends when it has sent everything or when the stream is dropped.
pub(crate) fn spawn(send: impl FnOnce(&Sender) + Send + 'static) -> BoxStream<'static, Result<FlightData, Status>> {
    let (sender, receiver) = mpsc::channel(CHANNEL);
    drop(tokio::task::spawn_blocking(move || send(&sender)));
    ReceiverStream::new(receiver).boxed()
}

/// Sends the parts, and the error that ends them. Blocks; returns early when the client is gone.
pub(crate) fn send(target: &Target, schema: &Schema, parts: Vec<Part>, sender: &Sender) {
    let mut encoder = Encoder::default();
    end(sender, schema, || {
        for part in parts {
            if let Sent::ClientGone = send_part(target, &part, &mut encoder, sender)? {
                break;
            }
        }
        Ok(())
    });
}

/// Sends the rows of one rank of a plan as [`send`] does. The result is the source that turned out damaged.
pub(crate) fn send_plan(open: &OpenPlan, rank: u32, sender: &Sender) -> Option<Target> {
    let mut damage = None;
    end(sender, &open.schema, || {
        let sent = match open.plan.stored_runs() {
            Some(runs) => send_runs(open, runs, sender),
            None => send_picks(open, rank, sender),
        };
        sent.inspect_err(|error| damage = error.damaged_target())
    });
    damage
}

fn send_runs(open: &OpenPlan, runs: impl Iterator<Item = Range<u64>>, sender: &Sender) -> Result<(), ReadError> {
    let (source, mut encoder) = (&open.sources[0], Encoder::default());
    for run in runs {
        for part in source.manifest.cut(run.start, Some(run.end - run.start)) {
            let reader = source.readers[part.ordinal].clone();
            let part = Part { ordinal: part.ordinal, reader, rows: part.rows };
            if let Sent::ClientGone = send_part(&source.target, &part, &mut encoder, sender)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn send_picks(open: &OpenPlan, rank: u32, sender: &Sender) -> Result<(), ReadError> {
    let (mut gatherer, mut rows) = (Gatherer::new(open), open.plan.walk().of_rank(rank));
    let mut encoder = Encoder::default();
    while let Some(batch) = gatherer.next(&mut rows)? {
        let on_encode = |source| ReadError::Encode { target: open.sources[0].target.clone(), source };
        let message = encoder.encode(&batch).map_err(on_encode)?;
        if sender.blocking_send(Ok(message)).is_err() {
            break;
        }
    }
    Ok(())
}

/// The schema, what `rows` sends, and the error that ends it.
fn end(sender: &Sender, schema: &Schema, rows: impl FnOnce() -> Result<(), ReadError>) {
    if sender.blocking_send(Ok(schema_message(schema))).is_err() {
        return;
    }
    if let Err(error) = rows() {
        // Nobody is left to tell when this cannot be sent.
        drop(sender.blocking_send(Err(error.into_status())));
    }
}

enum Sent {
    All,
    ClientGone,
}

fn send_part(target: &Target, part: &Part, encoder: &mut Encoder, sender: &Sender) -> Result<Sent, ReadError> {
    let on_shard = |source| ReadError::Shard { target: target.clone(), ordinal: part.ordinal, source };
    let on_encode = |source| ReadError::Encode { target: target.clone(), source };
    let Some(first) = part.reader.batch_of_row(part.rows.start) else { return Ok(Sent::All) };
    for batch in first..part.reader.batch_count() {
        let stored = part.reader.batch_rows(batch);
        if stored.start >= part.rows.end {
            break;
        }
        if batch + READ_AHEAD < part.reader.batch_count() {
            part.reader.fetch_ahead(batch + READ_AHEAD);
        }
        let (from, to) = (stored.start.max(part.rows.start), stored.end.min(part.rows.end));
        let is_whole = from == stored.start && to == stored.end;
        let message = if is_whole { as_stored(&part.reader, batch).map_err(on_shard)? } else { None };
        if let Some(message) = message {
            if sender.blocking_send(Ok(message)).is_err() {
                return Ok(Sent::ClientGone);
            }
            continue;
        }
        let rows = part.reader.read_rows(from, to - from, None).map_err(on_shard)?;
        for piece in rows.iter().flat_map(pieces) {
            let message = encoder.encode(&piece).map_err(on_encode)?;
            if sender.blocking_send(Ok(message)).is_err() {
                return Ok(Sent::ClientGone);
            }
        }
    }
    Ok(Sent::All)
}

/// The stored message, None when it is too large to be sent as it is.
fn as_stored(reader: &ShardReader, batch: usize) -> Result<Option<FlightData>, StoreError> {
    let message = reader.message(batch)?;
    let fits =
        message.metadata.len() + message.body.len() <= MAX_MESSAGE_BYTES || reader.batch_rows(batch).count() == 1;
    Ok(fits.then(|| FlightData { data_header: message.metadata, data_body: message.body, ..FlightData::default() }))
}

/// Cuts a batch into pieces of about [`CUT_BYTES`], by rows: a row is never divided.
fn pieces(batch: &RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let bytes: usize = batch.columns().iter().map(|c| c.to_data().get_slice_memory_size().unwrap_or(0)).sum();
    let wanted = bytes.div_ceil(CUT_BYTES).max(1);
    let step = batch.num_rows().div_ceil(wanted).max(1);
    let starts = (0..batch.num_rows()).step_by(step);
    starts.map(move |start| batch.slice(start, step.min(batch.num_rows() - start)))
}

/// Encodes batches that are not sent as stored. Shards hold no dictionaries, so messages stand alone.
#[derive(Default)]
struct Encoder {
    context: IpcWriteContext,
}

impl Encoder {
    fn encode(&mut self, batch: &RecordBatch) -> Result<FlightData, ArrowError> {
        let mut no_dictionaries = DictionaryTracker::new(true);
        let options = IpcWriteOptions::default();
        let (_, encoded) =
            IpcDataGenerator::default().encode(batch, &mut no_dictionaries, &options, &mut self.context)?;
        Ok(encoded.into())
    }
}
