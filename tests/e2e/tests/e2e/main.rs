//! Scenarios and faults against the whole platform in one process. One binary, so that it is linked once.

mod bad_rows;
mod bus;
mod cancels;
mod checker;
mod deletes;
mod disk;
mod feeds;
mod first_rows;
mod happy_path;
mod memory;
mod network;
mod refusals;
mod restarts;
mod sources;
mod starts;
mod sweeps;
mod uploads;
mod widening;

use anyhow::{Context, Result};
use e2e::{Rig, repos::LONG};
use serde_json::{Value, json};
use std::{future::Future, time::Duration};
use tokio::time::Instant;

const THREE: &[&str] = &["train", "validation", "test"];
/// Slow enough that a test can act in the middle of a file.
const SLOW: u64 = 512 << 10;

/// A test body that fails with its error, causes and all.
fn run(test: impl Future<Output = Result<()>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(test).unwrap_or_else(|error| panic!("{error:#}"));
}

/// A platform on which tokenizing takes long enough to act in its middle: the reference engine is the slow one.
async fn busy_rig() -> Result<Rig> {
    Rig::small_with(&[LONG], json!({ "tokenize": { "threads": 1, "engine": "reference" } })).await
}

fn bert(split: &str) -> Value {
    json!({ "tokenizer_name": e2e::repos::BERT, "max_length": 128, "stride": 16, "split": split })
}

/// Waits until the Hub has sent so much of its files, throttled before.
async fn halfway(rig: &Rig, bytes: u64) -> Result<()> {
    let waited = rig
        .control
        .wait_for(|log| log.iter().filter(|r| r.path.starts_with("/lfs/")).map(|r| r.bytes_sent).sum::<u64>() > bytes);
    tokio::time::timeout(Duration::from_secs(30), waited).await.context("no bytes")?;
    Ok(())
}

/// No byte in this time, where one came every 32 ms, is the end of them.
const SILENCE: Duration = Duration::from_millis(800);

/// When the Hub sent the last byte of files.
async fn last_byte(rig: &Rig) -> Instant {
    let sent = || rig.control.requests().iter().map(|request| request.bytes_sent).sum::<u64>();
    let (mut seen, mut last) = (sent(), Instant::now());
    while last.elapsed() < SILENCE {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if sent() != seen {
            (seen, last) = (sent(), Instant::now());
        }
    }
    last
}
