//! `splintr` for WordPiece and Unigram.
//!
//! It normalises in one pass over the text and finds pieces in tries, where the reference makes strings of both.

use serde_json::Value;
use splintr::AnyTokenizer;

use super::Kind;
use crate::engine::encode::{EncodeError, Engine};

/// Bytes of a word in which the scores of pieces surely add up as in the reference: among the 50,000 pieces of a word of
/// 100 KB they were found to round differently.
const LONGEST_WORD: usize = 1000;

pub(super) struct Trie {
    tokenizer: AnyTokenizer,
    kind: Kind,
}

impl Trie {
    pub(super) fn load(json: &Value, kind: Kind) -> Result<Box<dyn Engine>, String> {
        let json = serde_json::to_vec(json).map_err(|error| error.to_string())?;
        let tokenizer = splintr::from_json_bytes(&json).map_err(|error| error.to_string())?;
        Ok(Box::new(Self { tokenizer, kind }))
    }
}

impl Engine for Trie {
    fn encode(&self, text: &str, out: &mut Vec<u32>) -> Result<(), EncodeError> {
        out.extend_from_slice(&self.tokenizer.encode_raw(text));
        Ok(())
    }

    fn takes(&self, text: &str) -> bool {
        let is_long = |word: &[u8]| word.len() > LONGEST_WORD;
        self.kind != Kind::Unigram || !text.as_bytes().split(u8::is_ascii_whitespace).any(is_long)
    }

    fn name(&self) -> &'static str {
        "splintr"
    }

    fn bytes_per_text_byte(&self) -> u64 {
        16
    }
}
