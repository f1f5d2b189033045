//! Cancel is done when it is answered, and the workers stop soon after.

use crate::{SLOW, THREE, bert, busy_rig, halfway, last_byte, run};
use anyhow::ensure;
use dataset_model::{DatasetStatus, JobState, Reason, TokenizationStatus};
use e2e::{Rig, repos, repos::LONG};
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// G12: a reachable worker stops its network in less.
const STOPPED_WITHIN: Duration = Duration::from_secs(2);

#[test]
fn a_download_is_cancelled_in_its_middle_and_goes_on_later() {
    run(async {
        let rig = Rig::small(THREE).await?;
        rig.control.throttle(Some(SLOW));
        let dataset = rig.create(repos::ENGLISH).await?;
        let job = rig.download(dataset).await?;
        halfway(&rig, 256 << 10).await?;

        let asked = Instant::now();
        let cancel = format!("/datasets/{dataset}/cancel");
        rig.api().post(&cancel, &json!({})).await?.expect(StatusCode::NO_CONTENT)?;
        println!("cancel was answered after {:?}", asked.elapsed());
        ensure!(rig.dataset(dataset).await?.status == DatasetStatus::Pending);
        ensure!(rig.job(job).await?.state == JobState::Cancelled);
        let silent = last_byte(&rig).await.saturating_duration_since(asked);
        println!("the last byte came {silent:?} after it");
        ensure!(silent < STOPPED_WITHIN, "bytes came {silent:?} after the cancel");
        rig.api().post(&cancel, &json!({})).await?.refused(Reason::JobTerminal);

        let before = rig.control.requests().len();
        rig.control.throttle(None);
        let again = rig.download(dataset).await?;
        ensure!(again != job, "a terminal job does not run again");
        rig.succeeded(dataset, again).await?;
        let resumed = rig.control.requests().into_iter().skip(before).any(|r| r.range.is_some() && r.status == 206);
        ensure!(resumed, "the download began anew instead of going on");
        rig.equals_the_source(dataset).await?;
        rig.done().await
    });
}

#[test]
fn a_tokenization_is_cancelled_in_its_middle_and_done_later() {
    run(async {
        let rig = busy_rig().await?;
        let dataset = rig.ingest(repos::ENGLISH).await?.id;
        let (id, job) = rig.tokenize(dataset, &bert(LONG)).await?;
        rig.watch(dataset).await?.until_tokenizing().await?;

        let cancel = format!("/tokenizations/{id}/cancel");
        rig.api().post(&cancel, &json!({})).await?.expect(StatusCode::NO_CONTENT)?;
        ensure!(rig.tokenization(id).await?.status == TokenizationStatus::Cancelled);
        ensure!(rig.job(job).await?.state == JobState::Cancelled);
        rig.api().post(&cancel, &json!({})).await?.refused(Reason::JobTerminal);

        let (again, job) = rig.tokenize(dataset, &bert(LONG)).await?;
        ensure!(again == id, "the same identity is the same tokenization");
        rig.succeeded(dataset, job).await?;
        ensure!(rig.tokenization(id).await?.status == TokenizationStatus::Ready);
        rig.done().await
    });
}
