//! Routes of the contract that this version does not serve: they say so, instead of being unknown.

use crate::{error::ApiError, openapi::Planned};
use dataset_model::Reason;

fn refuse(what: &str) -> ApiError {
    ApiError::new(Reason::NotImplemented, format!("{what} is not offered yet"))
}

/// Registers local files as a dataset.
#[utoipa::path(post, path = "/datasets/upload", operation_id = "upload_dataset", tag = "planned", responses(Planned))]
pub(super) async fn upload() -> ApiError {
    refuse("the upload of local files")
}

/// Looks at a repository of the Hub before it is downloaded.
#[utoipa::path(get, path = "/hub/datasets/{*repo_id}", operation_id = "inspect_repo", tag = "planned",
    params(("repo_id" = String, Path)), responses(Planned))]
pub(super) async fn inspect_repo() -> ApiError {
    refuse("the inspection of a repository")
}
