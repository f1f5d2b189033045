//! The columns of packed rows: documents in order, joined, cut into rows of exactly `max_length` tokens.

use std::sync::Arc;

use arrow_schema::{DataType, Field};

use super::format::IdType;

/// The columns of token shards with packed rows of `max_length` tokens.
pub fn fields(id_type: IdType, max_length: i32) -> Vec<Field> {
    let id = Arc::new(Field::new_list_field(id_type.data_type(), true));
    let position = Arc::new(Field::new_list_field(DataType::UInt32, true));
    vec![
        Field::new("input_ids", DataType::FixedSizeList(id, max_length), false),
        // Without the fill of a shard's last row.
        Field::new("length", DataType::UInt32, false),
        // Positions in the row at which a document begins.
        Field::new("doc_starts", DataType::List(position), false),
        // Row in the split of the document that the row's first token belongs to.
        Field::new("first_doc", DataType::UInt64, false),
    ]
}
