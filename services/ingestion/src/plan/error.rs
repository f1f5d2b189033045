//! Why a repository gives no plan; each becomes one reason in `failure.rs`.

/// A repository that cannot be planned as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("`{file}` cannot be understood: {why}")]
    BadCard { file: &'static str, why: String },
    #[error("`{split}` in the name of `{file}` is not a split name")]
    BadSplitName { split: String, file: String },
    #[error("there is no config `{config}`; there are {}", list(available))]
    ConfigNotFound { config: String, available: Vec<String> },
    #[error("the repository has several configs and no default: {}", list(available))]
    ConfigRequired { available: Vec<String> },
    #[error("there is no split `{split}`; there are {}", list(available))]
    SplitNotFound { split: String, available: Vec<String> },
    #[error("the repository has no data files")]
    NoDataFiles,
    #[error("config `{config}` names `{pattern}`, which is no data file of the repository")]
    NothingMatches { config: String, pattern: String },
    #[error("config `{config}` has no data files for split `{split}`")]
    EmptySplit { config: String, split: String },
    #[error("the repository has only the script `{file}`, which is never run")]
    Script { file: String },
    #[error("split `{first}` has {first_format} files but split `{other}` has {other_format} files")]
    FormatsDiffer { first: String, first_format: &'static str, other: String, other_format: &'static str },
    #[error(
        "`{file}` is in the format {format}, which is not supported; supported are parquet, json, csv, text, arrow, tar and zip"
    )]
    Unsupported { format: &'static str, file: String },
    #[error("config `{config}` has the option `{option}`, which is not supported: its rows would be others")]
    UnsupportedOption { config: String, option: &'static str },
    #[error("the source files have {size} bytes; the limit is {limit}")]
    TooLarge { size: u64, limit: u64 },
    #[error("{needed} bytes are needed; {free} are free")]
    DiskFull { needed: u64, free: u64 },
}

/// Names for a message: the first twenty, as a repository may have thousands of configs.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
