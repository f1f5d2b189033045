//! Single values in a declared type, as pyarrow casts them: what it takes for a number, and how it writes one.

use std::{fmt::Write as _, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Int64Array, PrimitiveArray, StringArray,
    builder::StringBuilder,
    cast::AsArray,
    types::{Float64Type, Int64Type},
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, TimeUnit};

use crate::convert::conform;

/// The type of that name in `datasets` (`string_to_arrow` in `features.py`).
pub(super) fn named(dtype: &str) -> Option<DataType> {
    Some(match dtype {
        "null" => DataType::Null,
        "bool" => DataType::Boolean,
        "int8" => DataType::Int8,
        "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float16" => DataType::Float16,
        "float32" => DataType::Float32,
        "float64" => DataType::Float64,
        "string" | "utf8" => DataType::Utf8,
        "large_string" => DataType::LargeUtf8,
        "binary" => DataType::Binary,
        "large_binary" => DataType::LargeBinary,
        "date32" => DataType::Date32,
        "date64" => DataType::Date64,
        other => return with_unit(other),
    })
}

fn with_unit(dtype: &str) -> Option<DataType> {
    let (kind, of) = dtype.strip_suffix([']', ')'])?.split_once(['[', '('])?;
    let (first, second) = of.split_once(',').map_or((of, None), |(first, second)| (first, Some(second.trim())));
    let unit = || {
        Some(match first {
            "s" => TimeUnit::Second,
            "ms" => TimeUnit::Millisecond,
            "us" => TimeUnit::Microsecond,
            "ns" => TimeUnit::Nanosecond,
            _ => return None,
        })
    };
    Some(match kind {
        "timestamp" => {
            let zone = second.map(|zone| zone.strip_prefix("tz=").map(Arc::from));
            DataType::Timestamp(unit()?, zone.map_or(Some(None), |zone| zone.map(Some))?)
        }
        "duration" => DataType::Duration(unit()?),
        "time32" => DataType::Time32(unit()?),
        "time64" => DataType::Time64(unit()?),
        "decimal128" => DataType::Decimal128(first.parse().ok()?, second?.parse().ok()?),
        "decimal256" => DataType::Decimal256(first.parse().ok()?, second?.parse().ok()?),
        "fixed_size_binary" => DataType::FixedSizeBinary(first.parse().ok()?),
        _ => return None,
    })
}

/// A value that does not fit is an error, never a null.
pub(super) fn strict(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(from, to, &CastOptions { safe: false, ..CastOptions::default() })
}

pub(super) fn cast(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    use DataType::{
        Binary, Boolean, Date32, Decimal128, Duration, FixedSizeBinary, Float32, Float64, Int64, LargeBinary,
        LargeUtf8, Timestamp, Utf8,
    };
    let is_text = |kind: &DataType| matches!(kind, Utf8 | LargeUtf8);
    let is_whole = |kind: &DataType| kind.is_integer();
    match (from.data_type(), to) {
        (same, to) if same == to => Ok(Arc::clone(from)),
        (Utf8 | LargeUtf8, to) if is_text(to) => strict(from, to),
        (Utf8 | LargeUtf8, Binary | LargeBinary) | (Binary | LargeBinary, Utf8 | LargeUtf8) => strict(from, to),
        (LargeUtf8, _) => cast(&strict(from, &Utf8)?, to),
        (Utf8, Boolean) => truths(from.as_string()),
        (Utf8, to) if to.is_numeric() => numbers(from, to),
        (Utf8, Date32 | Timestamp(_, None)) => times(from, to),
        (kind, to) if kind.is_floating() && is_text(to) => strict(&written(from)?, to),
        (kind, to) if kind.is_floating() && is_whole(to) => whole(from, to),
        (kind, Float32) if is_whole(kind) => short(from),
        (kind, Float64) if is_whole(kind) => {
            let wide = if *kind == DataType::UInt64 { kind.clone() } else { Int64 };
            conform::value(&strict(from, &wide)?, to)
        }
        (kind, to) if (kind.is_numeric() || *kind == Boolean) && (to.is_numeric() || *to == Boolean) => exact(from, to),
        (kind, to) if (is_whole(kind) || matches!(kind, Boolean | Date32 | Decimal128(..))) && is_text(to) => {
            strict(from, to)
        }
        (Int64, Timestamp(..) | Duration(_)) => strict(from, to),
        (Timestamp(one, _), Timestamp(other, _)) | (Duration(one), Duration(other)) => {
            strict(&scaled(from, *one, *other)?, to)
        }
        (Date32, Timestamp(_, None)) | (FixedSizeBinary(_), Binary | LargeBinary) | (Binary, LargeBinary) => {
            strict(from, to)
        }
        (kind, to) => Err(ArrowError::CastError(format!("{kind} is not cast to {to}"))),
    }
}

fn unfit(value: impl std::fmt::Display) -> ArrowError {
    ArrowError::CastError(format!("`{value}` does not fit"))
}

/// Decimals and others: there and back again.
fn exact(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let cast = strict(from, to)?;
    let loses = matches!(from.data_type(), DataType::Decimal128(..) | DataType::Decimal256(..));
    if loses && !to.is_floating() && strict(&cast, from.data_type())?.to_data() != from.to_data() {
        return Err(unfit("a decimal"));
    }
    Ok(cast)
}

