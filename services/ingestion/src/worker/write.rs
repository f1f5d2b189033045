//! The blocking part of a work task: source files in, raw shards out.
//!
//! All files are looked at before the first row is written, as all shards have one schema; as many at a time as there are
//! cores, since CSV and some of JSON are read whole for it. Then one thread reads rows while this one writes them: their
//! order is that of the source, whatever the number of cores. Where the beginning of a file promised what it does not
//! keep, all begins anew, and is looked at as a whole.

use std::{
    fs::File,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef};
use dataset_model::{LeftOutMembers, OnBadRows, Shard, SkippedRows};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use shard_store::ShardStore;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    shards::{RawShards, ShardError, ShardNames},
    spec::WorkFile,
};
use crate::{
    convert::{
        ConvertError, Format, Gap, Look, Opened, Reading, Source,
        batches::{BATCH_BYTES, batch_bytes},
        common_schema,
    },
    plan::Options,
};

/// Hauls that are read ahead of the one that is written.
const READ_AHEAD: usize = 2;

/// What the converting thread tells, or asks of, the task.
pub(super) enum Event {
    Announce { key: String, answer: oneshot::Sender<()> },
    Rows(u64),
}

/// Which rows of the files are wanted.
pub(super) struct Wanted {
    pub on_bad_rows: OnBadRows,
    pub options: Arc<Options>,
    /// A column that must hold text.
    pub text_column: Option<String>,
    /// So many of the first ones.
    pub most: u64,
}

pub(super) struct Converted {
    pub shards: Vec<Shard>,
    pub schema: SchemaRef,
    pub row_count: u64,
    pub skipped: SkippedRows,
    pub left_out: LeftOutMembers,
}

/// What is handed over at a time: pieces of some 100 KiB until they are about 2 MiB, so that the threads do not wait for
/// each other at each, or one larger piece.
type Haul<'a> = Vec<Piece<'a>>;

/// Rows on their way into shards.
struct Piece<'a> {
    /// Of which file, and the place there of the first, skipped or not.
    origin: &'a str,
    row_start: u64,
    batch: RecordBatch,
    gaps: Vec<Gap>,
}

/// Blocking.
pub(super) fn shards(
    (store, names): (ShardStore, ShardNames),
    inputs: &[(WorkFile, File)],
    wanted: &Wanted,
    events: &mpsc::Sender<Event>,
    stop: &CancellationToken,
) -> Result<Converted, ShardError> {
    let announce = |key: &str| {
        let (answer, answered) = oneshot::channel();
        let event = Event::Announce { key: key.to_owned(), answer };
        events.blocking_send(event).map_err(|_| ShardError::NotAnnounced)?;
        answered.blocking_recv().map_err(|_| ShardError::NotAnnounced)
    };
    let attempt = |look| {
        let Opened { sources, left_out } = open(inputs, wanted, look, &store, stop)?;
        let schema = common_schema(&sources)?;
        if let Some(column) = wanted.text_column.as_ref().filter(|_| !schema.fields().is_empty()) {
            check_text(&schema, column)?;
        }
        let mut shards = RawShards::new(store.clone(), names.clone(), schema.clone(), announce);
        match write_rows(&sources, &schema, &mut shards, wanted.most, events, stop) {
            Ok((written, skipped)) => {
                Ok(Converted { shards: written, schema, row_count: shards.row_count(), skipped, left_out })
            }
            Err(error) => {
                shards.discard();
                Err(error)
            }
        }
    };
    // Which schema the first rows have depends on all of them.
    let look = if wanted.most == u64::MAX { Look::Head } else { Look::Whole };
    match attempt(look) {
        Err(ShardError::Convert(ConvertError::Unforeseen { file })) => {
            tracing::debug!(file, "a file goes on differently than it begins, and is read again");
            attempt(Look::Whole)
        }
        result => result,
    }
}

