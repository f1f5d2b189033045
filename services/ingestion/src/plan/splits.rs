//! Which files make which split when a config names none: `datasets`' `get_data_patterns` as a list of rules.
//!
//! The first rule that finds a file wins for the whole config, and files that it does not mean are left out. Rules see
//! all files, whatever their extensions; those only count when a rule's patterns are resolved.

use super::{
    PlanError,
    card::is_split_name,
    pattern::{InvalidPattern, Pattern},
};

const KEYWORDS: [(&str, &[&str]); 3] = [
    ("train", &["train", "training"]),
    ("validation", &["validation", "valid", "dev", "val"]),
    ("test", &["test", "testing", "eval", "evaluation"]),
];
/// What may stand beside a keyword.
const SEPARATORS: &str = "[-._ 0-9]";
/// The names that `push_to_hub` gives: any split name is taken from them.
const SHARDED: &str = "-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9]*.*";

/// Splits in order, each with its patterns relative to the base folder.
pub(super) type SplitPatterns = Vec<(String, Vec<String>)>;

/// The patterns of the first rule that finds a file below `base`; `None` when there is no file at all.
pub(super) fn infer(base: &str, paths: &[String]) -> Result<Option<SplitPatterns>, PlanError> {
    if let Some(splits) = sharded(base, paths)? {
        return Ok(Some(splits));
    }
    for rule in [logs(), tasks(), folder_keywords(), name_keywords(), everything()] {
        let found: SplitPatterns = rule.into_iter().filter(|(_, patterns)| finds_any(base, patterns, paths)).collect();
        if !found.is_empty() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn finds_any(base: &str, patterns: &[String], paths: &[String]) -> bool {
    let compiled = patterns.iter().filter_map(|pattern| Pattern::new(base, pattern).ok());
    compiled.into_iter().any(|pattern| paths.iter().any(|path| pattern.is_match(path)))
}

/// `data/{split}-NNNNN-of-NNNNN*.*`
fn sharded(base: &str, paths: &[String]) -> Result<Option<SplitPatterns>, PlanError> {
    let Ok(pattern) = Pattern::new(base, &format!("data/*{SHARDED}")) else { return Ok(None) };
    let mut names: Vec<&str> = Vec::new();
    for path in paths.iter().filter(|path| pattern.is_match(path)) {
        let Some(name) = path.rsplit('/').next().and_then(split_of) else { continue };
        if !is_split_name(name) {
            return Err(PlanError::BadSplitName { split: name.to_owned(), file: path.clone() });
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_by_key(|name| (KEYWORDS.iter().position(|(k, _)| k == name).unwrap_or(KEYWORDS.len()), *name));
    // A valid split name has no characters of a glob.
    let patterns = |name: &&str| ((*name).to_owned(), vec![format!("data/{name}{SHARDED}")]);
    Ok((!names.is_empty()).then(|| names.iter().map(patterns).collect()))
}

/// What stands before the last `-NNNNN-of-NNNNN`, as Python's greedy match has it.
fn split_of(name: &str) -> Option<&str> {
    let digits = |text: &str| text.len() >= 5 && text.bytes().take(5).all(|b| b.is_ascii_digit());
    name.rmatch_indices("-of-").find_map(|(at, _)| {
        let (before, after) = (&name[..at], &name[at + 4..]);
        let (split, number) = before.rsplit_once('-')?;
        (number.len() == 5 && digits(number) && digits(after)).then_some(split)
    })
}

fn logs() -> SplitPatterns {
    vec![("logs".to_owned(), vec!["**/*.eval".to_owned()])]
}

fn tasks() -> SplitPatterns {
    vec![("test".to_owned(), vec!["**/task.toml".to_owned(), "**/instruction.md".to_owned()])]
}

fn folder_keywords() -> SplitPatterns {
    keywords(|k| {
        vec![
            format!("**/{k}/**"),
            format!("**/{k}{SEPARATORS}*/**"),
            format!("**/*{SEPARATORS}{k}/**"),
            format!("**/*{SEPARATORS}{k}{SEPARATORS}*/**"),
        ]
    })
}

fn name_keywords() -> SplitPatterns {
    keywords(|k| vec![format!("**/{k}{SEPARATORS}*"), format!("**/*{SEPARATORS}{k}{SEPARATORS}*")])
}

fn everything() -> SplitPatterns {
    vec![("train".to_owned(), vec!["**".to_owned()])]
}

fn keywords(patterns: impl Fn(&str) -> Vec<String>) -> SplitPatterns {
    KEYWORDS
        .iter()
        .map(|(split, words)| ((*split).to_owned(), words.iter().flat_map(|w| patterns(w)).collect()))
        .collect()
}

/// The files of a split: patterns in order, files of each by path, a file twice when two patterns mean it.
pub(super) fn files(base: &str, patterns: &[String], paths: &[String]) -> Result<Vec<String>, Unresolved> {
    let mut files = Vec::new();
    for text in patterns {
        let pattern = Pattern::new(base, text).map_err(|InvalidPattern| Unresolved::Invalid(text.clone()))?;
        let before = files.len();
        files.extend(pattern.data_files(paths).cloned());
        if files.len() == before && !pattern.has_magic() {
            return Err(Unresolved::Missing(text.clone()));
        }
    }
    Ok(files)
}

/// Why a declared pattern is an error.
#[derive(Debug)]
pub(super) enum Unresolved {
    Invalid(String),
    Missing(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_of_a_sharded_name() {
        assert_eq!(split_of("train-00000-of-00002.parquet"), Some("train"));
        assert_eq!(split_of("a-00000-of-00001-00000-of-00002.parquet"), Some("a-00000-of-00001"));
        assert_eq!(split_of("train-0000-of-0001.parquet"), None);
    }
}
