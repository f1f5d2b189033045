//! Refusals in the Hub's own words: status, `X-Error-Code`, `X-Error-Message` and a JSON body.

use std::io;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::route::Repo;

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub(crate) enum Refusal {
    RepoNotFound {
        repo: Repo,
    },
    RevisionNotFound {
        revision: String,
    },
    EntryNotFound {
        path: String,
        commit: String,
    },
    /// The file was changed after its commit was listed.
    Gone {
        path: String,
    },
    UnknownRoute,
    Malformed {
        what: &'static str,
    },
    Unreadable(io::Error),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut commit = None;
        let (status, code, message) = match self {
            Self::RepoNotFound { repo } => {
                (StatusCode::NOT_FOUND, "RepoNotFound", format!("Repository not found: {}", repo.id))
            }
            Self::RevisionNotFound { revision } => {
                (StatusCode::NOT_FOUND, "RevisionNotFound", format!("Invalid rev id: {revision}"))
            }
            Self::EntryNotFound { path, commit: at } => {
                commit = Some(at);
                (StatusCode::NOT_FOUND, "EntryNotFound", format!("Entry not found: {path}"))
            }
            Self::Gone { path } => {
                (StatusCode::NOT_FOUND, "EntryNotFound", format!("Changed since it was listed: {path}"))
            }
            Self::UnknownRoute => {
                (StatusCode::NOT_FOUND, "", "Sorry, we can't find the page you are looking for.".into())
            }
            Self::Malformed { what } => (StatusCode::BAD_REQUEST, "", format!("Malformed {what}")),
            Self::Unreadable(error) => {
                tracing::error!(%error, "could not read a served folder");
                (StatusCode::INTERNAL_SERVER_ERROR, "", "Internal Error".to_owned())
            }
        };
        // Header values are latin; a path with other letters stands in the body only.
        let header = if message.is_ascii() { message.clone() } else { String::new() };
        let mut headers = vec![("x-error-code", code.to_owned()), ("x-error-message", header)];
        headers.extend(commit.map(|commit| ("x-repo-commit", commit)));
        headers.retain(|(_, value)| !value.is_empty() && !value.contains(char::is_control));
        let mut response = (status, Json(json!({ "error": message }))).into_response();
        for (name, value) in headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