/// The first file that cannot be read is named, whichever was looked at first.
fn open(
    inputs: &[(WorkFile, File)],
    wanted: &Wanted,
    look: Look,
    store: &ShardStore,
    stop: &CancellationToken,
) -> Result<Opened, ConvertError> {
    let open_one = |(WorkFile { source, format, .. }, file): &(WorkFile, File)| {
        let file = file.try_clone().map_err(|e| ConvertError::Disk { file: source.path.clone(), source: e })?;
        // The plan only lets through formats that are known here.
        let format = Format::named(format).unwrap_or(Format::Json);
        let reading = Reading { format, on_bad_rows: wanted.on_bad_rows, options: Arc::clone(&wanted.options), look };
        Source::open_all(&source.path, file, reading, &store.staging_dir(), stop)
    };
    let opened: Vec<Result<Opened, ConvertError>> = inputs.par_iter().map(open_one).collect();
    let mut all = Opened { sources: Vec::with_capacity(opened.len()), left_out: LeftOutMembers::default() };
    for of_file in opened {
        let Opened { sources, left_out } = of_file?;
        all.sources.extend(sources);
        all.left_out.extend(left_out.count, left_out.first);
    }
    Ok(all)
}

/// What an upload names as its text must be there, before anybody tokenizes it.
fn check_text(schema: &Schema, column: &str) -> Result<(), ConvertError> {
    let is_text = |field: &FieldRef| matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8);
    if schema.fields().iter().any(|field| field.name() == column && is_text(field)) {
        return Ok(());
    }
    let texts = schema.fields().iter().filter(|field| is_text(field)).map(|field| field.name().clone()).collect();
    Err(ConvertError::NoTextColumn { column: column.to_owned(), texts })
}

fn write_rows<A: FnMut(&str) -> Result<(), ShardError>>(
    sources: &[Source],
    schema: &SchemaRef,
    shards: &mut RawShards<A>,
    most: u64,
    events: &mpsc::Sender<Event>,
    stop: &CancellationToken,
) -> Result<(Vec<Shard>, SkippedRows), ShardError> {
    thread::scope(|scope| {
        // Dropped with the first error or the last row that is wanted, which ends the reading thread.
        let (sender, read) = sync_channel(READ_AHEAD);
        scope.spawn(move || read_rows(sources, schema, &sender, stop));
        let (mut missing, mut skipped) = (most, SkippedRows::default());
        for haul in read {
            for piece in haul? {
                let Piece { origin, row_start, batch, gaps } = piece.first(missing);
                missing -= batch.num_rows() as u64;
                shards.push(origin, row_start, &batch, &gaps)?;
                for gap in gaps {
                    skipped.extend(gap.count, gap.first);
                }
                if missing == 0 {
                    break;
                }
            }
            // A full channel means that the last count was not read yet either.
            drop(events.try_send(Event::Rows(shards.row_count())));
            if missing == 0 {
                break;
            }
        }
        if stop.is_cancelled() {
            return Err(ConvertError::Stopped.into());
        }
        Ok((shards.finish()?, skipped))
    })
}

impl Piece<'_> {
    /// With no more than so many rows; what was skipped behind the last one nobody asked for.
    fn first(mut self, most: u64) -> Self {
        if let Ok(most) = usize::try_from(most)
            && most <= self.batch.num_rows()
        {
            self.batch = self.batch.slice(0, most);
            self.gaps.retain(|gap| gap.at < most);
        }
        self
    }

    /// With those that were skipped.
    fn source_rows(&self) -> u64 {
        self.batch.num_rows() as u64 + self.gaps.iter().map(|gap| gap.count).sum::<u64>()
    }
}

/// Reads until nobody takes the rows any more; an error is the last thing that it sends.
fn read_rows<'a>(
    sources: &'a [Source],
    schema: &'a SchemaRef,
    sender: &SyncSender<Result<Haul<'a>, ConvertError>>,
    stop: &'a CancellationToken,
) {
    let (mut row_start, mut origin) = (0, "");
    let (mut haul, mut haul_bytes) = (Vec::new(), 0);
    for source in sources {
        // Members of one archive may all count as that archive.
        if source.origin() != origin {
            (row_start, origin) = (0, source.origin());
        }
        // The rows before an error may be all that are wanted.
        let fail = |haul, error| drop(sender.send(Ok(haul)).and_then(|()| sender.send(Err(error))));
        let mut batches = match source.batches(schema, stop) {
            Ok(batches) => batches,
            Err(error) => return fail(haul, error),
        };
        while let Some(batch) = batches.next() {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => return fail(haul, error),
            };
            haul_bytes += batch_bytes(&batch);
            let piece = Piece { origin, row_start, batch, gaps: batches.gaps() };
            row_start += piece.source_rows();
            haul.push(piece);
            if haul_bytes >= BATCH_BYTES {
                haul_bytes = 0;
                if sender.send(Ok(std::mem::take(&mut haul))).is_err() {
                    return;
                }
            }
        }
    }
    let _ = sender.send(Ok(haul));
}
