//! The handle through which a test orders faults and reads what the Hub was asked.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// What may go wrong. As JSON: `"ignore_range"`, `{"stall_after": 65536}`, `{"damage": {"how": "flip", "at": 0}}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// This answer instead of the right one, on any route.
    Answer { status: u16, headers: Vec<(String, String)>, body: String },
    /// The connection breaks after so many bytes of a file.
    DropAfter(u64),
    /// Silence after so many bytes of a file, until [`Control::release`].
    StallAfter(u64),
    /// What follows so many bytes of a file is not what the file has there.
    Damage { how: Damage, at: u64 },
    /// A range is answered with the whole file.
    IgnoreRange,
}

/// How a file is not itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// One bit is another.
    Flip,
    /// A sector of zeros.
    Zero,
    /// A byte more.
    Insert,
    /// A byte less.
    Lose,
    /// The end, as if it were all.
    End,
}

impl Fault {
    /// One bit of a file's first byte is flipped.
    pub const FLIP: Self = Self::Damage { how: Damage::Flip, at: 0 };

    /// An empty answer with this status.
    pub fn status(status: u16) -> Self {
        Self::answer(status, &[], "")
    }

    /// Any answer at all.
    pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::Answer { status, headers, body: body.to_owned() }
    }

    /// 429 with `Retry-After`.
    pub fn retry_after(seconds: u64) -> Self {
        Self::answer(429, &[("retry-after", &seconds.to_string())], "")
    }

    /// 429 with the Hub's own `RateLimit` header.
    pub fn rate_limit(seconds: u64) -> Self {
        Self::answer(429, &[("ratelimit", &format!("\"resolvers\";r=0;t={seconds}"))], "")
    }

    /// A redirect to anywhere.
    pub fn redirect(to: &str) -> Self {
        Self::answer(302, &[("location", to)], "")
    }

    /// Whether the length that was announced is a lie then.
    pub(super) fn changes_length(&self) -> bool {
        matches!(self, Self::Damage { how: Damage::Insert | Damage::Lose | Damage::End, .. })
    }

    fn is_of_body(&self) -> bool {
        !matches!(self, Self::Answer { .. })
    }
}

/// One request, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// `GET`, `HEAD` or `POST`.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `If-Range` header.
    pub if_range: Option<String>,
    /// Whether there was an `Authorization` header.
    pub authorized: bool,
    /// The status of the answer; 0 until there is one.
    pub status: u16,
    /// Bytes of the body that were handed to the network so far; not counted for an ordered answer.
    pub bytes_sent: u64,
}

#[derive(Debug)]
struct Order {
    fault: Fault,
    path: String,
    /// Requests that pass before.
    pass: u32,
    /// `None` is for ever.
    times: Option<u32>,
}

#[derive(Debug, Default)]
struct Orders {
    faults: Vec<Order>,
    gated: HashMap<String, Option<String>>,
    token: Option<String>,
    throttle: Option<u64>,
}

/// Orders faults and shows the log. Clones speak to the same Hub.
#[derive(Debug, Clone, Default)]
pub struct Control {
    orders: Arc<Mutex<Orders>>,
    log: watch::Sender<Vec<Logged>>,
    releases: watch::Sender<u64>,
}

impl Control {
    /// The next request that the fault can apply to meets it. Orders queue up.
    pub fn fail_next(&self, fault: Fault) {
        self.fail_on("", fault, 1);
    }

    /// The next `times` requests whose path contains `path` meet the fault.
    pub fn fail_on(&self, path: &str, fault: Fault, times: u32) {
        self.fail_after(0, path, fault, Some(times));
    }

    /// Every request whose path contains `path` meets the fault, until [`clear`](Self::clear).
    pub fn fail_always(&self, path: &str, fault: Fault) {
        self.fail_after(0, path, fault, None);
    }

    /// Lets so many requests whose path contains `path` pass; then as many as `times`, or all, meet the fault.
    pub fn fail_after(&self, pass: u32, path: &str, fault: Fault, times: Option<u32>) {
        self.orders().faults.push(Order { fault, path: path.to_owned(), pass, times });
    }

    /// Takes back all orders that are still open, throttling too.
    pub fn clear(&self) {
        let mut orders = self.orders();
        orders.faults.clear();
        orders.throttle = None;
    }

    /// Lets every stalled body go on.
    pub fn release(&self) {
        self.releases.send_modify(|count| *count += 1);
    }

