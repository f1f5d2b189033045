//! `tokenmill dataset …`.

use super::{Client, confirm, repository, upload};
use crate::{
    arguments::{Dataset as Command, HubAccess},
    failure::Failure,
    output, watch,
};
use catalog_client::request;
use dataset_model::{Dataset, DatasetStatus, JobId, LeftOutMembers, SkippedRows};
use dataset_proto::{
    Required,
    catalog::{
        self as proto, DatasetServiceCancelRequest, DatasetServiceCreateRequest, DatasetServiceDeleteRequest,
        DatasetServiceListRequest, HubToken, StartIngestRequest,
    },
    ingestion::InspectRepoRequest,
};
use serde::de::DeserializeOwned;
use std::{fs, io};

pub(crate) async fn run(client: &Client, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add { repo_id, name, revision, config } => {
            let new = DatasetServiceCreateRequest { repo_id, name, revision, config, request_id: None };
            let answer = client.catalog.datasets().create(request(new)).await?.into_inner();
            show(client, &answer.dataset.required("dataset")?.try_into()?)
        }
        Command::Ls { query, status, limit, page } => list(client, query, status, limit, page).await,
        Command::Show { dataset } => show(client, &client.find(&dataset).await?),
        Command::Pull { dataset, split, config, revision, max_samples, bad_rows, access, waiting } => {
            let on_bad_rows = bad_rows.asked().into();
            let hf_token = token(&access)?;
            let found = client.find(&dataset).await?.id;
            let dataset_id = found.to_string();
            let request_id = None;
            let start = StartIngestRequest {
                dataset_id,
                split,
                config,
                revision,
                max_samples,
                hf_token,
                request_id,
                on_bad_rows,
            };
            let answer = client.catalog.datasets().start_ingest(request(start)).await?.into_inner();
            let job: JobId = answer.job_id.parse().map_err(|_| Failure::other("the job's id cannot be read"))?;
            if waiting.detach {
                return output::line(&job.to_string());
            }
            let dataset = watch::wait(&client.catalog, found, job, client.quiet).await?;
            show(client, &dataset)
        }
        Command::Upload(options) => match upload::run(client, options).await? {
            Some(dataset) => show(client, &dataset),
            None => Ok(()),
        },
        Command::Preview { repo_id, revision, config, split, rows, access, ingestion } => {
            let hf_token = token(&access)?;
            let asked = InspectRepoRequest { repo_id, revision, preview_rows: rows, config, split, hf_token };
            repository::show(client, &ingestion, asked).await
        }
        Command::Cancel { dataset } => {
            let id = client.find(&dataset).await?.id.to_string();
            client.catalog.datasets().cancel(request(DatasetServiceCancelRequest { id })).await?;
            Ok(())
        }
        Command::Rm { dataset, yes } => {
            let found = client.find(&dataset).await?;
            let count = found.tokenizations.len();
            confirm(&format!("remove dataset `{}` and its {count} tokenizations", found.name), yes)?;
            let id = found.id.to_string();
            client.catalog.datasets().delete(request(DatasetServiceDeleteRequest { id })).await?;
            Ok(())
        }
    }
}

/// The token, which is in a file because arguments and environments are seen by others.
fn token(access: &HubAccess) -> Result<Option<HubToken>, Failure> {
    let Some(path) = &access.hf_token_file else { return Ok(None) };
    let read = if path.as_os_str() == "-" { io::read_to_string(io::stdin()) } else { fs::read_to_string(path) };
    let text = read.map_err(|error| Failure::usage(format!("`{}` cannot be read: {error}", path.display())))?;
    Ok(Some(HubToken { text: text.trim().to_owned() }))
}

async fn list(
    client: &Client,
    query: Option<String>,
    status: Option<String>,
    limit: u32,
    page: u32,
) -> Result<(), Failure> {
    let status = match status.as_deref().map(str::parse::<DatasetStatus>) {
        None => proto::DatasetStatus::Unspecified,
        Some(Ok(status)) => status.into(),
        Some(Err(error)) => return Err(Failure::usage(error.to_string())),
    };
    let query = DatasetServiceListRequest {
        page_size: limit,
        page_token: page.to_string(),
        status: status.into(),
        query: query.unwrap_or_default(),
        sort: String::new(),
    };
    let answer = client.catalog.datasets().list(request(query)).await?.into_inner();
    let datasets: Vec<Dataset> = answer.datasets.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    if client.json {
        return output::json(&datasets);
    }
    let rows: Vec<Vec<String>> = datasets
        .iter()
        .map(|d| {
            vec![
                d.id.to_string(),
                d.name.clone(),
                d.status.to_string(),
                output::count(d.row_count),
                d.size_bytes.map_or_else(|| "-".to_owned(), output::bytes),
                d.tokenizations.len().to_string(),
            ]
        })
        .collect();
    output::table(&["id", "name", "status", "rows", "size", "tokenizations"], &rows)
}

/// What an ingest left out, if anything.
fn left_out<T: DeserializeOwned>(dataset: &Dataset, what: &str) -> Option<T> {
    serde_json::from_value(dataset.metadata.get(what)?.clone()).ok()
}

fn and_more(count: u64, shown: usize) -> Result<(), Failure> {
    match count - shown as u64 {
        0 => Ok(()),
        more => output::line(&format!("    and {} more", output::count(Some(more)))),
    }
}

fn show(client: &Client, dataset: &Dataset) -> Result<(), Failure> {
    if client.json {
        return output::json(dataset);
    }
    let commit = dataset.commit_sha.as_deref().map_or_else(String::new, |sha| format!("@{}", &sha[..sha.len().min(8)]));
    output::line(&format!("{}  {}{commit}  {}", dataset.id, dataset.repo_id, dataset.status))?;
    for split in &dataset.splits {
        let rows = output::count(Some(split.row_count));
        output::line(&format!("  {:<16} {rows} rows  {}", split.name, output::bytes(split.size_bytes)))?;
    }
    if let Some(members) = left_out::<LeftOutMembers>(dataset, "left_out_members") {
        output::line(&format!("  members of archives left out: {}", output::count(Some(members.count))))?;
        for member in &members.first {
            output::line(&format!("    {}: {}", member.path, member.rule))?;
        }
        and_more(members.count, members.first.len())?;
    }
    if let Some(skipped) = left_out::<SkippedRows>(dataset, "skipped_rows") {
        output::line(&format!("  skipped rows, which cannot be read: {}", output::count(Some(skipped.count))))?;
        for row in &skipped.first {
            output::line(&format!("    {}, line {}: {}", row.file, row.line, row.why))?;
        }
        and_more(skipped.count, skipped.first.len())?;
    }
    for t in &dataset.tokenizations {
        let tokens = output::count(t.num_tokens);
        output::line(&format!("  {}  {}  {}  {tokens} tokens", t.id, t.tokenizer_name, t.status))?;
    }
    if let Some(error) = &dataset.error {
        output::line(&format!("  error: {error}"))?;
    }
    Ok(())
}
