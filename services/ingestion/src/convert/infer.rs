//! The schema of JSON rows, from all of them: columns in the order of their first appearance.
//!
//! Rows are visited by serde without building values. A column keeps the kind that it first had; only null gives way,
//! and integers to floats that hold them. Anything else is an error with line and column, because a guess would change values.

mod known;

use std::{cell::RefCell, collections::HashMap, fmt};

use arrow_schema::{DataType, Field, Fields, Schema};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{ConvertError, conform::is_exact, json_text::parsed, rows::Row};

/// Deeper nesting is refused: readers of Arrow files check their metadata to a limited depth.
pub(super) const MAX_DEPTH: usize = 32;
/// More columns, nested ones included, are refused: keys that are data would make a column each.
const MAX_COLUMNS: usize = 10_000;

/// What was seen of a file's rows.
#[derive(Debug, Default)]
pub(super) struct Inference {
    row: Object,
    columns: usize,
}

#[derive(Debug)]
enum Shape {
    Null,
    Bool,
    Int {
        /// Whether a float holds all of them.
        exact: bool,
    },
    Float,
    Text,
    List(Box<Shape>),
    Object(Object),
}

#[derive(Debug, Default)]
struct Object {
    names: HashMap<String, usize>,
    fields: Vec<Slot>,
    /// Objects seen so far; tells a key that stands twice in one.
    visits: u64,
}

#[derive(Debug)]
struct Slot {
    name: String,
    shape: Shape,
    seen: u64,
}

/// Why serde was told to stop, as its own errors carry only text.
#[derive(Debug)]
enum Refusal {
    Mixed { column: String, expected: &'static str, found: &'static str },
    Complex(String),
}

impl Inference {
    /// Takes a row into account.
    pub(super) fn observe(&mut self, file: &str, row: &Row<'_>) -> Result<(), ConvertError> {
        let context = Context { refusal: RefCell::new(None), columns: RefCell::new(self.columns) };
        let seen = parsed(row.bytes.trim_ascii_end(), |text| {
            let mut json = serde_json::Deserializer::from_slice(text);
            ObserveObject { object: &mut self.row, context: &context, depth: 0 }.deserialize(&mut json)?;
            json.end()
        });
        self.columns = *context.columns.borrow();
        let Err(error) = seen else { return Ok(()) };
        let (file, line) = (file.to_owned(), row.line);
        Err(match context.refusal.into_inner() {
            Some(Refusal::Mixed { column, expected, found }) => {
                ConvertError::MixedTypes { file, line, column, expected, found }
            }
            Some(Refusal::Complex(what)) => ConvertError::TooComplex { file, line, what },
            None => {
                ConvertError::BadLine { file, line: line + error.line().saturating_sub(1) as u64, why: reason(&error) }
            }
        })
    }

    pub(super) fn schema(&self) -> Schema {
        Schema::new(self.row.arrow())
    }
}

/// The parser's words without its own count of lines.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    if error.column() == 0 { text.to_owned() } else { format!("{text} (at byte {})", error.column()) }
}

impl Object {
    fn arrow(&self) -> Fields {
        self.fields.iter().map(|slot| Field::new(&slot.name, slot.shape.arrow(), true)).collect()
    }
}

