//! Parquet files into batches, one row group after the other, in bounded memory.
//!
//! The file is a stranger's: whatever is wrong with it is an error that names the row group, also when the decoder
//! panics over it. The decoder allocates what a file says, before it sees whether that is true: so the footer has a
//! limit and is [checked](footer::check), and of each row group it is [found out](bounds) first how many rows may be
//! decoded at once.

mod bounds;
mod compact;
mod footer;
mod inside;
mod pages;
mod unpacked;

use std::{fs::File, io::Read, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use arrow_select::concat::concat_batches;
use parquet::{
    arrow::arrow_reader::{
        ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    },
    file::reader::{ChunkReader, Length},
};

use super::{
    ConvertError, ReadBatches,
    batches::{BATCH_BYTES, null_row_bytes},
    guard::{Cause, guard},
};

/// Rows that are decoded at once, at most: a few huge values among small ones must not fill the memory.
const DECODE_ROWS: u64 = 1024;

/// Structures of a footer take some ten times its bytes.
const FOOTER_BYTES: u64 = 32 << 20;

/// What the footer says.
pub(super) fn footer<R: ChunkReader>(file: &R, path: &str) -> Result<ArrowReaderMetadata, ConvertError> {
    let bad = |source| ConvertError::BadParquet { file: path.to_owned(), source };
    if let Some(bytes) = footer_bytes(file) {
        if bytes > FOOTER_BYTES {
            let place = "the footer".to_owned();
            return Err(ConvertError::TooMuchMemory { file: path.to_owned(), place, limit: FOOTER_BYTES });
        }
        let read = file.get_read(file.len() - 8 - bytes).map_err(|e| bad(e.into()))?;
        footer::check(read.take(bytes))
            .map_err(|e| bad(format!("its footer is not as the format says: {e}").into()))?;
    }
    let load = |options| guard(|| ArrowReaderMetadata::load(file, options).map_err(Into::into));
    // The Arrow schema that a writer may have left beside Parquet's own is a hint, and it can be wrong.
    load(ArrowReaderOptions::new())
        .or_else(|_| load(ArrowReaderOptions::new().with_skip_arrow_metadata(true)))
        .map_err(bad)
}

/// The length of the footer, if there is one.
fn footer_bytes<R: ChunkReader>(file: &R) -> Option<u64> {
    let before = file.len().checked_sub(8)?;
    let tail = file.get_bytes(before, 8).ok()?;
    let length = u64::from(u32::from_le_bytes(*tail.first_chunk()?));
    (tail.ends_with(b"PAR1") && length <= before).then_some(length)
}

/// The columns as the file declares them.
pub(super) fn schema(footer: &ArrowReaderMetadata) -> Schema {
    footer.schema().as_ref().clone()
}

/// The first `rows` rows, fewer when they are huge, and none when there is no row at all. Reads no more pages than these
/// rows need.
pub(super) fn first_rows<R: ChunkReader + Clone + 'static>(
    file: &R,
    (footer, path): (&ArrowReaderMetadata, &str),
    rows: usize,
) -> Result<Option<RecordBatch>, ConvertError> {
    let (mut first, mut missing) = (Vec::new(), rows as u64);
    for (index, group) in footer.metadata().row_groups().iter().enumerate() {
        let wanted = missing.min(u64::try_from(group.num_rows()).unwrap_or(0));
        if wanted == 0 {
            continue;
        }
        let batch = first_of_group(file, (footer, path), index, wanted)?;
        let found = batch.as_ref().map_or(0, RecordBatch::num_rows) as u64;
        first.extend(batch);
        missing -= found.min(missing);
        if missing == 0 || found < wanted {
            break;
        }
    }
    let all = first.first().map(|batch| concat_batches(&batch.schema(), &first)).transpose();
    let bad = |source| ConvertError::BadRowGroup { file: path.to_owned(), row_group: 0, source: Box::new(source) };
    all.map_err(bad)
}

