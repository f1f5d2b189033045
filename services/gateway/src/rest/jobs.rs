//! Jobs: list and show, with phases, tasks, attempts and the last error; try again.

use super::{
    Gateway,
    datasets::Started,
    extract::{Id, Paging, Query, choice},
    request,
};
use crate::{
    error::ApiError,
    openapi::{ReadErrors, WriteErrors},
};
use axum::{Json, extract::State, http::StatusCode};
use dataset_model::{DatasetId, Job, JobId, JobKind, JobState, Problem};
use dataset_proto::{
    Required,
    catalog::{
        JobKind as ProtoKind, JobServiceGetRequest, JobServiceListRequest, JobServiceRetryRequest,
        JobState as ProtoState,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    #[param(value_type = Option<uuid::Uuid>)]
    dataset_id: Option<String>,
    #[param(inline, value_type = Option<JobState>)]
    state: Option<String>,
    #[param(inline, value_type = Option<JobKind>)]
    kind: Option<String>,
    /// The first page is 1.
    page: Option<u32>,
    /// Jobs of a page, 1 to 200; 20.
    limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobPage {
    items: Vec<Job>,
    total: u64,
    page: u32,
    limit: u32,
}

/// Lists jobs, newest first.
#[utoipa::path(get, path = "/jobs", operation_id = "list_jobs", tag = "jobs", params(ListQuery),
    responses((status = 200, body = JobPage), ReadErrors))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Query(query): Query<ListQuery>,
) -> Result<Json<JobPage>, ApiError> {
    let Paging { page, limit } = Paging::new(query.page, query.limit)?;
    let dataset_id = choice::<DatasetId>("dataset_id", query.dataset_id.as_deref())?;
    let state = choice::<JobState>("state", query.state.as_deref())?;
    let kind = match query.kind.as_deref() {
        None | Some("") => ProtoKind::Unspecified,
        Some("ingest") => JobKind::Ingest.into(),
        Some("tokenize") => JobKind::Tokenize.into(),
        Some(other) => {
            return Err(Problem::field("kind", format!("`{other}` is neither `ingest` nor `tokenize`")).into());
        }
    };
    let message = JobServiceListRequest {
        dataset_id: dataset_id.map(|id| id.to_string()),
        state: state.map_or(ProtoState::Unspecified, Into::into).into(),
        kind: kind.into(),
        page_size: limit,
        page_token: page.to_string(),
    };
    let answer = gateway.catalog.jobs().list(request(message)).await?.into_inner();
    let items = answer.jobs.into_iter().map(Job::try_from).collect::<Result<_, _>>()?;
    Ok(Json(JobPage { items, total: answer.total, page, limit }))
}

/// Shows a job.
#[utoipa::path(get, path = "/jobs/{id}", operation_id = "get_job", tag = "jobs", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Job), ReadErrors))]
pub(super) async fn show(State(gateway): State<Gateway>, Id(id): Id<JobId>) -> Result<Json<Job>, ApiError> {
    let message = JobServiceGetRequest { id: id.to_string() };
    let answer = gateway.catalog.jobs().get(request(message)).await?.into_inner();
    Ok(Json(Job::try_from(answer.job.required("job")?)?))
}

/// Starts the work of a failed or cancelled job again, with the same selection or configuration; a Hub token that it had
/// is not kept.
#[utoipa::path(post, path = "/jobs/{id}/retry", operation_id = "retry_job", tag = "jobs", params(("id" = uuid::Uuid, Path)),
    responses((status = 202, body = Started), WriteErrors))]
pub(super) async fn retry(
    State(gateway): State<Gateway>,
    Id(id): Id<JobId>,
) -> Result<(StatusCode, Json<Started>), ApiError> {
    let mut message = request(JobServiceRetryRequest { id: id.to_string() });
    // A tokenizer may have to be loaded first, as for the first request.
    message.set_timeout(crate::config::seconds(gateway.settings.request_seconds));
    let answer = gateway.catalog.jobs().retry(message).await?.into_inner();
    Ok((StatusCode::ACCEPTED, Json(Started { job_id: super::id(&answer.job_id)? })))
}
