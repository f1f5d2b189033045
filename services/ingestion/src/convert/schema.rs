//! The schema of raw shards: one plain form per type, and the widest type that several files agree on.
//!
//! Readers want one schema for all shards of a split, so nothing that says how values were encoded stays: dictionaries,
//! run lengths, views, nullability and metadata go. Widening never loses a value: the few that the wider type does not
//! hold, integers beyond 2^53 beside floats and times beyond its years, are refused when they are read.

use std::{collections::HashSet, sync::Arc};

use arrow_schema::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Field, FieldRef, Fields, Schema, TimeUnit,
};

use super::ConvertError;

/// Two types of one column that have nothing in common.
#[derive(Debug, PartialEq, Eq)]
pub struct Conflict {
    /// With the names of nested fields, separated by dots.
    pub column: String,
    pub left: DataType,
    pub right: DataType,
}

/// The plain form of a schema.
pub fn canonical(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().map(|f| plain_field(f.name(), f.data_type())).collect::<Vec<_>>())
}

/// Only the columns that a card names, in their order in the file.
pub(super) fn chosen(schema: Schema, file: &str, columns: Option<&[String]>) -> Result<Schema, ConvertError> {
    let Some(columns) = columns else { return Ok(schema) };
    if let Some(column) = columns.iter().find(|column| schema.column_with_name(column).is_none()) {
        return Err(ConvertError::MissingColumn { file: file.to_owned(), column: column.clone() });
    }
    let is_chosen = |field: &&FieldRef| columns.contains(field.name());
    Ok(Schema::new(schema.fields().iter().filter(is_chosen).cloned().collect::<Vec<_>>()))
}

/// Each column has a name of its own.
pub(super) fn check_names(schema: &Schema, file: &str) -> Result<(), ConvertError> {
    let mut names = HashSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        Some(field) => Err(ConvertError::DuplicateColumn { file: file.to_owned(), column: field.name().clone() }),
        None => Ok(()),
    }
}

fn plain_field(name: &str, data_type: &DataType) -> Field {
    Field::new(name, plain(data_type), true)
}

fn item(data_type: &DataType) -> FieldRef {
    Arc::new(Field::new_list_field(plain(data_type), true))
}

fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => plain(values),
        DataType::RunEndEncoded(_, values) => plain(values.data_type()),
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(f) | DataType::ListView(f) => DataType::List(item(f.data_type())),
        DataType::LargeList(f) | DataType::LargeListView(f) => DataType::LargeList(item(f.data_type())),
        DataType::FixedSizeList(f, n) => DataType::FixedSizeList(item(f.data_type()), *n),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|f| plain_field(f.name(), f.data_type())).collect())
        }
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                let key = Field::new("key", plain(pair[0].data_type()), false);
                let pair = Fields::from(vec![key, plain_field("value", pair[1].data_type())]);
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), *sorted)
            }
            _ => data_type.clone(),
        },
        other => other.clone(),
    }
}

/// The schema that holds the rows of both: all columns, each as wide as needed. Both must be canonical.
pub fn merge(left: &Schema, right: &Schema) -> Result<Schema, Conflict> {
    // All that a card says of columns it says of every file.
    let metadata = if left.metadata().is_empty() { right.metadata() } else { left.metadata() };
    Ok(Schema::new_with_metadata(merge_fields(left.fields(), right.fields())?, metadata.clone()))
}

fn merge_fields(left: &Fields, right: &Fields) -> Result<Fields, Conflict> {
    let mut fields: Vec<FieldRef> = Vec::with_capacity(left.len().max(right.len()));
    for field in left {
        let Some((_, other)) = right.find(field.name()) else {
            fields.push(Arc::clone(field));
            continue;
        };
        let wide = widen(field.data_type(), other.data_type()).map_err(|conflict| within(field.name(), conflict))?;
        fields.push(Arc::new(Field::new(field.name(), wide, true)));
    }
    fields.extend(right.iter().filter(|field| left.find(field.name()).is_none()).map(Arc::clone));
    Ok(fields.into())
}

fn within(name: &str, conflict: Conflict) -> Conflict {
    let column = if conflict.column.is_empty() { name.to_owned() } else { format!("{name}.{}", conflict.column) };
    Conflict { column, ..conflict }
}

