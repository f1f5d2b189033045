//! JSON as strangers write it, in the form that each of the two parsers reads rightly: other bytes for the same values.
//!
//! `arrow-json` 60.1 joins a pair of escaped surrogates wrongly in every second plane: it takes `|` for `+`. And neither
//! it nor serde knows the numbers that JSON does not have but Python writes, `NaN` and the infinities.

use std::{borrow::Cow, ops::Range};

use memchr::{memchr2, memchr3, memmem};

use super::jsonl::flat::escape;

/// Whether the decoder of columns might read something wrongly: a fast look at many rows at once.
pub(super) fn may_be_odd(rows: &[u8]) -> bool {
    ["\\ud", "\\uD", "NaN", "Infinity"].iter().any(|sign| memmem::find(rows, sign.as_bytes()).is_some())
}

/// The row for the decoder of columns, which takes numbers in quotes for a column of these.
pub(super) fn for_columns(row: &[u8]) -> Cow<'_, [u8]> {
    rewritten(row, |odd, written, out| match odd {
        Odd::Pair(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        Odd::Number => out.extend_from_slice(&[b"\"", written, b"\""].concat()),
    })
}

/// Parses a row as it stands, and when that fails once more with zeros for the numbers that serde does not know: they
/// have the same length, so that errors keep their places.
pub(super) fn parsed(
    row: &[u8],
    mut parse: impl FnMut(&[u8]) -> Result<(), serde_json::Error>,
) -> Result<(), serde_json::Error> {
    parse(row).or_else(|error| {
        let known = rewritten(row, |odd, written, out| match odd {
            Odd::Pair(_) => out.extend_from_slice(written),
            Odd::Number => {
                const ZERO: &[u8] = b"-0.000000";
                let begin = usize::from(written[0] != b'-');
                out.extend_from_slice(&ZERO[begin..begin + written.len()]);
            }
        });
        match known {
            Cow::Borrowed(_) => Err(error),
            Cow::Owned(known) => parse(&known),
        }
    })
}

/// `write` is told what stands there, and in which bytes.
fn rewritten(row: &[u8], write: impl Fn(Odd, &[u8], &mut Vec<u8>)) -> Cow<'_, [u8]> {
    let (mut out, mut copied) = (Vec::new(), 0);
    for (place, odd) in (Oddities { row, at: 0, in_text: false }) {
        out.extend_from_slice(&row[copied..place.start]);
        write(odd, &row[place.clone()], &mut out);
        copied = place.end;
    }
    if copied == 0 {
        return Cow::Borrowed(row);
    }
    out.extend_from_slice(&row[copied..]);
    Cow::Owned(out)
}

/// What is not read rightly as it stands.
enum Odd {
    /// A character written as two escapes.
    Pair(char),
    /// With its sign.
    Number,
}

/// The oddities of a row from its beginning on; knows just enough of JSON to tell what is text.
struct Oddities<'a> {
    row: &'a [u8],
    at: usize,
    in_text: bool,
}

impl Iterator for Oddities<'_> {
    type Item = (Range<usize>, Odd);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.row.get(self.at..)?;
            let found = if self.in_text { memchr2(b'"', b'\\', rest)? } else { memchr3(b'"', b'N', b'I', rest)? };
            let (begin, rest) = (self.at + found, &rest[found..]);
            self.at = begin + 1;
            match rest[0] {
                b'"' => self.in_text = !self.in_text,
                b'\\' => match pair(rest) {
                    Some(character) => {
                        self.at = begin + PAIR;
                        return Some((begin..self.at, Odd::Pair(character)));
                    }
                    // What is escaped ends no text and begins no escape.
                    None => self.at = begin + 2,
                },
                _ => {
                    if let Some(place) = number(self.row, begin) {
                        self.at = place.end;
                        return Some((place, Odd::Number));
                    }
                }
            }
        }
    }
}

/// The length of a pair, such as `\ud83d\ude00`.
const PAIR: usize = 12;

fn pair(text: &[u8]) -> Option<char> {
    escape(text).filter(|(_, length)| *length == PAIR).map(|(character, _)| character)
}

/// The place of a number that begins there, or behind its sign, and stands where a value may.
fn number(row: &[u8], name: usize) -> Option<Range<usize>> {
    let length = ["NaN", "Infinity"].iter().find(|number| row[name..].starts_with(number.as_bytes()))?.len();
    let place = name - usize::from(row[..name].ends_with(b"-"))..name + length;
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b":,[]}".contains(byte);
    let is_whole = row[..place.start].last().is_some_and(is_end) && row.get(place.end).is_none_or(is_end);
    is_whole.then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IgnoredAny;

    fn columns(row: &str) -> String {
        assert_eq!(may_be_odd(row.as_bytes()), row.contains("\\u") || row.contains("NaN") || row.contains("Infinity"));
        String::from_utf8(for_columns(row.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn pairs_of_every_plane_become_characters() {
        for plane in 1..=16 {
            let character = char::from_u32((plane << 16) + 0xfb7).unwrap();
            let mut units = [0; 2];
            let [high, low] = *character.encode_utf16(&mut units) else { panic!("{character}") };
            for escaped in [format!("\\u{high:04x}\\u{low:04x}"), format!("\\u{high:04X}\\u{low:04X}")] {
                let row = |text: &str| format!(r#"{{"{text}": "a{text}\"{text}", "b": 1}}"#);
                assert_eq!(columns(&row(&escaped)), row(&character.to_string()));
            }
        }
    }

    #[test]
    fn what_is_no_pair_stays() {
        for row in
            [r#"{"a": "\\ud842\\udfb7"}"#, r#"{"a": "\ud842"}"#, r#"{"a": "\udfb7\ud842"}"#, r#"{"a": "\ud842\u0041"}"#]
        {
            assert_eq!(columns(row), row);
        }
        assert_eq!(columns(r#"{"a": "\\\ud842\udfb7"}"#), "{\"a\": \"\\\\\u{20bb7}\"}");
    }

    #[test]
    fn numbers_stand_where_values_do() {
        assert_eq!(columns(r#"{"a":NaN,"b":[-Infinity , Infinity]}"#), r#"{"a":"NaN","b":["-Infinity" , "Infinity"]}"#);
        for row in [r#"{"NaN": "\"NaN, Infinity"}"#, r#"{"a": 1NaN}"#, r#"{"a": NaN5}"#, r#"{"a": --Infinity}"#] {
            assert_eq!(columns(row), row);
        }
        let parses = |row: &str| {
            parsed(row.as_bytes(), |row| serde_json::from_slice::<IgnoredAny>(row).map(drop)).map_err(|e| e.column())
        };
        assert_eq!(parses(r#"{"a": [NaN, -NaN, Infinity], "t": "\ud842\udfb7", "b":-Infinity}"#), Ok(()));
        assert_eq!(parses(r#"{"a": NaN, "b": ?}"#), Err(17));
        assert!(["{NaN: 1}", r#"{"a": 1NaN}"#, r#"{"a": NaN5}"#].iter().all(|row| parses(row).is_err()));
    }
}
