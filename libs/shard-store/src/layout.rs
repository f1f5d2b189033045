//! Where files lie: the one place that builds and checks storage keys.
//!
//! A key is relative to the store's root and separated by `/`, so that the same layout fits a volume and a bucket.
//! The repository id is the only foreign part of a key; splits, configs and repository paths are data and appear as
//! numbers. Names carry the last eight digits of the attempt, so that a worker that lost its lease never writes the
//! file of its successor.

use dataset_model::{AttemptId, DatasetId, RepoId, TokenizationId};

use crate::StoreError;

/// Folder of partial downloads and files in the making; safe to delete when nothing runs.
pub const STAGING: &str = "staging";
/// Folder under which every dataset has its own.
pub const DATASETS: &str = "datasets";

/// The dataset's folder: `datasets/{repo_id with / → __}/{dataset_id}`.
pub fn dataset_dir(repo_id: &RepoId, dataset_id: DatasetId) -> String {
    format!("{DATASETS}/{}/{dataset_id}", repo_id.folder())
}

/// A raw shard: the `n`-th that task number `task` made of split number `split`. `dir` is [`dataset_dir`].
pub fn raw_shard(dir: &str, split: u32, task: u32, n: u32, attempt: AttemptId) -> String {
    format!("{dir}/raw/{split}-{task}-{n}.{}.arrow", attempt.short())
}

/// The `n`-th file of an upload, until shards are made of it. `dir` is [`dataset_dir`].
pub fn source_file(dir: &str, n: usize) -> String {
    format!("{dir}/source/{n}")
}

/// The tokenization's folder inside its dataset's, [`dataset_dir`].
pub fn tokenization_dir(dataset_dir: &str, tokenization_id: TokenizationId) -> String {
    format!("{dataset_dir}/tokenized/{tokenization_id}")
}

/// The token shard made of the raw shard with ordinal `raw_ordinal`. `dir` is [`tokenization_dir`].
pub fn token_shard(dir: &str, raw_ordinal: u32, attempt: AttemptId) -> String {
    format!("{dir}/tokens-{raw_ordinal}.{}.arrow", attempt.short())
}

/// One task's vocabulary counts, staged beside its token shard until `finish` merges them.
pub fn task_counts(dir: &str, raw_ordinal: u32, attempt: AttemptId) -> String {
    format!("{dir}/counts-{raw_ordinal}.{}.arrow", attempt.short())
}

/// The merged counts of the whole vocabulary: id, token, count.
pub fn vocab_counts(dir: &str) -> String {
    format!("{dir}/vocab_counts.arrow")
}

/// The manifest of a dataset or a tokenization. `dir` is [`dataset_dir`] or [`tokenization_dir`].
pub fn metadata(dir: &str) -> String {
    format!("{dir}/metadata.json")
}

/// Accepts relative keys of plain components only, so that no key can leave the root or need quoting anywhere.
pub(crate) fn validate(key: &str) -> Result<(), StoreError> {
    let is_plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.len() <= 255
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if key.len() <= 1024 && key.split('/').all(is_plain) {
        Ok(())
    } else {
        Err(StoreError::InvalidKey { key: key.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_as_documented() {
        let id = "01900000-0000-7000-8000-0000deadbeef";
        let attempt: AttemptId = id.parse().unwrap();
        let dataset = dataset_dir(&RepoId::parse("org/name").unwrap(), id.parse().unwrap());
        let dir = tokenization_dir(&dataset, id.parse().unwrap());
        assert_eq!(dataset, format!("datasets/org__name/{id}"));
        assert_eq!(dir, format!("datasets/org__name/{id}/tokenized/{id}"));
        assert_eq!(raw_shard(&dataset, 0, 12, 3, attempt), format!("{dataset}/raw/0-12-3.deadbeef.arrow"));
        assert_eq!(token_shard(&dir, 7, attempt), format!("{dir}/tokens-7.deadbeef.arrow"));
        assert_eq!(task_counts(&dir, 7, attempt), format!("{dir}/counts-7.deadbeef.arrow"));
        assert_eq!(vocab_counts(&dir), format!("{dir}/vocab_counts.arrow"));
        assert_eq!(metadata(&dataset), format!("{dataset}/metadata.json"));
        assert!(validate(&raw_shard(&dataset, 0, 12, 3, attempt)).is_ok());
    }

    #[test]
    fn keys_that_leave_the_root_are_refused() {
        for key in ["", "/etc/passwd", "..", "a/../b", "a//b", "a/", "./a", "a\\b", "a b", "a\0b", "ä"] {
            assert!(matches!(validate(key), Err(StoreError::InvalidKey { .. })), "{key:?} was accepted");
        }
        assert!(validate(&"a".repeat(256)).is_err());
        assert!(validate("datasets/org__na.me-1/0190/raw/0-0-0.deadbeef.arrow").is_ok());
    }
}
