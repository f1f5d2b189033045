//! A corpus of small repositories, ingested from a Hub and held against what `datasets` makes of the same folders.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Setup, problem, spec};
use futures::{StreamExt, stream};
use ingestion::plan::{Repository, SourceFile, configs};
use serde_json::{Map, Value, json};

/// Fewer would not have one of each.
const REPOSITORIES: usize = 120;
const AT_ONCE: usize = 8;

fn python(script: &str, folder: &Path) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let output = Command::new(test_kit::python()).arg(script).arg(folder).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), text.concat())
}

/// The names of the configs; of a repository that has none that can be read, the one that is asked for without a name.
fn config_names(folder: &Path) -> Vec<Option<String>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner)).unwrap() {
            let entry = entry.unwrap();
            let path = inner.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                let path = path.to_str().unwrap().to_owned();
                files.push(SourceFile { path, size: 0, digest: "0".repeat(40) });
            }
        }
    }
    let text = |name| fs::read_to_string(folder.join(name)).ok();
    let (readme, standalone) = (text("README.md"), text(".huggingface.yaml"));
    let repository = Repository { files: &files, readme: readme.as_deref(), standalone: standalone.as_deref() };
    let found =
        configs(&repository).unwrap_or_default().into_iter().map(|config| Some(config.name)).collect::<Vec<_>>();
    if found.is_empty() { vec![None] } else { found }
}

/// Splits with their shards, or the reason why there are none.
async fn ingest(setup: &Setup, repo: &str, config: Option<&str>) -> Value {
    let mut spec = spec(repo);
    spec["config"] = json!(config);
    let (catalog, result) = setup.ingest(spec).await;
    if result.is_err() {
        let problem = problem(result);
        assert!(problem.next_step.is_some(), "{repo}: {problem:?}");
        return json!({"reason": problem.reason, "detail": problem.detail});
    }
    let manifest = setup.manifest(&catalog);
    let splits = manifest["splits"].as_array().unwrap();
    let shards = |split: &Value| -> Vec<PathBuf> {
        let keys = split["shards"].as_array().unwrap().iter().map(|shard| shard["key"].as_str().unwrap());
        keys.map(|key| setup.volume.path().join(key)).collect()
    };
    let shards: Vec<Value> = splits.iter().map(|split| json!([split["name"], shards(split)])).collect();
    let rows: u64 = splits.iter().map(|split| split["row_count"].as_u64().unwrap()).sum();
    json!({"splits": shards, "rows": rows})
}

async fn configs_of(setup: &Setup, folder: PathBuf, name: String) -> (String, Value) {
    let mut found = Map::new();
    for config in config_names(&folder) {
        let outcome = ingest(setup, &format!("corpus/{name}"), config.as_deref()).await;
        found.insert(config.unwrap_or_else(|| "default".to_owned()), outcome);
    }
    (name, Value::Object(found))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_repository_is_what_datasets_makes_of_it_or_has_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let (made, said) = python("corpus.py", root.path());
    assert!(made, "{said}");
    let setup = Setup::new(root.path()).await;
    let corpus = root.path().join("datasets/corpus");
    let names = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ingests = names.map(|name| configs_of(&setup, corpus.join(&name), name));
    let ours: Map<_, _> = stream::iter(ingests).buffer_unordered(AT_ONCE).collect().await;
    assert!(ours.len() >= REPOSITORIES, "only {} repositories", ours.len());
    fs::write(root.path().join("ours.json"), Value::Object(ours).to_string()).unwrap();
    let (agree, table) = python("corpus_oracle.py", root.path());
    println!("{table}");
    assert!(agree, "{table}");
}
