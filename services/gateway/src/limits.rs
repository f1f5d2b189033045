//! What a request may cost before anything reads it: the length of its URL and headers, and how often its client asks.
//!
//! Bodies are bounded where they are read, feeds by their number.

use crate::{
    allowance::{Allowance, Rate},
    config::Gateway as Settings,
    connections::Client,
    error::ApiError,
};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use dataset_model::{Problem, Reason};
use std::{net::IpAddr, sync::Arc};
use tokio::time::Instant;

const MAX_URL: usize = 8 << 10;
/// Names and values of all headers.
const MAX_HEADERS: usize = 32 << 10;
/// An allowance that nobody used is worth so many seconds.
const BURST_SECONDS: f64 = 10.0;

/// How often one client may ask, and how its address is known. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    allowance: Arc<Allowance>,
    is_forwarded: bool,
}

impl Limit {
    /// What every request takes from.
    pub(crate) fn requests(settings: &Settings) -> Self {
        Self::new(settings, settings.requests_per_second)
    }

    /// What a request takes from that makes others work hard: the Hub, a tokenizer, a whole epoch.
    pub(crate) fn costly(settings: &Settings) -> Self {
        Self::new(settings, settings.costly_per_second)
    }

    fn new(settings: &Settings, per_second: f64) -> Self {
        let allowance = Allowance::new(Rate { per_second, burst: (per_second * BURST_SECONDS).max(1.0) });
        Self { allowance: Arc::new(allowance), is_forwarded: settings.trust_forwarded_for }
    }

    /// None: there is no connection, as in a test of the routes.
    fn client(&self, request: &Request) -> Option<IpAddr> {
        let ConnectInfo(Client(peer)) = request.extensions().get()?;
        let forwarded = || forwarded_for(request.headers());
        Some(if self.is_forwarded { forwarded().unwrap_or(*peer) } else { *peer })
    }
}

/// The last address in `X-Forwarded-For`: the one that the nearest proxy saw, and no client can choose.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

/// Refuses a client that asks too often.
pub(crate) async fn often(State(limit): State<Limit>, request: Request, next: Next) -> Response {
    let taken = limit.client(&request).map_or(Ok(()), |client| limit.allowance.take(client, Instant::now()));
    match taken {
        Ok(()) => next.run(request).await,
        Err(wait) => {
            let problem = Problem::new(Reason::RateLimited, "too many requests from this address").retry_after(wait);
            ApiError::from(problem).into_response()
        }
    }
}

/// Refuses a URL or headers that are too long.
pub(crate) async fn sizes(request: Request, next: Next) -> Response {
    let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let too_long = |status, field, limit| {
        let problem = Problem::field(field, format!("must be at most {limit} bytes"));
        ApiError::with_status(problem, status).into_response()
    };
    if url > MAX_URL {
        too_long(StatusCode::URI_TOO_LONG, "url", MAX_URL)
    } else if headers > MAX_HEADERS {
        too_long(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers", MAX_HEADERS)
    } else {
        next.run(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nearest_proxy_says_who_asks() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            forwarded_for(&headers).map(|address| address.to_string())
        };
        assert_eq!(of(&["1.2.3.4, 10.0.0.9", "10.0.0.7"]).as_deref(), Some("10.0.0.7"));
        assert_eq!(of(&["1.2.3.4,2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!((of(&[]), of(&["1.2.3.4, unknown"])), (None, None));
    }
}
