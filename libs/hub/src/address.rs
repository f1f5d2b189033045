//! The Hub's URL scheme: which address a repository, a tree or a file has.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::{client::RepoKind, error::HubError};

/// All but RFC 3986's unreserved characters; a revision's `/` is encoded too.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest path of a file and longest segment of one that are accepted from a listing.
const MAX_PATH: usize = 4096;
const MAX_SEGMENT: usize = 255;

/// One revision of a repository of one endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address<'a> {
    pub(crate) endpoint: &'a Url,
    pub(crate) kind: RepoKind,
    pub(crate) repo: &'a str,
    /// `None` is the default branch.
    pub(crate) revision: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// Refuses ids and revisions that would address something else than a repository.
    pub(crate) fn new(
        endpoint: &'a Url,
        kind: RepoKind,
        repo: &'a str,
        revision: Option<&'a str>,
    ) -> Result<Self, HubError> {
        let is_plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        if repo.split('/').count() > 2 || !repo.split('/').all(is_plain) {
            return Err(HubError::InvalidRepoId { repo: repo.to_owned() });
        }
        // These would be taken for steps up, encoded or not.
        if let Some(revision) = revision.filter(|revision| matches!(*revision, "" | "." | "..")) {
            return Err(HubError::RevisionNotFound { repo: repo.to_owned(), revision: revision.to_owned() });
        }
        Ok(Self { endpoint, kind, repo, revision })
    }

    /// `/api/datasets/{repo}[/revision/{revision}]`
    pub(crate) fn info(&self) -> Url {
        let revision = self.revision.map(|revision| format!("/revision/{}", quoted(revision))).unwrap_or_default();
        self.url(&format!("/api/{}/{}{revision}", self.kind.api_segment(), self.repo))
    }

    /// `/api/datasets/{repo}/tree/{revision}?recursive=true`
    pub(crate) fn tree(&self) -> Url {
        let path = format!("/api/{}/{}/tree/{}", self.kind.api_segment(), self.repo, self.named_revision());
        let mut url = self.url(&path);
        url.set_query(Some("recursive=true&expand=false"));
        url
    }

    /// `/datasets/{repo}/resolve/{revision}/{path}`; refuses a path that leads elsewhere.
    pub(crate) fn resolve(&self, path: &str) -> Result<Url, HubError> {
        validate_path(path)?;
        let path: Vec<String> = path.split('/').map(quoted).collect();
        let (prefix, revision) = (self.kind.web_prefix(), self.named_revision());
        Ok(self.url(&format!("/{prefix}{}/resolve/{revision}/{}", self.repo, path.join("/"))))
    }

    /// The page at which people ask for access.
    pub(crate) fn page(&self) -> Url {
        self.url(&format!("/{}{}", self.kind.web_prefix(), self.repo))
    }

    fn named_revision(&self) -> String {
        quoted(self.revision.unwrap_or("main"))
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.endpoint.clone();
        // A mirror may live below a path of its host.
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }
}

fn quoted(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Accepts only relative paths that stay inside a folder on every system, with the rules of `huggingface_hub`.
pub(crate) fn validate_path(path: &str) -> Result<(), HubError> {
    let is_drive = path.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && path[1..].starts_with(":/");
    let is_safe = !path.is_empty()
        && path.len() <= MAX_PATH
        && !is_drive
        && !path.contains('\\')
        && !path.contains(char::is_control)
        && path.split('/').all(|part| !part.is_empty() && part.len() <= MAX_SEGMENT && part != "." && part != "..");
    if is_safe { Ok(()) } else { Err(HubError::InvalidPath { path: path.escape_debug().to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let endpoint = Url::parse("https://hub.test/mirror/").unwrap();
        let dataset = |revision| Address::new(&endpoint, RepoKind::Dataset, "acme/corpus", revision).unwrap();
        let model = Address::new(&endpoint, RepoKind::Model, "gpt2", Some("c0")).unwrap();
        for (url, expected) in [
            (dataset(None).info(), "api/datasets/acme/corpus"),
            (dataset(Some("refs/pr/1")).info(), "api/datasets/acme/corpus/revision/refs%2Fpr%2F1"),
            (dataset(Some("c0")).tree(), "api/datasets/acme/corpus/tree/c0?recursive=true&expand=false"),
            (
                dataset(Some("c0")).resolve("data/a b#?%.txt").unwrap(),
                "datasets/acme/corpus/resolve/c0/data/a%20b%23%3F%25.txt",
            ),
            (model.resolve("tokenizer.json").unwrap(), "gpt2/resolve/c0/tokenizer.json"),
        ] {
            assert_eq!(url.as_str(), format!("https://hub.test/mirror/{expected}"));
        }
    }

    #[test]
    fn names_that_lead_elsewhere() {
        let endpoint = Url::parse("https://hub.test").unwrap();
        for repo in ["", "a/b/c", "..", "../x", "a/..", "a b", "a%2Fb", "a?x", "a/"] {
            assert!(Address::new(&endpoint, RepoKind::Dataset, repo, None).is_err(), "{repo}");
        }
        for revision in ["", ".", ".."] {
            assert!(Address::new(&endpoint, RepoKind::Dataset, "a/b", Some(revision)).is_err(), "{revision}");
        }
        assert!(Address::new(&endpoint, RepoKind::Dataset, "a/b", None).unwrap().resolve("../../x").is_err());
    }

    #[test]
    fn paths_that_climb_out() {
        for path in
            ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\\b", "C:/x", "a\0b", "a\nb", &"x".repeat(256)]
        {
            assert!(validate_path(path).is_err(), "{path:?}");
        }
        for path in ["a", "data/train-00000-of-00001.parquet", "..a/b..", "é/12:30.txt", "x/C:/y"] {
            assert!(validate_path(path).is_ok(), "{path}");
        }
    }
}
