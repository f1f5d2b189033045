//! Brings batches into a given schema: missing columns become null, encodings plain, narrow types wide.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, RecordBatch, RecordBatchOptions,
    StructArray, cast::AsArray, new_null_array,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields, SchemaRef};

/// The batch with exactly the columns of `schema`. Fails when a value does not fit its column's type.
pub fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    let column = |field: &FieldRef| match batch.column_by_name(field.name()) {
        Some(column) => array(column, field.data_type()),
        None => Ok(new_null_array(field.data_type(), rows)),
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

fn array(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    use DataType::{Dictionary, FixedSizeList, LargeList, LargeListView, List, ListView, Map, Struct};
    match (from.data_type(), to) {
        (same, to) if same == to => Ok(Arc::clone(from)),
        (Struct(_), Struct(fields)) => structs(from.as_struct(), fields),
        (List(_), List(item)) => lists(from.as_list::<i32>(), item),
        (LargeList(_), LargeList(item)) => lists(from.as_list::<i64>(), item),
        (FixedSizeList(_, n), FixedSizeList(item, m)) if n == m => fixed_lists(from.as_fixed_size_list(), item),
        // First another container around the same items, then the items.
        (List(item) | FixedSizeList(item, _) | LargeListView(item), LargeList(_)) => {
            array(&cast(from, &LargeList(Arc::clone(item)))?, to)
        }
        (FixedSizeList(item, _) | ListView(item), List(_)) => array(&cast(from, &List(Arc::clone(item)))?, to),
        (Map(..), Map(entries, sorted)) => maps(from.as_map(), entries, *sorted),
        (Dictionary(_, values), to) if values.is_nested() => array(&cast(from, values)?, to),
        (_, to) => cast(from, to),
    }
}

/// Strict: a value that does not fit is an error, never a null.
fn cast(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(from, to, &CastOptions { safe: false, ..CastOptions::default() })
}

fn structs(from: &StructArray, fields: &Fields) -> Result<ArrayRef, ArrowError> {
    let child = |field: &FieldRef| match from.column_by_name(field.name()) {
        Some(child) => array(child, field.data_type()),
        None => Ok(new_null_array(field.data_type(), from.len())),
    };
    let children = fields.iter().map(child).collect::<Result<Vec<_>, _>>()?;
    let nulls = from.nulls().cloned();
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), children, nulls, from.len())?))
}

fn lists<O: OffsetSizeTrait>(from: &GenericListArray<O>, item: &FieldRef) -> Result<ArrayRef, ArrowError> {
    let values = array(from.values(), item.data_type())?;
    let list = GenericListArray::<O>::try_new(Arc::clone(item), from.offsets().clone(), values, from.nulls().cloned())?;
    Ok(Arc::new(list))
}

fn fixed_lists(from: &FixedSizeListArray, item: &FieldRef) -> Result<ArrayRef, ArrowError> {
    let values = array(from.values(), item.data_type())?;
    let nulls = from.nulls().cloned();
    let list =
        FixedSizeListArray::try_new_with_length(Arc::clone(item), from.value_length(), values, nulls, from.len())?;
    Ok(Arc::new(list))
}

/// By position: writers disagree on the names of a map's parts.
fn maps(from: &MapArray, entries: &FieldRef, sorted: bool) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(pair) = entries.data_type() else {
        return Err(ArrowError::SchemaError("a map's entries are a struct".to_owned()));
    };
    let children = [from.keys(), from.values()].into_iter().zip(pair);
    let children = children.map(|(child, field)| array(child, field.data_type())).collect::<Result<Vec<_>, _>>()?;
    let pairs = StructArray::try_new(pair.clone(), children, None)?;
    let map = MapArray::try_new(Arc::clone(entries), from.offsets().clone(), pairs, from.nulls().cloned(), sorted)?;
    Ok(Arc::new(map))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::schema::canonical;
    use arrow_array::{
        DictionaryArray, Int32Array, ListArray, StringViewArray,
        types::{Int8Type, Int32Type},
    };
    use arrow_schema::{Field, Schema};

    #[test]
    fn encodings_go_values_stay() {
        let words: DictionaryArray<Int8Type> = [Some("a"), None, Some("b")].into_iter().collect();
        let views = StringViewArray::from(vec![Some("a string longer than twelve bytes"), None, Some("")]);
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
        let inner = StructArray::from(vec![(
            Arc::new(Field::new("n", DataType::Int32, false)),
            Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef,
        )]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("words", Arc::new(words)),
            ("views", Arc::new(views)),
            ("lists", Arc::new(lists)),
            ("inner", Arc::new(inner)),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut fields = canonical(&batch.schema()).fields().to_vec();
        // Wider than the batch: another type inside the list, a new field in the struct, a new column.
        fields[2] = Arc::new(Field::new_list("lists", Field::new_list_field(DataType::Int64, true), true));
        let n = [Field::new("m", DataType::Utf8, true), Field::new("n", DataType::Int64, true)];
        fields[3] = Arc::new(Field::new_struct("inner", n.to_vec(), true));
        fields.push(Arc::new(Field::new("new", DataType::Float64, true)));
        let conformed = conform(&batch, &Arc::new(Schema::new(fields))).unwrap();
        let shown: Vec<String> = (0..5)
            .map(|c| {
                let cell = |r| arrow_cast::display::array_value_to_string(conformed.column(c), r).unwrap();
                (0..3).map(cell).collect::<Vec<_>>().join("|")
            })
            .collect();
        assert_eq!(
            shown,
            ["a||b", "a string longer than twelve bytes||", "[1, ]||[]", "{m: , n: 1}|{m: , n: 2}|{m: , n: 3}", "||"]
        );
    }
}
