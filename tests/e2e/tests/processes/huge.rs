//! A document of 50 MB is no reason to wait: a cancel in its middle holds at once, and soon nobody works for it.

use crate::{SPLITS, bert, run};
use anyhow::{Context, Result, ensure};
use dataset_model::{JobState, TokenizationStatus};
use e2e::{Processes, repos};
use reqwest::StatusCode;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

const ANSWERED_WITHIN: Duration = Duration::from_secs(1);
const STOPPED_WITHIN: Duration = Duration::from_secs(2);
/// A worker that has nothing to do gives signs of life, and no more.
const IDLE_SHARE: f64 = 0.2;

/// Seconds that a process has had of the processors (`utime` and `stime` of proc(5), in ticks of 10 ms).
fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(f64::from(ticks) / 100.0)
}

/// Files that are being written.
fn unfinished(data_dir: &Path) -> Result<Vec<PathBuf>> {
    let paths = fs::read_dir(data_dir.join("staging"))?.map(|entry| Ok(entry?.path()));
    let paths: Vec<PathBuf> = paths.collect::<Result<_>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "tmp")).collect())
}

#[test]
fn a_huge_document_is_left_in_its_middle() {
    run(async {
        // The engine that is served by default, on one thread: long enough to be left in the middle.
        let fast = [("TOKENMILL_TOKENIZE__ENGINE", "auto"), ("TOKENMILL_TOKENIZE__THREADS", "1")];
        let stack = Processes::start_with(SPLITS, &fast).await?;
        let bytes = repos::huge_document(stack.rig.hub_root())?;
        let dataset = stack.rig.ingest(repos::HUGE).await?.id;
        let (pid, data_dir) = (stack.pid("tokenization")?, Path::new(&stack.rig.data_dir));
        let (id, job) = stack.rig.tokenize(dataset, &bert("train")).await?;
        let loaded = async || unfinished(data_dir).is_ok_and(|files| !files.is_empty());
        test_kit::wait_until(Duration::from_secs(30), "the shard is begun", loaded).await;
        let begun = cpu_seconds(pid)?;
        let busy = async || cpu_seconds(pid).is_ok_and(|now| now > begun + 0.5);
        test_kit::wait_until(Duration::from_secs(30), "the document is worked on", busy).await;

        let asked = Instant::now();
        let cancel = format!("/tokenizations/{id}/cancel");
        stack.rig.api().post(&cancel, &json!({})).await?.expect(StatusCode::NO_CONTENT)?;
        ensure!(stack.rig.tokenization(id).await?.status == TokenizationStatus::Cancelled);
        ensure!(stack.rig.job(job).await?.state == JobState::Cancelled);
        let answered = asked.elapsed();
        ensure!(answered < ANSWERED_WITHIN, "{answered:?}");

        let (mut since, mut used) = (Instant::now(), cpu_seconds(pid)?);
        let idle = async || {
            let (elapsed, now) = (since.elapsed(), cpu_seconds(pid).unwrap_or(f64::INFINITY));
            if elapsed < Duration::from_millis(300) {
                return false;
            }
            let share = (now - used) / elapsed.as_secs_f64();
            (since, used) = (Instant::now(), now);
            share < IDLE_SHARE && unfinished(data_dir).is_ok_and(|files| files.is_empty())
        };
        test_kit::wait_until(STOPPED_WITHIN.saturating_sub(answered), "nobody works for it", idle).await;
        println!("{bytes} bytes: cancelled after {answered:?}, idle and nothing left after {:?}", asked.elapsed());
        stack.done().await
    });
}
