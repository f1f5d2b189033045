//! A tokenizer and a configuration, made ready: from one document to the ids of its sequences.
//!
//! A job and a preview go through this same code.

use std::{ops::Range, sync::Arc};

use dataset_model::{Packing, TokenizeConfig};

use super::encode::EncodeError;
use super::engines::Encoder;
use super::filter::{Filter, UnknownLanguage};
use super::pack::Pack;
use super::parse::{Template, Tokenizer};
use super::stats::Counts;
use super::window::{WindowError, Windows};

/// A configuration that does not fit the tokenizer, or is not offered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error(transparent)]
    UnknownLanguage(#[from] UnknownLanguage),
    /// There is nothing to put after a document.
    #[error("`{tokenizer}` names no end-of-sequence token, so `append_eos` must be false")]
    NoEos { tokenizer: String },
    #[error("chat templates are not offered yet")]
    ChatTemplate,
}

/// How documents become sequences.
pub struct Recipe {
    tokenizer: Arc<Tokenizer>,
    filter: Option<Filter>,
    windows: Windows,
    pack: Option<Pack>,
    template: Template,
    max_length: u32,
}

impl Recipe {
    pub fn new(tokenizer: Arc<Tokenizer>, config: &TokenizeConfig) -> Result<Self, RecipeError> {
        if config.chat_template.is_some() {
            return Err(RecipeError::ChatTemplate);
        }
        let pack = match config.packing {
            Packing::None => None,
            Packing::Concat => Some(Pack::new(tokenizer.special_ids(), config)?),
        };
        let has_template = config.add_special_tokens && !config.filter_special_tokens && pack.is_none();
        let template = if has_template { tokenizer.template().clone() } else { Template::default() };
        let special_tokens = template.prefix.len() + template.suffix.len();
        Ok(Self {
            filter: Filter::new(tokenizer.vocabulary(), config)?,
            windows: Windows::new(config.max_length as usize, special_tokens, config.stride as usize)?,
            pack,
            template,
            max_length: config.max_length,
            tokenizer,
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
        counts.totals.documents_in += 1;
        counts.totals.text_bytes += text.len() as u64;
        counts.totals.documents_empty += u64::from(ids.is_empty());
        if let Some(pack) = &self.pack {
            if !ids.is_empty() {
                ids.extend(pack.end);
                counts.add_tokens(ids);
            }
            return Ok(());
        }
        let sequences = self.sequences(ids);
        counts.totals.documents_truncated += u64::from(sequences.len() > 1);
        for sequence in sequences {
            counts.add_sequence(&sequence);
        }
        Ok(())
    }
}