impl Shape {
    fn arrow(&self) -> DataType {
        match self {
            Self::Null => DataType::Null,
            Self::Bool => DataType::Boolean,
            Self::Int { .. } => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::List(item) => DataType::new_list(item.arrow(), true),
            Self::Object(object) => DataType::Struct(object.arrow()),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Int { exact: true } => "an integer",
            Self::Int { exact: false } => "an integer that no float holds",
            Self::Float => "a number",
            Self::Text => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

struct Context {
    refusal: RefCell<Option<Refusal>>,
    columns: RefCell<usize>,
}

impl Context {
    fn refuse<E: de::Error>(&self, refusal: Refusal) -> E {
        *self.refusal.borrow_mut() = Some(refusal);
        E::custom("refused")
    }

    /// Adds the name of the column around the place that was refused.
    fn within(&self, name: &str) {
        if let Some(Refusal::Mixed { column, .. }) = self.refusal.borrow_mut().as_mut() {
            *column = if column.is_empty() { name.to_owned() } else { format!("{name}.{column}") };
        }
    }

    fn deeper<E: de::Error>(&self, depth: usize) -> Result<usize, E> {
        if depth < MAX_DEPTH {
            return Ok(depth + 1);
        }
        Err(self.refuse(Refusal::Complex(format!("more than {MAX_DEPTH} nested levels"))))
    }
}

struct ObserveObject<'a> {
    object: &'a mut Object,
    context: &'a Context,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for ObserveObject<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObserveObject<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { object, context, depth } = self;
        let depth = context.deeper(depth)?;
        object.visits += 1;
        // Rows mostly have the same keys in the same order.
        let mut expected = 0;
        while let Some(at) = map.next_key_seed(Key { object: &mut *object, context, expected })? {
            expected = at + 1;
            let slot = &mut object.fields[at];
            if slot.seen == object.visits {
                return Err(de::Error::custom(format!("the key `{}` stands twice", slot.name)));
            }
            slot.seen = object.visits;
            let value = Observe { shape: &mut slot.shape, context, depth };
            map.next_value_seed(value).inspect_err(|_| context.within(&slot.name))?;
        }
        Ok(())
    }
}

/// Finds or adds the field that a key names.
struct Key<'a> {
    object: &'a mut Object,
    context: &'a Context,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        if self.object.fields.get(self.expected).is_some_and(|slot| slot.name == name) {
            return Ok(self.expected);
        }
        if let Some(at) = self.object.names.get(name) {
            return Ok(*at);
        }
        let mut columns = self.context.columns.borrow_mut();
        *columns += 1;
        if *columns > MAX_COLUMNS {
            return Err(self.context.refuse(Refusal::Complex(format!("column number {MAX_COLUMNS} and more"))));
        }
        let at = self.object.fields.len();
        self.object.names.insert(name.to_owned(), at);
        self.object.fields.push(Slot { name: name.to_owned(), shape: Shape::Null, seen: 0 });
        Ok(at)
    }
}

/// A value of a column.
struct Observe<'a> {
    shape: &'a mut Shape,
    context: &'a Context,
    depth: usize,
}

impl Observe<'_> {
    fn scalar<E: de::Error>(self, found: Shape) -> Result<(), E> {
        match (&mut *self.shape, &found) {
            (Shape::Int { exact: all }, Shape::Int { exact }) => *all &= exact,
            (Shape::Bool, Shape::Bool)
            | (Shape::Float, Shape::Int { exact: true } | Shape::Float)
            | (Shape::Text, Shape::Text) => {}
            (Shape::Null, _) | (Shape::Int { exact: true }, Shape::Float) => *self.shape = found,
            _ => return Err(self.mixed(found.name())),
        }
        Ok(())
    }

    fn mixed<E: de::Error>(&self, found: &'static str) -> E {
        self.context.refuse(Refusal::Mixed { column: String::new(), expected: self.shape.name(), found })
    }
}

