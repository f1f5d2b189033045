//! The JSON answers: repository info, paged tree, paths info and refs, with the Hub's field names.

use std::sync::Arc;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::header;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    digest::Digest,
    refusal::Refusal,
    route::{Kind, Repo},
    snapshot::{Entry, Snapshot},
};

/// How a listing is cut into pages.
pub(crate) struct Page<'a> {
    pub(crate) size: usize,
    pub(crate) base: String,
    pub(crate) query: &'a str,
}

pub(crate) fn info(repo: &Repo, snapshot: &Snapshot, query: &str) -> Response {
    let with_blobs = flag(query, "blobs");
    let siblings: Vec<Value> = snapshot.files.iter().map(|(path, entry)| sibling(path, entry, with_blobs)).collect();
    let mut body = json!({
        "_id": &snapshot.commit[..24],
        "id": repo.id,
        "author": repo.id.split_once('/').map(|(owner, _)| owner),
        "sha": snapshot.commit,
        "private": false,
        "gated": false,
        "disabled": false,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "cardData": card(snapshot),
        "siblings": siblings,
        "usedStorage": snapshot.files.values().map(|entry| entry.size).sum::<u64>(),
    });
    if repo.kind == Kind::Model {
        body["modelId"] = json!(repo.id);
    }
    ([("x-repo-commit", snapshot.commit.clone())], Json(body)).into_response()
}

fn sibling(path: &str, entry: &Entry, with_blobs: bool) -> Value {
    let mut value = json!({ "rfilename": path });
    if with_blobs {
        value["size"] = json!(entry.size);
        value["blobId"] = json!(entry.digest.oid());
        if let Digest::Lfs { sha256, pointer_size, .. } = &entry.digest {
            value["lfs"] = json!({ "sha256": sha256, "size": entry.size, "pointerSize": pointer_size });
        }
    }
    value
}

/// The YAML block on top of the README; whatever cannot be read as one is no card.
fn card(snapshot: &Snapshot) -> Value {
    let text = snapshot.files.get("README.md").and_then(|readme| std::fs::read_to_string(&readme.local).ok());
    let block = text.as_deref().and_then(|text| text.trim_start().strip_prefix("---")?.split_once("\n---"));
    block.and_then(|(yaml, _)| serde_yaml_ng::from_str(yaml).ok()).unwrap_or(Value::Null)
}

/// Files and folders below `folder`, in path order, with a `Link` to the next page.
pub(crate) fn tree(
    repo: &Repo,
    revision: &str,
    snapshot: &Snapshot,
    folder: &str,
    page: &Page<'_>,
) -> Result<Response, Refusal> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let below = |path: &str| path.strip_prefix(&prefix).is_some_and(|rest| !rest.is_empty());
    if !folder.is_empty() && !snapshot.files.keys().any(|path| below(path)) {
        return Err(Refusal::EntryNotFound { path: folder.to_owned(), commit: snapshot.commit.clone() });
    }
    let is_recursive = flag(page.query, "recursive");
    let shown = |path: &str| below(path) && (is_recursive || !path[prefix.len()..].contains('/'));
    let mut entries: Vec<(&str, Value)> = snapshot
        .folders()
        .filter(|path| shown(path))
        .map(|path| (path, json!({ "type": "directory", "oid": snapshot.commit, "size": 0, "path": path })))
        .collect();
    entries.extend(
        snapshot.files.iter().filter(|(path, _)| shown(path)).map(|(path, entry)| (path.as_str(), file(path, entry))),
    );
    entries.sort_by_key(|(path, _)| *path);

    // The cursor is the last path of the page before: it stays right when folders are as many as files.
    let cursor = parameter(page.query, "cursor");
    let start = cursor.map_or(0, |last| entries.partition_point(|(path, _)| *path <= last.as_str()));
    let end = entries.len().min(start + page.size.max(1));
    let next = (end < entries.len()).then(|| entries[end - 1].0.to_owned());
    let body: Vec<Value> = entries.drain(start..end).map(|(_, value)| value).collect();
    let mut response = ([("x-repo-commit", snapshot.commit.clone())], Json(body)).into_response();
    if let Some(last) = next
        && let Ok(link) = link(repo, revision, folder, page, &last).parse()
    {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

fn link(repo: &Repo, revision: &str, folder: &str, page: &Page<'_>, cursor: &str) -> String {
    let quoted = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut query: form_urlencoded::Serializer<'_, String> = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(form_urlencoded::parse(page.query.as_bytes()).filter(|(key, _)| key != "cursor"));
    query.append_pair("cursor", cursor);
    let below = if folder.is_empty() { String::new() } else { format!("/{}", quoted(folder)) };
    format!(
        "<{}/api/{}/{}/tree/{}{below}?{}>; rel=\"next\"",
        page.base,
        repo.kind.folder(),
        repo.id,
        quoted(revision),
        query.finish()
    )
}

fn file(path: &str, entry: &Entry) -> Value {
    let mut value = json!({ "type": "file", "oid": entry.digest.oid(), "size": entry.size, "path": path });
    if let Digest::Lfs { sha256, pointer_size, .. } = &entry.digest {
        value["lfs"] = json!({ "oid": sha256, "size": entry.size, "pointerSize": pointer_size });
    }
    value
}

/// Looks paths up; those that do not exist are simply absent from the answer.
pub(crate) fn paths_info(snapshot: &Snapshot, body: &[u8], is_json: bool) -> Result<Response, Refusal> {
    #[derive(Deserialize)]
    struct Asked {
        paths: Vec<String>,
    }
    let paths = if is_json {
        serde_json::from_slice::<Asked>(body).map_err(|_| Refusal::Malformed { what: "list of paths" })?.paths
    } else {
        let pairs = form_urlencoded::parse(body);
        pairs.filter(|(key, _)| key == "paths").map(|(_, path)| path.into_owned()).collect()
    };
    let found: Vec<Value> = paths
        .iter()
        .filter_map(|path| {
            let folder = || {
                let is_folder = snapshot.folders().any(|folder| folder == path);
                is_folder.then(|| json!({ "type": "directory", "oid": snapshot.commit, "size": 0, "path": path }))
            };
            snapshot.files.get(path).map(|entry| file(path, entry)).or_else(folder)
        })
        .collect();
    Ok(Json(found).into_response())
}

pub(crate) fn refs(revisions: &[(String, Arc<Snapshot>)]) -> Response {
    let named = |name: &str, place: String, commit: &str| json!({ "name": name, "ref": place, "targetCommit": commit });
    let branches = revisions.iter().filter(|(name, _)| !name.starts_with("refs/"));
    let branches = branches.map(|(name, snapshot)| named(name, format!("refs/heads/{name}"), &snapshot.commit));
    let converts = revisions.iter().filter_map(|(place, snapshot)| {
        let name = place.strip_prefix("refs/convert/")?;
        Some(named(name, place.clone(), &snapshot.commit))
    });
    let (branches, converts): (Vec<_>, Vec<_>) = (branches.collect(), converts.collect());
    Json(json!({ "branches": branches, "converts": converts, "tags": [] })).into_response()
}

fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Python writes `True`, everybody else `true`.
fn flag(query: &str, name: &str) -> bool {
    parameter(query, name).is_some_and(|value| matches!(value.as_str(), "true" | "True" | "1"))
}