fn widen(left: &DataType, right: &DataType) -> Result<DataType, Conflict> {
    use DataType::{
        Binary, Date32, Date64, Duration, FixedSizeBinary, FixedSizeList, LargeBinary, LargeList, LargeUtf8, List,
        Null, Struct, Time32, Time64, Timestamp, Utf8,
    };
    let nested =
        |l: &FieldRef, r: &FieldRef| Ok(Arc::new(Field::new_list_field(widen(l.data_type(), r.data_type())?, true)));
    Ok(match (left, right) {
        (l, r) if l == r => l.clone(),
        (Null, other) | (other, Null) => other.clone(),
        (Utf8, LargeUtf8) | (LargeUtf8, Utf8) => LargeUtf8,
        (Binary | FixedSizeBinary(_), LargeBinary) | (LargeBinary, Binary | FixedSizeBinary(_)) => LargeBinary,
        (Binary | FixedSizeBinary(_), Binary | FixedSizeBinary(_)) => Binary,
        (Date32, Date64) | (Date64, Date32) => Date64,
        (Timestamp(l, l_zone), Timestamp(r, r_zone)) if l_zone == r_zone => Timestamp((*l).max(*r), l_zone.clone()),
        (Duration(l), Duration(r)) => Duration((*l).max(*r)),
        (Time32(l) | Time64(l), Time32(r) | Time64(r)) => match (*l).max(*r) {
            unit @ (TimeUnit::Second | TimeUnit::Millisecond) => Time32(unit),
            unit => Time64(unit),
        },
        (List(l) | FixedSizeList(l, _), List(r) | FixedSizeList(r, _)) => List(nested(l, r)?),
        (LargeList(l), List(r) | LargeList(r) | FixedSizeList(r, _))
        | (List(l) | FixedSizeList(l, _), LargeList(r)) => LargeList(nested(l, r)?),
        (Struct(l), Struct(r)) => Struct(merge_fields(l, r)?),
        (l, r) => {
            let conflict = || Conflict { column: String::new(), left: l.clone(), right: r.clone() };
            widen_number(l, r).or_else(|| widen_decimal(l, r)).ok_or_else(conflict)?
        }
    })
}

/// Decimals, and integers beside them: as many digits before the point, and behind it, as either has.
fn widen_decimal(left: &DataType, right: &DataType) -> Option<DataType> {
    let digits = |kind: &DataType| {
        Some(match kind {
            DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
                (i16::from(*precision) - i16::from(*scale), i16::from(*scale))
            }
            DataType::Int8 | DataType::UInt8 => (3, 0),
            DataType::Int16 | DataType::UInt16 => (5, 0),
            DataType::Int32 | DataType::UInt32 => (10, 0),
            DataType::Int64 => (19, 0),
            DataType::UInt64 => (20, 0),
            _ => return None,
        })
    };
    if !left.is_decimal() && !right.is_decimal() {
        return None;
    }
    let is_wide = |kind: &DataType| matches!(kind, DataType::Decimal256(..));
    let ((left_whole, left_scale), (right_whole, right_scale)) = (digits(left)?, digits(right)?);
    let scale = left_scale.max(right_scale);
    let precision = u8::try_from(left_whole.max(right_whole) + scale).ok()?;
    let scale = i8::try_from(scale).ok()?;
    match precision {
        1..=DECIMAL128_MAX_PRECISION if !is_wide(left) && !is_wide(right) => {
            Some(DataType::Decimal128(precision, scale))
        }
        1..=DECIMAL256_MAX_PRECISION => Some(DataType::Decimal256(precision, scale)),
        _ => None,
    }
}

/// Bits, sign and kind of a number type.
fn number(data_type: &DataType) -> Option<(u8, bool, bool)> {
    Some(match data_type {
        DataType::Int8 => (8, true, false),
        DataType::Int16 => (16, true, false),
        DataType::Int32 => (32, true, false),
        DataType::Int64 => (64, true, false),
        DataType::UInt8 => (8, false, false),
        DataType::UInt16 => (16, false, false),
        DataType::UInt32 => (32, false, false),
        DataType::UInt64 => (64, false, false),
        DataType::Float16 => (16, true, true),
        DataType::Float32 => (32, true, true),
        DataType::Float64 => (64, true, true),
        _ => return None,
    })
}

