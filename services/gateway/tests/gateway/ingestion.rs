//! Looking before downloading, in front of an ingestion service that the test holds in its hands.

use crate::world::{DATASET, JOB, World, dataset, problem};
use dataset_model::{Problem, Reason};
use dataset_proto::{
    DESCRIPTORS,
    catalog::OnBadRows,
    ingestion::{self as proto, upload_request::Part},
    status::to_status,
};
use futures::{StreamExt, stream};
use reqwest::{Body, Method, Response as Answer, StatusCode, header};
use serde_json::{Value, json};
use service_kit::{Lifecycle, serve_grpc};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, sync::watch};
use tonic::{Request, Response, Status, Streaming, service::Routes};

#[derive(Clone, Default)]
pub(crate) struct FakeIngestion {
    pub asked: Arc<Mutex<Vec<proto::InspectRepoRequest>>>,
    /// The answer to every call, when set.
    pub refusal: Arc<Mutex<Option<Problem>>>,
    /// The parts of each upload.
    pub uploads: watch::Sender<Vec<Vec<Part>>>,
}

impl FakeIngestion {
    pub(crate) async fn start(&self, lifecycle: &Lifecycle) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let routes = Routes::new(proto::ingestion_service_server::IngestionServiceServer::new(self.clone()));
        let own = lifecycle.clone();
        lifecycle.spawn("fake ingestion", async move {
            serve_grpc(listener, routes, DESCRIPTORS, &own).await.expect("serves");
        });
        address
    }

    fn refuse(&self) -> Result<(), Status> {
        self.refusal.lock().expect("a lock").as_ref().map_or(Ok(()), |problem| Err(to_status(problem)))
    }
}

