//! Only the first rows of a source: these very rows, and no more of the source than they need.

use crate::run;
use anyhow::{Context, Result, ensure};
use catalog_client::ShardOwner;
use dataset_model::{DatasetId, JobId, Reason};
use e2e::{Rig, oracle};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const REPO: &str = "tokenmill/english-docs";

async fn first_rows(rig: &Rig, count: u64) -> Result<DatasetId> {
    let dataset = rig.create(REPO).await?;
    let answer = rig.api().post(&path(dataset), &json!({ "max_samples": count })).await?;
    let job: JobId = serde_json::from_value(answer.expect(StatusCode::ACCEPTED)?["job_id"].clone())?;
    rig.acknowledge(dataset, job);
    rig.succeeded(dataset, job).await?;
    Ok(dataset)
}

fn path(dataset: DatasetId) -> String {
    format!("/datasets/{dataset}/download")
}

/// The rows of each split, after they were compared.
async fn compared(rig: &Rig, dataset: DatasetId, count: u64) -> Result<Vec<(String, u64)>> {
    let folder = rig.hub_root().join("datasets").join(REPO);
    let arguments = [folder.to_string_lossy().into_owned(), rig.flight(), dataset.to_string(), count.to_string()];
    let found = oracle("compare_first.py", &arguments.each_ref().map(String::as_str)).await?;
    let splits = rig.dataset(dataset).await?.splits;
    for split in splits.iter().filter(|split| split.row_count > 0) {
        let one: &Value = &found[&split.name];
        ensure!(one["source"] == one["flight"] && one["flight"]["rows"] == split.row_count, "{split:?}: {one}");
    }
    Ok(splits.into_iter().map(|split| (split.name, split.row_count)).collect())
}

/// Files that the Hub has sent bytes of.
fn fetched(rig: &Rig) -> usize {
    let bodies = rig.control.requests().into_iter().filter(|one| one.path.starts_with("/lfs/"));
    bodies.map(|one| one.path).collect::<BTreeSet<_>>().len()
}

#[test]
fn the_first_rows_are_those_of_the_source() {
    run(async {
        let rig = Rig::start().await?;
        let few = first_rows(&rig, 12_000).await?;
        ensure!(fetched(&rig) == 2, "two of five files hold them: {}", fetched(&rig));
        let splits = compared(&rig, few, 12_000).await?;
        ensure!(splits == [("train".to_owned(), 12_000), ("validation".to_owned(), 0)], "{splits:?}");
        let shards = rig.catalog().list_shards(ShardOwner::Dataset(few), Some("train")).await?;
        let ranges: Vec<_> =
            shards.iter().flat_map(|shard| &shard.sources).map(|r| (r.row_start, r.row_count)).collect();
        ensure!(ranges == [(0, 9893), (0, 12_000 - 9893)], "{ranges:?}");

        // The same again is the same; more would be another dataset.
        let job = rig.dataset(few).await?.job.context("a job")?.id.to_string();
        let same = rig.api().post(&path(few), &json!({ "max_samples": 12_000 })).await?.expect(StatusCode::ACCEPTED)?;
        ensure!(same["job_id"] == job, "{same}");
        rig.api().post(&path(few), &json!({})).await?.refused(Reason::DatasetReady);
        let wrong = rig.api().post(&path(few), &json!({ "max_samples": 0 })).await?;
        ensure!(wrong.refused(Reason::InvalidField).body["errors"][0]["field"] == "max_samples", "{wrong:?}");

        let more = first_rows(&rig, 40_000).await?;
        let splits = compared(&rig, more, 40_000).await?;
        ensure!(splits == [("train".to_owned(), 39_572), ("validation".to_owned(), 428)], "{splits:?}");
        let all = first_rows(&rig, 1_000_000).await?;
        ensure!(
            compared(&rig, all, 1_000_000).await? == [("train".to_owned(), 39_572), ("validation".to_owned(), 1649)]
        );
        rig.done().await
    });
}
