//! A failure as HTTP: the only code that builds an error answer (RFC 9457, `application/problem+json`).
//!
//! A handler returns [`ApiError`], which rides on an empty answer as an extension; [`render`], around all routes,
//! writes the body, as only it knows the path and the trace. So nothing can leave half-formed, and `INTERNAL` shows a
//! trace id and nothing else.

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use dataset_model::{Problem, ProblemDetails, Reason};
use dataset_proto::{BadMessage, status::from_status};
use std::{error::Error, time::Duration};
use tonic::Status;

/// Seconds to wait before the next try where nothing better is known.
const DEFAULT_WAIT_SECONDS: u64 = 2;

/// A failure on its way out.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    problem: Problem,
    status: StatusCode,
}

impl ApiError {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Problem::new(reason, detail).into()
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(Reason::NotFound, format!("no {what} has the id `{id}`"))
    }

    /// A bug, or an answer that breaks the contract: logged here, shown as a bare `INTERNAL`.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "internal error");
        Problem::internal().into()
    }

    pub(crate) fn method_not_allowed() -> Self {
        let problem = Problem::new(Reason::NotImplemented, "this path does not have this method");
        Self::with_status(problem, StatusCode::METHOD_NOT_ALLOWED)
    }

    /// For what only HTTP has a word for.
    pub(crate) fn with_status(problem: Problem, status: StatusCode) -> Self {
        Self { problem, status }
    }

    /// The problem without its HTTP side, for the feeds.
    pub(crate) fn into_problem(self) -> Problem {
        self.problem
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        let waits = matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let advised = self.problem.retry_after_ms.map(|ms| ms.div_ceil(1000).max(1));
        advised.or(waits.then_some(DEFAULT_WAIT_SECONDS))
    }

    fn details(self, instance: String, trace_id: String) -> ProblemDetails {
        let status = self.status.as_u16();
        ProblemDetails { status, instance: Some(instance), trace_id: Some(trace_id), ..self.problem.into() }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.reason.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { problem, status }
    }
}

impl From<Status> for ApiError {
    /// A status that the transport made (it has a source) tells of addresses, so its text stays in the log.
    fn from(status: Status) -> Self {
        if status.source().is_some() {
            tracing::warn!(code = ?status.code(), cause = %status, "a service behind the gateway does not answer");
            let problem = Problem::new(Reason::Overloaded, "a service behind the gateway does not answer");
            return problem.retry_after(Duration::from_secs(DEFAULT_WAIT_SECONDS)).into();
        }
        let problem = from_status(&status);
        if problem.reason == Reason::Internal {
            return Self::internal(&status);
        }
        problem.into()
    }
}

impl From<BadMessage> for ApiError {
    /// An *answer* that cannot be read is a fault of ours, never of the request.
    fn from(error: BadMessage) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a failure that a handler, an extractor or a layer left on the answer.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let instance = request.uri().path().to_owned();
    let trace_id = trace_id(&request);
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
    let wait = error.retry_after_seconds();
    let mut rendered = (error.status, Json(error.details(instance, trace_id))).into_response();
    let headers = rendered.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = wait {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        headers.insert(header::ALLOW, allow);
    }
    rendered
}

/// The trace that the request belongs to, else its own id.
fn trace_id(request: &Request) -> String {
    let parent = service_kit::traceparent();
    let of_trace = parent.split('-').nth(1).map(str::to_owned);
    let of_request = || request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    of_trace.or_else(of_request).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each reason is over HTTP; a review sees every changed cell.
    #[test]
    fn table() {
        let rows: Vec<String> = Reason::ALL
            .iter()
            .map(|&reason| {
                let error = ApiError::new(reason, "what happened");
                let wait = error.retry_after_seconds();
                let details = error.details("/api/v1/x".to_owned(), "t".to_owned());
                assert_eq!(details.status, reason.http_status());
                let body = serde_json::to_string(&details).unwrap();
                format!("{} retry-after={wait:?} {body}", details.status)
            })
            .collect();
        insta::assert_snapshot!(rows.join("\n"));
    }

    #[test]
    fn nothing_of_a_bug_or_of_the_transport_leaves() {
        let bug = ApiError::from(Status::internal("panicked at /secret/path"));
        assert_eq!(bug.problem, Problem::internal());
        let refused = std::io::Error::other("10.0.0.7:50051 refused");
        let transport = ApiError::from(Status::from_error(Box::new(refused)));
        assert_eq!((transport.status.as_u16(), transport.problem.detail.contains("10.0.0.7")), (503, false));
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        let problem = Problem::new(Reason::HubRateLimited, "x").retry_after(Duration::from_millis(1200));
        assert_eq!(ApiError::from(problem).retry_after_seconds(), Some(2));
    }
}
