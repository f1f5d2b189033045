//! Tokenizations: start, list, show, cancel, delete.

use super::{
    Gateway,
    extract::{Body, Id},
    request,
};
use crate::{
    error::ApiError,
    openapi::{ReadErrors, WriteErrors},
};
use axum::{Json, extract::State, http::StatusCode};
use dataset_model::{DatasetId, JobId, Tokenization, TokenizationId, TokenizeRequest};
use dataset_proto::{
    Required,
    catalog::{
        TokenizationServiceCancelRequest, TokenizationServiceCreateRequest, TokenizationServiceDeleteRequest,
        TokenizationServiceGetRequest, TokenizationServiceListRequest,
    },
};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenizationStarted {
    #[schema(value_type = uuid::Uuid)]
    tokenization_id: TokenizationId,
    #[schema(value_type = uuid::Uuid)]
    job_id: JobId,
    /// The same tokenization existed, and nothing was started.
    reused: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenizationList {
    /// Newest first.
    items: Vec<Tokenization>,
    total: usize,
}

/// Tokenizes a ready dataset, or finds the tokenization of the same configuration.
#[utoipa::path(post, path = "/datasets/{id}/tokenize", operation_id = "tokenize_dataset", tag = "tokenizations", request_body = TokenizeRequest,
    params(("id" = uuid::Uuid, Path)), responses((status = 202, body = TokenizationStarted), WriteErrors))]
pub(super) async fn create(
    State(gateway): State<Gateway>,
    Id(id): Id<DatasetId>,
    Body(config): Body<TokenizeRequest>,
) -> Result<(StatusCode, Json<TokenizationStarted>), ApiError> {
    let message = TokenizationServiceCreateRequest { dataset_id: id.to_string(), config: Some(config.into()) };
    let answer = gateway.catalog.tokenizations().create(request(message)).await?.into_inner();
    let tokenization = answer.tokenization.required("tokenization")?;
    let started = TokenizationStarted {
        tokenization_id: super::id(&tokenization.id)?,
        job_id: super::id(&answer.job_id)?,
        reused: answer.reused,
    };
    Ok((StatusCode::ACCEPTED, Json(started)))
}

/// Lists the tokenizations of a dataset.
#[utoipa::path(get, path = "/datasets/{id}/tokenizations", operation_id = "list_tokenizations", tag = "tokenizations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = TokenizationList), ReadErrors))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Id(id): Id<DatasetId>,
) -> Result<Json<TokenizationList>, ApiError> {
    let message = TokenizationServiceListRequest { dataset_id: id.to_string() };
    let answer = gateway.catalog.tokenizations().list(request(message)).await?.into_inner();
    let items: Vec<_> = answer.tokenizations.into_iter().map(Tokenization::try_from).collect::<Result<_, _>>()?;
    let total = items.len();
    Ok(Json(TokenizationList { items, total }))
}

/// Shows a tokenization.
#[utoipa::path(get, path = "/tokenizations/{id}", operation_id = "get_tokenization", tag = "tokenizations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Tokenization), ReadErrors))]
pub(super) async fn show(
    State(gateway): State<Gateway>,
    Id(id): Id<TokenizationId>,
) -> Result<Json<Tokenization>, ApiError> {
    fetch(&gateway, id).await.map(Json)
}

/// The tokenization as the catalog has it.
pub(super) async fn fetch(gateway: &Gateway, id: TokenizationId) -> Result<Tokenization, ApiError> {
    let message = TokenizationServiceGetRequest { id: id.to_string() };
    let answer = gateway.catalog.tokenizations().get(request(message)).await?.into_inner();
    Ok(answer.tokenization.required("tokenization")?.try_into()?)
}

/// Deletes a tokenization.
#[utoipa::path(delete, path = "/tokenizations/{id}", operation_id = "delete_tokenization", tag = "tokenizations", params(("id" = uuid::Uuid, Path)),
    responses((status = 204), WriteErrors))]
pub(super) async fn delete(State(gateway): State<Gateway>, Id(id): Id<TokenizationId>) -> Result<StatusCode, ApiError> {
    let message = TokenizationServiceDeleteRequest { id: id.to_string() };
    gateway.catalog.tokenizations().delete(request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancels a tokenization that runs.
#[utoipa::path(post, path = "/tokenizations/{id}/cancel", operation_id = "cancel_tokenization", tag = "tokenizations", params(("id" = uuid::Uuid, Path)),
    responses((status = 204), WriteErrors))]
pub(super) async fn cancel(State(gateway): State<Gateway>, Id(id): Id<TokenizationId>) -> Result<StatusCode, ApiError> {
    let message = TokenizationServiceCancelRequest { id: id.to_string() };
    gateway.catalog.tokenizations().cancel(request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}