impl<'de> DeserializeSeed<'de> for Observe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Observe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.scalar(Shape::Bool)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(Shape::Int { exact: is_exact(value.into()) })
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        let exact = is_exact(value.into());
        self.scalar(if i64::try_from(value).is_ok() { Shape::Int { exact } } else { Shape::Float })
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.scalar(Shape::Float)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.scalar(Shape::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if matches!(self.shape, Shape::Null) {
            *self.shape = Shape::List(Box::new(Shape::Null));
        }
        let depth = self.context.deeper(self.depth)?;
        let Shape::List(item) = &mut *self.shape else { return Err(self.mixed("a list")) };
        while items.next_element_seed(Observe { shape: item, context: self.context, depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        if matches!(self.shape, Shape::Null) {
            *self.shape = Shape::Object(Object::default());
        }
        let Shape::Object(object) = &mut *self.shape else { return Err(self.mixed("an object")) };
        ObserveObject { object, context: self.context, depth: self.depth }.visit_map(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(rows: &[&str]) -> Result<String, ConvertError> {
        let mut inference = Inference::default();
        for (row, line) in rows.iter().zip(1..) {
            inference.observe("f.jsonl", &Row { line, bytes: row.as_bytes() })?;
        }
        let show = |f: &std::sync::Arc<Field>| format!("{}: {}", f.name(), f.data_type());
        Ok(inference.schema().fields().iter().map(show).collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn kinds_and_order() {
        let rows = [r#"{"z": 1, "a": null, "t": "x", "b": true}"#, r#"{"a": 1.5, "z": 3, "n": null}"#];
        assert_eq!(infer(&rows).unwrap(), "z: Int64; a: Float64; t: Utf8; b: Boolean; n: Null");
        assert_eq!(infer(&[r#"{"i": 1}"#, r#"{"i": 2e0}"#]).unwrap(), "i: Float64");
        assert_eq!(infer(&[r#"{"i": 18446744073709551615}"#]).unwrap(), "i: Float64");
        let nested = [r#"{"l": [], "o": {"x": [null]}}"#, r#"{"l": [[1]], "o": {"y": "s", "x": [{"k": 1}]}}"#];
        let nested = infer(&nested).unwrap();
        assert_eq!(nested, r#"l: List(List(Int64)); o: Struct("x": List(Struct("k": Int64)), "y": Utf8)"#);
    }

    #[test]
    fn a_mixed_column_is_named_with_its_line() {
        let error = infer(&[r#"{"a": {"b": [1]}}"#, r#"{"a": {"b": ["x"]}}"#]).unwrap_err();
        let expected = "column `a.b` of `f.jsonl` is text at line 2, but an integer before";
        assert_eq!(error.to_string(), expected);
        for (first, second) in [("1", "true"), ("{}", "[]"), ("[]", "1"), ("\"\"", "{}")] {
            let rows = [format!("{{\"a\":{first}}}"), format!("{{\"a\":{second}}}")];
            let error = infer(&[rows[0].as_str(), rows[1].as_str()]).unwrap_err();
            assert!(matches!(error, ConvertError::MixedTypes { line: 2, .. }), "{error}");
        }
    }

    #[test]
    fn integers_that_no_float_holds_stay_integers() {
        let (large, half) = (r#"{"a": [9007199254740993]}"#, r#"{"a": [0.5]}"#);
        assert_eq!(infer(&[large, r#"{"a": [1, null]}"#]).unwrap(), "a: List(Int64)");
        assert_eq!(infer(&[r#"{"a": [9007199254740992]}"#, half]).unwrap(), "a: List(Float64)");
        let found = infer(&[half, large]).unwrap_err().to_string();
        assert_eq!(found, "column `a` of `f.jsonl` is an integer that no float holds at line 2, but a number before");
        assert!(matches!(infer(&[large, "{}", half]), Err(ConvertError::MixedTypes { line: 3, .. })));
    }

    #[test]
    fn broken_rows() {
        for (row, word) in [
            (r#"{"a": 1"#, "EOF"),
            (r#"{"a": 1} x"#, "trailing"),
            (r#"{"a": 1, "a": 2}"#, "`a` stands twice"),
            (r#"{"a": 1e400}"#, "out of range"),
            ("[1]", "expected an object"),
            ("1", "expected an object"),
        ] {
            match infer(&["{}", row]).unwrap_err() {
                ConvertError::BadLine { line: 2, why, .. } => assert!(why.contains(word), "{row}: {why}"),
                other => panic!("{row}: {other}"),
            }
        }
        let mut inference = Inference::default();
        let error = inference.observe("f", &Row { line: 7, bytes: b"{\"a\": \"\xff\"}" }).unwrap_err();
        assert!(matches!(error, ConvertError::BadLine { line: 7, .. }), "{error}");
    }

    #[test]
    fn hostile_shapes_are_refused() {
        let deep = format!("{}{}{}", "{\"a\":".repeat(MAX_DEPTH), "{}", "}".repeat(MAX_DEPTH));
        assert!(matches!(infer(&[&deep]), Err(ConvertError::TooComplex { line: 1, .. })));
        let keys: Vec<String> = (0..=MAX_COLUMNS).map(|n| format!("\"{n}\":1")).collect();
        let wide = format!("{{{}}}", keys.join(","));
        assert!(matches!(infer(&[&wide]), Err(ConvertError::TooComplex { .. })));
    }
}
