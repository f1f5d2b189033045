//! CSV and TSV into batches, in two passes over the file: first the type of each column, then the rows in these types.
//!
//! What a cell means is what pandas takes it for with its defaults, because that is how `datasets` reads such files.
//! Two things are better: whole numbers stay whole beside an empty cell, where pandas makes them floats, and a column's
//! type comes from all rows, not from the first 10,000.

mod cells;
mod records;

use std::{fs::File, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use tokio_util::sync::CancellationToken;

use self::{
    cells::{Cells, Kind},
    records::Records,
};
use super::{ConvertError, ReadBatches, batches::BATCH_BYTES, compressed::Plain};

/// Short rows: so many in a batch at most.
const DECODE_ROWS: usize = 16 << 10;

/// The first pass: names from the first row, types from all others.
pub(super) fn schema(file: &File, path: &str, delimiter: u8, stop: &CancellationToken) -> Result<Schema, ConvertError> {
    let mut records = Records::open(Plain::open(file, path, stop)?, delimiter)?;
    if records.names().is_empty() {
        return Err(ConvertError::NoColumns { file: path.to_owned() });
    }
    let mut kinds = vec![Kind::Null; records.names().len()];
    while let Some(row) = records.next()? {
        for (kind, cell) in kinds.iter_mut().zip(row.cells()) {
            *kind = kind.join(Kind::of(cell?));
        }
    }
    let field = |(name, kind): (&String, Kind)| Field::new(name, kind.data_type(), true);
    Ok(Schema::new(records.names().iter().zip(kinds).map(field).collect::<Vec<_>>()))
}

/// The second pass.
pub(super) struct CsvBatches {
    records: Records,
    schema: SchemaRef,
}

impl CsvBatches {
    /// `schema` is what the first pass found.
    pub(super) fn open(
        file: &File,
        path: &str,
        delimiter: u8,
        schema: &SchemaRef,
        stop: &CancellationToken,
    ) -> Result<Self, ConvertError> {
        let records = Records::open(Plain::open(file, path, stop)?, delimiter)?;
        Ok(Self { records, schema: Arc::clone(schema) })
    }
}

impl ReadBatches for CsvBatches {
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        let mut columns: Vec<Cells> = self.schema.fields().iter().map(|field| Cells::of(field.data_type())).collect();
        let (mut rows, mut bytes) = (0, 0);
        while rows < DECODE_ROWS && bytes < BATCH_BYTES {
            let Some(row) = self.records.next()? else { break };
            let mut cells = row.cells();
            for column in &mut columns {
                column.push(cells.next().transpose()?);
            }
            rows += 1;
            bytes += row.bytes();
        }
        if rows == 0 {
            return Ok(None);
        }
        let arrays = columns.into_iter().map(Cells::finish).collect();
        let cast = |source| ConvertError::Cast { file: self.records.file().to_owned(), source };
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map(Some).map_err(cast)
    }
}
