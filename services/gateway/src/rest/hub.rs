//! A repository of the Hub before it is downloaded.

use super::{Gateway, extract::Query};
use crate::{error::ApiError, openapi::HubErrors};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
};
use dataset_model::{Problem, Reason, hub_dataset::HubDataset};
use dataset_proto::{catalog::HubToken, ingestion::InspectRepoRequest};
use serde::Deserialize;
use tonic::Request;
use utoipa::IntoParams;

const FIRST_ROWS: u32 = 10;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InspectQuery {
    /// Branch, tag, ref or commit; the default branch.
    revision: Option<String>,
    /// The config whose first rows are shown; the default one, else the first.
    config: Option<String>,
    /// The split whose first rows are shown; the first.
    split: Option<String>,
}

/// Shows what a repository of the Hub holds and its first rows; nothing is downloaded.
#[utoipa::path(get, path = "/hub/datasets/{*repo_id}", operation_id = "inspect_repo", tag = "hub",
    params(("repo_id" = String, Path, description = "`owner/name`; the slash may be encoded"), InspectQuery,
        ("X-HF-Token" = Option<String>, Header, description = "for a private or gated repository; kept nowhere")),
    responses((status = 200, body = HubDataset), HubErrors))]
pub(super) async fn inspect(
    State(gateway): State<Gateway>,
    repo_id: Result<Path<String>, PathRejection>,
    Query(query): Query<InspectQuery>,
    headers: HeaderMap,
) -> Result<Json<HubDataset>, ApiError> {
    let Path(repo_id) = repo_id.map_err(|_| ApiError::new(Reason::InvalidRepoId, "the path is no repository id"))?;
    let InspectQuery { revision, config, split } = query;
    let hf_token = token(&headers)?;
    let message = InspectRepoRequest { repo_id, revision, preview_rows: FIRST_ROWS, config, split, hf_token };
    let mut message = Request::new(message);
    // The Hub may be slow: as long as the request itself may take.
    message.set_timeout(crate::config::seconds(gateway.settings.request_seconds));
    let answer = gateway.ingestion.clone().inspect_repo(message).await?.into_inner();
    Ok(Json(answer.try_into()?))
}

/// An empty one is as if it was not there.
fn token(headers: &HeaderMap) -> Result<Option<HubToken>, Problem> {
    let Some(value) = headers.get("x-hf-token").filter(|value| !value.is_empty()) else { return Ok(None) };
    let refused = |_| Problem::field("X-HF-Token", "must be visible ASCII characters");
    value.to_str().map(|text| Some(HubToken { text: text.to_owned() })).map_err(refused)
}
