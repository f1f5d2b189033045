//! Arrow values as templates see them: the plain types of JSON, fields in the order of the schema.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::DataType;
use minijinja::Value;

/// Names under which reasoning is passed; templates read the first, and those of one family the second.
const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// A value of any type; what is no plain one is the name of its type, which templates never read.
pub(super) fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::from(());
    }
    macro_rules! number {
        ($kind:ty) => {
            Value::from(array.as_primitive::<$kind>().value(row))
        };
    }
    match array.data_type() {
        DataType::Null => Value::from(()),
        DataType::Boolean => Value::from(array.as_boolean().value(row)),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float16 => Value::from(f32::from(array.as_primitive::<Float16Type>().value(row))),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::Utf8 => Value::from(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Value::from(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Value::from(array.as_string_view().value(row)),
        DataType::Struct(_) => Value::from_pairs(fields(array.as_struct(), row)),
        _ => match items(array, row) {
            Some(items) => Value::from((0..items.len()).map(|item| value(&items, item)).collect::<Vec<_>>()),
            None => Value::from(format!("<{}>", array.data_type())),
        },
    }
}

/// The items of a list.
pub(super) fn items(array: &ArrayRef, row: usize) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::List(_) => Some(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Some(array.as_fixed_size_list().value(row)),
        _ => None,
    }
}

/// About how many bytes of text a value holds: what is no text counts a little.
pub(super) fn text_bytes(array: &ArrayRef, row: usize) -> usize {
    match array.data_type() {
        _ if array.is_null(row) => 0,
        DataType::Utf8 => array.as_string::<i32>().value(row).len(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).len(),
        DataType::Utf8View => array.as_string_view().value(row).len(),
        DataType::Struct(_) => array.as_struct().columns().iter().map(|column| text_bytes(column, row)).sum(),
        _ => match items(array, row) {
            Some(items) => (0..items.len()).map(|item| text_bytes(&items, item)).sum(),
            None => size_of::<u64>(),
        },
    }
}

pub(super) fn fields(array: &StructArray, row: usize) -> impl Iterator<Item = (String, Value)> {
    let columns = array.fields().iter().zip(array.columns());
    columns.map(move |(field, column)| (field.name().clone(), value(column, row)))
}

/// A message as `transformers` hands it on: fields without a value are left out, and reasoning has its standard name.
pub(super) fn message(fields: impl Iterator<Item = (String, Value)>) -> Vec<(String, Value)> {
    let mut message: Vec<_> = fields.filter(|(_, value)| !value.is_none()).collect();
    let find = |name: &str| message.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if let Some(reasoning) = REASONING.iter().find_map(|name| find(name)) {
        let missing: Vec<_> = REASONING[..2].iter().filter(|name| find(name).is_none()).collect();
        message.extend(missing.into_iter().map(|name| ((*name).to_owned(), reasoning.clone())));
    }
    message
}
