//! Python as the judge: what pyarrow and others say about the same data.

use anyhow::{Context, Result, ensure};
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
