//! What a repository is and which files it has: the Hub's JSON read into our own words, and checked.

use std::collections::HashSet;

use reqwest::header::LINK;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::{
    address::Address,
    body::Body,
    digest::Digest,
    error::HubError,
    http::{Ask, Http, host},
    refusal::Subject,
    token::Token,
};

/// A page of 1000 entries has about half a MiB, the info of a repository with all its files a few.
const PAGE_LIMIT: usize = 64 << 20;

/// More than any dataset that fits the size limit reasonably has; it bounds the memory of a listing.
const MAX_FILES: usize = 1_000_000;

/// A repository at the commit that a revision stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct RepoInfo {
    /// The canonical id; it differs from the one that was asked for when the repository was renamed.
    pub id: String,
    /// The commit, 40 hex digits. Use it as the revision from here on.
    pub sha: String,
    /// Whether its owner must grant access before files can be read.
    pub gated: bool,
    /// Whether only a token can see it.
    pub private: bool,
    /// Whether the Hub has taken it down.
    pub disabled: bool,
    /// The YAML block of its README, or null.
    pub card_data: Value,
}

/// A file of a commit, with all that a verified transfer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Relative, `/` between its parts, without `.` or `..`.
    pub path: String,
    /// In bytes, of the content itself.
    pub size: u64,
    /// Of the content itself.
    pub digest: Digest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InfoAnswer {
    id: String,
    sha: Option<String>,
    #[serde(default)]
    gated: Value,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    card_data: Value,
}

#[derive(Deserialize)]
struct TreeEntry {
    r#type: String,
    path: String,
    #[serde(default)]
    oid: String,
    #[serde(default)]
    size: u64,
    lfs: Option<LfsEntry>,
}

#[derive(Deserialize)]
struct LfsEntry {
    oid: String,
    size: u64,
}

/// One try of a listing's request: its JSON and the address of the next page.
pub(crate) async fn page<T: for<'de> Deserialize<'de>>(
    http: &Http,
    ask: &Ask<'_>,
) -> Result<(T, Option<Url>), HubError> {
    let answer = http.get(ask).await?;
    let next = answer.response.headers().get(LINK).and_then(|link| next_link(link.to_str().ok()?));
    let bytes = Body::new(answer.response, http.patience).collect(PAGE_LIMIT).await?;
    // A captive portal answers everything with a page of its own.
    Ok((parse(&http.endpoint, &bytes)?, next))
}

fn parse<T: for<'de> Deserialize<'de>>(endpoint: &Url, answer: &[u8]) -> Result<T, HubError> {
    serde_json::from_slice(answer).map_err(|_| not_a_hub(endpoint, "its answer is not the expected json"))
}

/// Reads the repository's info.
pub(crate) async fn info(http: &Http, ask: &Ask<'_>) -> Result<RepoInfo, HubError> {
    let (answer, _) = page(http, ask).await?;
    repo_info(&http.endpoint, answer)
}

fn repo_info(endpoint: &Url, answer: InfoAnswer) -> Result<RepoInfo, HubError> {
    let sha = answer.sha.filter(|sha| sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit()));
    Ok(RepoInfo {
        id: answer.id,
        sha: sha.ok_or_else(|| not_a_hub(endpoint, "it names no commit"))?,
        gated: matches!(answer.gated, Value::String(_) | Value::Bool(true)),
        private: answer.private,
        disabled: answer.disabled,
        card_data: answer.card_data,
    })
}

/// Reads an answer about a repository that lies in memory.
pub(crate) fn info_of(endpoint: &Url, answer: &[u8]) -> Result<RepoInfo, HubError> {
    repo_info(endpoint, parse(endpoint, answer)?)
}

/// Reads a page of a tree that lies in memory.
pub(crate) fn files_of(endpoint: &Url, page: &[u8]) -> Result<Vec<RemoteFile>, HubError> {
    files(endpoint, parse(endpoint, page)?)
}

/// The pages of a tree, one after the other.
pub(crate) struct Tree<'a> {
    address: Address<'a>,
    next: Option<Url>,
    seen: HashSet<Url>,
    files: Vec<RemoteFile>,
}

impl<'a> Tree<'a> {
    pub(crate) fn new(address: Address<'a>) -> Self {
        let first = address.tree();
        Self { address, seen: HashSet::from([first.clone()]), next: Some(first), files: Vec::new() }
    }

    /// The request for the next page, until there is none.
    pub(crate) fn ask<'b>(&self, token: Option<&'b Token>) -> Option<Ask<'b>>
    where
        'a: 'b,
    {
        let subject = Subject { address: self.address, path: None };
        Some(Ask { url: self.next.clone()?, subject, token, range: None })
    }

    /// Takes a page in and turns to the next one, which must be a new one of the same Hub.
    pub(crate) async fn read(&mut self, http: &Http, ask: &Ask<'_>) -> Result<(), HubError> {
        let (entries, next) = page(http, ask).await?;
        self.files.extend(files(&http.endpoint, entries)?);
        if self.files.len() > MAX_FILES {
            return Err(HubError::TooManyFiles { repo: self.address.repo.to_owned(), limit: MAX_FILES });
        }
        if let Some(next) = &next {
            if next.origin() != http.endpoint.origin() {
                return Err(not_a_hub(&http.endpoint, "its next page is on another host"));
            }
            if !self.seen.insert(next.clone()) {
                return Err(not_a_hub(&http.endpoint, "its pages go round in a circle"));
            }
        }
        self.next = next;
        Ok(())
    }

    pub(crate) fn into_files(self) -> Vec<RemoteFile> {
        self.files
    }
}

fn files(endpoint: &Url, entries: Vec<TreeEntry>) -> Result<Vec<RemoteFile>, HubError> {
    let files = entries.into_iter().filter(|entry| entry.r#type == "file");
    files.map(|entry| remote_file(endpoint, entry)).collect()
}

/// Whatever its path: one that leads elsewhere is refused when the file is asked for, and hides no others.
fn remote_file(endpoint: &Url, entry: TreeEntry) -> Result<RemoteFile, HubError> {
    // The `oid` of an LFS entry is that of its pointer; the content's digest stands inside.
    let (digest, size) = match &entry.lfs {
        Some(lfs) => (Digest::from_hex(&lfs.oid), lfs.size),
        None => (Digest::from_hex(&entry.oid), entry.size),
    };
    let digest = digest.filter(|digest| matches!(digest, Digest::Sha256(_)) == entry.lfs.is_some());
    let digest = digest.ok_or_else(|| not_a_hub(endpoint, "it lists a file without a digest"))?;
    Ok(RemoteFile { path: entry.path, size, digest })
}

fn not_a_hub(endpoint: &Url, why: &'static str) -> HubError {
    HubError::NotAHub { host: host(endpoint), why }
}

/// The address with `rel="next"` in a `Link` header.
pub(crate) fn next_link(header: &str) -> Option<Url> {
    let mut links = header.split('<').skip(1).filter_map(|link| link.split_once('>'));
    let (url, _) = links.find(|(_, parameters)| parameters.contains("rel=\"next\""))?;
    Url::parse(url).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_among_other_links() {
        let header = "<https://hub.test/a?x=1,2>; rel=\"prev\", <https://hub.test/b?cursor=Q%3D%3D>; rel=\"next\"";
        assert_eq!(next_link(header).unwrap().as_str(), "https://hub.test/b?cursor=Q%3D%3D");
        assert_eq!(next_link("<https://hub.test/a>; rel=\"prev\""), None);
        assert_eq!(next_link("nonsense"), None);
    }
}
