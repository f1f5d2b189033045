//! How a stranger's words are read, without the network that brings them.
//!
//! The client uses the same functions inside. They are public so that the fuzz targets need no server.

use url::Url;

use crate::{
    HubError, RemoteFile, RepoInfo, RepoKind,
    address::Address,
    listing::{files_of, info_of, next_link},
};

/// The address of the file `path` in a dataset; fails for a path that could lead out of a folder.
pub fn address(endpoint: &Url, repo: &str, commit: &str, path: &str) -> Result<Url, HubError> {
    Address::new(endpoint, RepoKind::Dataset, repo, Some(commit))?.resolve(path)
}

/// The files in one page of a tree; fails when one has no safe path or no digest.
pub fn tree_page(endpoint: &Url, page: &[u8]) -> Result<Vec<RemoteFile>, HubError> {
    files_of(endpoint, page)
}

/// The answer about a repository; fails when it names no commit.
pub fn repo_info(endpoint: &Url, answer: &[u8]) -> Result<RepoInfo, HubError> {
    info_of(endpoint, answer)
}

/// The next page, as a `Link` header names it.
pub fn next_page(link: &str) -> Option<Url> {
    next_link(link)
}
