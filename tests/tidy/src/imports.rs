//! Who may import whom: the tables of ARCHITECTURE.md, held against `cargo metadata`.
//!
//! Direct dependencies count, as anything else would forbid what a library brings along. `deny.toml` repeats the second
//! table for the whole graph, and a test here keeps the two equal.

use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};
use std::path::Path;

/// A crate of the workspace with what it asks for directly.
#[derive(Debug, Clone, Default)]
pub struct Crate {
    pub name: String,
    /// Its folder, relative to the root.
    pub folder: String,
    pub imports: Vec<String>,
    /// Those of its tests, benchmarks and examples.
    pub test_imports: Vec<String>,
}

/// The crates of the workspace at `root`, from the manifests alone: no lock file, no network.
pub fn crates(root: &Path) -> Result<Vec<Crate>, cargo_metadata::Error> {
    let mut command = MetadataCommand::new();
    command.current_dir(root).no_deps().features(CargoOpt::AllFeatures).other_options(vec!["--offline".to_owned()]);
    let metadata = command.exec()?;
    let root = metadata.workspace_root.clone();
    let packages = metadata.packages.into_iter().map(|package| {
        let folder = package.manifest_path.parent().and_then(|path| path.strip_prefix(&root).ok());
        let folder = folder.map(ToString::to_string).unwrap_or_default();
        let (tests, built): (Vec<_>, Vec<_>) =
            package.dependencies.into_iter().partition(|dependency| dependency.kind == DependencyKind::Development);
        let names = |list: Vec<cargo_metadata::Dependency>| list.into_iter().map(|d| d.name).collect();
        Crate { name: package.name.to_string(), folder, imports: names(built), test_imports: names(tests) }
    });
    Ok(packages.collect())
}

/// What each crate may import of ours. Its tests may import every library besides, but no service.
const OURS: &[(&str, &[&str])] = &[
    ("allocator", &[]),
    ("dataset-model", &[]),
    ("service-kit", &[]),
    ("embedded-servers", &[]),
    ("local-hub", &[]),
    ("row-json", &[]),
    ("dataset-proto", &["dataset-model"]),
    ("hub", &["dataset-model"]),
    ("shard-store", &["dataset-model"]),
    ("catalog-client", &["dataset-model", "dataset-proto", "service-kit"]),
    ("job-bus", &["catalog-client", "dataset-model", "dataset-proto", "service-kit"]),
    ("test-kit", &["dataset-model", "embedded-servers", "local-hub"]),
    // The catalog owns state, not bytes: no shard-store, no hub.
    ("catalog", &["dataset-model", "dataset-proto", "job-bus", "service-kit"]),
    (
        "ingestion",
        &[
            "allocator",
            "catalog-client",
            "dataset-model",
            "dataset-proto",
            "hub",
            "job-bus",
            "row-json",
            "service-kit",
            "shard-store",
        ],
    ),
    (
        "tokenization",
        &[
            "allocator",
            "catalog-client",
            "dataset-model",
            "dataset-proto",
            "hub",
            "job-bus",
            "service-kit",
            "shard-store",
        ],
    ),
    // Readers take no work.
    ("flight", &["catalog-client", "dataset-model", "dataset-proto", "service-kit", "shard-store"]),
    // The gateway only translates.
    ("gateway", &["catalog-client", "dataset-model", "dataset-proto", "row-json", "service-kit"]),
    ("tidy", &[]),
    // Tries with nonsense what reads a stranger's words.
    ("fuzz", &["dataset-model", "hub", "ingestion", "row-json"]),
];

/// Crates that start whole platforms: they may import all others.
const PLATFORMS: &[&str] = &["tokenmill", "e2e"];

/// Third-party crates, and which of ours may import them.
const THEIRS: &[(&str, &[&str])] = &[
    ("sqlx", &["catalog"]),
    ("async-nats", &["job-bus"]),
    ("hf-hub", &["hub"]),
    ("reqwest", &["hub"]),
    ("tokenizers", &["tokenization"]),
    ("fastokens", &["tokenization"]),
    ("splintr", &["tokenization"]),
    ("arrow-flight", &["flight", "gateway", "tokenmill"]),
    ("axum", &["gateway", "local-hub", "service-kit"]),
    ("object_store", &["shard-store"]),
];

/// Tests may drive a service from outside with what it is made of.
const TESTS: &[&str] = &["e2e", "test-kit"];