fn first_of_group<R: ChunkReader + Clone + 'static>(
    file: &R,
    (footer, path): (&ArrowReaderMetadata, &str),
    index: usize,
    wanted: u64,
) -> Result<Option<RecordBatch>, ConvertError> {
    let bad = |source| ConvertError::BadRowGroup { file: path.to_owned(), row_group: index, source };
    let limit = bounds::memory(file.len());
    let most = wanted.min(limit / bounds::BATCHES / null_row_bytes(footer.schema()).max(1));
    let (shared, group) = (Arc::new(file.clone()), footer.metadata().row_group(index));
    let at_once = guard(|| bounds::rows_at_once(&shared, group, (most, Some(wanted)), limit)).map_err(bad)?;
    let too_much = || {
        let place = format!("row group {index}");
        ConvertError::TooMuchMemory { file: path.to_owned(), place, limit }
    };
    let at_once = usize::try_from(at_once.ok_or_else(too_much)?).unwrap_or(1);
    let read = guard(|| {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), footer.clone());
        let builder = builder.with_row_groups(vec![index]).with_batch_size(at_once).with_limit(at_once);
        Ok(builder.build()?.next().transpose()?)
    });
    read.map_err(bad)
}

/// The rows of a file.
pub(super) struct ParquetBatches {
    file: Arc<File>,
    path: String,
    footer: ArrowReaderMetadata,
    /// Of a row that has nothing in it, which lists of one length and missing columns take as well.
    empty_row: u64,
    /// Bytes that a row group may take.
    memory: u64,
    /// The next row group to open.
    next: usize,
    open: Option<OpenGroup>,
}

struct OpenGroup {
    index: usize,
    reader: ParquetRecordBatchReader,
    /// Rows that the footer promises and that have not come yet.
    missing: u64,
}

impl ParquetBatches {
    /// `wanted` are the columns that the rows will have.
    pub(super) fn open(file: &File, path: &str, wanted: &Schema) -> Result<Self, ConvertError> {
        let footer = footer(file, path)?;
        let file = file.try_clone().map_err(|source| ConvertError::Disk { file: path.to_owned(), source })?;
        let empty_row = null_row_bytes(wanted).max(null_row_bytes(footer.schema())).max(1);
        let memory = bounds::memory(Length::len(&file));
        Ok(Self { file: Arc::new(file), path: path.to_owned(), footer, empty_row, memory, next: 0, open: None })
    }

    fn open_group(&mut self) -> Result<OpenGroup, ConvertError> {
        let index = self.next;
        self.next += 1;
        let group = self.footer.metadata().row_group(index);
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        let bytes = u64::try_from(group.total_byte_size()).unwrap_or(0);
        let usual = (BATCH_BYTES / (bytes / rows.max(1)).max(1)).clamp(1, DECODE_ROWS);
        let most = usual.min(self.memory / bounds::BATCHES / self.empty_row);
        let bad = |source| ConvertError::BadRowGroup { file: self.path.clone(), row_group: index, source };
        let at_once = guard(|| bounds::rows_at_once(&self.file, group, (most, None), self.memory)).map_err(bad)?;
        let too_much = || {
            let place = format!("row group {index}");
            ConvertError::TooMuchMemory { file: self.path.clone(), place, limit: self.memory }
        };
        let at_once = at_once.ok_or_else(too_much)?;
        let reader = guard(|| {
            let file = self.file.try_clone().map_err(|e| Box::new(e) as Cause)?;
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone());
            let at_once = usize::try_from(at_once).unwrap_or(1);
            builder.with_row_groups(vec![index]).with_batch_size(at_once).build().map_err(Into::into)
        });
        Ok(OpenGroup { index, reader: reader.map_err(bad)?, missing: rows })
    }
}

impl ReadBatches for ParquetBatches {
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        loop {
            let mut group = match self.open.take() {
                Some(group) => group,
                None if self.next == self.footer.metadata().num_row_groups() => return Ok(None),
                None => self.open_group()?,
            };
            let index = group.index;
            let bad = |source| ConvertError::BadRowGroup { file: self.path.clone(), row_group: index, source };
            match guard(|| group.reader.next().transpose().map_err(Into::into)).map_err(bad)? {
                Some(batch) => {
                    let rows = batch.num_rows() as u64;
                    group.missing = group.missing.checked_sub(rows).ok_or_else(|| bad("it has more rows".into()))?;
                    self.open = Some(group);
                    return Ok(Some(batch));
                }
                None if group.missing > 0 => return Err(bad(format!("{} rows are missing", group.missing).into())),
                None => {}
            }
        }
    }
}
