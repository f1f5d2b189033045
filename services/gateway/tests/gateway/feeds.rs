//! Feeds: what a client gets, in which order, across breaks, and what a slow one costs.

use crate::{
    fake::summary,
    world::{DATASET, JOB, World, dataset, problem},
};
use dataset_model::{Problem, Reason};
use dataset_proto::catalog::{self as proto, dataset_event::Body, watch_datasets_response::Item};
use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, error::Error},
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn connect(world: &World) -> Socket {
    connect_async(world.socket()).await.expect("a socket").0
}

pub(crate) async fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.expect("said");
}

/// The next JSON message, or the close code.
pub(crate) async fn hear(socket: &mut Socket) -> Result<Value, u16> {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("something in time") {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
            Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
            Some(Ok(_)) => {}
            other => panic!("the socket ended with {other:?}"),
        }
    }
}

pub(crate) async fn subscribe(socket: &mut Socket, since: Option<u64>) {
    let channel = format!("dataset/{DATASET}");
    say(socket, &json!({"type": "subscribe", "channel": channel, "since": since})).await;
    assert_eq!(hear(socket).await, Ok(json!({"type": "subscribed", "channel": channel})));
}

pub(crate) fn failed(detail: &str) -> Body {
    let error = Problem::new(Reason::DownloadFailed, detail);
    Body::DownloadFailed(proto::DownloadFailed { job_id: JOB.to_owned(), error: Some(error.into()) })
}

pub(crate) fn progress(percent: f64) -> Body {
    Body::DownloadProgress(proto::DownloadProgress { job_id: JOB.to_owned(), progress: percent, ..Default::default() })
}

pub(crate) fn updated() -> Body {
    Body::DatasetUpdated(proto::DatasetUpdated { status: proto::DatasetStatus::Ready.into() })
}

/// `(event, seq)` of a message.
pub(crate) fn label(message: &Value) -> (String, Option<u64>) {
    (message["event"].as_str().unwrap_or_default().to_owned(), message["seq"].as_u64())
}

#[tokio::test]
async fn a_snapshot_comes_first_and_then_what_happens() {
    let world = World::start().await;
    let mut socket = connect(&world).await;
    subscribe(&mut socket, None).await;
    let snapshot = hear(&mut socket).await.unwrap();
    assert_eq!(label(&snapshot), ("snapshot".to_owned(), Some(0)));
    assert_eq!((&snapshot["data"]["id"], &snapshot["data"]["name"]), (&json!(DATASET), &json!("rows")));
    world.fake.emit(progress(50.0)).await;
    let message = hear(&mut socket).await.unwrap();
    assert_eq!(
        (message["channel"].as_str().unwrap(), label(&message)),
        (format!("dataset/{DATASET}").as_str(), ("download_progress".to_owned(), None))
    );
    assert_eq!((&message["data"]["progress"], &message["data"]["job_id"]), (&json!(50.0), &json!(JOB)));
    world.fake.emit(failed("it broke")).await;
    let message = hear(&mut socket).await.unwrap();
    assert_eq!(label(&message), ("download_failed".to_owned(), Some(1)));
    let error = json!({
        "type": "/api/docs#DOWNLOAD_FAILED", "title": "The download failed", "status": 502, "detail": "it broke",
        "reason": "DOWNLOAD_FAILED", "retryable": true,
    });
    assert_eq!(message["data"]["error"], error, "a problem as of an answer");
    // A late client hears of the end that it missed.
    let mut late = connect(&world).await;
    subscribe(&mut late, None).await;
    let snapshot = hear(&mut late).await.unwrap();
    assert_eq!((&snapshot["seq"], &snapshot["last_terminal"]["event"]), (&json!(1), &json!("download_failed")));
    assert_eq!(snapshot["last_terminal"]["seq"], 1);
}

