//! Each Arrow type and its JSON.

use super::value;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal32Array,
    Decimal64Array, Decimal128Array, Decimal256Array, DictionaryArray, DurationSecondArray, FixedSizeBinaryArray,
    FixedSizeListArray, Float16Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    IntervalDayTimeArray, IntervalMonthDayNanoArray, IntervalYearMonthArray, LargeBinaryArray, LargeListArray,
    LargeListViewArray, LargeStringArray, ListArray, ListViewArray, NullArray, RunArray, StringArray, StringViewArray,
    StructArray, Time32MillisecondArray, Time32SecondArray, Time64MicrosecondArray, Time64NanosecondArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array, UnionArray,
    builder::{Int32Builder, MapBuilder, StringBuilder},
    types::{ArrowPrimitiveType, Float16Type, Int16Type, Int32Type, IntervalDayTime, IntervalMonthDayNano},
};
use arrow_buffer::{ScalarBuffer, i256};
use arrow_schema::{DataType, Field, UnionFields};
use serde_json::{Value, json};
use std::sync::Arc;

fn all(array: &dyn Array) -> Value {
    Value::Array((0..array.len()).map(|i| value(array, i)).collect())
}

#[test]
fn integers_beyond_what_a_double_holds_are_texts() {
    let exact = 1_i64 << 53;
    let array = Int64Array::from(vec![Some(exact), Some(exact + 1), Some(-exact), Some(-exact - 1), None]);
    assert_eq!(all(&array), json!([exact, "9007199254740993", -exact, "-9007199254740993", null]));
    assert_eq!(all(&UInt64Array::from(vec![1, u64::MAX])), json!([1, "18446744073709551615"]));
    assert_eq!(all(&Int8Array::from(vec![-128])), json!([-128]));
    assert_eq!(all(&Int16Array::from(vec![-7])), json!([-7]));
    assert_eq!(all(&Int32Array::from(vec![i32::MIN])), json!([i32::MIN]));
    assert_eq!(all(&UInt8Array::from(vec![255])), json!([255]));
    assert_eq!(all(&UInt16Array::from(vec![7])), json!([7]));
    assert_eq!(all(&UInt32Array::from(vec![u32::MAX])), json!([u32::MAX]));
}

