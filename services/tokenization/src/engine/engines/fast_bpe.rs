//! `fastokens` for byte-level and SentencePiece-like BPE.
//!
//! A hand-written pre-tokenizer instead of a regex, and a cache of pre-tokens for each thread that stays with it from
//! task to task. From 64 KiB on it spreads one text over threads of its own.

use std::collections::HashSet;

use serde_json::Value;

use super::Kind;
use crate::engine::encode::{EncodeError, Engine};
use crate::engine::parse::MAX_VOCABULARY;

pub(super) struct FastBpe {
    tokenizer: fastokens::Tokenizer,
    kind: Kind,
}

impl FastBpe {
    pub(super) fn load(mut json: Value, kind: Kind) -> Result<Box<dyn Engine>, String> {
        if kind == Kind::ByteLevelBpe {
            fill_holes(&mut json);
        }
        join_merges(&mut json);
        let tokenizer = fastokens::Tokenizer::from_json(json).map_err(|error| error.to_string())?;
        Ok(Box::new(Self { tokenizer, kind }))
    }
}

/// Gives each id without a token one that no text can give, as the library knows no holes: byte-level text has no
/// private characters.
fn fill_holes(json: &mut Value) {
    let Some(vocab) = json.pointer_mut("/model/vocab").and_then(Value::as_object_mut) else { return };
    let used: HashSet<u64> = vocab.values().filter_map(Value::as_u64).collect();
    let end = used.iter().max().map_or(0, |id| id + 1).min(MAX_VOCABULARY.into());
    for id in (0..end).filter(|id| !used.contains(id)) {
        vocab.insert(format!("\u{F0000}{id}"), id.into());
    }
}

/// Writes each merge as one text, the older way, where it stands as two: the library keeps all of them until it is built,
/// and 500,000 pairs take 60 MB more.
fn join_merges(json: &mut Value) {
    let merges = json.pointer_mut("/model/merges").and_then(Value::as_array_mut);
    for merge in merges.into_iter().flatten() {
        if let Some([Value::String(left), Value::String(right)]) = merge.as_array().map(Vec::as_slice)
            && ![left, right].iter().any(|part| part.contains(' '))
        {
            *merge = format!("{left} {right}").into();
        }
    }
}

impl Engine for FastBpe {
    fn encode(&self, text: &str, out: &mut Vec<u32>) -> Result<(), EncodeError> {
        let refused = |error: fastokens::Error| EncodeError::Refused { message: error.to_string() };
        out.extend_from_slice(&self.tokenizer.encode(text).map_err(refused)?);
        Ok(())
    }

    fn name(&self) -> &'static str {
        "fastokens"
    }

    fn bytes_per_text_byte(&self) -> u64 {
        match self.kind {
            Kind::ByteLevelBpe => 12,
            _ => 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merges_of_two_texts_become_one_that_falls_apart_into_the_same() {
        let merges = json!([["a", "b"], ["ab", "c"], "c d", ["a b", "c"], ["a", " "], ["a"], [1, 2]]);
        let mut json = json!({"model": {"merges": merges}});
        join_merges(&mut json);
        let joined = json!(["a b", "ab c", "c d", ["a b", "c"], ["a", " "], ["a"], [1, 2]]);
        assert_eq!(json, json!({"model": {"merges": joined}}));
        for mut without in [json!({"model": {}}), json!({"model": {"merges": "a b"}}), json!(null)] {
            let before = without.clone();
            join_merges(&mut without);
            assert_eq!(without, before);
        }
    }
}
