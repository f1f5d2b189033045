//! Brings batches into a given schema: missing columns become null, encodings plain, narrow types wide.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, PrimitiveArray, RecordBatch,
    RecordBatchOptions, StructArray, UInt64Array,
    cast::AsArray,
    new_null_array,
    types::{ArrowPrimitiveType, Int64Type, UInt64Type},
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields, SchemaRef};
use arrow_select::take::take;

use super::declared::scaled;

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

/// A value or list of values in another type, which must hold it.
pub(super) fn value(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    array(from, to)
}

/// The first value that does not fit the type of its column.
#[derive(Debug, PartialEq, Eq)]
pub struct Misfit {
    pub column: String,
    /// In the batch.
    pub row: usize,
    pub wanted: DataType,
}

/// Of a batch that does not conform: where it fails, unless it fails as a whole.
pub fn misfit(batch: &RecordBatch, schema: &SchemaRef) -> Option<Misfit> {
    schema.fields().iter().find_map(|field| {
        let (column, wanted) = (batch.column_by_name(field.name())?, field.data_type());
        array(column, wanted).err()?;
        // Taken out, because a slice of a list still has the items of all rows.
        let one = |row: usize| take(column, &UInt64Array::from(vec![row as u64]), None);
        let row = (0..column.len()).find(|row| one(*row).is_ok_and(|one| array(&one, wanted).is_err()))?;
        Some(Misfit { column: field.name().clone(), row, wanted: wanted.clone() })
    })
}

fn array(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    use DataType::{
        Dictionary, Duration, FixedSizeList, Float64, Int64, LargeList, LargeListView, List, ListView, Map, Struct,
        UInt64,
    };
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
        (Duration(one), Duration(other)) => cast(&scaled(from, *one, *other)?, to),
        (Int64, Float64) => floats::<Int64Type>(from),
        (UInt64, Float64) => floats::<UInt64Type>(from),
        (_, to) => cast(from, to),
    }
}

/// A cast rounds without a word.
fn floats<T: ArrowPrimitiveType<Native: Into<i128>>>(from: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let whole: &PrimitiveArray<T> = from.as_primitive();
    match whole.iter().flatten().map(Into::into).find(|number| !is_exact(*number)) {
        Some(number) => Err(ArrowError::CastError(format!("no float is {number}"))),
        None => cast(from, &DataType::Float64),
    }
}

/// Whether a float of 64 bits holds the number: as most do up to 2^53, and beyond it those with zeros at their end.
pub(super) fn is_exact(number: i128) -> bool {
    let magnitude = number.unsigned_abs();
    magnitude == 0 || magnitude >> magnitude.trailing_zeros() < 1 << f64::MANTISSA_DIGITS
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
    fn what_a_float_does_not_hold_is_found() {
        const LAST: i64 = 1 << 53;
        for (number, exact) in [
            (0, true),
            (LAST, true),
            (-LAST, true),
            (LAST + 1, false),
            (-LAST - 1, false),
            (LAST + 2, true),
            (1_000_000_000_000_000_000, true),
            (i64::MIN, true),
            (i64::MAX, false),
        ] {
            assert_eq!(is_exact(number.into()), exact, "{number}");
        }
        assert!(!is_exact(u64::MAX.into()));
        let lists = [Some(vec![Some(1)]), None, Some(vec![None, Some(2), Some(LAST + 1)]), Some(vec![Some(LAST + 1)])];
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
        let batch = RecordBatch::try_from_iter([("n", Arc::new(lists) as ArrayRef)]).unwrap();
        let wanted = DataType::new_list(DataType::Float64, true);
        let schema = Arc::new(Schema::new(vec![Field::new("n", wanted.clone(), true)]));
        assert!(conform(&batch, &schema).is_err());
        assert_eq!(misfit(&batch, &schema), Some(Misfit { column: "n".to_owned(), row: 2, wanted }));
        assert_eq!(misfit(&batch, &batch.schema()), None);
    }

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
