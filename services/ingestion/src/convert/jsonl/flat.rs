//! Rows as most files have them: objects of texts, numbers, booleans and nulls, in the order of the columns.
//!
//! A short way beside the parsers, and never another one: what it does not read at once as they would is theirs.

use std::{str::FromStr, sync::Arc};

use arrow_array::{
    ArrayRef, RecordBatch, StringArray,
    builder::{BooleanBuilder, Float64Builder, Int64Builder, NullBuilder},
};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use memchr::memchr;

/// What stands behind a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text,
}

/// Shows each key and what follows it, of which `member` takes the value; none when the row is not such a one. Whether it
/// is UTF-8 is not looked at.
pub(in super::super) fn read<'a>(
    row: &'a [u8],
    mut member: impl FnMut(&'a [u8], &mut Rest<'a>) -> Option<()>,
) -> Option<()> {
    let mut rest = Rest(row);
    rest.sign(b'{')?;
    let mut more = rest.sign(b'}').is_none();
    while more {
        let key = rest.key()?;
        rest.sign(b':')?;
        member(key, &mut rest)?;
        more = rest.sign(b',').is_some();
        if !more {
            rest.sign(b'}')?;
        }
    }
    rest.0.trim_ascii_end().is_empty().then_some(())
}

/// What was not read yet.
pub(in super::super) struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The next byte that is no space.
    fn first(&mut self) -> Option<u8> {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
        self.0.first().copied()
    }

    fn sign(&mut self, sign: u8) -> Option<()> {
        (self.first()? == sign).then(|| self.0 = &self.0[1..])
    }

    /// A key may be written in several ways, and is known in the plain one.
    fn key(&mut self) -> Option<&'a [u8]> {
        self.sign(b'"')?;
        let (key, rest) = self.0.split_at(stop(self.0)?);
        self.0 = rest.strip_prefix(b"\"")?;
        Some(key)
    }

    /// The value, of which a text is only passed.
    pub(in super::super) fn skim(&mut self) -> Option<Value> {
        match self.first()? {
            b'"' => self.pass_text().map(|()| Value::Text),
            b't' => self.word(b"true", Value::Bool(true)),
            b'f' => self.word(b"false", Value::Bool(false)),
            b'n' => self.word(b"null", Value::Null),
            _ => self.number(),
        }
    }

    fn pass_text(&mut self) -> Option<()> {
        self.sign(b'"')?;
        let mut end = 0;
        loop {
            end += memchr(b'"', &self.0[end..])?;
            let escaping = self.0[..end].iter().rev().take_while(|byte| **byte == b'\\').count();
            end += 1;
            if escaping.is_multiple_of(2) {
                self.0 = &self.0[end..];
                return Some(());
            }
        }
    }

    /// The text as it is meant: bytes as they are, each time with the character of the escape behind them.
    fn text(&mut self, mut piece: impl FnMut(&[u8], Option<char>)) -> Option<()> {
        self.sign(b'"')?;
        loop {
            let (before, rest) = self.0.split_at(stop(self.0)?);
            if let [b'"', rest @ ..] = rest {
                piece(before, None);
                self.0 = rest;
                return Some(());
            }
            let (character, length) = escape(rest)?;
            piece(before, Some(character));
            self.0 = &rest[length..];
        }
    }

    fn word(&mut self, word: &[u8], value: Value) -> Option<Value> {
        self.0 = self.0.strip_prefix(word)?;
        Some(value)
    }

    fn number(&mut self) -> Option<Value> {
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let end = self.0.iter().position(|byte| !is_part(byte)).unwrap_or(self.0.len());
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        let number = str::from_utf8(number).ok()?;
        let unsigned = number.strip_prefix('-').unwrap_or(number);
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_whole = |text: &str| are_digits(text) && (text == "0" || !text.starts_with('0'));
        // The parsers read this one as a float.
        if number == "-0" {
            return None;
        }
        if is_whole(unsigned) {
            // So many digits always fit.
            return if unsigned.len() <= 18 { i64::from_str(number).ok().map(Value::Int) } else { None };
        }
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
        let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
        let is_float = is_whole(whole) && fraction.into_iter().chain(exponent).all(are_digits);
        let value = is_float.then(|| f64::from_str(number).ok()).flatten()?;
        value.is_finite().then_some(Value::Float(value))
    }
}