fn widen_number(left: &DataType, right: &DataType) -> Option<DataType> {
    let (left, right) = (number(left)?, number(right)?);
    Some(match (left, right) {
        ((l, _, true), (r, _, true)) => {
            if l.max(r) == 64 {
                DataType::Float64
            } else {
                DataType::Float32
            }
        }
        // A float of 32 bits holds integers of 16.
        ((float, _, true), (int, _, false)) | ((int, _, false), (float, _, true)) => {
            if float <= 32 && int <= 16 {
                DataType::Float32
            } else {
                DataType::Float64
            }
        }
        ((l, false, _), (r, false, _)) => unsigned(l.max(r)),
        ((l, true, _), (r, true, _)) => signed(l.max(r)),
        ((s, true, _), (u, false, _)) | ((u, false, _), (s, true, _)) => {
            if u == 64 {
                return None;
            }
            signed(s.max(u * 2))
        }
    })
}

const fn signed(bits: u8) -> DataType {
    match bits {
        8 => DataType::Int8,
        16 => DataType::Int16,
        32 => DataType::Int32,
        _ => DataType::Int64,
    }
}

const fn unsigned(bits: u8) -> DataType {
    match bits {
        8 => DataType::UInt8,
        16 => DataType::UInt16,
        32 => DataType::UInt32,
        _ => DataType::UInt64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: &[(&str, DataType)]) -> Schema {
        Schema::new(fields.iter().map(|(name, t)| Field::new(*name, t.clone(), true)).collect::<Vec<_>>())
    }

    #[test]
    fn one_plain_form() {
        let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8View));
        let list = DataType::LargeListView(Arc::new(Field::new("element", dictionary.clone(), false)));
        let schema = Schema::new_with_metadata(
            vec![Field::new("a", dictionary, false), Field::new("b", list, false)],
            std::collections::HashMap::from([("pandas".to_owned(), "{}".to_owned())]),
        );
        let expected = Schema::new(vec![
            Field::new("a", DataType::Utf8, true),
            Field::new("b", DataType::LargeList(Arc::new(Field::new("item", DataType::Utf8, true))), true),
        ]);
        assert_eq!(canonical(&schema), expected);
        assert_eq!(canonical(&expected), expected);
    }

    #[test]
    fn widening() {
        for (left, right, expected) in [
            (DataType::Null, DataType::Utf8, Some(DataType::Utf8)),
            (DataType::Int32, DataType::Int64, Some(DataType::Int64)),
            (DataType::UInt32, DataType::Int8, Some(DataType::Int64)),
            (DataType::UInt64, DataType::Int8, None),
            (DataType::Float32, DataType::Int16, Some(DataType::Float32)),
            (DataType::Float32, DataType::Int32, Some(DataType::Float64)),
            (DataType::Float32, DataType::Float64, Some(DataType::Float64)),
            (DataType::Utf8, DataType::LargeUtf8, Some(DataType::LargeUtf8)),
            (DataType::Utf8, DataType::Int64, None),
            (DataType::Boolean, DataType::Int8, None),
            (DataType::Decimal128(5, 2), DataType::Decimal128(7, 3), Some(DataType::Decimal128(7, 3))),
            (DataType::Decimal128(38, 0), DataType::Decimal128(2, 2), Some(DataType::Decimal256(40, 2))),
            (DataType::Decimal128(5, 2), DataType::Int64, Some(DataType::Decimal128(21, 2))),
            (DataType::Decimal128(5, 2), DataType::Float64, None),
            (DataType::Decimal256(76, 0), DataType::Decimal128(2, 1), None),
            (
                DataType::Timestamp(TimeUnit::Second, None),
                DataType::Timestamp(TimeUnit::Nanosecond, None),
                Some(DataType::Timestamp(TimeUnit::Nanosecond, None)),
            ),
        ] {
            assert_eq!(widen(&left, &right).ok(), expected, "{left} and {right}");
            assert_eq!(widen(&right, &left).ok(), expected, "{right} and {left}");
        }
    }

    #[test]
    fn new_columns_come_last_and_a_conflict_names_the_nested_column() {
        let nested = |t| DataType::Struct(vec![Field::new("x", t, true)].into());
        let left = schema(&[("a", DataType::Int32), ("s", nested(DataType::Null))]);
        let right = schema(&[("b", DataType::Utf8), ("s", nested(DataType::Int8)), ("a", DataType::Int64)]);
        let names = ["a", "s", "b"];
        let merged = merge(&left, &right).unwrap();
        assert_eq!(merged.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(), names);
        let conflict = merge(&right, &schema(&[("s", nested(DataType::Utf8))])).unwrap_err();
        assert_eq!(conflict, Conflict { column: "s.x".into(), left: DataType::Int8, right: DataType::Utf8 });
    }
}