#[tokio::test]
async fn a_client_that_returns_gets_what_it_missed_in_order() {
    let world = World::start().await;
    for detail in ["one", "two", "three"] {
        world.fake.emit(failed(detail)).await;
    }
    let mut socket = connect(&world).await;
    subscribe(&mut socket, Some(1)).await;
    let mut labels = Vec::new();
    for _ in 0..3 {
        labels.push(label(&hear(&mut socket).await.unwrap()));
    }
    let event = |seq| ("download_failed".to_owned(), Some(seq));
    assert_eq!(labels, [event(2), event(3), ("snapshot".to_owned(), Some(3))]);
    world.fake.emit(updated()).await;
    assert_eq!(label(&hear(&mut socket).await.unwrap()), ("dataset_updated".to_owned(), Some(4)));
}

#[tokio::test]
async fn a_restart_of_the_catalog_loses_nothing() {
    let world = World::start().await;
    let mut socket = connect(&world).await;
    subscribe(&mut socket, None).await;
    hear(&mut socket).await.unwrap();
    world.fake.emit(updated()).await;
    assert_eq!(label(&hear(&mut socket).await.unwrap()).1, Some(1));
    world.fake.break_streams().await;
    // Nobody watches while this happens.
    world.fake.emit(failed("meanwhile")).await;
    // The shared stream, the first one's own, and the shared one again.
    world.fake.opened(3).await;
    assert_eq!(label(&hear(&mut socket).await.unwrap()), ("download_failed".to_owned(), Some(2)));
    assert_eq!(label(&hear(&mut socket).await.unwrap()), ("snapshot".to_owned(), Some(2)));
    world.fake.emit(updated()).await;
    assert_eq!(label(&hear(&mut socket).await.unwrap()), ("dataset_updated".to_owned(), Some(3)));
}

#[tokio::test]
async fn the_panel_gets_all_lines_and_then_those_that_change() {
    let world = World::start().await;
    let mut socket = connect(&world).await;
    say(&mut socket, &json!({"type": "subscribe", "channel": "datasets"})).await;
    hear(&mut socket).await.unwrap();
    let all = hear(&mut socket).await.unwrap();
    assert_eq!(
        (&all["event"], &all["data"][0]["id"], &all["data"][0]["status"]),
        (&json!("snapshot"), &json!(DATASET), &json!("ready"))
    );
    world.fake.emit_summary(Item::Summary(summary(&dataset()))).await;
    let one = hear(&mut socket).await.unwrap();
    assert_eq!(
        (&one["channel"], &one["event"], &one["data"]["name"]),
        (&json!("datasets"), &json!("dataset_updated"), &json!("rows"))
    );
    world.fake.emit_summary(Item::DeletedId(DATASET.to_owned())).await;
    assert_eq!(
        hear(&mut socket).await.unwrap(),
        json!({"channel": "datasets", "event": "dataset_deleted", "data": {"id": DATASET}})
    );
}

#[tokio::test]
async fn what_a_client_may_not_say_is_answered() {
    let world = World::start().await;
    let mut socket = connect(&world).await;
    say(&mut socket, &json!({"type": "ping"})).await;
    assert_eq!(hear(&mut socket).await.unwrap(), json!({"type": "pong"}));
    let unknown = format!("dataset/{JOB}");
    for (message, reason) in [
        (json!({"type": "shout"}), "MALFORMED_BODY"),
        (json!({"type": "subscribe", "channel": "datasets", "sinc": 1}), "MALFORMED_BODY"),
        (json!({"type": "subscribe", "channel": "weather"}), "INVALID_FIELD"),
        (json!({"type": "subscribe", "channel": "dataset/1"}), "NOT_FOUND"),
    ] {
        say(&mut socket, &message).await;
        let answer = hear(&mut socket).await.unwrap();
        assert_eq!((&answer["type"], &answer["reason"]), (&json!("error"), &json!(reason)), "{message}");
    }
    say(&mut socket, &json!({"type": "subscribe", "channel": unknown})).await;
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "subscribed");
    let answer = hear(&mut socket).await.unwrap();
    assert_eq!((&answer["channel"], &answer["reason"]), (&json!(unknown), &json!("NOT_FOUND")));
    socket.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "error");
    // After `unsubscribe` nothing of the channel comes.
    subscribe(&mut socket, None).await;
    hear(&mut socket).await.unwrap();
    say(&mut socket, &json!({"type": "unsubscribe", "channel": format!("dataset/{DATASET}")})).await;
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "unsubscribed");
    world.fake.emit(updated()).await;
    say(&mut socket, &json!({"type": "ping"})).await;
    assert_eq!(hear(&mut socket).await.unwrap(), json!({"type": "pong"}));
}

