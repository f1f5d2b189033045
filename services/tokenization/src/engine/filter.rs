//! Which ids a configuration drops, and by which rule: one table per tokenizer and configuration.
//!
//! The rules in order: special tokens, stop words, short tokens. The first that applies is the one that is counted. How
//! often each did is the number of its ids before the filter, so that no token is asked for its rule.

use std::collections::{BTreeMap, HashSet};

use dataset_model::TokenizeConfig;
use dataset_model::statistics::{DropRule, DroppedByRule};

use super::format::TokenId;
use super::stats::Histogram;
use super::vocabulary::Vocabulary;

/// There is no stop-word list for the language.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no stop-word list for `{language}`; there is one for {}", stop_words::available_languages().join(", "))]
pub struct UnknownLanguage {
    pub language: String,
}

/// What is dropped, for each id of the vocabulary.
#[derive(Debug)]
pub struct Filter {
    rules: Vec<Option<DropRule>>,
    /// The same, as what every token asks.
    kept: Vec<bool>,
}

impl Filter {
    /// None when the configuration drops nothing.
    pub fn new(vocabulary: &Vocabulary, config: &TokenizeConfig) -> Result<Option<Self>, UnknownLanguage> {
        let stop_words = stop_words(config)?;
        if !config.has_filter() {
            return Ok(None);
        }
        let id_count = u32::try_from(vocabulary.id_count()).unwrap_or(u32::MAX);
        let rules: Vec<_> = (0..id_count).map(|id| rule(vocabulary, id, config, &stop_words)).collect();
        Ok(Some(Self { kept: rules.iter().map(Option::is_none).collect(), rules }))
    }

    /// The rule that drops `id`, if any.
    pub fn rule(&self, id: u32) -> Option<DropRule> {
        self.rules.get(id as usize).copied().flatten()
    }

    /// Appends to `kept` what is kept of the ids.
    pub fn thin<T: TokenId>(&self, ids: &[u32], kept: &mut Vec<T::Native>) {
        let mut next = kept.len();
        kept.resize(next + ids.len(), T::from_id(0));
        let (room, is_kept) = (&mut kept[..], &self.kept[..]);
        let mut one = |id: u32| {
            // No branch: which tokens go is as random as text.
            room[next] = T::from_id(id);
            next += usize::from(is_kept[id as usize]);
        };
        // One by one, the loop itself would cost as much as the look at the table.
        let (fours, rest) = ids.as_chunks::<4>();
        for four in fours {
            for id in four {
                one(*id);
            }
        }
        for id in rest {
            one(*id);
        }
        kept.truncate(next);
    }

    /// Appends to `kept` what is said of the ids that are kept.
    pub fn thin_mask(&self, ids: &[u32], mask: &[bool], kept: &mut Vec<bool>) {
        let stays = |(id, said): (&u32, &bool)| self.kept[*id as usize].then_some(*said);
        kept.extend(ids.iter().zip(mask).filter_map(stays));
    }

    /// Takes the dropped ids out of what was counted: how often each was there.
    pub fn take_dropped(&self, seen: &mut Histogram) -> BTreeMap<u32, u64> {
        let dropped = (0..).zip(&self.kept).filter(|(_, kept)| !**kept).map(|(id, _)| (id, seen.take(id)));
        dropped.filter(|(_, count)| *count > 0).collect()
    }

    /// How many of what was dropped each rule did.
    pub fn by_rule(&self, dropped: &BTreeMap<u32, u64>) -> DroppedByRule {
        let mut by_rule = DroppedByRule::default();
        for (id, count) in dropped {
            match self.rule(*id) {
                None => {}
                Some(DropRule::Special) => by_rule.special += count,
                Some(DropRule::StopWord) => by_rule.stop_word += count,
                Some(DropRule::MinLength) => by_rule.min_length += count,
            }
        }
        by_rule
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
