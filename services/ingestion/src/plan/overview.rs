//! A repository as it is shown to somebody who has not decided yet: all configs, by the very rules of a plan.

use super::{
    LeftOut, PlanError, Repository, ResolvedSplit, SourceFile, card, configs, readable, row_counts::ConfigRows,
};

/// All configs of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    pub configs: Vec<ConfigOverview>,
    pub license: Option<String>,
}

/// A config, or why it cannot be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigOverview {
    pub name: String,
    pub is_default: bool,
    pub splits: Result<Vec<SplitOverview>, PlanError>,
    pub left_out: Vec<LeftOut>,
}

/// A split with its files in the order of their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitOverview {
    pub split: ResolvedSplit,
    /// What the card says.
    pub row_count: Option<u64>,
}

impl ConfigOverview {
    /// Sum of the sizes of the source files.
    pub fn source_bytes(&self) -> u64 {
        let splits = self.splits.iter().flatten();
        splits.flat_map(|one| &one.split.files).map(|file| file.size).fold(0, u64::saturating_add)
    }
}

impl SplitOverview {
    /// The file whose first rows are those of the split.
    pub fn first_file(&self) -> Option<&SourceFile> {
        self.split.files.iter().find(|file| file.size > 0)
    }
}

/// All configs. When none of them can be downloaded, that is the answer.
pub fn overview(repository: &Repository<'_>) -> Result<Overview, PlanError> {
    let configs = configs(repository)?;
    let card = card::read(repository.readme, repository.standalone)?;
    let only = configs.len() == 1;
    let mut shown = Vec::with_capacity(configs.len());
    for config in configs {
        let rows = rows_of(&card.row_counts, &config.name, only);
        let known = |split: &ResolvedSplit| rows?.splits.iter().find(|(name, _)| *name == split.name).map(|(_, n)| *n);
        let with_rows = |split| SplitOverview { row_count: known(&split), split };
        let splits = config.splits.and_then(readable).map(|splits| splits.into_iter().map(with_rows).collect());
        shown.push(ConfigOverview {
            name: config.name,
            is_default: config.is_default,
            splits,
            left_out: config.left_out,
        });
    }
    match shown.iter().map(|config| config.splits.as_ref().err()).collect::<Option<Vec<_>>>() {
        Some(errors) if let Some(&first) = errors.first() => Err(first.clone()),
        _ => Ok(Overview { configs: shown, license: card.license }),
    }
}

/// What the card says of a config. One of a single config may go by another name, such as `plain_text`.
fn rows_of<'a>(counts: &'a [ConfigRows], config: &str, only: bool) -> Option<&'a ConfigRows> {
    let named = counts.iter().find(|rows| rows.config == config);
    named.or_else(|| counts.first().filter(|_| only && counts.len() == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overview_of(paths: &[&str], yaml: &str) -> Result<Overview, PlanError> {
        let file = |path: &&str| SourceFile { path: (*path).into(), size: 10, digest: "0".repeat(40) };
        let files: Vec<_> = paths.iter().map(file).collect();
        let readme = format!("---\n{yaml}\n---\n");
        overview(&Repository { files: &files, readme: Some(&readme), standalone: None })
    }

    #[test]
    fn one_broken_config_does_not_hide_the_others() {
        let yaml = "configs:\n- config_name: a\n  data_files: a.jsonl\n- config_name: b\n  data_files: no.jsonl\n\
                    - config_name: c\n  data_files: c.lance";
        let found = overview_of(&["a.jsonl", "c.lance"], yaml).unwrap();
        assert_eq!(found.configs[0].source_bytes(), 10);
        assert!(matches!(found.configs[1].splits, Err(PlanError::NothingMatches { .. })));
        assert!(matches!(found.configs[2].splits, Err(PlanError::Unsupported { format: "lance", .. })));
        assert!(matches!(overview_of(&["name.py"], "license: mit"), Err(PlanError::Script { .. })));
        assert!(matches!(overview_of(&["a.lance"], "license: mit"), Err(PlanError::Unsupported { .. })));
    }

    #[test]
    fn rows_are_known_where_the_card_says_so() {
        let rows = |found: &Overview, config: usize| {
            let splits = found.configs[config].splits.as_ref().unwrap();
            splits.iter().map(|one| (one.split.name.clone(), one.row_count)).collect::<Vec<_>>()
        };
        let one = "dataset_info:\n  config_name: plain_text\n  splits:\n  - name: train\n    num_examples: 25000\n\
                   \x20   num_bytes: 1\n  - name: test\n    num_examples: many";
        let found = overview_of(&["train.jsonl", "test.jsonl"], one).unwrap();
        assert_eq!(rows(&found, 0), [("train".to_owned(), Some(25_000)), ("test".to_owned(), None)]);
        let two = "configs:\n- config_name: a\n  data_files: a.jsonl\n- config_name: b\n  data_files: b.jsonl\n\
                   dataset_info:\n- config_name: b\n  splits:\n  - name: train\n    num_examples: 7\n- 3";
        let found = overview_of(&["a.jsonl", "b.jsonl"], two).unwrap();
        assert_eq!(rows(&found, 0), [("train".to_owned(), None)]);
        assert_eq!(rows(&found, 1), [("train".to_owned(), Some(7))]);
    }
}
