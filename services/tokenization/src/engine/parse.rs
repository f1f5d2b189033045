//! `tokenizer.json` in, everything that tokenization needs out.
//!
//! The file comes from a stranger: its size is limited by who fetched it, its vocabulary here, and what would make
//! the result random is refused. Truncation and padding written in it are cleared, as some files ship 128.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sha2::{Digest, Sha256};
use tokenizers::{Encoding, ModelWrapper, PostProcessor, Token};

use super::encode::Reference;
use super::engines::{Encoder, EngineChoice};
use super::format::IdType;
use super::limits;
use super::names::SpecialNames;
use super::vocabulary::{Vocabulary, printable};

/// Upper limit of ids in a vocabulary.
pub const MAX_VOCABULARY: u32 = 2_000_000;

/// A `tokenizer.json` that cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The parser's own words.
    #[error("tokenizer.json cannot be read: {message}")]
    Malformed { message: String },
    #[error("the vocabulary has {tokens} tokens; the limit is {MAX_VOCABULARY}")]
    VocabularyTooLarge { tokens: u64 },
    /// Something that would take too much memory or time.
    #[error("{what} is {found}; the limit is {limit}")]
    TooMuch { what: &'static str, found: u64, limit: u64 },
    /// A larger id would reserve memory for all ids below it.
    #[error("the vocabulary reaches id {max_id}; the limit is {MAX_VOCABULARY}")]
    IdTooLarge { max_id: u32 },
    /// No tokens at all.
    #[error("the vocabulary is empty")]
    EmptyVocabulary,
    /// BPE dropout.
    #[error("the model drops merges at random (`dropout`), so that no result could be repeated")]
    Random,
    /// What the template adds is not a prefix and a suffix.
    #[error("the post-processor does more than add special tokens before and after the text")]
    Template,
}

/// Ids of the special tokens by role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpecialIds {
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub pad: Option<u32>,
    pub unk: Option<u32>,
}

/// What the post-processor puts around a sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    pub prefix: Vec<u32>,
    pub suffix: Vec<u32>,
}

/// A loaded tokenizer; shared among threads and tasks.
pub struct Tokenizer {
    encoder: Encoder,
    vocabulary: Vocabulary,
    template: Template,
    special_ids: SpecialIds,
    family: &'static str,
    sha256: [u8; 32],
    names: SpecialNames,
}

impl Tokenizer {
    /// Parses a `tokenizer.json` and chooses its engine; takes seconds for the largest vocabularies.
    pub fn parse(json: Vec<u8>, names: &SpecialNames, choice: EngineChoice) -> Result<Self, TokenizerError> {
        let mut tokenizer = library(&json)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| malformed(&error.to_string()))?;

        let family = match tokenizer.get_model() {
            ModelWrapper::BPE(model) if model.dropout.is_some_and(|p| p > 0.0) => return Err(TokenizerError::Random),
            ModelWrapper::BPE(_) => "BPE",
            ModelWrapper::WordPiece(_) => "WordPiece",
            ModelWrapper::WordLevel(_) => "WordLevel",
            ModelWrapper::Unigram(_) => "Unigram",
        };
        let max_id = tokenizer.get_vocab(true).into_values().max().ok_or(TokenizerError::EmptyVocabulary)?;
        if max_id >= MAX_VOCABULARY {
            return Err(TokenizerError::IdTooLarge { max_id });
        }
        let special_ids = special_ids(&tokenizer, names);
        let template = template(&tokenizer)?;
        // Only what stands in this file decides what is special: its digest is part of a tokenization's identity.
        let added: Vec<u32> = template.prefix.iter().chain(&template.suffix).copied().collect();
        Ok(Self {
            vocabulary: Vocabulary::new(&tokenizer, max_id, &added),
            template,
            special_ids,
            family,
            sha256: Sha256::digest(&json).into(),
            names: names.clone(),
            encoder: Encoder::new(Reference::new(tokenizer), json, choice),
        })
    }

    /// What encodes for this tokenizer.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// What is put around a sequence that is to have special tokens.
    pub fn template(&self) -> &Template {
        &self.template
    }

    pub fn special_ids(&self) -> SpecialIds {
        self.special_ids
    }

    /// `BPE`, `WordPiece`, `WordLevel` or `Unigram`.
    pub fn family(&self) -> &'static str {
        self.family
    }

    /// sha256 of `tokenizer.json`.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// What stands beside `tokenizer.json`.
    pub fn names(&self) -> &SpecialNames {
        &self.names
    }

    /// Special tokens and those with a role, in order of their ids, each with its roles.
    pub fn special_tokens(&self) -> impl Iterator<Item = (u32, &str, Vec<&str>)> {
        let roles = |id: u32, token: &str| -> Vec<&str> {
            let named = self.names.tokens.iter().filter(|(_, text)| *text == token).map(|(role, _)| role);
            let known = self.names.ids.keys().filter(|role| self.names.id(role) == Some(id));
            named.chain(known).map(String::as_str).collect()
        };
        let ids = 0..=self.max_id();
        ids.filter(|id| self.vocabulary.has(*id)).filter_map(move |id| {
            let token = self.vocabulary.token(id);
            let roles = roles(id, token);
            (!roles.is_empty() || self.vocabulary.is_special(id)).then_some((id, token, roles))
        })
    }

    /// The largest id, added tokens included.
    pub fn max_id(&self) -> u32 {
        u32::try_from(self.vocabulary.id_count().saturating_sub(1)).unwrap_or(MAX_VOCABULARY)
    }

    pub fn id_type(&self) -> IdType {
        IdType::for_max_id(self.max_id())
    }

    /// The text of a sequence, special tokens shown. Where a window cuts a character, its bytes as `<0xNN>`.
    pub fn decode(&self, ids: &[u32]) -> String {
        let decoder = AssertUnwindSafe(|| self.encoder.reference().tokenizer().decode(ids, false));
        match catch_unwind(decoder) {
            Ok(Ok(text)) if !text.contains(char::REPLACEMENT_CHARACTER) => text,
            _ => printable(&ids.iter().flat_map(|id| self.vocabulary.bytes(*id)).copied().collect::<Vec<u8>>()),
        }
    }
}

