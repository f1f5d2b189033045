//! Which ids a configuration drops, and by which rule: one table per tokenizer and configuration.
//!
//! The rules in order: special tokens, stop words, short tokens. The first that applies is the one that is counted.

use std::collections::HashSet;

use dataset_model::TokenizeConfig;
use dataset_model::statistics::{DropRule, DroppedByRule};

use super::vocabulary::Vocabulary;

/// There is no stop-word list for the language.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no stop-word list for `{language}`; there is one for {}", stop_words::available_languages().join(", "))]
pub struct UnknownLanguage {
    pub language: String,
}

/// One verdict per vocabulary id.
#[derive(Debug)]
pub struct Filter {
    /// 0 = kept, else the rule's number.
    verdicts: Vec<u8>,
}

impl Filter {
    /// None when the configuration drops nothing.
    pub fn new(vocabulary: &Vocabulary, config: &TokenizeConfig) -> Result<Option<Self>, UnknownLanguage> {
        let stop_words = stop_words(config)?;
        if !config.has_filter() {
            return Ok(None);
        }
        let id_count = u32::try_from(vocabulary.id_count()).unwrap_or(u32::MAX);
        let verdict = |id| rule(vocabulary, id, config, &stop_words).map_or(0, |rule| rule as u8);
        Ok(Some(Self { verdicts: (0..id_count).map(verdict).collect() }))
    }

    /// The rule that drops `id`, if any.
    pub fn rule(&self, id: u32) -> Option<DropRule> {
        match self.verdicts.get(id as usize) {
            Some(1) => Some(DropRule::Special),
            Some(2) => Some(DropRule::StopWord),
            Some(3) => Some(DropRule::MinLength),
            _ => None,
        }
    }

    /// The same for ids that have something beside each of them.
    pub fn apply_with<T>(&self, ids: &mut Vec<u32>, beside: &mut Vec<T>, dropped: &mut DroppedByRule) {
        let mut verdicts = ids.iter().map(|id| self.rule(*id).is_none());
        beside.retain(|_| verdicts.next().unwrap_or(true));
        self.apply(ids, dropped);
    }

    /// Removes the dropped ids, in place, and counts them.
    pub fn apply(&self, ids: &mut Vec<u32>, dropped: &mut DroppedByRule) {
        // No branch on the verdict: which tokens go is as random as text.
        let mut counts = [0_u64; 4];
        let mut kept = 0;
        for from in 0..ids.len() {
            let id = ids[from];
            let verdict = self.verdicts[id as usize];
            ids[kept] = id;
            kept += usize::from(verdict == 0);
            counts[usize::from(verdict & 3)] += 1;
        }
        ids.truncate(kept);
        dropped.special += counts[DropRule::Special as usize];
        dropped.stop_word += counts[DropRule::StopWord as usize];
        dropped.min_length += counts[DropRule::MinLength as usize];
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