fn truths(texts: &StringArray) -> Result<ArrayRef, ArrowError> {
    let truth = |text: &str| match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(unfit(text)),
    };
    let truths: BooleanArray = texts.iter().map(|text| text.map(truth).transpose()).collect::<Result<_, _>>()?;
    Ok(Arc::new(truths))
}

fn numbers(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let is_number = |text: &str| {
        if to.is_integer() {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        } else {
            to.is_floating() && text.parse::<f64>().is_ok()
        }
    };
    match from.as_string::<i32>().iter().flatten().find(|text| !is_number(text)) {
        Some(text) => Err(unfit(text)),
        None => strict(from, to),
    }
}

/// Days, and times of a day down to the second.
fn times(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let is_as = |text: &str, form: &str| {
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(|(is, form)| match form {
                b'0' => is.is_ascii_digit(),
                b' ' => is == b' ' || is == b'T',
                form => is == form,
            })
    };
    let is_time =
        |text: &str| is_as(text, "0000-00-00") || (*to != DataType::Date32 && is_as(text, "0000-00-00 00:00:00"));
    match from.as_string::<i32>().iter().flatten().find(|text| !is_time(text)) {
        Some(text) => Err(unfit(text)),
        None => strict(from, to),
    }
}

/// As pyarrow writes floats: the shortest digits, with an exponent from 1e10 on and below 1e-5.
fn written(from: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let mut texts = StringBuilder::new();
    let is_short = *from.data_type() != DataType::Float64;
    let floats = strict(from, &DataType::Float64)?;
    for value in floats.as_primitive::<Float64Type>() {
        let Some(value) = value else {
            texts.append_null();
            continue;
        };
        #[expect(clippy::cast_possible_truncation, reason = "it was no wider before")]
        let short = value as f32;
        let scientific = if is_short { format!("{short:e}") } else { format!("{value:e}") };
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let text = match exponent.parse::<i32>() {
            _ if value.is_nan() => "nan".to_owned(),
            Ok(-5..10) if is_short => format!("{short}"),
            Ok(-5..10) => format!("{value}"),
            Ok(exponent) => format!("{digits}e{exponent:+}"),
            Err(_) => scientific,
        };
        texts.write_str(&text).map_err(|_| unfit(value))?;
        texts.append_value("");
    }
    Ok(Arc::new(texts.finish()))
}

fn whole(from: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let floats = strict(from, &DataType::Float64)?;
    match floats.as_primitive::<Float64Type>().iter().flatten().find(|value| value.fract() != 0.0) {
        // What is infinite or no number has no fraction that is zero.
        Some(value) => Err(unfit(value)),
        None => strict(&floats, to),
    }
}

/// Integers as floats of 32 bits.
fn short(from: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let wide = strict(from, &DataType::Int64)?;
    let is_exact = |value: i64| {
        let magnitude = value.unsigned_abs();
        magnitude == 0 || magnitude >> magnitude.trailing_zeros() < 1 << f32::MANTISSA_DIGITS
    };
    match wide.as_primitive::<Int64Type>().iter().flatten().find(|value| !is_exact(*value)) {
        Some(value) => Err(unfit(value)),
        None => strict(from, &DataType::Float32),
    }
}

/// Times as counts of another unit.
pub(in crate::convert) fn scaled(from: &ArrayRef, one: TimeUnit, other: TimeUnit) -> Result<ArrayRef, ArrowError> {
    let per_second = |unit| match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000_i64,
    };
    let (one, other) = (per_second(one), per_second(other));
    let counts = strict(from, &DataType::Int64)?;
    let scale = |count: i64| {
        if other >= one {
            count.checked_mul(other / one)
        } else {
            (count % (one / other) == 0).then(|| count / (one / other))
        }
    };
    let counts: &PrimitiveArray<Int64Type> = counts.as_primitive();
    let scaled = counts.iter().map(|count| count.map(|count| scale(count).ok_or_else(|| unfit(count))).transpose());
    Ok(Arc::new(scaled.collect::<Result<Int64Array, _>>()?))
}

/// The numbers of labels, given as such or by name (`ClassLabel.cast_storage`).
pub(super) fn labels(from: &ArrayRef, names: &[String]) -> Result<ArrayRef, ArrowError> {
    let count = i64::try_from(names.len()).unwrap_or(i64::MAX);
    if matches!(from.data_type(), DataType::Utf8 | DataType::LargeUtf8) {
        let texts = strict(from, &DataType::Utf8)?;
        let place = |text: &str| names.iter().position(|name| name == text).and_then(|at| i64::try_from(at).ok());
        let label = |text: &str| {
            let number = || text.trim().parse::<i64>().ok().filter(|number| (-1..count).contains(number));
            place(text).or_else(|| place(text.trim())).or_else(number).ok_or_else(|| unfit(text))
        };
        let labels = texts.as_string::<i32>().iter().map(|text| text.map(label).transpose());
        return Ok(Arc::new(labels.collect::<Result<Int64Array, _>>()?));
    }
    let numbers = cast(from, &DataType::Int64)?;
    let is_label = |number: &i64| !from.data_type().is_integer() || *number < count;
    match numbers.as_primitive::<Int64Type>().iter().flatten().find(|number| !is_label(number)) {
        Some(number) => Err(unfit(number)),
        None => Ok(numbers),
    }
}
