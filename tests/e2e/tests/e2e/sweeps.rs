//! What nobody knows goes by itself, and nothing else does.

use crate::{THREE, run};
use anyhow::ensure;
use e2e::{Rig, repos};
use serde_json::json;
use std::time::Duration;

#[test]
fn files_that_no_row_knows_are_removed() {
    run(async {
        let rig = Rig::small_with(THREE, json!({ "storage": { "orphan_seconds": 1 } })).await?;
        let dataset = rig.ingest(repos::ENGLISH).await?;
        let known = rig.files()?;
        // As a worker leaves them that wakes up after its dataset was deleted, and one that was killed while it wrote.
        let orphans = ["datasets/acme__gone/0/raw/0-0-0.01234567.arrow", "staging/left-behind.tmp"];
        for key in orphans {
            let path = rig.data_dir.join(key);
            std::fs::create_dir_all(path.parent().unwrap())?;
            std::fs::write(path, b"nobody knows me")?;
        }
        let gone = async || orphans.iter().all(|key| !rig.data_dir.join(key).exists());
        test_kit::wait_until(Duration::from_secs(20), "the orphans are gone", gone).await;
        ensure!(rig.files()? == known, "the sweep took a file of {}", dataset.id);
        rig.done().await
    });
}
