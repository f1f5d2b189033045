//! Which engine serves a tokenizer, and each piece of a document.
//!
//! The reference can serve everything. A faster engine serves a tokenizer when every construct of its `tokenizer.json`
//! is one that the engine knows ([`shape`]), and when both gave the same ids for a hostile sample at load ([`sample`]).
//! Afterwards a text falls into words that have their ids by themselves ([`cuts`]), those that were not seen before
//! ([`words`]) into [`parts`]. What was not seen of these is encoded: by the rules of its model if it is [`short`], else
//! by the fast engine, or by the reference when it holds a code point on which the two differ ([`code_points`]) or the
//! fast engine fails.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;
use thread_local::ThreadLocal;

use super::encode::{EncodeError, Engine, Reference};

mod code_points;
mod cuts;
mod fast_bpe;
mod parts;
mod sample;
mod shape;
mod short;
mod trie;
mod words;

use code_points::CodePoints;
use cuts::Cuts;
use short::Short;
use words::{Rules, Words};

/// Whether a pattern of a `tokenizer.json` is one that its engines know.
pub(super) fn is_known_pattern(source: &str) -> bool {
    shape::is_known_pattern(source)
}

/// Characters of a text that are told.
const SHOWN: usize = 40;
/// A longer text is encoded bit by bit.
const LONG: usize = 48 * 1024;
/// A piece is at least so long: fast engines start threads of their own from 64 KiB on, which are not ours to count.
const PIECE: usize = 24 * 1024;
/// Bytes of an id while it is kept and while it is copied into its column.
const ID_BYTES: u64 = 8;

/// Which engines may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineChoice {
    /// The fastest exact one.
    #[default]
    Auto,
    /// The reference, whatever the tokenizer.
    Reference,
}

/// Why the reference serves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the settings ask for the reference")]
    Setting,
    #[error("tokenizer.json has a construct that no faster engine knows")]
    Unknown,
    #[error("the faster engine cannot load it: {message}")]
    Unloadable { message: String },
    /// On a text of the sample, of which this is the start.
    #[error("the faster engine differs on the text `{start}`")]
    Differs { start: String },
}

/// The engines of one tokenizer; shared among threads and tasks, and warm after the first.
pub struct Encoder {
    reference: Reference,
    fast: Result<Fast, Refused>,
}

struct Fast {
    engine: Box<dyn Engine>,
    agreed: CodePoints,
    /// How texts fall into words, if they do.
    cuts: Option<Cuts>,
    /// What does without the engine.
    short: Option<Short>,
    /// What each thread has seen, while it encodes nothing; none beside an engine that does the same and better.
    words: Option<ThreadLocal<Cell<Option<Box<Words>>>>>,
}

impl Encoder {
    /// `json` is the `tokenizer.json` that `reference` was made of. It goes before an engine takes its memory.
    pub(super) fn new(reference: Reference, json: Vec<u8>, choice: EngineChoice) -> Self {
        let loaded = match choice {
            EngineChoice::Auto => {
                let parsed = serde_json::from_slice(&json).map_err(|_| Refused::Unknown);
                drop(json);
                parsed.and_then(|json| Fast::load(json, &reference))
            }
            EngineChoice::Reference => Err(Refused::Setting),
        };
        let (fast, added) = match loaded {
            Ok((fast, added)) => (Ok(fast), added),
            Err(refused) => (Err(refused), Vec::new()),
        };
        let mut encoder = Self { reference, fast };
        if let Ok(fast) = &encoder.fast {
            let around = sample::around(&added, |text| encoder.agrees(fast, text));
            if let Some(text) = sample::texts().iter().chain(&around).find(|text| !encoder.is_exact(text)) {
                encoder.fast = Err(Refused::Differs { start: text.chars().take(SHOWN).collect() });
            }
        }
        if let Some(reason) = encoder.refused() {
            tracing::info!(%reason, "the reference engine serves a tokenizer");
        }
        encoder
    }

    /// Whether what is served equals what the reference makes of the whole text.
    fn is_exact(&self, text: &str) -> bool {
        let (mut served, mut expected) = (Vec::new(), Vec::new());
        let encoded = self.encode(text, &|| false, &mut served).is_ok();
        encoded == self.reference.encode(text, &mut expected).is_ok() && served == expected
    }

