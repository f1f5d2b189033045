//! A repository of the Hub before it is downloaded; the `serde` form is the JSON of the REST API.

use crate::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a repository holds at a commit, and what a download of it would take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HubDataset {
    /// What the revision stands for now.
    pub commit_sha: String,
    /// Whether its owner must grant access.
    pub gated: bool,
    pub license: Option<String>,
    pub configs: Vec<HubConfig>,
    /// Which rows are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<PreviewSource>,
    pub columns: Vec<Column>,
    /// Column by column; what JSON cannot carry is text.
    pub first_rows: Vec<Map<String, Value>>,
    /// Bytes that a download of the shown config needs free on the volume.
    pub disk_needed: u64,
    pub disk_free: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HubConfig {
    pub name: String,
    pub default: bool,
    pub splits: Vec<HubSplit>,
    /// Sum of the sizes of the source files.
    pub size_bytes: u64,
    /// Files of the repository that are in no split.
    pub left_out: Vec<LeftOut>,
    /// How many were left out; the list may be shorter.
    pub left_out_count: u64,
    /// Why the config cannot be downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HubSplit {
    pub name: String,
    /// As the repository's card says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_count: Option<u64>,
    pub size_bytes: u64,
    /// Such as `parquet` or `json`.
    pub format: String,
    pub files: Vec<HubFile>,
    /// How many files there are; the list may be shorter.
    pub file_count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HubFile {
    pub path: String,
    pub size_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeftOut {
    pub path: String,
    /// Which rule left it out.
    pub rule: String,
}

/// Where the first rows come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewSource {
    pub config: String,
    pub split: String,
    /// None: the split has no file that is not empty.
    pub file: Option<String>,
    /// Why there are no rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Column {
    pub name: String,
    /// Arrow's name of the type.
    pub r#type: String,
}
