//! Routes of the contract that this version does not serve: they say so, instead of being unknown.

use crate::{error::ApiError, openapi::Planned};
use dataset_model::Reason;

fn refuse(what: &str) -> ApiError {
    ApiError::new(Reason::NotImplemented, format!("{what} is not offered yet"))
}

/// Tokenizes one text, token by token.
#[utoipa::path(
    post,
    path = "/tokenize/preview",
    operation_id = "preview_tokenization",
    tag = "planned",
    responses(Planned)
)]
pub(super) async fn preview() -> ApiError {
    refuse("the preview of a tokenization")
}
