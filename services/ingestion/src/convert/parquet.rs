//! Parquet files into batches, one row group after the other, in bounded memory.
//!
//! The file is a stranger's: whatever is wrong with it is an error that names the row group, also when the decoder
//! panics over it.

use std::fs::File;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use parquet::{
    arrow::arrow_reader::{
        ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    },
    file::reader::ChunkReader,
};

use super::{
    ConvertError, ReadBatches,
    batches::BATCH_BYTES,
    guard::{Cause, guard},
};

/// Rows that are decoded at once, at most: a few huge values among small ones must not fill the memory.
const DECODE_ROWS: u64 = 1024;

/// What the footer says.
pub(super) fn footer<R: ChunkReader>(file: &R, path: &str) -> Result<ArrowReaderMetadata, ConvertError> {
    let load = |options| guard(|| ArrowReaderMetadata::load(file, options).map_err(Into::into));
    // The Arrow schema that a writer may have left beside Parquet's own is a hint, and it can be wrong.
    load(ArrowReaderOptions::new())
        .or_else(|_| load(ArrowReaderOptions::new().with_skip_arrow_metadata(true)))
        .map_err(|source| ConvertError::BadParquet { file: path.to_owned(), source })
}

/// The columns as the file declares them.
pub(super) fn schema(footer: &ArrowReaderMetadata) -> Schema {
    footer.schema().as_ref().clone()
}

/// The columns and the first `rows` rows, none when there is no row at all. Reads no more pages than these rows need.
pub(super) fn first_rows<R: ChunkReader + 'static>(
    file: R,
    path: &str,
    rows: usize,
) -> Result<(Schema, Option<RecordBatch>), ConvertError> {
    let footer = footer(&file, path)?;
    let columns = schema(&footer);
    let read = guard(|| {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, footer);
        let mut reader = builder.with_batch_size(rows).with_limit(rows).build()?;
        Ok(reader.next().transpose()?)
    });
    let bad = |source| ConvertError::BadRowGroup { file: path.to_owned(), row_group: 0, source };
    Ok((columns, read.map_err(bad)?))
}

/// The rows of a file.
pub(super) struct ParquetBatches {
    file: File,
    path: String,
    footer: ArrowReaderMetadata,
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
    pub(super) fn open(file: &File, path: &str) -> Result<Self, ConvertError> {
        let footer = footer(file, path)?;
        let file = file.try_clone().map_err(|source| ConvertError::Disk { file: path.to_owned(), source })?;
        Ok(Self { file, path: path.to_owned(), footer, next: 0, open: None })
    }

    fn open_group(&mut self) -> Result<OpenGroup, ConvertError> {
        let index = self.next;
        self.next += 1;
        let group = self.footer.metadata().row_group(index);
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        let bytes = u64::try_from(group.total_byte_size()).unwrap_or(0);
        let at_once = (BATCH_BYTES / (bytes / rows.max(1)).max(1)).clamp(1, DECODE_ROWS);
        let bad = |source| ConvertError::BadRowGroup { file: self.path.clone(), row_group: index, source };
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
