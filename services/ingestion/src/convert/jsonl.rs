//! JSON rows into batches, in two passes over the file: first the schema of all rows, then the rows in that schema.
//!
//! The first pass also proves every row, so that a broken one is found with its line before anything is written.

use std::{fs::File, sync::Arc};

use arrow_array::RecordBatch;
use arrow_json::{ReaderBuilder, reader::Decoder};
use arrow_schema::{Schema, SchemaRef};
use tokio_util::sync::CancellationToken;

use super::{
    ConvertError, ReadBatches,
    batches::BATCH_BYTES,
    compressed::Plain,
    infer::Inference,
    rows::{Row, Rows},
};

/// Rows that are decoded at once, at most.
const DECODE_ROWS: usize = 1024;

/// The first pass: the schema that all rows of the file fit.
pub(super) fn schema(file: &File, path: &str, stop: &CancellationToken) -> Result<Schema, ConvertError> {
    let mut rows = Rows::new(Plain::open(file, path, stop)?)?;
    let mut inference = Inference::default();
    while let Some(row) = rows.next()? {
        inference.observe(path, &row)?;
    }
    Ok(inference.schema())
}

/// The second pass.
pub(super) struct JsonBatches {
    rows: Rows,
    decoder: Decoder,
}

impl JsonBatches {
    /// `schema` is what the first pass found.
    pub(super) fn open(
        file: &File,
        path: &str,
        schema: &SchemaRef,
        stop: &CancellationToken,
    ) -> Result<Self, ConvertError> {
        let builder = ReaderBuilder::new(Arc::clone(schema)).with_batch_size(DECODE_ROWS);
        let decoder = builder.build_decoder().map_err(|source| ConvertError::Cast { file: path.to_owned(), source })?;
        Ok(Self { rows: Rows::new(Plain::open(file, path, stop)?)?, decoder })
    }
}

impl ReadBatches for JsonBatches {
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        let (mut count, mut bytes, mut first) = (0, 0, 0);
        let file = self.rows.file().to_owned();
        let bad = |line: u64, e: &dyn std::fmt::Display| ConvertError::BadLine {
            file: file.clone(),
            line,
            why: e.to_string(),
        };
        while count < DECODE_ROWS && bytes < BATCH_BYTES {
            let Some(Row { line, bytes: row }) = self.rows.next()? else { break };
            if count == 0 {
                first = line;
            }
            self.decoder.decode(row).map_err(|e| bad(line, &e))?;
            if self.decoder.has_partial_record() {
                return Err(bad(line, &"it is not complete"));
            }
            count += 1;
            bytes += row.len() as u64;
        }
        self.decoder.flush().map_err(|e| bad(first, &format!("in the {count} rows from there: {e}")))
    }
}
