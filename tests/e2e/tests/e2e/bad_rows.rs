//! Rows that cannot be read: they end an ingest, or are skipped, counted and shown, and the others still lead back.

use crate::{bert, run};
use anyhow::{Context, Result, ensure};
use dataset_model::{Dataset, DatasetId, DatasetStatus, JobId, Reason, SkippedRows};
use e2e::{Rig, form::Form, repos};
use reqwest::StatusCode;
use serde_json::{Value, json};
use test_kit::fake_hub::FakeHub;

/// Every third line of real documents is cut in its middle, and the first; gives the numbers of the whole ones too.
fn cut_documents() -> Result<(String, Vec<u64>)> {
    let documents: Vec<String> = repos::documents()?.into_iter().take(300).collect();
    let is_cut = |n: usize| n == 0 || n % 3 == 1;
    let line = |(n, text): (usize, &String)| if is_cut(n) { text.chars().take(40).collect() } else { text.clone() };
    let lines: Vec<String> = documents.iter().enumerate().map(line).collect();
    let whole = (0..documents.len()).filter(|n| !is_cut(*n)).map(|n| n as u64);
    Ok((lines.join("\n") + "\n", whole.collect()))
}

async fn start(rig: &Rig, dataset: DatasetId, body: &Value) -> Result<JobId> {
    let answer = rig.api().post(&format!("/datasets/{dataset}/download"), body).await?.expect(StatusCode::ACCEPTED)?;
    let job = serde_json::from_value(answer["job_id"].clone())?;
    rig.acknowledge(dataset, job);
    Ok(job)
}

/// The dataset has the whole lines alone, and says what it left out.
async fn has_the_whole_lines(rig: &Rig, id: DatasetId, whole: &[u64]) -> Result<Dataset> {
    let dataset = rig.dataset(id).await?;
    ensure!(dataset.status == DatasetStatus::Ready && dataset.row_count == Some(whole.len() as u64), "{dataset:?}");
    let skipped: SkippedRows = serde_json::from_value(dataset.metadata["skipped_rows"].clone())?;
    ensure!(skipped.count == 300 - whole.len() as u64 && skipped.first.len() == 100, "{skipped:?}");
    let lines: Vec<u64> = skipped.first.iter().map(|row| row.line).take(4).collect();
    ensure!(lines == [1, 2, 5, 8] && skipped.first[0].file.ends_with("train.jsonl"), "{lines:?}");
    Ok(dataset)
}

#[test]
fn they_are_skipped_when_asked_for_and_every_token_leads_back_to_its_line() {
    run(async {
        let rig = Rig::small(&["train"]).await?;
        let (content, whole) = cut_documents()?;
        FakeHub::repo(rig.hub_root(), "datasets/acme/cut").file("data/train.jsonl", content).write()?;
        let id = rig.create("acme/cut").await?;
        let failed = start(&rig, id, &json!({})).await?;
        let problem = rig.ended(id, failed).await?.error.context("a failure")?;
        ensure!(problem.reason == Reason::SourceCorrupt, "{problem}");
        ensure!(problem.detail.starts_with("line 1 of `data/train.jsonl`"), "{problem}");
        ensure!(problem.next_step.is_some_and(|step| step.contains("on_bad_rows")));

        let job = start(&rig, id, &json!({ "on_bad_rows": "skip" })).await?;
        rig.succeeded(id, job).await?;
        has_the_whole_lines(&rig, id, &whole).await?;
        // The same again is the same; to fail on what was skipped is something else.
        ensure!(start(&rig, id, &json!({ "on_bad_rows": "skip" })).await? == job);
        rig.api().post(&format!("/datasets/{id}/download"), &json!({})).await?.refused(Reason::DatasetReady);

        let (tokenization, job) = rig.tokenize(id, &bert("train")).await?;
        rig.succeeded(id, job).await?;
        let plan = json!({ "sources": [{ "tokenization_id": tokenization }], "shuffle": "global",
            "global_batch_rows": 64, "seed": 3 });
        let mut led_back = 0;
        for step in 0..3 {
            let asked = json!({ "plan": plan, "step": step });
            let answer = rig.api().post("/read-plans/lookup", &asked).await?.expect(StatusCode::OK)?;
            for row in answer["ranks"][0]["rows"].as_array().context("rows")? {
                let doc = usize::try_from(row["doc"].as_u64().context("a document")?)?;
                ensure!(row["source_row"] == whole[doc] && row["source_file"] == "data/train.jsonl", "{row}");
                led_back += 1;
            }
        }
        ensure!(led_back == 3 * 64, "{led_back}");
        rig.done().await
    });
}

#[test]
fn what_was_uploaded_is_read_again_without_them() {
    run(async {
        let rig = Rig::small(&["train"]).await?;
        let (content, whole) = cut_documents()?;
        let form = |name: &str| Form::default().text("name", name).bytes("train.jsonl", content.as_bytes());
        for (name, at_once) in [("asked", true), ("later", false)] {
            let form = if at_once { form(name).text("on_bad_rows", "skip") } else { form(name) };
            let answer = rig.api().upload(form.whole()).await?.expect(StatusCode::ACCEPTED)?;
            let id = serde_json::from_value(answer["dataset"]["id"].clone())?;
            let mut job = serde_json::from_value(answer["job_id"].clone())?;
            rig.acknowledge(id, job);
            if !at_once {
                let problem = rig.ended(id, job).await?.error.context("a failure")?;
                ensure!(problem.reason == Reason::SourceCorrupt, "{problem}");
                job = start(&rig, id, &json!({ "on_bad_rows": "skip" })).await?;
            }
            rig.succeeded(id, job).await?;
            has_the_whole_lines(&rig, id, &whole).await?;
        }
        let mend = form("mended").text("on_bad_rows", "mend").whole();
        rig.api().upload(mend).await?.refused(Reason::InvalidField);
        rig.done().await
    });
}
