//! One job for many starts, and one answer for one key.

use crate::{THREE, bert, run};
use anyhow::{Result, ensure};
use dataset_model::Reason;
use e2e::{Answer, Rig, repos};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// All answers carry this field, and the same value in it.
fn the_same(answers: Vec<Result<Answer>>, field: &str) -> Result<Value> {
    let mut values = BTreeSet::new();
    for answer in answers {
        values.insert(answer?.expect(StatusCode::ACCEPTED)?[field].to_string());
    }
    ensure!(values.len() == 1, "{values:?}");
    Ok(serde_json::from_str(values.first().map_or("null", String::as_str))?)
}

#[test]
fn twenty_identical_starts_are_one_job() {
    run(async {
        let rig = Rig::small(THREE).await?;
        let dataset = rig.create(repos::ENGLISH).await?;
        let (path, nothing) = (format!("/datasets/{dataset}/download"), json!({}));
        let answers = join_all((0..20).map(|_| rig.api().post(&path, &nothing))).await;
        let job = the_same(answers, "job_id")?;
        let job = serde_json::from_value(job)?;
        rig.acknowledge(dataset, job);
        rig.succeeded(dataset, job).await?;

        let (path, config) = (format!("/datasets/{dataset}/tokenize"), bert("test"));
        let answers = join_all((0..20).map(|_| rig.api().post(&path, &config))).await;
        let job = serde_json::from_value(the_same(answers, "job_id")?)?;
        rig.acknowledge(dataset, job);
        rig.succeeded(dataset, job).await?;
        let jobs = rig.api().show(&format!("/jobs?dataset_id={dataset}")).await?;
        ensure!(jobs["total"] == 2, "{jobs}");

        // Of a ready dataset, the same start again is nothing to do.
        let again = rig.api().post(&format!("/datasets/{dataset}/download"), &nothing).await?;
        again.expect(StatusCode::ACCEPTED)?;
        let other = rig.api().post(&format!("/datasets/{dataset}/download"), &json!({ "split": "test" })).await?;
        other.refused(Reason::DatasetReady);
        rig.done().await
    });
}

#[test]
fn a_key_stands_for_one_request() {
    run(async {
        let rig = Rig::small(THREE).await?;
        let key = [("idempotency-key", "a-key")];
        let post = async |path: &str, body: Value| rig.api().call(Method::POST, path, Some(&body), &key).await;
        let first = post("/datasets", json!({ "repo_id": repos::ENGLISH })).await?.expect(StatusCode::CREATED)?;
        let again = post("/datasets", json!({ "repo_id": repos::ENGLISH })).await?.expect(StatusCode::CREATED)?;
        ensure!(first["id"] == again["id"], "{first} {again}");
        post("/datasets", json!({ "repo_id": "acme/other" })).await?.refused(Reason::IdempotencyKeyReused);

        let path = format!("/datasets/{}/download", first["id"].as_str().unwrap_or_default());
        let other = [("idempotency-key", "another-key")];
        let post = async |body: Value| rig.api().call(Method::POST, &path, Some(&body), &other).await;
        let job = post(json!({ "split": "test" })).await?.expect(StatusCode::ACCEPTED)?;
        let (dataset, id) =
            (serde_json::from_value(first["id"].clone())?, serde_json::from_value(job["job_id"].clone())?);
        rig.acknowledge(dataset, id);
        rig.succeeded(dataset, id).await?;
        // Also after its end, the key gives the answer that it gave.
        ensure!(post(json!({ "split": "test" })).await?.expect(StatusCode::ACCEPTED)? == job);
        post(json!({ "split": "train" })).await?.refused(Reason::IdempotencyKeyReused);
        rig.done().await
    });
}
