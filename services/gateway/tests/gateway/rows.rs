//! Sample rows, over the real Flight protocol.

use crate::world::{DATASET, TOKENIZATION, World, problem};
use arrow_array::{
    ArrayRef, BinaryArray, Float64Array, ListArray, RecordBatch, StringArray, UInt32Array, UInt64Array,
    types::UInt16Type,
};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
    encode::FlightDataEncoderBuilder,
    error::FlightError,
    flight_service_server::{FlightService, FlightServiceServer},
};
use dataset_model::{Problem, Reason};
use dataset_proto::{DESCRIPTORS, status::to_status, tokenization as proto};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use serde_json::{Value, json};
use service_kit::{Lifecycle, serve_grpc};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, Streaming, service::Routes};

/// Flight and tokenization services of three columns of rows, two rows a batch and three rows an endpoint.
#[derive(Clone, Default)]
pub(crate) struct FakeRows {
    /// The end of every stream, when set.
    pub broken: Arc<Mutex<Option<Problem>>>,
    pub decoded: Arc<Mutex<Vec<proto::DecodeRequest>>>,
    pub previewed: Arc<Mutex<Vec<proto::PreviewRequest>>>,
}

impl FakeRows {
    pub(crate) async fn start(&self, lifecycle: &Lifecycle) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let query = proto::tokenization_query_service_server::TokenizationQueryServiceServer::new(self.clone());
        let routes = Routes::new(FlightServiceServer::new(self.clone())).add_service(query);
        let own = lifecycle.clone();
        lifecycle.spawn("fake rows", async move {
            serve_grpc(listener, routes, DESCRIPTORS, &own).await.expect("serves");
        });
        address
    }
}

/// Rows `start..start + count` of what a path names; each tells its own number.
fn batch(path: &str, start: u64, count: u64) -> RecordBatch {
    let rows = start..start + count;
    let columns: Vec<(&str, ArrayRef)> = if path.starts_with("tokenizations") {
        let ids = rows
            .clone()
            .map(|row| Some((0..3).map(|i| Some(u16::try_from(row * 10 + i).expect("small"))).collect::<Vec<_>>()));
        vec![
            ("input_ids", Arc::new(ListArray::from_iter_primitive::<UInt16Type, _, _>(ids))),
            ("doc", Arc::new(rows.clone().map(|row| row / 2).collect::<UInt64Array>())),
            ("window", Arc::new(rows.map(|row| u32::try_from(row % 2).expect("small")).collect::<UInt32Array>())),
        ]
    } else {
        let split = path.split('/').nth(3).expect("a split");
        vec![
            ("text", Arc::new(rows.clone().map(|row| Some(format!("{split} Row {row}"))).collect::<StringArray>())),
            ("score", Arc::new(rows.clone().map(|_| f64::NAN).collect::<Float64Array>())),
            ("raw", Arc::new(rows.map(|_| Some(b"\xff".to_vec())).collect::<BinaryArray>())),
        ]
    };
    RecordBatch::try_from_iter(columns).expect("a batch")
}

fn unimplemented<T>() -> Result<T, Status> {
    Err(Status::unimplemented("not used by the gateway"))
}

#[tonic::async_trait]
impl FlightService for FakeRows {
    type HandshakeStream = BoxStream<'static, Result<HandshakeResponse, Status>>;
    type ListFlightsStream = BoxStream<'static, Result<FlightInfo, Status>>;
    type DoGetStream = BoxStream<'static, Result<FlightData, Status>>;
    type DoPutStream = BoxStream<'static, Result<PutResult, Status>>;
    type DoExchangeStream = BoxStream<'static, Result<FlightData, Status>>;
    type DoActionStream = BoxStream<'static, Result<arrow_flight::Result, Status>>;
    type ListActionsStream = BoxStream<'static, Result<ActionType, Status>>;

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        let path = request.into_inner().path;
        let number = |back: usize| path[path.len() - back].parse::<u64>().expect("a number");
        let (start, end) = (number(2), number(2) + number(1));
        let owner = path[..path.len() - 3].join("/");
        let endpoint = |from: u64| {
            let ticket = format!("{owner} {from} {}", 3.min(end - from));
            FlightEndpoint::new().with_ticket(Ticket::new(ticket))
        };
        let info = (start..end).step_by(3).map(endpoint).fold(FlightInfo::new(), FlightInfo::with_endpoint);
        Ok(Response::new(info))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let ticket = String::from_utf8(request.into_inner().ticket.to_vec()).expect("a text");
        let parts: Vec<&str> = ticket.split(' ').collect();
        let (start, count) = (parts[1].parse::<u64>().expect("a start"), parts[2].parse::<u64>().expect("a count"));
        let batches: Vec<_> = (0..count).step_by(2).map(|i| Ok(batch(parts[0], start + i, 2.min(count - i)))).collect();
        let end = self.broken.lock().expect("unpoisoned").as_ref().map(to_status);
        let batches = stream::iter(batches).chain(stream::iter(end.map(|status| Err(FlightError::from(status)))));
        let data = FlightDataEncoderBuilder::new().build(batches).map_err(|error| match error {
            FlightError::Tonic(status) => *status,
            other => Status::internal(other.to_string()),
        });
        Ok(Response::new(data.boxed()))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        unimplemented()
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        unimplemented()
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        unimplemented()
    }

    async fn get_schema(&self, _: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        unimplemented()
    }

    async fn do_put(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        unimplemented()
    }

    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoExchangeStream>, Status> {
        unimplemented()
    }

    /// Says what it was asked.
    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        if let Some(problem) = self.broken.lock().expect("unpoisoned").as_ref() {
            return Err(to_status(problem));
        }
        let Action { r#type, body } = request.into_inner();
        let asked: Value = serde_json::from_slice(&body).expect("JSON");
        let body = json!({"action": r#type, "asked": asked}).to_string().into();
        Ok(Response::new(stream::iter([Ok(arrow_flight::Result { body })]).boxed()))
    }

    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        unimplemented()
    }
}

