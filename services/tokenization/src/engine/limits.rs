//! What is refused of a `tokenizer.json` before anything is built of it.
//!
//! The file comes from a stranger. A vocabulary takes some twenty times its text in memory once it is built, so it is
//! counted in the text first; and what makes a short text long, or each character of it slow, is bounded, as nothing
//! can stop the library in between.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::parse::{MAX_VOCABULARY, TokenizerError};

mod growth;

/// Upper limit of a normaliser, and of each other step, in bytes of JSON. Known ones take 0.3 MB.
const MAX_STEP_BYTES: usize = 4 << 20;
/// Upper limit of `max_input_chars_per_word`: WordPiece tries each part of a word. Known ones have 100.
const MAX_WORD: u64 = 1000;
/// Upper limit of a piece of a Unigram vocabulary, in bytes: each is tried at each character. Known ones have 48.
const MAX_PIECE: u64 = 512;

/// Refuses a file that would take too much memory or time. What is no such file is left to the parser, who can say why.
pub(super) fn check(json: &[u8]) -> Result<(), TokenizerError> {
    let Ok(file) = serde_json::from_slice::<File<'_>>(json) else { return Ok(()) };
    if file.tokens > u64::from(MAX_VOCABULARY) {
        return Err(TokenizerError::VocabularyTooLarge { tokens: file.tokens });
    }
    bound("`max_input_chars_per_word`", file.longest_word, MAX_WORD)?;
    bound("the bytes of the longest piece", file.longest_piece, MAX_PIECE)?;
    for step in file.steps {
        bound("the bytes of a step", step.get().len() as u64, MAX_STEP_BYTES as u64)?;
        growth::check(step)?;
    }
    Ok(())
}

fn bound(what: &'static str, found: u64, limit: u64) -> Result<(), TokenizerError> {
    if found > limit { Err(TokenizerError::TooMuch { what, found, limit }) } else { Ok(()) }
}

/// What is bounded, of a whole file or of its model. Of keys that come twice both count.
#[derive(Default)]
struct File<'a> {
    tokens: u64,
    longest_word: u64,
    longest_piece: u64,
    /// Normalisers, and what is like one.
    steps: Vec<&'a RawValue>,
}

impl<'de> Deserialize<'de> for File<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FileVisitor)
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = File<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File<'de>, A::Error> {
        let mut file = File::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "added_tokens" => file.tokens += map.next_value::<Scanned>()?.entries,
                "vocab" => {
                    let vocab: Scanned = map.next_value()?;
                    file.tokens += vocab.entries;
                    file.longest_piece = file.longest_piece.max(vocab.longest_first);
                }
                "max_input_chars_per_word" => file.longest_word = map.next_value::<Scanned>()?.number,
                "normalizer" | "pre_tokenizer" | "post_processor" | "decoder" => file.steps.push(map.next_value()?),
                "model" => {
                    let model: Self::Value = map.next_value()?;
                    file.tokens += model.tokens;
                    file.longest_word = file.longest_word.max(model.longest_word);
                    file.longest_piece = file.longest_piece.max(model.longest_piece);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(file)
    }
}

/// What is looked at of any value, without keeping it.
#[derive(Default)]
struct Scanned {
    /// Of an object or a list.
    entries: u64,
    /// The bytes of a text.
    bytes: u64,
    number: u64,
    /// The bytes of a list's first entry, if that is a text.
    first: u64,
    /// The longest such text of the lists in a list: a Unigram vocabulary has pieces and scores.
    longest_first: u64,
}

impl<'de> Deserialize<'de> for Scanned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scan)
    }
}

struct Scan;

impl<'de> Visitor<'de> for Scan {
    type Value = Scanned;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scanned, A::Error> {
        let mut scanned = Scanned::default();
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            scanned.entries += 1;
        }
        Ok(scanned)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scanned, A::Error> {
        let mut scanned = Scanned::default();
        while let Some(entry) = list.next_element::<Scanned>()? {
            if scanned.entries == 0 {
                scanned.first = entry.bytes;
            }
            scanned.entries += 1;
            scanned.longest_first = scanned.longest_first.max(entry.first);
        }
        Ok(scanned)
    }

    fn visit_str<E>(self, text: &str) -> Result<Scanned, E> {
        Ok(Scanned { bytes: text.len() as u64, ..Scanned::default() })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scanned, E> {
        Ok(Scanned { number, ..Scanned::default() })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Scanned, E> {
        Ok(Scanned::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Scanned, E> {
        Ok(Scanned::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scanned, E> {
        Ok(Scanned::default())
    }

    fn visit_unit<E>(self) -> Result<Scanned, E> {
        Ok(Scanned::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(model: &str, added: usize) -> Result<(), TokenizerError> {
        let added = vec!["{}"; added].join(",");
        check(format!(r#"{{"x": [1], "added_tokens": [{added}], "model": {{{model}}}}}"#).as_bytes())
    }

    #[test]
    fn entries_are_counted_wherever_they_stand() {
        let list = |count: u32| format!(r#""vocab": [{}]"#, vec!["[\"a\",0]"; count as usize].join(","));
        assert!(of(&list(MAX_VOCABULARY), 0).is_ok());
        let refused = of(&list(MAX_VOCABULARY), 1).unwrap_err();
        assert_eq!(refused.to_string(), "the vocabulary has 2000001 tokens; the limit is 2000000");
        let twice = of(&format!(r#"{}, "vocab": {{"a": 1}}"#, list(MAX_VOCABULARY)), 0);
        assert!(matches!(twice, Err(TokenizerError::VocabularyTooLarge { tokens: 2_000_001 })), "{twice:?}");
        assert!(of(r#""vocab": {"a": 1, "b": 2}"#, 3).is_ok() && of(r#""vocab": null"#, 0).is_ok());
        assert!(of(r#""vocab": 7, "x": [1.5, -1, true, "a"]"#, 0).is_ok() && check(br#"{"model": 7}"#).is_ok());
    }

    #[test]
    fn what_makes_each_character_slow_is_refused() {
        let words = |most: u64| of(&format!(r#""vocab": {{"a": 0}}, "max_input_chars_per_word": {most}"#), 0);
        assert!(words(MAX_WORD).is_ok());
        let refused = words(1_000_000_000).unwrap_err().to_string();
        assert_eq!(refused, "`max_input_chars_per_word` is 1000000000; the limit is 1000");
        let piece = |length: u64| {
            of(&format!(r#""vocab": [["a", 0], ["{}", 0]]"#, "a".repeat(usize::try_from(length).unwrap())), 0)
        };
        assert!(piece(MAX_PIECE).is_ok() && piece(MAX_PIECE + 1).is_err());
        let steps = format!(r#"{{"decoder": "{}"}}"#, "a".repeat(MAX_STEP_BYTES));
        assert!(check(steps.as_bytes()).is_err());
    }
}
