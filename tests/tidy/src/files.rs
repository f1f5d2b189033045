//! Rules about single files: length, names, opening comment, shared lints, no paths of somebody's machine.

use crate::{SourceFile, Tree};
use regex::Regex;
use std::sync::LazyLock;

const CODE: &[&str] = &[".rs", ".ts", ".tsx", ".py", ".proto", ".sh"];
const MAX_LINES: usize = 400;
/// A component of the web pages does one thing.
const COMPONENT: &str = ".tsx";
const MAX_COMPONENT_LINES: usize = 200;
/// Written by a generator.
const GENERATED: &str = "/schema.d.ts";

/// Names that say nothing, so that anything lands in them.
const BANNED: &[&str] = &["common", "core", "util", "utils", "helper", "helpers", "misc", "shared", "type", "types"];

/// Folders and files of somebody's machine. Written so that it does not match itself.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^\w./-])/(?:home|Users|root|work)/\w|\b[A-Z]:\\+Users\\").expect("a valid pattern")
});

pub fn length(tree: &Tree) -> Vec<String> {
    let too_long = |file: &SourceFile| {
        let lines = file.text.lines().count();
        let limit = if file.path.ends_with(COMPONENT) { MAX_COMPONENT_LINES } else { MAX_LINES };
        (lines > limit).then(|| {
            format!(
                "{} has {lines} lines (limit {limit}): split it by responsibility, see CONTRIBUTING.md, Files",
                file.path
            )
        })
    };
    tree.ending(CODE).filter(|file| !file.path.ends_with(GENERATED)).filter_map(too_long).collect()
}

pub fn names(tree: &Tree) -> Vec<String> {
    let banned = |file: &SourceFile| {
        let part = file.path.split('/').find(|part| BANNED.contains(&part.split('.').next().unwrap_or(part)))?;
        Some(format!("{}: `{part}` names no responsibility; call it what it is about", file.path))
    };
    tree.ending(CODE).filter_map(banned).collect()
}

pub fn opening(tree: &Tree) -> Vec<String> {
    tree.ending(&[".rs"])
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{} does not open with `//!`: say in one sentence what it is responsible for", file.path))
        .collect()
}

pub fn lints(tree: &Tree) -> Vec<String> {
    tree.ending(&["/Cargo.toml"])
        .filter(|file| {
            let manifest: Option<toml::Table> = toml::from_str(&file.text).ok();
            let shared = manifest.as_ref().and_then(|m| m.get("lints")?.get("workspace")?.as_bool());
            // The peers of the benchmarks are a workspace of their own.
            shared != Some(true) && manifest.is_none_or(|m| !m.contains_key("workspace"))
        })
        .map(|file| format!("{} lacks `[lints] workspace = true`: one set of lints holds for all crates", file.path))
        .collect()
}

pub fn foreign_paths(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        for (number, line) in file.text.lines().enumerate() {
            if let Some(found) = FOREIGN.find(line) {
                let (path, number, found) = (&file.path, number + 1, found.as_str().trim());
                complaints.push(format!("{path}:{number} names `{found}…`, a path of one machine; make it relative"));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(length(&sample("a/b.py", &"x\n".repeat(400))), [""; 0]);
        assert_eq!(length(&sample("a/b.py", &"x\n".repeat(401))).len(), 1);
        assert_eq!(length(&sample("a/b.tsx", &"x\n".repeat(201))).len(), 1);
        assert_eq!(length(&sample("a/schema.d.ts", &"x\n".repeat(5000))), [""; 0]);
    }

    #[test]
    fn banned_names_are_found_as_crate_module_and_file() {
        for path in ["libs/common/src/lib.rs", "services/catalog/src/utils/mod.rs", "gateway/ui/src/types.ts"] {
            assert_eq!(names(&sample(path, "")).len(), 1, "{path}");
        }
        assert_eq!(names(&sample("libs/hub/src/score.rs", "")), [""; 0]);
    }

    #[test]
    fn a_missing_opening_is_found() {
        assert_eq!(opening(&sample("a.rs", "//! Says it.\n")), [""; 0]);
        assert_eq!(opening(&sample("a.rs", "use std::fmt;\n")).len(), 1);
    }

    #[test]
    fn a_crate_without_the_lints_is_found() {
        assert_eq!(lints(&sample("libs/a/Cargo.toml", "[lints]\nworkspace = true\n")), [""; 0]);
        assert_eq!(lints(&sample("libs/a/Cargo.toml", "[package]\nname = \"a\"\n")).len(), 1);
        assert_eq!(lints(&sample("tests/a/Cargo.toml", "[workspace]\n[package]\nname = \"a\"\n")), [""; 0]);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let path = ["", "home", "ada", "data"].join("/");
        assert_eq!(foreign_paths(&sample("a.md", &format!("see {path}"))).len(), 1);
        assert_eq!(foreign_paths(&sample("a.md", "see target/work/out and https://host/home/page")), [""; 0]);
    }
}
