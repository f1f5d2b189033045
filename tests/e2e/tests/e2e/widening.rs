//! A split whose files lie in several tasks and have different columns, from the Hub to its readers.

use crate::{bert, run};
use anyhow::{Result, ensure};
use dataset_model::DatasetStatus;
use e2e::{Rig, repos};
use serde_json::{Value, json};
use test_kit::fake_hub::FakeHub;

/// More than one task holds.
const FILES: usize = 130;

#[test]
fn its_rows_are_those_of_the_source_with_the_columns_of_all() {
    run(async {
        let rig = Rig::small(&["train"]).await?;
        let mut repo = FakeHub::repo(rig.hub_root(), "datasets/acme/wide");
        let documents = repos::documents()?;
        for (number, rows) in documents.chunks(documents.len().div_ceil(FILES)).enumerate() {
            let row = |(n, text): (usize, &String)| -> Result<String> {
                let document: Value = serde_json::from_str(text)?;
                let row = if number < 100 {
                    json!({ "n": n, "title": null, "text": document["text"] })
                } else {
                    json!({ "n": 0.5, "title": document["title"], "text": document["text"], "words": [n] })
                };
                Ok(format!("{row}\n"))
            };
            let lines = rows.iter().enumerate().map(row).collect::<Result<String>>()?;
            repo = repo.file(&format!("data/train-{number:05}.jsonl"), lines);
        }
        repo.write()?;
        let dataset = rig.ingest("acme/wide").await?;
        ensure!(
            dataset.status == DatasetStatus::Ready && dataset.row_count == Some(documents.len() as u64),
            "{dataset:?}"
        );
        let tasks: i64 =
            sqlx::query_scalar("SELECT count(*) FROM tasks WHERE kind = 'work'").fetch_one(&rig.pool).await?;
        ensure!(tasks == 2, "{tasks} tasks");
        rig.equals_the_source(dataset.id).await?;
        let (_, job) = rig.tokenize(dataset.id, &bert("train")).await?;
        rig.succeeded(dataset.id, job).await?;
        rig.done().await
    });
}