/// Where a text ends, or has an escape, or a control character, which it may not: in most texts that is near, so that a
/// search which takes time to begin would take longer.
fn stop(bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    let is_stop = |byte: u8| matches!(byte, b'"' | b'\\' | ..b' ');
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The lowest bit that is set belongs to the first such byte; those above it may be wrong.
        let zeros = |word: u64| word.wrapping_sub(EACH) & !word;
        let controls = word.wrapping_sub(EACH * u64::from(b' ')) & !word;
        let stops =
            (zeros(word ^ (EACH * u64::from(b'"'))) | zeros(word ^ (EACH * u64::from(b'\\'))) | controls) & HIGH;
        if stops != 0 {
            return Some(8 * at + stops.trailing_zeros() as usize / 8);
        }
    }
    let behind = rest.iter().position(|byte| is_stop(*byte))?;
    Some(bytes.len() - rest.len() + behind)
}

/// The character that an escape stands for, and its length in bytes.
fn escape(written: &[u8]) -> Option<(char, usize)> {
    let [b'\\', kind, ..] = written else { return None };
    let character = match kind {
        b'n' => '\n',
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => {
            let first = unit(written)?;
            let is_pair = (0xd800..0xdc00).contains(&first);
            let second = if is_pair { Some(unit(&written[6..])?) } else { None };
            let mut characters = char::decode_utf16([first].into_iter().chain(second));
            return Some((characters.next()?.ok()?, if is_pair { 12 } else { 6 }));
        }
        _ => return None,
    };
    Some((character, 2))
}

fn unit(written: &[u8]) -> Option<u16> {
    let digits = written.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

/// Columns in the making.
pub(super) struct Columns {
    schema: SchemaRef,
    columns: Vec<Column>,
}

enum Column {
    Null(NullBuilder),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Text(Texts),
}

/// Whether they are UTF-8 is found out at the end, of all at once.
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Columns {
    /// None where a column is of another type.
    pub(super) fn new(schema: &SchemaRef) -> Option<Self> {
        let column = |data_type: &DataType| {
            Some(match data_type {
                DataType::Null => Column::Null(NullBuilder::new()),
                DataType::Boolean => Column::Bool(BooleanBuilder::new()),
                DataType::Int64 => Column::Int(Int64Builder::new()),
                DataType::Float64 => Column::Float(Float64Builder::new()),
                DataType::Utf8 => Column::Text(Texts::with_capacity(0, 0)),
                _ => return None,
            })
        };
        let columns = schema.fields().iter().map(|field| column(field.data_type())).collect::<Option<_>>()?;
        Some(Self { schema: schema.clone(), columns })
    }

    /// A batch of rows that end there in the bytes; none when one of them is not read here.
    pub(super) fn batch(&mut self, rows: &[u8], mut ends: impl Iterator<Item = usize>) -> Option<RecordBatch> {
        let mut start = 0;
        let read = ends.try_for_each(|end| {
            let row = rows.get(start..end)?;
            start = end;
            self.push(row)
        });
        // Also where a row was not read: the next batch begins anew.
        let columns: Result<Vec<_>, _> = self.columns.iter_mut().map(Column::finish).collect();
        read.and_then(|()| RecordBatch::try_new(self.schema.clone(), columns.ok()?).ok())
    }

    fn push(&mut self, row: &[u8]) -> Option<()> {
        let mut columns = self.schema.fields().iter().zip(&mut self.columns);
        read(row, |key, rest| {
            for (field, column) in columns.by_ref() {
                if field.name().as_bytes() == key {
                    return column.take(rest);
                }
                column.push(Value::Null)?;
            }
            None
        })?;
        columns.try_for_each(|(_, column)| column.push(Value::Null))
    }
}

impl Column {
    fn take(&mut self, rest: &mut Rest<'_>) -> Option<()> {
        match (self, rest.first()?) {
            (Self::Text(column), b'"') => {
                rest.text(|bytes, character| column.piece(bytes, character))?;
                column.end(true)
            }
            (column, _) => column.push(rest.skim()?),
        }
    }

    fn push(&mut self, value: Value) -> Option<()> {
        match (self, value) {
            (Self::Null(column), Value::Null) => column.append_null(),
            (Self::Bool(column), Value::Null) => column.append_null(),
            (Self::Bool(column), Value::Bool(value)) => column.append_value(value),
            (Self::Int(column), Value::Null) => column.append_null(),
            (Self::Int(column), Value::Int(value)) => column.append_value(value),
            (Self::Float(column), Value::Null) => column.append_null(),
            (Self::Float(column), Value::Float(value)) => column.append_value(value),
            #[expect(clippy::cast_precision_loss, reason = "the first pass found that a float holds it")]
            (Self::Float(column), Value::Int(value)) => column.append_value(value as f64),
            (Self::Text(column), Value::Null) => column.end(false)?,
            _ => return None,
        }
        Some(())
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Null(column) => Arc::new(column.finish()),
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Float(column) => Arc::new(column.finish()),
            Self::Text(column) => Arc::new(column.finish()?),
        })
    }
}