#[tonic::async_trait]
impl proto::ingestion_service_server::IngestionService for FakeIngestion {
    async fn inspect_repo(
        &self,
        request: Request<proto::InspectRepoRequest>,
    ) -> Result<Response<proto::InspectRepoResponse>, Status> {
        self.asked.lock().expect("a lock").push(request.into_inner());
        self.refuse()?;
        let file = |path: &str| proto::RepoFile { path: path.to_owned(), size_bytes: 5 };
        let split = proto::RepoSplit {
            name: "train".to_owned(),
            row_count: Some(3),
            size_bytes: 10,
            files: vec![file("a.jsonl"), file("b.jsonl")],
            file_count: 2,
            format: "json".to_owned(),
        };
        let broken = Problem::new(Reason::NoDataFiles, "nothing");
        let configs = vec![
            proto::RepoConfig { name: "a".to_owned(), default: true, splits: vec![split], ..Default::default() },
            proto::RepoConfig { name: "b".to_owned(), error: Some(broken.into()), ..Default::default() },
        ];
        let column = proto::PreviewColumn { name: "x".to_owned(), r#type: "Int64".to_owned() };
        let preview = proto::PreviewRowsResponse {
            columns: vec![column],
            rows_json: vec![r#"{"x":1}"#.to_owned(), r#"{"x":null}"#.to_owned()],
            config: "a".to_owned(),
            split: "train".to_owned(),
            file: "a.jsonl".to_owned(),
            ..Default::default()
        };
        Ok(Response::new(proto::InspectRepoResponse {
            commit_sha: "c0ffee".to_owned(),
            gated: true,
            license: Some("mit".to_owned()),
            configs,
            disk_needed: 7,
            disk_free: 9,
            preview: Some(preview),
        }))
    }

    async fn preview_rows(
        &self,
        _: Request<proto::PreviewRowsRequest>,
    ) -> Result<Response<proto::PreviewRowsResponse>, Status> {
        Err(Status::unimplemented("the gateway asks for everything at once"))
    }

    async fn upload(
        &self,
        request: Request<Streaming<proto::UploadRequest>>,
    ) -> Result<Response<proto::UploadResponse>, Status> {
        self.refuse()?;
        let mut parts = request.into_inner();
        let mut seen = Vec::new();
        let ended = loop {
            match parts.message().await {
                Ok(Some(message)) => seen.push(message.part.expect("a part")),
                Ok(None) => break Ok(()),
                Err(status) => break Err(status),
            }
        };
        self.uploads.send_modify(|uploads| uploads.push(seen));
        ended?;
        Ok(Response::new(proto::UploadResponse { dataset: Some(dataset().into()), job_id: JOB.to_owned() }))
    }
}

#[tokio::test]
async fn a_repository_is_named_with_its_slash_or_without() {
    let world = World::start().await;
    for (path, repo) in
        [("org/rows?revision=v1&split=train", "org/rows"), ("org%2Frows", "org/rows"), ("rows?config=a", "rows")]
    {
        let shown = world.show(&format!("/api/v1/hub/datasets/{path}")).await;
        let asked = world.ingestion.asked.lock().unwrap().pop().unwrap();
        assert_eq!((asked.repo_id.as_str(), asked.preview_rows), (repo, 10));
        assert_eq!(asked.revision.as_deref(), path.contains("v1").then_some("v1"));
        assert_eq!((shown["commit_sha"].as_str(), shown["gated"].as_bool()), (Some("c0ffee"), Some(true)));
        let split = json!({"name": "train", "row_count": 3, "size_bytes": 10, "format": "json", "file_count": 2,
            "files": [{"path": "a.jsonl", "size_bytes": 5}, {"path": "b.jsonl", "size_bytes": 5}]});
        assert_eq!(shown["configs"][0]["splits"], json!([split]));
        assert_eq!(shown["configs"][1]["error"]["reason"], "NO_DATA_FILES");
        assert_eq!(shown["columns"], json!([{"name": "x", "type": "Int64"}]));
        assert_eq!(shown["first_rows"], json!([{"x": 1}, {"x": null}]));
        assert_eq!((&shown["disk_needed"], &shown["disk_free"]), (&json!(7), &json!(9)));
        assert_eq!(asked.hf_token, None);
    }
    let path = "/api/v1/hub/datasets/org/rows";
    let own = world.request(Method::GET, path).header("X-HF-Token", "hf_own").send().await.unwrap();
    assert_eq!(own.status(), StatusCode::OK);
    let asked = world.ingestion.asked.lock().unwrap().pop().unwrap();
    assert_eq!(asked.hf_token.unwrap().text, "hf_own");
}

#[tokio::test]
async fn what_the_hub_says_is_passed_on() {
    let world = World::start().await;
    let gated = Problem::new(Reason::HubGated, "restricted").next_step("ask at https://hub.test/datasets/org/rows");
    *world.ingestion.refusal.lock().unwrap() = Some(gated);
    let answer = problem(world.get("/api/v1/hub/datasets/org/rows").await, 403, "HUB_GATED").await;
    assert!(answer["next_step"].as_str().unwrap().contains("https://hub.test"));
    problem(world.get("/api/v1/hub/datasets/org/rows?revison=main").await, 400, "INVALID_FIELD").await;
    problem(world.get("/api/v1/hub/datasets/%ff").await, 400, "INVALID_REPO_ID").await;
}

const BOUNDARY: &str = "tokenmill-test";

/// A form of texts and of files with a name, in this order.
fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        body.extend(
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes(),
        );
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}

async fn send(world: &World, body: impl Into<Body>) -> Result<Answer, reqwest::Error> {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = world.request(Method::POST, "/api/v1/datasets/upload").header(header::CONTENT_TYPE, kind);
    request.body(body).send().await
}

#[tokio::test]
async fn a_form_is_passed_on_part_by_part() {
    let world = World::start_with(|config| config.gateway.request_seconds = 0.2).await;
    let large = vec![b'x'; 5 << 20];
    let body = form(&[
        ("files", Some("a.txt"), &large),
        ("name", None, b"mine"),
        ("text_column", None, b""),
        ("on_bad_rows", None, b"skip"),
        ("files", Some("b.txt"), b""),
    ]);
    let length = body.len() as u64;
    let answer = send(&world, body).await.unwrap();
    assert_eq!(answer.status(), 202);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!((&answer["job_id"], &answer["dataset"]["id"]), (&json!(JOB), &json!(DATASET)));
    let parts = world.ingestion.uploads.borrow()[0].clone();
    let (chunks, others): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| matches!(part, Part::Chunk(_)));
    let start = |name: &str, total_bytes| proto::UploadStart {
        name: name.to_owned(),
        total_bytes,
        ..proto::UploadStart::default()
    };
    let file = |name: &str| Part::File(proto::FileStart { file_name: name.to_owned() });
    let expected = [
        Part::Start(start("", Some(length))),
        file("a.txt"),
        Part::Start(start("mine", None)),
        Part::Start(proto::UploadStart { on_bad_rows: OnBadRows::Skip.into(), ..start("", None) }),
        file("b.txt"),
        Part::End(proto::UploadEnd {}),
    ];
    assert_eq!(others, expected);
    let sizes: Vec<usize> =
        chunks.iter().map(|part| if let Part::Chunk(bytes) = part { bytes.len() } else { 0 }).collect();
    assert_eq!(sizes.iter().sum::<usize>(), large.len());
    assert!(sizes.iter().all(|size| *size <= 1 << 20), "never held whole: {:?}", sizes.iter().max());
}

