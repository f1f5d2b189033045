//! CSV and TSV into batches, in two passes over the file: first the type of each column, then the rows in these types.
//! Most columns have one type from the beginning to the end. There the first pass may be left at the beginning, and the
//! second one finds out whether it was right.
//!
//! What a cell means is what pandas takes it for with its defaults, because that is how `datasets` reads such files.
//! Two things are better: whole numbers stay whole beside an empty cell, where pandas makes them floats, and a column's
//! type comes from all rows, not from the first 10,000.

mod cells;
mod cutter;
mod records;
mod rules;

use std::{fs::File, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use dataset_model::OnBadRows;
use tokio_util::sync::CancellationToken;

use self::{
    cells::{Cells, Kind},
    records::Records,
    rules::Rules,
};
use super::{
    ConvertError, FirstPass, HEAD_BYTES, Look, ReadBatches,
    batches::BATCH_BYTES,
    compressed::Plain,
    skips::{Gap, Skips},
};
use crate::plan::options::Options;

/// Short rows: so many in a batch at most.
const DECODE_ROWS: usize = 16 << 10;

/// The first pass: names from the first row, types from all others that are read at all.
pub(super) fn schema(
    file: &File,
    path: &str,
    (separator, options): (u8, &Options),
    (on_bad_rows, look): (OnBadRows, Look),
    stop: &CancellationToken,
) -> Result<FirstPass, ConvertError> {
    let mut records = Records::open(Plain::open(file, path, stop)?.decoded(options), separator, &options.table)?;
    let rules = Rules::new(&options.table.cells);
    if records.names().is_empty() {
        return Err(ConvertError::NoColumns { file: path.to_owned() });
    }
    let mut kinds = vec![Kind::Null; records.names().len()];
    // Of each column the first line with a number that no float holds.
    let mut inexact = vec![None; kinds.len()];
    let mut found = OnBadRows::Fail;
    let texts: Vec<bool> = records.names().iter().map(|name| options.is_text(name)).collect();
    let (mut seen_of_file, mut may_leave) = (Look::Whole, look == Look::Head && on_bad_rows == OnBadRows::Fail);
    // Bytes of the rows before this one, and of those to the last that brought another type.
    let (mut seen, mut new) = (0, 0);
    while let Some(row) = records.next()? {
        if may_leave && seen >= HEAD_BYTES as u64 {
            may_leave = false;
            let are_known = kinds.iter().zip(&texts).all(|(kind, is_text)| *is_text || *kind != Kind::Null);
            if are_known && new < HEAD_BYTES as u64 / 2 {
                seen_of_file = Look::Head;
                break;
            }
        }
        seen += row.bytes();
        match row.cells() {
            Ok(mut cells) => {
                for (kind, inexact) in kinds.iter_mut().zip(&mut inexact) {
                    let found = Kind::of(cells.next().unwrap_or_default(), &rules);
                    let before = std::mem::replace(kind, kind.join(found));
                    if before.data_type() != kind.data_type() {
                        new = seen;
                    }
                    if found.is_inexact() {
                        inexact.get_or_insert(row.line());
                    }
                }
            }
            Err(_) if on_bad_rows == OnBadRows::Skip => found = OnBadRows::Skip,
            Err(error) => return Err(error),
        }
    }
    for (kind, _) in kinds.iter_mut().zip(texts).filter(|(_, is_text)| *is_text) {
        *kind = Kind::Text;
    }
    let floats = records.names().iter().zip(kinds.iter().zip(inexact)).filter(|(_, (kind, _))| **kind == Kind::Float);
    if let Some((column, line)) = floats.into_iter().find_map(|(name, (_, inexact))| Some((name.clone(), inexact?))) {
        let (expected, found) = ("a number", "an integer that no float holds");
        return Err(ConvertError::MixedTypes { file: path.to_owned(), line, column, expected, found });
    }
    let field = |(name, kind): (&String, Kind)| Field::new(name, kind.data_type(), true);
    let schema = Schema::new(records.names().iter().zip(kinds).map(field).collect::<Vec<_>>());
    Ok(FirstPass { look: seen_of_file, ..FirstPass::new(schema, found) })
}

/// The second pass.
pub(super) struct CsvBatches {
    records: Records,
    rules: Rules,
    schema: SchemaRef,
    look: Look,
    skips: Skips,
    /// Of each column the bytes of its text in the batch before: to grow into them would take another copy of all.
    text_bytes: Vec<usize>,
}

impl CsvBatches {
    /// `schema`, `on_bad_rows` and `look` are what the first pass found.
    pub(super) fn open(
        file: &File,
        path: &str,
        (separator, options): (u8, &Options),
        ((schema, on_bad_rows), look): ((&SchemaRef, OnBadRows), Look),
        stop: &CancellationToken,
    ) -> Result<Self, ConvertError> {
        let records = Records::open(Plain::open(file, path, stop)?.decoded(options), separator, &options.table)?;
        let rules = Rules::new(&options.table.cells);
        Ok(Self {
            records,
            rules,
            schema: Arc::clone(schema),
            look,
            skips: Skips::new(on_bad_rows),
            text_bytes: Vec::new(),
        })
    }
}

impl ReadBatches for CsvBatches {
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        let text_bytes = self.text_bytes.drain(..).chain(std::iter::repeat(0));
        let fields = self.schema.fields().iter().zip(text_bytes);
        let mut columns: Vec<Cells> = fields.map(|(field, bytes)| Cells::of(field.data_type(), bytes)).collect();
        let (mut rows, mut bytes) = (0, 0);
        while rows < DECODE_ROWS && bytes < BATCH_BYTES {
            let Some(row) = self.records.next()? else { break };
            let mut cells = match row.cells() {
                Ok(cells) => cells,
                Err(error) => {
                    self.skips.leave_out(rows, error)?;
                    continue;
                }
            };
            for column in &mut columns {
                let cell = cells.next().unwrap_or_default();
                if self.look == Look::Head && !column.fits(cell, &self.rules) {
                    return Err(ConvertError::Unforeseen { file: row.file().to_owned() });
                }
                column.push(cell, &self.rules);
            }
            rows += 1;
            bytes += row.bytes();
        }
        if rows == 0 {
            return Ok(self.skips.rest(&self.schema));
        }
        self.text_bytes.extend(columns.iter().map(Cells::text_bytes));
        let arrays = columns.into_iter().map(Cells::finish).collect();
        let cast = |source| ConvertError::Cast { file: self.records.file().to_owned(), source };
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map(Some).map_err(cast)
    }

    fn gaps(&mut self) -> Vec<Gap> {
        self.skips.take()
    }
}
