//! Answers of a Hub: the pages of a repository's tree, its info, and the header that leads to the next page.

use std::sync::LazyLock;

use hub::untrusted;
use serde_json::Value;
use url::Url;

use crate::names;

static ENDPOINT: LazyLock<Url> = LazyLock::new(|| Url::parse("https://hub.test").expect("a valid address"));

/// Every file that a page lists is taken or the page is refused, and what is taken is complete.
pub(crate) fn tree(input: &[u8]) {
    // Texts of fields that nobody reads may be none, so that the page is taken all the same.
    if let Ok(files) = untrusted::tree_page(&ENDPOINT, input)
        && let Ok(page) = serde_json::from_slice::<Vec<Value>>(input)
    {
        let mut listed = page.iter().filter(|entry| entry["type"] == "file");
        for file in files {
            let entry = listed.next().expect("a file of its own");
            assert_eq!(entry["path"], file.path);
            // A path that leads elsewhere is listed, and has no address.
            names::path(file.path.as_bytes());
            let content = entry.get("lfs").filter(|lfs| !lfs.is_null()).unwrap_or(entry);
            let digest = content["oid"].as_str().expect("a digest");
            assert_eq!(digest.to_ascii_lowercase(), file.digest.to_hex());
            assert_eq!(content["size"].as_u64().unwrap_or(0), file.size);
        }
        assert_eq!(listed.next(), None);
    }
    if let Ok(info) = untrusted::repo_info(&ENDPOINT, input) {
        assert_eq!(hex::decode(&info.sha).map(|sha| sha.len()), Ok(20));
    }
    if let Ok(link) = str::from_utf8(input)
        && let Some(next) = untrusted::next_page(link)
    {
        assert!(link.contains('<') && !next.scheme().is_empty());
    }
}
