//! The repository itself, held against every rule.

use std::sync::LazyLock;
use tidy::{Tree, documents, files, imports, migrations, purity};

static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::read().expect("the repository can be read"));

#[track_caller]
fn holds(complaints: &[String]) {
    assert!(TREE.files.len() > 100, "only {} files were found", TREE.files.len());
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn crates() -> Vec<imports::Crate> {
    imports::crates(&TREE.root).expect("cargo can read the manifests")
}

#[test]
fn crates_import_only_what_their_row_allows() {
    holds(&imports::ours(&crates()));
}

#[test]
fn foreign_crates_stay_in_their_places() {
    holds(&imports::theirs(&crates()));
}

#[test]
fn deny_toml_says_the_same() {
    holds(&imports::deny(&crates(), TREE.text("deny.toml").unwrap_or_default()));
}

#[test]
fn decisions_are_pure() {
    holds(&purity::purity(&TREE));
}

#[test]
fn files_are_short() {
    holds(&files::length(&TREE));
}

#[test]
fn names_say_something() {
    holds(&files::names(&TREE));
}

#[test]
fn rust_files_say_what_they_are_for() {
    holds(&files::opening(&TREE));
}

#[test]
fn crates_share_the_lints() {
    holds(&files::lints(&TREE));
}

#[test]
fn no_path_of_one_machine() {
    holds(&files::foreign_paths(&TREE));
}

#[test]
fn links_lead_somewhere() {
    holds(&documents::links(&TREE, |path| TREE.root.join(path).exists()));
}

#[test]
fn landed_migrations_stay() {
    holds(&migrations::migrations(&TREE));
}
