//! Datasets: register, list, show, delete, download, cancel.

use super::{
    Gateway,
    extract::{Body, Id, IdempotencyKey, OptionalBody, Paging, Query, choice},
    request,
};
use crate::{
    error::ApiError,
    openapi::{ReadErrors, WriteErrors},
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use dataset_model::{Dataset, DatasetId, DatasetStatus, JobId, OnBadRows, Problem, Reason};
use dataset_proto::{
    Required,
    catalog::{
        DatasetServiceCancelRequest, DatasetServiceCreateRequest, DatasetServiceDeleteRequest,
        DatasetServiceGetRequest, DatasetServiceListRequest, DatasetStatus as ProtoStatus, HubToken,
        OnBadRows as ProtoOnBadRows, StartIngestRequest,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The first page is 1.
    page: Option<u32>,
    /// Datasets of a page, 1 to 200; 20.
    limit: Option<u32>,
    /// Only datasets in this status.
    #[param(inline, value_type = Option<DatasetStatus>)]
    status: Option<String>,
    /// Part of the name or repository id, any case.
    q: Option<String>,
    /// What the list is ordered by, with `-` before it for descending; `-created_at`.
    #[param(inline, value_type = Option<Sort>)]
    sort: Option<String>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the parameter; the catalog reads it")]
enum Sort {
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
    #[serde(rename = "updated_at")]
    UpdatedAt,
    #[serde(rename = "-updated_at")]
    UpdatedAtDescending,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
    #[serde(rename = "size_bytes")]
    SizeBytes,
    #[serde(rename = "-size_bytes")]
    SizeBytesDescending,
    #[serde(rename = "row_count")]
    RowCount,
    #[serde(rename = "-row_count")]
    RowCountDescending,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DatasetPage {
    items: Vec<Dataset>,
    total: u64,
    page: u32,
    limit: u32,
    counts: StatusCounts,
}

/// How many datasets match `q` in each status, whatever `status` was asked for.
#[derive(Debug, Default, Serialize, ToSchema)]
struct StatusCounts {
    pending: u64,
    downloading: u64,
    ready: u64,
    failed: u64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDataset {
    /// `name` or `owner/name` on the Hub.
    // Left out, it is empty, and the catalog says what an id looks like.
    #[serde(default)]
    #[schema(required)]
    repo_id: String,
    /// Unique; the repository id, with a suffix when it is taken.
    name: Option<String>,
    /// Branch, tag, ref or commit; the default branch.
    revision: Option<String>,
    /// The Hub's config (subset); the default one.
    config: Option<String>,
}

// No `Debug`, and nothing of the token is kept: it must not be shown anywhere.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Download {
    /// One split; all.
    split: Option<String>,
    /// Another word for `subset`.
    config: Option<String>,
    /// The Hub's word for config; what the dataset was registered with.
    subset: Option<String>,
    revision: Option<String>,
    /// Only so many rows, the first of the source in its order; all.
    #[schema(minimum = 1)]
    max_samples: Option<u64>,
    /// `skip` leaves rows of JSON, CSV and text out that cannot be read, and counts them; `fail`.
    on_bad_rows: Option<OnBadRows>,
    /// For a private or gated repository; the server's own. It is kept sealed while the job runs, and shown nowhere.
    #[schema(write_only)]
    hf_token: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Started {
    #[schema(value_type = uuid::Uuid)]
    pub job_id: JobId,
}

/// Lists datasets.
#[utoipa::path(get, path = "/datasets", operation_id = "list_datasets", tag = "datasets", params(ListQuery),
    responses((status = 200, body = DatasetPage), ReadErrors))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Query(query): Query<ListQuery>,
) -> Result<Json<DatasetPage>, ApiError> {
    let Paging { page, limit } = Paging::new(query.page, query.limit)?;
    let status = choice::<DatasetStatus>("status", query.status.as_deref())?;
    let message = DatasetServiceListRequest {
        page_size: limit,
        page_token: page.to_string(),
        status: status.map_or(ProtoStatus::Unspecified, Into::into).into(),
        query: query.q.unwrap_or_default(),
        sort: query.sort.unwrap_or_default(),
    };
    let answer = gateway.catalog.datasets().list(request(message)).await?.into_inner();
    let items = answer.datasets.into_iter().map(Dataset::try_from).collect::<Result<_, _>>()?;
    let mut counts = StatusCounts::default();
    for one in &answer.counts {
        match one.status() {
            ProtoStatus::Pending => counts.pending = one.count,
            ProtoStatus::Downloading => counts.downloading = one.count,
            ProtoStatus::Ready => counts.ready = one.count,
            ProtoStatus::Failed => counts.failed = one.count,
            ProtoStatus::Unspecified | ProtoStatus::Deleting => {}
        }
    }
    Ok(Json(DatasetPage { items, total: answer.total, page, limit, counts }))
}

/// Registers a dataset of the Hub; nothing is fetched yet.
#[utoipa::path(post, path = "/datasets", operation_id = "create_dataset", tag = "datasets", request_body = NewDataset,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and body give the same answer for 24 h")),
    responses((status = 201, body = Dataset), WriteErrors))]
pub(super) async fn create(
    State(gateway): State<Gateway>,
    IdempotencyKey(request_id): IdempotencyKey,
    Body(new): Body<NewDataset>,
) -> Result<impl IntoResponse, ApiError> {
    let NewDataset { repo_id, name, revision, config } = new;
    let message = DatasetServiceCreateRequest { repo_id, name, revision, config, request_id };
    let answer = gateway.catalog.datasets().create(request(message)).await?.into_inner();
    let dataset = Dataset::try_from(answer.dataset.required("dataset")?)?;
    let location = format!("/api/v1/datasets/{}", dataset.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(dataset)))
}

