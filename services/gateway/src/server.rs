//! What stands around all routes: limits, headers, traces.

use crate::{
    Gateway, assets, config, docs,
    error::{self, ApiError},
    limits::{self, Limit},
    live, openapi, origin, rest,
};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use dataset_model::Reason;
use std::{any::Any, time::Duration};
use tokio::time::{Instant, timeout};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
};
use tracing::Instrument;
use utoipa::{OpenApi, openapi::OpenApi as Document};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Control messages stay small.
const MAX_BODY: usize = 1 << 20;
const READY_DEADLINE: Duration = Duration::from_secs(2);

/// The routes of the contract with their OpenAPI document; a deadline holds for all that are neither feeds nor files.
pub(crate) fn routes(settings: &config::Gateway) -> (Router<Gateway>, Document) {
    let deadline = config::seconds(settings.request_seconds);
    let [requests, costly] = [Limit::requests(settings), Limit::costly(settings)];
    let feeds = OpenApiRouter::new().routes(routes!(live::websocket::connect)).routes(routes!(live::sse::events));
    // Files take their time, and as much room as the ingestion service says.
    let files = OpenApiRouter::new().routes(routes!(rest::upload::upload)).layer(DefaultBodyLimit::disable());
    let hard = rest::costly().layer(middleware::from_fn_with_state(costly, limits::often));
    let rest = rest::routes().merge(hard).layer(middleware::from_fn_with_state(deadline, in_time));
    let all = rest.merge(files).merge(feeds).layer(middleware::from_fn_with_state(requests, limits::often));
    let frame = OpenApiRouter::with_openapi(openapi::Frame::openapi());
    let (router, document) = frame.nest("/api/v1", all).split_for_parts();
    (router, openapi::complete(document))
}

/// Everything that the public port answers; paths without a route are the UI's.
pub(crate) fn app(gateway: Gateway) -> Result<Router, serde_json::Error> {
    let (routes, document) = routes(&gateway.settings);
    let document = serde_json::to_value(document)?;
    let json = Bytes::from(serde_json::to_vec_pretty(&document)?);
    let page = Bytes::from(docs::page(&document));
    let pages = routes
        .route("/api/openapi.json", get(async move || ([(header::CONTENT_TYPE, "application/json")], json)))
        .route("/api/docs", get(async move || Html(page)))
        .route("/api/docs/style.css", get(async || ([(header::CONTENT_TYPE, "text/css")], docs::STYLE)))
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready));
    Ok(wrap(pages, gateway))
}

/// Puts what all answers share around `routes`, from the outside in.
fn wrap(routes: Router<Gateway>, gateway: Gateway) -> Router {
    let always = |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    let around = ServiceBuilder::new()
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .layer(always(header::CONTENT_SECURITY_POLICY, docs::POLICY))
        .layer(always(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(always(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        .layer(always(
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(observe))
        .layer(middleware::from_fn(error::render))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(limits::sizes))
        .layer(middleware::from_fn_with_state(gateway.clone(), origin::guard))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    routes
        .fallback(async |request: Request| assets::answer(assets::UI, &request))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(around)
        .with_state(gateway)
}

/// Ready when the catalog is: without it no request can be answered.
async fn ready(State(gateway): State<Gateway>) -> Response {
    if gateway.is_ready().await {
        return (StatusCode::OK, "ready\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "waiting for: catalog\n").into_response()
}

impl Gateway {
    /// Whether the catalog says of itself that it serves.
    pub(crate) async fn is_ready(&self) -> bool {
        let mut health = self.health.clone();
        let answer = timeout(READY_DEADLINE, health.check(HealthCheckRequest::default())).await;
        matches!(answer, Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving)
    }
}

async fn in_time(State(deadline): State<Duration>, request: Request, next: Next) -> Response {
    let late = || {
        let detail = format!("the request took longer than {} s", deadline.as_secs_f64());
        ApiError::new(Reason::DeadlineExceeded, detail).into_response()
    };
    timeout(deadline, next.run(request)).await.unwrap_or_else(|_| late())
}

/// One span and two metrics for each request, by route and never by path, which holds ids.
async fn observe(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let span = tracing::info_span!("http", %method, route);
    service_kit::set_parent(&span, request.headers());
    let started = Instant::now();
    let mut response = next.run(request).instrument(span).await;
    let seconds = started.elapsed().as_secs_f64();
    if route.starts_with("/api/v1/")
        && let Ok(timing) = HeaderValue::from_str(&format!("app;dur={:.1}", seconds * 1000.0))
    {
        response.headers_mut().insert("server-timing", timing);
    }
    let labels = [("method", method.to_string()), ("route", route), ("status", response.status().as_str().to_owned())];
    metrics::counter!("gateway_http_requests_total", &labels).increment(1);
    metrics::histogram!("gateway_http_request_seconds", &labels).record(seconds);
    response
}

/// What the panic said is in the log already; nobody else hears it.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::internal(&"a handler panicked").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use service_kit::Lifecycle;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_panic_is_an_internal_error_that_shows_nothing() {
        let gateway = Gateway::new(&crate::Config::default(), &Lifecycle::new()).unwrap();
        let routes = Router::new().route("/boom", get(async || -> String { panic!("secret of the code") }));
        let request = http::Request::get("/boom").body(Body::empty()).unwrap();
        let answer = wrap(routes, gateway).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let body = axum::body::to_bytes(answer.into_body(), 4096).await.unwrap();
        let body = std::str::from_utf8(&body).unwrap();
        assert!(body.contains(r#""reason":"INTERNAL""#) && !body.contains("secret"), "{body}");
    }
}
