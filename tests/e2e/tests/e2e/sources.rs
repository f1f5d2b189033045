//! What only the Hub knows ends in the job's error: typed, with file and line, and with what to do next.

use crate::{THREE, bert, run};
use anyhow::{Context, Result, ensure};
use dataset_model::{DatasetStatus, JobState, Problem, Reason};
use e2e::{Options, Rig, repos};
use serde_json::{Value, json};
use std::{fs, path::Path};
use test_kit::fake_hub::{FakeHub, Fault};

/// The error that a download of `repo` ends with; it is the same on the job, the dataset and the event.
async fn fails(rig: &Rig, repo: &str) -> Result<Problem> {
    let dataset = rig.create(repo).await?;
    let mut feed = rig.watch(dataset).await?;
    let job = rig.download(dataset).await?;
    let job = rig.ended(dataset, job).await?;
    ensure!(job.state == JobState::Failed, "{repo}: {job:?}");
    let error = job.error.context("a failed job says why")?;
    let dataset = rig.dataset(dataset).await?;
    ensure!(dataset.status == DatasetStatus::Failed && dataset.error.as_ref() == Some(&error), "{dataset:?}");
    let told = feed.until_event(dataset_model::DatasetEvent::is_terminal).await?;
    ensure!(serde_json::to_value(&told)?["data"]["error"] == serde_json::to_value(&error)?, "{told:?}");
    let shown = rig.api().show(&format!("/datasets/{}", dataset.id)).await?;
    ensure!(shown["error"]["reason"] == error.reason.as_str(), "{shown}");
    eprintln!("{repo}: {error}; next: {:?}", error.next_step);
    Ok(error)
}

fn parquet() -> Result<Vec<u8>> {
    let folder = test_kit::sample_hub().join("datasets/tokenmill/english-docs/data");
    Ok(fs::read(folder.join("validation-00000-of-00001.parquet"))?)
}

async fn hub(write: impl FnOnce(&Path) -> Result<()>) -> Result<(tempfile::TempDir, Rig)> {
    let folder = tempfile::tempdir()?;
    write(folder.path())?;
    let hub = Some(folder.path().to_owned());
    let rig = Rig::with(Options { hub, settings: Value::Null, ..Options::default() }).await?;
    Ok((folder, rig))
}

#[test]
fn broken_files_are_named() {
    run(async {
        let (_folder, rig) = hub(|root| {
            let whole = parquet()?;
            let write = |repo: &str, name: &str, bytes: &[u8]| {
                FakeHub::repo(root, &format!("datasets/acme/{repo}")).file(name, bytes).write()
            };
            write("cut", "data/train-00000-of-00001.parquet", &whole[..whole.len() / 2])?;
            write("line", "data/train-00000-of-00001.jsonl", b"{\"text\": \"a\"}\n{\"text\": \"b\"}\n{\"text\": \n")?;
            write("empty", "README.md", b"# Nothing\n")?;
            write("script", "script.py", b"import datasets\n")?;
            Ok(())
        })
        .await?;
        let cut = fails(&rig, "acme/cut").await?;
        ensure!(cut.reason == Reason::SourceCorrupt, "{cut:?}");
        ensure!(cut.detail.contains("train-00000-of-00001.parquet") && cut.next_step.is_some(), "{cut:?}");
        let line = fails(&rig, "acme/line").await?;
        ensure!(line.reason == Reason::SourceCorrupt && line.next_step.is_some(), "{line:?}");
        ensure!(line.detail.contains("train-00000-of-00001.jsonl") && line.detail.contains('3'), "{line:?}");
        let empty = fails(&rig, "acme/empty").await?;
        ensure!(empty.reason == Reason::NoDataFiles && empty.next_step.is_some(), "{empty:?}");
        let script = fails(&rig, "acme/script").await?;
        ensure!(script.reason == Reason::ScriptDataset && script.next_step.is_some(), "{script:?}");
        let missing = fails(&rig, "acme/missing").await?;
        ensure!(missing.reason == Reason::HubRepoNotFound && missing.next_step.is_some(), "{missing:?}");
        rig.done().await
    });
}

