//! The plan for uploaded files: every file is in it, whatever its format. The words in a name that make a split on the
//! Hub make one here as well, so that `test.jsonl` beside `train.jsonl` does not end up among what is trained on.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Plan, PlanError, PlannedSplit, SourceFile, format, format::Format, splits};

/// The one config that there is.
const CONFIG: &str = "default";

/// The format of a file by its own name; none when no rows can be read from it.
pub fn format_of(name: &str) -> Option<Format> {
    format::infer([name]).filter(|format| format.is_converted())
}

/// The plan, and what stands in the place of a commit: a digest of all names and contents.
pub fn plan(files: &[SourceFile]) -> Result<(String, Plan), PlanError> {
    let mut planned: Vec<PlannedSplit> = Vec::new();
    let mut digest = Sha256::new();
    for file in files {
        let Some(format) = format_of(&file.path) else {
            return Err(PlanError::Unsupported { format: "unknown", file: file.path.clone() });
        };
        digest.update(format!("{} {}\n", file.digest, file.path));
        let name = split_of(&file.path)?;
        match planned.iter_mut().find(|split| split.name == name) {
            Some(split) => split.files.push(file.clone()),
            None => planned.push(PlannedSplit { name, files: vec![file.clone()], format, options: Arc::default() }),
        }
    }
    planned.sort_by_key(|split| ["train", "validation", "test"].iter().position(|name| *name == split.name));
    let commit = hex::encode(&digest.finalize()[..20]);
    Ok((commit, Plan { config: CONFIG.to_owned(), splits: planned, left_out: Vec::new(), license: None }))
}

fn split_of(name: &str) -> Result<String, PlanError> {
    let found = splits::infer("", &[name.to_owned()])?;
    let first = found.and_then(|splits| splits.into_iter().next()).map(|(split, _)| split);
    // Rules that are about the whole of a repository say nothing of a file.
    Ok(first.filter(|split| ["validation", "test"].contains(&split.as_str())).unwrap_or_else(|| "train".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), size: 1, digest: "0".repeat(64) }
    }

    #[test]
    fn every_file_is_in_and_the_splits_are_told_by_name() {
        let names = ["b.csv", "test.jsonl", "a.PARQUET", "my-train.txt.gz", "dev_1.tsv", "contest.arrow"];
        let (commit, plan) = plan(&names.map(file)).unwrap();
        let splits: Vec<_> = plan.splits.iter().map(|split| (split.name.as_str(), split.files.len())).collect();
        assert_eq!(splits, [("train", 4), ("validation", 1), ("test", 1)]);
        assert_eq!(plan.splits[0].files[0].path, "b.csv", "in the order in which they came");
        assert_eq!(commit.len(), 40);
        assert_ne!(super::plan(&[file("b.csv")]).unwrap().0, commit);
    }

    #[test]
    fn what_holds_no_rows_is_known_by_its_name() {
        for name in ["a.7z", "a", "a.md", "a.png", "a.gz", "README"] {
            assert_eq!(format_of(name), None, "{name}");
        }
        for name in [
            "a.jsonl",
            "a.json.gz",
            "a.CSV",
            "a.tsv.xz",
            "a.txt",
            "a.parquet",
            "a.arrow",
            "a.ndjson.zst",
            "a.zip",
            "a.tar.gz",
        ] {
            assert!(format_of(name).is_some(), "{name}");
        }
    }
}
