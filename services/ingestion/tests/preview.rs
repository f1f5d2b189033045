//! Questions about a repository over real gRPC, against a Hub that counts the bytes it sends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use dataset_model::{Problem, Reason, hub_dataset::HubDataset};
use dataset_proto::{
    catalog::HubToken,
    ingestion::{InspectRepoRequest, PreviewRowsRequest, ingestion_service_client::IngestionServiceClient},
    status::from_status,
};
use ingestion::{Config, HubSettings, StorageSettings};
use serde_json::{Map, Value};
use service_kit::{Lifecycle, Listeners, Peer};
use tempfile::TempDir;
use test_kit::fake_hub::{Control, FakeHub, Fault};
use tonic::transport::Channel;

type Row = Map<String, Value>;

/// The service in front of a Hub. There is no catalog: nothing of this needs one.
struct Service {
    control: Control,
    client: IngestionServiceClient<Channel>,
    volume: TempDir,
    _hub: FakeHub,
    _lifecycle: Lifecycle,
}

impl Service {
    async fn start(repositories: &Path) -> Self {
        let (hub, control) = FakeHub::start(repositories).await.unwrap();
        let volume = tempfile::tempdir().unwrap();
        let config = Config {
            catalog: Peer { listen: None, url: Some("http://127.0.0.1:1".to_owned()) },
            storage: StorageSettings { data_dir: volume.path().to_owned(), ..StorageSettings::default() },
            hub: HubSettings { endpoint: Some(hub.endpoint()), ..HubSettings::default() },
            ..Config::default()
        };
        let any = ([127, 0, 0, 1], 0).into();
        let listeners = Listeners::bind(any, any).await.unwrap();
        let url = format!("http://{}", listeners.api.local_addr().unwrap());
        let lifecycle = Lifecycle::new();
        let own = lifecycle.clone();
        lifecycle.spawn("ingestion", async move { ingestion::serve(config, listeners, own).await.unwrap() });
        let client = IngestionServiceClient::new(service_kit::channel(&url).unwrap());
        Self { control, client, volume, _hub: hub, _lifecycle: lifecycle }
    }

    async fn inspect(&self, repo: &str) -> Result<HubDataset, Problem> {
        let message = InspectRepoRequest { repo_id: repo.to_owned(), preview_rows: 10, ..Default::default() };
        let answer = self.client.clone().inspect_repo(message).await.map_err(|status| from_status(&status))?;
        Ok(answer.into_inner().try_into().unwrap())
    }

    async fn refusal(&self, repo: &str) -> Problem {
        self.inspect(repo).await.unwrap_err()
    }

    async fn rows(&self, repo: &str, config: Option<&str>, split: Option<&str>) -> Result<Vec<Row>, Problem> {
        let own = |text: &str| text.to_owned();
        let message = PreviewRowsRequest {
            repo_id: own(repo),
            config: config.map(own),
            split: split.map(own),
            row_count: 10,
            ..Default::default()
        };
        let answer = self.client.clone().preview_rows(message).await.map_err(|status| from_status(&status))?;
        Ok(answer.into_inner().rows_json.iter().map(|row| serde_json::from_str(row).unwrap()).collect())
    }

    /// Bytes of data files that left the Hub.
    fn sent(&self) -> u64 {
        let bodies = self.control.requests().into_iter().filter(|one| one.path.starts_with("/lfs/"));
        bodies.map(|one| one.bytes_sent).sum()
    }
}

