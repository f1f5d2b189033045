//! What is deleted is gone at once for every reader, and soon from the volume.

use crate::{SLOW, THREE, bert, halfway, run};
use anyhow::{Result, ensure};
use dataset_model::{DatasetId, Reason, TokenizationId};
use e2e::{Rig, repos};
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;

/// 404 on every route that could still show something.
async fn is_gone(rig: &Rig, dataset: DatasetId, tokenization: Option<TokenizationId>) -> Result<()> {
    let base = format!("/datasets/{dataset}");
    for path in ["", "/samples", "/statistics", "/tokenizations", "/events"] {
        rig.api().get(&format!("{base}{path}")).await?.refused(Reason::NotFound);
    }
    for path in ["/download", "/cancel"] {
        rig.api().post(&format!("{base}{path}"), &json!({})).await?.refused(Reason::NotFound);
    }
    rig.api().post(&format!("{base}/tokenize"), &bert("train")).await?.refused(Reason::NotFound);
    rig.api().delete(&base).await?.refused(Reason::NotFound);
    if let Some(id) = tokenization {
        rig.api().get(&format!("/tokenizations/{id}")).await?.refused(Reason::NotFound);
    }
    let folder = rig.hub_root().join("datasets").join(repos::ENGLISH);
    let folder = folder.to_string_lossy();
    let read = e2e::oracle("compare_rows.py", &[&folder, &rig.flight(), &dataset.to_string()]).await;
    let refusal = read.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(refusal.contains("there is no"), "Flight still reads it: {refusal}");
    Ok(())
}

#[test]
fn a_ready_dataset_goes_with_all_that_it_has() {
    run(async {
        let rig = Rig::small(THREE).await?;
        let dataset = rig.ingest(repos::ENGLISH).await?;
        let (tokenization, job) = rig.tokenize(dataset.id, &bert("test")).await?;
        rig.succeeded(dataset.id, job).await?;
        ensure!(!rig.files()?.is_empty());

        rig.api().delete(&format!("/datasets/{}", dataset.id)).await?.expect(StatusCode::NO_CONTENT)?;
        is_gone(&rig, dataset.id, Some(tokenization)).await?;
        let no_files = async || rig.files().is_ok_and(|files| files.is_empty());
        test_kit::wait_until(Duration::from_secs(15), "no file is left", no_files).await;
        // The name is free, and the same content can be had again.
        let again = rig.ingest(repos::ENGLISH).await?;
        ensure!(again.name == dataset.name && again.id != dataset.id, "{} {}", again.name, dataset.name);
        rig.done().await
    });
}

#[test]
fn a_tokenization_goes_alone() {
    run(async {
        let rig = Rig::small(THREE).await?;
        let dataset = rig.ingest(repos::ENGLISH).await?.id;
        let (id, job) = rig.tokenize(dataset, &bert("test")).await?;
        rig.succeeded(dataset, job).await?;
        let before = rig.files()?.len();
        rig.api().delete(&format!("/tokenizations/{id}")).await?.expect(StatusCode::NO_CONTENT)?;
        rig.api().get(&format!("/tokenizations/{id}")).await?.refused(Reason::NotFound);
        rig.api().get(&format!("/datasets/{dataset}/statistics")).await?.refused(Reason::DatasetNotReady);
        let fewer = async || rig.files().is_ok_and(|files| files.len() < before);
        test_kit::wait_until(Duration::from_secs(15), "its files are gone", fewer).await;
        rig.api().show(&format!("/datasets/{dataset}/samples?limit=1")).await?;
        rig.done().await
    });
}

#[test]
fn a_dataset_goes_while_it_is_downloaded() {
    run(async {
        let rig = Rig::small(THREE).await?;
        rig.control.throttle(Some(SLOW));
        let dataset = rig.create(repos::ENGLISH).await?;
        rig.download(dataset).await?;
        halfway(&rig, 256 << 10).await?;
        rig.api().delete(&format!("/datasets/{dataset}")).await?.expect(StatusCode::NO_CONTENT)?;
        is_gone(&rig, dataset, None).await?;
        rig.done().await
    });
}
