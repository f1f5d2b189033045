//! Which ids a configuration drops, and by which rule: one table per tokenizer and configuration.
//!
//! The rules in order: special tokens, stop words, short tokens. The first that applies is the one that is counted.

use std::collections::HashSet;

use dataset_model::TokenizeConfig;
use dataset_model::statistics::{DropRule, DroppedByRule};

use super::documents::Documents;
use super::vocabulary::Vocabulary;

const VERDICT_BITS: u32 = 2;
/// Verdicts in a word.
const PER_WORD: u32 = u64::BITS / VERDICT_BITS;
/// The verdicts of so many tokens are counted in one register, a lane for each.
const LANE_BITS: u32 = 16;
const LANE_MAX: usize = (1 << LANE_BITS) - 1;

/// There is no stop-word list for the language.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no stop-word list for `{language}`; there is one for {}", stop_words::available_languages().join(", "))]
pub struct UnknownLanguage {
    pub language: String,
}

/// One verdict per vocabulary id.
#[derive(Debug)]
pub struct Filter {
    /// Two bits for each id, 32 in a word, so that the processor's fastest cache holds them: 0 = kept, else the rule's
    /// number.
    verdicts: Vec<u64>,
}

impl Filter {
    /// None when the configuration drops nothing.
    pub fn new(vocabulary: &Vocabulary, config: &TokenizeConfig) -> Result<Option<Self>, UnknownLanguage> {
        let stop_words = stop_words(config)?;
        if !config.has_filter() {
            return Ok(None);
        }
        let id_count = u32::try_from(vocabulary.id_count()).unwrap_or(u32::MAX);
        let mut verdicts = vec![0; vocabulary.id_count().div_ceil(PER_WORD as usize)];
        for id in 0..id_count {
            let rule = rule(vocabulary, id, config, &stop_words).map_or(0, |rule| rule as u64);
            verdicts[(id / PER_WORD) as usize] |= rule << (id % PER_WORD * VERDICT_BITS);
        }
        Ok(Some(Self { verdicts }))
    }

    /// The rule that drops `id`, if any.
    pub fn rule(&self, id: u32) -> Option<DropRule> {
        let is_known = ((id / PER_WORD) as usize) < self.verdicts.len();
        match is_known.then(|| self.verdict(id)) {
            Some(1) => Some(DropRule::Special),
            Some(2) => Some(DropRule::StopWord),
            Some(3) => Some(DropRule::MinLength),
            _ => None,
        }
    }

    #[inline]
    fn verdict(&self, id: u32) -> u64 {
        let verdicts = self.verdicts[(id / PER_WORD) as usize];
        (verdicts >> (id % PER_WORD * VERDICT_BITS)) & 3
    }

    /// Removes the dropped ids of each document, in place, and counts them. Its last `ends` ids are no text: they stay
    /// unless nothing is left before them.
    pub fn apply(&self, documents: &mut Documents, ends: usize, dropped: &mut DroppedByRule) {
        let Documents { ids, mask, lengths } = documents;
        let mut no_mask = vec![(); ids.len()];
        let kept = if mask.is_empty() {
            self.thin(ids, &mut no_mask, lengths, ends, dropped)
        } else {
            self.thin(ids, mask, lengths, ends, dropped)
        };
        ids.truncate(kept);
        mask.truncate(kept);
    }

    /// Returns how many ids are left in all. What is `beside` an id goes with it.
    fn thin<T: Copy>(
        &self,
        ids: &mut [u32],
        beside: &mut [T],
        lengths: &mut [usize],
        ends: usize,
        dropped: &mut DroppedByRule,
    ) -> usize {
        let (mut kept, mut next) = (0, 0);
        for length in lengths {
            let (start, end) = (kept, next + *length);
            let text_end = end - ends.min(*length);
            while next < text_end {
                let stop = text_end.min(next + LANE_MAX);
                // No branch on the verdict: which tokens go is as random as text.
                let mut lanes = 0_u64;
                for from in next..stop {
                    let id = ids[from];
                    let verdict = self.verdict(id);
                    (ids[kept], beside[kept]) = (id, beside[from]);
                    kept += usize::from(verdict == 0);
                    lanes += 1 << (u64::from(LANE_BITS) * verdict);
                }
                let lane = |rule: DropRule| lanes >> (LANE_BITS * rule as u32) & LANE_MAX as u64;
                dropped.special += lane(DropRule::Special);
                dropped.stop_word += lane(DropRule::StopWord);
                dropped.min_length += lane(DropRule::MinLength);
                next = stop;
            }
            if kept > start {
                ids.copy_within(text_end..end, kept);
                beside.copy_within(text_end..end, kept);
                kept += end - text_end;
            }
            (*length, next) = (kept - start, end);
        }
        kept
    }
}

/// The words to drop, lower-cased; empty when the switch is off.
fn stop_words(config: &TokenizeConfig) -> Result<HashSet<String>, UnknownLanguage> {
    if !config.filter_stop_words {
        return Ok(HashSet::new());
    }
    let language = &config.stop_words_language;
    let words = stop_words::lookup(language).ok_or_else(|| UnknownLanguage { language: language.clone() })?;
    Ok(words.iter().map(|word| word.to_lowercase()).collect())
}

fn rule(vocabulary: &Vocabulary, id: u32, config: &TokenizeConfig, stop_words: &HashSet<String>) -> Option<DropRule> {
    if config.filter_special_tokens && vocabulary.is_special(id) {
        return Some(DropRule::Special);
    }
    let bytes = vocabulary.bytes(id);
    let text = std::str::from_utf8(bytes).map(str::trim);
    if let Ok(text) = text
        && stop_words.contains(&text.to_lowercase())
    {
        return Some(DropRule::StopWord);
    }
    // A piece that is not whole UTF-8 has bytes, not characters.
    let length = text.map_or(bytes.len(), |text| text.chars().count());
    (config.min_token_length > 1 && length < config.min_token_length as usize).then_some(DropRule::MinLength)
}
