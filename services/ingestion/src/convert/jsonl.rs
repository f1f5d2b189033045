//! JSON rows into batches, in two passes over the file: first the schema of all rows, then the rows in that schema.
//!
//! Most rows are flat objects, for which both passes have a short way: the first one then passes over texts, and what is
//! wrong in one is found when it is read. All others are proved by the first, before anything is written.
//!
//! Most files hold such rows in one schema from the beginning to the end. There the first pass may be left at the
//! beginning, and the second one finds out whether it was right.

mod columns;
pub(super) mod flat;

use std::{
    collections::VecDeque,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use arrow_array::RecordBatch;
use arrow_json::{ReaderBuilder, reader::Decoder};
use arrow_schema::SchemaRef;
use dataset_model::OnBadRows;
use tokio_util::sync::CancellationToken;

use self::columns::Columns;
use super::{
    ConvertError, FirstPass, HEAD_BYTES, Look, ReadBatches,
    compressed::Plain,
    infer::Inference,
    json_text::{for_columns, may_be_odd},
    judge::judge,
    rows::{Row, Rows},
    skips::{Gap, Skips},
};
use crate::plan::options::{Encoding, Options};

/// Rows that are decoded at once, at most …
const DECODE_ROWS: usize = 1024;
/// … and no further one behind so many bytes: what stays in a core's cache.
const BLOCK_BYTES: usize = 512 << 10;
/// Blocks for each core at a time, so that none of them waits long for another.
const BLOCKS: usize = 4;

/// The first pass: the schema that all rows of the file fit which are read at all.
pub(super) fn schema(
    file: &File,
    path: &str,
    options: &Options,
    (on_bad_rows, look): (OnBadRows, Look),
    stop: &CancellationToken,
) -> Result<FirstPass, ConvertError> {
    let mut rows = rows(file, path, options, stop)?;
    let mut inference = Inference::default();
    let mut found = OnBadRows::Fail;
    let mut may_leave = look == Look::Head && on_bad_rows == OnBadRows::Fail;
    // Bytes of the rows before this one, and of those to the last that brought something new.
    let (mut seen, mut new) = (0, 0);
    while let Some(row) = rows.next()? {
        if may_leave && seen >= HEAD_BYTES {
            let schema = inference.schema();
            if new < HEAD_BYTES / 2 && Columns::new(&Arc::new(schema.clone())).is_some() {
                return Ok(FirstPass { look, ..schema.into() });
            }
            may_leave = false;
        }
        seen += row.bytes.len();
        if on_bad_rows == OnBadRows::Skip && judge(path, &row).is_err() {
            found = OnBadRows::Skip;
            continue;
        }
        if inference.knows(row.bytes) {
            continue;
        }
        new = seen;
        // A row that breaks off is broken, whatever type it has where it does.
        inference.observe(path, &row).map_err(|error| judge(path, &row).err().unwrap_or(error))?;
    }
    Ok(FirstPass::new(inference.schema(), found))
}

fn rows(file: &File, path: &str, options: &Options, stop: &CancellationToken) -> Result<Rows, ConvertError> {
    let plain = Plain::open(file, path, stop)?;
    // As `datasets` has it, what is UTF-8 anyway is not decoded before it is parsed.
    let is_decoded = options.encoding != Encoding::Utf8 || options.field.is_some();
    Rows::new(if is_decoded { plain.decoded(options) } else { plain }, options.field.as_deref())
}

/// The second pass: one thread finds where the rows are, and those of the pool make columns of them. Not to be read on
/// one of these, as it waits for them.
pub(super) struct JsonBatches {
    rows: Rows,
    schema: SchemaRef,
    look: Look,
    skips: Skips,
    /// What is being decoded, in order, and how many bytes that is.
    underway: VecDeque<Receiver<thread::Result<Decoded>>>,
    underway_bytes: usize,
    /// What came behind the last block: the end, or an error.
    ended: Option<Result<(), ConvertError>>,
    /// Blocks that were decoded: their space is used again.
    spare: Vec<Block>,
    gaps: Vec<Gap>,
}

/// A block, and what became of its rows.
type Decoded = (Block, Result<RecordBatch, ConvertError>);

/// Rows as they stand in the file, one after the other.
struct Block {
    bytes: Vec<u8>,
    /// The line on which each begins, and where it ends in the bytes.
    rows: Vec<(u64, usize)>,
    gaps: Vec<Gap>,
    /// Where the rows may be flat.
    flat: Option<Columns>,
    /// Made for the first others, and used again: it keeps its space.
    decoder: Option<Decoder>,
}

impl JsonBatches {
    /// `schema`, `on_bad_rows` and `look` are what the first pass found.
    pub(super) fn open(
        file: &File,
        path: &str,
        options: &Options,
        ((schema, on_bad_rows), look): ((&SchemaRef, OnBadRows), Look),
        stop: &CancellationToken,
    ) -> Result<Self, ConvertError> {
        let rows = rows(file, path, options, stop)?;
        let (schema, skips) = (Arc::clone(schema), Skips::new(on_bad_rows));
        Ok(Self {
            rows,
            schema,
            look,
            skips,
            underway: VecDeque::new(),
            underway_bytes: 0,
            ended: None,
            spare: Vec::new(),
            gaps: Vec::new(),
        })
    }

    /// The next rows that become a batch, none at the end.
    fn block(&mut self) -> Result<Option<Block>, ConvertError> {
        let mut block = self.spare.pop().unwrap_or_else(|| Block::new(&self.schema));
        block.bytes.clear();
        block.rows.clear();
        let file = self.rows.file().to_owned();
        while block.rows.len() < DECODE_ROWS && block.bytes.len() < BLOCK_BYTES {
            let Some(row) = self.rows.next()? else { break };
            if self.skips.are_wanted()
                && let Err(error) = judge(&file, &row)
            {
                self.skips.leave_out(block.rows.len(), error)?;
                continue;
            }
            block.bytes.extend_from_slice(row.bytes);
            block.rows.push((row.line, block.bytes.len()));
        }
        block.gaps = self.skips.take();
        Ok((!block.rows.is_empty() || !block.gaps.is_empty()).then_some(block))
    }

    /// Has blocks decoded, some for each core, fewer of huge rows.
    fn decode_ahead(&mut self) {
        let most = BLOCKS * rayon::current_num_threads();
        while self.ended.is_none() && self.underway.len() < most && self.underway_bytes < most * BLOCK_BYTES {
            match self.block() {
                Ok(Some(block)) => {
                    self.underway_bytes += block.bytes.len();
                    self.underway.push_back(self.decode(block));
                }
                Ok(None) => self.ended = Some(Ok(())),
                Err(error) => self.ended = Some(Err(error)),
            }
        }
    }

    fn decode(&self, mut block: Block) -> Receiver<thread::Result<Decoded>> {
        let (sender, decoded) = sync_channel(1);
        let (file, schema, look) = (self.rows.file().to_owned(), Arc::clone(&self.schema), self.look);
        rayon::spawn(move || {
            let decode = AssertUnwindSafe(|| {
                let batch = block.decode(&file, &schema, look);
                (block, batch)
            });
            // Nobody may wait for it any more.
            let _ = sender.send(catch_unwind(decode));
        });
        decoded
    }
}

impl Block {
    fn new(schema: &SchemaRef) -> Self {
        let flat = Columns::new(schema);
        Self { bytes: Vec::new(), rows: Vec::new(), gaps: Vec::new(), flat, decoder: None }
    }

    fn of<'a>(bytes: &'a [u8], rows: &[(u64, usize)]) -> impl Iterator<Item = Row<'a>> {
        let mut start = 0;
        rows.iter().map(move |&(line, end)| Row { line, bytes: &bytes[std::mem::replace(&mut start, end)..end] })
    }

    fn decode(&mut self, file: &str, schema: &SchemaRef, look: Look) -> Result<RecordBatch, ConvertError> {
        let bad = |line: u64, e: &dyn std::fmt::Display| ConvertError::BadLine {
            file: file.to_owned(),
            line,
            why: e.to_string(),
        };
        if let Some(flat) = &mut self.flat {
            if let Some(batch) = flat.batch(&self.bytes, self.rows.iter().map(|(_, end)| *end)) {
                return Ok(batch);
            }
            if look == Look::Head {
                return Err(ConvertError::Unforeseen { file: file.to_owned() });
            }
            // Of their texts the first pass saw nothing.
            Self::of(&self.bytes, &self.rows).try_for_each(|row| judge(file, &row))?;
        }
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => {
                let builder = ReaderBuilder::new(Arc::clone(schema)).with_batch_size(DECODE_ROWS);
                let cast = |source| ConvertError::Cast { file: file.to_owned(), source };
                none.insert(builder.build_decoder().map_err(cast)?)
            }
        };
        let are_odd = may_be_odd(&self.bytes);
        for Row { line, bytes } in Self::of(&self.bytes, &self.rows) {
            let row = if are_odd { for_columns(bytes) } else { bytes.into() };
            decoder.decode(&row).map_err(|e| bad(line, &e))?;
            if decoder.has_partial_record() {
                return Err(bad(line, &"it is not complete"));
            }
        }
        let (first, count) = (self.rows.first().map_or(0, |(line, _)| *line), self.rows.len());
        let batch = decoder.flush().map_err(|e| bad(first, &format!("in the {count} rows from there: {e}")))?;
        Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(schema))))
    }
}

impl ReadBatches for JsonBatches {
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        self.decode_ahead();
        let Some(next) = self.underway.pop_front() else {
            return self.ended.take().unwrap_or(Ok(())).map(|()| None);
        };
        // Only the end of the pool loses an answer.
        let decoded = next.recv().unwrap_or_else(|lost| Err(Box::new(lost)));
        let (mut block, batch) = decoded.unwrap_or_else(|panic| resume_unwind(panic));
        self.underway_bytes -= block.bytes.len();
        self.gaps = std::mem::take(&mut block.gaps);
        // Huge rows are not to leave their space behind.
        if block.bytes.capacity() <= 2 * BLOCK_BYTES {
            self.spare.push(block);
        }
        batch.map(Some)
    }

    fn gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }
}
