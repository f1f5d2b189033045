//! The file routes: `resolve` redirects as the Hub does, and the target sends the bytes, whole or in part.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use http::{HeaderMap, HeaderName, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::task::spawn_blocking;

use crate::{
    digest::Digest,
    range::{Asked, asked},
    refusal::Refusal,
    route::Repo,
    snapshot::{Entry, Snapshot},
};

/// Read from disk in pieces of this size: large enough that system calls do not show up in a profile.
const CHUNK: usize = 256 << 10;

pub(crate) fn find<'a>(snapshot: &'a Snapshot, path: &str) -> Result<&'a Entry, Refusal> {
    snapshot
        .files
        .get(path)
        .ok_or_else(|| Refusal::EntryNotFound { path: path.to_owned(), commit: snapshot.commit.clone() })
}

/// Large files: 302 to an absolute address with the metadata on the redirect. Small ones: 307 to a relative one.
pub(crate) fn resolve(repo: &Repo, snapshot: &Snapshot, path: &str, base: &str) -> Result<Response, Refusal> {
    let entry = find(snapshot, path)?;
    let commit = &snapshot.commit;
    let etag = format!("\"{}\"", entry.digest.etag());
    let size = entry.size.to_string();
    let (status, location) = match &entry.digest {
        Digest::Lfs { sha256, .. } => (StatusCode::FOUND, format!("{base}/lfs/{sha256}?commit={commit}")),
        Digest::Git { .. } => {
            let quoted = utf8_percent_encode(path, NON_ALPHANUMERIC);
            let location = format!("/api/resolve-cache/{}/{}/{commit}/{quoted}", repo.kind.folder(), repo.id);
            (StatusCode::TEMPORARY_REDIRECT, location)
        }
    };
    let mut response =
        (status, format!("{}. Redirecting to {location}", status.canonical_reason().unwrap_or_default()))
            .into_response();
    let linked = matches!(entry.digest, Digest::Lfs { .. });
    let headers = [
        (header::LOCATION.as_str(), Some(location)),
        ("x-repo-commit", Some(commit.clone())),
        ("accept-ranges", Some("bytes".to_owned())),
        ("x-linked-etag", linked.then_some(etag)),
        ("x-linked-size", linked.then_some(size)),
    ];
    for (name, value) in headers {
        if let Some(Ok(value)) = value.map(|value| value.parse()) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

/// Sends a file or the part that `Range` asks for. The `ETag` is the content's digest, hence strong.
pub(crate) async fn send(entry: &Entry, commit: Option<&str>, headers: &HeaderMap) -> Result<Response, Refusal> {
    if !entry.is_current() {
        return Err(Refusal::Gone { path: entry.digest.etag().to_owned() });
    }
    let etag = format!("\"{}\"", entry.digest.etag());
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let unchanged = text(header::IF_RANGE).is_none_or(|known| known == etag);
    let range = text(header::RANGE).filter(|_| unchanged);
    let (status, first, count, content_range) = match asked(range, entry.size) {
        Asked::Whole => (StatusCode::OK, 0, entry.size, None),
        Asked::Part { first, last } => {
            let range = format!("bytes {first}-{last}/{}", entry.size);
            (StatusCode::PARTIAL_CONTENT, first, last - first + 1, Some(range))
        }
        Asked::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0, Some(format!("bytes */{}", entry.size))),
    };
    let path = entry.local.clone();
    let opening = spawn_blocking(move || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(first)).map(|_| file)
    });
    let file = opening.await.unwrap_or_else(|died| Err(died.into())).map_err(Refusal::Unreadable)?;
    let mut response = Response::new(Body::from_stream(pieces(file, count)));
    *response.status_mut() = status;
    let content_type = if entry.local.extension().is_some_and(|ext| ext == "json") {
        "application/json"
    } else {
        "application/octet-stream"
    };
    let fields = [
        (header::ETAG, Some(etag)),
        (header::CONTENT_LENGTH, Some(count.to_string())),
        (header::CONTENT_TYPE, Some(content_type.to_owned())),
        (header::ACCEPT_RANGES, Some("bytes".to_owned())),
        (header::CONTENT_RANGE, content_range),
        (HeaderName::from_static("x-repo-commit"), commit.map(str::to_owned)),
    ];
    for (name, value) in fields {
        if let Some(Ok(value)) = value.map(|value| value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// The next so many bytes of a file, in pieces that are sent in the memory they were read into.
fn pieces(file: File, count: u64) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((file, count), async |(file, left)| {
        if left == 0 {
            return Ok(None);
        }
        let reading = spawn_blocking(move || {
            let length = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let mut piece = Vec::with_capacity(length);
            (&file).take(length as u64).read_to_end(&mut piece)?;
            match piece.len() as u64 {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                read => Ok(Some((Bytes::from(piece), (file, left - read)))),
            }
        });
        reading.await?
    })
}
