//! Repository ids and paths of files in a repository: the foreign names that become addresses and places on a disk.

use std::{
    path::{Component, Path},
    sync::LazyLock,
};

use dataset_model::RepoId;
use percent_encoding::percent_decode_str;
use regex::Regex;
use url::Url;

/// `REPO_ID_REGEX` of `huggingface_hub`, with 96 characters for the owner as well, as its message says.
static RULE: LazyLock<Regex> = LazyLock::new(|| {
    let part = r"(?-u:\b)[A-Za-z0-9_.-]{1,96}(?-u:\b)";
    Regex::new(&format!(r"\A(?:{part}/)?{part}\z")).expect("a valid pattern")
});

static ENDPOINT: LazyLock<Url> = LazyLock::new(|| Url::parse("https://hub.test/mirror").expect("a valid address"));

/// Exactly what the rule allows is accepted, and is one plain name of a folder and of the Hub's address.
pub(crate) fn repo_id(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let allowed =
        RULE.is_match(text) && !text.contains("--") && !text.contains("..") && text.strip_suffix(".git").is_none();
    let parsed = RepoId::parse(text);
    assert_eq!(parsed.is_ok(), allowed, "{text:?}");
    let Ok(id) = parsed else { return };
    assert_eq!(id.as_str(), text);
    assert_inside(&id.folder(), 1);
    let address = hub::untrusted::address(&ENDPOINT, id.as_str(), "main", "a").expect("the Hub's client takes it too");
    assert_eq!(address.path(), format!("/mirror/datasets/{text}/resolve/main/a"));
}

/// An accepted path stays in its folder, under its own name only, and its address names just this file.
pub(crate) fn path(input: &[u8]) {
    let Ok(path) = str::from_utf8(input) else { return };
    if let Ok(address) = hub::untrusted::address(&ENDPOINT, "acme/corpus", "main", path) {
        assert_path(path);
        assert_eq!((address.origin(), address.query(), address.fragment()), (ENDPOINT.origin(), None, None));
        let segments = address.path().strip_prefix("/mirror/datasets/acme/corpus/resolve/main/").expect("in the repo");
        let decoded: Vec<_> = segments.split('/').map(|one| percent_decode_str(one).collect::<Vec<u8>>()).collect();
        assert_eq!(decoded.join(&b'/'), path.as_bytes());
    }
}

/// What holds for every path that was let in.
fn assert_path(path: &str) {
    assert!(!path.contains(['\0', '\n', '\r', '\\']), "{path:?}");
    assert_inside(path, path.split('/').count());
}

fn assert_inside(path: &str, depth: usize) {
    let folder = Path::new("/a/folder");
    let joined = folder.join(path);
    let inside = joined.strip_prefix(folder).unwrap_or_else(|_| panic!("{path:?} leaves its folder"));
    assert!(inside.components().all(|one| matches!(one, Component::Normal(_))), "{path:?}");
    assert_eq!(inside.components().count(), depth, "{path:?} has two names");
}
