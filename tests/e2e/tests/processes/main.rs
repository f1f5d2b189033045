//! Exactly one process is killed, or stopped and woken later, in the middle of its work: the job ends right, and a
//! worker that wakes up too late changes nothing.

#![expect(clippy::print_stdout, reason = "a test says how much was compared")]

mod bytes;
mod huge;
mod tokens;
mod traces;

use anyhow::{Context, Result, ensure};
use catalog_client::request;
use dataset_proto::catalog::{CommitRequest, Shard, TaskRef};
use e2e::{Processes, form::Form, repos, repos::LONG};
use serde_json::{Value, json};
use sqlx::types::Uuid;
use std::{future::Future, time::Duration};
use test_kit::{ChaosProxy, Target};
use tonic::{Code, Status};

const SPLITS: &[&str] = &[LONG, "validation"];
const SLOW: u64 = 256 << 10;

fn run(test: impl Future<Output = Result<()>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(test).unwrap_or_else(|error| panic!("{error:#}"));
}

/// A tokenization that takes long enough to act in its middle.
fn bert(split: &str) -> Value {
    json!({ "tokenizer_name": repos::BERT, "max_length": 128, "stride": 16, "split": split })
}

async fn downloading(stack: &Processes) -> Result<()> {
    let some =
        stack.rig.control.wait_for(|log| log.iter().any(|r| r.path.starts_with("/lfs/") && r.bytes_sent > 100_000));
    tokio::time::timeout(Duration::from_secs(30), some).await.context("no bytes")?;
    Ok(())
}

#[test]
fn a_killed_worker_is_replaced() {
    run(async {
        let mut stack = Processes::start(SPLITS).await?;
        stack.rig.control.throttle(Some(SLOW));
        let dataset = stack.rig.create(repos::ENGLISH).await?;
        let job = stack.rig.download(dataset).await?;
        downloading(&stack).await?;
        stack.spawn_second("ingestion")?;
        stack.kill("ingestion").await?;
        stack.rig.control.throttle(None);
        stack.rig.succeeded(dataset, job).await?;
        stack.rig.equals_the_source(dataset).await?;

        let (id, job) = stack.rig.tokenize(dataset, &bert(LONG)).await?;
        stack.rig.watch(dataset).await?.until_tokenizing().await?;
        stack.spawn_second("tokenization")?;
        stack.kill("tokenization").await?;
        stack.rig.succeeded(dataset, job).await?;
        let (told, read) = (stack.rig.tokenization(id).await?, tokens(&stack, &id.to_string()).await?);
        ensure!(read["total_tokens"] == told.num_tokens.unwrap_or_default(), "{told:?} {read}");
        stack.done().await
    });
}

#[test]
fn a_worker_that_is_killed_in_an_upload_leaves_nothing() {
    run(async {
        let mut stack = Processes::start_with(SPLITS, &[("TOKENMILL_STORAGE__ORPHAN_SECONDS", "2")]).await?;
        let small = Form::default().text("name", "half").bytes("first.txt", b"a line\n");
        let (body, _client) = small.bytes("second.txt", &vec![b'\n'; 4 << 20]).unfinished();
        let api = stack.rig.api().clone();
        let sending = tokio::task::JoinSet::from_iter([async move { api.upload(body).await }]);
        let arrives = async || stack.rig.is_receiving();
        test_kit::wait_until(Duration::from_secs(30), "the second file arrives", arrives).await;
        // Longer than what is forgotten may live: an upload that goes on is not forgotten.
        tokio::time::sleep(Duration::from_secs(5)).await;
        ensure!(stack.rig.is_receiving() && stack.rig.files()?.len() == 1, "{:?}", stack.rig.files()?);
        stack.kill("ingestion").await?;
        // The client is told, although it has not said all.
        let answers = sending.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
        ensure!(answers.iter().all(|answer| answer.status.is_server_error()), "{answers:?}");
        stack.spawn_again("ingestion")?;
        let nothing = async || stack.rig.is_empty().await.unwrap_or(false);
        test_kit::wait_until(Duration::from_secs(30), "nothing is left", nothing).await;
        stack.done().await
    });
}

#[test]
fn a_worker_that_wakes_too_late_changes_nothing() {
    run(async {
        let mut stack = Processes::start(SPLITS).await?;
        stack.rig.control.throttle(Some(SLOW));
        let dataset = stack.rig.create(repos::ENGLISH).await?;
        let job = stack.rig.download(dataset).await?;
        downloading(&stack).await?;
        stack.pause("ingestion")?;
        stack.spawn_second("ingestion")?;
        stack.rig.control.throttle(None);
        stack.rig.succeeded(dataset, job).await?;
        let files = stack.rig.files()?;
        stack.wake("ingestion")?;
        // Alone, it takes up the next job: by then it has learnt that the old one is not its own any more.
        stack.stop("ingestion 2").await?;
        let other = stack.rig.ingest(repos::ENGLISH).await?;
        stack.rig.equals_the_source(other.id).await?;
        stack.rig.equals_the_source(dataset).await?;
        let prefix = stack.rig.dataset(dataset).await?.file_path.context("a folder")?;
        let now: Vec<String> = stack.rig.files()?.into_iter().filter(|key| key.starts_with(&prefix)).collect();
        ensure!(files.iter().all(|key| now.contains(key)) && files.len() == now.len(), "{files:?} became {now:?}");

        let (id, job) = stack.rig.tokenize(dataset, &bert(LONG)).await?;
        stack.rig.watch(dataset).await?.until_tokenizing().await?;
        stack.pause("tokenization")?;
        stack.spawn_second("tokenization")?;
        stack.rig.succeeded(dataset, job).await?;
        let before = tokens(&stack, &id.to_string()).await?;
        stack.wake("tokenization")?;
        stack.stop("tokenization 2").await?;
        let (_, job) = stack.rig.tokenize(dataset, &bert("validation")).await?;
        stack.rig.succeeded(dataset, job).await?;
        ensure!(before == tokens(&stack, &id.to_string()).await?, "the late worker changed what is ready");
        stack.done().await
    });
}

