//! A migration that landed never changes: databases remember its checksum and refuse to start with another one.
//!
//! `services/catalog/migrations/LANDED` lists the sha256 of each, in the form of `sha256sum`; lines are only added.

use crate::Tree;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const FOLDER: &str = "services/catalog/migrations/";

pub fn migrations(tree: &Tree) -> Vec<String> {
    let mut landed: BTreeMap<&str, &str> = tree
        .text(&format!("{FOLDER}LANDED"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, name)| (name, digest))
        .collect();
    let mut complaints = Vec::new();
    for file in tree.ending(&[".sql"]) {
        let Some(name) = file.path.strip_prefix(FOLDER) else { continue };
        let digest = hex::encode(Sha256::digest(&file.text));
        match landed.remove(name) {
            Some(known) if known == digest => {}
            Some(_) => complaints.push(format!("{} changed after it landed: write a new migration", file.path)),
            None => complaints.push(format!("{} is new: add the line `{digest}  {name}` to {FOLDER}LANDED", file.path)),
        }
    }
    complaints.extend(landed.keys().map(|name| format!("{FOLDER}{name} landed and is gone: databases need it")));
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceFile;

    fn tree(landed: &str, sql: &[(&str, &str)]) -> Tree {
        let file = |name: &str, text: &str| SourceFile { path: format!("{FOLDER}{name}"), text: text.to_owned() };
        let mut files = vec![file("LANDED", landed)];
        files.extend(sql.iter().map(|(name, text)| file(name, text)));
        Tree { root: "/".into(), files }
    }

    #[test]
    fn new_changed_and_lost_migrations_are_told_apart() {
        let landed = format!("{}  0001_a.sql\n", hex::encode(Sha256::digest("select 1")));
        assert_eq!(migrations(&tree(&landed, &[("0001_a.sql", "select 1")])), [""; 0]);
        assert!(migrations(&tree(&landed, &[("0001_a.sql", "select 2")]))[0].contains("changed after it landed"));
        assert!(migrations(&tree(&landed, &[]))[0].contains("is gone"));
        let two = [("0001_a.sql", "select 1"), ("0002_b.sql", "select 2")];
        assert!(migrations(&tree(&landed, &two))[0].contains("is new: add the line"));
    }
}