    /// Limits each body to so many bytes a second, also ones under way; `None` takes the limit away.
    pub fn throttle(&self, bytes_per_second: Option<u64>) {
        self.orders().throttle = bytes_per_second;
    }

    /// Makes the files of `repo` (`owner/name`) refuse everybody but the holder of `granted`.
    pub fn gate(&self, repo: &str, granted: Option<&str>) {
        self.orders().gated.insert(repo.to_owned(), granted.map(str::to_owned));
    }

    /// Hides everything from those who do not have `token`, as a private repository does.
    pub fn require_token(&self, token: &str) {
        self.orders().token = Some(token.to_owned());
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Logged> {
        self.log.borrow().clone()
    }

    /// Waits until the log looks as it should, and returns it. A test's own deadline bounds the wait.
    pub async fn wait_for(&self, is_as_expected: impl Fn(&[Logged]) -> bool) -> Vec<Logged> {
        let mut log = self.log.subscribe();
        match log.wait_for(|log| is_as_expected(log)).await {
            Ok(log) => log.clone(),
            Err(_) => self.requests(),
        }
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses up the first order that applies.
    pub(super) fn fault(&self, path: &str, sends_bytes: bool) -> Option<Fault> {
        let faults = &mut self.orders().faults;
        let applies = |order: &mut Order| {
            let is_meant = path.contains(&order.path) && (sends_bytes || !order.fault.is_of_body());
            let passes = is_meant && order.pass > 0;
            order.pass -= u32::from(passes);
            is_meant && !passes
        };
        let at = faults.iter_mut().position(applies)?;
        let fault = faults[at].fault.clone();
        if let Some(times) = &mut faults[at].times {
            *times -= 1;
            if *times == 0 {
                faults.remove(at);
            }
        }
        Some(fault)
    }

    /// The Hub's answer to those who may not.
    pub(super) fn refusal(&self, path: &str, authorization: Option<&str>) -> Option<Response> {
        let orders = self.orders();
        let token = authorization.map(|value| value.trim_start_matches("Bearer "));
        // Signed addresses need no token.
        if path.starts_with("/lfs/") {
            return None;
        }
        if let Some(expected) = &orders.token {
            match token {
                None => return Some(refuse(401, "RepoNotFound", "Invalid username or password.")),
                Some(token) if token != expected => {
                    return Some(refuse(401, "", "Invalid credentials in Authorization header"));
                }
                Some(_) => {}
            }
        }
        let (_, granted) = orders.gated.iter().find(|(repo, _)| path.contains(&format!("/{repo}/resolve/")))?;
        match (token, granted) {
            (Some(token), Some(granted)) if token == granted => None,
            (Some(_), _) => {
                Some(refuse(403, "GatedRepo", "Access is restricted and you are not in the authorized list."))
            }
            (None, _) => Some(refuse(401, "GatedRepo", "Access is restricted. You must be authenticated.")),
        }
    }

    pub(super) fn throttled_to(&self) -> Option<u64> {
        self.orders().throttle
    }

    pub(super) fn releases(&self) -> watch::Receiver<u64> {
        self.releases.subscribe()
    }

    pub(super) fn log(&self, request: &Request) -> usize {
        let text = |name: header::HeaderName| {
            request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let logged = Logged {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            range: text(header::RANGE),
            if_range: text(header::IF_RANGE),
            authorized: request.headers().contains_key(header::AUTHORIZATION),
            status: 0,
            bytes_sent: 0,
        };
        let mut entry = 0;
        self.log.send_modify(|log| {
            entry = log.len();
            log.push(logged);
        });
        entry
    }

    pub(super) fn answered(&self, entry: usize, status: u16) {
        self.log.send_modify(|log| log[entry].status = status);
    }

    pub(super) fn sent(&self, entry: usize, bytes: u64) {
        self.log.send_modify(|log| log[entry].bytes_sent += bytes);
    }
}

fn refuse(status: u16, code: &str, message: &str) -> Response {
    let headers = [("x-error-code", code), ("x-error-message", message)];
    let headers: Vec<(String, String)> =
        headers.iter().filter(|(_, value)| !value.is_empty()).map(|(k, v)| ((*k).into(), (*v).into())).collect();
    answer(status, &headers, &format!("{{\"error\":\"{message}\"}}"))
}

/// Any answer; headers that are none are left out.
pub(super) fn answer(status: u16, headers: &[(String, String)], body: &str) -> Response {
    let mut response = Response::new(Body::from(body.to_owned()));
    if let Ok(status) = status.try_into() {
        *response.status_mut() = status;
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
