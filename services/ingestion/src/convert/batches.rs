//! Cuts a stream of batches into batches of about 2 MiB.
//!
//! Where it cuts is a function of the rows alone, not of how a decoder happened to hand them over: sizes are counted
//! per value. So the bytes of a raw shard are a function of its source.

use arrow_array::{Array, ArrayRef, OffsetSizeTrait, RecordBatch, cast::AsArray};
use arrow_schema::{ArrowError, DataType, Fields, Schema, SchemaRef};
use arrow_select::concat::concat_batches;

/// A batch is closed before it would be larger.
pub const BATCH_BYTES: u64 = 2 << 20;
/// The largest row that is taken.
pub const ROW_BYTES: u64 = 64 << 20;

/// Collects rows until they fill a batch.
#[derive(Debug)]
pub struct Batcher {
    schema: SchemaRef,
    pending: Vec<RecordBatch>,
    pending_bytes: u64,
}

/// Why rows cannot be batched.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The row's position among those of the call.
    #[error("row {0} is larger than {ROW_BYTES} bytes")]
    RowTooLarge(usize),
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

impl Batcher {
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, pending: Vec::new(), pending_bytes: 0 }
    }

    /// Takes rows in and gives the batches that they complete.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, BatchError> {
        let mut complete = Vec::new();
        let mut start = 0;
        while start < batch.num_rows() {
            let rest = batch.slice(start, batch.num_rows() - start);
            let (rows, bytes) = self.fitting(&rest).map_err(|row| BatchError::RowTooLarge(start + row))?;
            if rows > 0 {
                self.pending.push(rest.slice(0, rows));
                self.pending_bytes += bytes;
                start += rows;
            }
            if rows < rest.num_rows() {
                complete.extend(self.finish()?);
            }
        }
        Ok(complete)
    }

    /// The rows that are left.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, BatchError> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        if pending.is_empty() { Ok(None) } else { Ok(Some(concat_batches(&self.schema, &pending)?)) }
    }

    /// How many rows still fit, and their size. A row larger than a batch has one of its own.
    fn fitting(&self, batch: &RecordBatch) -> Result<(usize, u64), usize> {
        let room = BATCH_BYTES - self.pending_bytes.min(BATCH_BYTES);
        let all = batch_bytes(batch);
        if all <= room {
            return Ok((batch.num_rows(), all));
        }
        let (mut fits, mut too_many) = (0, batch.num_rows());
        while too_many - fits > 1 {
            let middle = fits.midpoint(too_many);
            if batch_bytes(&batch.slice(0, middle)) <= room { fits = middle } else { too_many = middle }
        }
        if fits == 0 && self.pending.is_empty() {
            let bytes = batch_bytes(&batch.slice(0, 1));
            return if bytes > ROW_BYTES { Err(0) } else { Ok((1, bytes)) };
        }
        Ok((fits, batch_bytes(&batch.slice(0, fits))))
    }
}

/// Bytes of all values.
pub fn batch_bytes(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(bytes).sum()
}

/// Bytes of a row in which all is null: of what a column takes that a batch does not have.
pub fn null_row_bytes(schema: &Schema) -> u64 {
    fields_bytes(schema.fields())
}

fn fields_bytes(fields: &Fields) -> u64 {
    fields.iter().fold(0, |sum, field| null_bytes(field.data_type()).saturating_add(sum))
}

fn null_bytes(data_type: &DataType) -> u64 {
    match data_type {
        DataType::Null => 0,
        DataType::Boolean => 1,
        DataType::FixedSizeBinary(width) => u64::from(width.unsigned_abs()),
        DataType::FixedSizeList(item, count) => {
            null_bytes(item.data_type()).saturating_mul(u64::from(count.unsigned_abs()))
        }
        DataType::Struct(fields) => fields_bytes(fields),
        // Of what has offsets, one of them.
        other => other.primitive_width().unwrap_or(size_of::<i64>()) as u64,
    }
}

