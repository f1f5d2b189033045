//! A gateway on port 0 with its fakes, and a client to ask it.

use crate::{fake::Fake, ingestion::FakeIngestion, rows::FakeRows};
use dataset_model::{Dataset, Job, Statistics, Tokenization};
use gateway::Config;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use service_kit::Peer;
use service_kit::{Lifecycle, Listeners, Telemetry};
use std::{sync::OnceLock, time::Duration};

pub(crate) const DATASET: &str = "01890000-0000-7000-8000-000000000001";
pub(crate) const TOKENIZATION: &str = "01890000-0000-7000-8000-000000000002";
pub(crate) const JOB: &str = "01890000-0000-7000-8000-000000000003";

pub(crate) struct World {
    pub fake: Fake,
    pub rows: FakeRows,
    pub ingestion: FakeIngestion,
    pub gateway: Lifecycle,
    pub base: String,
    pub internal: String,
    client: Client,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        static TELEMETRY: OnceLock<Telemetry> = OnceLock::new();
        TELEMETRY.get_or_init(|| Telemetry::install("gateway", &tokio::runtime::Handle::current()));
        // A second installation in the same process says so, and is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (lifecycle, fake, rows) = (Lifecycle::new(), Fake::new(), FakeRows::default());
        let ingestion = FakeIngestion::default();
        let peer = |address: std::net::SocketAddr| Peer { listen: Some(address), url: None };
        let mut config = Config {
            catalog: peer(fake.start(&lifecycle).await),
            flight: peer(rows.start(&lifecycle).await),
            ingestion: peer(ingestion.start(&lifecycle).await),
            ..Config::default()
        };
        config.tokenization = config.flight.clone();
        change(&mut config);
        {
            let mut inner = fake.lock();
            inner.dataset = Some(dataset());
            inner.job = Some(job());
            inner.tokenizations = vec![tokenization()];
            inner.statistics = Some(statistics());
        }
        let any = ([127, 0, 0, 1], 0).into();
        let listeners = Listeners::bind(any, any).await.expect("free ports");
        let base = format!("http://{}", listeners.api.local_addr().expect("an address"));
        let internal = format!("http://{}", listeners.internal.local_addr().expect("an address"));
        let gateway = Lifecycle::new();
        let own = gateway.clone();
        gateway.spawn("gateway", async move { gateway::serve(config, listeners, own).await.expect("serves") });
        let client = Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        Self { fake, rows, ingestion, gateway, base, internal, client }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("an answer")
    }

    /// The JSON of a successful read.
    pub(crate) async fn show(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.expect("JSON")
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.expect("an answer")
    }

    pub(crate) fn socket(&self) -> String {
        format!("{}/api/v1/ws", self.base.replace("http://", "ws://"))
    }
}

/// Checks the shape that every error answer has, and gives its body.
pub(crate) async fn problem(response: Response, status: u16, reason: &str) -> Value {
    assert_eq!(response.status().as_u16(), status, "{}", response.url());
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let (path, waits) = (response.url().path().to_owned(), response.headers().contains_key("retry-after"));
    assert_eq!(waits, matches!(status, 429 | 503), "Retry-After");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["reason"], reason, "{body}");
    assert_eq!(body["status"], status);
    assert_eq!(body["instance"], path);
    assert_eq!(body["type"], format!("/api/docs#{reason}"));
    for key in ["title", "detail", "trace_id"] {
        assert!(body[key].as_str().is_some_and(|text| !text.is_empty()), "`{key}` of {body}");
    }
    assert!(body["retryable"].is_boolean());
    body
}

pub(crate) fn dataset() -> Dataset {
    let value = json!({
        "id": DATASET, "name": "rows", "repo_id": "org/rows", "source": "hub", "status": "ready", "revision": null,
        "commit_sha": "0123", "config": "default",
        "splits": [{"name": "train", "row_count": 5, "size_bytes": 50}, {"name": "test", "row_count": 3, "size_bytes": 30}],
        "file_path": "datasets/org__rows/1", "row_count": 8, "size_bytes": 80, "schema": {"fields": []}, "metadata": {},
        "tokenizations": [], "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
        "version": 3, "event_seq": 0,
    });
    serde_json::from_value(value).expect("a dataset")
}

pub(crate) fn tokenization() -> Tokenization {
    let value = json!({
        "id": TOKENIZATION, "dataset_id": DATASET, "status": "ready", "tokenizer_name": "gpt2",
        "tokenizer_revision": "abc", "tokenizer_sha256": "00", "engine": "reference", "identity": "11",
        "identity_fields": {"a": 1},
        "config": {"tokenizer_name": "gpt2", "tokenizer_revision": null, "max_length": 8, "stride": 0,
            "min_token_length": 0, "filter_special_tokens": false, "filter_stop_words": false,
            "stop_words_language": "en", "add_special_tokens": false, "text_column": "text", "split": "train",
            "chat_template": null, "packing": "none", "append_eos": false, "batch_size": 1000},
        "max_length": 8, "stride": 0, "num_tokens": 12, "num_sequences": 4, "vocab_size": 100,
        "token_file_path": "t", "job_id": JOB, "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-01T00:00:00Z", "version": 1,
    });
    serde_json::from_value(value).expect("a tokenization")
}

pub(crate) fn job() -> Job {
    let value = json!({
        "id": JOB, "kind": "ingest", "dataset_id": DATASET, "state": "running",
        "progress": {"phase": "downloading", "done": 1, "total": 2}, "tasks": {"total": 3, "done": 1, "running": 1, "failed": 0},
        "attempt": 4, "tries": 2, "max_tries": 3,
        "phases": [{"name": "plan", "started_at": null, "finished_at": null, "attempts": 4, "tries": 2}],
        "created_at": "2024-01-01T00:00:00Z",
    });
    serde_json::from_value(value).expect("a job")
}

pub(crate) fn statistics() -> Statistics {
    let value = json!({
        "total_tokens": 12, "unique_tokens": 3, "total_sequences": 4,
        "vocab_distribution": [{"token_id": 7, "token": "a", "count": 6, "fraction": 0.5}],
        "length_distribution": [4], "length_bin_width": 8,
        "length_percentiles": {"p50": 3, "p90": 3, "p99": 3, "max": 3}, "truncated_fraction": 0.0,
        "dropped_by_rule": {"special": 0, "stop_word": 0, "min_length": 0}, "documents_in": 5, "documents_empty": 1,
        "vocab_size": 100, "text_bytes": 40, "computed_at": "2024-01-01T00:00:00Z",
    });
    serde_json::from_value(value).expect("statistics")
}
