//! The bytes of token shards depend on the source and the configuration: one worker, two or eight, killed and replaced
//! in between, write the same files.

use crate::{bert, run};
use anyhow::{Context, Result, ensure};
use dataset_model::{DatasetId, TokenizationId};
use e2e::{Processes, repos};
use reqwest::StatusCode;
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

/// Of each token shard in order what its file holds, beside what the catalog says that it holds.
async fn shards(stack: &Processes, id: TokenizationId) -> Result<Vec<(String, String)>> {
    let stored: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT key, sha256 FROM shards WHERE tokenization_id = $1 ORDER BY ordinal")
            .bind(id.0)
            .fetch_all(&stack.rig.pool)
            .await?;
    let of_file = |(key, told): (String, Vec<u8>)| {
        let content = fs::read(Path::new(&stack.rig.data_dir).join(&key)).with_context(|| key.clone())?;
        Ok((hex::encode(Sha256::digest(content)), hex::encode(told)))
    };
    stored.into_iter().map(of_file).collect()
}

/// Tokenizes with so many workers, of which some are killed and replaced in the middle; the result is removed.
async fn digests(stack: &mut Processes, dataset: DatasetId, workers: usize, killed: usize) -> Result<Vec<String>> {
    let (id, job) = stack.rig.tokenize(dataset, &bert("train")).await?;
    stack.rig.watch(dataset).await?.until_tokenizing().await?;
    for number in 2..=workers {
        stack.spawn_nth("tokenization", number)?;
    }
    for _ in 0..killed {
        let busy = busy(stack, workers).await?;
        stack.kill(&busy).await?;
        stack.spawn_nth("tokenization", busy.split(' ').nth(1).map_or(Ok(1), str::parse)?)?;
    }
    stack.rig.succeeded(dataset, job).await?;
    for number in 2..=workers {
        stack.stop(&format!("tokenization {number}")).await?;
    }
    let shards = shards(stack, id).await?;
    ensure!(shards.iter().all(|(file, told)| file == told), "{shards:?}");
    let attempts: Vec<i64> = sqlx::query_scalar("SELECT attempt FROM tasks WHERE job_id = $1 AND kind = 'work'")
        .bind(job.0)
        .fetch_all(&stack.rig.pool)
        .await?;
    let again = attempts.iter().filter(|attempt| **attempt > 1).count();
    ensure!(again >= killed.min(1), "no task was done again: {attempts:?}");
    println!("{workers} workers, {killed} killed: {} shards, {again} of them begun again", shards.len());
    stack.rig.api().delete(&format!("/tokenizations/{id}")).await?.expect(StatusCode::NO_CONTENT)?;
    Ok(shards.into_iter().map(|(file, _)| file).collect())
}

/// A worker that has a task now.
async fn busy(stack: &Processes, workers: usize) -> Result<String> {
    let mut found = None;
    let holds = async || {
        let running = "SELECT worker FROM tasks WHERE state = 'running' AND kind = 'work' AND worker IS NOT NULL";
        let names: Vec<String> = sqlx::query_scalar(running).fetch_all(&stack.rig.pool).await.unwrap_or_default();
        let names: BTreeSet<String> = names.into_iter().collect();
        found = (1..=workers)
            .map(|number| Processes::nth("tokenization", number))
            .find(|name| stack.pid(name).is_ok_and(|pid| names.contains(&format!("tokenization-{pid}"))));
        found.is_some()
    };
    test_kit::wait_until(Duration::from_mins(1), "a worker has a task", holds).await;
    found.context("no worker")
}

#[test]
fn shards_are_the_same_bytes_whoever_writes_them() {
    run(async {
        let mut stack = Processes::start(&["train"]).await?;
        repos::many_shards(stack.rig.hub_root())?;
        let dataset = stack.rig.ingest(repos::MANY).await?.id;
        let alone = digests(&mut stack, dataset, 1, 0).await?;
        ensure!(alone.len() == repos::MANY_SHARDS, "{alone:?}");
        for (workers, killed) in [(2, 1), (8, 3)] {
            ensure!(
                digests(&mut stack, dataset, workers, killed).await? == alone,
                "{workers} workers wrote other bytes"
            );
        }
        stack.done().await
    });
}
