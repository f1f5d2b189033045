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
}

impl<T: TokenId> BatchBuilder<T> {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema, values: Vec::new(), offsets: vec![0], docs: Vec::new(), windows: Vec::new() }
    }

    /// Appends one sequence, given in parts; returns the batch before it when that is full.
    pub(super) fn push(
        &mut self,
        parts: &[&[T::Native]],
        doc: u64,
        window: u32,
    ) -> Result<Option<RecordBatch>, ArrowError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let bytes = (self.values.len() + length) * size_of::<T::Native>() + (self.docs.len() + 1) * ROW_BYTES;
        let full = if bytes > BATCH_BYTES { self.flush()? } else { None };
        if self.values.capacity() == 0 {
            self.values.reserve(BATCH_BYTES / size_of::<T::Native>());
        }
        for part in parts {
            self.values.extend_from_slice(part);
        }
        let end = i32::try_from(self.values.len()).map_err(|_| ArrowError::OffsetOverflowError(self.values.len()))?;
        self.offsets.push(end);
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
        let ids = ListArray::try_new(item, offsets, Arc::new(values), None)?;
        let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(docs), Arc::new(windows)];
        RecordBatch::try_new(self.schema.clone(), columns).map(Some)
    }
}
