//! Flat rows into columns, without a parser between.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch, StringArray,
    builder::{BooleanBuilder, Float64Builder, Int64Builder, NullBuilder},
};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, SchemaRef};

use super::flat::{Rest, Value, read};
use crate::convert::conform::is_exact;

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
            #[expect(clippy::cast_precision_loss, reason = "a float holds it")]
            (Self::Float(column), Value::Int(value)) if is_exact(value.into()) => column.append_value(value as f64),
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
}
