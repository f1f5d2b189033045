//! The REST surface: each route is one function that reads the request, asks one service, and shows the answer.

pub(crate) mod about;
mod datasets;
mod extract;
mod hub;
mod jobs;
mod preview;
mod read_plans;
mod samples;
mod statistics;
mod tokenizations;
pub(crate) mod upload;

pub(crate) use extract::Id;

use crate::{Gateway, error::ApiError};
use catalog_client::request;
use std::{fmt::Display, str::FromStr};
use utoipa_axum::{router::OpenApiRouter, routes};

/// All routes, relative to `/api/v1`.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(datasets::list, datasets::create))
        .routes(routes!(datasets::show, datasets::delete))
        .routes(routes!(datasets::download))
        .routes(routes!(datasets::cancel))
        .routes(routes!(samples::list))
        .routes(routes!(statistics::show))
        .routes(routes!(tokenizations::create))
        .routes(routes!(tokenizations::list))
        .routes(routes!(tokenizations::show, tokenizations::delete))
        .routes(routes!(tokenizations::cancel))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::retry))
        .routes(routes!(read_plans::lookup))
        .routes(routes!(read_plans::readers))
        .routes(routes!(about::show))
}

/// Those that ask the Hub, encode a text or walk through an epoch.
pub(crate) fn costly() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(hub::inspect))
        .routes(routes!(preview::show))
        .routes(routes!(read_plans::verify))
}

/// An id in an answer; one that does not parse is a fault of ours.
fn id<T: FromStr<Err: Display>>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|error: T::Err| ApiError::internal(&error))
}
