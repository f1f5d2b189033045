//! What may be registered as an upload: names that can be shown, and files that lie where they belong.

use super::{gc::dataset_folder, names::check_name};
use dataset_model::{DatasetId, FieldViolation, Problem, RepoId, Upload};
use std::collections::HashSet;

/// The list of files goes through messages and one row.
const MOST_FILES: usize = 1000;

/// Checks the files of an upload; all violations at once.
pub fn check(id: DatasetId, upload: &Upload) -> Result<(), Problem> {
    let count = upload.files.len();
    if !(1..=MOST_FILES).contains(&count) {
        return Err(Problem::field("files", format!("must be 1 to {MOST_FILES} files, not {count}")));
    }
    let folder = format!("{}/", dataset_folder(&RepoId::upload(), id));
    let mut names = HashSet::new();
    let mut refused = Vec::new();
    for file in &upload.files {
        refused.extend(check_name("files", &file.name).err());
        let mut refuse = |description: String| {
            refused.push(FieldViolation { field: "files".to_owned(), description });
        };
        if !names.insert(&file.name) {
            refuse(format!("two files are named `{}`", file.name));
        }
        if !file.key.starts_with(&folder) {
            refuse(format!("`{}` lies outside of the dataset's folder", file.name));
        }
        if file.sha256.len() != 64 {
            refuse(format!("`{}` has no sha256", file.name));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Problem::fields(refused)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataset_model::UploadedFile;

    #[test]
    fn files_must_be_there_and_belong_to_the_dataset() {
        let id = DatasetId::new();
        let file = |name: &str, folder: &str| UploadedFile {
            name: name.to_owned(),
            key: format!("datasets/upload/{folder}/source/0"),
            size_bytes: 1,
            sha256: "0".repeat(64),
        };
        let own = id.to_string();
        let violations = |files| match check(id, &Upload { text_column: None, files }) {
            Ok(()) => 0,
            Err(problem) => problem.errors.len(),
        };
        assert_eq!(violations(vec![file("a", &own), file("b", &own)]), 0);
        assert_eq!(violations(Vec::new()), 1);
        assert_eq!(violations(vec![file("a", &own), file("a", "elsewhere"), file("", &own)]), 3);
    }
}