#[tokio::test]
async fn a_slow_socket_is_closed_and_misses_nothing_when_it_returns() {
    let world = World::start_with(|config| config.gateway.slow_seconds = 0.2).await;
    let mut slow = connect(&world).await;
    subscribe(&mut slow, None).await;
    let mut quick = connect(&world).await;
    subscribe(&mut quick, None).await;
    assert_eq!(label(&hear(&mut quick).await.unwrap()).0, "snapshot");
    world.fake.opened(3).await;
    // The slow one reads nothing: the buffers of two kernels fill, then the queue.
    let detail = "x".repeat(64 << 10);
    let emitted = 300;
    for seq in 1..=emitted {
        assert!(world.fake.emit(failed(&detail)).await);
        assert_eq!(label(&hear(&mut quick).await.unwrap()).1, Some(seq), "the other one is not held up");
    }
    let mut last = 0;
    let code = loop {
        match hear(&mut slow).await {
            Ok(message) => {
                if let ("download_failed", Some(seq)) = (message["event"].as_str().unwrap(), message["seq"].as_u64()) {
                    assert_eq!(seq, last + 1, "no gap before the end");
                    last = seq;
                }
            }
            Err(code) => break code,
        }
    };
    assert_eq!(code, 1013);
    assert!(last < emitted, "it was behind");
    // It returns, and a replay far beyond the queue's bounds reaches it whole.
    let mut back = connect(&world).await;
    subscribe(&mut back, Some(last)).await;
    for seq in last + 1..=emitted {
        assert_eq!(label(&hear(&mut back).await.unwrap()), ("download_failed".to_owned(), Some(seq)));
    }
}

#[tokio::test]
async fn a_message_that_is_too_big_ends_the_socket() {
    let world = World::start().await;
    let mut socket = connect(&world).await;
    socket.send(Message::text("x".repeat(5_000))).await.unwrap();
    assert_eq!(hear(&mut socket).await, Err(1009));
}

#[tokio::test]
async fn a_silent_socket_is_closed() {
    let world = World::start_with(|config| {
        config.gateway.ping_seconds = 0.1;
        config.gateway.silence_seconds = 0.3;
    })
    .await;
    // A client that reads answers pings by itself, and stays.
    let mut alive = connect(&world).await;
    assert!(timeout(Duration::from_secs(1), hear(&mut alive)).await.is_err(), "a socket that answers pings stays");
    // One that does not read is silent.
    let mut silent = connect(&world).await;
    let gone = async {
        loop {
            // Only what is in the socket already; nothing is answered.
            let mut byte = [0; 1];
            let MaybeTlsStream::Plain(stream) = silent.get_mut() else { panic!("no TLS here") };
            if stream.peek(&mut byte).await.expect("readable") > 0 && byte[0] == 0x88 {
                break;
            }
            let mut frame = [0; 2];
            tokio::io::AsyncReadExt::read_exact(stream, &mut frame).await.expect("a ping");
            assert_eq!(frame, [0x89, 0], "an empty ping");
        }
    };
    timeout(PATIENCE, gone).await.expect("a close frame");
    assert_eq!(hear(&mut silent).await, Err(1008));
}

#[tokio::test]
async fn draining_says_goodbye() {
    let world = World::start().await;
    let mut socket = connect(&world).await;
    subscribe(&mut socket, None).await;
    hear(&mut socket).await.unwrap();
    let mut events = world.get(&format!("/api/v1/datasets/{DATASET}/events")).await;
    world.fake.opened(3).await;
    let stop = async { timeout(PATIENCE, world.gateway.shutdown()).await.expect("a graceful stop") };
    let ends = async {
        assert_eq!(hear(&mut socket).await, Err(1001));
        drop(socket);
        while events.chunk().await.expect("a clean end").is_some() {}
    };
    tokio::join!(stop, ends);
}