#[tonic::async_trait]
impl proto::tokenization_query_service_server::TokenizationQueryService for FakeRows {
    async fn inspect_tokenizer(
        &self,
        _: Request<proto::InspectTokenizerRequest>,
    ) -> Result<Response<proto::InspectTokenizerResponse>, Status> {
        unimplemented()
    }

    async fn preview(
        &self,
        request: Request<proto::PreviewRequest>,
    ) -> Result<Response<proto::PreviewResponse>, Status> {
        if let Some(problem) = self.broken.lock().expect("unpoisoned").as_ref() {
            return Err(to_status(problem));
        }
        self.previewed.lock().expect("unpoisoned").push(request.into_inner());
        let token = |id, bytes: &[u8], dropped_by: &str| proto::PreviewToken {
            id,
            piece: "p".to_owned(),
            bytes: bytes.to_vec(),
            start: 3,
            end: 4,
            special: id == 2,
            dropped_by: dropped_by.to_owned(),
        };
        let window = proto::PreviewWindow { input_ids: vec![1, 9], length: 1, end: 1, ..Default::default() };
        Ok(Response::new(proto::PreviewResponse {
            tokens: vec![token(1, b"\xe4", ""), token(2, b"", "special")],
            windows: vec![window],
            window_count: 7,
            dropped_by_rule: Some(dataset_proto::catalog::DroppedByRule { special: 1, ..Default::default() }),
            tokenizer_revision: "c0".to_owned(),
            rendered: None,
            loss_mask: vec![],
            engine: "fast".to_owned(),
        }))
    }

    async fn decode(&self, request: Request<proto::DecodeRequest>) -> Result<Response<proto::DecodeResponse>, Status> {
        let request = request.into_inner();
        let row = |row: &proto::DecodeRow| proto::DecodedRow {
            pieces: row.input_ids.iter().map(|id| format!("t{id}")).collect(),
            text: row.input_ids.iter().map(|id| format!("Word{id} ")).collect::<Vec<_>>().concat(),
            special: vec![0],
        };
        let rows = request.rows.iter().map(row).collect();
        self.decoded.lock().expect("unpoisoned").push(request);
        Ok(Response::new(proto::DecodeResponse { rows }))
    }
}

fn places(answer: &Value) -> Vec<(String, u64)> {
    let samples = answer["samples"].as_array().expect("samples");
    let place = |s: &Value| (s["split"].as_str().expect("a split").to_owned(), s["index"].as_u64().expect("an index"));
    samples.iter().map(place).collect()
}

