//! kill -9 of the whole `tokenmill up`, in the middle of a download and in the middle of a tokenization: started again
//! on the same data directory, it finishes both without help, and nothing is lost, doubled or left over.

mod kills;
mod up;

use anyhow::{Context, Result, ensure};
use catalog_client::request;
use dataset_model::{Dataset, DatasetId, DatasetStatus, Tokenization, TokenizationStatus};
use dataset_proto::catalog::{
    DatasetServiceCreateRequest, StartIngestRequest, TokenizationServiceCreateRequest, dataset_event::Body,
    watch_dataset_response::Item,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};
use test_kit::fake_hub::{Control, FakeHub};
use tokio::process::Command;
use up::{PATIENCE, Up};

const REPO: &str = "tokenmill/english-docs";

/// What a Python program says, as JSON.
async fn oracle(script: &str, arguments: &[&str]) -> Result<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/oracle").join(script);
    let output = Command::new(test_kit::python()).arg(&script).args(arguments).output().await?;
    ensure!(output.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn files_below(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

async fn create(up: &Up, repo: &str) -> Result<DatasetId> {
    let new = DatasetServiceCreateRequest { repo_id: repo.to_owned(), ..Default::default() };
    let dataset = up.catalog.datasets().create(request(new)).await?.into_inner().dataset.context("no dataset")?;
    let start = StartIngestRequest { dataset_id: dataset.id.clone(), ..Default::default() };
    up.catalog.datasets().start_ingest(request(start)).await?;
    Ok(dataset.id.parse()?)
}

fn dataset_of(item: &Item) -> Option<Dataset> {
    match item {
        Item::Snapshot(snapshot) => snapshot.dataset.clone()?.try_into().ok(),
        Item::Event(_) => None,
    }
}

/// Waits until the dataset is ready, in a snapshot or by its event.
async fn wait_ready(up: &Up, id: DatasetId) -> Result<Dataset> {
    up.follow(id, |item| match &item {
        Item::Snapshot(_) => (dataset_of(&item)?.status == DatasetStatus::Ready).then_some(()),
        Item::Event(event) => match &event.body {
            Some(Body::DownloadCompleted(_)) => Some(()),
            Some(Body::DownloadFailed(failed)) => panic!("the download failed: {failed:?}"),
            _ => None,
        },
    })
    .await?;
    Ok(up.catalog.get_dataset(id).await?)
}

/// Kills in the middle of the download; returns the dataset as the second life finished it.
#[expect(clippy::print_stdout, reason = "what was interrupted is part of the result")]
async fn interrupted_download(data_dir: &Path, hub: &FakeHub, control: &Control) -> Result<Dataset> {
    control.throttle(Some(2 << 20));
    let up = Up::start(data_dir, &hub.endpoint()).await?;
    let id = create(&up, REPO).await?;
    let halfway =
        |log: &[test_kit::fake_hub::Logged]| log.iter().any(|r| r.path.starts_with("/lfs/") && r.bytes_sent > 1 << 20);
    tokio::time::timeout(PATIENCE, control.wait_for(halfway)).await?;
    up.kill().await?;
    let before = control.requests().len();
    control.throttle(None);
    let up = Up::start(data_dir, &hub.endpoint()).await?;
    let dataset = wait_ready(&up, id).await?;
    let resumed: Vec<_> =
        control.requests().into_iter().skip(before).filter(|r| r.range.is_some() && r.status == 206).collect();
    ensure!(!resumed.is_empty(), "the download began anew instead of going on");
    println!("download: killed once, went on with {:?}", resumed.iter().map(|r| r.range.clone()).collect::<Vec<_>>());
    up.stop().await?;
    Ok(dataset)
}

/// Kills in the middle of the tokenization; returns it as the second life finished it.
#[expect(clippy::print_stdout, reason = "what was interrupted is part of the result")]
async fn interrupted_tokenization(data_dir: &Path, hub: &FakeHub, id: DatasetId) -> Result<(Up, Tokenization)> {
    let up = Up::start(data_dir, &hub.endpoint()).await?;
    let config = dataset_model::TokenizeRequest {
        tokenizer_name: "tokenmill/bert".to_owned(),
        max_length: Some(256),
        stride: Some(32),
        min_token_length: Some(0),
        filter_special_tokens: Some(false),
        filter_stop_words: Some(false),
        ..Default::default()
    };
    let new = TokenizationServiceCreateRequest { dataset_id: id.to_string(), config: Some(config.into()) };
    let answer = up.catalog.tokenizations().create(request(new)).await?.into_inner();
    let tokenization = answer.tokenization.context("no tokenization")?.id.parse()?;
    let samples = up
        .follow(id, |item| match item {
            Item::Event(event) => match event.body {
                Some(Body::TokenizationProgress(p)) if p.samples > 0 => Some(p.samples),
                Some(Body::TokenizationCompleted(_)) => panic!("it was over before it could be interrupted"),
                _ => None,
            },
            Item::Snapshot(_) => None,
        })
        .await?;
    println!("tokenization: killed after {samples} samples");
    up.kill().await?;
    let up = Up::start(data_dir, &hub.endpoint()).await?;
    let ended = |status| !matches!(status, TokenizationStatus::Pending | TokenizationStatus::Running);
    up.follow(id, |item| match &item {
        Item::Snapshot(_) => ended(dataset_of(&item)?.tokenizations.first()?.status).then_some(()),
        Item::Event(event) => {
            matches!(event.body, Some(Body::TokenizationCompleted(_) | Body::TokenizationFailed(_))).then_some(())
        }
    })
    .await?;
    let tokenization = up.catalog.get_tokenization(tokenization).await?;
    ensure!(tokenization.status == TokenizationStatus::Ready, "{:?}", tokenization.error);
    Ok((up, tokenization))
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_twice_and_finished_right() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data_dir = folder.path().join("data");
    std::fs::create_dir(&data_dir)?;
    let root = test_kit::sample_hub();
    let (hub, control) = FakeHub::start(&root).await?;

    let dataset = interrupted_download(&data_dir, &hub, &control).await?;
    let repo = root.join("datasets").join(REPO);
    let rows = oracle("parquet_rows.py", &[&repo.display().to_string()]).await?;
    for split in &dataset.splits {
        ensure!(
            rows[&split.name] == split.row_count,
            "split `{}`: {} rows, pyarrow {rows}",
            split.name,
            split.row_count
        );
    }
    println!("rows, as pyarrow counts them in the source: {rows}");

    let (up, tokenization) = interrupted_tokenization(&data_dir, &hub, dataset.id).await?;
    let read = oracle("flight_tokens.py", &[&format!("grpc://{}", up.flight), &tokenization.id.to_string()]).await?;
    println!("tokenization, as pyarrow counts it over Flight: {read}");
    ensure!(read["tokens"] == tokenization.num_tokens.unwrap_or(0), "{tokenization:?} against {read}");
    ensure!(read["sequences"] == tokenization.num_sequences.unwrap_or(0), "{tokenization:?} against {read}");
    ensure!(read["documents"] == rows["train"], "every document of `train` has sequences: {read}, {rows}");

    let shards = up.catalog.list_shards(catalog_client::ShardOwner::Dataset(dataset.id), None).await?;
    let tokens = up.catalog.list_shards(catalog_client::ShardOwner::Tokenization(tokenization.id), None).await?;
    let mut known: BTreeSet<PathBuf> = shards.iter().chain(&tokens).map(|shard| data_dir.join(&shard.key)).collect();
    let home = data_dir.join(dataset.file_path.context("no folder")?);
    known.insert(home.join("metadata.json"));
    let tokenized = data_dir.join(tokenization.token_file_path.context("no folder")?);
    known.extend(["metadata.json", "vocab_counts.arrow"].map(|name| tokenized.join(name)));
    let datasets = data_dir.join("datasets");
    let unknown =
        || files_below(&datasets).map(|found| found.symmetric_difference(&known).cloned().collect::<Vec<_>>());
    // What a killed attempt left goes with the reconciler's next round, through a task of an ingestion worker.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    while !unknown()?.is_empty() {
        ensure!(tokio::time::Instant::now() < deadline, "orphans, or files that are missing: {:?}", unknown()?);
        looks.tick().await;
    }
    up.stop().await
}
