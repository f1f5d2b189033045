//! The UI, from within the program: what the build script found in `ui/dist`.
//!
//! Files are looked up by their whole path among those that were built in, so no path leads anywhere else. A page of the
//! UI is any other path that a browser navigates to; what is missing below `/api` or `/assets` stays missing.

use crate::{error::ApiError, etag};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use dataset_model::Reason;

/// Scripts, styles and requests of this server only; pictures may stand in the style sheet.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
const INDEX: &str = "index.html";
/// Names of files in here hold a hash of their content.
const HASHED: &str = "assets/";

const MISSING: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tokenmill</title>\
<meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/api/docs/style.css\"></head><body>\
<h1>Tokenmill</h1><p>This program was built without its web pages. With Node.js 20.19 or newer, <code>make ui</code> builds \
them, and <code>make build</code> puts them in.</p>\
<p>All else is here: <a href=\"/api/docs\">the API</a>.</p></body></html>\n";

/// A file of the UI.
#[derive(Debug)]
pub(crate) struct File {
    /// Without a slash before it.
    path: &'static str,
    /// Weak, as it stands for both forms.
    tag: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
}

/// Ordered by path.
pub(crate) static UI: &[File] = include!(concat!(env!("OUT_DIR"), "/ui.rs"));

/// Answers what no route has.
pub(crate) fn answer(files: &'static [File], request: &Request) -> Response {
    let path = request.uri().path().strip_prefix('/').unwrap_or_default();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let found = find(files, if path.is_empty() { INDEX } else { path });
    match found {
        Some(file) if reads => file.answer(request.headers()),
        Some(_) => ApiError::method_not_allowed().into_response(),
        None if reads && path.is_empty() => with_policy(Html(MISSING).into_response()),
        None => match find(files, INDEX) {
            Some(index) if reads && is_page(path, request.headers()) => index.answer(request.headers()),
            _ => ApiError::new(Reason::NotFound, "nothing has this path").into_response(),
        },
    }
}

fn find(files: &'static [File], path: &str) -> Option<&'static File> {
    files.binary_search_by(|file| file.path.cmp(path)).ok().map(|index| &files[index])
}

/// Whether a browser asks for a page, which the UI then shows or knows not.
fn is_page(path: &str, headers: &HeaderMap) -> bool {
    let below = |folder: &str| path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    !below("api") && !below("assets") && accepts.into_iter().any(|value| value.contains("text/html"))
}

impl File {
    fn answer(&self, headers: &HeaderMap) -> Response {
        let forever = self.path.starts_with(HASHED);
        let caching = if forever { "public, max-age=31536000, immutable" } else { "no-cache" };
        let caching = [(header::ETAG, self.tag), (header::CACHE_CONTROL, caching), (header::VARY, "accept-encoding")];
        let response = if etag::matches(headers, self.tag) {
            (StatusCode::NOT_MODIFIED, caching).into_response()
        } else {
            let kind = [(header::CONTENT_TYPE, content_type(self.path))];
            match self.gzip.filter(|_| takes_gzip(headers)) {
                Some(gzip) => (caching, kind, [(header::CONTENT_ENCODING, "gzip")], Body::from(gzip)).into_response(),
                None => (caching, kind, Body::from(self.bytes)).into_response(),
            }
        };
        // A script too: a worker has the policy of its own script.
        with_policy(response)
    }
}

fn with_policy(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// `Accept-Encoding` names gzip, and not with a weight of zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static FIXTURE: &[File] = &[
        File { path: "assets/app-1a2b.js", tag: "W/\"1\"", bytes: b"let app;", gzip: Some(b"packed") },
        File { path: "favicon.svg", tag: "W/\"2\"", bytes: b"<svg/>", gzip: None },
        File { path: "index.html", tag: "W/\"3\"", bytes: b"<!doctype html>", gzip: None },
    ];

    async fn ask(files: &'static [File], method: &str, path: &str, headers: &[(&str, &str)]) -> (Response, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = answer(files, &request.body(Body::empty()).unwrap());
        let body = std::mem::take(response.body_mut());
        let body = axum::body::to_bytes(body, 4096).await.unwrap();
        (response, String::from_utf8(body.to_vec()).unwrap())
    }

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn hashed_files_are_kept_for_ever_and_the_page_is_asked_for_again() {
        let (script, body) = ask(FIXTURE, "GET", "/assets/app-1a2b.js", &[("accept-encoding", "br, gzip;q=0.5")]).await;
        assert_eq!((script.status(), body.as_str()), (StatusCode::OK, "packed"));
        assert_eq!(header(&script, "content-encoding"), Some("gzip"));
        assert_eq!(header(&script, "content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(header(&script, "cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(header(&script, "content-security-policy"), Some(POLICY.to_str().unwrap()));
        for plain in ["gzip;q=0", "br", ""] {
            let (script, body) = ask(FIXTURE, "GET", "/assets/app-1a2b.js", &[("accept-encoding", plain)]).await;
            assert_eq!((header(&script, "content-encoding"), body.as_str()), (None, "let app;"), "{plain}");
        }
        let (page, body) = ask(FIXTURE, "HEAD", "/", &[]).await;
        assert_eq!((page.status(), body.as_str()), (StatusCode::OK, "<!doctype html>"));
        assert_eq!(header(&page, "cache-control"), Some("no-cache"));
        assert!(header(&page, "content-security-policy").unwrap().contains("script-src 'self'; style-src 'self'"));
        let (again, body) = ask(FIXTURE, "GET", "/index.html", &[("if-none-match", "\"0\", W/\"3\"")]).await;
        assert_eq!((again.status(), body.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert_eq!(header(&again, "etag"), Some("W/\"3\""));
    }

    #[tokio::test]
    async fn only_pages_fall_back_to_the_page() {
        let html = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
        for path in ["/datasets/1/overview", "/jobs?state=failed", "/apis", "/add/"] {
            assert_eq!(ask(FIXTURE, "GET", path, &html).await.1, "<!doctype html>", "{path}");
        }
        for path in ["/api", "/api/v1/nowhere", "/assets", "/assets/app-0000.js", "/assets/../Cargo.toml"] {
            assert_eq!(ask(FIXTURE, "GET", path, &html).await.0.status(), StatusCode::NOT_FOUND, "{path}");
        }
        for (method, path, headers) in [
            ("GET", "/datasets/1", [("accept", "application/json")]),
            ("GET", "/..%2f..%2fetc%2fpasswd", [("accept", "*/*")]),
            ("POST", "/datasets/1", html),
        ] {
            assert_eq!(ask(FIXTURE, method, path, &headers).await.0.status(), StatusCode::NOT_FOUND, "{method} {path}");
        }
        let (refused, _) = ask(FIXTURE, "POST", "/favicon.svg", &html).await;
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn without_files_the_root_says_how_to_get_them() {
        let (page, body) = ask(&[], "GET", "/", &[]).await;
        assert_eq!((page.status(), header(&page, "content-type")), (StatusCode::OK, Some("text/html; charset=utf-8")));
        assert!(body.contains("make ui") && body.contains("/api/docs"), "{body}");
        let html = [("accept", "text/html")];
        assert_eq!(ask(&[], "GET", "/datasets/1", &html).await.0.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn what_is_built_in_can_be_found() {
        assert!(UI.is_sorted_by(|a, b| a.path < b.path));
        assert!(UI.is_empty() || find(UI, INDEX).is_some());
    }
}
