//! Every config of a repository with its splits, files and format, and what each config leaves out.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    PlanError, Repository, SourceFile,
    card::{self, DeclaredConfig},
    format::{self, Format},
    options::{self, Options},
    pattern::Pattern,
    row_counts::ConfigRows,
    splits::{self, SplitPatterns, Unresolved},
};

/// A config as its repository has it. One that is broken does not break the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub name: String,
    pub is_default: bool,
    pub splits: Result<Vec<ResolvedSplit>, PlanError>,
    pub left_out: Vec<LeftOut>,
}

/// A split with its files in the order of their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedSplit {
    pub name: String,
    pub files: Vec<SourceFile>,
    pub format: Format,
    pub options: Arc<Options>,
}

/// A file that is in no split, and the rule that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub path: String,
    pub rule: String,
}

/// All configs, in the order of the card; one named `default` when it declares none.
pub fn configs(repository: &Repository<'_>) -> Result<Vec<Config>, PlanError> {
    let card = card::read(repository.readme, repository.standalone)?;
    let index = Index::new(repository.files);
    if card.configs.is_empty() {
        let mut config = index.undeclared();
        // As in `datasets`, one that stands alone is the default's, whatever its name.
        if let [only] = card.row_counts.as_slice() {
            inform(&mut config, only);
        }
        return Ok(vec![config]);
    }
    let only = card.configs.len() == 1;
    if let [first, second, ..] = card.configs.iter().filter(|c| c.is_default).collect::<Vec<_>>()[..] {
        let why = format!("both config `{}` and config `{}` are the default", first.name, second.name);
        return Err(PlanError::BadCard { file: card::README, why });
    }
    let mut configs: Vec<Config> = card.configs.iter().map(|config| index.declared(config, only)).collect();
    for config in &mut configs {
        // The last of equal ones wins.
        if let Some(info) = card.row_counts.iter().rev().find(|info| info.config == config.name) {
            inform(config, info);
        }
    }
    Ok(configs)
}

/// Adds the types that `dataset_info` declares.
fn inform(config: &mut Config, info: &ConfigRows) {
    let (Ok(splits), Some(_)) = (&mut config.splits, &info.features) else { return };
    for split in splits {
        Arc::make_mut(&mut split.options).info.clone_from(&info.features);
    }
}

/// The repository's files by path, and their paths in the order that globs give them.
struct Index<'a> {
    files: HashMap<&'a str, &'a SourceFile>,
    paths: Vec<String>,
}

impl<'a> Index<'a> {
    fn new(files: &'a [SourceFile]) -> Self {
        let mut paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        paths.sort_unstable();
        Self { files: files.iter().map(|file| (file.path.as_str(), file)).collect(), paths }
    }

    /// The one config of a card without any: files of the most common format only.
    fn undeclared(&self) -> Config {
        let splits = self.resolve("default", "", None).map(|mut splits| {
            for split in &mut splits {
                split.files.retain(|file| format::keeps(split.format, &file.path));
            }
            splits
        });
        self.config("default", "", true, true, splits)
    }

    fn declared(&self, config: &DeclaredConfig, only: bool) -> Config {
        let splits = self.resolve(&config.name, &config.data_dir, config.data_files.as_ref());
        let splits = splits.and_then(|splits| separated(config, splits)).and_then(|splits| heeded(config, splits));
        let by_name = config.data_files.is_none();
        self.config(&config.name, &config.data_dir, config.is_default || only, by_name, splits)
    }

    fn config(
        &self,
        name: &str,
        base: &str,
        is_default: bool,
        by_name: bool,
        splits: Result<Vec<ResolvedSplit>, PlanError>,
    ) -> Config {
        let left_out = splits.as_ref().map(|splits| self.left_out(splits, base, by_name)).unwrap_or_default();
        Config { name: name.to_owned(), is_default, splits, left_out }
    }

    fn resolve(
        &self,
        config: &str,
        base: &str,
        declared: Option<&SplitPatterns>,
    ) -> Result<Vec<ResolvedSplit>, PlanError> {
        let inferred;
        let patterns = if let Some(patterns) = declared {
            patterns
        } else {
            inferred = splits::infer(base, &self.paths)?.ok_or_else(|| self.no_data_files())?;
            &inferred
        };
        let mut resolved = Vec::with_capacity(patterns.len());
        for (split, patterns) in patterns {
            let paths = splits::files(base, patterns, &self.paths).map_err(|e| unresolved(config, e))?;
            let found = format::infer(paths.iter().map(String::as_str));
            let files = paths.iter().filter_map(|path| self.files.get(path.as_str()).copied().cloned()).collect();
            resolved.push((split, files, found));
        }
        self.one_format(config, resolved)
    }

