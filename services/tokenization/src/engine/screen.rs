//! Patterns of a stranger's `tokenizer.json`, tried on a text before the reference runs them without a limit.
//!
//! The regex engine backtracks. It limits how often it goes back in one match, and gives up like Python's, but neither
//! how far nor how many matches: a pattern can take days for a page. So each step with a pattern that is none of the
//! known ones is first run here, where a match is begun with a small limit that doubles, so that no try takes much longer
//! than all before it, and the processor's time is looked at in between.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use onig::{MatchParam, Regex, SearchOptions};
use tokenizers::normalizers::NormalizerWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer,
};

use super::encode::EncodeError;
use super::engines::is_known_pattern;

/// How often a match goes back at its first try.
const FIRST: u32 = 64;
/// Where the engine itself gives up on one match.
const MOST: u32 = 10_000_000;
/// Time of the processor for a text: so much, and so much more for each byte. Ordinary patterns take a hundredth.
const TIME: Duration = Duration::from_secs(1);
const TIME_PER_BYTE: Duration = Duration::from_micros(5);
/// Matches between two looks at the time.
const UNWATCHED: usize = 64;
/// The engine's code for a match beyond its limit.
const OVER: i32 = -17;

/// The steps before the model, where one of them has an unknown pattern.
pub(super) struct Screen {
    normalizers: Vec<(Option<Regex>, NormalizerWrapper)>,
    pre_tokenizers: Vec<(Option<Regex>, PreTokenizerWrapper)>,
}

impl Screen {
    /// None when there is nothing to try.
    pub(super) fn new(tokenizer: &Tokenizer) -> Option<Self> {
        let normalizers: Vec<_> =
            normalizers(tokenizer.get_normalizer()).map(|step| (unknown(step), step.clone())).collect();
        let pre_tokenizers: Vec<_> =
            pre_tokenizers(tokenizer.get_pre_tokenizer()).map(|step| (unknown(step), step.clone())).collect();
        let is_needed = normalizers.iter().any(|(pattern, _)| pattern.is_some())
            || pre_tokenizers.iter().any(|(pattern, _)| pattern.is_some());
        is_needed.then_some(Self { normalizers, pre_tokenizers })
    }

    /// Whether all patterns come to an end on `text` in time.
    pub(super) fn check(&self, text: &str) -> Result<(), EncodeError> {
        let watch = Watch::for_text(text);
        let refused = |error: tokenizers::Error| EncodeError::Refused { message: error.to_string() };
        let mut normalized = NormalizedString::from(text);
        for (pattern, step) in &self.normalizers {
            if let Some(pattern) = pattern {
                find_all(pattern, normalized.get(), &watch)?;
            }
            step.normalize(&mut normalized).map_err(refused)?;
        }
        let mut split = PreTokenizedString::from(normalized);
        for (pattern, step) in &self.pre_tokenizers {
            if let Some(pattern) = pattern {
                for (part, ..) in split.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
                    find_all(pattern, part, &watch)?;
                }
            }
            step.pre_tokenize(&mut split).map_err(refused)?;
        }
        Ok(())
    }
}

/// The time that this thread has for a text.
struct Watch {
    end: Duration,
}

impl Watch {
    fn for_text(text: &str) -> Self {
        let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self { end: now() + TIME + TIME_PER_BYTE * bytes }
    }

    fn look(&self) -> Result<(), EncodeError> {
        if now() < self.end { Ok(()) } else { Err(EncodeError::TooSlow) }
    }
}

/// Of this thread alone, so that a busy machine refuses nothing; zero, and no limit, where there is no such clock.
fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Finds all matches, one after the other, as the library does.
fn find_all(pattern: &Regex, text: &str, watch: &Watch) -> Result<(), EncodeError> {
    let (mut at, mut tries) = (0, 0);
    while at < text.len() {
        if tries % UNWATCHED == 0 {
            watch.look()?;
        }
        tries += 1;
        let length = find(pattern, text, at, watch)?.unwrap_or(0);
        // No match, or an empty one: the next character.
        at += if length > 0 { length } else { text[at..].chars().next().map_or(1, char::len_utf8) };
    }
    Ok(())
}

/// The length of the match at `at`, under limits that double until one is enough.
fn find(pattern: &Regex, text: &str, at: usize, watch: &Watch) -> Result<Option<usize>, EncodeError> {
    let mut limit = FIRST;
    loop {
        let mut parameters = MatchParam::default();
        parameters.set_retry_limit_in_match(limit);
        match pattern.match_with_param(text, at, SearchOptions::SEARCH_OPTION_NONE, None, parameters) {
            Ok(length) => return Ok(length),
            Err(error) if error.code() == OVER && limit < MOST => {
                watch.look()?;
                limit = limit.saturating_mul(2).min(MOST);
            }
            Err(error) if error.code() == OVER => return Err(EncodeError::GaveUp),
            Err(error) => return Err(EncodeError::Refused { message: error.description().to_owned() }),
        }
    }
}

fn normalizers(all: Option<&NormalizerWrapper>) -> Box<dyn Iterator<Item = &NormalizerWrapper> + '_> {
    match all {
        None => Box::new(std::iter::empty()),
        Some(NormalizerWrapper::Sequence(steps)) => {
            Box::new(steps.as_ref().iter().flat_map(|step| normalizers(Some(step))))
        }
        Some(step) => Box::new(std::iter::once(step)),
    }
}

fn pre_tokenizers(all: Option<&PreTokenizerWrapper>) -> Box<dyn Iterator<Item = &PreTokenizerWrapper> + '_> {
    match all {
        None => Box::new(std::iter::empty()),
        Some(PreTokenizerWrapper::Sequence(steps)) => {
            Box::new(steps.as_ref().iter().flat_map(|step| pre_tokenizers(Some(step))))
        }
        Some(step) => Box::new(std::iter::once(step)),
    }
}

/// The pattern of a step, unless it is a known one. The parts keep their fields to themselves, but not their JSON.
fn unknown(step: &impl serde::Serialize) -> Option<Regex> {
    let step = serde_json::to_value(step).ok()?;
    let source = step.pointer("/pattern/Regex")?.as_str()?;
    // The library compiled it, so it compiles.
    if is_known_pattern(source) { None } else { Regex::new(source).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_out(pattern: &str, text: &str) -> Result<Duration, EncodeError> {
        let started = now();
        find_all(&Regex::new(pattern).unwrap(), text, &Watch::for_text(text)).map(|()| now().saturating_sub(started))
    }

    #[test]
    fn ordinary_patterns_have_ten_times_the_time_that_they_take() {
        let text = "The mill's wheel turns, 12 345 times;\n\n    and 日本語. ".repeat(500) + &" ".repeat(20_000);
        for pattern in
            [r"\s+", r" ?[^(\s|[.,!?…。，、।۔،])]+", r"\p{N}{1,3}", r"[^\r\n\p{L}\p{N}]?\p{L}+|\s+(?!\S)|\s+"]
        {
            let taken = try_out(pattern, &text).unwrap();
            assert!(taken < (TIME + TIME_PER_BYTE * 45_000) / 10, "{pattern}: {taken:?}");
        }
    }

    #[test]
    fn patterns_that_never_end_are_refused() {
        let text = "a".repeat(60_000);
        // It goes back once for each byte, and reads the rest of the text each time; and so for each byte again.
        assert!(matches!(try_out(r"a*a*b|a", &text), Err(EncodeError::TooSlow)));
        // One match goes back without end.
        assert!(matches!(try_out(r"(?:a|a)*(?:a|a)*b", &text), Err(EncodeError::GaveUp | EncodeError::TooSlow)));
    }
}
