//! Names that a user gives: configs, splits and names of datasets.
//!
//! Only their syntax is checked here; whether the Hub knows them turns out in the job.

use dataset_model::FieldViolation;

const LONGEST: usize = 256;

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
    fn names() {
        assert!(check_name("split", "train").is_ok());
        for invalid in ["", "  ", "a\0b", &"x".repeat(257)] {
            assert!(check_name("split", invalid).is_err(), "`{invalid}`");
        }
        assert_eq!(free_name("a/b", &[]), "a/b");
        assert_eq!(free_name("a/b", &["a/b".into(), "a/b (2)".into()]), "a/b (3)");
    }
}