#[test]
fn floats_keep_their_shortest_form_and_the_rest_is_named() {
    let array = Float64Array::from(vec![0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    assert_eq!(all(&array), json!([0.1, "NaN", "Infinity", "-Infinity"]));
    assert_eq!(all(&Float32Array::from(vec![0.1, f32::NAN, 16_777_216.0])), json!([0.1, "NaN", 16_777_216.0]));
    let half = <Float16Type as ArrowPrimitiveType>::Native::from_f32;
    assert_eq!(all(&Float16Array::from(vec![half(0.5), half(f32::INFINITY)])), json!([0.5, "Infinity"]));
}

#[test]
fn texts_and_bytes() {
    let bytes: Vec<&[u8]> = vec![b"caf\xc3\xa9", b"\xff\xfe\x00"];
    let shown = json!(["café", "ÿþ\u{0}"]);
    assert_eq!(all(&BinaryArray::from(bytes.clone())), shown);
    assert_eq!(all(&LargeBinaryArray::from(bytes.clone())), shown);
    assert_eq!(all(&BinaryViewArray::from(bytes)), shown);
    assert_eq!(all(&FixedSizeBinaryArray::try_from_iter([[0x80_u8, 0x41]].into_iter()).unwrap()), json!(["\u{80}A"]));
    assert_eq!(all(&StringArray::from(vec![Some("a"), None])), json!(["a", null]));
    assert_eq!(all(&LargeStringArray::from(vec!["b"])), json!(["b"]));
    assert_eq!(all(&StringViewArray::from(vec!["c"])), json!(["c"]));
    assert_eq!(all(&BooleanArray::from(vec![Some(true), None])), json!([true, null]));
    assert_eq!(all(&NullArray::new(1)), json!([null]));
}

#[test]
fn decimals_are_texts() {
    assert_eq!(all(&Decimal32Array::from(vec![-5]).with_precision_and_scale(5, 2).unwrap()), json!(["-0.05"]));
    assert_eq!(all(&Decimal64Array::from(vec![1234]).with_precision_and_scale(9, 1).unwrap()), json!(["123.4"]));
    assert_eq!(all(&Decimal128Array::from(vec![100]).with_precision_and_scale(38, 2).unwrap()), json!(["1.00"]));
    let wide = Decimal256Array::from(vec![i256::from_i128(-1)]).with_precision_and_scale(76, 3).unwrap();
    assert_eq!(all(&wide), json!(["-0.001"]));
}

#[test]
fn instants_are_rfc_3339_in_utc() {
    assert_eq!(all(&TimestampSecondArray::from(vec![0])), json!(["1970-01-01T00:00:00Z"]));
    let milliseconds = TimestampMillisecondArray::from(vec![1_500]).with_timezone("Europe/Berlin");
    assert_eq!(all(&milliseconds), json!(["1970-01-01T00:00:01.500Z"]));
    assert_eq!(all(&TimestampMicrosecondArray::from(vec![-1])), json!(["1969-12-31T23:59:59.999999Z"]));
    assert_eq!(all(&TimestampNanosecondArray::from(vec![1])), json!(["1970-01-01T00:00:00.000000001Z"]));
    // Year 10000, and beyond every calendar.
    assert_eq!(all(&TimestampSecondArray::from(vec![253_402_300_800])), json!([253_402_300_800_i64]));
    assert_eq!(all(&TimestampSecondArray::from(vec![i64::MAX])), json!([i64::MAX.to_string()]));
}

#[test]
fn dates_times_and_spans() {
    assert_eq!(all(&Date32Array::from(vec![19_723])), json!(["2024-01-01"]));
    assert_eq!(all(&Date32Array::from(vec![i32::MAX])), json!([i32::MAX]));
    assert_eq!(all(&Date64Array::from(vec![86_400_000])), json!(["1970-01-02"]));
    assert_eq!(all(&Time32SecondArray::from(vec![61])), json!(["00:01:01"]));
    assert_eq!(all(&Time32SecondArray::from(vec![-1])), json!([-1]));
    assert_eq!(all(&Time32MillisecondArray::from(vec![61_001])), json!(["00:01:01.001"]));
    assert_eq!(all(&Time64MicrosecondArray::from(vec![1])), json!(["00:00:00.000001"]));
    assert_eq!(all(&Time64NanosecondArray::from(vec![1])), json!(["00:00:00.000000001"]));
    assert_eq!(all(&DurationSecondArray::from(vec![90])), json!(["PT90S"]));
    assert_eq!(all(&IntervalYearMonthArray::from(vec![14])), json!(["P14M0DT0S"]));
    assert_eq!(all(&IntervalDayTimeArray::from(vec![IntervalDayTime::new(2, -1_500)])), json!(["P0M2DT-1.5S"]));
    let mixed = IntervalMonthDayNano::new(1, -2, 3_000_000_001);
    assert_eq!(all(&IntervalMonthDayNanoArray::from(vec![mixed])), json!(["P1M-2DT3.000000001S"]));
}

#[test]
fn lists_of_all_kinds() {
    let rows = || vec![Some(vec![Some(1), None]), None, Some(vec![])];
    let shown = json!([[1, null], null, []]);
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(rows());
    assert_eq!(all(&list), shown);
    assert_eq!(all(&ListViewArray::from(list)), shown);
    let large = LargeListArray::from_iter_primitive::<Int32Type, _, _>(rows());
    assert_eq!(all(&large), shown);
    assert_eq!(all(&LargeListViewArray::from(large)), shown);
    let fixed = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None]), None], 2);
    assert_eq!(all(&fixed), json!([[1, null], null]));
}

#[test]
fn nested_values_are_made_safe_at_every_depth() {
    let inner: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
    let middle: ArrayRef =
        Arc::new(StructArray::from(vec![(Arc::new(Field::new("x", DataType::Float64, true)), inner)]));
    let field = Arc::new(Field::new("s", middle.data_type().clone(), true));
    assert_eq!(all(&StructArray::from(vec![(field, middle)])), json!([{"s": {"x": "NaN"}}]));
}

#[test]
fn maps_are_pairs() {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    builder.keys().append_value("k");
    builder.values().append_null();
    builder.append(true).unwrap();
    builder.append(false).unwrap();
    assert_eq!(all(&builder.finish()), json!([[["k", null]], null]));
}

#[test]
fn encodings_give_the_values_they_stand_for() {
    let dictionary: DictionaryArray<Int16Type> = [Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    assert_eq!(all(&dictionary), json!(["a", null, "b", "a"]));
    let values = StringArray::from(vec![Some("x"), None]);
    let runs = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2, 3]), &values).unwrap();
    assert_eq!(all(&runs), json!(["x", "x", null]));
    assert_eq!(all(&runs.slice(1, 2)), json!(["x", null]));
}

#[test]
fn unions_give_the_chosen_value() {
    let fields =
        [(0, Arc::new(Field::new("i", DataType::Int32, true))), (1, Arc::new(Field::new("s", DataType::Utf8, true)))];
    let children: Vec<ArrayRef> =
        vec![Arc::new(Int32Array::from(vec![Some(7), None])), Arc::new(StringArray::from(vec!["t"]))];
    let ids = ScalarBuffer::from(vec![0_i8, 1, 0]);
    let offsets = ScalarBuffer::from(vec![0, 0, 1]);
    let union = UnionArray::try_new(UnionFields::from_iter(fields), ids, Some(offsets), children).unwrap();
    assert_eq!(all(&union), json!([7, "t", null]));
}
