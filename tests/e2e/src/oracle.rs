//! Python as the judge: what pyarrow and others say about the same data.

use crate::Rig;
use anyhow::{Context, Result, ensure};
use dataset_model::DatasetId;
use serde_json::Value;
use std::path::Path;
use tokio::process::Command;

/// Runs a program of `oracle/`, which prints JSON.
pub async fn oracle(script: &str, arguments: &[&str]) -> Result<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle").join(script);
    let output = Command::new(test_kit::python()).arg(&script).args(arguments).output().await?;
    ensure!(output.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("the oracle prints no JSON")
}

impl Rig {
    /// G5: what is read over Flight is the source, each row once, in order, as pyarrow reads both.
    pub async fn equals_the_source(&self, dataset: DatasetId) -> Result<()> {
        let dataset = self.dataset(dataset).await?;
        let folder = self.hub_root().join("datasets").join(dataset.repo_id.as_str());
        let folder = folder.to_string_lossy();
        let found = oracle("compare_rows.py", &[&folder, &self.flight(), &dataset.id.to_string()]).await?;
        let splits = found.as_object().context("splits")?;
        ensure!(splits.len() == dataset.splits.len(), "{found} against {:?}", dataset.splits);
        for split in &dataset.splits {
            let one = &found[&split.name];
            ensure!(one["flight"] == one["source"] && one["flight"]["rows"] == split.row_count, "{split:?}: {one}");
        }
        let sum = dataset.splits.iter().map(|split| split.row_count).sum();
        ensure!(dataset.row_count == Some(sum), "{:?} rows in {:?}", dataset.row_count, dataset.splits);
        Ok(())
    }
}
