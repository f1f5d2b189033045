//! The answers that clients rely on, asked for without a socket.
#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, but not in what these share")]

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use local_hub::{Options, router};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

const SHA256_OF_HELLO: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
const GIT_SHA1_OF_HELLO: &str = "ce013625030ba8dba906f756967f9e9ca394464a";

struct Hub {
    root: TempDir,
    router: Router,
}

impl Hub {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let repo = root.path().join("datasets/acme/corpus");
        std::fs::create_dir_all(repo.join("data")).unwrap();
        for path in ["data/a.parquet", "data/b.txt", "c.txt"] {
            std::fs::write(repo.join(path), "hello\n").unwrap();
        }
        let router = router(Options { page_size: 2, ..Options::new(root.path()) });
        Self { root, router }
    }

    async fn ask(&self, method: Method, uri: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Bytes) {
        let request = Request::builder().method(method).uri(uri).header("host", "hub.test");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (parts.status, parts.headers, to_bytes(body, 1 << 20).await.unwrap())
    }

    async fn get(&self, uri: &str) -> (StatusCode, HeaderMap, Bytes) {
        self.ask(Method::GET, uri, &[]).await
    }

    async fn json(&self, uri: &str) -> (HeaderMap, Value) {
        let (status, headers, body) = self.get(uri).await;
        assert_eq!(status, StatusCode::OK, "{uri}");
        (headers, serde_json::from_slice(&body).unwrap())
    }
}

fn paths(page: &Value) -> Vec<&str> {
    page.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn large_files_carry_their_metadata_on_the_redirect() {
    let hub = Hub::new();
    let path = "/datasets/acme/corpus/resolve/main/data/a.parquet";
    let (status, headers, body) = hub.ask(Method::HEAD, path, &[("x-forwarded-proto", "https")]).await;
    assert_eq!((status, body.len()), (StatusCode::FOUND, 0));
    assert_eq!(headers["x-linked-etag"], format!("\"{SHA256_OF_HELLO}\""));
    assert_eq!(headers["x-linked-size"], "6");
    let commit = headers["x-repo-commit"].to_str().unwrap();
    assert_eq!(headers["location"], format!("https://hub.test/lfs/{SHA256_OF_HELLO}?commit={commit}"));
    let (status, headers, body) = hub.get(headers["location"].to_str().unwrap()).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"hello\n"[..]));
    assert_eq!(headers["etag"], format!("\"{SHA256_OF_HELLO}\""));
}

#[tokio::test]
async fn small_files_take_a_relative_redirect() {
    let hub = Hub::new();
    let (status, headers, _) = hub.get("/datasets/acme/corpus/resolve/main/data/b.txt").await;
    assert_eq!(status, StatusCode::TEMPORARY_REDIRECT);
    let location = headers["location"].to_str().unwrap();
    assert!(location.starts_with("/api/resolve-cache/datasets/acme/corpus/"), "{location}");
    let (_, headers, body) = hub.get(location).await;
    assert_eq!(&body[..], b"hello\n");
    assert_eq!(headers["etag"], format!("\"{GIT_SHA1_OF_HELLO}\""));
}

#[tokio::test]
async fn ranges_hold_for_the_version_they_name() {
    let hub = Hub::new();
    hub.json("/api/datasets/acme/corpus").await;
    let uri = format!("/lfs/{SHA256_OF_HELLO}");
    let get = async |headers: &[(&str, &str)]| hub.ask(Method::GET, &uri, headers).await;
    let (status, headers, body) = get(&[("range", "bytes=2-")]).await;
    assert_eq!((status, &body[..]), (StatusCode::PARTIAL_CONTENT, &b"llo\n"[..]));
    assert_eq!(headers["content-range"], "bytes 2-5/6");
    assert_eq!(headers["content-length"], "4");
    let same = format!("\"{SHA256_OF_HELLO}\"");
    assert_eq!(get(&[("range", "bytes=2-"), ("if-range", &same)]).await.0, StatusCode::PARTIAL_CONTENT);
    assert_eq!(get(&[("range", "bytes=2-"), ("if-range", "\"other\"")]).await.0, StatusCode::OK);
    let (status, headers, _) = get(&[("range", "bytes=6-")]).await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(headers["content-range"], "bytes */6");
}

#[tokio::test]
async fn trees_come_in_pages_and_folders() {
    let hub = Hub::new();
    let (headers, first) = hub.json("/api/datasets/acme/corpus/tree/main?recursive=true").await;
    let link = headers["link"].to_str().unwrap();
    let next = link.strip_prefix('<').unwrap().split_once(">; rel=\"next\"").unwrap().0;
    let (headers, second) = hub.json(next).await;
    assert!(!headers.contains_key("link"));
    assert_eq!(paths(&first), ["c.txt", "data"]);
    assert_eq!(paths(&second), ["data/a.parquet", "data/b.txt"]);
    assert_eq!((&first[0]["type"], &first[1]["type"]), (&"file".into(), &"directory".into()));
    assert_eq!((&first[0]["oid"], &second[0]["lfs"]["oid"]), (&GIT_SHA1_OF_HELLO.into(), &SHA256_OF_HELLO.into()));
    let (_, folder) = hub.json("/api/datasets/acme/corpus/tree/main/data").await;
    assert_eq!(paths(&folder), ["data/a.parquet", "data/b.txt"]);
}

#[tokio::test]
async fn refusals_speak_the_hubs_words() {
    let hub = Hub::new();
    for (uri, code) in [
        ("/api/datasets/acme/none", "RepoNotFound"),
        ("/api/datasets/acme/corpus/revision/v9", "RevisionNotFound"),
        ("/datasets/acme/corpus/resolve/main/none.txt", "EntryNotFound"),
        ("/api/datasets/acme/corpus/tree/main/none", "EntryNotFound"),
    ] {
        let (status, headers, _) = hub.get(uri).await;
        assert_eq!((status, headers["x-error-code"].to_str().unwrap()), (StatusCode::NOT_FOUND, code), "{uri}");
    }
    assert_eq!(hub.get("/api/datasets/..%2f..%2fetc/x").await.0, StatusCode::NOT_FOUND);
    let write = hub.ask(Method::DELETE, "/api/datasets/acme/corpus/tree/main", &[]).await;
    assert_eq!(write.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_that_changed_is_not_mixed_into_its_old_commit() {
    let hub = Hub::new();
    let (_, info) = hub.json("/api/datasets/acme/corpus").await;
    let sha = info["sha"].as_str().unwrap();
    std::fs::write(hub.root.path().join("datasets/acme/corpus/c.txt"), "changed").unwrap();
    let old = format!("/api/resolve-cache/datasets/acme/corpus/{sha}");
    assert_eq!(hub.get(&format!("{old}/c.txt")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(hub.get(&format!("{old}/data%2Fb.txt")).await.0, StatusCode::OK);
    let (_, now) = hub.json("/api/datasets/acme/corpus").await;
    assert_ne!(now["sha"], sha);
}
