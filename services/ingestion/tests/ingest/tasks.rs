//! The tasks of an ingest against a Hub that may misbehave: what lands on the volume, and what the catalog is told.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::support::{Catalog, Setup, compare, lines, problem, spec};
use catalog_client::{Claim, TaskError};
use dataset_model::Reason;
use ingestion::LimitSettings;
use job_bus::Work;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_kit::fake_hub::{Control, FakeHub, Fault};

pub(crate) fn repository(files: &[(&str, String)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let repo = files.iter().fold(FakeHub::repo(root.path(), "datasets/acme/corpus"), |repo, (path, content)| {
        repo.file(path, content.clone())
    });
    repo.write().unwrap();
    root
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parquet_dataset_from_the_hub_to_its_manifest() {
    let root = test_kit::sample_hub();
    let setup = Setup::new(&root).await;
    let (catalog, result) = setup.ingest(spec("tokenmill/english-docs")).await;
    result.unwrap();

    let told = catalog.told();
    let pin = told.plan.clone().unwrap().pin.unwrap();
    assert_eq!(
        (pin.config.as_str(), pin.splits.as_slice()),
        ("default", ["train".to_owned(), "validation".into()].as_slice())
    );
    let metadata: Value = serde_json::from_str(&pin.metadata_json).unwrap();
    assert_eq!(metadata["license"], "apache-2.0");
    assert_eq!(metadata["source_files"].as_array().unwrap().len(), 5);
    assert_eq!(metadata["left_out"], json!([{"path": "README.md", "rule": "reserved_name"}]));
    assert_eq!(metadata["source_files"][0]["digest"].as_str().unwrap().len(), 64);
    assert_eq!(pin.source_bytes, told.added.iter().map(|task| task.total).sum::<u64>());
    // Small files of a split share a task.
    assert_eq!((told.added.len(), told.committed.len()), (2, 2));
    drop(told);

    let manifest = setup.manifest(&catalog);
    assert_eq!(manifest["commit_sha"], pin.commit_sha);
    let folder = root.join("datasets/tokenmill/english-docs/data");
    let files = |prefix: &str, count: usize| -> Vec<PathBuf> {
        (0..count).map(|n| folder.join(format!("{prefix}-{n:05}-of-{count:05}.parquet"))).collect()
    };
    assert_eq!(compare(setup.volume.path(), &manifest["splits"][0], &files("train", 4)), 4 * 9893);
    assert_eq!(compare(setup.volume.path(), &manifest["splits"][1], &files("validation", 1)), 1649);
    let ranges: Vec<u64> = manifest["splits"][0]["shards"][0]["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["row_count"].as_u64().unwrap())
        .collect();
    assert_eq!(ranges, [9893; 4]);

    // Everything on the volume was announced, and the source files are gone.
    let (keys, told) = (setup.keys(), catalog.told());
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert!(keys.iter().all(|key| told.staged.contains(key)));
    for shard in told.committed.iter().flat_map(|task| &task.shards) {
        let sha256: [u8; 32] = shard.sha256.clone().try_into().unwrap();
        setup.worker.store.verify_shard(&shard.key, &sha256, shard.size_bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_in_three_compressions() {
    let root = test_kit::sample_hub();
    let setup = Setup::new(&root).await;
    let (catalog, result) = setup.ingest(spec("tokenmill/english-docs-jsonl")).await;
    result.unwrap();
    let folder = root.join("datasets/tokenmill/english-docs-jsonl/data");
    let files = ["0-of-00003.jsonl.gz", "1-of-00003.jsonl", "2-of-00003.jsonl.zst"];
    let files = files.map(|file| folder.join(format!("train-0000{file}")));
    assert!(compare(setup.volume.path(), &setup.manifest(&catalog)["splits"][0], &files) > 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_text() {
    for (name, content, rows, columns) in [
        ("train.csv", "a,b\n1,x\n2,y\n", 2, 2),
        ("train.tsv", "a\tb\n1\tx\n", 1, 2),
        ("train.txt", "one\n\nthree, with\ta tab\n", 3, 1),
    ] {
        let root = repository(&[(name, content.to_owned())]);
        let setup = Setup::new(root.path()).await;
        let (catalog, result) = setup.ingest(spec("acme/corpus")).await;
        result.unwrap();
        assert_eq!(setup.manifest(&catalog)["splits"][0]["row_count"], rows, "{name}");
        let schema: Value = serde_json::from_str(&catalog.told().finish.clone().unwrap().schema_json.unwrap()).unwrap();
        assert_eq!(schema["fields"].as_array().unwrap().len(), columns, "{name}: {schema}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_split_and_the_pinned_commit() {
    let root = repository(&[("train.jsonl", lines(10, "1")), ("test.jsonl", lines(3, "1"))]);
    let setup = Setup::new(root.path()).await;
    let commit = setup.worker.hub.dataset_info("acme/corpus", None, None).await.unwrap().sha;
    let mut spec = spec("acme/corpus");
    spec["split"] = json!("test");
    spec["commit_sha"] = json!(commit);
    let asked = setup.control.requests().len();
    let (catalog, result) = setup.ingest(spec).await;
    result.unwrap();
    let manifest = setup.manifest(&catalog);
    assert_eq!(manifest["splits"].as_array().unwrap().len(), 1);
    assert_eq!((&manifest["splits"][0]["name"], &manifest["splits"][0]["row_count"]), (&json!("test"), &json!(3)));
    // A pinned commit is not resolved again.
    let paths: Vec<String> = setup.control.requests().into_iter().skip(asked).map(|r| r.path).collect();
    assert!(
        paths.iter().all(|path| path.contains("/tree/") || path.contains(&commit) || path.contains("resolve")),
        "{paths:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_download_stops_at_once_and_the_next_attempt_goes_on() {
    let root = repository(&[("train.jsonl", lines(200_000, "\"some text\""))]);
    let setup = Setup::new(root.path()).await;
    let catalog = Catalog::start("acme/corpus", spec("acme/corpus")).await;
    let plan = catalog.claim().await.unwrap();
    setup.worker.run(&plan).await.unwrap();

    setup.control.fail_on("/lfs/", Fault::StallAfter(1 << 20), 1);
    let claim = catalog.claim().await.unwrap();
    let stop_when_under_way = async {
        // What the Hub has sent may still be on its way; only what lies on the volume can be gone on with.
        let has_part = || setup.worker.store.list_raw().unwrap().iter().any(|file| file.size_bytes >= 1 << 20);
        test_kit::wait_until(Duration::from_secs(10), "a part on the volume", async || has_part()).await;
        claim.stop().cancel();
        Instant::now()
    };
    let (ended, stopped_at) = tokio::join!(setup.worker.run(&claim), stop_when_under_way);
    assert!(matches!(ended, Err(TaskError::Stopped)), "{ended:?}");
    assert!(stopped_at.elapsed() < Duration::from_secs(2));
    setup.control.release();

    catalog.requeue(&claim);
    setup.run_all(&catalog).await.unwrap();
    assert_eq!(setup.manifest(&catalog)["splits"][0]["row_count"], 200_000);
    let resumed = setup.control.requests().into_iter().filter(|r| r.path.starts_with("/lfs/") && r.range.is_some());
    assert_eq!(resumed.count(), 1);
    assert_eq!(setup.keys().len(), 2, "{:?}", setup.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_done_twice_gives_the_same_bytes_under_another_name() {
    let root = repository(&[("a.jsonl", lines(1000, "[1, 2]")), ("b.jsonl", lines(1000, "[]"))]);
    let setup = Setup::new(root.path()).await;
    let catalog = Catalog::start("acme/corpus", spec("acme/corpus")).await;
    setup.worker.run(&catalog.claim().await.unwrap()).await.unwrap();
    let run = async || {
        let claim: Claim = catalog.claim().await.unwrap();
        setup.worker.run(&claim).await.unwrap();
        catalog.requeue(&claim);
        let task = catalog.told().committed.pop().unwrap();
        (task.shards[0].key.clone(), task.shards[0].sha256.clone())
    };
    let (first, second) = (run().await, run().await);
    assert_ne!(first.0, second.0);
    assert_eq!(first.1, second.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_source_fails_with_file_and_line_and_leaves_no_shard() {
    let root = repository(&[("train.jsonl", format!("{}{{\"n\": oops}}\n", lines(5000, "1")))]);
    let setup = Setup::new(root.path()).await;
    let problem = setup.problem(spec("acme/corpus")).await;
    assert_eq!((problem.reason, problem.retryable), (Reason::SourceCorrupt, false));
    assert!(problem.detail.starts_with("line 5001 of `train.jsonl`"), "{}", problem.detail);
    assert!(problem.next_step.is_some());
    assert!(setup.keys().iter().all(|key| key.starts_with("staging/")), "{:?}", setup.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hubs_refusals_have_their_reasons() {
    let root = repository(&[("train.jsonl", lines(100_000, "1"))]);
    let reason = async |prepare: fn(&Control), repo: &str, revision: Option<&str>| {
        let setup = Setup::new(root.path()).await;
        prepare(&setup.control);
        let mut spec = spec(repo);
        spec["revision"] = json!(revision);
        setup.problem(spec).await.reason
    };
    assert_eq!(reason(|_| (), "acme/missing", None).await, Reason::HubRepoNotFound);
    assert_eq!(reason(|_| (), "acme/corpus", Some("nowhere")).await, Reason::HubRevisionNotFound);
    assert_eq!(reason(|c| c.gate("acme/corpus", None), "acme/corpus", None).await, Reason::HubGated);
    let corrupt = |c: &Control| c.fail_always("/lfs/", Fault::FLIP);
    assert_eq!(reason(corrupt, "acme/corpus", None).await, Reason::ChecksumMismatch);
    let down = |c: &Control| c.fail_always("/resolve/", Fault::status(503));
    assert_eq!(reason(down, "acme/corpus", None).await, Reason::DownloadFailed);

    let setup = Setup::new(root.path()).await;
    setup.control.fail_always("/tree/", Fault::retry_after(600));
    let (_, result) = setup.ingest(spec("acme/corpus")).await;
    assert!(matches!(result, Err(TaskError::Wait(wait)) if wait >= Duration::from_mins(9)), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_planned_fails_before_the_first_byte() {
    let root = repository(&[("train.jsonl", lines(100_000, "1"))]);
    let mut setup = Setup::new(root.path()).await;
    setup.worker.limits.max_dataset_bytes = 1000;
    assert_eq!(setup.problem(spec("acme/corpus")).await.reason, Reason::DatasetTooLarge);
    setup.worker.limits = LimitSettings { free_space_bytes: u64::MAX / 2, ..LimitSettings::default() };
    let problem = setup.problem(spec("acme/corpus")).await;
    assert_eq!((problem.reason, problem.retryable), (Reason::DiskFull, false));
    assert!(setup.control.requests().iter().all(|request| !request.path.starts_with("/lfs/")));
    drop(setup.hub);

    for (files, reason, word) in [
        (vec![("train.lance", "a".to_owned())], Reason::NoDataFiles, "lance"),
        (vec![("corpus.py", "raise\n".to_owned())], Reason::ScriptDataset, "corpus.py"),
        (
            vec![
                ("README.md", "---\nconfigs:\n- config_name: x\n  data_dir: x\n- config_name: y\n---\n".to_owned()),
                ("x/a.jsonl", lines(1, "1")),
            ],
            Reason::HubConfigRequired,
            "`x`, `y`",
        ),
    ] {
        let root = repository(&files);
        let problem = Setup::new(root.path()).await.problem(spec("acme/corpus")).await;
        assert_eq!(problem.reason, reason, "{problem}");
        assert!(problem.detail.contains(word) && problem.next_step.is_some(), "{problem:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_cannot_be_published_leaves_nothing_behind() {
    let root = repository(&[("train.jsonl", lines(1000, "1"))]);
    let setup = Setup::new(root.path()).await;
    let catalog = Catalog::start("acme/corpus", spec("acme/corpus")).await;
    setup.worker.run(&catalog.claim().await.unwrap()).await.unwrap();
    // The dataset's folder is a file: publishing the shard fails after it was written.
    fs::write(setup.volume.path().join("datasets"), b"").unwrap();
    let problem = problem(setup.worker.run(&catalog.claim().await.unwrap()).await);
    assert_eq!(problem.reason, Reason::Internal, "{problem}");
    assert!(setup.keys().iter().all(|key| key == "datasets" || key.starts_with("staging/")), "{:?}", setup.keys());
}
