//! JSON rows into batches, in two passes over the file: first the schema of all rows, then the rows in that schema.
//!
//! The first pass also proves every row, so that a broken one is found with its line before anything is written.

use std::{fs::File, sync::Arc};

use arrow_array::RecordBatch;
use arrow_json::{ReaderBuilder, reader::Decoder};
use arrow_schema::SchemaRef;
use dataset_model::OnBadRows;
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

/// The second pass.
pub(super) struct JsonBatches {
    rows: Rows,
    schema: SchemaRef,
    decoder: Decoder,
    skips: Skips,
}

impl JsonBatches {
    /// `schema` and `on_bad_rows` are what the first pass found.
    pub(super) fn open(
        file: &File,
        path: &str,
        (schema, on_bad_rows): (&SchemaRef, OnBadRows),
        stop: &CancellationToken,
    ) -> Result<Self, ConvertError> {
        let builder = ReaderBuilder::new(Arc::clone(schema)).with_batch_size(DECODE_ROWS);
        let decoder = builder.build_decoder().map_err(|source| ConvertError::Cast { file: path.to_owned(), source })?;
        let rows = Rows::new(Plain::open(file, path, stop)?)?;
        Ok(Self { rows, schema: Arc::clone(schema), decoder, skips: Skips::new(on_bad_rows) })
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
            let Some(row) = self.rows.next()? else { break };
            if self.skips.are_wanted()
                && let Err(error) = judge(&file, &row)
            {
                self.skips.leave_out(count, error)?;
                continue;
            }
            if count == 0 {
                first = row.line;
            }
            self.decoder.decode(row.bytes).map_err(|e| bad(row.line, &e))?;
            if self.decoder.has_partial_record() {
                return Err(bad(row.line, &"it is not complete"));
            }
            count += 1;
            bytes += row.bytes.len() as u64;
        }
        let batch = self.decoder.flush().map_err(|e| bad(first, &format!("in the {count} rows from there: {e}")))?;
        Ok(batch.or_else(|| self.skips.rest(&self.schema)))
    }

    fn gaps(&mut self) -> Vec<Gap> {
        self.skips.take()
    }
}