    /// The name of the engine that serves, but for single pieces.
    pub fn name(&self) -> &'static str {
        self.fast.as_ref().map_or(self.reference.name(), |fast| fast.engine.name())
    }

    /// Why no faster engine serves.
    pub fn refused(&self) -> Option<&Refused> {
        self.fast.as_ref().err()
    }

    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Appends the ids of `text`; asks `stop` inside a long one.
    pub fn encode(&self, text: &str, stop: &dyn Fn() -> bool, out: &mut Vec<u32>) -> Result<(), EncodeError> {
        let Ok(fast) = &self.fast else { return self.reference.encode(text, out) };
        let Some(cuts) = &fast.cuts else { return self.piece(fast, text, out) };
        let Some(words) = &fast.words else { return self.pieces(fast, cuts, text, stop, out) };
        // Taken out: an engine with threads of its own may come back to this thread before it has ended.
        let place = words.get_or_default();
        let mut seen = place.take().unwrap_or_else(|| Box::new(Words::new()));
        let rules = Rules { cuts, short: fast.short.as_ref(), stop };
        let encoded = seen.encode(text, &rules, out, |word, out| self.piece(fast, word, out));
        place.set(Some(seen));
        encoded
    }

    /// A long text bit by bit, any other as a whole.
    fn pieces(
        &self,
        fast: &Fast,
        cuts: &Cuts,
        text: &str,
        stop: &dyn Fn() -> bool,
        out: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        if text.len() <= LONG {
            return self.piece(fast, text, out);
        }
        for piece in cuts.pieces(text, PIECE) {
            if stop() {
                return Err(EncodeError::Stopped);
            }
            self.piece(fast, piece, out)?;
        }
        Ok(())
    }

    fn piece(&self, fast: &Fast, text: &str, out: &mut Vec<u32>) -> Result<(), EncodeError> {
        if self.agrees(fast, text) {
            let before = out.len();
            if let Ok(Ok(())) = catch_unwind(AssertUnwindSafe(|| fast.engine.encode(text, out))) {
                return Ok(());
            }
            // What the fast one cannot do, the reference decides.
            out.truncate(before);
        }
        self.reference.encode(text, out)
    }

    fn agrees(&self, fast: &Fast, text: &str) -> bool {
        let compare = |probe: &str| {
            let (mut ours, mut expected) = (Vec::new(), Vec::new());
            let encoded = catch_unwind(AssertUnwindSafe(|| fast.engine.encode(probe, &mut ours)));
            matches!(encoded, Ok(Ok(()))) && self.reference.encode(probe, &mut expected).is_ok() && ours == expected
        };
        fast.engine.takes(text) && fast.agreed.hold(text, compare)
    }

    /// The same as [`Self::memory`] of a text that nobody has yet, of so many bytes.
    pub fn memory_for(&self, text_bytes: usize) -> u64 {
        let engine = self.fast.as_ref().map_or(&self.reference as &dyn Engine, |fast| &*fast.engine);
        (text_bytes as u64).saturating_mul(engine.bytes_per_text_byte() + ID_BYTES)
    }

    /// An upper estimate of the working memory for `text`, in bytes.
    pub fn memory(&self, text: &str) -> u64 {
        let length = text.len() as u64;
        let Ok(fast) = &self.fast else { return length.saturating_mul(self.reference.bytes_per_text_byte()) };
        if text.len() <= LONG {
            return length * fast.engine.bytes_per_text_byte();
        }
        let piece = |piece: &str| {
            let is_fast = piece.len() <= LONG || self.agrees(fast, piece);
            let engine = if is_fast { &*fast.engine } else { &self.reference };
            engine.bytes_per_text_byte().saturating_mul(piece.len() as u64)
        };
        // Engines that see words see them one by one.
        let least = if fast.words.is_some() { 0 } else { PIECE };
        let pieces = |cuts: &Cuts| cuts.pieces(text, least).map(piece).max().unwrap_or(0);
        let largest = fast.cuts.as_ref().map_or_else(|| piece(text), pieces);
        largest.saturating_add(length * ID_BYTES)
    }
}

impl Fast {
    /// The engine for the tokenizer, not yet compared with anything, and the texts of the added tokens.
    fn load(mut json: Value, reference: &Reference) -> Result<(Self, Vec<String>), Refused> {
        let mut shape = shape::of(&json).ok_or(Refused::Unknown)?;
        // Parts are told by the characters of the text: what is normalised to other ones is not known.
        let becomes = |character: u8| reference.becomes(character);
        for changed in (b'!'..=b'~').filter(|character| becomes(*character).is_none()) {
            shape.cuts.iter_mut().for_each(|cuts| cuts.leave_alone(char::from(changed).encode_utf8(&mut [0; 1])));
        }
        if shape.kind == Kind::Unigram
            && reference.joins_blanks()
            && !shape::added_tokens(&json).any(|token| token.has_blank())
        {
            shape.cuts = shape.cuts.map(|cuts| cuts.with_runs(true));
        }
        let short = shape.cuts.as_ref().and_then(|cuts| Short::of(&json, shape.kind, cuts.space(), becomes));
        // What comes after the model is not the engine's business.
        for step in ["truncation", "padding", "post_processor", "decoder"] {
            json.as_object_mut().into_iter().for_each(|json| drop(json.remove(step)));
        }
        let added = shape::added_tokens(&json).map(|token| token.content.to_owned()).collect();
        let built = catch_unwind(AssertUnwindSafe(|| shape.kind.build(json)));
        let gave_up = |_| Err("it gave up".to_owned());
        let engine = built.unwrap_or_else(gave_up).map_err(|message| Refused::Unloadable { message })?;
        let words = (shape.kind != Kind::ByteLevelBpe).then(ThreadLocal::new);
        Ok((Self { engine, agreed: CodePoints::new(), cuts: shape.cuts, short, words }, added))
    }
}

/// What an engine can be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Pre-tokens of bytes.
    ByteLevelBpe,
    /// Whole texts of characters, `▁` for a space.
    SentencePieceBpe,
    WordPiece,
    Unigram,
}

impl Kind {
    /// The engine, or why its library refuses the tokenizer.
    fn build(self, json: Value) -> Result<Box<dyn Engine>, String> {
        match self {
            Self::ByteLevelBpe | Self::SentencePieceBpe => fast_bpe::FastBpe::load(json, self),
            Self::WordPiece | Self::Unigram => trie::Trie::load(&json, self),
        }
    }
}
