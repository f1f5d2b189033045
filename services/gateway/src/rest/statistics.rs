//! Statistics of a tokenization, with an `ETag`: they never change, so a browser asks once.

use super::{
    Gateway,
    extract::{Id, Query, choice},
    request,
};
use crate::{error::ApiError, etag, openapi::ReadErrors};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use dataset_model::{DatasetId, Problem, Statistics, TokenizationId};
use dataset_proto::{Required, catalog::GetStatisticsRequest};
use serde::Deserialize;
use utoipa::IntoParams;
use xxhash_rust::xxh3::xxh3_128;

/// Most entries of the vocabulary that one answer holds.
const MAX_TOP: u32 = 1000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StatisticsQuery {
    /// The newest ready one.
    #[param(value_type = Option<uuid::Uuid>)]
    tokenization_id: Option<String>,
    /// Entries of `vocab_distribution`, at most 1000; 100.
    top: Option<u32>,
}

/// Statistics of one tokenization of a dataset.
#[utoipa::path(get, path = "/datasets/{id}/statistics", operation_id = "get_statistics", tag = "datasets",
    params(("id" = uuid::Uuid, Path), StatisticsQuery, ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = Statistics, headers(("ETag" = String))), (status = 304, description = "unchanged"), ReadErrors))]
pub(super) async fn show(
    State(gateway): State<Gateway>,
    Id(id): Id<DatasetId>,
    Query(query): Query<StatisticsQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if query.top.is_some_and(|top| top > MAX_TOP) {
        return Err(Problem::field("top", format!("must be at most {MAX_TOP}")).into());
    }
    let tokenization_id = choice::<TokenizationId>("tokenization_id", query.tokenization_id.as_deref())?;
    let message = GetStatisticsRequest {
        dataset_id: id.to_string(),
        tokenization_id: tokenization_id.map(|id| id.to_string()),
        top: query.top,
    };
    let answer = gateway.catalog.tokenizations().get_statistics(request(message)).await?.into_inner();
    let statistics = Statistics::try_from(answer.statistics.required("statistics")?)?;
    let body = serde_json::to_vec(&statistics).map_err(|error| ApiError::internal(&error))?;
    // Weak, as compression changes the bytes.
    let tag = format!("W/\"{:032x}\"", xxh3_128(&body));
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if etag::matches(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, "application/json")], Bytes::from(body)).into_response())
}
