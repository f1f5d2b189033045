//! One handler for every route: reads the request, calls the part that answers, turns refusals into answers.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};

use crate::{
    files, metadata,
    refusal::Refusal,
    route::{Call, Repo},
    snapshot::{Snapshot, Store},
};

/// A list of paths to look up is the only body that is read.
const BODY_LIMIT: usize = 4 << 20;

pub(crate) async fn answer(State(store): State<Arc<Store>>, request: Request) -> Response {
    let is_head = *request.method() == Method::HEAD;
    let (parts, body) = request.into_parts();
    let Some(call) = Call::parse(&parts.method, parts.uri.path()) else {
        return Refusal::UnknownRoute.into_response();
    };
    let query = parts.uri.query().unwrap_or_default();
    let response = dispatch(store, call, &parts.headers, query, body).await.unwrap_or_else(IntoResponse::into_response);
    if is_head { response.map(|_| Body::empty()) } else { response }
}

async fn dispatch(
    store: Arc<Store>,
    call: Call,
    headers: &HeaderMap,
    query: &str,
    body: Body,
) -> Result<Response, Refusal> {
    match call {
        Call::Info { repo, revision } => {
            let snapshot = snapshot(&store, &repo, &revision).await?;
            Ok(metadata::info(&repo, &snapshot, query))
        }
        Call::Tree { repo, revision, folder } => {
            let snapshot = snapshot(&store, &repo, &revision).await?;
            let page = metadata::Page { size: store.options.page_size, base: base(headers), query };
            metadata::tree(&repo, &revision, &snapshot, &folder, &page)
        }
        Call::PathsInfo { repo, revision } => {
            let snapshot = snapshot(&store, &repo, &revision).await?;
            let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| Refusal::Malformed { what: "body" })?;
            let is_json =
                headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
            metadata::paths_info(&snapshot, &body, is_json)
        }
        Call::Refs { repo } => {
            let revisions = blocking(&store, move |store| store.revisions(&repo)).await?;
            Ok(metadata::refs(&revisions))
        }
        Call::AuthCheck { repo } => {
            snapshot(&store, &repo, "main").await?;
            Ok(StatusCode::OK.into_response())
        }
        Call::Resolve { repo, revision, path } => {
            let snapshot = snapshot(&store, &repo, &revision).await?;
            files::resolve(&repo, &snapshot, &path, &base(headers))
        }
        Call::ResolveCache { repo, commit, path } => {
            let snapshot = snapshot(&store, &repo, &commit).await?;
            let entry = files::find(&snapshot, &path)?;
            files::send(entry, Some(&snapshot.commit), headers).await
        }
        Call::Lfs { sha256 } => {
            let entry = store.lfs(&sha256).ok_or(Refusal::Gone { path: sha256 })?;
            let commit = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "commit");
            files::send(&entry, commit.as_ref().map(|(_, value)| value.as_ref()), headers).await
        }
    }
}

async fn snapshot(store: &Arc<Store>, repo: &Repo, revision: &str) -> Result<Arc<Snapshot>, Refusal> {
    let (repo, revision) = (repo.clone(), revision.to_owned());
    blocking(store, move |store| store.snapshot(&repo, &revision)).await
}

/// Listing may hash gigabytes, so it happens off the runtime's threads.
async fn blocking<T: Send + 'static>(
    store: &Arc<Store>,
    work: impl FnOnce(&Store) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let store = Arc::clone(store);
    match tokio::task::spawn_blocking(move || work(&store)).await {
        Ok(result) => result,
        Err(failed) => Err(Refusal::Unreadable(failed.into())),
    }
}

/// The address that the client used: links and redirects are absolute, as the Hub's are. In front there may be
/// something that ends TLS.
fn base(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let scheme = text(HeaderName::from_static("x-forwarded-proto")).filter(|scheme| *scheme == "https");
    format!("{}://{}", scheme.unwrap_or("http"), text(header::HOST).unwrap_or("localhost"))
}