impl Texts {
    fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { bytes: Vec::with_capacity(bytes), ends, nulls: NullBufferBuilder::new(rows) }
    }

    fn piece(&mut self, bytes: &[u8], character: Option<char>) {
        self.bytes.extend_from_slice(bytes);
        match character {
            Some(character) if character.is_ascii() => self.bytes.push(character as u8),
            Some(character) => self.bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => {}
        }
    }

    /// Of the text whose bytes are there.
    fn end(&mut self, is_there: bool) -> Option<()> {
        self.ends.push(i32::try_from(self.bytes.len()).ok()?);
        self.nulls.append(is_there);
        Some(())
    }

    /// What was pushed; the next ones will be about as many.
    fn finish(&mut self) -> Result<StringArray, ArrowError> {
        let next = Self::with_capacity(self.nulls.len(), self.bytes.len() + self.bytes.len() / 8);
        let Self { bytes, ends, mut nulls } = std::mem::replace(self, next);
        let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
        StringArray::try_new(ends, Buffer::from_vec(bytes), nulls.finish())
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Array, cast::AsArray};
    use arrow_json::ReaderBuilder;
    use arrow_schema::{Field, Schema};
    use proptest::prelude::*;

    use super::*;
    use crate::convert::{infer::Inference, json_text::for_columns, rows::Row};

    const COLUMNS: [(&str, DataType); 5] = [
        ("text", DataType::Utf8),
        ("int", DataType::Int64),
        ("float", DataType::Float64),
        ("bool", DataType::Boolean),
        ("null", DataType::Null),
    ];

    fn schema() -> SchemaRef {
        let fields = COLUMNS.map(|(name, data_type)| Field::new(name, data_type, true));
        Arc::new(Schema::new(fields.to_vec()))
    }

    fn flat(rows: &[impl AsRef<[u8]>]) -> Option<RecordBatch> {
        let rows: Vec<&[u8]> = rows.iter().map(AsRef::as_ref).collect();
        let ends = rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        });
        Columns::new(&schema()).unwrap().batch(&rows.concat(), ends)
    }

    /// As a text is written, each character in one of its ways.
    fn text() -> impl Strategy<Value = String> {
        let one = (any::<char>(), 0..4).prop_map(|(character, way)| {
            let escaped = || {
                let mut units = [0; 2];
                let units = character.encode_utf16(&mut units).iter();
                units.map(|unit| if way == 2 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") }).collect()
            };
            match character {
                '"' | '\\' | '/' if way < 2 => format!("\\{character}"),
                '"' | '\\' | ..' ' => escaped(),
                _ if way < 2 => character.to_string(),
                _ => escaped(),
            }
        });
        let short = prop::sample::select(vec!["\\n", "\\t", "\\r", "\\b", "\\f", "\\\\", "\\\"", "plain text ", "€"]);
        prop::collection::vec(prop_oneof![one, short.prop_map(str::to_owned)], 0..40)
            .prop_map(|parts| format!("\"{}\"", parts.concat()))
    }

    fn value(column: usize) -> BoxedStrategy<String> {
        let value = match column {
            0 => text().boxed(),
            1 => any::<i32>().prop_filter("-0 is a float", |int| *int != 0).prop_map(|int| int.to_string()).boxed(),
            2 => prop_oneof![
                any::<f64>().prop_filter("JSON has no other", |float| float.is_finite()).prop_map(|f| format!("{f:?}")),
                "-?(0|[1-9][0-9]{0,15})\\.[0-9]{1,20}([eE][+-]?[0-9]{1,2})?",
                any::<i32>().prop_map(|int| int.to_string()),
            ]
            .boxed(),
            3 => any::<bool>().prop_map(|bool| bool.to_string()).boxed(),
            _ => Just("null".to_owned()).boxed(),
        };
        prop_oneof![4 => value, 1 => Just("null".to_owned())].boxed()
    }

    fn row() -> impl Strategy<Value = String> {
        let member = |column: usize| (prop::option::weighted(0.8, value(column)), " {0,2}", " {0,2}");
        let members = (0..COLUMNS.len()).map(member).collect::<Vec<_>>();
        members.prop_map(|members| {
            let written = COLUMNS.iter().zip(members).filter_map(|((name, _), (value, before, behind))| {
                Some(format!("{before}\"{name}\"{behind}:{before}{}{behind}", value?))
            });
            format!("{{{}}}\n", written.collect::<Vec<_>>().join(","))
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_parsers_read(rows in prop::collection::vec(row(), 1..20)) {
            let mut parser = ReaderBuilder::new(schema()).build_decoder().unwrap();
            for row in &rows {
                parser.decode(&for_columns(row.as_bytes())).unwrap();
            }
            prop_assert_eq!(flat(&rows).unwrap(), parser.flush().unwrap().unwrap());
        }

        #[test]
        fn what_is_known_changes_nothing(rows in prop::collection::vec(row(), 2..20)) {
            let (mut all, mut unknown) = (Inference::default(), Inference::default());
            // Columns stand in the order of their first appearance, and one that comes later is behind the others.
            let first = r#"{"text":null,"int":null,"float":null,"bool":null,"null":null}"#.to_owned();
            for row in [first].iter().chain(&rows) {
                let row = Row { line: 1, bytes: row.as_bytes() };
                all.observe("f", &row).unwrap();
                if !unknown.knows(row.bytes) {
                    unknown.observe("f", &row).unwrap();
                }
                prop_assert!(unknown.knows(row.bytes));
            }
            prop_assert_eq!(all.schema(), unknown.schema());
        }
    }

    #[test]
    fn what_is_not_plain_is_not_read() {
        let whole = r#" {"text": "a\u20ac\ud83d\ude00", "int": -5 , "float": 2, "bool": true}"#;
        let batch = flat(&[whole, "{}", r#"{"null":null}"#]).unwrap();
        assert_eq!(batch.column(0).as_string::<i32>().value(0), "a€😀");
        assert_eq!((batch.num_rows(), batch.column(2).null_count()), (3, 2));
        for odd in [
            r#"{"int": -0}"#,
            r#"{"int": 01}"#,
            r#"{"int": 1234567890123456789}"#,
            r#"{"int": 1.0}"#,
            r#"{"int": "1"}"#,
            r#"{"float": 1.}"#,
            r#"{"float": .5}"#,
            r#"{"float": 1e}"#,
            r#"{"float": 1e+}"#,
            r#"{"float": +1}"#,
            r#"{"float": 1e999}"#,
            r#"{"float": NaN}"#,
            r#"{"bool": truer}"#,
            r#"{"bool": TRUE}"#,
            r#"{"text": "\q"}"#,
            r#"{"text": "\u12g4"}"#,
            r#"{"text": "\ud83d"}"#,
            r#"{"text": "\ud83d\u0041"}"#,
            r#"{"text": "\ude00"}"#,
            r#"{"text": "\"}"#,
            "{\"text\": \"a\tb\"}",
            "{\"text\": \"12345678\u{1}\"}",
            r#"{"text": ["a"]}"#,
            r#"{"text": {}}"#,
            r#"{"te\u0078t": "a"}"#,
            r#"{"other": "a"}"#,
            r#"{"int": 1, "text": "a"}"#,
            r#"{"int": 1, "int": 1}"#,
            r#"{"int": 1,}"#,
            r#"{"int": 1"#,
            r#"{"int": 1} x"#,
            r#"["text"]"#,
            "",
        ] {
            assert_eq!(flat(&[whole, odd]), None, "{odd}");
        }
        assert_eq!(flat(&[b"{\"text\": \"\xff\"}".as_slice()]), None);
        // What a row left behind is gone with it.
        let mut columns = Columns::new(&schema()).unwrap();
        let rows = br#"{"text": "a", "int": 1}{"text": "b", "int": "x"}"#;
        assert_eq!(columns.batch(rows, [23, rows.len()].into_iter()), None);
        assert_eq!(columns.batch(rows, [23].into_iter()).unwrap().num_rows(), 1);
    }

    #[test]
    fn a_text_ends_at_its_quote_wherever_it_is() {
        for length in 0..40 {
            for (written, stops) in [("\"", true), ("\\", true), ("\u{1f}", true), ("\u{80}", false), ("\u{7f}", false)]
            {
                let before = "!ü".chars().cycle().take(length).collect::<String>();
                let text = format!("{before}{written}        \"");
                let expected = if stops { before.len() } else { text.len() - 1 };
                assert_eq!(stop(text.as_bytes()), Some(expected), "{text:?}");
            }
        }
        assert_eq!(stop("no end, but ß".as_bytes()), None);
    }
}
