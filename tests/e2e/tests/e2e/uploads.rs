//! Local files become a dataset, or nothing at all.

use crate::{THREE, bert, run};
use anyhow::{Context, Result, ensure};
use dataset_model::{Dataset, DatasetId, DatasetStatus, JobId, JobState, Reason};
use e2e::{Answer, Gate, Rig, form::Form, oracle, repos};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// Sends a form that is accepted.
async fn upload(rig: &Rig, form: Form) -> Result<(DatasetId, JobId)> {
    let answer = rig.api().upload(form.whole()).await?.expect(StatusCode::ACCEPTED)?;
    let (dataset, job) = (answer["dataset"]["id"].clone(), answer["job_id"].clone());
    let (dataset, job) = (serde_json::from_value(dataset)?, serde_json::from_value(job)?);
    rig.acknowledge(dataset, job);
    Ok((dataset, job))
}

/// The sample documents in six formats.
async fn files(rig: &Rig) -> Result<(Vec<PathBuf>, u64)> {
    let folder = rig.folder().join("upload");
    std::fs::create_dir_all(&folder)?;
    let sample = test_kit::sample_hub().join("datasets/tokenmill/english-docs/data/train-00001-of-00004.parquet");
    let made = oracle("upload_files.py", &[&sample.to_string_lossy(), &folder.to_string_lossy()]).await?;
    let made: Vec<(String, u64)> = serde_json::from_value(made)?;
    Ok((made.iter().map(|(name, _)| folder.join(name)).collect(), made.iter().map(|(_, size)| size).sum()))
}

async fn equals_the_files(rig: &Rig, dataset: &Dataset, split: &str, files: &[&PathBuf]) -> Result<u64> {
    let (flight, id) = (rig.flight(), dataset.id.to_string());
    let mut arguments = vec![flight.as_str(), &id, split];
    arguments.extend(files.iter().filter_map(|file| file.to_str()));
    let found = oracle("compare_upload.py", &arguments).await?;
    ensure!(found["source"] == found["flight"], "{split}: {found}");
    found["source"]["rows"].as_u64().context("rows")
}

#[test]
fn files_of_six_formats_become_a_dataset() {
    run(async {
        let rig = Rig::small(THREE).await?;
        let (files, bytes) = files(&rig).await?;
        ensure!(bytes > 10_000_000, "{bytes} bytes are too few to prove anything");
        let mut form = Form::default();
        for file in &files {
            form = form.file(file)?;
        }
        // The name comes last, as it may.
        let (id, job) = upload(&rig, form.text("text_column", "text").text("name", "mine")).await?;
        rig.succeeded(id, job).await?;
        let dataset = rig.dataset(id).await?;
        ensure!(dataset.source == "upload" && dataset.name == "mine" && dataset.status == DatasetStatus::Ready);
        let is_test = |file: &&PathBuf| file.to_string_lossy().contains("my test");
        let (test, train): (Vec<_>, Vec<_>) = files.iter().partition(is_test);
        let rows = equals_the_files(&rig, &dataset, "train", &train).await?;
        let tests = equals_the_files(&rig, &dataset, "test", &test).await?;
        ensure!(tests == 100 && dataset.row_count == Some(rows + tests), "{rows} {tests} {dataset:?}");
        let names: Vec<_> = dataset.splits.iter().map(|split| split.name.as_str()).collect();
        ensure!(names == ["train", "test"], "{names:?}");
        eprintln!("{bytes} bytes in {} files are {rows} + {tests} rows", files.len());
        let sources = dataset.metadata["source_files"].as_array().context("source files")?;
        ensure!(sources.len() == files.len() && dataset.metadata["text_column"] == "text", "{}", dataset.metadata);

        // There is nothing to download, and that is said.
        let again = rig.api().post(&format!("/datasets/{id}/download"), &json!({})).await?;
        ensure!(again.refused(Reason::DatasetReady).body["next_step"].is_string());
        let (tokenization, job) = rig.tokenize(id, &bert("test")).await?;
        rig.succeeded(id, job).await?;
        ensure!(rig.tokenization(tokenization).await?.config.text_column.as_deref() == Some("text"));
        // The checker sees that what was sent is gone: every file on the volume is part of the result.
        rig.check().await?;
        rig.api().delete(&format!("/datasets/{id}")).await?;
        let gone = async || rig.is_empty().await.unwrap_or(false);
        test_kit::wait_until(Duration::from_secs(20), "nothing is left of the dataset", gone).await;
        rig.done().await
    });
}

#[test]
fn what_breaks_off_leaves_nothing() {
    run(async {
        let mut rig = Rig::small_with(THREE, json!({ "storage": { "orphan_seconds": 2 } })).await?;
        let (files, _) = files(&rig).await?;
        for crash in [false, true] {
            let (body, client) = Form::default().text("name", "half").file(&files[0])?.unfinished();
            let api = rig.api().clone();
            let sending = tokio::task::JoinSet::from_iter([async move { api.upload(body).await }]);
            let arrives = async || rig.is_receiving();
            test_kit::wait_until(Duration::from_secs(30), "the file arrives", arrives).await;
            if crash {
                rig.crash().await?;
                rig.resume().await?;
            }
            drop(client);
            let answers = sending.join_all().await;
            let is_refused = |answer: &Result<Answer>| answer.as_ref().map_or(true, |a| !a.status.is_success());
            ensure!(answers.iter().all(is_refused), "{answers:?}");
            let nowhere = async || rig.is_empty().await.unwrap_or(false);
            test_kit::wait_until(Duration::from_secs(20), "nothing is left", nowhere).await;
        }
        rig.done().await
    });
}

