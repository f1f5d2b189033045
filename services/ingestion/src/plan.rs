//! A repository's files become configs, splits, source files and tasks: all the thinking of an ingest, and no I/O.
//!
//! The rules are those of `datasets` 5.2.0, proved by a table made by running it, with two differences: each config
//! has a format of its own, and whatever a rule leaves out is reported. The same commit always gives the same plan,
//! so that a plan that is made twice after a crash makes no second set of tasks.

mod card;
mod error;
pub mod format;
pub mod options;
mod overview;
mod pattern;
mod resolve;
mod row_counts;
mod splits;
mod tasks;
pub mod upload;
mod yaml;

use std::{collections::HashSet, sync::Arc};

use serde::{Deserialize, Serialize};

pub use card::{README, STANDALONE};
pub use error::PlanError;
pub use format::Format;
pub use options::Options;
pub use overview::{ConfigOverview, Overview, SplitOverview, overview};
pub use resolve::{Config, LeftOut, ResolvedSplit, configs};
pub use tasks::{FileGroup, GROUP_BYTES, groups};

/// A file of the pinned commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    pub path: String,
    pub size: u64,
    /// Hexadecimal: sha256 of the content, or the git blob id (sha1) of a file outside LFS.
    pub digest: String,
}

/// A repository at its commit, as the Hub lists it.
#[derive(Debug, Clone, Copy)]
pub struct Repository<'a> {
    pub files: &'a [SourceFile],
    /// Content of `README.md`.
    pub readme: Option<&'a str>,
    /// Content of `.huggingface.yaml`.
    pub standalone: Option<&'a str>,
}

/// What of the repository becomes the dataset.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// None = the default config.
    pub config: Option<&'a str>,
    /// None = all splits.
    pub split: Option<&'a str>,
}

/// A split and its source files, in the order of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSplit {
    pub name: String,
    pub files: Vec<SourceFile>,
    pub format: Format,
    pub options: Arc<Options>,
}

/// What is fetched, in which order, and what is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub config: String,
    pub splits: Vec<PlannedSplit>,
    pub left_out: Vec<LeftOut>,
    pub license: Option<String>,
}

impl Plan {
    /// Sum of the sizes of the source files.
    pub fn source_bytes(&self) -> u64 {
        self.splits.iter().flat_map(|split| &split.files).map(|file| file.size).fold(0, u64::saturating_add)
    }
}

/// The plan for one config of a repository and one or all of its splits.
pub fn plan(repository: &Repository<'_>, choice: Choice<'_>) -> Result<Plan, PlanError> {
    let mut configs = configs(repository)?;
    let chosen = choose_config(&configs, choice.config)?;
    let config = configs.swap_remove(chosen);
    let license = card::read(repository.readme, repository.standalone)?.license;
    let splits = config.splits?;
    let all: Vec<String> = splits.iter().flat_map(|split| &split.files).map(|file| file.path.clone()).collect();
    let splits = readable(choose_splits(splits, choice.split)?)?;
    let left_out = with_other_splits(config.left_out, all, &splits);
    let splits = splits.into_iter().map(|ResolvedSplit { name, files, format, options }| PlannedSplit {
        name,
        files,
        format,
        options,
    });
    let splits = splits.collect();
    Ok(Plan { config: config.name, splits, left_out, license })
}

fn choose_config(configs: &[Config], wanted: Option<&str>) -> Result<usize, PlanError> {
    let available = || configs.iter().map(|config| config.name.clone()).collect();
    match wanted {
        Some(name) => configs
            .iter()
            .position(|config| config.name == name)
            .ok_or_else(|| PlanError::ConfigNotFound { config: name.to_owned(), available: available() }),
        None => configs
            .iter()
            .position(|config| config.is_default)
            .ok_or_else(|| PlanError::ConfigRequired { available: available() }),
    }
}

fn choose_splits(splits: Vec<ResolvedSplit>, wanted: Option<&str>) -> Result<Vec<ResolvedSplit>, PlanError> {
    let Some(name) = wanted else { return Ok(splits) };
    let available: Vec<String> = splits.iter().map(|split| split.name.clone()).collect();
    let found: Vec<ResolvedSplit> = splits.into_iter().filter(|split| split.name == name).collect();
    if found.is_empty() { Err(PlanError::SplitNotFound { split: name.to_owned(), available }) } else { Ok(found) }
}

/// Files of splits that were not chosen are left out, too.
fn with_other_splits(mut left_out: Vec<LeftOut>, all: Vec<String>, chosen: &[ResolvedSplit]) -> Vec<LeftOut> {
    let chosen: HashSet<&str> = chosen.iter().flat_map(|split| &split.files).map(|file| file.path.as_str()).collect();
    let others = all.into_iter().filter(|path| !chosen.contains(path.as_str()));
    left_out.extend(others.map(|path| LeftOut { path, rule: "other_split".to_owned() }));
    left_out.sort_by(|one, other| one.path.cmp(&other.path));
    left_out.dedup();
    left_out
}

/// The splits, if rows can be read from all of their files.
fn readable(splits: Vec<ResolvedSplit>) -> Result<Vec<ResolvedSplit>, PlanError> {
    let formats = splits.iter().flat_map(|split| split.files.iter().map(move |file| (file, split.format)));
    let mut formats = formats.map(|(file, format)| (file, format::of_file(&file.path, format)));
    match formats.find(|(_, format)| !format.is_converted()) {
        None => Ok(splits),
        Some((file, format)) => Err(PlanError::Unsupported { format: format.name, file: file.path.clone() }),
    }
}

