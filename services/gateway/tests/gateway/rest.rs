//! REST: what goes out to the services, and what each wrong request is told.

use crate::{
    fake::Call,
    world::{DATASET, JOB, TOKENIZATION, World, problem},
};
use dataset_model::{Problem, Reason};
use dataset_proto::catalog as proto;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

#[tokio::test]
async fn a_dataset_is_created_listed_shown_and_deleted() {
    let world = World::start().await;
    let create = world.request(Method::POST, "/api/v1/datasets").header("Idempotency-Key", "key-1");
    let body = json!({"repo_id": "org/rows", "revision": "main"});
    let created = create.json(&body).send().await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    assert_eq!(created.headers()["location"], format!("/api/v1/datasets/{DATASET}"));
    let created: Value = created.json().await.unwrap();
    assert_eq!((&created["id"], &created["splits"][0]["name"]), (&json!(DATASET), &json!("train")));
    let request = proto::DatasetServiceCreateRequest {
        repo_id: "org/rows".to_owned(),
        revision: Some("main".to_owned()),
        request_id: Some("key-1".to_owned()),
        ..Default::default()
    };
    assert_eq!(world.fake.calls(), [Call::Create(request)]);

    let list = world.show("/api/v1/datasets?page=3&limit=200&status=ready&q=ro&sort=-name").await;
    assert_eq!((&list["total"], &list["page"], &list["limit"]), (&json!(1), &json!(3), &json!(200)));
    assert_eq!(list["items"][0], created);
    assert_eq!(list["counts"], json!({"pending": 0, "downloading": 0, "ready": 1, "failed": 2}));
    let request = proto::DatasetServiceListRequest {
        page_size: 200,
        page_token: "3".to_owned(),
        status: proto::DatasetStatus::Ready.into(),
        query: "ro".to_owned(),
        sort: "-name".to_owned(),
    };
    assert_eq!(world.fake.calls(), [Call::List(request)]);
    // Empty parameters are as if they were not there.
    let list = world.show("/api/v1/datasets?status=&q=&sort=").await;
    assert_eq!((&list["page"], &list["limit"]), (&json!(1), &json!(20)));

    assert_eq!(world.show(&format!("/api/v1/datasets/{DATASET}")).await, created);
    let delete = || world.request(Method::DELETE, &format!("/api/v1/datasets/{DATASET}")).send();
    assert_eq!(delete().await.unwrap().status(), StatusCode::NO_CONTENT);
    problem(delete().await.unwrap(), 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn a_download_takes_subset_as_another_word_for_config() {
    let world = World::start().await;
    let path = format!("/api/v1/datasets/{DATASET}/download");
    for body in [
        json!({"subset": "en", "split": "train"}),
        json!({"config": "en", "subset": "en", "split": "train", "hf_token": null}),
    ] {
        let answer = world.post(&path, &body).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"job_id": JOB}));
        let request = proto::StartIngestRequest {
            dataset_id: DATASET.to_owned(),
            split: Some("train".to_owned()),
            config: Some("en".to_owned()),
            on_bad_rows: proto::OnBadRows::Fail.into(),
            ..Default::default()
        };
        assert_eq!(world.fake.calls(), [Call::StartIngest(request)]);
    }
    let skip = json!({"on_bad_rows": "skip"});
    assert_eq!(world.post(&path, &skip).await.status(), StatusCode::ACCEPTED);
    let [Call::StartIngest(request)] = &world.fake.calls()[..] else { panic!("one call") };
    assert_eq!(request.on_bad_rows(), proto::OnBadRows::Skip);
    let mend = problem(world.post(&path, &json!({"on_bad_rows": "mend"})).await, 400, "INVALID_FIELD").await;
    assert_eq!(mend["errors"][0]["field"], "on_bad_rows");
    let differ = problem(world.post(&path, &json!({"config": "en", "subset": "de"})).await, 400, "INVALID_FIELD").await;
    assert_eq!(differ["errors"][0]["field"], "subset");
    let bare = world.request(Method::POST, &path).header("Idempotency-Key", "k").send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::ACCEPTED);
    let request = proto::StartIngestRequest {
        dataset_id: DATASET.to_owned(),
        request_id: Some("k".to_owned()),
        on_bad_rows: proto::OnBadRows::Fail.into(),
        ..Default::default()
    };
    assert_eq!(world.fake.calls(), [Call::StartIngest(request)]);
}

