//! Arrow rows as JSON without loss that a reader could not see, for everything that shows rows to people.
//!
//! What JSON cannot carry becomes text: bytes are UTF-8, else Latin-1; NaN, infinities, decimals and integers beyond
//! 2^53 are strings; instants are RFC 3339 in UTC; durations and intervals are ISO 8601. The match lists every Arrow
//! type, so a new one does not compile until it has a form.

use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, GenericListViewArray, OffsetSizeTrait, StructArray,
    cast::AsArray,
    types::{
        Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type,
        Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType,
        IntervalYearMonthType, RunEndIndexType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
        Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

/// The largest integer up to which a double holds each one.
const EXACT: u64 = 1 << 53;

/// One row of a batch, column by column.
pub fn row(columns: &StructArray, index: usize) -> Map<String, Value> {
    let fields = columns.fields().iter().zip(columns.columns());
    fields.map(|(field, column)| (field.name().clone(), value(column, index))).collect()
}

/// One value of an array.
pub fn value(array: &dyn Array, index: usize) -> Value {
    // A run-end or union array has no validity of its own: its child says what is null.
    if array.is_null(index) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => array.as_boolean().value(index).into(),
        DataType::Int8 => signed::<Int8Type>(array, index),
        DataType::Int16 => signed::<Int16Type>(array, index),
        DataType::Int32 => signed::<Int32Type>(array, index),
        DataType::Int64 => signed::<Int64Type>(array, index),
        DataType::UInt8 => unsigned::<UInt8Type>(array, index),
        DataType::UInt16 => unsigned::<UInt16Type>(array, index),
        DataType::UInt32 => unsigned::<UInt32Type>(array, index),
        DataType::UInt64 => unsigned::<UInt64Type>(array, index),
        DataType::Float16 => single(array.as_primitive::<Float16Type>().value(index).to_f32()),
        DataType::Float32 => single(array.as_primitive::<Float32Type>().value(index)),
        DataType::Float64 => double(array.as_primitive::<Float64Type>().value(index)),
        DataType::Utf8 => array.as_string::<i32>().value(index).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(index).into(),
        DataType::Utf8View => array.as_string_view().value(index).into(),
        DataType::Binary => bytes(array.as_binary::<i32>().value(index)),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(index)),
        DataType::BinaryView => bytes(array.as_binary_view().value(index)),
        DataType::FixedSizeBinary(_) => bytes(array.as_fixed_size_binary().value(index)),
        DataType::Decimal32(..) => array.as_primitive::<Decimal32Type>().value_as_string(index).into(),
        DataType::Decimal64(..) => array.as_primitive::<Decimal64Type>().value_as_string(index).into(),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(index).into(),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(index).into(),
        DataType::Timestamp(..)
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_)
        | DataType::Interval(_) => temporal(array, index),
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Struct(_)
        | DataType::Map(..)
        | DataType::Union(..)
        | DataType::Dictionary(..)
        | DataType::RunEndEncoded(..) => nested(array, index),
    }
}

fn nested(array: &dyn Array, index: usize) -> Value {
    match array.data_type() {
        DataType::List(_) => list(&array.as_list::<i32>().value(index)),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(index)),
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(index)),
        DataType::ListView(_) => list_view(array.as_list_view::<i32>(), index),
        DataType::LargeListView(_) => list_view(array.as_list_view::<i64>(), index),
        DataType::Struct(_) => Value::Object(row(array.as_struct(), index)),
        // Pairs and not an object, as keys need not be texts, nor unique.
        DataType::Map(..) => {
            let entries = array.as_map().value(index);
            let pair = |i| Value::Array(entries.columns().iter().map(|column| value(column, i)).collect());
            Value::Array((0..entries.len()).map(pair).collect())
        }
        DataType::Union(..) => {
            let union = array.as_union();
            value(union.child(union.type_id(index)), union.value_offset(index))
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            value(dictionary.values(), dictionary.normalized_keys()[index])
        }
        DataType::RunEndEncoded(ends, _) => match ends.data_type() {
            DataType::Int16 => run::<Int16Type>(array, index),
            DataType::Int32 => run::<Int32Type>(array, index),
            _ => run::<Int64Type>(array, index),
        },
        _ => Value::Null,
    }
}

fn signed<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &dyn Array, index: usize) -> Value {
    let number: i64 = array.as_primitive::<T>().value(index).into();
    if number.unsigned_abs() > EXACT { number.to_string().into() } else { number.into() }
}

fn unsigned<T: ArrowPrimitiveType<Native: Into<u64>>>(array: &dyn Array, index: usize) -> Value {
    let number: u64 = array.as_primitive::<T>().value(index).into();
    if number > EXACT { number.to_string().into() } else { number.into() }
}

