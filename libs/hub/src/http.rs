//! One request to the Hub, with its redirects followed by hand.
//!
//! The Hub says what it knows about a file on the redirect, not on the answer; the token must not follow to
//! another origin; and a small file's redirect is relative where a large one's is absolute. Generic redirect
//! following gets at least one of these wrong.

use std::time::Duration;

use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, IF_RANGE, LOCATION, RANGE},
};
use tokio::time::timeout;
use url::Url;

use crate::{
    HubConfig,
    body::{Body, Patience},
    error::HubError,
    governor::Governor,
    refusal::{self, Subject},
    resolver::PublicOnly,
    token::Token,
};

/// As many as Python's client follows.
const MAX_REDIRECTS: usize = 20;

/// Of an error page, only so much is read in search of a message.
const ERROR_BODY: usize = 16 << 10;

pub(crate) struct Http {
    pub(crate) endpoint: Url,
    pub(crate) patience: Patience,
    client: Client,
    guard: PublicOnly,
    governor: Governor,
    token: Option<Token>,
    unstated_wait: Duration,
}

/// One GET.
pub(crate) struct Ask<'a> {
    pub(crate) url: Url,
    pub(crate) subject: Subject<'a>,
    pub(crate) token: Option<&'a Token>,
    pub(crate) range: Option<Range<'a>>,
}

/// From which byte to which one, included.
pub(crate) struct Range<'a> {
    pub(crate) first: u64,
    pub(crate) last: Option<u64>,
    /// A strong `ETag`: another version of the file is sent from its first byte.
    pub(crate) version: Option<&'a str>,
}

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// Whether the Hub itself said `X-Repo-Commit` on the way: whoever does not is no Hub.
    pub(crate) names_commit: bool,
}

impl Answer {
    /// A file's answer without a commit comes from something that only looks like a Hub.
    pub(crate) fn require_hub(&self, endpoint: &Url) -> Result<(), HubError> {
        if self.names_commit {
            return Ok(());
        }
        Err(HubError::NotAHub { host: host(endpoint), why: "it sends a file without naming its commit" })
    }
}

impl Http {
    pub(crate) fn new(config: &HubConfig) -> Result<Self, HubError> {
        let endpoint = Url::parse(config.endpoint.trim_end_matches('/')).ok();
        let endpoint = endpoint.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(endpoint) = endpoint else {
            return Err(HubError::InvalidEndpoint { endpoint: config.endpoint.clone() });
        };
        let trusted = endpoint.host_str().map(str::to_owned).into_iter().chain(config.trusted_hosts.iter().cloned());
        let guard = PublicOnly::new(trusted);
        let client = client(config, &endpoint, &guard).map_err(HubError::Client)?;
        let patience = Patience { stall: config.stall_timeout, min_bytes_per_second: config.min_bytes_per_second };
        Ok(Self {
            client,
            endpoint,
            patience,
            guard,
            governor: Governor::default(),
            token: config.token.clone(),
            unstated_wait: config.backoff_base * 2,
        })
    }

