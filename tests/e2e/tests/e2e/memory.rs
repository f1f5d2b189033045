//! A memory budget that is too small for a batch of documents: half of it is tried, down to one.

use crate::run;
use anyhow::{Context, Result, ensure};
use dataset_model::{Job, JobState, Reason};
use e2e::{Options, Rig, oracle, repos};
use serde_json::{Value, json};
use test_kit::fake_hub::FakeHub;

/// The reference takes an estimated 160 bytes for a byte of text: six documents of 20 KB, none of 200 KB.
const BUDGET: u64 = 20_000_000;
const DOCUMENTS: u64 = 40;

fn lines(texts: impl Iterator<Item = String>) -> String {
    texts.map(|text| json!({ "text": text }).to_string() + "\n").collect()
}

#[test]
fn batches_that_do_not_fit_are_halved_and_single_documents_are_refused() {
    run(async {
        let folder = tempfile::tempdir()?;
        let text = |n: u64, times: usize| format!("document {n} of the mill. ").repeat(times);
        let write = |name: &str, text: String| {
            FakeHub::repo(folder.path(), &format!("datasets/acme/{name}")).file("train.jsonl", text).write()
        };
        write("pages", lines((0..DOCUMENTS).map(|n| text(n, 800))))?;
        write("book", lines([text(1, 10), text(2, 8000)].into_iter()))?;
        std::os::unix::fs::symlink(test_kit::sample_hub().join("models"), folder.path().join("models"))?;
        let settings = json!({ "tokenize": { "threads": 2, "engine": "reference", "memory_bytes": BUDGET } });
        let hub = Some(folder.path().to_owned());
        let rig = Rig::with(Options { hub, settings, ..Options::default() }).await?;
        let config = json!({ "tokenizer_name": repos::BERT, "max_length": 128, "stride": 16 });

        let pages = rig.ingest("acme/pages").await?.id;
        let (id, job) = rig.tokenize(pages, &config).await?;
        let work = work(&rig.ended(pages, job).await?)?;
        // 800 KB of text are one batch: all 40 documents, then 20, then 10, then 5, which fit.
        ensure!(work["attempts"] == 4, "{work}");
        let read = oracle("flight_statistics.py", &[&rig.flight(), &id.to_string()]).await?;
        eprintln!("{} tokens of {DOCUMENTS} documents after {} attempts", read["total_tokens"], work["attempts"]);
        ensure!(read["documents"] == DOCUMENTS, "{read}");
        ensure!(read["total_tokens"] == rig.tokenization(id).await?.num_tokens.context("a count")?, "{read}");

        let book = rig.ingest("acme/book").await?.id;
        let (_, job) = rig.tokenize(book, &config).await?;
        let job = rig.ended(book, job).await?;
        let error = job.error.clone().context("a failed job says why")?;
        ensure!(job.state == JobState::Failed && error.reason == Reason::TokenizeOom, "{job:?}");
        ensure!(error.next_step.is_some_and(|step| step.contains("memory_bytes")), "{job:?}");
        rig.done().await
    });
}

/// What the job tells of its work, attempts among it.
fn work(job: &Job) -> Result<Value> {
    ensure!(job.state == JobState::Succeeded, "{job:?}");
    let phases = serde_json::to_value(&job.phases)?;
    let work = phases.as_array().into_iter().flatten().find(|phase| phase["name"] == "work");
    work.cloned().with_context(|| phases.to_string())
}
