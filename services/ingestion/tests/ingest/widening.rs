//! Files of one split in several tasks, whose schemas differ: `finish` brings them together where nothing is lost.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Catalog, Setup, compare, problem, spec};
use crate::tasks::repository;
use catalog_client::TaskError;
use dataset_model::Reason;
use dataset_proto::catalog::ReplacedShard;
use job_bus::Work;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A task takes no more files.
const FILES_OF_A_TASK: usize = 100;

/// So many tasks of small files; `row` makes the one row of each, from the number of its task and its own.
fn repository_of(tasks: usize, row: impl Fn(usize, usize) -> String) -> (TempDir, Vec<PathBuf>) {
    let files = (0..tasks * FILES_OF_A_TASK - FILES_OF_A_TASK / 2)
        .map(|n| (format!("train-{n:04}.jsonl"), format!("{}\n", row(n / FILES_OF_A_TASK, n))));
    let files: Vec<(String, String)> = files.collect();
    let named: Vec<(&str, String)> = files.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let root = repository(&named);
    let folder = root.path().join("datasets/acme/corpus");
    (root, files.iter().map(|(name, _)| folder.join(name)).collect())
}

fn mixed(task: usize, n: usize) -> String {
    match task {
        0 => format!(r#"{{"id": {n}, "text": null, "score": 1, "in": {{"a": [{n}]}}}}"#),
        1 => format!(r#"{{"id": {n}, "text": "row {n}", "score": 2, "in": {{"a": [], "b": true}}}}"#),
        _ => format!(r#"{{"text": "{n}", "id": {n}, "score": 0.5, "in": {{"a": [null]}}, "new": ["x", "{n}"]}}"#),
    }
}

async fn planned_and_worked(setup: &Setup, spec: Value) -> Catalog {
    let catalog = Catalog::start("acme/corpus", spec).await;
    setup.worker.run(&catalog.claim().await.unwrap()).await.unwrap();
    let tasks = catalog.told().added.len();
    for _ in 0..tasks {
        setup.worker.run(&catalog.claim().await.unwrap()).await.unwrap();
    }
    catalog
}

fn replaced(catalog: &Catalog) -> Vec<ReplacedShard> {
    catalog.told().finish.clone().unwrap().replaced_shards
}

fn types(split: &Value) -> BTreeMap<String, Value> {
    let fields = split["schema"]["fields"].as_array().unwrap().iter();
    fields.map(|field| (field["name"].as_str().unwrap().to_owned(), field["data_type"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_widened_to_what_all_of_them_have() {
    let (root, sources) = repository_of(3, mixed);
    let setup = Setup::new(root.path()).await;
    let (catalog, result) = setup.ingest(spec("acme/corpus")).await;
    result.unwrap();
    let manifest = setup.manifest(&catalog);
    let split = &manifest["splits"][0];
    assert_eq!(compare(setup.volume.path(), split, &sources), 250);
    let types = types(split);
    assert_eq!((&types["id"], &types["text"], &types["score"]), (&json!("Int64"), &json!("Utf8"), &json!("Float64")));
    assert_eq!(manifest["schema"], split["schema"]);

    // Each is named with what it was, what it is now stands in the manifest, and all of it was announced.
    let (replaced, told) = (replaced(&catalog), catalog.told());
    let old: Vec<&String> = told.committed.iter().flat_map(|task| task.shards.iter().map(|shard| &shard.key)).collect();
    assert_eq!(replaced.iter().map(|shard| &shard.old_key).collect::<Vec<_>>(), old);
    let shards = split["shards"].as_array().unwrap();
    for ((shard, new), task) in shards.iter().zip(&replaced).zip(&told.committed) {
        let file = new.file.as_ref().unwrap();
        assert_eq!((&shard["key"], &shard["size_bytes"]), (&json!(file.key), &json!(file.size_bytes)));
        assert!(told.staged.contains(&file.key) && file.key != new.old_key);
        let sha256: [u8; 32] = file.sha256.clone().try_into().unwrap();
        setup.worker.store.verify_shard(&file.key, &sha256, file.size_bytes).unwrap();
        let digests = new.batch_digests.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        setup.worker.store.open_verified(&file.key, digests).unwrap().batch(0).unwrap();
        let sources = task.shards[0].sources.iter().map(|range| {
            json!({"source_file": range.source_file,
            "row_start": range.row_start, "row_count": range.row_count})
        });
        assert_eq!(shard["sources"], sources.collect::<Value>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_already_stays_as_it_is() {
    let wide = |task, n| if task == 0 { format!(r#"{{"a": {n}, "b": "x"}}"#) } else { format!(r#"{{"a": {n}}}"#) };
    let (root, sources) = repository_of(2, wide);
    let setup = Setup::new(root.path()).await;
    let (catalog, result) = setup.ingest(spec("acme/corpus")).await;
    result.unwrap();
    assert_eq!(compare(setup.volume.path(), &setup.manifest(&catalog)["splits"][0], &sources), 150);
    let second = catalog.told().committed[1].shards[0].key.clone();
    assert_eq!(replaced(&catalog).into_iter().map(|shard| shard.old_key).collect::<Vec<_>>(), [second]);
}

/// One column of numbers in parquet, of a type of its own in each task; `types` are pyarrow's names.
fn numbers(types: [&str; 2]) -> TempDir {
    let root = repository(&[("README.md", "# Numbers\n".to_owned())]);
    let program = "import sys, pyarrow as pa, pyarrow.parquet as pq
for n in range(150):
    pq.write_table(pa.table({'n': pa.array([n % 100], sys.argv[2 + n // 100])}), f'{sys.argv[1]}/train-{n:04}.parquet')";
    let folder = root.path().join("datasets/acme/corpus");
    let made = Command::new(test_kit::python()).args(["-c", program]).arg(&folder).args(types).status().unwrap();
    assert!(made.success());
    root
}

fn parquet_files(root: &Path) -> Vec<PathBuf> {
    (0..150).map(|n| root.join(format!("datasets/acme/corpus/train-{n:04}.parquet"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_become_as_wide_as_the_widest() {
    for (types, wide) in [(["int32", "int64"], "Int64"), (["uint32", "int8"], "Int64"), (["float", "int16"], "Float32")]
    {
        let root = numbers(types);
        let setup = Setup::new(root.path()).await;
        let (catalog, result) = setup.ingest(spec("acme/corpus")).await;
        result.unwrap();
        let manifest = setup.manifest(&catalog);
        assert_eq!(self::types(&manifest["splits"][0])["n"], wide, "{types:?}");
        assert_eq!(compare(setup.volume.path(), &manifest["splits"][0], &parquet_files(root.path())), 150);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_lose_something_is_refused_by_file_and_column() {
    let types = ["uint64", "int8"];
    let root = numbers(types);
    let setup = Setup::new(root.path()).await;
    let refused = setup.problem(spec("acme/corpus")).await;
    assert_eq!((refused.reason, refused.retryable), (Reason::SchemaMismatch, false));
    assert_eq!(refused.detail, "column `n` is UInt64 in `train-0000.parquet` and Int8 in `train-0100.parquet`");

    // Skipped rows count: its number is 7 of the file.
    let row = |task, n| match (task, n) {
        (0, 5) => "{\"n\": 1}\n{\n{\n{\"n\": 2}\n{\n{\n{\"n\": 9007199254740993}".to_owned(),
        (0, _) => r#"{"n": 9007199254740992}"#.to_owned(),
        _ => r#"{"n": 0.5}"#.to_owned(),
    };
    let (root, _) = repository_of(2, row);
    let skip = json!({"repo_id": "acme/corpus", "on_bad_rows": "skip"});
    let refused = Setup::new(root.path()).await.problem(skip).await;
    let found = "column `n` is Float64 in other files, which does not hold its value in row 7 of `train-0005.jsonl`";
    assert_eq!((refused.reason, refused.detail.as_str()), (Reason::SchemaMismatch, found));

    // The one that is named has it, not the one before that had nothing there.
    let row = |task, n| match task {
        0 => format!(r#"{{"a": {{"b": null}}, "n": {n}}}"#),
        1 => format!(r#"{{"a": {{"b": {n}}}}}"#),
        _ => format!(r#"{{"a": {{"b": "{n}"}}}}"#),
    };
    let (root, _) = repository_of(3, row);
    let setup = Setup::new(root.path()).await;
    let (catalog, result) = setup.ingest(spec("acme/corpus")).await;
    let refused = problem(result);
    assert_eq!(refused.detail, "column `a.b` is Int64 in `train-0100.jsonl` and Utf8 in `train-0200.jsonl`");
    let shards = catalog.told().committed.iter().map(|task| task.shards.len()).sum::<usize>();
    assert_eq!(setup.keys().len(), shards, "nothing was written before it was clear: {:?}", setup.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_rows_are_still_known() {
    let row = |task, n: usize| match (n % 3, task) {
        (0, _) => format!("row {n}"),
        (_, 0) => format!(r#"{{"n": {n}}}"#),
        _ => format!(r#"{{"n": {n}, "new": "{n}"}}"#),
    };
    let (root, _) = repository_of(2, row);
    let setup = Setup::new(root.path()).await;
    let mut spec = spec("acme/corpus");
    spec["on_bad_rows"] = json!("skip");
    let (catalog, result) = setup.ingest(spec).await;
    result.unwrap();
    let replaced = replaced(&catalog);
    let old = catalog.told().committed[0].shards[0].clone();
    assert_eq!((replaced.len(), &replaced[0].old_key), (1, &old.key));
    let skipped = old.sources.iter().map(|range| range.skipped_count).sum();
    assert!(skipped > 20, "{skipped}");
    let rows: Vec<u64> = (0..old.row_count).collect();
    let before = |key: &str| setup.worker.store.open_shard(key).unwrap().skipped_before(&rows, skipped).unwrap();
    assert_eq!(before(&replaced[0].file.as_ref().unwrap().key), before(&old.key));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finish_that_is_done_again_writes_the_same_bytes() {
    let (root, sources) = repository_of(3, mixed);
    let setup = Setup::new(root.path()).await;
    let catalog = planned_and_worked(&setup, spec("acme/corpus")).await;
    let mut seen = Vec::new();
    // As after a crash before the catalog heard of it: what was committed is what it was.
    for _ in 0..2 {
        let claim = catalog.claim().await.unwrap();
        setup.worker.run(&claim).await.unwrap();
        catalog.requeue(&claim);
        let files = replaced(&catalog).into_iter().map(|shard| shard.file.unwrap());
        let (keys, digests): (Vec<_>, Vec<_>) = files.map(|file| (file.key, file.sha256)).unzip();
        assert!(keys.iter().all(|key| catalog.told().staged.contains(key)));
        assert_eq!(compare(setup.volume.path(), &setup.manifest(&catalog)["splits"][0], &sources), 250);
        seen.push((keys, digests));
    }
    assert_ne!(seen[0].0, seen[1].0);
    assert_eq!(seen[0].1, seen[1].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finish_that_cannot_go_on_leaves_only_what_was_committed() {
    let (root, _) = repository_of(3, mixed);
    let setup = Setup::new(root.path()).await;
    let catalog = planned_and_worked(&setup, spec("acme/corpus")).await;
    let committed = setup.keys();
    let claim = catalog.claim().await.unwrap();
    claim.stop().cancel();
    let stopped = setup.worker.run(&claim).await;
    assert!(matches!(stopped, Err(TaskError::Stopped)), "{stopped:?}");
    assert_eq!(setup.keys(), committed);

    // The last one is damaged: those before it were written already.
    catalog.requeue(&claim);
    let last = catalog.told().committed[2].shards[0].key.clone();
    let path = setup.volume.path().join(last);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let damaged = problem(setup.worker.run(&catalog.claim().await.unwrap()).await);
    assert_eq!(damaged.reason, Reason::ShardCorrupt, "{damaged}");
    assert_eq!(setup.keys(), committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_on_differently_than_it_begins_is_read_again() {
    let usual = |n: usize| format!("{{\"id\": {n}, \"text\": \"{}\"}}\n", "word ".repeat(200));
    let rows: String = (0..9_500).map(usual).chain(["{\"id\": 0.5}\n".to_owned()]).collect();
    assert!(rows.len() > 9 << 20);
    let root = repository(&[("train.jsonl", rows)]);
    let setup = Setup::new(root.path()).await;
    let (catalog, result) = setup.ingest(spec("acme/corpus")).await;
    result.unwrap();
    let manifest = setup.manifest(&catalog);
    let split = &manifest["splits"][0];
    let source = root.path().join("datasets/acme/corpus/train.jsonl");
    assert_eq!(compare(setup.volume.path(), split, &[source]), 9_501);
    assert_eq!(types(split)["id"], "Float64");
    // What was begun is gone, and what stays was announced.
    let shards = split["shards"].as_array().unwrap();
    let key = shards[0]["key"].as_str().unwrap();
    assert!(catalog.told().staged.iter().any(|staged| staged == key));
    let folder = setup.volume.path().join(key);
    assert_eq!((shards.len(), folder.parent().unwrap().read_dir().unwrap().count()), (1, 1));
    assert_eq!(setup.volume.path().join("staging").read_dir().unwrap().count(), 0);
}
