//! The plan against what `datasets` 5.2.0 made of the same files: a table recorded by running it.

use ingestion::plan::{Config, PlanError, Repository, SourceFile, configs, format};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// Cases in which the plan differs on purpose, each with the reason. None at present.
const DIFFERENT: &[(&str, &str)] = &[];
/// Cases that agree on configs, splits, files, order and format, or on being an error.
const AGREEING: usize = 48;

#[derive(Deserialize)]
struct Table {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    yaml: Option<String>,
    files: Vec<String>,
    result: Truth,
}

#[derive(Deserialize)]
struct Truth {
    error: Option<String>,
    module: Option<String>,
    default_config: Option<String>,
    configs: Option<Ordered<Ordered<Vec<String>>>>,
}

/// A JSON object whose order matters.
#[derive(Debug, PartialEq)]
struct Ordered<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

fn resolve(case: &Case) -> Result<Vec<Config>, PlanError> {
    let file = |path: &String| SourceFile { path: path.clone(), size: 0, digest: "0".repeat(40) };
    let files: Vec<SourceFile> = case.files.iter().map(file).collect();
    let readme = case.yaml.as_ref().map(|yaml| format!("---\n{yaml}\n---\n# A dataset\n"));
    configs(&Repository { files: &files, readme: readme.as_deref(), standalone: None })
}

fn agrees(case: &Case) -> Result<(), String> {
    let resolved = resolve(case).and_then(|configs| {
        let splits = |c: &Config| c.splits.clone().map(|splits| (c.name.clone(), splits));
        Ok((configs.iter().map(splits).collect::<Result<Vec<_>, _>>()?, configs))
    });
    let (Some(expected), Ok((splits, configs))) = (&case.result.configs, &resolved) else {
        return match (&case.result.error, resolved) {
            (Some(_), Err(_)) => Ok(()),
            (error, resolved) => Err(format!("expected {error:?}, got {resolved:?}")),
        };
    };
    let paths = |split: &ingestion::plan::ResolvedSplit| {
        (split.name.clone(), split.files.iter().map(|f| f.path.clone()).collect::<Vec<_>>())
    };
    let ours = splits.iter().map(|(name, splits)| (name.clone(), Ordered(splits.iter().map(paths).collect())));
    let ours = Ordered(ours.collect());
    if ours != *expected {
        return Err(format!("expected {expected:?}, got {ours:?}"));
    }
    let module = splits[0].1[0].format.name;
    if Some(module) != case.result.module.as_deref() {
        return Err(format!("expected {:?}, got {module}", case.result.module));
    }
    let default = configs.iter().find(|c| c.is_default).map(|c| c.name.as_str());
    // Without a card `datasets` speaks of no default, although there is only one config.
    let declared = case.yaml.as_ref().is_some_and(|yaml| yaml.contains("config_name"));
    if declared && default != case.result.default_config.as_deref() {
        return Err(format!("expected default {:?}, got {default:?}", case.result.default_config));
    }
    Ok(())
}

#[test]
fn agrees_with_datasets() {
    let table: Table = serde_json::from_str(include_str!("data/hub_resolve_cases.json")).unwrap();
    let converted = |case: &&Case| {
        let module = case.result.module.as_deref();
        module.is_some_and(|module| format::CONVERTED.contains(&module))
    };
    let mut wrong = Vec::new();
    for case in &table.cases {
        if let Err(why) = agrees(case) {
            wrong.push((case.name.as_str(), why));
        }
    }
    println!("{} of {} cases agree", table.cases.len() - wrong.len(), table.cases.len());
    let names: Vec<&str> = wrong.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, DIFFERENT.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "{wrong:#?}");
    assert_eq!(table.cases.len() - wrong.len(), AGREEING);
    assert!(table.cases.iter().filter(converted).count() >= 8);
}

#[test]
fn errors_are_the_right_ones() {
    let table: Table = serde_json::from_str(include_str!("data/hub_resolve_cases.json")).unwrap();
    let error = |name: &str| {
        let case = table.cases.iter().find(|case| case.name == name).unwrap();
        let first = resolve(case).and_then(|configs| configs[0].splits.clone());
        format!("{name}: {}", first.unwrap_err())
    };
    let failing: Vec<String> =
        table.cases.iter().filter(|case| case.result.error.is_some()).map(|case| error(&case.name)).collect();
    insta::assert_snapshot!(failing.join("\n"));
}