/// A branch, the converted files of the Hub, and a commit: each has rows of its own.
#[test]
fn revisions_are_downloaded_by_name() {
    run(async {
        let (_folder, rig) = hub(|root| {
            let row = |text: &str, times: usize| format!("{{\"text\": \"{text}\"}}\n").repeat(times);
            let repo = FakeHub::repo(root, "datasets/acme/corpus").file("train.jsonl", row("main", 2));
            repo.file(".revisions/dev/train.jsonl", row("dev", 3))
                .file(".revisions/refs/convert/parquet/default/train/0000.parquet", parquet()?)
                .write()?;
            Ok(())
        })
        .await?;
        let mut dev = None;
        for (revision, rows) in [(None, Some(2)), (Some("dev"), Some(3)), (Some("refs/convert/parquet"), None)] {
            let made = dataset_at(&rig, revision).await?;
            ensure!(rows.is_none_or(|rows| made.row_count == Some(rows)), "{revision:?}: {made:?}");
            ensure!(rows.is_some() || made.row_count > Some(100), "{made:?}");
            dev = if revision == Some("dev") { made.commit_sha } else { dev };
        }
        let pinned = dataset_at(&rig, dev.as_deref()).await?;
        ensure!(pinned.row_count == Some(3) && pinned.commit_sha == dev, "{pinned:?}");
        let unknown = rig.api().post("/datasets", &json!({ "repo_id": "acme/corpus", "revision": "nope" })).await?;
        let unknown: dataset_model::DatasetId = serde_json::from_value(unknown.body["id"].clone())?;
        let job = rig.download(unknown).await?;
        let error = rig.ended(unknown, job).await?.error.context("why")?;
        ensure!(error.reason == Reason::HubRevisionNotFound && error.next_step.is_some(), "{error:?}");
        rig.done().await
    });
}

async fn dataset_at(rig: &Rig, revision: Option<&str>) -> Result<dataset_model::Dataset> {
    let name = format!("at-{}", revision.unwrap_or("main").replace('/', "-"));
    let body = json!({ "repo_id": "acme/corpus", "name": name, "revision": revision });
    let made = rig.api().post("/datasets", &body).await?;
    let dataset = serde_json::from_value(made.body["id"].clone()).with_context(|| format!("{made:?}"))?;
    let job = rig.download(dataset).await?;
    rig.succeeded(dataset, job).await?;
    rig.dataset(dataset).await
}

#[test]
fn a_gated_repository_says_where_to_ask() {
    run(async {
        let rig = Rig::small(THREE).await?;
        rig.control.gate(repos::ENGLISH, None);
        let error = fails(&rig, repos::ENGLISH).await?;
        ensure!(error.reason == Reason::HubGated && !error.retryable, "{error:?}");
        let link = format!("/datasets/{}", repos::ENGLISH);
        ensure!(error.next_step.as_deref().is_some_and(|step| step.contains(&link)), "{error:?}");
        rig.done().await
    });
}

#[test]
fn bytes_that_never_match_are_never_ready() {
    run(async {
        let rig = Rig::small(THREE).await?;
        rig.control.fail_always("/lfs/", Fault::FLIP);
        let error = fails(&rig, repos::ENGLISH).await?;
        ensure!(error.reason == Reason::ChecksumMismatch && error.next_step.is_some(), "{error:?}");
        ensure!(error.detail.contains(".jsonl"), "it names the file: {error:?}");

        // The same dataset, once the Hub is well again.
        rig.control.clear();
        let listed = rig.api().show("/datasets?status=failed").await?;
        let dataset = serde_json::from_value(listed["items"][0]["id"].clone())?;
        let job = rig.download(dataset).await?;
        rig.succeeded(dataset, job).await?;
        ensure!(rig.dataset(dataset).await?.error.is_none());
        rig.equals_the_source(dataset).await?;
        let (_, job) = rig.tokenize(dataset, &bert("test")).await?;
        rig.succeeded(dataset, job).await?;
        rig.done().await
    });
}

#[test]
fn a_hub_with_hiccups_is_endured() {
    run(async {
        let rig = Rig::small_with(THREE, json!({ "hub": { "stall_seconds": 1 } })).await?;
        rig.control.fail_on("/lfs/", Fault::DropAfter(100_000), 2);
        rig.control.fail_on("/resolve/", Fault::status(503), 2);
        rig.control.fail_on("/tree/", Fault::status(500), 1);
        rig.control.fail_on("/lfs/", Fault::StallAfter(200_000), 1);
        // A limit of the Hub's rate is waited out and counts as no try.
        rig.control.fail_on("/resolve/", Fault::retry_after(1), 4);
        let dataset = rig.ingest(repos::ENGLISH).await?.id;
        rig.equals_the_source(dataset).await?;
        rig.done().await
    });
}