/// What the library makes of a `tokenizer.json` that keeps to the limits.
pub(super) fn library(json: &[u8]) -> Result<tokenizers::Tokenizer, TokenizerError> {
    limits::check(json)?;
    // It asserts about some vocabularies instead of refusing them.
    let parsed = catch_unwind(AssertUnwindSafe(|| tokenizers::Tokenizer::from_bytes(json)));
    parsed
        .map_err(|_| malformed("its vocabulary or merges contradict themselves"))?
        .map_err(|error| malformed(&error.to_string()))
}

fn malformed(message: &str) -> TokenizerError {
    TokenizerError::Malformed { message: message.to_owned() }
}

/// The names' ids; the unknown token may also stand in the model.
fn special_ids(tokenizer: &tokenizers::Tokenizer, names: &SpecialNames) -> SpecialIds {
    let id = |name: Option<&str>| name.and_then(|name| tokenizer.token_to_id(name));
    let of = |role: &str| {
        let known = names.id(role).filter(|id| tokenizer.id_to_token(*id).is_some());
        id(names.token(role)).or(known)
    };
    let model_unk = match tokenizer.get_model() {
        ModelWrapper::BPE(model) => model.unk_token.clone(),
        ModelWrapper::WordPiece(model) => Some(model.unk_token.clone()),
        ModelWrapper::WordLevel(model) => Some(model.unk_token.clone()),
        ModelWrapper::Unigram(_) => None,
    };
    SpecialIds {
        bos: of("bos"),
        eos: of("eos"),
        pad: of("pad"),
        unk: id(names.token("unk")).or_else(|| id(model_unk.as_deref())),
    }
}

/// Sends two ids that no vocabulary has through the post-processor and looks where they come out.
fn template(tokenizer: &tokenizers::Tokenizer) -> Result<Template, TokenizerError> {
    let probe = [u32::MAX, u32::MAX - 1];
    let tokens = probe.map(|id| Token::new(id, String::new(), (0, 0)));
    let encoding = Encoding::from_tokens(tokens.into(), 0);
    let around = catch_unwind(AssertUnwindSafe(|| tokenizer.post_process(encoding, None, true)));
    let Ok(Ok(around)) = around else { return Err(TokenizerError::Template) };
    let ids = around.get_ids();
    let at = ids.windows(probe.len()).position(|window| window == probe).ok_or(TokenizerError::Template)?;
    let template = Template { prefix: ids[..at].to_vec(), suffix: ids[at + probe.len()..].to_vec() };

    let declared = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
    let is_inside = |id: &u32| tokenizer.id_to_token(*id).is_some();
    let added = template.prefix.iter().chain(&template.suffix);
    if added.clone().count() != declared || !added.clone().all(is_inside) {
        return Err(TokenizerError::Template);
    }
    Ok(template)
}
