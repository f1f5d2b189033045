//! `tokenmill jobs`.

use super::Client;
use crate::{
    arguments::{JobCommand, Jobs},
    failure::Failure,
    output,
};
use catalog_client::request;
use dataset_model::{Job, JobState};
use dataset_proto::catalog::{self as proto, JobServiceListRequest, JobServiceRetryRequest};
use serde_json::json;

pub(crate) async fn run(client: &Client, options: Jobs) -> Result<(), Failure> {
    match options.command {
        Some(JobCommand::Retry { id }) => retry(client, id).await,
        None => list(client, options).await,
    }
}

async fn retry(client: &Client, id: String) -> Result<(), Failure> {
    let answer = client.catalog.jobs().retry(request(JobServiceRetryRequest { id })).await?.into_inner();
    if client.json { output::json(&json!({ "job_id": answer.job_id })) } else { output::line(&answer.job_id) }
}

async fn list(client: &Client, options: Jobs) -> Result<(), Failure> {
    let state = match options.state.as_deref().map(str::parse::<JobState>) {
        None => proto::JobState::Unspecified,
        Some(Ok(state)) => state.into(),
        Some(Err(error)) => return Err(Failure::usage(error.to_string())),
    };
    let dataset_id = match &options.dataset {
        Some(text) => Some(client.find(text).await?.id.to_string()),
        None => None,
    };
    let query = JobServiceListRequest {
        dataset_id,
        state: state.into(),
        page_size: options.limit,
        ..JobServiceListRequest::default()
    };
    let answer = client.catalog.jobs().list(request(query)).await?.into_inner();
    let jobs: Vec<Job> = answer.jobs.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    if client.json {
        return output::json(&jobs);
    }
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            vec![
                job.id.to_string(),
                job.kind.as_str().to_owned(),
                job.state.to_string(),
                format!("{}/{}", job.tasks.done, job.tasks.total),
                format!("{}/{}", job.tries, job.max_tries),
                job.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                job.error.as_ref().map_or_else(String::new, ToString::to_string),
            ]
        })
        .collect();
    output::table(&["id", "kind", "state", "tasks", "attempt", "created", "error"], &rows)
}
