//! Exact counters over sequences: they add up, so that chunks, threads and tasks merge without loss.
//!
//! Tokens are counted as they are stored, overlap of windows and special tokens of the template included.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dataset_model::{
    Statistics,
    statistics::{DropRule, DroppedByRule, DroppedToken, LengthPercentiles, VocabCount},
};
use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::format::TokenId;
use super::vocabulary::Vocabulary;

mod histogram;
pub mod table;
mod tally;

pub use histogram::Histogram;
pub use tally::Tally;

/// Entries of `vocab_distribution`; the whole table is a file of its own.
pub const TOP_TOKENS: usize = 1000;
/// Dropped tokens that are shown of each rule.
const DROPPED_EXAMPLES: usize = 10;
/// The histogram of lengths has about so many bins.
const BINS: u32 = 64;

/// Counters that are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    pub documents_in: u64,
    /// Null, empty, or nothing left after the filters.
    pub documents_empty: u64,
    /// Documents of more than one window.
    pub documents_truncated: u64,
    /// UTF-8 bytes of the documents' text.
    pub text_bytes: u64,
    /// Its tokens before filters, windows and special tokens.
    #[serde(default)]
    pub text_tokens: u64,
    /// Tokens in all sequences.
    pub tokens: u64,
    pub sequences: u64,
    pub dropped: DroppedByRule,
    /// Tokens of conversations that the model said, where the template tells.
    #[serde(default)]
    pub loss_tokens: u64,
}

impl Totals {
    /// Adds another part's.
    pub fn merge(&mut self, other: &Self) {
        self.documents_in += other.documents_in;
        self.documents_empty += other.documents_empty;
        self.documents_truncated += other.documents_truncated;
        self.text_bytes += other.text_bytes;
        self.text_tokens += other.text_tokens;
        self.tokens += other.tokens;
        self.sequences += other.sequences;
        self.loss_tokens += other.loss_tokens;
        self.dropped.special += other.dropped.special;
        self.dropped.stop_word += other.dropped.stop_word;
        self.dropped.min_length += other.dropped.min_length;
    }
}

/// Everything that is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    pub totals: Totals,
    /// How often each id occurs in the sequences.
    pub vocabulary: Histogram,
    /// How often each id was dropped, of those that were.
    pub dropped: BTreeMap<u32, u64>,
    /// How many sequences have each length, from 0 to `max_length`.
    pub lengths: Vec<u64>,
}

impl Counts {
    /// For ids below `id_count` and sequences of at most `max_length` tokens.
    pub fn new(id_count: usize, max_length: u32) -> Self {
        let lengths = vec![0; max_length as usize + 1];
        Self { totals: Totals::default(), vocabulary: Histogram::new(id_count), dropped: BTreeMap::new(), lengths }
    }

    /// Counts each of the tokens so many times; their sequences are counted elsewhere.
    pub fn add_tokens<T: TokenId>(&mut self, ids: &[T::Native], times: u64) {
        self.vocabulary.add::<T>(ids, times);
        self.totals.tokens += ids.len() as u64 * times;
    }

    /// Counts `sequences` sequences of `length` tokens, which are counted elsewhere.
    pub fn add_lengths(&mut self, length: usize, sequences: u64) {
        self.lengths[length] += sequences;
        self.totals.sequences += sequences;
    }

    /// Adds another part's counts; both must be of the same tokenizer and `max_length`.
    pub fn merge(&mut self, other: &Self) {
        self.totals.merge(&other.totals);
        self.vocabulary.merge(&other.vocabulary);
        for (id, count) in &other.dropped {
            *self.dropped.entry(*id).or_default() += count;
        }
        self.lengths.iter_mut().zip(&other.lengths).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// The statistics that a tokenization shows. `filter` is the one that dropped what was dropped.
    pub fn statistics(
        &self,
        vocabulary: &Vocabulary,
        filter: Option<&Filter>,
        computed_at: DateTime<Utc>,
    ) -> Statistics {
        let totals = &self.totals;
        let unique_tokens = self.vocabulary.iter().filter(|count| *count > 0).count() as u64;
        let with_sequences = totals.documents_in - totals.documents_empty;
        let bin_width = self.bin_width();
        Statistics {
            total_tokens: totals.tokens,
            unique_tokens,
            total_sequences: totals.sequences,
            vocab_distribution: self.most_frequent(vocabulary),
            length_distribution: self.lengths.chunks(bin_width as usize).map(|bin| bin.iter().sum()).collect(),
            length_bin_width: bin_width,
            length_percentiles: self.percentiles(),
            truncated_fraction: fraction(totals.documents_truncated, with_sequences),
            dropped_by_rule: totals.dropped,
            dropped_examples: filter.map(|filter| self.dropped_examples(vocabulary, filter)).unwrap_or_default(),
            documents_in: totals.documents_in,
            documents_empty: totals.documents_empty,
            vocab_size: vocabulary.size(),
            unused_tokens: vocabulary.size().saturating_sub(unique_tokens),
            text_bytes: totals.text_bytes,
            tokens_per_byte: (totals.text_tokens > 0).then(|| fraction(totals.text_tokens, totals.text_bytes)),
            computed_at,
        }
    }

    fn most_frequent(&self, vocabulary: &Vocabulary) -> Vec<VocabCount> {
        let mut seen: Vec<(u32, u64)> = (0..).zip(self.vocabulary.iter()).filter(|(_, n)| *n > 0).collect();
        seen.sort_unstable_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
        seen.truncate(TOP_TOKENS);
        let entry = |(token_id, count)| VocabCount {
            token_id,
            token: vocabulary.token(token_id).to_owned(),
            count,
            fraction: fraction(count, self.totals.tokens),
        };
        seen.into_iter().map(entry).collect()
    }

    /// Of each rule those that it removed most often.
    fn dropped_examples(&self, vocabulary: &Vocabulary, filter: &Filter) -> Vec<DroppedToken> {
        let mut dropped: Vec<(u32, u64)> = self.dropped.iter().map(|(id, count)| (*id, *count)).collect();
        dropped.sort_unstable_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
        let of_rule = |rule: DropRule| {
            let dropped = dropped.iter().filter(move |(id, _)| filter.rule(*id) == Some(rule)).take(DROPPED_EXAMPLES);
            dropped.map(move |(token_id, count)| DroppedToken {
                rule,
                token_id: *token_id,
                token: vocabulary.token(*token_id).to_owned(),
                count: *count,
            })
        };
        [DropRule::Special, DropRule::StopWord, DropRule::MinLength].into_iter().flat_map(of_rule).collect()
    }

    /// Depends on `max_length` alone, so that histograms of the same configuration have the same bins.
    fn bin_width(&self) -> u32 {
        let max_length = u32::try_from(self.lengths.len().saturating_sub(1)).unwrap_or(u32::MAX);
        max_length.div_ceil(BINS).max(1)
    }

    /// By nearest rank: the smallest length that at least p of 100 sequences do not exceed.
    fn percentiles(&self) -> LengthPercentiles {
        let total: u64 = self.lengths.iter().sum();
        let at = |percent: u64| {
            let rank = (u128::from(total) * u128::from(percent)).div_ceil(100);
            let mut seen = 0;
            let found = (0_u32..).zip(&self.lengths).find(|(_, count)| {
                seen += u128::from(**count);
                seen >= rank && rank > 0
            });
            found.map_or(0, |(length, _)| length)
        };
        LengthPercentiles { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
fn fraction(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
