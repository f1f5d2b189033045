//! The whole platform stops, or falls over, in the middle of each phase, and goes on where it was.

use crate::{SLOW, THREE, bert, busy_rig, halfway, run};
use anyhow::{Context, Result, ensure};
use dataset_model::{JobState, Reason, TokenizationStatus};
use e2e::{Gate, Rig, repos, repos::LONG};
use std::time::Duration;
use test_kit::fake_hub::Logged;

/// Waits until a plan has asked the Hub, for the first time since there were `seen` requests.
async fn planning(rig: &Rig, seen: usize) -> Result<()> {
    let is_asked = |log: &[Logged]| log.iter().skip(seen).any(|request| request.path.contains(repos::ENGLISH));
    let asked = rig.control.wait_for(is_asked);
    tokio::time::timeout(Duration::from_secs(30), asked).await.context("no plan")?;
    Ok(())
}

/// Workers vanish while the catalog stands in the middle of a transaction.
async fn fall_at(rig: &mut Rig, gate: Gate) -> Result<()> {
    gate.reached().await?;
    let (fallen, opened) = tokio::join!(rig.crash(), gate.open());
    fallen.and(opened)
}

#[test]
fn an_ingest_survives_a_restart_in_each_phase() {
    run(async {
        let mut rig = Rig::small(THREE).await?;
        rig.control.throttle(Some(1));
        let dataset = rig.create(repos::ENGLISH).await?;
        let job = rig.download(dataset).await?;
        planning(&rig, 0).await?;
        rig.stop().await?;

        rig.control.throttle(Some(SLOW));
        rig.resume().await?;
        halfway(&rig, 128 << 10).await?;
        rig.stop().await?;

        rig.control.throttle(None);
        let committing = Gate::shut(&rig.pool, "tasks", "NEW.kind = 'work' AND NEW.state = 'done'").await?;
        rig.resume().await?;
        fall_at(&mut rig, committing).await?;

        let finishing = Gate::shut(&rig.pool, "datasets", "NEW.status = 'ready'").await?;
        rig.resume().await?;
        fall_at(&mut rig, finishing).await?;

        rig.resume().await?;
        rig.succeeded(dataset, job).await?;
        rig.equals_the_source(dataset).await?;
        rig.done().await
    });
}

#[test]
fn a_tokenization_survives_a_restart_in_each_phase() {
    run(async {
        let mut rig = busy_rig().await?;
        let dataset = rig.ingest(repos::ENGLISH).await?.id;
        let (id, job) = rig.tokenize(dataset, &bert(LONG)).await?;
        rig.watch(dataset).await?.until_tokenizing().await?;
        rig.restart().await?;
        rig.watch(dataset).await?.until_tokenizing().await?;

        let finishing = Gate::shut(&rig.pool, "tokenizations", "NEW.status = 'ready'").await?;
        fall_at(&mut rig, finishing).await?;
        rig.resume().await?;
        rig.succeeded(dataset, job).await?;
        let survivor = rig.tokenization(id).await?;

        // The same in one go, under another identity of the same content: as many tokens.
        let mut config = bert(LONG);
        config["batch_size"] = 17.into();
        config["stride"] = 15.into();
        let (other, job) = rig.tokenize(dataset, &config).await?;
        rig.succeeded(dataset, job).await?;
        ensure!(survivor.status == TokenizationStatus::Ready && other != id);
        let read = e2e::oracle("flight_statistics.py", &[&rig.flight(), &id.to_string()]).await?;
        ensure!(read["total_tokens"] == survivor.num_tokens.unwrap_or_default(), "{survivor:?}");
        ensure!(read["total_sequences"] == survivor.num_sequences.unwrap_or_default(), "{survivor:?}");
        rig.done().await
    });
}

#[test]
fn workers_that_vanish_lose_their_lease_and_nothing_else() {
    run(async {
        let mut rig = busy_rig().await?;
        rig.control.throttle(Some(SLOW));
        let dataset = rig.create(repos::ENGLISH).await?;
        let job = rig.download(dataset).await?;
        halfway(&rig, 128 << 10).await?;
        rig.crash().await?;
        rig.control.throttle(None);
        rig.resume().await?;
        let job = rig.succeeded(dataset, job).await?;
        ensure!(job.attempt > 1, "it was taken up by another attempt: {job:?}");
        rig.equals_the_source(dataset).await?;

        let (id, job) = rig.tokenize(dataset, &bert(LONG)).await?;
        rig.watch(dataset).await?.until_tokenizing().await?;
        rig.crash().await?;
        rig.resume().await?;
        rig.succeeded(dataset, job).await?;
        ensure!(rig.tokenization(id).await?.status == TokenizationStatus::Ready);
        rig.done().await
    });
}

#[test]
fn a_task_that_kills_its_worker_is_given_up() {
    run(async {
        let mut rig = Rig::small(THREE).await?;
        rig.control.throttle(Some(1));
        let dataset = rig.create(repos::ENGLISH).await?;
        let job = rig.download(dataset).await?;
        let mut seen = 0;
        for _ in 0..3 {
            planning(&rig, seen).await?;
            rig.crash().await?;
            seen = rig.control.requests().len();
            rig.resume().await?;
        }
        let job = rig.ended(dataset, job).await?;
        let error = job.error.context("a failed job says why")?;
        ensure!(job.state == JobState::Failed && error.reason == Reason::Poison, "{error:?}");
        ensure!(job.attempt == 3 && error.next_step.is_some(), "{error:?} after {} attempts", job.attempt);
        // It was the circumstances: the same dataset can be started again.
        rig.control.throttle(None);
        let job = rig.download(dataset).await?;
        rig.succeeded(dataset, job).await?;
        rig.done().await
    });
}
