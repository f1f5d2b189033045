//! The stage of tests that are not written in Rust: a [`FakeHub`] over a folder, and a port on which its faults are
//! ordered.
//!
//! Says on its first line of output where both listen, as JSON, and ends when its input does: whoever started it cannot
//! leave it behind, not even by being killed. Orders are what [`Control`] takes, as JSON in and out.

use anyhow::{Context, Result, ensure};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::json;
use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use test_kit::{
    TestDatabase, TestNats,
    fake_hub::{Control, FakeHub, Fault, Logged},
};
use tokio::net::TcpListener;

/// Takes orders; holds the servers that were given out, which go when the program ends.
#[derive(Debug, Clone)]
struct Desk {
    control: Control,
    servers: Arc<Mutex<Vec<(TestDatabase, TestNats)>>>,
}

/// A fault for requests whose path contains `path`; without `times` for all of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    fault: Fault,
    #[serde(default)]
    path: String,
    times: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Throttle {
    bytes_per_second: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gate {
    repo: String,
    granted: Option<String>,
}

/// Requests before this one are known already.
#[derive(Debug, Deserialize)]
struct Since {
    #[serde(default)]
    since: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let root: PathBuf = std::env::args_os().nth(1).context("usage: stage FOLDER")?.into();
    ensure!(root.is_dir(), "`{}` is no folder", root.display());
    let (hub, control) = FakeHub::start(root).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addresses = json!({ "hub": hub.endpoint(), "control": format!("http://{}", listener.local_addr()?) });
    let mut out = io::stdout();
    writeln!(out, "{addresses}")?;
    out.flush()?;
    let desk = Desk { control, servers: Arc::default() };
    tokio::select! {
        served = axum::serve(listener, routes(desk)).into_future() => served?,
        ended = input_ends() => ended?,
    }
    Ok(())
}

fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/orders", post(order).delete(clear))
        .route("/release", post(release))
        .route("/throttle", put(throttle))
        .route("/gate", put(gate))
        .route("/requests", get(requests))
        .route("/servers", post(servers))
        .with_state(desk)
}

async fn input_ends() -> Result<()> {
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    Ok(())
}

async fn order(State(desk): State<Desk>, Json(order): Json<Order>) -> StatusCode {
    match order.times {
        Some(times) => desk.control.fail_on(&order.path, order.fault, times),
        None => desk.control.fail_always(&order.path, order.fault),
    }
    StatusCode::NO_CONTENT
}

async fn clear(State(desk): State<Desk>) -> StatusCode {
    desk.control.clear();
    StatusCode::NO_CONTENT
}

async fn release(State(desk): State<Desk>) -> StatusCode {
    desk.control.release();
    StatusCode::NO_CONTENT
}

async fn throttle(State(desk): State<Desk>, Json(limit): Json<Throttle>) -> StatusCode {
    desk.control.throttle(limit.bytes_per_second);
    StatusCode::NO_CONTENT
}

async fn gate(State(desk): State<Desk>, Json(gate): Json<Gate>) -> StatusCode {
    desk.control.gate(&gate.repo, gate.granted.as_deref());
    StatusCode::NO_CONTENT
}

async fn requests(State(desk): State<Desk>, Query(after): Query<Since>) -> Json<Vec<Logged>> {
    Json(desk.control.requests().into_iter().skip(after.since).collect())
}

/// A database and a bus outside of any data directory, for a platform whose volume is to be full.
async fn servers(State(desk): State<Desk>) -> Json<serde_json::Value> {
    let (database, nats) = (test_kit::postgres().await, test_kit::nats().await);
    let addresses = json!({ "database": database.url(), "nats": nats.url() });
    desk.servers.lock().unwrap_or_else(PoisonError::into_inner).push((database, nats));
    Json(addresses)
}