fn sample(repo: &str) -> Vec<PathBuf> {
    let folder = test_kit::sample_hub().join("datasets/tokenmill").join(repo).join("data");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn python(script: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let output = Command::new(test_kit::python()).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The first rows as `datasets` reads them.
fn oracle(format: &str, file: &Path) -> Vec<Row> {
    let rows = python("first_rows.py", &["10", format, file.to_str().unwrap()]);
    rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_shown_with_its_first_rows() {
    let service = Service::start(&test_kit::sample_hub()).await;
    let shown = service.inspect("tokenmill/english-docs").await.unwrap();
    assert_eq!((shown.commit_sha.len(), shown.license.as_deref(), shown.gated), (40, Some("apache-2.0"), false));
    let [config] = shown.configs.as_slice() else { panic!("{:?}", shown.configs) };
    assert!(config.default && config.error.is_none() && config.name == "default");
    let splits: Vec<_> = config.splits.iter().map(|s| (s.name.as_str(), s.file_count, s.format.as_str())).collect();
    assert_eq!(splits, [("train", 4, "parquet"), ("validation", 1, "parquet")]);
    let files = sample("english-docs");
    let size: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert_eq!((config.size_bytes, shown.disk_needed), (size, size + (1 << 30)));
    assert_eq!(config.splits[1].files[0].size_bytes, files[4].metadata().unwrap().len());
    assert_eq!(config.left_out[0].rule, "reserved_name");
    let columns: Vec<_> = shown.columns.iter().map(|c| (c.name.as_str(), c.r#type.as_str())).collect();
    assert!(columns.contains(&("text", "Utf8")), "{columns:?}");
    assert_eq!(shown.preview.unwrap().file.as_deref(), Some("data/train-00000-of-00004.parquet"));
    assert_eq!(shown.first_rows, oracle("parquet", &files[0]));
    assert!(service.sent() < 3 << 20, "{} of {size} bytes were read", service.sent());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_format_is_read_from_its_head_only() {
    let root = tempfile::tempdir().unwrap();
    let tables = tempfile::tempdir().unwrap();
    python("tables.py", &[sample("english-docs")[0].to_str().unwrap(), tables.path().to_str().unwrap()]);
    let mut files: Vec<(PathBuf, &str)> = sample("english-docs-jsonl").into_iter().map(|file| (file, "json")).collect();
    let made = [
        ("table.csv", "csv"),
        ("table.tsv", "csv"),
        ("table.csv.gz", "csv"),
        ("table.csv.bz2", "csv"),
        ("table.csv.xz", "csv"),
        ("lines.txt", "text"),
        ("stream.arrow", "arrow"),
        ("file.arrow", "arrow"),
    ];
    files.extend(made.map(|(name, format)| (tables.path().join(name), format)));
    for (number, (file, _)) in files.iter().enumerate() {
        let name = file.file_name().unwrap().to_str().unwrap();
        FakeHub::repo(root.path(), &format!("datasets/acme/t{number}"))
            .file(name, std::fs::read(file).unwrap())
            .write()
            .unwrap();
    }
    let service = Service::start(root.path()).await;
    for (number, (file, format)) in files.iter().enumerate() {
        let before = service.sent();
        let rows = service.rows(&format!("acme/t{number}"), None, None).await.unwrap();
        let read = service.sent() - before;
        let size = file.metadata().unwrap().len();
        println!("{}: {read} of {size} bytes", file.display());
        assert!(read <= size.min(1 << 20) || *format == "arrow" && read <= 8 << 20, "{}: {read}", file.display());
        assert_eq!(rows.len(), 10, "{}", file.display());
        // Columns of gaps and of mixed cells are typed by what was read, which is another part for `datasets`.
        if *format == "csv" {
            let texts =
                |rows: &[Row]| rows.iter().map(|row| (row["id"].clone(), row["text"].clone())).collect::<Vec<_>>();
            assert_eq!(texts(&rows), texts(&oracle(format, file)), "{}", file.display());
        } else {
            assert_eq!(rows, oracle(format, file), "{}", file.display());
        }
    }
    assert_eq!(std::fs::read_dir(service.volume.path().join("staging")).unwrap().count(), 0, "nothing was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_refuses_is_said_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let write = |repo: &str, name: &str, content: &str| {
        FakeHub::repo(root.path(), &format!("datasets/acme/{repo}")).file(name, content).write().unwrap();
    };
    write("rows", "train.jsonl", "{\"a\": 1}\n");
    write("script", "script.py", "import datasets\n");
    write("empty", "README.md", "# Nothing\n");
    write("lance", "train.lance", "lance");
    write("broken", "train.jsonl", "{\"a\": 1}\n{\"a\": \n");
    write("gated", "README.md", "---\nlicense: mit\n---\n");
    write("gated", "train.jsonl", "{\"a\": 1}\n");
    let service = Service::start(root.path()).await;
    service.control.gate("acme/gated", None);
    for (repo, reason) in [
        ("acme/gated", Reason::HubGated),
        ("acme/none", Reason::HubRepoNotFound),
        ("acme/script", Reason::ScriptDataset),
        ("acme/empty", Reason::NoDataFiles),
        ("acme/lance", Reason::NoDataFiles),
        ("acme/a/b", Reason::InvalidRepoId),
        ("..", Reason::InvalidRepoId),
    ] {
        let problem = service.refusal(repo).await;
        assert_eq!(problem.reason, reason, "{repo}: {problem}");
        assert!(problem.next_step.is_some() || reason == Reason::InvalidRepoId, "{repo}: {problem:?}");
    }
    let link = service.refusal("acme/gated").await.next_step.unwrap();
    assert!(link.contains("/datasets/acme/gated"), "{link}");
    // A token that somebody brings opens it for that question, and for no other.
    service.control.gate("acme/gated", Some("hf_granted"));
    let with = async |text: &str| {
        let hf_token = Some(HubToken { text: text.to_owned() });
        let message =
            InspectRepoRequest { repo_id: "acme/gated".into(), preview_rows: 1, hf_token, ..Default::default() };
        let answer = service.client.clone().inspect_repo(message).await.map_err(|status| from_status(&status).reason);
        answer.map(|answer| answer.into_inner().preview.unwrap().rows_json)
    };
    assert_eq!(with("hf_granted").await, Ok(vec![r#"{"a":1}"#.to_owned()]));
    assert_eq!(with("hf_other").await, Err(Reason::HubGated));
    assert_eq!(with("two words").await, Err(Reason::InvalidField));
    assert_eq!(service.refusal("acme/gated").await.reason, Reason::HubGated);
    let message =
        InspectRepoRequest { repo_id: "acme/rows".into(), revision: Some("dev".into()), ..Default::default() };
    let problem = from_status(&service.client.clone().inspect_repo(message).await.unwrap_err());
    assert_eq!(problem.reason, Reason::HubRevisionNotFound);
    // Rows that cannot be read do not hide the rest; who asks for nothing else is told.
    let broken = service.inspect("acme/broken").await.unwrap();
    assert_eq!(broken.preview.unwrap().error.unwrap().reason, Reason::SourceCorrupt);
    assert_eq!((broken.configs[0].splits[0].file_count, broken.first_rows.len()), (1, 0));
    assert_eq!(service.rows("acme/broken", None, None).await.unwrap_err().reason, Reason::SourceCorrupt);
    service.control.fail_always("/api/datasets/acme/rows", Fault::retry_after(600));
    let limited = service.refusal("acme/rows").await;
    assert!(limited.reason == Reason::HubRateLimited && limited.retry_after_ms > Some(500_000), "{limited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_and_a_split_can_be_chosen() {
    let root = tempfile::tempdir().unwrap();
    let card = "---\nconfigs:\n- config_name: none\n  data_files: gone.jsonl\n- config_name: a\n  data_files:\n  - split: \
                train\n    path: a.jsonl\n  - split: test\n    path: b.csv\ndataset_info:\n  config_name: a\n  splits:\n\
                \x20 - name: test\n    num_examples: 2\n---\n";
    let repo = FakeHub::repo(root.path(), "datasets/acme/two").file("README.md", card);
    // Formats that differ within a config are an error of that config.
    repo.file("a.jsonl", "{\"x\": 9007199254740993}\n").file("b.csv", "x\n1\n2\n").write().unwrap();
    let service = Service::start(root.path()).await;
    assert_eq!(service.refusal("acme/two").await.reason, Reason::NoDataFiles);
    let card = card.replace("b.csv", "b.jsonl");
    let repo = FakeHub::repo(root.path(), "datasets/acme/two").file("README.md", card);
    repo.file("b.jsonl", "{\"x\": 1}\n{\"x\": 2}\n").write().unwrap();
    let shown = service.inspect("acme/two").await.unwrap();
    assert_eq!(shown.configs[0].error.as_ref().unwrap().reason, Reason::NoDataFiles);
    assert_eq!(shown.configs[1].splits[1].row_count, Some(2));
    assert_eq!(shown.preview.unwrap().config, "a", "the first that can be downloaded");
    assert_eq!(shown.first_rows[0]["x"], "9007199254740993", "beyond 2^53 a number is text");
    assert_eq!(service.rows("acme/two", Some("a"), Some("test")).await.unwrap().len(), 2);
    let reason = async |config, split| service.rows("acme/two", config, split).await.unwrap_err().reason;
    assert_eq!(reason(Some("b"), None).await, Reason::HubConfigNotFound);
    assert_eq!(reason(None, Some("dev")).await, Reason::HubSplitNotFound);
    assert_eq!(reason(Some("none"), None).await, Reason::NoDataFiles);
}
