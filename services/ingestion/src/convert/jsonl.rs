//! JSON rows into batches, in two passes over the file: first the schema of all rows, then the rows in that schema.
//!
//! The first pass also proves every row, so that a broken one is found with its line before anything is written.

use std::{collections::VecDeque, fs::File, sync::Arc};

use arrow_array::RecordBatch;
use arrow_json::ReaderBuilder;
use arrow_schema::SchemaRef;
use dataset_model::OnBadRows;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tokio_util::sync::CancellationToken;

use super::{
    ConvertError, FirstPass, ReadBatches,
    batches::BATCH_BYTES,
    compressed::Plain,
    infer::Inference,
    judge::judge,
    rows::Rows,
    skips::{Gap, Skips},
};

/// Rows that are decoded at once, at most.
const DECODE_ROWS: usize = 1024;

/// The first pass: the schema that all rows of the file fit which are read at all.
pub(super) fn schema(
    file: &File,
    path: &str,
    on_bad_rows: OnBadRows,
    stop: &CancellationToken,
) -> Result<FirstPass, ConvertError> {
    let mut rows = Rows::new(Plain::open(file, path, stop)?)?;
    let mut inference = Inference::default();
    let mut found = OnBadRows::Fail;
    while let Some(row) = rows.next()? {
        if on_bad_rows == OnBadRows::Skip && judge(path, &row).is_err() {
            found = OnBadRows::Skip;
            continue;
        }
        // A row that breaks off is broken, whatever type it has where it does.
        inference.observe(path, &row).map_err(|error| judge(path, &row).err().unwrap_or(error))?;
    }
    Ok(FirstPass { schema: inference.schema(), on_bad_rows: found })
}

/// The second pass: one thread finds where the rows are, and several make columns of them.
pub(super) struct JsonBatches {
    rows: Rows,
    schema: SchemaRef,
    skips: Skips,
    /// What was decoded and not handed out.
    ready: VecDeque<Decoded>,
    /// Blocks that were decoded: their space is used again.
    spare: Vec<Block>,
    gaps: Vec<Gap>,
}

type Decoded = (Result<RecordBatch, ConvertError>, Vec<Gap>);

/// Rows as they stand in the file, one after the other.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    /// The line on which each begins, and where it ends in the bytes.
    rows: Vec<(u64, usize)>,
    gaps: Vec<Gap>,
}

impl JsonBatches {
    /// `schema` and `on_bad_rows` are what the first pass found.
    pub(super) fn open(
        file: &File,
        path: &str,
        (schema, on_bad_rows): (&SchemaRef, OnBadRows),
        stop: &CancellationToken,
    ) -> Result<Self, ConvertError> {
        let rows = Rows::new(Plain::open(file, path, stop)?)?;
        let (schema, skips) = (Arc::clone(schema), Skips::new(on_bad_rows));
        Ok(Self { rows, schema, skips, ready: VecDeque::new(), spare: Vec::new(), gaps: Vec::new() })
    }

    /// The next rows that become a batch, none at the end.
    fn block(&mut self) -> Result<Option<Block>, ConvertError> {
        let mut block = self.spare.pop().unwrap_or_default();
        block.bytes.clear();
        block.rows.clear();
        let file = self.rows.file().to_owned();
        while block.rows.len() < DECODE_ROWS && (block.bytes.len() as u64) < BATCH_BYTES {
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

    /// Decodes as many blocks as there are cores, fewer of huge rows; what is broken comes after what is before it.
    fn decode_some(&mut self) {
        let (mut blocks, mut bytes, mut broken) = (Vec::new(), 0, None);
        let most = rayon::current_num_threads();
        while blocks.len() < most && bytes < most as u64 * BATCH_BYTES {
            match self.block() {
                Ok(Some(block)) => {
                    bytes += block.bytes.len() as u64;
                    blocks.push(block);
                }
                Ok(None) => break,
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        let (file, schema) = (self.rows.file(), &self.schema);
        let decoded: Vec<_> = blocks.par_iter().map(|block| block.decode(file, schema)).collect();
        let gaps = blocks.iter_mut().map(|block| std::mem::take(&mut block.gaps));
        self.ready.extend(decoded.into_iter().zip(gaps));
        // Huge rows are not to leave their space behind.
        self.spare.extend(blocks.into_iter().filter(|block| (block.bytes.capacity() as u64) <= 2 * BATCH_BYTES));
        self.ready.extend(broken.map(|error| (Err(error), Vec::new())));
    }
}

impl Block {
    fn decode(&self, file: &str, schema: &SchemaRef) -> Result<RecordBatch, ConvertError> {
        let bad = |line: u64, e: &dyn std::fmt::Display| ConvertError::BadLine {
            file: file.to_owned(),
            line,
            why: e.to_string(),
        };
        let builder = ReaderBuilder::new(Arc::clone(schema)).with_batch_size(DECODE_ROWS);
        let cast = |source| ConvertError::Cast { file: file.to_owned(), source };
        let (mut decoder, mut start) = (builder.build_decoder().map_err(cast)?, 0);
        for &(line, end) in &self.rows {
            decoder.decode(&self.bytes[start..end]).map_err(|e| bad(line, &e))?;
            if decoder.has_partial_record() {
                return Err(bad(line, &"it is not complete"));
            }
            start = end;
        }
        let (first, count) = (self.rows.first().map_or(0, |(line, _)| *line), self.rows.len());
        let batch = decoder.flush().map_err(|e| bad(first, &format!("in the {count} rows from there: {e}")))?;
        Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(schema))))
    }
}

impl ReadBatches for JsonBatches {
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        if self.ready.is_empty() {
            self.decode_some();
        }
        let Some((batch, gaps)) = self.ready.pop_front() else { return Ok(None) };
        self.gaps = gaps;
        batch.map(Some)
    }

    fn gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }
}