#[tokio::test]
async fn foreign_origins_and_plain_requests_are_refused() {
    let world = World::start().await;
    let ask = async |origin: &str| {
        let mut request = world.socket().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        connect_async(request).await
    };
    let Err(Error::Http(refused)) = ask("https://evil.example").await else { panic!("a refusal") };
    assert_eq!(refused.status(), 403);
    assert!(ask(&world.base).await.is_ok() && ask("http://localhost:5173").await.is_ok());
    problem(world.get("/api/v1/ws").await, 400, "MALFORMED_BODY").await;
}

#[tokio::test]
async fn feeds_are_counted() {
    let world = World::start_with(|config| config.gateway.max_feeds = 1).await;
    let first = connect(&world).await;
    problem(world.get(&format!("/api/v1/datasets/{DATASET}/events")).await, 503, "OVERLOADED").await;
    drop(first);
}

/// Events of a stream, as `(event, id, data)`.
async fn next_event(response: &mut reqwest::Response, buffer: &mut String) -> (String, Option<u64>, Value) {
    loop {
        if let Some((block, rest)) = buffer.split_once("\n\n").map(|(block, rest)| (block.to_owned(), rest.to_owned()))
        {
            *buffer = rest;
            let field =
                |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(|v| v.trim().to_owned());
            let Some(event) = field("event:") else { continue };
            let data = serde_json::from_str(&field("data:").expect("data")).expect("JSON");
            return (event, field("id:").map(|id| id.parse().expect("a number")), data);
        }
        let chunk = timeout(PATIENCE, response.chunk()).await.expect("in time").expect("readable").expect("an event");
        buffer.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
    }
}

#[tokio::test]
async fn server_sent_events_are_the_same_feed() {
    let world = World::start().await;
    world.fake.emit(updated()).await;
    world.fake.emit(failed("it broke")).await;
    let path = format!("/api/v1/datasets/{DATASET}/events");
    let mut stream = world.request(Method::GET, &path).header("Last-Event-ID", "1").send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut buffer = String::new();
    let (event, id, data) = next_event(&mut stream, &mut buffer).await;
    assert_eq!((event.as_str(), id, &data["data"]["job_id"]), ("download_failed", Some(2), &json!(JOB)));
    let (event, id, data) = next_event(&mut stream, &mut buffer).await;
    assert_eq!((event.as_str(), id, &data["data"]["id"]), ("snapshot", Some(2), &json!(DATASET)));
    world.fake.emit(progress(10.0)).await;
    let (event, id, _) = next_event(&mut stream, &mut buffer).await;
    assert_eq!((event.as_str(), id), ("download_progress", None));
    // A deleted dataset ends the stream.
    world.fake.emit(Body::DatasetDeleted(proto::DatasetDeleted {})).await;
    let (event, id, _) = next_event(&mut stream, &mut buffer).await;
    assert_eq!((event.as_str(), id), ("dataset_deleted", Some(3)));
    assert_eq!(timeout(PATIENCE, stream.chunk()).await.expect("an end").expect("a clean one"), None);
    problem(world.get(&format!("/api/v1/datasets/{JOB}/events")).await, 404, "NOT_FOUND").await;
    let wrong = world.request(Method::GET, &path).header("Last-Event-ID", "x").send().await.unwrap();
    assert_eq!(problem(wrong, 400, "INVALID_FIELD").await["errors"][0]["field"], "Last-Event-ID");
}

#[tokio::test]
async fn a_stalled_event_stream_is_cut() {
    let world = World::start_with(|config| config.gateway.stall_seconds = 0.2).await;
    let address = world.base.trim_start_matches("http://").to_owned();
    let mut stalled = TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /api/v1/datasets/{DATASET}/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut stalled, request.as_bytes()).await.unwrap();
    world.fake.opened(1).await;
    // Nothing is read: when the buffers of two kernels are full, the write stalls, and the catalog is let go.
    let detail = "x".repeat(64 << 10);
    let fill = async { while world.fake.emit(failed(&detail)).await {} };
    timeout(PATIENCE, fill).await.expect("the stream is cut");
}
