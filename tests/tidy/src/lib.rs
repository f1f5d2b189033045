//! The rules that keep the repository readable, as tests.
//!
//! Each rule is a pure function from the tree to complaints; a complaint names the file, the rule and its reason. Every
//! rule is tried on a seeded violation beside its definition, and `tests/tree.rs` holds the real tree against all of
//! them.

pub mod documents;
pub mod files;
pub mod imports;
pub mod migrations;
pub mod purity;

use ignore::WalkBuilder;
use std::path::{Path, PathBuf};

/// A text file of the repository.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Relative to the root, with `/`.
    pub path: String,
    pub text: String,
}

/// Everything that git would keep: ignored files and the history are left out, and so is what is not UTF-8.
#[derive(Debug)]
pub struct Tree {
    pub root: PathBuf,
    pub files: Vec<SourceFile>,
}

impl Tree {
    /// Reads the repository that this crate belongs to.
    pub fn read() -> std::io::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let walk =
            WalkBuilder::new(&root).hidden(false).require_git(false).filter_entry(|e| e.file_name() != ".git").build();
        let mut files: Vec<SourceFile> = walk
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
            .filter_map(|entry| {
                let path = entry.path().strip_prefix(&root).ok()?.to_str()?.replace('\\', "/");
                // A file may go while others work in the tree, and pictures are no text.
                let text = String::from_utf8(std::fs::read(entry.path()).ok()?).ok()?;
                Some(SourceFile { path, text })
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { root, files })
    }

    /// The files whose names end in one of `endings`.
    pub fn ending<'a>(&'a self, endings: &'a [&str]) -> impl Iterator<Item = &'a SourceFile> {
        self.files.iter().filter(|file| endings.iter().any(|ending| file.path.ends_with(ending)))
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }
}

#[cfg(test)]
pub(crate) fn sample(path: &str, text: &str) -> Tree {
    Tree { root: PathBuf::from("/"), files: vec![SourceFile { path: path.to_owned(), text: text.to_owned() }] }
}
