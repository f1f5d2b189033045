//! Which web pages may use this server: its own, those on this machine, and those that the settings name.
//!
//! Browsers send `Origin` and other programs do not; so a foreign page in a browser can neither open a feed nor change
//! anything, and nothing else is in the way.

use crate::{Gateway, error::ApiError};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use dataset_model::Reason;
use url::{Host, Url};

/// Refuses a foreign origin.
pub(crate) fn check(headers: &HeaderMap, allowed: &[String]) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_allowed(origin, host) || allowed.iter().any(|one| one == origin) {
        return Ok(());
    }
    Err(ApiError::new(Reason::OriginNotAllowed, "web pages of this origin may not use this server"))
}

/// The same for every request that is not just a read.
pub(crate) async fn guard(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    if !request.method().is_safe()
        && let Err(error) = check(request.headers(), &gateway.settings.allowed_origins)
    {
        return error.into_response();
    }
    next.run(request).await
}

fn is_allowed(origin: &str, host: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return false,
    };
    // An origin is `scheme://host[:port]`, and leaves out the scheme's own port as `Host` does.
    loopback || origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_host_and_loopback_only() {
        for origin in ["http://tokenmill.example", "http://localhost:5173", "http://127.0.0.2", "https://[::1]:9"] {
            assert!(is_allowed(origin, "tokenmill.example"), "{origin}");
        }
        for origin in
            ["null", "", "http://evil.example", "http://tokenmill.example:81", "http://localhost.evil.example"]
        {
            assert!(!is_allowed(origin, "tokenmill.example"), "{origin}");
        }
    }
}