#[tokio::test]
async fn pages_of_raw_rows_run_through_all_splits() {
    let world = World::start().await;
    let first = world.show(&format!("/api/v1/datasets/{DATASET}/samples?limit=2")).await;
    assert_eq!((&first["total"], &first["page"], &first["limit"]), (&json!(8), &json!(1), &json!(2)));
    assert_eq!(
        first["samples"][1],
        json!({"index": 1, "split": "train", "data": {"text": "train Row 1", "score": "NaN", "raw": "ÿ"}})
    );
    assert_eq!(first.get("search"), None);
    let cut = world.show(&format!("/api/v1/datasets/{DATASET}/samples?limit=2&max_cell_bytes=16")).await;
    assert_eq!(cut["samples"], first["samples"], "nothing is that long");
    let long = world.get(&format!("/api/v1/datasets/{DATASET}/samples?max_cell_bytes=15")).await;
    assert_eq!(problem(long, 400, "INVALID_FIELD").await["errors"][0]["field"], "max_cell_bytes");
    let across = world.show(&format!("/api/v1/datasets/{DATASET}/samples?page=2&limit=4")).await;
    let expected = [("train", 4), ("test", 0), ("test", 1), ("test", 2)].map(|(split, n)| (split.to_owned(), n));
    assert_eq!(places(&across), expected);
    let all = world.show(&format!("/api/v1/datasets/{DATASET}/samples?limit=200")).await;
    assert_eq!(places(&all).len(), 8);
    let one = world.show(&format!("/api/v1/datasets/{DATASET}/samples?split=test")).await;
    assert_eq!((&one["total"], places(&one).len()), (&json!(3), 3));
    let beyond = world.show(&format!("/api/v1/datasets/{DATASET}/samples?page=4000000000")).await;
    assert_eq!((&beyond["total"], places(&beyond).len()), (&json!(8), 0));
}

#[tokio::test]
async fn token_rows_come_with_pieces_and_text() {
    let world = World::start().await;
    let path = format!("/api/v1/datasets/{DATASET}/samples?tokenization_id={TOKENIZATION}");
    let answer = world.show(&format!("{path}&limit=3")).await;
    assert_eq!(answer["total"], 4);
    let third = json!({"index": 2, "split": "train", "doc": 1, "window": 0, "input_ids": [20, 21, 22],
        "pieces": ["t20", "t21", "t22"], "special": [0], "text": "Word20 Word21 Word22 "});
    assert_eq!(answer["samples"][2], third);
    let asked = world.rows.decoded.lock().unwrap().clone();
    assert!(asked.iter().all(|r| r.tokenizer_name == "gpt2" && r.tokenizer_revision.as_deref() == Some("abc")));
    assert_eq!(world.show(&format!("{path}&split=test")).await["total"], 0);
}

#[tokio::test]
async fn a_search_says_what_it_found_and_how_far_it_looked() {
    let world = World::start().await;
    let found = world.show(&format!("/api/v1/datasets/{DATASET}/samples?q=row%202")).await;
    assert_eq!(places(&found), [("train".to_owned(), 2), ("test".to_owned(), 2)]);
    assert_eq!((&found["total"], &found["search"]), (&json!(2), &json!({"scanned_rows": 8, "complete": true})));
    let page = world.show(&format!("/api/v1/datasets/{DATASET}/samples?q=ROW&limit=3&page=3")).await;
    assert_eq!((&page["total"], places(&page)), (&json!(8), vec![("test".to_owned(), 1), ("test".to_owned(), 2)]));
    let tokens =
        world.show(&format!("/api/v1/datasets/{DATASET}/samples?tokenization_id={TOKENIZATION}&q=word31")).await;
    assert_eq!((places(&tokens), &tokens["search"]["scanned_rows"]), (vec![("train".to_owned(), 3)], &json!(4)));
    // Special characters are letters, not a pattern.
    assert_eq!(world.show(&format!("/api/v1/datasets/{DATASET}/samples?q=.*")).await["total"], 0);
    let long = "x".repeat(257);
    let refused = world.get(&format!("/api/v1/datasets/{DATASET}/samples?q={long}")).await;
    assert_eq!(problem(refused, 400, "INVALID_FIELD").await["errors"][0]["field"], "q");
}

#[tokio::test]
async fn a_sample_that_cannot_be_read_says_why() {
    let world = World::start().await;
    let path = format!("/api/v1/datasets/{DATASET}/samples");
    let unknown = problem(world.get(&format!("{path}?split=dev")).await, 404, "HUB_SPLIT_NOT_FOUND").await;
    assert_eq!(unknown["next_step"], "choose one of `train`, `test`");
    problem(world.get(&format!("{path}?limit=201")).await, 400, "INVALID_FIELD").await;
    problem(world.get(&format!("{path}?tokenization_id=1")).await, 400, "INVALID_FIELD").await;
    problem(world.get(&format!("{path}?tokenization_id={DATASET}")).await, 404, "NOT_FOUND").await;
    *world.rows.broken.lock().unwrap() = Some(Problem::new(Reason::ShardCorrupt, "batch 3 does not match its digest"));
    let broken = problem(world.get(&path).await, 500, "SHARD_CORRUPT").await;
    assert_eq!(broken["detail"], "batch 3 does not match its digest");
    world.fake.lock().dataset.as_mut().unwrap().status = dataset_model::DatasetStatus::Downloading;
    problem(world.get(&path).await, 409, "DATASET_NOT_READY").await;
}

