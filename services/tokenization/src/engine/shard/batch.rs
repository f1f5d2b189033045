//! Collects sequences into record batches of about 1 MiB.

use std::sync::Arc;

use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, ListArray, PrimitiveArray, RecordBatch};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use crate::engine::format::TokenId;

/// A batch ends before the row that would take it beyond this.
pub(super) const BATCH_BYTES: usize = 1 << 20;
/// Offset, `doc` and `window`.
const ROW_BYTES: usize = 4 + 8 + 4;

pub(super) struct BatchBuilder<T: TokenId> {
    schema: SchemaRef,
    values: Vec<T::Native>,
    offsets: Vec<i32>,
    docs: Vec<u64>,
    windows: Vec<u32>,
    /// Of each value, whether the model said it.
    mask: Option<Vec<bool>>,
}

impl<T: TokenId> BatchBuilder<T> {
    pub(super) fn new(schema: SchemaRef, has_mask: bool) -> Self {
        let mask = has_mask.then(Vec::new);
        Self { schema, values: Vec::new(), offsets: vec![0], docs: Vec::new(), windows: Vec::new(), mask }
    }

    /// Appends one sequence, given in parts, with its mask where there is one; returns the batch before it when that is full.
    pub(super) fn push(
        &mut self,
        parts: &[&[T::Native]],
        mask: &[bool],
        doc: u64,
        window: u32,
    ) -> Result<Option<RecordBatch>, ArrowError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let (ids, rows) = (self.values.len() + length, self.docs.len() + 1);
        let of_mask = if self.mask.is_some() { ids.div_ceil(8) + rows * size_of::<i32>() } else { 0 };
        let bytes = ids * size_of::<T::Native>() + rows * ROW_BYTES + of_mask;
        let full = if bytes > BATCH_BYTES { self.flush()? } else { None };
        if self.values.capacity() == 0 {
            self.values.reserve(BATCH_BYTES / size_of::<T::Native>());
        }
        for part in parts {
            self.values.extend_from_slice(part);
        }
        let end = i32::try_from(self.values.len()).map_err(|_| ArrowError::OffsetOverflowError(self.values.len()))?;
        self.offsets.push(end);
        if let Some(all) = &mut self.mask {
            all.extend_from_slice(mask);
        }
        self.docs.push(doc);
        self.windows.push(window);
        Ok(full)
    }

    /// What was collected, None when that is nothing.
    pub(super) fn flush(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.docs.is_empty() {
            return Ok(None);
        }
        let values = PrimitiveArray::<T>::new(ScalarBuffer::from(std::mem::take(&mut self.values)), None);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.offsets, vec![0])));
        let item = Arc::new(Field::new_list_field(T::DATA_TYPE, true));
        debug_assert!(matches!(self.schema.field(0).data_type(), DataType::List(field) if *field == item));
        let docs = PrimitiveArray::<UInt64Type>::new(ScalarBuffer::from(std::mem::take(&mut self.docs)), None);
        let windows = PrimitiveArray::<UInt32Type>::new(ScalarBuffer::from(std::mem::take(&mut self.windows)), None);
        let mask =
            self.mask.as_mut().map(std::mem::take).map(|mask| super::mask_list(mask, offsets.clone())).transpose()?;
        let ids = ListArray::try_new(item, offsets, Arc::new(values), None)?;
        let columns: [ArrayRef; 3] = [Arc::new(ids), Arc::new(docs), Arc::new(windows)];
        let columns = columns.into_iter().chain(mask).collect();
        RecordBatch::try_new(self.schema.clone(), columns).map(Some)
    }
}
