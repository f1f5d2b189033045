//! Repository ids of the Hugging Face Hub, checked as `huggingface_hub` checks them.
//!
//! A validated id is the only foreign part of a storage path, so this check is also what keeps paths safe.

use serde::{Deserialize, Serialize};

/// `name` or `owner/name`. Source of the rule: `huggingface_hub.utils.validate_repo_id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoId(String);

/// Why a text is no repository id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a repository id: use `name` or `owner/name`, each 1–96 letters, digits, `-`, `_` or `.`, \
     beginning and ending with a letter, digit or `_`, without `--`, `..` or a final `.git`"
)]
pub struct InvalidRepoId(pub String);

impl RepoId {
    /// Checks `text`.
    #[expect(clippy::case_sensitive_file_extension_comparisons, reason = "the Hub refuses `.git` in lower case only")]
    pub fn parse(text: &str) -> Result<Self, InvalidRepoId> {
        let parts: Vec<&str> = text.split('/').collect();
        let valid = parts.len() <= 2
            && parts.iter().all(|part| is_part(part))
            && !text.contains("--")
            && !text.contains("..")
            && !text.ends_with(".git");
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidRepoId(text.to_owned())) }
    }

    /// What stands in the place of a repository where the rows were uploaded.
    pub fn upload() -> Self {
        Self("upload".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as one path segment: `/` becomes `__`.
    pub fn folder(&self) -> String {
        self.0.replace('/', "__")
    }
}

fn is_part(part: &str) -> bool {
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let bytes = part.as_bytes();
    matches!(bytes.len(), 1..=96)
        && bytes.iter().all(|&c| word(c) || c == b'-' || c == b'.')
        && word(bytes[0])
        && word(bytes[bytes.len() - 1])
}

impl std::fmt::Display for RepoId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for RepoId {
    type Error = InvalidRepoId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<RepoId> for String {
    fn from(id: RepoId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Verdicts of `huggingface_hub`, recorded by running it.
    #[test]
    fn agrees_with_huggingface_hub() {
        let cases: BTreeMap<String, bool> =
            serde_json::from_str(include_str!("../tests/data/repo_id_cases.json")).unwrap();
        assert!(cases.len() >= 20);
        for (id, valid) in cases {
            assert_eq!(RepoId::parse(&id).is_ok(), valid, "`{id}`");
        }
    }
}