    /// All splits of a config must have the same format; one without files has none.
    fn one_format(
        &self,
        config: &str,
        splits: Vec<(&String, Vec<SourceFile>, Option<Format>)>,
    ) -> Result<Vec<ResolvedSplit>, PlanError> {
        let Some((first, first_format)) = splits.iter().find_map(|(name, _, found)| Some(((*name).clone(), (*found)?)))
        else {
            return Err(self.no_data_files());
        };
        let resolve = |(name, files, found): (&String, Vec<SourceFile>, Option<Format>)| match found {
            None => Err(PlanError::EmptySplit { config: config.to_owned(), split: name.clone() }),
            Some(format) if format != first_format => Err(PlanError::FormatsDiffer {
                first: first.clone(),
                first_format: first_format.shown(),
                other: name.clone(),
                other_format: format.shown(),
            }),
            Some(format) => Ok(ResolvedSplit { name: name.clone(), files, format, options: Arc::default() }),
        };
        splits.into_iter().map(resolve).collect()
    }

    fn no_data_files(&self) -> PlanError {
        let is_script = |path: &&String| path.rsplit_once('.').is_some_and(|(_, e)| e == "py") && !path.contains('/');
        match self.paths.iter().find(is_script) {
            Some(file) => PlanError::Script { file: file.clone() },
            None => PlanError::NoDataFiles,
        }
    }

    fn left_out(&self, splits: &[ResolvedSplit], base: &str, by_name: bool) -> Vec<LeftOut> {
        let used: HashSet<&str> = splits.iter().flat_map(|s| &s.files).map(|file| file.path.as_str()).collect();
        let everything = Pattern::new("", "**").ok();
        let inside = base.trim_start_matches("./").trim_end_matches('/');
        let rule = |path: &str| {
            if let Some(rule) = everything.as_ref().and_then(|pattern| pattern.exclusion(path)) {
                rule
            } else if !format::is_data(path) {
                "unknown_extension"
            } else if !by_name || (!inside.is_empty() && !path.starts_with(&format!("{inside}/"))) {
                "not_in_config"
            } else if splits.first().is_some_and(|split| !format::keeps(split.format, path)) {
                "other_format"
            } else {
                "no_split_in_name"
            }
        };
        let unused = self.paths.iter().filter(|path| !used.contains(path.as_str()));
        unused.map(|path| LeftOut { path: path.clone(), rule: rule(path).to_owned() }).collect()
    }
}

/// CSV files are cut at what their config says.
fn separated(config: &DeclaredConfig, mut splits: Vec<ResolvedSplit>) -> Result<Vec<ResolvedSplit>, PlanError> {
    let Some(separator) = &config.separator else { return Ok(splits) };
    for split in splits.iter_mut().filter(|split| split.format.name == "csv") {
        split.format.separator = match separator.as_bytes() {
            [byte @ (b'\t' | b' '..=b'~')] => Some(*byte),
            br"\s+" => Some(b' '),
            _ => return Err(PlanError::UnsupportedOption { config: config.name.clone(), option: "sep" }),
        };
    }
    Ok(splits)
}

/// What the config says of its readers; rows that an option would have changed are not read as if it was not there.
fn heeded(config: &DeclaredConfig, mut splits: Vec<ResolvedSplit>) -> Result<Vec<ResolvedSplit>, PlanError> {
    let formats = splits.iter().flat_map(|split| {
        let of_files = split.files.iter().map(|file| format::of_file(&file.path, split.format).name);
        of_files.chain([split.format.name])
    });
    let options = options::read(&config.options, &formats.collect::<BTreeSet<_>>());
    let options = options.map_err(|option| PlanError::UnsupportedOption { config: config.name.clone(), option })?;
    let options = Arc::new(options);
    for split in &mut splits {
        split.options = Arc::clone(&options);
    }
    Ok(splits)
}

fn unresolved(config: &str, error: Unresolved) -> PlanError {
    match error {
        Unresolved::Missing(pattern) => PlanError::NothingMatches { config: config.to_owned(), pattern },
        Unresolved::Invalid(pattern) => PlanError::BadCard {
            file: card::README,
            why: format!("`{pattern}` of config `{config}` is no pattern: `**` must stand between slashes"),
        },
    }
}