#[tokio::test]
async fn read_plans_go_to_flight_and_answers_come_back() {
    let world = World::start().await;
    let plan = json!({"sources": [{"tokenization_id": TOKENIZATION}], "seed": u64::MAX, "global_batch_rows": 8});
    let asks = [
        ("read-plans/lookup", json!({"plan": plan, "step": 3}), "LookupStep"),
        ("read-plans/verify", json!({"plan": plan}), "VerifyPlan"),
    ];
    for (path, body, action) in &asks {
        let answer = world.post(&format!("/api/v1/{path}"), body).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"action": action, "asked": body}));
        problem(world.post(&format!("/api/v1/{path}"), &json!([])).await, 400, "MALFORMED_BODY").await;
    }
    assert_eq!(world.show("/api/v1/readers").await["action"], "ListReaders");
    *world.rows.broken.lock().unwrap() = Some(Problem::field("rank", "8 is not below world_size 8"));
    let refused = problem(world.post("/api/v1/read-plans/lookup", &asks[0].1).await, 400, "INVALID_FIELD").await;
    assert_eq!(refused["errors"][0]["field"], "rank");
}

#[tokio::test]
async fn a_preview_goes_out_with_its_configuration_and_comes_back() {
    let world = World::start().await;
    let path = "/api/v1/tokenize/preview";
    let body = json!({"tokenizer_name": "gpt2", "text": "a\u{0}b", "max_length": 8, "packing": "concat"});
    let answer = world.post(path, &body).await;
    assert_eq!(answer.status(), 200);
    let token = |id: u32, bytes: &[u8], dropped: Value| {
        let kept = dropped.is_null();
        json!({"id": id, "piece": "p", "bytes": bytes, "offsets": [3, 4], "special": id == 2, "kept": kept,
            "dropped_by": dropped})
    };
    let window = json!({"input_ids": [1, 9], "length": 1, "start": 0, "end": 1, "overlap": 0, "doc_starts": []});
    let expected = json!({"tokenizer_revision": "c0", "engine": "fast", "window_count": 7, "windows": [window],
        "tokens": [token(1, b"\xe4", Value::Null), token(2, b"", json!("special"))],
        "dropped_by_rule": {"special": 1, "stop_word": 0, "min_length": 0}, "rendered": null, "loss_mask": []});
    assert_eq!(answer.json::<Value>().await.unwrap(), expected);
    let asked = world.rows.previewed.lock().unwrap().pop().unwrap();
    let config = asked.config.unwrap();
    assert_eq!((asked.text.as_str(), config.max_length, config.stride), ("a\0b", Some(8), None));
    assert_eq!(asked.messages, None);

    // A conversation goes on as it was written.
    let messages = r#"[{"role": "user", "content": 1.50, "b": {"z": 1, "a": 2}}]"#;
    let conversation = format!(r#"{{"messages": {messages}, "tokenizer_name": "gpt2", "stride": 3}}"#);
    let sent = world.request(reqwest::Method::POST, path).header("content-type", "application/json").body(conversation);
    assert_eq!(sent.send().await.unwrap().status(), 200);
    let asked = world.rows.previewed.lock().unwrap().pop().unwrap();
    assert_eq!((asked.text.as_str(), asked.messages.as_deref()), ("", Some(messages)));
    assert_eq!(asked.config.unwrap().stride, Some(3));

    for (change, field) in [
        (json!({"text": 1}), "text"),
        (json!({"messages": ["a"]}), "text"),
        (json!({"text": null}), "text"),
        (json!({"max_length": "8"}), "max_length"),
        (json!({"texts": "x"}), "texts"),
        (json!({"packing": "dense"}), "packing"),
    ] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = problem(world.post(path, &body).await, 400, "INVALID_FIELD").await;
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let refused = problem(world.post(path, &json!({"tokenizer_name": "gpt2"})).await, 400, "INVALID_FIELD").await;
    assert_eq!(refused["errors"][0]["field"], "text");
    problem(world.post(path, &json!([])).await, 400, "MALFORMED_BODY").await;
    assert!(world.rows.previewed.lock().unwrap().is_empty(), "nothing wrong was asked");
    *world.rows.broken.lock().unwrap() = Some(Problem::new(Reason::TokenizerUnsupported, "no tokenizer.json"));
    problem(world.post(path, &body).await, 422, "TOKENIZER_UNSUPPORTED").await;
}
