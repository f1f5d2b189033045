//! Whether a text is a JSON row at all, whatever the rows before it were like.
//!
//! It refuses exactly what the [inference](super::infer) would as a broken row, but changes nothing on the way: a row that
//! breaks off must not leave columns or types behind.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{
    ConvertError,
    infer::{MAX_DEPTH, reason},
    json_text::parsed,
    rows::Row,
};

/// Fails with [`ConvertError::BadLine`], and for no other reason: what is too deep is for others to refuse.
pub(super) fn judge(file: &str, row: &Row<'_>) -> Result<(), ConvertError> {
    let is_deep = Cell::new(false);
    let read = parsed(row.bytes.trim_ascii_end(), |text| {
        let mut json = serde_json::Deserializer::from_slice(text);
        Value { depth: 0, is_deep: &is_deep }.deserialize(&mut json).and_then(|()| json.end())
    });
    match read {
        Err(error) if !is_deep.get() => {
            let line = row.line + error.line().saturating_sub(1) as u64;
            Err(ConvertError::BadLine { file: file.to_owned(), line, why: reason(&error) })
        }
        _ => Ok(()),
    }
}

#[derive(Clone, Copy)]
struct Value<'a> {
    /// 0 is the row itself, which must be an object.
    depth: usize,
    is_deep: &'a Cell<bool>,
}

impl Value<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth < MAX_DEPTH {
            return Ok(Self { depth: self.depth + 1, ..self });
        }
        self.is_deep.set(true);
        Err(E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth == 0 { deserializer.deserialize_map(self) } else { deserializer.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.depth == 0 { "an object" } else { "a value" })
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let item = self.deeper()?;
        while items.next_element_seed(item)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let value = self.deeper()?;
        let mut keys = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            keys.push(key);
            map.next_value_seed(value)?;
        }
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => Err(de::Error::custom(format!("the key `{}` stands twice", twice[0]))),
            None => Ok(()),
        }
    }
}

/// A key, borrowed from the row unless it has escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::infer::Inference;

    #[test]
    fn what_is_bad_is_what_the_inference_calls_a_bad_line() {
        let deep = format!("{}1{}", "{\"a\":".repeat(MAX_DEPTH + 1), "}".repeat(MAX_DEPTH + 1));
        let very_deep = format!("{{\"a\":{}", "[".repeat(200));
        let rows: [&[u8]; 24] = [
            br#"{"a": 1, "b": [1, {"c": null}], "d": -1.5e3, "e": true}"#,
            b"{}",
            b"{\"a\": \"\\u00e9\\n\"}\r\n",
            br#"{"a": 18446744073709551616}"#,
            br#"{"a": 1"#,
            br#"{"a": "1"#,
            br#"{"a": 1} x"#,
            br#"{"a": 1}{}"#,
            br#"{"a": 1,}"#,
            br#"{"a": 1e400}"#,
            br#"{"a": NaN}"#,
            br#"{"a": [-Infinity, {"b": NaN}]}"#,
            br#"{"a": nan}"#,
            br#"{"a": 1, "a": 2}"#,
            br#"{"b": {"a": 1, "c": 1, "\u0061": 2}}"#,
            br#"{"a": "\ud800"}"#,
            b"{\"a\": \"\xff\"}",
            b"{\"a\": \"\x01\"}",
            b"[1]",
            b"1",
            b"null",
            b"\xff\xfe",
            deep.as_bytes(),
            very_deep.as_bytes(),
        ];
        let mut bad = 0;
        for bytes in rows {
            let row = Row { line: 7, bytes };
            let inferred = Inference::default().observe("f", &row);
            let expected = matches!(inferred, Err(ConvertError::BadLine { .. }));
            let judged = judge("f", &row);
            assert_eq!(judged.is_err(), expected, "{}", String::from_utf8_lossy(bytes));
            assert!(matches!(judged, Ok(()) | Err(ConvertError::BadLine { line: 7, .. })));
            bad += usize::from(expected);
        }
        assert_eq!(bad, 16);
    }

    #[test]
    fn what_breaks_off_behind_another_type_is_broken_all_the_same() {
        let row = Row { line: 1, bytes: br#"{"a": [1, "x"], "b"#.as_slice() };
        assert!(judge("f", &row).is_err());
        assert!(judge("f", &Row { line: 1, bytes: br#"{"a": [1, "x"]}"#.as_slice() }).is_ok());
    }
}
