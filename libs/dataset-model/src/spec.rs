//! What a job is to do: the specification that its `plan` and `finish` tasks carry.
//!
//! Specifications of work tasks belong to the worker that plans them; the catalog carries those without looking.

use crate::{RepoId, TokenizeConfig};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    Ingest,
    Tokenize,
}

impl JobKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Tokenize => "tokenize",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    Plan,
    Work,
    Finish,
    Gc,
}

impl TaskKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Work => "work",
            Self::Finish => "finish",
            Self::Gc => "gc",
        }
    }
}

/// What becomes of a row of JSON, CSV or text that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnBadRows {
    /// The ingest fails and names it.
    #[default]
    Fail,
    /// It is left out and counted.
    Skip,
}

impl OnBadRows {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }

    /// Whether it is what nobody needs to say.
    pub fn is_fail(&self) -> bool {
        *self == Self::Fail
    }
}

impl FromStr for OnBadRows {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = [Self::Fail, Self::Skip].into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is neither `fail` nor `skip`"))
    }
}

/// Which rows of which repository become the dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestSpec {
    pub repo_id: RepoId,
    /// Branch, tag, ref or commit; none = the default branch.
    pub revision: Option<String>,
    /// None = the default config.
    pub config: Option<String>,
    /// None = all splits.
    pub split: Option<String>,
    /// The commit that an earlier plan of this dataset pinned: a resumed job stays on it.
    #[serde(default)]
    pub commit_sha: Option<String>,
    /// Only so many rows, the first in the order of the source; none = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_samples: Option<u64>,
    #[serde(default, skip_serializing_if = "OnBadRows::is_fail")]
    pub on_bad_rows: OnBadRows,
    /// Files that lie on the volume already, instead of those of a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

/// Files that a user sent, which are the source of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// The column that tokenizations read by default.
    pub text_column: Option<String>,
    /// In the order of their rows.
    pub files: Vec<UploadedFile>,
}

/// A file that a user sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadedFile {
    /// As the user calls it; unique in its upload.
    pub name: String,
    /// Storage key.
    pub key: String,
    pub size_bytes: u64,
    /// Hexadecimal.
    pub sha256: String,
}

/// What is tokenized with what, pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizeSpec {
    /// Every default filled in; `split` and `text_column` resolved where the catalog could.
    pub config: TokenizeConfig,
    /// The commit of the tokenizer's repository.
    pub tokenizer_commit: String,
    /// Hexadecimal.
    pub tokenizer_sha256: String,
    /// Hexadecimal.
    pub identity: String,
    /// The split that is tokenized.
    pub split: String,
    /// Set when the text column holds conversations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatSpec>,
}

/// How conversations become texts, beside the template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatSpec {
    /// What a template is told that asks for the date: the day of the request, so that each try makes the same text.
    pub today: NaiveDate,
}
