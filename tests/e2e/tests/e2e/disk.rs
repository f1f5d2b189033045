//! A volume that is really full: a small tmpfs. Needs root, to mount it; says so where it is not.

use crate::{THREE, run};
use anyhow::{Context, Result, ensure};
use dataset_model::{JobState, Reason};
use e2e::{Options, Rig, form::Form, repos};
use reqwest::StatusCode;
use std::{fs, path::Path, process::Command, time::Duration};

/// Enough for all rows and one file of them, as long as nothing else lies there.
const SIZE: &str = "size=8m";

/// Unmounted when dropped.
struct Volume<'a>(&'a Path);

impl Drop for Volume<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

fn part_files(volume: &Path) -> u64 {
    let entries = fs::read_dir(volume.join("staging")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

#[test]
fn a_full_volume_fails_the_job_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder.path());
    if !mount.output().is_ok_and(|done| done.status.success()) {
        println!("skipped: no small volume can be mounted here; run it as root");
        return;
    }
    let volume = Volume(folder.path());
    run(full(volume.0));
}

async fn full(volume: &Path) -> Result<()> {
    let settings = serde_json::json!({ "ingestion": { "slots": 1 } });
    let options = Options { data_dir: Some(volume.to_owned()), settings, ..Options::default() };
    let mut rig = Rig::unstarted(options, Some(THREE)).await?;
    // Something else takes the room away only after the plan has seen it.
    let ballast = volume.join("ballast");
    rig.control.throttle(Some(1 << 20));
    rig.resume().await?;
    let dataset = rig.create(repos::ENGLISH).await?;
    fs::write(&ballast, [])?;
    let job = rig.download(dataset).await?;
    crate::halfway(&rig, 64 << 10).await?;
    fs::write(&ballast, vec![0; 6 << 20]).context("ballast")?;
    rig.control.throttle(None);

    let job = rig.ended(dataset, job).await?;
    let error = job.error.context("a failed job says why")?;
    ensure!(job.state == JobState::Failed && error.reason == Reason::DiskFull, "{error:?}");
    ensure!(error.next_step.is_some() && error.reason.http_status() == 507, "{error:?}");
    let freed = async || part_files(volume) == 0;
    test_kit::wait_until(Duration::from_secs(5), "the partial files are gone", freed).await;
    rig.api().get("/datasets").await?.expect(StatusCode::OK)?;
    rig.api().get(&format!("/datasets/{dataset}")).await?.expect(StatusCode::OK)?;

    fs::remove_file(&ballast)?;
    let job = rig.download(dataset).await?;
    rig.succeeded(dataset, job).await?;

    // An upload that cannot fit together with its shards is refused before it is written.
    let large = Form::default().text("name", "large").bytes("a.txt", &vec![b'\n'; 6 << 20]);
    let answer = rig.api().upload(large.whole()).await?;
    answer.refused(Reason::DiskFull);
    ensure!(part_files(volume) == 0, "{answer:?}");
    rig.done().await
}
