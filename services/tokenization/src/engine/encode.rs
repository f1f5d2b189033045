//! Text → ids, without the template's special tokens: what an engine is, and the reference that all are held against.
//!
//! The reference is the library that Python's `tokenizers` is made of, with the same regex engine. Nothing truncates
//! here: windows are cut on the flat ids, which is exact and costs nothing in the engine.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokenizers::{Encoding, NormalizedString, Normalizer, Tokenizer};

use super::screen::Screen;

/// An engine could not encode a document.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The tokenizer has no id for some text and no unknown token, for example.
    #[error("the tokenizer refused the text: {message}")]
    Refused { message: String },
    /// The library panicked, as its regex engine does when a pattern backtracks beyond its limit.
    #[error("the tokenizer gave up on the text, as it does in Python")]
    GaveUp,
    /// A pattern of the tokenizer would take days.
    #[error("a pattern of the tokenizer takes too long for the text")]
    TooSlow,
    /// The stop flag was raised inside a long document.
    #[error("stopped")]
    Stopped,
}

/// Encodes documents; shared among threads.
pub trait Engine: Send + Sync {
    /// Appends the ids of `text`, as if it were encoded without special tokens, truncation and padding.
    fn encode(&self, text: &str, out: &mut Vec<u32>) -> Result<(), EncodeError>;

    /// Whether the engine is known to be exact on such a text.
    fn takes(&self, _text: &str) -> bool {
        true
    }

    /// The name that a tokenization shows.
    fn name(&self) -> &'static str;

    /// An upper estimate of the working memory for one byte of text, in bytes.
    fn bytes_per_text_byte(&self) -> u64;
}

/// The ids of a text and their places in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    pub ids: Vec<u32>,
    /// Begin and end of each, in characters (Unicode code points), as Python counts them.
    pub offsets: Vec<(usize, usize)>,
}

/// `tokenizers`, as Python has it.
pub struct Reference {
    tokenizer: Tokenizer,
    screen: Option<Screen>,
}

impl Reference {
    /// Takes a tokenizer whose truncation and padding were cleared.
    pub(crate) fn new(tokenizer: Tokenizer) -> Self {
        Self { screen: Screen::new(&tokenizer), tokenizer }
    }

    /// The ids of `text`, and which of them lie in one of the ranges of characters, as `transformers` tells it.
    pub fn encode_with_mask(
        &self,
        text: &str,
        ranges: &[Range<usize>],
        ids: &mut Vec<u32>,
        mask: &mut Vec<bool>,
    ) -> Result<(), EncodeError> {
        let Located { ids: encoded, offsets } = self.encode_with_offsets(text)?;
        let first = mask.len();
        ids.extend(encoded);
        mask.resize(ids.len(), false);
        let mask = &mut mask[first..];
        let mut from = 0;
        let token_of = |at: usize, from: usize| {
            let found = offsets[from..].iter().position(|(start, end)| (*start..*end).contains(&at));
            found.map(|found| from + found)
        };
        for range in ranges {
            let Some(start) = token_of(range.start, from) else { break };
            let end = token_of(range.end - 1, start).map_or(mask.len(), |last| last + 1);
            mask[start..end].fill(true);
            from = start;
        }
        Ok(())
    }

    /// The library panics where it cannot go on; what would not end is not begun.
    fn guarded(
        &self,
        text: &str,
        encode: impl FnOnce() -> tokenizers::Result<Encoding>,
    ) -> Result<Encoding, EncodeError> {
        let guarded = AssertUnwindSafe(|| {
            self.screen.as_ref().map_or(Ok(()), |screen| screen.check(text))?;
            encode().map_err(|error| EncodeError::Refused { message: error.to_string() })
        });
        catch_unwind(guarded).unwrap_or(Err(EncodeError::GaveUp))
    }

    /// What the normaliser makes of an ASCII character, if that is the same or the lower case of it.
    pub(super) fn becomes(&self, character: u8) -> Option<u8> {
        let Some(normalizer) = self.tokenizer.get_normalizer() else { return Some(character) };
        let mut text = NormalizedString::from(char::from(character).to_string());
        normalizer.normalize(&mut text).ok()?;
        let last = text.get().bytes().next_back()?;
        (last == character || last == character.to_ascii_lowercase()).then_some(last)
    }

    /// Whether the normaliser makes of any blanks between two letters what it makes of one space.
    pub(super) fn joins_blanks(&self) -> bool {
        let Some(normalizer) = self.tokenizer.get_normalizer() else { return false };
        let between_letters = |blanks: &str| {
            let mut text = NormalizedString::from(format!("a{blanks}b"));
            normalizer.normalize(&mut text).ok().map(|()| text.get().to_owned())
        };
        let one = between_letters(" ");
        let blanks = || [" ", "\n", "\t", "\r"].into_iter();
        let runs = blanks().flat_map(|a| blanks().flat_map(move |b| blanks().map(move |c| [a, b, c])));
        one.is_some()
            && runs
                .flat_map(|run| [run[..1].concat(), run[..2].concat(), run.concat()])
                .all(|run| between_letters(&run) == one)
    }

    pub(crate) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The ids of `text`, and where in it each stands.
    pub fn encode_with_offsets(&self, text: &str) -> Result<Located, EncodeError> {
        let encoding = self.guarded(text, || self.tokenizer.encode_char_offsets(text, false))?;
        Ok(Located { ids: encoding.get_ids().to_vec(), offsets: encoding.get_offsets().to_vec() })
    }
}

impl Engine for Reference {
    fn encode(&self, text: &str, out: &mut Vec<u32>) -> Result<(), EncodeError> {
        let encoding = self.guarded(text, || self.tokenizer.encode_fast(text, false))?;
        out.extend_from_slice(encoding.get_ids());
        Ok(())
    }

    fn name(&self) -> &'static str {
        "tokenizers"
    }

    // Prose takes 80 to 100, runs of spaces and of combining characters up to 150: a token of one byte is a string.
    fn bytes_per_text_byte(&self) -> u64 {
        160
    }
}