/// The shortest decimal that is this single, such as 0.1 and not 0.10000000149011612.
fn single(number: f32) -> Value {
    if number.is_finite() {
        number.to_string().parse::<f64>().map_or(Value::Null, Value::from)
    } else {
        double(number.into())
    }
}

fn double(number: f64) -> Value {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        number.into()
    }
}

/// UTF-8, else each byte as the character of that number, which is Latin-1 and can be undone.
fn bytes(bytes: &[u8]) -> Value {
    let latin = || bytes.iter().map(|&byte| char::from(byte)).collect();
    std::str::from_utf8(bytes).map_or_else(|_| latin(), str::to_owned).into()
}

fn list(items: &ArrayRef) -> Value {
    Value::Array((0..items.len()).map(|i| value(items, i)).collect())
}

fn list_view<O: OffsetSizeTrait>(array: &GenericListViewArray<O>, index: usize) -> Value {
    list(&array.value(index))
}

fn run<T: RunEndIndexType>(array: &dyn Array, index: usize) -> Value {
    match array.as_run_opt::<T>() {
        Some(runs) => value(runs.values(), runs.get_physical_index(index)),
        None => Value::Null,
    }
}

fn temporal(array: &dyn Array, index: usize) -> Value {
    let shown = match array.data_type() {
        DataType::Timestamp(unit, _) => instant(array, index, *unit),
        DataType::Date32 => array.as_primitive::<Date32Type>().value_as_date(index).map(|date| date.to_string()),
        DataType::Date64 => array.as_primitive::<Date64Type>().value_as_date(index).map(|date| date.to_string()),
        DataType::Time32(TimeUnit::Second) => time(array.as_primitive::<Time32SecondType>().value_as_time(index)),
        DataType::Time32(_) => time(array.as_primitive::<Time32MillisecondType>().value_as_time(index)),
        DataType::Time64(TimeUnit::Microsecond) => {
            time(array.as_primitive::<Time64MicrosecondType>().value_as_time(index))
        }
        DataType::Time64(_) => time(array.as_primitive::<Time64NanosecondType>().value_as_time(index)),
        DataType::Interval(unit) => Some(interval(array, index, *unit)),
        // ISO 8601 is the formatter's default.
        _ => ArrayFormatter::try_new(array, &FormatOptions::default())
            .ok()
            .and_then(|formatter| formatter.value(index).try_to_string().ok()),
    };
    // Beyond the calendar there is only the number.
    shown.map_or_else(|| number(array, index), Value::String)
}

fn time(time: Option<NaiveTime>) -> Option<String> {
    time.map(|time| time.to_string())
}

/// In UTC whatever the column's zone: the same instant, without a zone database. One without a zone is taken as UTC.
fn instant(array: &dyn Array, index: usize, unit: TimeUnit) -> Option<String> {
    let naive = match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value_as_datetime(index),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().value_as_datetime(index),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value_as_datetime(index),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value_as_datetime(index),
    }?;
    let shown = DateTime::<Utc>::from_naive_utc_and_offset(naive, Utc).to_rfc3339_opts(SecondsFormat::AutoSi, true);
    // RFC 3339 has years of four digits only.
    (shown.as_bytes().get(4) == Some(&b'-')).then_some(shown)
}

fn interval(array: &dyn Array, index: usize, unit: IntervalUnit) -> String {
    let (months, days, nanoseconds) = match unit {
        IntervalUnit::YearMonth => (array.as_primitive::<IntervalYearMonthType>().value(index), 0, 0),
        IntervalUnit::DayTime => {
            let value = array.as_primitive::<IntervalDayTimeType>().value(index);
            (0, value.days, i64::from(value.milliseconds) * 1_000_000)
        }
        IntervalUnit::MonthDayNano => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(index);
            (value.months, value.days, value.nanoseconds)
        }
    };
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (whole, part) = (nanoseconds.unsigned_abs() / 1_000_000_000, nanoseconds.unsigned_abs() % 1_000_000_000);
    let fraction = format!(".{part:09}");
    format!("P{months}M{days}DT{sign}{whole}{}S", fraction.trim_end_matches('0').trim_end_matches('.'))
}

fn number(array: &dyn Array, index: usize) -> Value {
    let plain = match array.data_type() {
        DataType::Date32 | DataType::Time32(_) => DataType::Int32,
        _ => DataType::Int64,
    };
    let data = array.slice(index, 1).to_data().into_builder().data_type(plain).build();
    data.map_or(Value::Null, |data| value(&arrow_array::make_array(data), 0))
}

#[cfg(test)]
mod tests;
