//! A repository before it is downloaded: out of the ingestion service's answer.

use super::BadMessage;
use crate::ingestion as proto;
use dataset_model::hub_dataset::{Column, HubConfig, HubDataset, HubFile, HubSplit, LeftOut, PreviewSource};
use serde_json::{Map, Value};

impl TryFrom<proto::InspectRepoResponse> for HubDataset {
    type Error = BadMessage;

    fn try_from(answer: proto::InspectRepoResponse) -> Result<Self, BadMessage> {
        let mut shown = Self {
            commit_sha: answer.commit_sha,
            gated: answer.gated,
            license: answer.license,
            configs: answer.configs.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            preview: None,
            columns: Vec::new(),
            first_rows: Vec::new(),
            disk_needed: answer.disk_needed,
            disk_free: answer.disk_free,
        };
        if let Some(preview) = answer.preview {
            let column = |column: proto::PreviewColumn| Column { name: column.name, r#type: column.r#type };
            shown.columns = preview.columns.into_iter().map(column).collect();
            shown.first_rows = preview.rows_json.iter().map(|text| row(text)).collect::<Result<_, _>>()?;
            shown.preview = Some(PreviewSource {
                config: preview.config,
                split: preview.split,
                file: Some(preview.file).filter(|file| !file.is_empty()),
                error: preview.error.map(TryInto::try_into).transpose()?,
            });
        }
        Ok(shown)
    }
}

fn row(text: &str) -> Result<Map<String, Value>, BadMessage> {
    serde_json::from_str(text).map_err(|error| BadMessage::new("rows_json", error.to_string()))
}

impl TryFrom<proto::RepoConfig> for HubConfig {
    type Error = BadMessage;

    fn try_from(config: proto::RepoConfig) -> Result<Self, BadMessage> {
        let left_out = |one: proto::LeftOut| LeftOut { path: one.path, rule: one.rule };
        Ok(Self {
            name: config.name,
            default: config.default,
            splits: config.splits.into_iter().map(Into::into).collect(),
            size_bytes: config.size_bytes,
            left_out: config.left_out.into_iter().map(left_out).collect(),
            left_out_count: config.left_out_count,
            error: config.error.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<proto::RepoSplit> for HubSplit {
    fn from(split: proto::RepoSplit) -> Self {
        let file = |file: proto::RepoFile| HubFile { path: file.path, size_bytes: file.size_bytes };
        Self {
            name: split.name,
            row_count: split.row_count,
            size_bytes: split.size_bytes,
            format: split.format,
            files: split.files.into_iter().map(file).collect(),
            file_count: split.file_count,
        }
    }
}