/// Shows a dataset with its tokenizations and its active job.
#[utoipa::path(get, path = "/datasets/{id}", operation_id = "get_dataset", tag = "datasets", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Dataset), ReadErrors))]
pub(super) async fn show(State(gateway): State<Gateway>, Id(id): Id<DatasetId>) -> Result<Json<Dataset>, ApiError> {
    fetch(&gateway, id).await.map(Json)
}

/// The dataset as the catalog has it.
pub(super) async fn fetch(gateway: &Gateway, id: DatasetId) -> Result<Dataset, ApiError> {
    let message = DatasetServiceGetRequest { id: id.to_string() };
    let answer = gateway.catalog.datasets().get(request(message)).await?.into_inner();
    Ok(answer.dataset.required("dataset")?.try_into()?)
}

/// Deletes a dataset with its tokenizations; from the answer on it is `NOT_FOUND`.
#[utoipa::path(delete, path = "/datasets/{id}", operation_id = "delete_dataset", tag = "datasets", params(("id" = uuid::Uuid, Path)),
    responses((status = 204), WriteErrors))]
pub(super) async fn delete(State(gateway): State<Gateway>, Id(id): Id<DatasetId>) -> Result<StatusCode, ApiError> {
    let message = DatasetServiceDeleteRequest { id: id.to_string() };
    gateway.catalog.datasets().delete(request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Starts the download, or finds the same one running.
#[utoipa::path(post, path = "/datasets/{id}/download", operation_id = "download_dataset", tag = "datasets", request_body = Option<Download>,
    params(("id" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "remembered for 24 h")),
    responses((status = 202, body = Started), WriteErrors))]
pub(super) async fn download(
    State(gateway): State<Gateway>,
    Id(id): Id<DatasetId>,
    IdempotencyKey(request_id): IdempotencyKey,
    OptionalBody(body): OptionalBody<Download>,
) -> Result<(StatusCode, Json<Started>), ApiError> {
    let config = match (body.config, body.subset) {
        (Some(config), Some(subset)) if config != subset => {
            let description = format!("is another word for `config`, and differs from it (`{config}`)");
            return Err(Problem::field("subset", description).into());
        }
        (config, subset) => config.or(subset),
    };
    let message = StartIngestRequest {
        dataset_id: id.to_string(),
        split: body.split,
        config,
        revision: body.revision,
        request_id,
        max_samples: body.max_samples,
        hf_token: body.hf_token.map(|text| HubToken { text }),
        on_bad_rows: ProtoOnBadRows::from(body.on_bad_rows.unwrap_or_default()).into(),
    };
    let answer = gateway.catalog.datasets().start_ingest(request(message)).await?.into_inner();
    Ok((StatusCode::ACCEPTED, Json(Started { job_id: super::id(&answer.job_id)? })))
}

/// Cancels the download and all tokenizations that run.
#[utoipa::path(post, path = "/datasets/{id}/cancel", operation_id = "cancel_dataset", tag = "datasets", params(("id" = uuid::Uuid, Path)),
    responses((status = 204), WriteErrors))]
pub(super) async fn cancel(State(gateway): State<Gateway>, Id(id): Id<DatasetId>) -> Result<StatusCode, ApiError> {
    let message = DatasetServiceCancelRequest { id: id.to_string() };
    let answer = gateway.catalog.datasets().cancel(request(message)).await?.into_inner();
    if answer.job_ids.is_empty() {
        return Err(ApiError::new(Reason::JobTerminal, "nothing of this dataset was running"));
    }
    Ok(StatusCode::NO_CONTENT)
}
