//! The OpenAPI 3.1 document: derived from the handlers, so that it cannot drift from them.
//!
//! It also has the messages of the feeds, which OpenAPI knows no path for: the UI's types are generated from it.
//! Each operation lists its error statuses; all of them are one response, the problem of RFC 9457.

use crate::live::wire::{ClientMessage, ServerMessage};
use dataset_model::ProblemDetails;
use std::collections::BTreeMap;
use utoipa::{
    IntoResponses, OpenApi,
    openapi::{Content, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder},
};

const RESPONSE: &str = "Problem";

/// The frame of the document; paths and schemas come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tokenmill",
        description = "Turns Hugging Face datasets into token shards and serves them to training jobs.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "datasets", description = "registered, downloaded from the Hub, browsed, deleted"),
        (name = "hub", description = "repositories of the Hub before they are downloaded"),
        (name = "tokenizations", description = "token shards of a ready dataset"),
        (name = "read plans", description = "what training runs read, and who is reading"),
        (name = "jobs", description = "what runs and what ran"),
        (name = "server", description = "what this server is"),
        (name = "feeds", description = "live state over WebSocket and server-sent events"),
    ),
    components(schemas(ProblemDetails, ClientMessage, ServerMessage))
)]
pub(crate) struct Frame;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident: $($status:literal)*;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$($status),*].into_iter().map(|s| (s.to_string(), Ref::from_response_name(RESPONSE).into())).collect()
            }
        }
    )*};
}

errors! {
    /// What any read can answer.
    ReadErrors: 400 404 409 429 500 503 504;
    /// What a question about the Hub can answer.
    HubErrors: 400 403 404 422 429 500 502 503 504;
    /// What any change can answer.
    WriteErrors: 400 403 404 409 413 415 422 429 500 501 503 504 507;
    /// What the start of a feed can answer.
    FeedErrors: 400 403 404 500 503;
}

/// Completes what the routes gave: the shared error response, and paths as OpenAPI writes them.
pub(crate) fn complete(mut document: Document) -> Document {
    let schema = Ref::from_schema_name("ProblemDetails");
    let problem = ResponseBuilder::new()
        .description("What went wrong; clients decide by `reason` (RFC 9457)")
        .content("application/problem+json", Content::new(Some(schema)))
        .build();
    document.components.get_or_insert_default().responses.insert(RESPONSE.to_owned(), problem.into());
    let paths = std::mem::take(&mut document.paths.paths);
    // The router marks a parameter that spans slashes with a star, which OpenAPI does not know.
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    document
}
