//! Ingests of files with rows that cannot be read.

use std::{collections::HashMap, fs, path::PathBuf};

use crate::support::{Catalog, Setup, compare, spec};
use crate::tasks::repository;
use arrow_array::{cast::AsArray, types::Int64Type};
use dataset_model::{Reason, Shard};
use serde_json::{Value, json};

/// A file whose rows say where they stand in it, and its good lines alone.
fn lines(rows: usize, is_bad: impl Fn(usize) -> bool) -> (String, String) {
    let good = |n: usize| format!("{{\"n\": {n}, \"text\": \"row {n}\"}}\n");
    let bad = |n: usize| match n % 3 {
        0 => format!("{{\"n\": {n}, \"text\": \"row\n"),
        1 => format!("{{\"n\": \"{n}\", \"more\": 1}}, \n"),
        _ => format!("row {n}\n"),
    };
    let all = (0..rows).map(|n| if is_bad(n) { bad(n) } else { good(n) }).collect();
    (all, (0..rows).filter(|n| !is_bad(*n)).map(good).collect())
}

fn skip() -> Value {
    let mut spec = spec("acme/corpus");
    spec["on_bad_rows"] = json!("skip");
    spec
}

/// Follows each stored row to its source row, which must be what the row itself says; gives the rows of each file.
fn follow(setup: &Setup, catalog: &Catalog) -> HashMap<String, u64> {
    let mut rows_of: HashMap<String, u64> = HashMap::new();
    let committed = catalog.told().committed.clone();
    for shard in committed.into_iter().flat_map(|task| task.shards) {
        let shard = Shard::try_from(shard).unwrap();
        let reader = setup.worker.store.open_verified(&shard.key, shard.batch_digests.clone()).unwrap();
        let skipped = shard.sources.iter().map(|range| range.skipped_count).sum();
        let rows: Vec<u64> = (0..shard.row_count).collect();
        let before = reader.skipped_before(&rows, skipped).unwrap();
        let spans = shard.sources.iter().flat_map(|range| {
            let rows = range.row_start..range.row_start + range.row_count + range.skipped_count;
            rows.map(|row| (range.source_file.as_str(), row))
        });
        let spans: Vec<(&str, u64)> = spans.collect();
        let stored = reader.read_rows(0, shard.row_count, Some(&["n"])).unwrap();
        let said = stored.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().iter());
        for ((said, row), before) in said.zip(rows).zip(before) {
            let (file, source_row) = spans[usize::try_from(row + before).unwrap()];
            assert_eq!(source_row, said.cast_unsigned(), "row {row} of {}", shard.key);
            *rows_of.entry(file.to_owned()).or_default() += 1;
        }
    }
    rows_of
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_are_skipped_counted_and_shown_and_the_others_lead_back() {
    let (first, first_good) = lines(3000, |n| n == 0 || n % 7 == 3 || (1000..1500).contains(&n) || n == 2999);
    let (second, second_good) = lines(40_000, |n| n % 2 == 1);
    let (third, _) = lines(10, |_| true);
    let files = [("train-0.jsonl", first), ("train-1.jsonl", third), ("train-2.jsonl", second)];
    let root = repository(&files);
    let setup = Setup::new(root.path()).await;
    let (catalog, result) = setup.ingest(skip()).await;
    result.unwrap();

    let good = tempfile::tempdir().unwrap();
    let paths: [PathBuf; 2] = ["0.jsonl", "1.jsonl"].map(|name| good.path().join(name));
    fs::write(&paths[0], &first_good).unwrap();
    fs::write(&paths[1], &second_good).unwrap();
    let manifest = setup.manifest(&catalog);
    let rows = compare(setup.volume.path(), &manifest["splits"][0], &paths);
    let kept = [&first_good, &second_good].map(|text| text.lines().count() as u64);
    assert_eq!(rows, kept.iter().sum::<u64>());
    let expected = [("train-0.jsonl".to_owned(), kept[0]), ("train-2.jsonl".to_owned(), kept[1])];
    assert_eq!(follow(&setup, &catalog), expected.into());

    let skipped = catalog.told().finish.clone().unwrap().skipped_rows.unwrap();
    assert_eq!((skipped.count, skipped.first.len()), (43_010 - rows, 100));
    let shown: Vec<(&str, u64)> = skipped.first.iter().map(|row| (row.file.as_str(), row.line)).collect();
    assert_eq!(shown[..4], [1, 4, 11, 18].map(|line| ("train-0.jsonl", line)));
    assert!(skipped.first[0].why.contains("EOF"), "{}", skipped.first[0].why);
    assert_eq!(manifest["skipped_rows"]["count"], skipped.count);
    assert_eq!(manifest["splits"][0]["skipped_count"], skipped.count);
    let sources = manifest["splits"][0]["shards"][0]["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 3, "gaps cut no range");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_the_first_bad_row_is_named_and_its_skipping_offered() {
    let (content, _) = lines(300, |n| n == 0 || n == 250);
    let root = repository(&[("train.jsonl", content), ("test.jsonl", lines(3, |_| false).0)]);
    let setup = Setup::new(root.path()).await;
    let problem = setup.problem(spec("acme/corpus")).await;
    assert_eq!((problem.reason, problem.retryable), (Reason::SourceCorrupt, false));
    assert!(problem.detail.starts_with("line 1 of `train.jsonl` is not a valid row"), "{}", problem.detail);
    assert!(problem.next_step.unwrap().contains("`on_bad_rows: skip`"));
    // What is whole has the same bytes either way.
    let bytes = async |mut spec: Value| {
        spec["split"] = json!("test");
        let setup = Setup::new(root.path()).await;
        let (catalog, result) = setup.ingest(spec).await;
        result.unwrap();
        assert_eq!(catalog.told().finish.clone().unwrap().skipped_rows, None);
        assert_eq!(setup.manifest(&catalog).get("skipped_rows"), None);
        let told = catalog.told();
        told.committed[0].shards[0].sha256.clone()
    };
    assert_eq!(bytes(skip()).await, bytes(spec("acme/corpus")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_rows_are_counted_without_bad_ones() {
    let (content, good) = lines(5000, |n| n % 10 < 5);
    let (other, _) = lines(100, |n| n > 20);
    let root = repository(&[("train.jsonl", content), ("test.jsonl", other)]);
    let setup = Setup::new(root.path()).await;
    for (asked, kept, skipped) in [(1, 1, 5), (5, 5, 5), (6, 6, 10), (2510, 2510, 2500)] {
        let mut spec = skip();
        spec["max_samples"] = json!(asked);
        let (catalog, result) = setup.ingest(spec).await;
        result.unwrap();
        let rows: u64 = follow(&setup, &catalog).values().sum();
        assert_eq!(rows, kept, "of {asked}");
        assert_eq!(catalog.told().finish.clone().unwrap().skipped_rows.unwrap().count, skipped, "of {asked}");
    }
    assert_eq!(good.lines().count(), 2500);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_which_every_row_is_bad_make_a_dataset_without_rows() {
    for (name, content) in [("train.jsonl", "a\nb\n"), ("train.csv", "a\n1,2\n3,4\n")] {
        let root = repository(&[(name, content.to_owned())]);
        let setup = Setup::new(root.path()).await;
        let (catalog, result) = setup.ingest(skip()).await;
        result.unwrap();
        let told = catalog.told();
        assert_eq!(told.committed[0].shards, []);
        assert_eq!(told.finish.clone().unwrap().skipped_rows.unwrap().count, 2, "{name}");
    }
}