#[tokio::test]
async fn tokenizations_and_jobs() {
    let world = World::start().await;
    let body = json!({"tokenizer_name": "gpt2", "max_length": 8, "packing": "none"});
    let answer = world.post(&format!("/api/v1/datasets/{DATASET}/tokenize"), &body).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let expected = json!({"tokenization_id": TOKENIZATION, "job_id": JOB, "reused": true});
    assert_eq!(answer.json::<Value>().await.unwrap(), expected);
    let [Call::Tokenize(request)] = &world.fake.calls()[..] else { panic!("one call") };
    let config = request.config.as_ref().unwrap();
    assert_eq!((config.tokenizer_name.as_str(), config.max_length, config.stride), ("gpt2", Some(8), None));

    let list = world.show(&format!("/api/v1/datasets/{DATASET}/tokenizations")).await;
    let one = world.show(&format!("/api/v1/tokenizations/{TOKENIZATION}")).await;
    assert_eq!(list, json!({"items": [one], "total": 1}));
    for (method, path) in [(Method::POST, "/cancel"), (Method::DELETE, "")] {
        let answer =
            world.request(method, &format!("/api/v1/tokenizations/{TOKENIZATION}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    let query = format!("/api/v1/jobs?dataset_id={DATASET}&state=running&kind=ingest&page=2&limit=5");
    let jobs = world.show(&query).await;
    let job = world.show(&format!("/api/v1/jobs/{JOB}")).await;
    assert_eq!(
        (&job["state"], &job["attempt"], &job["tries"], &job["max_tries"], &job["phases"][0]["tries"]),
        (&json!("running"), &json!(4), &json!(2), &json!(3), &json!(2))
    );
    assert_eq!(jobs, json!({"items": [job], "total": 1, "page": 2, "limit": 5}));
    let request = proto::JobServiceListRequest {
        dataset_id: Some(DATASET.to_owned()),
        state: proto::JobState::Running.into(),
        kind: proto::JobKind::Ingest.into(),
        page_size: 5,
        page_token: "2".to_owned(),
    };
    assert_eq!(world.fake.calls(), [Call::Jobs(request)]);
    let again = world.request(Method::POST, &format!("/api/v1/jobs/{JOB}/retry")).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(again.json::<Value>().await.unwrap(), json!({"job_id": JOB}));
    assert_eq!(world.fake.calls(), [Call::Retry(proto::JobServiceRetryRequest { id: JOB.to_owned() })]);
}

#[tokio::test]
async fn a_cancel_says_whether_anything_ran() {
    let world = World::start().await;
    let cancel = || world.request(Method::POST, &format!("/api/v1/datasets/{DATASET}/cancel")).send();
    problem(cancel().await.unwrap(), 409, "JOB_TERMINAL").await;
    world.fake.lock().running = vec![JOB.to_owned()];
    assert_eq!(cancel().await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn statistics_are_sent_once() {
    let world = World::start().await;
    let path = format!("/api/v1/datasets/{DATASET}/statistics?top=5&tokenization_id={TOKENIZATION}");
    let first = world.get(&path).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let body: Value = first.json().await.unwrap();
    assert_eq!((&body["total_tokens"], &body["vocab_distribution"][0]["fraction"]), (&json!(12), &json!(0.5)));
    let [Call::Statistics(request)] = &world.fake.calls()[..] else { panic!("one call") };
    assert_eq!((request.top, request.tokenization_id.as_deref()), (Some(5), Some(TOKENIZATION)));
    let ask = |tag: String| world.request(Method::GET, &path).header(header::IF_NONE_MATCH, tag).send();
    for known in [tag.clone(), format!("\"other\", {}", tag.trim_start_matches("W/")), "*".to_owned()] {
        let again = ask(known.clone()).await.unwrap();
        assert_eq!(
            (again.status(), again.headers()["etag"].to_str().unwrap()),
            (StatusCode::NOT_MODIFIED, tag.as_str()),
            "{known}"
        );
        assert_eq!(again.bytes().await.unwrap().len(), 0);
    }
    world.fake.lock().statistics.as_mut().unwrap().total_tokens = 13;
    assert_eq!(ask(tag).await.unwrap().status(), StatusCode::OK);
    problem(world.get(&format!("/api/v1/datasets/{DATASET}/statistics?top=1001")).await, 400, "INVALID_FIELD").await;
}

#[tokio::test]
async fn wrong_bodies_are_refused_by_field() {
    let world = World::start().await;
    let path = "/api/v1/datasets";
    let send = async |kind: &str, body: &str| {
        let request = world.request(Method::POST, path).header(header::CONTENT_TYPE, kind);
        request.body(body.to_owned()).send().await.unwrap()
    };
    for body in ["", "{", "[]", "null", "\"x\"", "{\"repo_id\": \"a\"} x", "{\"repo_id\": \"\u{fffd}"] {
        problem(send("application/json", body).await, 400, "MALFORMED_BODY").await;
    }
    for (body, field) in [
        (r#"{"repo_id": "a", "repo": 1}"#, "repo"),
        (r#"{"repo_id": 1}"#, "repo_id"),
        (r#"{"repo_id": "a", "name": ["b"]}"#, "name"),
    ] {
        let answer = problem(send("application/json; charset=utf-8", body).await, 400, "INVALID_FIELD").await;
        assert_eq!(answer["errors"][0]["field"], field, "{answer}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        problem(send(kind, r#"{"repo_id": "a"}"#).await, 415, "UNSUPPORTED_MEDIA").await;
    }
    let large = format!(r#"{{"repo_id": "{}"}}"#, "a".repeat(1 << 20));
    problem(send("application/json", &large).await, 413, "BODY_TOO_LARGE").await;
    let deep = "[".repeat(100_000);
    problem(send("application/json", &deep).await, 400, "MALFORMED_BODY").await;
    assert_eq!(world.fake.calls(), [], "nothing was created");
}

#[tokio::test]
async fn wrong_paths_queries_and_methods() {
    let world = World::start().await;
    for path in [
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v1/datasets/1",
        "/api/v1/jobs/x",
        "/api/v1/tokenizations/%ff",
        "/api/v1/datasets/..%2f/statistics",
    ] {
        problem(world.get(path).await, 404, "NOT_FOUND").await;
    }
    for (query, field) in [
        ("limit=201", "limit"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("page=0", "page"),
        ("page=99999999999", "page"),
        ("status=done", "status"),
        ("colour=red", "colour"),
        ("page=1&page=2", "page"),
    ] {
        let answer = problem(world.get(&format!("/api/v1/datasets?{query}")).await, 400, "INVALID_FIELD").await;
        assert_eq!(answer["errors"][0]["field"], field, "{query}: {answer}");
    }
    for query in ["kind=gc", "state=done", "dataset_id=1"] {
        problem(world.get(&format!("/api/v1/jobs?{query}")).await, 400, "INVALID_FIELD").await;
    }
    let put = world.request(Method::PUT, "/api/v1/datasets").send().await.unwrap();
    let allow = put.headers()["allow"].to_str().unwrap().to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    problem(put, 405, "NOT_IMPLEMENTED").await;
    let key = world.request(Method::POST, &format!("/api/v1/datasets/{DATASET}/download"));
    let key = key.header("Idempotency-Key", "k".repeat(256)).send().await.unwrap();
    assert_eq!(problem(key, 400, "INVALID_FIELD").await["errors"][0]["field"], "Idempotency-Key");
}

#[tokio::test]
async fn refusals_of_the_catalog_pass_through_whole() {
    let world = World::start().await;
    for &reason in Reason::ALL.iter().filter(|&&reason| reason != Reason::Internal) {
        world.fake.lock().refusal = Some(Problem::new(reason, "what happened").next_step("do this"));
        let answer = world.get(&format!("/api/v1/datasets/{DATASET}")).await;
        let answer = problem(answer, reason.http_status(), reason.as_str()).await;
        assert_eq!((&answer["detail"], &answer["next_step"]), (&json!("what happened"), &json!("do this")));
    }
    world.fake.lock().refusal =
        Some(Problem::new(Reason::HubRateLimited, "slow").retry_after(Duration::from_millis(2500)));
    let answer = world.get(&format!("/api/v1/datasets/{DATASET}")).await;
    assert_eq!(answer.headers()["retry-after"], "3");
    assert_eq!(problem(answer, 503, "HUB_RATE_LIMITED").await["retry_after_ms"], 2500);
    world.fake.lock().refusal = Some(Problem::new(Reason::Internal, "SELECT secret FROM table"));
    let answer = problem(world.get("/api/v1/datasets").await, 500, "INTERNAL").await;
    assert_eq!(answer["detail"], "internal error");
}

#[tokio::test]
async fn answers_carry_their_headers_and_the_trace_of_the_request() {
    let world = World::start().await;
    let answer = world.get("/api/v1/datasets").await;
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers()["x-request-id"].len(), 36);
    let asked = world.request(Method::GET, "/api/v1/nowhere").header("X-Request-Id", "mine").send().await.unwrap();
    assert_eq!(
        (
            asked.headers()["x-request-id"].to_str().unwrap(),
            asked.headers()["x-content-type-options"].to_str().unwrap()
        ),
        ("mine", "nosniff")
    );
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let look = world.request(Method::GET, &format!("/api/v1/datasets/{JOB}"));
    let look = look.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01")).send().await.unwrap();
    assert_eq!(problem(look, 404, "NOT_FOUND").await["trace_id"], trace);
    let passed_on = world.fake.lock().traceparent.clone();
    assert!(passed_on.starts_with(&format!("00-{trace}-")) && !passed_on.contains("b7ad6b7169203331"), "{passed_on}");
    let small =
        world.request(Method::GET, "/api/openapi.json").header(header::ACCEPT_ENCODING, "gzip").send().await.unwrap();
    assert_eq!(small.headers()["content-encoding"], "gzip");
}

#[tokio::test]
async fn foreign_web_pages_change_nothing() {
    let world =
        World::start_with(|config| config.gateway.allowed_origins = vec!["https://friend.example".to_owned()]).await;
    let download = format!("/api/v1/datasets/{DATASET}/download");
    let send = |origin: String| world.request(Method::POST, &download).header(header::ORIGIN, origin).send();
    for origin in ["https://evil.example", "null"] {
        problem(send(origin.to_owned()).await.unwrap(), 403, "ORIGIN_NOT_ALLOWED").await;
    }
    assert_eq!(world.fake.calls(), []);
    for origin in ["http://localhost:5173", world.base.as_str(), "https://friend.example"] {
        assert_eq!(send(origin.to_owned()).await.unwrap().status(), StatusCode::ACCEPTED, "{origin}");
    }
}

#[tokio::test]
async fn it_is_ready_when_the_catalog_is() {
    let world = World::start().await;
    assert_eq!(world.get("/readyz").await.status(), StatusCode::OK);
    assert_eq!(world.get("/livez").await.status(), StatusCode::OK);
    let alone = World::start_with(|config| config.catalog.listen = Some(([127, 0, 0, 1], 1).into())).await;
    assert_eq!(alone.get("/readyz").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(alone.get("/livez").await.status(), StatusCode::OK);
    let answer = problem(alone.get("/api/v1/datasets").await, 503, "OVERLOADED").await;
    assert!(!answer.to_string().contains("127.0.0.1"), "{answer}");
    let metrics = reqwest::get(format!("{}/metrics", world.internal)).await.unwrap();
    assert_eq!(metrics.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered() {
    // Accepts connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let world = World::start_with(|config| {
        config.catalog.listen = Some(address);
        config.gateway.request_seconds = 0.1;
    })
    .await;
    problem(world.get("/api/v1/datasets").await, 504, "DEADLINE_EXCEEDED").await;
}

#[tokio::test]
async fn the_documentation_is_whole_and_runs_no_script() {
    let world = World::start().await;
    let page = world.get("/api/docs").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(!page.contains("<script") && page.contains("/api/v1/datasets/{id}/tokenize"));
    let document = world.show("/api/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/api/v1/hub/datasets/{repo_id}"]["get"].is_object());
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let ids: Vec<_> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), ids.len(), "{ids:?}");
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    assert_eq!(world.get("/api/docs/style.css").await.headers()["content-type"], "text/css");
}

/// What clients are generated from, the UI first; a review sees each change of the contract.
#[test]
fn the_document_is_the_reviewed_one() {
    let (reviewed, current) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json"), gateway::openapi().unwrap());
    if std::fs::read_to_string(&reviewed).is_ok_and(|text| text.trim_end() == current) {
        return;
    }
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.json");
    std::fs::write(&new, current + "\n").unwrap();
    panic!(
        "the contract has changed; when that is meant, renew it with `make openapi`, or:\ncp {} {}",
        new.display(),
        reviewed.display()
    );
}