/// What must be free on the volume for a download. The raw shards take about as much as the source; `keep_free` is what
/// must be left after that.
pub fn disk_needed(source_bytes: u64, keep_free: u64) -> u64 {
    source_bytes.saturating_add(keep_free)
}

/// Whether a dataset may be fetched at all, before its first byte is.
pub fn check_size(source_bytes: u64, limit: u64, free: u64, keep_free: u64) -> Result<(), PlanError> {
    if source_bytes > limit {
        return Err(PlanError::TooLarge { size: source_bytes, limit });
    }
    let needed = disk_needed(source_bytes, keep_free);
    if needed > free { Err(PlanError::DiskFull { needed, free }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Vec<SourceFile> {
        paths.iter().map(|p| SourceFile { path: (*p).into(), size: 10, digest: "0".repeat(40) }).collect()
    }

    fn plan_of(paths: &[&str], yaml: Option<&str>, choice: Choice<'_>) -> Result<Plan, PlanError> {
        let readme = yaml.map(|yaml| format!("---\n{yaml}\n---\n"));
        plan(&Repository { files: &files(paths), readme: readme.as_deref(), standalone: None }, choice)
    }

    const TWO: &str =
        "license: mit\nconfigs:\n- config_name: a\n  data_files: a.jsonl\n- config_name: b\n  data_files: b.parquet";

    #[test]
    fn a_config_must_be_chosen_among_several() {
        let error = plan_of(&["a.jsonl", "b.parquet"], Some(TWO), Choice::default()).unwrap_err();
        assert!(matches!(error, PlanError::ConfigRequired { available } if available == ["a", "b"]));
        let error = plan_of(&["a.jsonl"], Some(TWO), Choice { config: Some("c"), split: None }).unwrap_err();
        assert!(matches!(error, PlanError::ConfigNotFound { available, .. } if available == ["a", "b"]));
    }

    #[test]
    fn each_config_has_its_own_format_and_reports_what_it_leaves_out() {
        let plan =
            plan_of(&["README.md", "a.jsonl", "b.parquet"], Some(TWO), Choice { config: Some("b"), split: None });
        let plan = plan.unwrap();
        assert_eq!((plan.splits[0].files[0].path.as_str(), plan.source_bytes()), ("b.parquet", 10));
        assert_eq!(plan.license.as_deref(), Some("mit"));
        let left_out: Vec<_> = plan.left_out.iter().map(|l| (l.path.as_str(), l.rule.as_str())).collect();
        assert_eq!(left_out, [("README.md", "reserved_name"), ("a.jsonl", "not_in_config")]);
    }

    #[test]
    fn every_rule_that_leaves_a_file_out_has_a_name() {
        let paths = [
            ".gitattributes",
            "LICENSE",
            "__a__/train.json",
            "config.json",
            "more.json",
            "train.csv",
            "train.json",
            "train2.json",
        ];
        let plan = plan_of(&paths, None, Choice::default()).unwrap();
        let left_out: Vec<_> = plan.left_out.iter().map(|l| (l.path.as_str(), l.rule.as_str())).collect();
        assert_eq!(
            left_out,
            [
                (".gitattributes", "hidden"),
                ("LICENSE", "unknown_extension"),
                ("__a__/train.json", "special_folder"),
                ("config.json", "reserved_name"),
                ("more.json", "no_split_in_name"),
                ("train.csv", "other_format"),
            ]
        );
    }

    #[test]
    fn one_split_or_all() {
        let paths = ["train.jsonl", "test.jsonl"];
        let all = plan_of(&paths, None, Choice::default()).unwrap();
        assert_eq!(all.splits.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["train", "test"]);
        let one = plan_of(&paths, None, Choice { config: Some("default"), split: Some("test") }).unwrap();
        assert_eq!((one.splits.len(), &one.splits[0].files), (1, &files(&["test.jsonl"])));
        assert_eq!(one.left_out, [LeftOut { path: "train.jsonl".into(), rule: "other_split".into() }]);
        assert_eq!(all.left_out, []);
        let error = plan_of(&paths, None, Choice { config: None, split: Some("dev") }).unwrap_err();
        assert!(matches!(error, PlanError::SplitNotFound { available, .. } if available == ["train", "test"]));
    }

    #[test]
    fn nothing_to_read() {
        let fails = |paths: &[&str]| plan_of(paths, None, Choice::default()).unwrap_err();
        assert!(matches!(fails(&["README.md", ".gitattributes"]), PlanError::NoDataFiles));
        assert!(matches!(fails(&["README.md", "name.py"]), PlanError::Script { file } if file == "name.py"));
        assert!(matches!(fails(&["train.lance"]), PlanError::Unsupported { format: "lance", .. }));
        assert!(matches!(fails(&["a.png"]), PlanError::Unsupported { format: "imagefolder", .. }));
    }

    #[test]
    fn size_and_space_are_checked_before_the_first_byte() {
        assert!(check_size(100, 100, 110, 10).is_ok());
        assert!(matches!(check_size(101, 100, 1000, 0), Err(PlanError::TooLarge { size: 101, limit: 100 })));
        assert!(matches!(check_size(100, 100, 109, 10), Err(PlanError::DiskFull { needed: 110, free: 109 })));
    }
}
