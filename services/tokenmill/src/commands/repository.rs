//! `tokenmill dataset preview`: what a repository holds, before anything of it is downloaded.

use super::Client;
use crate::{arguments::IngestionAddress, failure::Failure, output};
use catalog_client::{TraceContext, Traced};
use dataset_model::hub_dataset::{HubConfig, HubDataset};
use dataset_proto::ingestion::{InspectRepoRequest, ingestion_service_client::IngestionServiceClient};
use serde_json::{Map, Value};
use std::time::Duration;
use tonic::Request;

/// As long as a slow Hub may take.
const DEADLINE: Duration = Duration::from_mins(1);
/// Of a value for people; `--json` has all of it.
const WIDTH: usize = 60;

/// The ingestion service.
pub(crate) fn connect(address: &IngestionAddress) -> Result<IngestionServiceClient<Traced>, Failure> {
    let channel = service_kit::channel(&address.ingestion_url).map_err(|e| Failure::usage(e.chain()))?;
    Ok(IngestionServiceClient::with_interceptor(channel, TraceContext))
}

pub(crate) async fn show(
    client: &Client,
    address: &IngestionAddress,
    asked: InspectRepoRequest,
) -> Result<(), Failure> {
    let repo = asked.repo_id.clone();
    let mut message = Request::new(asked);
    message.set_timeout(DEADLINE);
    let found: HubDataset = connect(address)?.inspect_repo(message).await?.into_inner().try_into()?;
    if client.json {
        return output::json(&found);
    }
    let license = found.license.as_deref().unwrap_or("no license named");
    let gated = if found.gated { "  gated" } else { "" };
    output::line(&format!("{repo}@{}  {license}{gated}", &found.commit_sha[..found.commit_sha.len().min(8)]))?;
    let rows: Vec<_> = found.configs.iter().flat_map(lines).collect();
    output::table(&["config", "split", "rows", "size", "files", "format"], &rows)?;
    for config in found.configs.iter().filter(|config| config.left_out_count > 0) {
        output::line(&format!("{} files are not in config `{}`", config.left_out_count, config.name))?;
    }
    let (needed, free) = (output::bytes(found.disk_needed), output::bytes(found.disk_free));
    output::line(&format!("disk: {needed} needed, {free} free"))?;
    let Some(preview) = &found.preview else { return Ok(()) };
    let file = preview.file.as_deref().unwrap_or("no file");
    output::line(&format!("\n{} / {}, from {file}", preview.config, preview.split))?;
    let columns: Vec<_> = found.columns.iter().map(|column| vec![column.name.clone(), column.r#type.clone()]).collect();
    output::table(&["column", "type"], &columns)?;
    for (number, row) in found.first_rows.iter().enumerate() {
        output::line(&format!("\nrow {number}"))?;
        cells(row)?;
    }
    match &preview.error {
        Some(error) => output::line(&format!("no rows: {error}")),
        None => Ok(()),
    }
}

/// A config with its splits, or with what is wrong with it.
fn lines(config: &HubConfig) -> Vec<Vec<String>> {
    let name = if config.default { format!("{} (default)", config.name) } else { config.name.clone() };
    if let Some(error) = &config.error {
        return vec![vec![name, error.to_string()]];
    }
    let line = |split: &dataset_model::hub_dataset::HubSplit| {
        vec![
            name.clone(),
            split.name.clone(),
            output::count(split.row_count),
            output::bytes(split.size_bytes),
            output::count(Some(split.file_count)),
            split.format.clone(),
        ]
    };
    config.splits.iter().map(line).collect()
}

fn cells(row: &Map<String, Value>) -> Result<(), Failure> {
    for (name, value) in row {
        let text = value.as_str().map_or_else(|| value.to_string(), |text| text.replace(['\n', '\r', '\t'], " "));
        // A stranger's text must not steer the terminal.
        let plain: String = text.chars().filter(|c| !c.is_control()).collect();
        let shown: String = plain.chars().take(WIDTH).collect();
        let more = if shown.len() < plain.len() { "…" } else { "" };
        output::line(&format!("  {name}: {shown}{more}"))?;
    }
    Ok(())
}
