//! kill -9 of the whole `tokenmill up`, in the middle of a download and in the middle of a tokenization: started again
//! on the same data directory, it finishes both without help, and nothing is lost, doubled or left over.

use anyhow::{Context, Result, bail, ensure};
use catalog_client::{CatalogClient, request};
use dataset_model::{Dataset, DatasetId, DatasetStatus, Tokenization, TokenizationStatus};
use dataset_proto::catalog::{
    DatasetServiceCreateRequest, StartIngestRequest, TokenizationServiceCreateRequest, WatchDatasetRequest,
    dataset_event::Body, watch_dataset_response::Item,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use test_kit::fake_hub::{Control, FakeHub};
use tokio::process::{Child, Command};

const REPO: &str = "tokenmill/english-docs";
const PATIENCE: Duration = Duration::from_mins(1);

/// `tokenmill up` as a process of its own.
struct Up {
    child: Child,
    catalog: CatalogClient,
    flight: SocketAddr,
}

impl Up {
    async fn start(data_dir: &Path, hub: &str) -> Result<Self> {
        let addresses = test_kit::free_addresses(5);
        let &[catalog, flight, gateway, ingestion, tokenization] = addresses.as_slice() else {
            bail!("five addresses")
        };
        let log = std::fs::File::options().create(true).append(true).open(data_dir.join("../up.log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenmill"));
        command.arg("up").arg("--data-dir").arg(data_dir).args(["--internal-port", "0"]);
        for (name, address) in [
            ("--catalog", catalog),
            ("--flight", flight),
            ("--gateway", gateway),
            ("--ingestion", ingestion),
            ("--tokenization", tokenization),
        ] {
            command.arg(name).arg(address.to_string());
        }
        let child = command
            .current_dir(test_kit::project_root())
            .env("HF_ENDPOINT", hub)
            .env("TOKENMILL_JOBS__LEASE_SECONDS", "3")
            // The slow engine, so that there is a middle in which to kill it.
            .env("TOKENMILL_TOKENIZE__ENGINE", "reference")
            .env("TOKENMILL_JOBS__RECONCILE_SECONDS", "0.5")
            .env_remove("DATABASE_URL")
            .env_remove("NATS_URL")
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let channel = service_kit::channel(&format!("http://{catalog}"))?;
        let up = Self { child, catalog: CatalogClient::new(channel), flight };
        up.ready().await.context("`tokenmill up` did not become ready")?;
        Ok(up)
    }

    async fn ready(&self) -> Result<()> {
        test_kit::wait_until(Duration::from_mins(1), "the catalog answers", async || {
            let unknown = self.catalog.get_dataset(DatasetId::new()).await;
            unknown.is_err_and(|problem| problem.reason == dataset_model::Reason::NotFound)
        })
        .await;
        Ok(())
    }

    /// kill -9, of the process alone: what it started is left to itself.
    async fn kill(mut self) -> Result<()> {
        self.child.start_kill()?;
        self.child.wait().await?;
        Ok(())
    }

    /// Ctrl-C, and waits until it has drained.
    async fn stop(mut self) -> Result<()> {
        let id = self.child.id().context("it has ended already")?;
        Command::new("kill").args(["-INT", &id.to_string()]).status().await?;
        let status = tokio::time::timeout(Duration::from_secs(25), self.child.wait()).await??;
        ensure!(status.success(), "`tokenmill up` ended with {status}");
        Ok(())
    }

    /// Follows the feed until `found` says so.
    async fn follow<T>(&self, id: DatasetId, found: impl Fn(Item) -> Option<T>) -> Result<T> {
        let watch = WatchDatasetRequest { dataset_id: id.to_string(), since_seq: None };
        let mut stream = self.catalog.watch().watch_dataset(watch).await?.into_inner();
        let followed = async {
            while let Some(message) = stream.message().await? {
                if let Some(value) = message.item.and_then(&found) {
                    return Ok(value);
                }
            }
            bail!("the feed ended")
        };
        tokio::time::timeout(PATIENCE, followed).await?
    }
}

/// What a Python program says, as JSON.
async fn oracle(script: &str, arguments: &[&str]) -> Result<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(script);
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

async fn create(up: &Up) -> Result<DatasetId> {
    let new = DatasetServiceCreateRequest { repo_id: REPO.to_owned(), ..Default::default() };
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
    let id = create(&up).await?;
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