/// The commit that a stopped worker had in its hands: what it says is wrong, so that believing it would show.
async fn late_commit(stack: &Processes, task: (Uuid, i64, Uuid)) -> Result<Status> {
    let (id, attempt, attempt_uuid) = task;
    let shard = Shard {
        key: format!("datasets/acme__english/{id}/raw/0-0-0.{}.arrow", &attempt_uuid.simple().to_string()[24..]),
        split: LONG.to_owned(),
        row_count: 1,
        size_bytes: 1,
        sha256: vec![0; 32],
        ..Shard::default()
    };
    let caller =
        TaskRef { task_id: id.to_string(), attempt: attempt.cast_unsigned(), attempt_uuid: attempt_uuid.to_string() };
    let commit = CommitRequest { task: Some(caller), shards: vec![shard], ..CommitRequest::default() };
    let answer = stack.rig.catalog().tasks().commit(request(commit)).await;
    answer.err().context("the catalog believed an attempt that is over")
}

#[test]
fn a_commit_of_an_earlier_attempt_is_refused() {
    run(async {
        let mut stack = Processes::start(SPLITS).await?;
        stack.rig.control.throttle(Some(SLOW));
        let dataset = stack.rig.create(repos::ENGLISH).await?;
        let job = stack.rig.download(dataset).await?;
        downloading(&stack).await?;
        stack.pause("ingestion")?;
        let running = "SELECT id, attempt, attempt_uuid FROM tasks WHERE kind = 'work' AND state = 'running' LIMIT 1";
        let task: (Uuid, i64, Uuid) = sqlx::query_as(running).fetch_one(&stack.rig.pool).await?;
        stack.spawn_second("ingestion")?;
        let taken_over = async || {
            let now = sqlx::query_scalar("SELECT attempt FROM tasks WHERE id = $1 AND state = 'running'");
            now.bind(task.0).fetch_one(&stack.rig.pool).await.is_ok_and(|attempt: i64| attempt > task.1)
        };
        test_kit::wait_until(Duration::from_secs(30), "the second worker has the task", taken_over).await;
        let refusal = late_commit(&stack, task).await?;
        ensure!(refusal.code() == Code::Aborted, "{refusal:?}");
        stack.rig.control.throttle(None);
        stack.rig.succeeded(dataset, job).await?;
        stack.rig.equals_the_source(dataset).await?;
        stack.wake("ingestion")?;
        stack.done().await
    });
}

#[test]
fn a_worker_that_is_cut_off_from_the_catalog_is_replaced() {
    run(async {
        let mut stack = Processes::start(SPLITS).await?;
        let wire = ChaosProxy::start(Target::Tcp(stack.address("catalog"))).await?;
        stack.kill("ingestion").await?;
        stack.spawn_behind("ingestion", wire.port())?;
        stack.rig.control.throttle(Some(SLOW));
        let dataset = stack.rig.create(repos::ENGLISH).await?;
        let job = stack.rig.download(dataset).await?;
        downloading(&stack).await?;
        // It goes on for a while, and nothing of what it does then may be seen.
        wire.silence();
        stack.rig.control.throttle(None);
        stack.spawn_second("ingestion")?;
        stack.rig.succeeded(dataset, job).await?;
        wire.heal();
        stack.stop("ingestion 2").await?;
        let other = stack.rig.ingest(repos::ENGLISH).await?;
        stack.rig.equals_the_source(other.id).await?;
        stack.rig.equals_the_source(dataset).await?;
        stack.done().await
    });
}

#[test]
fn a_killed_catalog_comes_back() {
    run(async {
        let mut stack = Processes::start(SPLITS).await?;
        stack.rig.control.throttle(Some(SLOW));
        let dataset = stack.rig.create(repos::ENGLISH).await?;
        let job = stack.rig.download(dataset).await?;
        downloading(&stack).await?;
        stack.kill("catalog").await?;
        stack.rig.control.throttle(None);
        stack.spawn_again("catalog")?;
        stack.rig.ready().await;
        stack.rig.succeeded(dataset, job).await?;

        let (_, job) = stack.rig.tokenize(dataset, &bert(LONG)).await?;
        stack.rig.watch(dataset).await?.until_tokenizing().await?;
        stack.kill("catalog").await?;
        stack.spawn_again("catalog")?;
        stack.rig.ready().await;
        stack.rig.succeeded(dataset, job).await?;
        stack.rig.equals_the_source(dataset).await?;
        stack.done().await
    });
}

async fn tokens(stack: &Processes, id: &str) -> Result<Value> {
    e2e::oracle("flight_statistics.py", &[&stack.rig.flight(), id]).await
}
