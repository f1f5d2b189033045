//! The column `loss_mask`: which tokens of a conversation the model said.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, FixedSizeListArray, ListArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, FieldRef};

/// Lists as long as those of the ids, whose offsets they share.
pub(super) fn mask_list(mask: Vec<bool>, offsets: OffsetBuffer<i32>) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(ListArray::try_new(item(), offsets, Arc::new(BooleanArray::from(mask)), None)?))
}

/// Lists of `length` each.
pub(super) fn mask_rows(mask: Vec<bool>, length: i32) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(FixedSizeListArray::try_new(item(), length, Arc::new(BooleanArray::from(mask)), None)?))
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Boolean, true))
}