#[tokio::test]
async fn a_form_that_breaks_off_has_no_end() {
    let world = World::start().await;
    let mut seen = world.ingestion.uploads.subscribe();
    let whole = form(&[("name", None, b"mine"), ("files", Some("a.txt"), &vec![b'x'; 1 << 20])]);
    let half = whole[..whole.len() / 2].to_vec();
    let broken = stream::iter([Ok(half), Err(std::io::Error::other("gone"))]).boxed();
    assert!(send(&world, Body::wrap_stream(broken)).await.is_err());
    let uploads = seen.wait_for(|uploads| !uploads.is_empty()).await.unwrap().clone();
    assert!(!uploads[0].iter().any(|part| matches!(part, Part::End(_))));
    // The same length, and an end that is none.
    problem(send(&world, whole[..whole.len() - 20].to_vec()).await.unwrap(), 400, "MALFORMED_BODY").await;
}

#[tokio::test]
async fn wrong_forms_are_refused_by_part() {
    let world = World::start().await;
    let files: (&str, Option<&str>, &[u8]) = ("files", Some("a.txt"), b"x");
    let long = "x".repeat(5000);
    for (parts, status, reason, field) in [
        (vec![("files", None, b"x".as_slice())], 400, "INVALID_FIELD", Some("files")),
        (vec![files, ("nmae", None, b"x")], 400, "INVALID_FIELD", Some("nmae")),
        (vec![("name", None, b"a"), ("name", None, b"b")], 400, "INVALID_FIELD", Some("name")),
        (vec![("name", None, b"\xff")], 400, "INVALID_FIELD", Some("name")),
        (vec![("name", None, long.as_bytes())], 413, "BODY_TOO_LARGE", None),
    ] {
        let answer = problem(send(&world, form(&parts)).await.unwrap(), status, reason).await;
        assert_eq!(answer["errors"][0]["field"].as_str(), field, "{answer}");
    }
    let json = world.post("/api/v1/datasets/upload", &json!({})).await;
    problem(json, 415, "UNSUPPORTED_MEDIA").await;
    let full = Problem::new(Reason::DiskFull, "full");
    *world.ingestion.refusal.lock().unwrap() = Some(full);
    let large = vec![b'x'; 3 << 20];
    let answer = send(&world, form(&[("name", None, b"a"), ("files", Some("a.txt"), &large)])).await.unwrap();
    problem(answer, 507, "DISK_FULL").await;
}