/// Bytes of the values of an array or of a slice of one: additive over rows, so no bitmaps and no final offsets.
fn bytes(array: &ArrayRef) -> u64 {
    let len = array.len() as u64;
    match array.data_type() {
        DataType::Null => 0,
        DataType::Boolean => len,
        DataType::Utf8 => text(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => text(array.as_string::<i64>().value_offsets()),
        DataType::Binary => text(array.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => text(array.as_binary::<i64>().value_offsets()),
        DataType::FixedSizeBinary(width) => len * u64::from(width.unsigned_abs()),
        DataType::List(_) => children(array.as_list::<i32>().value_offsets(), array.as_list::<i32>().values()),
        DataType::LargeList(_) => children(array.as_list::<i64>().value_offsets(), array.as_list::<i64>().values()),
        DataType::FixedSizeList(..) => bytes(array.as_fixed_size_list().values()),
        DataType::Map(..) => {
            let map = array.as_map();
            children(map.value_offsets(), map.keys()) + children(map.value_offsets(), map.values())
        }
        DataType::Struct(_) => array.as_struct().columns().iter().map(bytes).sum(),
        other => match other.primitive_width() {
            Some(width) => len * width as u64,
            // Not a plain type: an estimate is good enough, as these are not cut by value.
            None => array.get_array_memory_size() as u64,
        },
    }
}

fn text<O: OffsetSizeTrait>(offsets: &[O]) -> u64 {
    let (first, last) = ends(offsets);
    (last - first) as u64 + (offsets.len() - 1) as u64 * size_of::<O>() as u64
}

fn children<O: OffsetSizeTrait>(offsets: &[O], values: &ArrayRef) -> u64 {
    let (first, last) = ends(offsets);
    bytes(&values.slice(first, last - first)) + (offsets.len() - 1) as u64 * size_of::<O>() as u64
}

fn ends<O: OffsetSizeTrait>(offsets: &[O]) -> (usize, usize) {
    (offsets[0].as_usize(), offsets[offsets.len() - 1].as_usize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, ListArray, StringArray, types::Int32Type};
    use std::sync::Arc;

    fn rows(lengths: &[usize]) -> RecordBatch {
        let texts = StringArray::from_iter_values(lengths.iter().map(|n| "x".repeat(*n)));
        let numbers = Int64Array::from_iter_values((0..).take(lengths.len()));
        let lists = lengths.iter().map(|n| Some(vec![Some(1); n % 5]));
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
        let columns: [(&str, ArrayRef); 3] =
            [("text", Arc::new(texts)), ("n", Arc::new(numbers)), ("list", Arc::new(lists))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn cut(batch: &RecordBatch, step: usize) -> Vec<usize> {
        let mut batcher = Batcher::new(batch.schema());
        let mut out = Vec::new();
        for start in (0..batch.num_rows()).step_by(step) {
            out.extend(batcher.push(&batch.slice(start, step.min(batch.num_rows() - start))).unwrap());
        }
        out.extend(batcher.finish().unwrap());
        assert_eq!(concat_batches(&batch.schema(), &out).unwrap(), *batch);
        assert!(out.iter().all(|b| b.num_rows() == 1 || batch_bytes(b) <= BATCH_BYTES));
        out.iter().map(RecordBatch::num_rows).collect()
    }

    #[test]
    fn the_same_cuts_however_the_rows_come() {
        let lengths: Vec<usize> = (0..3000).map(|n| (n * 7919) % 9001 + usize::from(n == 700) * (5 << 20)).collect();
        let batch = rows(&lengths);
        let cuts = cut(&batch, batch.num_rows());
        assert!(cuts.len() >= 6, "{cuts:?}");
        for step in [1, 17, 1000] {
            assert_eq!(cut(&batch, step), cuts);
        }
    }

    #[test]
    fn slices_count_only_their_own_bytes() {
        let batch = rows(&[10, 0, 1000]);
        let each: u64 = (0..3).map(|row| batch_bytes(&batch.slice(row, 1))).sum();
        assert_eq!(each, batch_bytes(&batch));
        assert_eq!(batch_bytes(&batch.slice(1, 1)), 4 + 8 + 4);
    }

    #[test]
    fn a_huge_row_is_refused() {
        let batch = rows(&[1, 2, usize::try_from(ROW_BYTES + 1).unwrap()]);
        let error = Batcher::new(batch.schema()).push(&batch).unwrap_err();
        assert!(matches!(error, BatchError::RowTooLarge(2)), "{error}");
    }
}
