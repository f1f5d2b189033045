//! What is refused of a `tokenizer.json` before anything is built of it.
//!
//! A vocabulary takes some twenty times its text in memory once it is built, so it is counted in the text first.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::parse::{MAX_VOCABULARY, TokenizerError};

/// Refuses a file whose vocabulary is too large. What is no such file is left to the parser, who can say why.
pub(super) fn check(json: &[u8]) -> Result<(), TokenizerError> {
    let Ok(file) = serde_json::from_slice::<File>(json) else { return Ok(()) };
    let count = file.model.vocab.entries.saturating_add(file.added_tokens.entries);
    if count <= u64::from(MAX_VOCABULARY) {
        return Ok(());
    }
    Err(TokenizerError::VocabularyTooLarge { tokens: count })
}

#[derive(serde::Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Counted,
    #[serde(default)]
    model: Model,
}

#[derive(Default, serde::Deserialize)]
struct Model {
    #[serde(default)]
    vocab: Counted,
}

/// The entries of an object or a list; of anything else, none.
#[derive(Default)]
struct Counted {
    entries: u64,
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Counter)
    }
}

struct Counter;

impl<'de> Visitor<'de> for Counter {
    type Value = Counted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counted, A::Error> {
        let mut counted = Counted::default();
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            counted.entries += 1;
        }
        Ok(counted)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counted, A::Error> {
        let mut counted = Counted::default();
        while list.next_element::<IgnoredAny>()?.is_some() {
            counted.entries += 1;
        }
        Ok(counted)
    }

    fn visit_unit<E>(self) -> Result<Counted, E> {
        Ok(Counted::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_wherever_they_stand() {
        let of = |vocab: &str, added: usize| {
            let added = vec!["{}"; added].join(",");
            check(format!(r#"{{"x": [1], "added_tokens": [{added}], "model": {{"vocab": {vocab}}}}}"#).as_bytes())
        };
        let list = |count: u32| format!("[{}]", vec!["[\"a\",0]"; count as usize].join(","));
        assert!(of(&list(MAX_VOCABULARY), 0).is_ok());
        let refused = of(&list(MAX_VOCABULARY), 1).unwrap_err();
        assert_eq!(refused.to_string(), "the vocabulary has 2000001 tokens; the limit is 2000000");
        assert!(of(r#"{"a": 1, "b": 2}"#, 3).is_ok() && of("null", 0).is_ok() && of("7", 0).is_ok());
    }
}
