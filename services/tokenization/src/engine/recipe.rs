//! A tokenizer and a configuration, made ready: from one document to the ids of its sequences.
//!
//! A job and a preview go through this same code.

use std::{ops::Range, sync::Arc};

use chrono::NaiveDate;
use dataset_model::{Packing, TokenizeConfig};

use super::chat::{Chat, ChatError};
use super::encode::{EncodeError, Engine};
use super::engines::Encoder;
use super::filter::{Filter, UnknownLanguage};
use super::pack::Pack;
use super::parse::{Template, Tokenizer};
use super::stats::Counts;
use super::window::{WindowError, Windows};

/// A configuration that does not fit the tokenizer, or is not offered.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error(transparent)]
    UnknownLanguage(#[from] UnknownLanguage),
    /// There is nothing to put after a document.
    #[error("`{tokenizer}` names no end-of-sequence token, so `append_eos` must be false")]
    NoEos { tokenizer: String },
    /// Neither the request nor the tokenizer has one.
    #[error("`{tokenizer}` has no chat template, so `chat_template` must be given for conversations")]
    NoChatTemplate { tokenizer: String },
    #[error(transparent)]
    Chat(#[from] ChatError),
}

/// How documents become sequences.
pub struct Recipe {
    tokenizer: Arc<Tokenizer>,
    chat: Option<Chat>,
    filter: Option<Filter>,
    windows: Windows,
    pack: Option<Pack>,
    template: Template,
    max_length: u32,
}

impl Recipe {
    /// For documents that are texts.
    pub fn new(tokenizer: Arc<Tokenizer>, config: &TokenizeConfig) -> Result<Self, RecipeError> {
        Self::of(tokenizer, config, None)
    }

    /// For documents that are conversations, under the template of the request, else the tokenizer's own, which is told
    /// `today` when it asks for the date.
    pub fn for_chat(tokenizer: Arc<Tokenizer>, config: &TokenizeConfig, today: NaiveDate) -> Result<Self, RecipeError> {
        let template = config.chat_template.as_ref().or(tokenizer.names().chat_template.as_ref());
        let Some(template) = template else {
            return Err(RecipeError::NoChatTemplate { tokenizer: config.tokenizer_name.clone() });
        };
        let chat = Chat::new(template, tokenizer.names(), today)?;
        Self::of(tokenizer, config, Some(chat))
    }

    fn of(tokenizer: Arc<Tokenizer>, config: &TokenizeConfig, chat: Option<Chat>) -> Result<Self, RecipeError> {
        let pack = match config.packing {
            Packing::None => None,
            Packing::Concat => Some(Pack::new(tokenizer.special_ids(), config)?),
        };
        // A chat template writes them itself.
        let has_template =
            config.add_special_tokens && !config.filter_special_tokens && pack.is_none() && chat.is_none();
        let template = if has_template { tokenizer.template().clone() } else { Template::default() };
        let special_tokens = template.prefix.len() + template.suffix.len();
        Ok(Self {
            filter: Filter::new(tokenizer.vocabulary(), config)?,
            windows: Windows::new(config.max_length as usize, special_tokens, config.stride as usize)?,
            pack,
            template,
            max_length: config.max_length,
            tokenizer,
            chat,
        })
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    pub fn encoder(&self) -> &Encoder {
        self.tokenizer.encoder()
    }

    pub fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// How conversations become texts, if the documents are such.
    pub fn chat(&self) -> Option<&Chat> {
        self.chat.as_ref()
    }

    /// Whether rows say which tokens the model said.
    pub fn has_mask(&self) -> bool {
        self.chat.as_ref().is_some_and(Chat::has_generation)
    }

    /// An upper estimate of the working memory for the text of a document, in bytes.
    pub fn memory(&self, text: &str) -> u64 {
        if !self.has_mask() {
            return self.encoder().memory(text);
        }
        // Places in the text are kept beside the ids, and only the reference gives them.
        (text.len() as u64).saturating_mul(2 * self.encoder().reference().bytes_per_text_byte())
    }

    /// What stands around the ids of every window.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The windows of a document of `token_count` ids.
    pub fn windows(&self, token_count: usize) -> impl ExactSizeIterator<Item = Range<usize>> + use<> {
        self.windows.ranges(token_count)
    }

    /// The windows of a document's ids, each in three parts: the template's tokens before it, its own, those after it.
    pub fn sequences<'a>(&'a self, ids: &'a [u32]) -> impl ExactSizeIterator<Item = [&'a [u32]; 3]> {
        self.windows(ids.len()).map(|window| [&self.template.prefix[..], &ids[window], &self.template.suffix[..]])
    }

    /// How documents share rows, if they do.
    pub fn pack(&self) -> Option<Pack> {
        self.pack
    }

    /// Tokens in a row at most; in a packed one exactly.
    pub fn max_length(&self) -> usize {
        self.max_length as usize
    }

    /// Counters that fit this recipe.
    pub fn counts(&self) -> Counts {
        Counts::new(self.tokenizer.vocabulary().id_count(), self.max_length)
    }

    /// The ids of one document after the filters, in `ids`, its end token included; counts it, its tokens and its
    /// windows. Rows that documents share are counted where they are made. Asks `stop` inside a long one.
    pub fn document(
        &self,
        text: Option<&str>,
        stop: &dyn Fn() -> bool,
        ids: &mut Vec<u32>,
        counts: &mut Counts,
    ) -> Result<(), EncodeError> {
        let text = text.unwrap_or_default();
        ids.clear();
        if !text.is_empty() {
            self.encoder().encode(text, stop, ids)?;
        }
        if let Some(filter) = &self.filter {
            filter.apply(ids, &mut counts.totals.dropped);
        }
        self.count(text, ids, counts);
        Ok(())
    }

    /// The same for the text of a conversation, of which the model said `generated`; `mask` says of each id whether it is
    /// part of that. No end token is.
    pub fn conversation(
        &self,
        text: &str,
        generated: &[Range<usize>],
        (ids, mask): (&mut Vec<u32>, &mut Vec<bool>),
        counts: &mut Counts,
    ) -> Result<(), EncodeError> {
        ids.clear();
        mask.clear();
        if !text.is_empty() {
            // Only the reference knows where in the text a token stands.
            self.encoder().reference().encode_with_mask(text, generated, ids, mask)?;
        }
        if let Some(filter) = &self.filter {
            filter.apply_with(ids, mask, &mut counts.totals.dropped);
        }
        counts.totals.loss_tokens += mask.iter().map(|said| u64::from(*said)).sum::<u64>();
        self.count(text, ids, counts);
        mask.resize(ids.len(), false);
        Ok(())
    }

    /// Counts a document of which `ids` are left, and appends its end token.
    fn count(&self, text: &str, ids: &mut Vec<u32>, counts: &mut Counts) {
        counts.totals.documents_in += 1;
        counts.totals.text_bytes += text.len() as u64;
        counts.totals.documents_empty += u64::from(ids.is_empty());
        if let Some(pack) = &self.pack {
            if !ids.is_empty() {
                ids.extend(pack.end);
                counts.add_tokens(ids);
            }
            return;
        }
        let sequences = self.sequences(ids);
        counts.totals.documents_truncated += u64::from(sequences.len() > 1);
        for sequence in sequences {
            counts.add_sequence(&sequence);
        }
    }
}