    /// Waits while the Hub's rate limit asks for it, then sends the request once and follows its redirects.
    pub(crate) async fn get(&self, ask: &Ask<'_>) -> Result<Answer, HubError> {
        let owner = ask.token.or(self.token.as_ref());
        self.governor.ready(owner).await?;
        let mut url = ask.url.clone();
        let mut token = owner;
        let mut names_commit = false;
        let mut from_storage = false;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&url, token, ask.range.as_ref()).await?;
            let headers = response.headers();
            names_commit |= headers.contains_key("x-repo-commit");
            let Some(next) = redirect(&url, &response)? else {
                if response.status().is_success() {
                    return Ok(Answer { response, names_commit });
                }
                let error = self.refuse(ask, response, from_storage).await;
                if let HubError::RateLimited { retry_after } = &error {
                    tracing::warn!(seconds = retry_after.as_secs(), "the hub's rate limit is reached");
                    self.governor.hold(owner, *retry_after);
                }
                return Err(error);
            };
            self.check_hop(&url, &next)?;
            // The token is dropped for good: a way back to the Hub through a stranger is the stranger's idea.
            let leaves = next.origin() != self.endpoint.origin();
            token = token.filter(|_| !leaves);
            from_storage |= leaves || headers.contains_key("x-linked-etag");
            url = next;
        }
        Err(HubError::RedirectRefused { host: host(&url), why: "too many redirects" })
    }

    async fn send(&self, url: &Url, token: Option<&Token>, range: Option<&Range<'_>>) -> Result<Response, HubError> {
        // Identity: a compressed answer has no length, and makes the server ignore the range.
        let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            let value = HeaderValue::try_from(format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|_| HubError::TokenRejected)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(range) = range {
            let last = range.last.map(|last| last.to_string()).unwrap_or_default();
            request = request.header(RANGE, format!("bytes={}-{last}", range.first));
            if let Some(etag) = range.version {
                request = request.header(IF_RANGE, etag);
            }
        }
        match timeout(self.patience.stall, request.send()).await {
            Ok(sent) => sent.map_err(HubError::unreachable),
            Err(_) => Err(HubError::Stalled { bytes: 0, window: self.patience.stall }),
        }
    }

    fn check_hop(&self, from: &Url, to: &Url) -> Result<(), HubError> {
        let refused = |why| Err(HubError::RedirectRefused { host: host(to), why });
        match (from.scheme(), to.scheme()) {
            ("http", "http" | "https") | ("https", "https") => {}
            ("https", "http") => return refused("it would give up encryption"),
            _ => return refused("it is neither http nor https"),
        }
        if self.guard.allows(to) { Ok(()) } else { refused("the address is private") }
    }

    async fn refuse(&self, ask: &Ask<'_>, response: Response, from_storage: bool) -> HubError {
        let (status, headers) = (response.status(), response.headers().clone());
        if from_storage {
            return refusal::of_storage(&ask.subject, status, &headers);
        }
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            return HubError::WrongRange { path: ask.subject.path.unwrap_or_default().to_owned() };
        }
        let header = headers.get("x-error-message").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let message = match header {
            Some(message) => message,
            None => error_text(Body::new(response, self.patience)).await,
        };
        refusal::of_hub(&ask.subject, status, &headers, &message, self.unstated_wait)
    }
}

fn client(config: &HubConfig, endpoint: &Url, guard: &PublicOnly) -> Result<Client, reqwest::Error> {
    // Fails when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        let builder = Client::builder()
            .user_agent(concat!("tokenmill/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(config.connect_timeout)
            .dns_resolver(guard.clone())
            // One connection per transfer: a stalled one hurts itself only, and each has its own window.
            .http1_only();
        // A Hub on this machine or network is not behind the proxy that leads out of it.
        if is_outside(endpoint) { builder } else { builder.no_proxy() }
    };
    match builder().build() {
        // A bare container has no CA certificates. A Hub that is spoken to without TLS needs none.
        Err(_) if endpoint.scheme() == "http" => builder().tls_certs_only([]).build(),
        built => built,
    }
}

/// Where a redirect leads; `None` when the answer is not one.
fn redirect(url: &Url, response: &Response) -> Result<Option<Url>, HubError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let next = location(response.headers()).and_then(|location| url.join(location).ok());
    next.map(Some).ok_or_else(|| HubError::NotAHub { host: host(url), why: "a redirect leads nowhere" })
}

fn location(headers: &HeaderMap) -> Option<&str> {
    headers.get(LOCATION)?.to_str().ok()
}

async fn error_text(body: Body) -> String {
    let bytes = body.collect(ERROR_BODY).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn is_outside(endpoint: &Url) -> bool {
    PublicOnly::new([]).allows(endpoint) && endpoint.host_str() != Some("localhost")
}