#[test]
fn a_conversion_goes_on_from_the_stored_files() {
    run(async {
        // One task at a time: while it is held, the next upload waits, and nobody holds its rows.
        let mut rig = Rig::small_with(THREE, json!({ "ingestion": { "slots": 1 } })).await?;
        let (files, _) = files(&rig).await?;
        let committing = Gate::shut(&rig.pool, "tasks", "NEW.kind = 'work' AND NEW.state = 'done'").await?;
        let held = upload(&rig, Form::default().text("name", "mine").file(&files[0])?).await?;
        committing.reached().await?;
        let waiting = upload(&rig, Form::default().text("name", "next").file(&files[0])?).await?;
        let again = rig.api().post(&format!("/datasets/{}/download", waiting.0), &json!({})).await?;
        again.refused(Reason::JobAlreadyActive);
        let (fallen, opened) = tokio::join!(rig.crash(), committing.open());
        fallen.and(opened)?;
        rig.resume().await?;
        for (id, job) in [held, waiting] {
            rig.succeeded(id, job).await?;
            equals_the_files(&rig, &rig.dataset(id).await?, "train", &[&files[0]]).await?;
        }

        // A cancelled one starts again from what was sent. The cancel waits for the claim, and comes before the rows.
        let claiming = Gate::shut(&rig.pool, "jobs", "NEW.state = 'running' AND NEW.kind = 'ingest'").await?;
        let (id, _) = upload(&rig, Form::default().text("name", "other").file(&files[0])?).await?;
        claiming.reached().await?;
        let path = |what: &str| format!("/datasets/{id}/{what}");
        let (cancel, nothing) = (path("cancel"), json!({}));
        let (answer, opened) = tokio::join!(rig.api().post(&cancel, &nothing), claiming.open());
        opened?;
        answer?.expect(StatusCode::NO_CONTENT)?;
        ensure!(rig.dataset(id).await?.status == DatasetStatus::Pending);
        let chosen = rig.api().post(&path("download"), &json!({ "split": "train" })).await?;
        chosen.refused(Reason::InvalidField);
        let job = rig.download(id).await?;
        rig.succeeded(id, job).await?;
        equals_the_files(&rig, &rig.dataset(id).await?, "train", &[&files[0]]).await?;
        rig.done().await
    });
}

#[test]
fn what_cannot_be_taken_is_refused_and_leaves_nothing() {
    run(async {
        let settings = json!({ "limits": { "max_dataset_bytes": 3_000_000 } });
        let rig = Rig::small_with(THREE, settings).await?;
        let one = |name: &str| Form::default().text("name", "mine").bytes(name, b"{\"text\": \"a\"}\n");
        let send = async |form: Form| rig.api().upload(form.whole()).await;
        for name in ["../../etc/passwd.txt", "a/b.jsonl", "a\\\\b.jsonl", ".."] {
            let answer = send(one(name)).await?;
            ensure!(
                answer.status == StatusCode::BAD_REQUEST || answer.status == StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{name}: {answer:?}"
            );
        }
        for name in ["a.7z", "a.exe", "a.md", "noextension"] {
            let answer = send(one(name)).await?;
            ensure!(answer.refused(Reason::UnsupportedMedia).body["next_step"].is_string(), "{name}");
        }
        send(one("a.jsonl").bytes("a.jsonl", b"")).await?.refused(Reason::InvalidField);
        let nothing = send(Form::default().text("name", "mine")).await?;
        ensure!(nothing.refused(Reason::InvalidField).body["errors"][0]["field"] == "files", "{nothing:?}");
        let unnamed = send(Form::default().bytes("a.jsonl", b"{}\n")).await?;
        ensure!(unnamed.refused(Reason::InvalidField).body["errors"][0]["field"] == "name", "{unnamed:?}");
        let large = send(Form::default().text("name", "mine").bytes("a.txt", &vec![b'\n'; 3_500_000])).await?;
        large.refused(Reason::DatasetTooLarge);
        let larger = send(Form::default().text("name", "mine").bytes("a.txt", &vec![b'\n'; 9_000_000])).await?;
        large.refused(Reason::DatasetTooLarge);
        larger.refused(Reason::DatasetTooLarge);
        ensure!(rig.is_empty().await?, "{:?}", rig.files()?);

        rig.api().post("/datasets", &json!({ "repo_id": repos::ENGLISH, "name": "mine" })).await?;
        send(one("a.jsonl")).await?.refused(Reason::NameTaken);

        // What only the conversion can see ends in the job's error.
        let broken = Form::default().text("name", "broken").bytes("a.jsonl", b"{\"text\": \"a\"}\n{\n");
        let (id, job) = upload(&rig, broken).await?;
        let error = rig.ended(id, job).await?.error.context("a failed job says why")?;
        ensure!(error.reason == Reason::SourceCorrupt && error.detail.contains("a.jsonl"), "{error:?}");
        let column =
            Form::default().text("name", "column").text("text_column", "body").bytes("a.jsonl", b"{\"text\": \"a\"}\n");
        let (id, job) = upload(&rig, column).await?;
        let ended = rig.ended(id, job).await?;
        let error = ended.error.context("a failed job says why")?;
        ensure!(ended.state == JobState::Failed && error.reason == Reason::NoTextColumn, "{error:?}");
        ensure!(error.detail.contains("body") && error.detail.contains("text"), "{error:?}");
        let listed: Value = rig.api().show("/datasets").await?;
        ensure!(listed["total"] == 3, "{listed}");
        rig.done().await
    });
}