pub fn ours(crates: &[Crate]) -> Vec<String> {
    let mut complaints = Vec::new();
    for one in crates.iter().filter(|one| !PLATFORMS.contains(&one.name.as_str())) {
        let Some((_, allowed)) = OURS.iter().find(|(name, _)| one.name == *name) else {
            complaints.push(format!("{}: `{}` is in no row of `OURS`; say what it may import", one.folder, one.name));
            continue;
        };
        for name in &one.imports {
            if crates.iter().any(|other| other.name == *name) && !allowed.contains(&name.as_str()) {
                complaints
                    .push(format!("{} imports `{name}` and may import {allowed:?}: see ARCHITECTURE.md", one.folder));
            }
        }
        for name in &one.test_imports {
            if crates.iter().any(|other| other.name == *name && other.folder.starts_with("services/")) {
                complaints
                    .push(format!("{} tests with the service `{name}`: that is what tests/e2e is for", one.folder));
            }
        }
    }
    complaints
}

pub fn theirs(crates: &[Crate]) -> Vec<String> {
    let mut complaints = Vec::new();
    for one in crates.iter().filter(|one| !TESTS.contains(&one.name.as_str())) {
        for name in &one.imports {
            let Some((_, allowed)) = THEIRS.iter().find(|(theirs, _)| name == theirs) else { continue };
            if !allowed.contains(&one.name.as_str()) {
                complaints
                    .push(format!("{} imports `{name}`, which only {allowed:?} may: ask there instead", one.folder));
            }
        }
    }
    complaints
}

/// `deny.toml` says the same: each third-party crate of the table is banned but for these wrappers.
pub fn deny(crates: &[Crate], deny_toml: &str) -> Vec<String> {
    let deny: toml::Table = match toml::from_str(deny_toml) {
        Ok(table) => table,
        Err(error) => return vec![format!("deny.toml is no TOML: {error}")],
    };
    let bans = deny.get("bans").and_then(|bans| bans.get("deny")).and_then(toml::Value::as_array);
    let mut complaints = Vec::new();
    for (name, allowed) in THEIRS {
        let ban = bans.into_iter().flatten().find(|ban| ban.get("crate").and_then(toml::Value::as_str) == Some(name));
        let wrappers = ban.and_then(|ban| ban.get("wrappers")).and_then(toml::Value::as_array);
        let mut wrappers: Vec<&str> = wrappers.into_iter().flatten().filter_map(toml::Value::as_str).collect();
        wrappers.retain(|wrapper| crates.iter().any(|one| one.name == *wrapper) && !TESTS.contains(wrapper));
        wrappers.sort_unstable();
        if wrappers != *allowed {
            complaints.push(format!("deny.toml lets {wrappers:?} import `{name}`, tests/tidy lets {allowed:?}"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(folder: &str, imports: &[&str], test_imports: &[&str]) -> Crate {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let name = folder.rsplit('/').next().unwrap_or(folder).to_owned();
        Crate { name, folder: folder.to_owned(), imports: list(imports), test_imports: list(test_imports) }
    }

    #[test]
    fn a_service_that_imports_a_service_is_found() {
        let catalog = one("services/catalog", &[], &[]);
        assert_eq!(ours(&[one("services/flight", &["catalog"], &[]), catalog.clone()]).len(), 1);
        assert_eq!(ours(&[one("services/flight", &[], &["catalog"]), catalog.clone()]).len(), 1);
        assert_eq!(ours(&[one("tests/e2e", &["catalog"], &[]), catalog]), [""; 0]);
    }

    #[test]
    fn a_library_that_looks_up_is_found() {
        let tree = [one("libs/dataset-model", &["service-kit"], &[]), one("libs/service-kit", &[], &[])];
        assert_eq!(ours(&tree).len(), 1);
        assert_eq!(ours(&[one("libs/unheard-of", &[], &[])]).len(), 1);
    }

    #[test]
    fn a_foreign_crate_in_the_wrong_place_is_found() {
        assert_eq!(theirs(&[one("services/flight", &["sqlx"], &[])]).len(), 1);
        assert_eq!(
            theirs(&[one("services/catalog", &["sqlx"], &[]), one("services/gateway", &[], &["reqwest"])]),
            [""; 0]
        );
    }

    #[test]
    fn a_ban_that_says_something_else_is_found() {
        let row =
            |(name, allowed): &(&str, &[&str])| format!("[[bans.deny]]\ncrate = {name:?}\nwrappers = {allowed:?}\n");
        let rows = THEIRS.iter().map(row).collect::<Vec<_>>().join("\n");
        let crates: Vec<Crate> =
            OURS.iter().map(|(name, _)| one(name, &[], &[])).chain([one("tokenmill", &[], &[])]).collect();
        assert_eq!(deny(&crates, &rows), [""; 0]);
        assert_eq!(deny(&crates, &rows.replace("\"catalog\"", "\"catalog\", \"flight\"")).len(), 1);
        assert_eq!(deny(&crates, "").len(), THEIRS.len());
    }
}
