//! Collects packed rows into record batches of about 1 MiB.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, FixedSizeListArray, ListArray, PrimitiveArray, RecordBatch};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, Field, SchemaRef};
use shard_store::ShardWriter;

use super::ShardError;
use super::batch::BATCH_BYTES;
use crate::engine::Counts;
use crate::engine::format::TokenId;
use crate::engine::pack::{Packer, Row};

/// `length`, offset of `doc_starts`, `first_doc`.
const ROW_BYTES: usize = 4 + 4 + 8;

pub(super) struct PackedBuilder<T: TokenId> {
    packer: Packer<T::Native>,
    /// Cuts the mask where the ids are cut.
    mask_packer: Option<Packer<bool>>,
    batch: Batch<T>,
}

/// The rows of a batch in the making.
struct Batch<T: TokenId> {
    schema: SchemaRef,
    max_length: usize,
    fill: T::Native,
    ids: Vec<T::Native>,
    lengths: Vec<u32>,
    starts: Vec<u32>,
    start_offsets: Vec<i32>,
    first_docs: Vec<u64>,
    /// Of each id, whether the model said it.
    mask: Option<Vec<bool>>,
    /// Rows so far, those of the batches before included.
    rows: u64,
}

impl<T: TokenId> PackedBuilder<T> {
    pub(super) fn new(schema: SchemaRef, max_length: usize, fill: T::Native, has_mask: bool) -> Self {
        let batch = Batch {
            schema,
            max_length,
            fill,
            ids: Vec::new(),
            lengths: Vec::new(),
            starts: Vec::new(),
            start_offsets: vec![0],
            first_docs: Vec::new(),
            mask: has_mask.then(Vec::new),
            rows: 0,
        };
        Self { packer: Packer::new(max_length), mask_packer: has_mask.then(|| Packer::new(max_length)), batch }
    }

    /// Appends a document and writes the batches that it fills; returns how many rows it filled.
    pub(super) fn push(
        &mut self,
        ids: &[T::Native],
        mask: &[bool],
        doc: u64,
        writer: &mut ShardWriter,
    ) -> Result<u64, ShardError> {
        let before = self.batch.rows;
        let mut masks = VecDeque::new();
        if let Some(packer) = &mut self.mask_packer {
            packer.push(mask, doc, |row| {
                masks.push_back(row.ids.clone());
                Ok::<_, ShardError>(())
            })?;
        }
        let next = |row: &Row<T::Native>| self.batch.push(row, &masks.pop_front().unwrap_or_default(), writer);
        self.packer.push(ids, doc, next)?;
        Ok(self.batch.rows - before)
    }

    /// The last batch, with the last row filled up. Counts all rows.
    pub(super) fn finish(
        mut self,
        counts: &mut Counts,
        writer: &mut ShardWriter,
    ) -> Result<Option<RecordBatch>, ShardError> {
        counts.add_lengths(self.batch.max_length, self.batch.rows);
        if let Some(row) = self.packer.rest() {
            counts.add_lengths(row.ids.len(), 1);
            let mask = self.mask_packer.as_ref().and_then(Packer::rest).map(|row| row.ids.clone());
            self.batch.push(row, &mask.unwrap_or_default(), writer)?;
        }
        Ok(self.batch.flush()?)
    }
}

impl<T: TokenId> Batch<T> {
    /// Appends a row, filled up; a batch ends before the row that would take it beyond its size.
    fn push(&mut self, row: &Row<T::Native>, mask: &[bool], writer: &mut ShardWriter) -> Result<(), ShardError> {
        let rows = self.lengths.len() + 1;
        let starts = self.starts.len() + row.starts.len();
        let of_mask = if self.mask.is_some() { (rows * self.max_length).div_ceil(8) } else { 0 };
        let of_row = self.max_length * size_of::<T::Native>() + ROW_BYTES;
        let bytes = rows * of_row + starts * size_of::<u32>() + of_mask;
        if bytes > BATCH_BYTES
            && let Some(full) = self.flush()?
        {
            writer.write(&full)?;
        }
        let too_long = |_| ArrowError::OffsetOverflowError(row.ids.len());
        self.ids.extend_from_slice(&row.ids);
        self.lengths.push(u32::try_from(row.ids.len()).map_err(too_long)?);
        self.ids.resize(self.lengths.len() * self.max_length, self.fill);
        if let Some(all) = &mut self.mask {
            all.extend_from_slice(mask);
            all.resize(self.ids.len(), false);
        }
        self.starts.extend_from_slice(&row.starts);
        self.start_offsets.push(i32::try_from(self.starts.len()).map_err(too_long)?);
        self.first_docs.push(row.first_doc);
        self.rows += 1;
        Ok(())
    }

    /// What was collected, None when that is nothing.
    fn flush(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.lengths.is_empty() {
            return Ok(None);
        }
        let next = Vec::with_capacity(self.ids.len());
        let ids = PrimitiveArray::<T>::new(ScalarBuffer::from(std::mem::replace(&mut self.ids, next)), None);
        let item = Arc::new(Field::new_list_field(T::DATA_TYPE, true));
        let length = i32::try_from(self.max_length).map_err(|_| ArrowError::OffsetOverflowError(self.max_length))?;
        let ids = FixedSizeListArray::try_new(item, length, Arc::new(ids), None)?;
        let starts = numbers::<UInt32Type>(std::mem::take(&mut self.starts));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.start_offsets, vec![0])));
        let position = Arc::new(Field::new_list_field(arrow_schema::DataType::UInt32, true));
        let starts = ListArray::try_new(position, offsets, starts, None)?;
        let lengths = numbers::<UInt32Type>(std::mem::take(&mut self.lengths));
        let first_docs = numbers::<UInt64Type>(std::mem::take(&mut self.first_docs));
        let mask = self.mask.as_mut().map(std::mem::take).map(|mask| super::mask_rows(mask, length)).transpose()?;
        let columns: [ArrayRef; 4] = [Arc::new(ids), lengths, Arc::new(starts), first_docs];
        RecordBatch::try_new(self.schema.clone(), columns.into_iter().chain(mask).collect()).map(Some)
    }
}

fn numbers<P: arrow_array::types::ArrowPrimitiveType>(values: Vec<P::Native>) -> ArrayRef {
    Arc::new(PrimitiveArray::<P>::new(ScalarBuffer::from(values), None))
}
