//! A tokenizer and a configuration, made ready: from documents to the ids of their sequences.
//!
//! A job and a preview go through this same code.

use std::{ops::Range, sync::Arc};

use arrow_array::types::UInt32Type;
use chrono::NaiveDate;
use dataset_model::{Packing, TokenizeConfig};

use super::chat::{Chat, ChatError};
use super::documents::Documents;
use super::encode::{EncodeError, Engine};
use super::engines::Encoder;
use super::filter::{Filter, UnknownLanguage};
use super::format::TokenId;
use super::pack::Pack;
use super::parse::{Template, Tokenizer};
use super::stats::{Counts, Tally};
use super::text_column::{Document, Texts};
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

/// Ids that are copied ahead of those that are counted.
const NEAR_IDS: usize = 8 << 10;

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

    /// The bytes of a document's text and an upper estimate of the working memory for it, in bytes. Of a conversation the
    /// text is estimated too.
    pub fn size(&self, texts: &Texts<'_>, row: usize) -> (usize, u64) {
        match texts {
            Texts::Plain(column) => {
                let text = column.get(row).unwrap_or_default();
                (text.len(), self.encoder().memory(text))
            }
            Texts::Chat(conversations, _) => {
                let bytes = conversations.text_bytes(row);
                // Places in the text are kept beside the ids, and only the reference gives them.
                let reference = || (bytes as u64).saturating_mul(2 * self.encoder().reference().bytes_per_text_byte());
                (bytes, if self.has_mask() { reference() } else { self.encoder().memory_for(bytes) })
            }
        }
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

    /// Counts of nothing that fit this recipe.
    pub fn counts(&self) -> Counts {
        Counts::new(self.tokenizer.vocabulary().id_count(), self.max_length)
    }

    /// For a thread to count with.
    pub fn tally(&self) -> Tally {
        Tally::new(self.counts())
    }

    /// Appends the ids of one document, its end token included, as the tokenizer gives them; counts the document. Where
    /// rows say what the model said, the mask says of each id whether it is part of that; no end token is. Asks `stop`
    /// inside a long document.
    pub fn encode(
        &self,
        document: &Document<'_>,
        stop: &dyn Fn() -> bool,
        documents: &mut Documents,
        tally: &mut Tally,
    ) -> Result<(), EncodeError> {
        let Documents { ids, mask, lengths } = documents;
        let (text, before) = (&*document.text, ids.len());
        if !text.is_empty() && self.has_mask() {
            // Only the reference knows where in the text a token stands.
            self.encoder().reference().encode_with_mask(text, &document.generated, ids, mask)?;
        } else if !text.is_empty() {
            self.encoder().encode(text, stop, ids)?;
        }
        tally.counts.totals.text_tokens += (ids.len() - before) as u64;
        if ids.len() > before {
            ids.extend(self.end_token());
        }
        if self.has_mask() {
            mask.resize(ids.len(), false);
        }
        lengths.push(ids.len() - before);
        tally.counts.totals.documents_in += 1;
        tally.counts.totals.text_bytes += text.len() as u64;
        Ok(())
    }

    /// What stands behind each document that is not empty.
    fn end_token(&self) -> Option<u32> {
        self.pack.and_then(|pack| pack.end)
    }

    /// What rows store of documents that were encoded: what the filters leave, in the type of the ids. Counts their tokens
    /// and windows; rows that documents share are counted where they are made.
    pub fn settle<T: TokenId>(&self, encoded: &Documents, settled: &mut Documents<T::Native>, tally: &mut Tally) {
        settled.clear();
        tally.counts.vocabulary.warm(encoded.ids.len());
        match &self.filter {
            None => {
                self.keep_all::<T>(encoded, &mut settled.ids, tally);
                settled.mask.extend_from_slice(&encoded.mask);
                settled.lengths.extend_from_slice(&encoded.lengths);
            }
            // Document by document: what was counted is still in the nearest cache when it is filtered.
            Some(filter) => {
                for document in encoded.ranges() {
                    let (ids, start) = (&encoded.ids[document.clone()], settled.ids.len());
                    let mask = encoded.mask.get(document).unwrap_or_default();
                    self.thin::<T>(filter, ids, mask, settled, tally);
                    let ids = &settled.ids[start..];
                    let windows = self.count(ids.len(), tally);
                    let shared = self.windows.shared(windows);
                    shared.for_each(|part| tally.counts.vocabulary.add::<T>(&ids[part], 1));
                    settled.lengths.push(ids.len());
                }
            }
        }
        let said = settled.mask.iter().map(|said| u64::from(*said));
        tally.counts.totals.loss_tokens += said.sum::<u64>();
    }

    /// What a filter leaves of a document, whose ids it counts before. An end token is no text: it stays unless nothing is
    /// left before it, and no filter looks at it.
    fn thin<T: TokenId>(
        &self,
        filter: &Filter,
        ids: &[u32],
        mask: &[bool],
        settled: &mut Documents<T::Native>,
        tally: &mut Tally,
    ) {
        let start = settled.ids.len();
        let (text, ends) = ids.split_at(ids.len() - ids.len().min(self.end_token().iter().len()));
        let (of_text, of_ends) = mask.split_at(text.len().min(mask.len()));
        tally.counts.vocabulary.add::<UInt32Type>(text, 1);
        filter.thin::<T>(text, &mut settled.ids);
        filter.thin_mask(text, of_text, &mut settled.mask);
        if settled.ids.len() > start {
            settled.ids.extend(ends.iter().map(|id| T::from_id(*id)));
            settled.mask.extend_from_slice(of_ends);
            tally.ends += ends.len() as u64;
        }
    }

    /// Copies all ids and counts each as often as windows store it. What two windows share is counted twice at once: to
    /// come back to each such piece takes three times as long.
    fn keep_all<T: TokenId>(&self, encoded: &Documents, kept: &mut Vec<T::Native>, tally: &mut Tally) {
        let ids = &encoded.ids;
        kept.reserve(ids.len());
        // Up to here ids were counted for all windows before the next.
        let mut counted = 0;
        for document in encoded.ranges() {
            // Before they are counted, which finds them in the nearest cache then.
            if kept.len() < document.end {
                tally.counts.vocabulary.add::<UInt32Type>(&ids[counted..document.start], 1);
                counted = document.start;
                let near = ids.len().min(document.end + NEAR_IDS);
                kept.extend(ids[kept.len()..near].iter().map(|id| T::from_id(*id)));
            }
            let windows = self.count(document.len(), tally);
            for part in self.windows.shared(windows) {
                let (start, end) = (document.start + part.start, document.start + part.end);
                // Ids of one window; or, where windows share more than half, some that were counted and are in one more.
                let once = counted.min(start)..counted.max(start);
                tally.counts.vocabulary.add::<UInt32Type>(&ids[once.clone()], 1);
                tally.counts.vocabulary.add::<UInt32Type>(&ids[once.end..end], 2);
                counted = end;
            }
        }
        tally.counts.vocabulary.add::<UInt32Type>(&ids[counted..], 1);
    }

    /// Counts a document of so many ids and its windows, but not the ids themselves. How many windows it has by itself.
    fn count(&self, length: usize, tally: &mut Tally) -> usize {
        let Counts { totals, lengths, .. } = &mut tally.counts;
        totals.documents_empty += u64::from(length == 0);
        if self.pack.is_some() {
            totals.tokens += length as u64;
            return 0;
        }
        let windows = self.windows.count(length);
        let Some(full) = windows.checked_sub(1) else { return 0 };
        let (room, last) = (self.windows.room(), length - full * self.windows.step());
        let added = self.template.prefix.len() + self.template.suffix.len();
        lengths[room + added] += full as u64;
        lengths[last + added] += 1;
        totals.tokens += (full * room + last) as u64;
        totals.sequences += windows as u64;
        totals.documents_truncated += u64::from(full > 0);
        windows
    }

    /// What the threads counted together, dropped tokens told from those that stayed.
    pub fn sum(&self, tallies: impl IntoIterator<Item = Tally>) -> Counts {
        let mut sum = self.tally();
        tallies.into_iter().for_each(|tally| sum.merge(&tally));
        let Tally { mut counts, ends } = sum;
        if let Some(filter) = &self.filter {
            counts.dropped = filter.take_dropped(&mut counts.vocabulary);
            counts.totals.dropped = filter.by_rule(&counts.dropped);
        }
        // No filter looks at these, so they come after it.
        if let Some(end) = self.end_token() {
            counts.vocabulary.add_times(end, ends);
        }
        for ids in [&self.template.prefix, &self.template.suffix] {
            counts.add_tokens::<UInt32Type>(ids, counts.totals.sequences);
        }
        counts
    }

    /// One document by itself, filtered and counted: its ids.
    pub fn document(&self, text: &str, stop: &dyn Fn() -> bool, tally: &mut Tally) -> Result<Vec<u32>, EncodeError> {
        let (mut encoded, mut settled) = (Documents::default(), Documents::default());
        self.encode(&text.into(), stop, &mut encoded, tally)?;
        self.settle::<UInt32Type>(&encoded, &mut settled, tally);
        Ok(settled.ids)
    }
}
