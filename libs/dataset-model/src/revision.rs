//! Revisions of a repository as a user gives them.
//!
//! Only their syntax is checked here; whether the Hub knows them turns out when it is asked.

use crate::{Problem, Reason, problem::shortened};

const LONGEST: usize = 256;

/// Checks a branch, tag, ref or commit by the rules of git-check-ref-format; `INVALID_REVISION`.
#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "git refuses `.lock` in lower case only")]
pub fn check_revision(revision: &str) -> Result<(), Problem> {
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    let valid = revision.len() <= LONGEST
        && !revision.contains(forbidden)
        && !revision.contains("..")
        && !revision.contains("@{")
        && !revision.starts_with('-')
        && !revision.ends_with('.')
        && revision != "@"
        && !revision.split('/').any(bad_part);
    if valid {
        return Ok(());
    }
    Err(Problem::new(Reason::InvalidRevision, format!("`{}` is not a revision", shortened(revision)))
        .next_step("use a branch, a tag, a ref such as `refs/convert/parquet`, or a commit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions() {
        for valid in ["main", "v1.0", "refs/convert/parquet", "refs/pr/1", "0123abc", "a-b_c.d"] {
            assert!(check_revision(valid).is_ok(), "`{valid}`");
        }
        for invalid in [
            "", "a b", "a..b", "/a", "a/", "a//b", "-a", "a~1", "a^", "a:b", "a\\b", "@", "a@{1}", "a.lock", ".a",
            "a\n",
        ] {
            assert_eq!(check_revision(invalid).unwrap_err().reason, Reason::InvalidRevision, "`{invalid}`");
        }
    }
}
