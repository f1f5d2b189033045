//! What the plan tells the work tasks, and what those tell `finish`: JSON that the catalog carries unseen.

use arrow_schema::Schema;
use dataset_model::{LeftOutMembers, OnBadRows, SkippedRows};
use serde::{Deserialize, Serialize};

use super::write::Converted;
use crate::plan::{Options, SourceFile};

/// Specification of a work task: consecutive files of one split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IngestWork {
    pub repo_id: String,
    /// The pinned commit.
    pub commit: String,
    pub config: String,
    pub split: String,
    /// Position of the split, which stands in the names of its shards.
    pub split_number: u32,
    /// Position in the split of the first file.
    pub first_file: usize,
    pub files: Vec<WorkFile>,
    /// What the repository's card says of how they are read.
    #[serde(default, skip_serializing_if = "Options::are_default")]
    pub options: Options,
    /// Which column of an upload must hold text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_column: Option<String>,
    #[serde(default, skip_serializing_if = "OnBadRows::is_fail")]
    pub on_bad_rows: OnBadRows,
    /// Of a task that takes the first rows only: how many, and from where else when these files have too few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_rows: Option<FirstRows>,
}

/// The first rows of a source, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FirstRows {
    pub count: u64,
    /// The following splits.
    pub then: Vec<IngestWork>,
    /// There are more files than the task could name.
    pub is_cut: bool,
}

/// A source file, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WorkFile {
    #[serde(flatten)]
    pub source: SourceFile,
    /// Name of the converter's format, such as `parquet` or `json`.
    pub format: String,
    /// Where a file lies that was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What a work task did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WorkSummary {
    pub commit: String,
    pub config: String,
    pub split: String,
    pub split_number: u32,
    pub row_count: u64,
    pub files: Vec<SourceFile>,
    /// None when it is too large for a summary: then every shard of the task has it.
    pub schema: Option<Schema>,
    #[serde(default, skip_serializing_if = "SkippedRows::is_empty")]
    pub skipped: SkippedRows,
    #[serde(default, skip_serializing_if = "LeftOutMembers::is_empty")]
    pub left_out_members: LeftOutMembers,
    /// Of the following splits, where one task took rows of several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<WorkSummary>,
}

/// `finish` gets the summaries of 50 tasks in one message of at most 4 MiB; the files take up to 20 KiB of each, what is
/// shown of skipped rows 16 KiB, and of members of archives that were left out 8 KiB.
const SCHEMA_BYTES: usize = 16 << 10;

impl WorkSummary {
    pub(super) fn new(work: IngestWork, converted: &Converted) -> Self {
        let Converted { schema, row_count, skipped, left_out, .. } = converted;
        let fits = serde_json::to_vec(&**schema).is_ok_and(|json| json.len() <= SCHEMA_BYTES);
        Self {
            commit: work.commit,
            config: work.config,
            split: work.split,
            split_number: work.split_number,
            row_count: *row_count,
            files: work.files.into_iter().map(|file| file.source).collect(),
            // A task without rows has no shard that could tell.
            schema: (fits || *row_count == 0).then(|| schema.as_ref().clone()),
            skipped: skipped.clone(),
            left_out_members: left_out.clone(),
            then: Vec::new(),
        }
    }
}
