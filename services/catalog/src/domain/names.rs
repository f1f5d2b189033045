//! Names that a user gives: revisions, configs, splits and names of datasets.
//!
//! Only their syntax is checked here; whether the Hub knows them turns out in the job.

use dataset_model::{FieldViolation, Problem, Reason};

const LONGEST: usize = 256;

/// Checks a branch, tag, ref or commit by the rules of git-check-ref-format.
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

/// Checks a config, split or dataset name: 1 to 256 bytes without control characters, not blank.
pub fn check_name(field: &str, name: &str) -> Result<(), FieldViolation> {
    let description = if name.trim().is_empty() {
        "must not be empty".to_owned()
    } else if name.len() > LONGEST {
        format!("must be at most {LONGEST} bytes, not {}", name.len())
    } else if name.contains(char::is_control) {
        "must not hold control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(FieldViolation { field: field.to_owned(), description })
}

/// A text from a request, short enough for a message.
pub fn shortened(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(80).chain(['…']).collect() }
}

/// The first free name: `base`, else `base (2)`, `base (3)`, …
pub fn free_name(base: &str, taken: &[String]) -> String {
    if !taken.iter().any(|name| name == base) {
        return base.to_owned();
    }
    // One number more than there are names, so that one of them is free.
    let mut numbered = (2..taken.len() + 3).map(|n| format!("{base} ({n})"));
    numbered.find(|name| !taken.contains(name)).unwrap_or_else(|| base.to_owned())
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

    #[test]
    fn names() {
        assert!(check_name("split", "train").is_ok());
        for invalid in ["", "  ", "a\0b", &"x".repeat(257)] {
            assert!(check_name("split", invalid).is_err(), "`{invalid}`");
        }
        assert_eq!(free_name("a/b", &[]), "a/b");
        assert_eq!(free_name("a/b", &["a/b".into(), "a/b (2)".into()]), "a/b (3)");
    }
}
